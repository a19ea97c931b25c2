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
seat_answer AS (
    SELECT s.initiative, s.gate, coalesce(nullif(s.on_behalf_of, ''), s.actor) AS seat, max(s.seq) AS seq
    FROM sign_off s
    JOIN sign_off_round r ON r.initiative = s.initiative AND r.gate = s.gate AND s.seq > r.asked_seq
    WHERE s.seq <= $seq AND s.act IN ('decided', 'withdrawn') GROUP BY ALL
),
answer AS MATERIALIZED (
    SELECT c.key, c.class_id, c.version AS current_version, n.seat, s.* EXCLUDE (reason, on_behalf_of)
    FROM seat_answer n
    JOIN sign_off s ON s.initiative = n.initiative AND s.gate = n.gate AND s.seq = n.seq
        AND coalesce(nullif(s.on_behalf_of, ''), s.actor) = n.seat
    JOIN classified c ON c.initiative = n.initiative
),
newest_evidence AS MATERIALIZED (
    SELECT c.key, c.class_id, e.measure, max(e.seq) AS seq, max(e.recorded_at)::DATE AS proved_on
    FROM evidence e JOIN classified c USING (initiative)
    WHERE e.seq <= $seq AND (e.version IS NULL OR e.version = c.version)
    GROUP BY c.key, c.class_id, e.measure
),
watched_at AS (
    SELECT DISTINCT g.class_id, g.gate, p.measure FROM policy_gate g
    JOIN policy_watched p ON p.class_id = g.class_id AND p.step <= g.step
),
-- Only what came after an answer can have changed since; it is the same if its content is.
newer_evidence AS MATERIALIZED (
    SELECT a.key, a.class_id, a.initiative, a.gate, a.seat, a.evidence, e.measure, e.seq
    FROM answer a JOIN newest_evidence e ON e.key = a.key AND e.seq > a.seq
),
changed_since AS (
    SELECT DISTINCT n.key, n.gate, n.seat
    FROM newer_evidence n
    JOIN watched_at w ON w.class_id = n.class_id AND w.gate = n.gate AND w.measure = n.measure
    JOIN evidence e ON e.initiative = n.initiative AND e.measure = n.measure AND e.seq = n.seq
    WHERE json_extract_string(n.evidence, '$.' || n.measure)
        IS DISTINCT FROM coalesce(e.sha256, e.link, '')
),
newest_breach AS (
    SELECT c.key, max(r.seq) AS seq
    FROM check_run r
    JOIN policy_breach USING (check_id)
    JOIN classified c USING (initiative)
    WHERE r.verdict = 'fail' AND r.seq <= $seq AND (r.version IS NULL OR r.version = c.version)
    GROUP BY c.key
),
signature AS MATERIALIZED (
    SELECT a.key, a.gate, a.class_id, a.role, a.act, a.outcome, a.recorded_at::DATE AS day, p.quorum,
        day + p.valid_days AS expires_on,
        a.act = 'decided' AND a.outcome = 'approved' AND p.role IS NOT NULL
            AND (NOT g.per_version OR a.version IS NOT DISTINCT FROM a.current_version)
            AND coalesce(d.covered, false)
            AND (p.valid_days IS NULL OR day + p.valid_days >= $day::DATE)
            AND NOT coalesce(b.seq > a.seq, false)
            AND a.actor NOT IN (i.owner, i.builder) AND a.seat NOT IN (i.owner, i.builder)
            AND x.seat IS NULL AS holds
    FROM answer a
    JOIN policy_gate g ON g.class_id = a.class_id AND g.gate = a.gate
    JOIN current_initiative i ON i.initiative = a.initiative
    LEFT JOIN policy_seat p ON p.class_id = a.class_id AND p.gate = a.gate AND p.role = a.role
    LEFT JOIN demand_coverage d ON d.sha256 = a.demands_sha256 AND d.class_id = a.class_id AND d.gate = a.gate
    LEFT JOIN newest_breach b ON b.key = a.key
    LEFT JOIN changed_since x ON x.key = a.key AND x.gate = a.gate AND x.seat = a.seat
),
refusal AS (
    SELECT DISTINCT key, class_id, gate FROM signature
    WHERE act = 'decided' AND outcome IN ('rejected', 'abandoned')
),
role_tally AS (
    SELECT key, class_id, gate, role, any_value(quorum) AS quorum, count(*) AS holding,
        max(day) AS signed_on, list_reverse_sort(list(expires_on)) AS ends
    FROM signature WHERE holds GROUP BY ALL
),
gate_tally AS (
    SELECT key, class_id, gate, count(*) FILTER (holding >= quorum) AS reached,
        min(ends[quorum]) FILTER (holding >= quorum) AS expires_on, max(signed_on) AS signed_on
    FROM role_tally GROUP BY ALL
),
seats_wanted AS (SELECT class_id, gate, count(*) AS wanted FROM policy_seat GROUP BY class_id, gate),
-- Only what somebody signed or refused; a gate that is not here has no signature yet.
sign_off_of AS (
    SELECT key, class_id, gate,
        CASE
            WHEN f.key IS NOT NULL THEN 5
            WHEN t.reached < w.wanted THEN 4
            WHEN t.expires_on - $day::DATE <= $expiring_days THEN 2
            ELSE 1
        END AS severity,
        t.expires_on, t.signed_on
    FROM gate_tally t
    FULL JOIN refusal f USING (key, class_id, gate)
    JOIN seats_wanted w USING (class_id, gate)
),
sign_off_state AS (
    SELECT c.initiative, s.* EXCLUDE (key) FROM sign_off_of s JOIN classified c USING (key)
)
