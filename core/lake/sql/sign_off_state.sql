-- The set-based form of core.domain.process.sign_offs: the latest answer of each person since a sign-off was asked
-- for last, whether it holds on $day, and whether every role's quorum is reached. Severity as in proof_state.
watched_at AS (
    SELECT DISTINCT g.class_id, g.gate, p.measure FROM policy_gate g
    JOIN policy_watched p ON p.class_id = g.class_id AND p.step <= g.step
),
changed_since AS (
    SELECT DISTINCT key, gate, seat FROM renewed_evidence SEMI JOIN watched_at USING (class_id, gate, measure)
),
newest_breach AS (
    SELECT c.key, max(r.seq) AS seq
    FROM check_run r
    JOIN policy_breach USING (check_id)
    JOIN classified c USING (initiative)
    WHERE r.verdict = 'fail' AND r.seq <= $seq AND (r.version IS NULL OR r.version = c.version)
    GROUP BY c.key
),
-- Answers to other words than those of now: purpose, kind, answers and owner are signed with all the rest.
rewritten AS (
    SELECT DISTINCT a.key, a.gate, a.seat FROM answer a
    ASOF JOIN initiative t ON t.initiative = a.initiative AND t.seq < a.seq
    JOIN current_initiative n ON n.initiative = a.initiative AND n.seq > a.seq
    WHERE n.purpose <> t.purpose OR n.kind <> t.kind OR n.answers <> t.answers OR n.owner <> t.owner
),
met_condition AS (
    SELECT initiative, signed_seq, max(recorded_at::DATE) AS met_on FROM condition_met WHERE seq <= $seq
    GROUP BY initiative, signed_seq
),
signature AS MATERIALIZED (
    SELECT a.key, a.gate, a.class_id, a.role, a.act, a.outcome, a.recorded_at::DATE AS day, p.quorum,
        day + p.valid_days AS expires_on,
        a.act = 'decided' AND a.outcome = 'approved' AND p.role IS NOT NULL
            AND (NOT g.per_version OR a.version IS NOT DISTINCT FROM a.current_version)
            AND a.signed_class IN ('', a.class_id)
            AND coalesce(d.covered, false)
            AND NOT coalesce(d.limit_then <> '' AND l.words <> '' AND d.limit_then <> l.words, false)
            AND (p.valid_days IS NULL OR day + p.valid_days >= $day::DATE)
            AND NOT coalesce(b.seq > a.seq, false)
            AND coalesce(a.condition_due >= $day::DATE OR k.met_on <= a.condition_due, a.condition_due IS NULL)
            AND a.actor NOT IN (i.owner, i.builder) AND a.seat NOT IN (i.owner, i.builder)
            AND x.seat IS NULL AND w.seat IS NULL AS holds
    FROM answer a
    JOIN policy_gate g ON g.class_id = a.class_id AND g.gate = a.gate
    JOIN current_initiative i ON i.initiative = a.initiative
    LEFT JOIN policy_seat p ON p.class_id = a.class_id AND p.gate = a.gate AND p.role = a.role
    LEFT JOIN demand_coverage d ON d.sha256 = a.demands_sha256 AND d.cell = a.cell AND d.gate = a.gate
    LEFT JOIN ethical_limit l ON l.domain = i.domain AND l.task = a.task
    LEFT JOIN newest_breach b ON b.key = a.key
    LEFT JOIN met_condition k ON k.initiative = a.initiative AND k.signed_seq = a.seq
    LEFT JOIN changed_since x ON x.key = a.key AND x.gate = a.gate AND x.seat = a.seat
    LEFT JOIN rewritten w ON w.key = a.key AND w.gate = a.gate AND w.seat = a.seat
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
sign_off_state AS (
    SELECT c.initiative, c.key, c.class_id, c.cell, gate,
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
    JOIN classified c USING (key)
)
