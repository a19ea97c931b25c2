-- The set-based form of core.domain.sign_offs: the latest answer of each person since a sign-off was asked for
-- last, whether it holds on $day, and whether every role's quorum is reached. Severity as in requirement_state.
policy_gate AS (
    SELECT unnest(from_json($gates,
        '[{"class_id":"VARCHAR","gate":"VARCHAR","step":"INTEGER","per_version":"BOOLEAN"}]'), recursive := true)
),
policy_seat AS (
    SELECT unnest(from_json($seats, '[{"class_id":"VARCHAR","gate":"VARCHAR","role":"VARCHAR",
        "quorum":"INTEGER","valid_days":"INTEGER"}]'), recursive := true)
),
policy_breach AS (
    SELECT unnest(from_json($breaches, '[{"check_id":"VARCHAR"}]'), recursive := true)
),
policy_watched AS (
    SELECT unnest(from_json($watched, '[{"class_id":"VARCHAR","measure":"VARCHAR","step":"INTEGER"}]'),
        recursive := true)
),
demand_coverage AS (
    SELECT unnest(from_json($coverage,
        '[{"sha256":"VARCHAR","class_id":"VARCHAR","gate":"VARCHAR","covered":"BOOLEAN"}]'), recursive := true)
),
sign_off_round AS (
    SELECT initiative, gate, max(seq) AS asked_seq FROM sign_off
    WHERE seq <= $seq AND act = 'requested' GROUP BY initiative, gate
),
newest_answer AS (
    SELECT s.initiative, s.gate, coalesce(nullif(s.on_behalf_of, ''), s.actor) AS seat,
        arg_max({'seq': s.seq, 'actor': s.actor, 'act': s.act, 'outcome': s.outcome, 'role': s.role,
            'version': s.version, 'demands': s.demands_sha256, 'evidence': s.evidence,
            'day': s.recorded_at::DATE}, s.seq) AS given
    FROM sign_off s
    JOIN sign_off_round r ON r.initiative = s.initiative AND r.gate = s.gate AND s.seq > r.asked_seq
    WHERE s.seq <= $seq AND s.act IN ('decided', 'withdrawn') GROUP BY ALL
),
answer AS (
    SELECT n.initiative, n.gate, n.seat, n.given.seq AS seq, n.given.actor AS actor, n.given.act AS act,
        n.given.outcome AS outcome, n.given.role AS role, n.given.version AS version,
        n.given.demands AS demands, n.given.evidence AS evidence, n.given.day AS day, c.class_id
    FROM newest_answer n JOIN current_classification c USING (initiative)
),
newest_evidence AS (
    SELECT initiative, measure, max(seq) AS seq, max(recorded_at::DATE) AS proved_on,
        arg_max(coalesce(sha256, link, ''), seq) AS key
    FROM counting_evidence GROUP BY initiative, measure
),
watched_at AS MATERIALIZED (
    SELECT DISTINCT g.class_id, g.gate, p.measure FROM policy_gate g
    JOIN policy_watched p ON p.class_id = g.class_id AND p.step <= g.step
),
newer_evidence AS MATERIALIZED (
    SELECT a.initiative, a.gate, a.seat, a.class_id, a.evidence, e.measure, e.key
    FROM answer a JOIN newest_evidence e ON e.initiative = a.initiative AND e.seq > a.seq
),
changed_since AS (
    SELECT DISTINCT n.initiative, n.gate, n.seat
    FROM newer_evidence n JOIN watched_at p USING (class_id, gate, measure)
    WHERE json_extract_string(n.evidence, '$.' || n.measure) IS DISTINCT FROM n.key
),
newest_breach AS (
    SELECT initiative, max(c.seq) AS seq FROM counting_check_run c JOIN policy_breach USING (check_id)
    WHERE c.verdict = 'fail' GROUP BY initiative
),
signature AS (
    SELECT a.initiative, a.gate, a.class_id, a.role, a.act, a.outcome, a.day, p.quorum,
        a.day + p.valid_days AS expires_on,
        a.act = 'decided' AND a.outcome = 'approved' AND p.role IS NOT NULL
            AND (NOT g.per_version OR a.version IS NOT DISTINCT FROM v.version)
            AND coalesce(d.covered, false)
            AND (p.valid_days IS NULL OR a.day + p.valid_days >= $day::DATE)
            AND NOT coalesce(b.seq > a.seq, false)
            AND a.actor NOT IN (i.owner, i.builder) AND a.seat NOT IN (i.owner, i.builder)
            AND x.seat IS NULL AS holds
    FROM answer a
    JOIN policy_gate g ON g.class_id = a.class_id AND g.gate = a.gate
    JOIN current_initiative i ON i.initiative = a.initiative
    LEFT JOIN policy_seat p ON p.class_id = a.class_id AND p.gate = a.gate AND p.role = a.role
    LEFT JOIN current_version v ON v.initiative = a.initiative
    LEFT JOIN demand_coverage d ON d.sha256 = a.demands AND d.class_id = a.class_id AND d.gate = a.gate
    LEFT JOIN newest_breach b ON b.initiative = a.initiative
    LEFT JOIN changed_since x ON x.initiative = a.initiative AND x.gate = a.gate AND x.seat = a.seat
),
refusal AS (
    SELECT DISTINCT initiative, gate FROM signature
    WHERE act = 'decided' AND outcome IN ('rejected', 'abandoned')
),
role_tally AS (
    SELECT initiative, gate, role, any_value(quorum) AS quorum, count(*) AS holding,
        max(day) AS signed_on, list_reverse_sort(list(expires_on)) AS ends
    FROM signature WHERE holds GROUP BY initiative, gate, role
),
gate_tally AS (
    SELECT initiative, gate, count(*) FILTER (holding >= quorum) AS reached,
        min(ends[quorum]) FILTER (holding >= quorum) AS expires_on, max(signed_on) AS signed_on
    FROM role_tally GROUP BY initiative, gate
),
seats_wanted AS (SELECT class_id, gate, count(*) AS wanted FROM policy_seat GROUP BY class_id, gate),
-- Only what somebody signed or refused; a gate that is not here has no signature yet.
sign_off_state AS (
    SELECT initiative, gate,
        CASE
            WHEN f.initiative IS NOT NULL THEN 5
            WHEN t.reached < w.wanted THEN 4
            WHEN t.expires_on - $day::DATE <= $expiring_days THEN 2
            ELSE 1
        END AS severity,
        t.expires_on, t.signed_on
    FROM gate_tally t
    FULL JOIN refusal f USING (initiative, gate)
    JOIN current_classification c USING (initiative)
    JOIN seats_wanted w USING (class_id, gate)
)
