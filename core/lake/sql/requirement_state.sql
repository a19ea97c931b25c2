-- The set-based form of core.domain.requirements: every requirement of every initiative, held against its
-- proofs on $day. Severity: 1 met, 2 expiring, 3 cannot tell, 4 missing, 5 failed; the worst proof counts.
-- It starts from the proofs that are there: what has none is missing, and need not be looked for.
policy_proof AS (
    SELECT unnest(from_json($proofs, '[{"measure":"VARCHAR","check_id":"VARCHAR","gate":"VARCHAR",
        "valid_days":"INTEGER"}]'), recursive := true)
),
proofs_wanted AS (SELECT measure, count(*) AS wanted FROM policy_proof GROUP BY measure),
-- Numbers instead of names: what is joined and grouped below is some thirty measures by every initiative.
measure_number AS (SELECT measure, wanted, (row_number() OVER (ORDER BY measure))::INTEGER AS n FROM proofs_wanted),
asked_number AS (SELECT a.*, n FROM policy_asked a JOIN measure_number USING (measure)),
-- A measure that the class neither asks for nor takes instead is not looked at.
class_proof AS MATERIALIZED (
    SELECT DISTINCT a.class_id, a.n, p.measure, p.check_id, p.gate, p.valid_days
    FROM policy_proof p JOIN asked_number a USING (measure)
),
classified AS MATERIALIZED (
    SELECT initiative, class_id, (row_number() OVER ())::INTEGER AS key FROM current_classification
),
proof_state AS (
    SELECT c.key, p.n, e.proved_on + p.valid_days AS expires_on,
        CASE
            WHEN p.valid_days IS NULL THEN 1
            WHEN e.proved_on + p.valid_days < $day::DATE THEN 4
            WHEN e.proved_on + p.valid_days - $day::DATE <= $expiring_days THEN 2
            ELSE 1
        END AS severity
    FROM newest_evidence e
    JOIN classified c ON c.initiative = e.initiative
    JOIN class_proof p ON p.class_id = c.class_id AND p.measure = e.measure
    WHERE p.check_id IS NULL AND p.gate IS NULL
    UNION ALL
    SELECT c.key, p.n, CASE WHEN r.verdict = 'pass' THEN r.recorded_at::DATE + p.valid_days END AS expires_on,
        CASE
            WHEN r.verdict = 'fail' THEN 5
            WHEN r.verdict = 'cannot_tell' THEN 3
            WHEN p.valid_days IS NULL THEN 1
            WHEN r.recorded_at::DATE + p.valid_days < $day::DATE THEN 4
            WHEN r.recorded_at::DATE + p.valid_days - $day::DATE <= $expiring_days THEN 2
            ELSE 1
        END AS severity
    FROM current_check_run r
    JOIN classified c ON c.initiative = r.initiative
    JOIN class_proof p ON p.class_id = c.class_id AND p.check_id = r.check_id
    UNION ALL
    SELECT c.key, p.n, CASE WHEN s.severity <= 2 THEN s.expires_on END, s.severity
    FROM sign_off_state s
    JOIN classified c ON c.initiative = s.initiative
    JOIN class_proof p ON p.class_id = c.class_id AND p.gate = s.gate
),
measure_tally AS (
    SELECT key, n, max(severity) AS worst, count(*) AS found, min(expires_on) AS first_end,
        min(expires_on) FILTER (severity = 4) AS missing_end
    FROM proof_state GROUP BY key, n
),
measure_state AS (
    SELECT t.key, t.n, w.measure,
        CASE WHEN t.found < w.wanted THEN greatest(t.worst, 4) ELSE t.worst END AS severity,
        CASE WHEN severity <= 2 THEN t.first_end WHEN severity = 4 THEN t.missing_end END AS expires_on
    FROM measure_tally t JOIN measure_number w USING (n)
),
-- Granted waivers whose approver may waive for the class as it is now, while they last.
policy_waiver AS (
    SELECT unnest(from_json($waivers, '[{"class_id":"VARCHAR","role":"VARCHAR","max_days":"INTEGER"}]'),
        recursive := true)
),
current_waiver AS (
    SELECT * FROM waiver WHERE seq <= $seq
    QUALIFY row_number() OVER (PARTITION BY initiative, waiver ORDER BY seq DESC) = 1
),
standing_waiver AS (
    SELECT w.initiative, w.measure, c.class_id,
        max(least(w.until, w.recorded_at::DATE + p.max_days)) AS until
    FROM current_waiver w
    JOIN current_classification c ON c.initiative = w.initiative
    JOIN policy_waiver p ON p.class_id = c.class_id AND p.role = w.role
    LEFT JOIN current_version v ON v.initiative = w.initiative
    WHERE w.state = 'granted' AND (w.version IS NULL OR w.version = v.version)
        AND least(w.until, w.recorded_at::DATE + p.max_days) >= $day::DATE
    GROUP BY w.initiative, w.measure, c.class_id
),
-- A proved measure of a higher rung stands in for the one asked for; met before expiring before neither.
best_measure AS (
    SELECT c.key, a.requirement, any_value(c.class_id) AS class_id, any_value(c.initiative) AS initiative,
        arg_min({'measure': a.measure, 'severity': coalesce(m.severity, 4), 'expires_on': m.expires_on},
            least(coalesce(m.severity, 4), 3) * 1000 + a.place) AS best
    FROM classified c
    JOIN asked_number a USING (class_id)
    LEFT JOIN measure_state m ON m.key = c.key AND m.n = a.n
    GROUP BY c.key, a.requirement
),
best_proof AS (
    SELECT b.initiative, b.class_id, a.class_place, a.consideration, b.requirement, a.step, a.responsible,
        a.waivable, b.best.measure AS measure, b.best.severity AS severity, b.best.expires_on AS expires_on,
        greatest(r.registered_at::DATE, c.recorded_at::DATE,
            CASE WHEN a.per_version THEN v.recorded_at::DATE END) + a.due_days AS due_on
    FROM best_measure b
    JOIN policy_asked a ON a.class_id = b.class_id AND a.requirement = b.requirement AND a.place = 0
    JOIN current_classification c ON c.initiative = b.initiative
    JOIN registration r ON r.initiative = b.initiative
    LEFT JOIN current_version v ON v.initiative = b.initiative
),
requirement_state AS (
    SELECT b.initiative, b.class_id, b.class_place, b.consideration, b.requirement, b.step, b.responsible,
        b.due_on, b.severity > 2 AND b.waivable AND w.until IS NOT NULL AS waived,
        CASE WHEN waived THEN b.requirement ELSE split_part(b.measure, ':', 1) END AS proved_by,
        CASE WHEN waived THEN 2 ELSE b.severity END AS severity,
        CASE WHEN waived THEN w.until ELSE b.expires_on END AS expires_on,
        b.severity <= 2 OR waived AS satisfied,
        CASE WHEN waived THEN 'waived'
            ELSE ['met', 'expiring', 'cannot_tell', 'missing', 'failed'][b.severity] END AS status,
        b.due_on < $day::DATE AND NOT satisfied AS overdue
    FROM best_proof b
    LEFT JOIN standing_waiver w ON w.initiative = b.initiative AND w.measure = b.requirement
)
