-- Every proof in hand on $day. Severity: 1 met, 2 expiring, 3 cannot tell, 4 missing, 5 failed.
-- It starts from the proofs that are there: what has none is missing, and need not be looked for.
proof_state AS (
    SELECT e.key, e.cell, p.proof, e.proved_on + p.valid_days AS expires_on,
        CASE
            WHEN p.valid_days IS NULL THEN 1
            WHEN e.proved_on + p.valid_days < $day::DATE THEN 4
            WHEN e.proved_on + p.valid_days - $day::DATE <= $expiring_days THEN 2
            ELSE 1
        END AS severity
    FROM newest_evidence e JOIN class_proof p ON p.cell = e.cell AND p.evidence = e.measure
    UNION ALL
    SELECT r.key, r.cell, p.proof, CASE WHEN r.verdict = 'pass' THEN r.run_on + p.valid_days END AS expires_on,
        CASE
            WHEN r.verdict = 'fail' THEN 5
            WHEN r.verdict = 'cannot_tell' THEN 3
            WHEN p.valid_days IS NULL THEN 1
            WHEN r.run_on + p.valid_days < $day::DATE THEN 4
            WHEN r.run_on + p.valid_days - $day::DATE <= $expiring_days THEN 2
            ELSE 1
        END AS severity
    FROM newest_run r JOIN class_proof p ON p.cell = r.cell AND p.check_id = r.check_id
    UNION ALL
    SELECT s.key, s.cell, p.proof, CASE WHEN s.severity <= 2 THEN s.expires_on END, s.severity
    FROM sign_off_state s JOIN class_proof p ON p.cell = s.cell AND p.gate = s.gate
)
