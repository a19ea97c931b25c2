-- The set-based form of core.domain.requirements: every requirement of every initiative, held against its
-- proofs on $day. Severity: 1 met, 2 expiring, 3 cannot tell, 4 missing, 5 failed; the worst proof counts.
policy_proof AS (
    SELECT unnest(from_json($proofs, '[{"measure":"VARCHAR","check_id":"VARCHAR","valid_days":"INTEGER"}]'),
        recursive := true)
),
policy_asked AS (
    SELECT unnest(from_json($asked, '[{"class_id":"VARCHAR","class_place":"INTEGER","consideration":"VARCHAR",
        "requirement":"VARCHAR","measure":"VARCHAR","place":"INTEGER","step":"INTEGER","responsible":"VARCHAR",
        "due_days":"INTEGER","per_version":"BOOLEAN"}]'), recursive := true)
),
newest_evidence AS (
    SELECT initiative, measure, max(recorded_at::DATE) AS proved_on FROM counting_evidence GROUP BY ALL
),
initiative_measure AS (
    SELECT DISTINCT c.initiative, a.measure
    FROM current_classification c JOIN policy_asked a USING (class_id)
),
proof AS (
    SELECT im.initiative, im.measure, p.check_id, p.valid_days, c.verdict,
        CASE WHEN p.check_id IS NULL THEN e.proved_on ELSE c.recorded_at::DATE END AS proved_on
    FROM initiative_measure im
    JOIN policy_proof p USING (measure)
    LEFT JOIN newest_evidence e
        ON p.check_id IS NULL AND e.initiative = im.initiative AND e.measure = im.measure
    LEFT JOIN current_check_run c ON c.check_id = p.check_id AND c.initiative = im.initiative
),
proof_state AS (
    SELECT initiative, measure,
        CASE WHEN verdict IN ('fail', 'cannot_tell') THEN NULL ELSE proved_on + valid_days END AS expires_on,
        CASE
            WHEN verdict = 'fail' THEN 5
            WHEN verdict = 'cannot_tell' THEN 3
            WHEN proved_on IS NULL THEN 4
            WHEN valid_days IS NULL THEN 1
            WHEN proved_on + valid_days < $day::DATE THEN 4
            WHEN proved_on + valid_days - $day::DATE <= $expiring_days THEN 2
            ELSE 1
        END AS severity
    FROM proof
),
measure_state AS (
    SELECT initiative, measure, worst AS severity,
        min(expires_on) FILTER (severity = worst OR worst <= 2) AS expires_on
    FROM (SELECT *, max(severity) OVER (PARTITION BY initiative, measure) AS worst FROM proof_state)
    GROUP BY ALL
),
-- A proved measure of a higher rung stands in for the one asked for; met before expiring before neither.
requirement_state AS (
    SELECT c.initiative, c.class_id, a.class_place, a.consideration, a.requirement, a.step, a.responsible,
        m.measure AS proved_by, m.severity, m.expires_on, m.severity <= 2 AS satisfied,
        ['met', 'expiring', 'cannot_tell', 'missing', 'failed'][m.severity] AS status,
        greatest(r.registered_at::DATE, c.recorded_at::DATE,
            CASE WHEN a.per_version THEN v.recorded_at::DATE END) + a.due_days AS due_on,
        due_on < $day::DATE AND NOT m.severity <= 2 AS overdue
    FROM current_classification c
    JOIN policy_asked a USING (class_id)
    JOIN measure_state m ON m.initiative = c.initiative AND m.measure = a.measure
    JOIN registration r ON r.initiative = c.initiative
    LEFT JOIN current_version v ON v.initiative = c.initiative
    QUALIFY row_number() OVER (
        PARTITION BY c.initiative, a.requirement ORDER BY least(m.severity, 3), a.place
    ) = 1
)
