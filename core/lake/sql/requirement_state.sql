-- The set-based form of core.domain.requirements: every requirement of every initiative, held against its
-- proofs on $day. Severity: 1 met, 2 expiring, 3 cannot tell, 4 missing, 5 failed; the worst proof counts.
-- It starts from the proofs that are there: what has none is missing, and need not be looked for.
policy_proof AS (
    SELECT unnest(from_json($proofs, '[{"measure":"VARCHAR","check_id":"VARCHAR","gate":"VARCHAR",
        "valid_days":"INTEGER"}]'), recursive := true)
),
-- What a class needs as proof, each once and numbered, though several measures may rest on it.
measure_proof AS MATERIALIZED (
    SELECT DISTINCT a.class_id, a.measure, p.check_id, p.gate, p.valid_days,
        CASE WHEN p.check_id IS NULL AND p.gate IS NULL THEN p.measure END AS evidence,
        (dense_rank() OVER (ORDER BY evidence, p.check_id, p.gate, p.valid_days))::INTEGER - 1 AS proof
    FROM policy_proof p JOIN policy_asked a USING (measure)
),
class_proof AS MATERIALIZED (
    SELECT DISTINCT class_id, proof, evidence, check_id, gate, valid_days FROM measure_proof
),
newest_run AS (
    SELECT c.key, c.class_id, r.check_id, arg_max(r.verdict, r.seq) AS verdict,
        arg_max(r.recorded_at, r.seq)::DATE AS run_on
    FROM check_run r JOIN classified c USING (initiative)
    WHERE r.seq <= $seq AND (r.version IS NULL OR r.version = c.version)
    GROUP BY c.key, c.class_id, r.check_id
),
proof_state AS (
    SELECT e.key, e.class_id, p.proof, e.proved_on + p.valid_days AS expires_on,
        CASE
            WHEN p.valid_days IS NULL THEN 1
            WHEN e.proved_on + p.valid_days < $day::DATE THEN 4
            WHEN e.proved_on + p.valid_days - $day::DATE <= $expiring_days THEN 2
            ELSE 1
        END AS severity
    FROM newest_evidence e JOIN class_proof p ON p.class_id = e.class_id AND p.evidence = e.measure
    UNION ALL
    SELECT r.key, r.class_id, p.proof, CASE WHEN r.verdict = 'pass' THEN r.run_on + p.valid_days END AS expires_on,
        CASE
            WHEN r.verdict = 'fail' THEN 5
            WHEN r.verdict = 'cannot_tell' THEN 3
            WHEN p.valid_days IS NULL THEN 1
            WHEN r.run_on + p.valid_days < $day::DATE THEN 4
            WHEN r.run_on + p.valid_days - $day::DATE <= $expiring_days THEN 2
            ELSE 1
        END AS severity
    FROM newest_run r JOIN class_proof p ON p.class_id = r.class_id AND p.check_id = r.check_id
    UNION ALL
    SELECT s.key, s.class_id, p.proof, CASE WHEN s.severity <= 2 THEN s.expires_on END, s.severity
    FROM sign_off_of s JOIN class_proof p ON p.class_id = s.class_id AND p.gate = s.gate
),
measure_tally AS (
    SELECT s.key, s.class_id, m.measure, max(s.severity) AS worst, count(*) AS found,
        min(s.expires_on) AS first_end, min(s.expires_on) FILTER (s.severity = 4) AS missing_end
    FROM proof_state s JOIN measure_proof m USING (class_id, proof) GROUP BY ALL
),
proofs_wanted AS (SELECT class_id, measure, count(*) AS wanted FROM measure_proof GROUP BY class_id, measure),
measure_state AS (
    SELECT t.key, t.measure,
        CASE WHEN t.found < w.wanted THEN greatest(t.worst, 4) ELSE t.worst END AS severity,
        CASE WHEN severity <= 2 THEN t.first_end WHEN severity = 4 THEN t.missing_end END AS expires_on
    FROM measure_tally t JOIN proofs_wanted w USING (class_id, measure)
),
-- Granted waivers whose approver may waive for the class as it is now, while they last.
policy_waiver AS (
    SELECT unnest(from_json($waivers, '[{"class_id":"VARCHAR","role":"VARCHAR","max_days":"INTEGER"}]'),
        recursive := true)
),
newest_waiver AS (
    SELECT initiative, waiver, max(seq) AS seq FROM waiver WHERE seq <= $seq GROUP BY initiative, waiver
),
standing_waiver AS (
    SELECT c.key, w.initiative, w.measure, c.class_id,
        max(least(w.until, w.recorded_at::DATE + p.max_days)) AS until
    FROM waiver w
    JOIN newest_waiver USING (initiative, waiver, seq)
    JOIN classified c ON c.initiative = w.initiative
    JOIN policy_waiver p ON p.class_id = c.class_id AND p.role = w.role
    WHERE w.state = 'granted' AND (w.version IS NULL OR w.version = c.version)
        AND least(w.until, w.recorded_at::DATE + p.max_days) >= $day::DATE
    GROUP BY ALL
),
-- A proved measure of a higher rung stands in for the one asked for; met before expiring before neither.
best_measure AS (
    SELECT c.key, a.requirement, any_value(c.class_id) AS class_id, any_value(c.initiative) AS initiative,
        arg_min({'measure': a.measure, 'severity': coalesce(m.severity, 4), 'expires_on': m.expires_on},
            least(coalesce(m.severity, 4), 3) * 1000 + a.place) AS best
    FROM classified c
    JOIN policy_asked a USING (class_id)
    LEFT JOIN measure_state m ON m.key = c.key AND m.measure = a.measure
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
