-- The set-based form of core.domain.requirements: every requirement of every initiative, held against its
-- proofs on $day. Severity: 1 met, 2 expiring, 3 cannot tell, 4 missing, 5 failed; the worst proof counts.
policy_proof AS (
    SELECT unnest(from_json($proofs, '[{"measure":"VARCHAR","check_id":"VARCHAR","gate":"VARCHAR",
        "valid_days":"INTEGER"}]'), recursive := true)
),
initiative_measure AS (
    SELECT DISTINCT c.initiative, a.measure
    FROM current_classification c JOIN policy_asked a USING (class_id)
),
proof AS (
    SELECT im.initiative, im.measure, p.check_id, p.gate, p.valid_days, c.verdict,
        coalesce(s.severity, 4) AS signed, s.expires_on AS signed_until,
        CASE WHEN p.check_id IS NULL THEN e.proved_on ELSE c.recorded_at::DATE END AS proved_on
    FROM initiative_measure im
    JOIN policy_proof p USING (measure)
    LEFT JOIN newest_evidence e
        ON p.check_id IS NULL AND p.gate IS NULL AND e.initiative = im.initiative AND e.measure = im.measure
    LEFT JOIN current_check_run c ON c.check_id = p.check_id AND c.initiative = im.initiative
    LEFT JOIN sign_off_state s ON s.gate = p.gate AND s.initiative = im.initiative
),
proof_state AS (
    SELECT initiative, measure,
        CASE
            WHEN gate IS NOT NULL THEN CASE WHEN signed <= 2 THEN signed_until END
            WHEN verdict IN ('fail', 'cannot_tell') THEN NULL
            ELSE proved_on + valid_days
        END AS expires_on,
        CASE
            WHEN gate IS NOT NULL THEN signed
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
    SELECT w.initiative, w.measure, max(least(w.until, w.recorded_at::DATE + p.max_days)) AS until
    FROM current_waiver w
    JOIN current_classification c ON c.initiative = w.initiative
    JOIN policy_waiver p ON p.class_id = c.class_id AND p.role = w.role
    LEFT JOIN current_version v ON v.initiative = w.initiative
    WHERE w.state = 'granted' AND (w.version IS NULL OR w.version = v.version)
        AND least(w.until, w.recorded_at::DATE + p.max_days) >= $day::DATE
    GROUP BY w.initiative, w.measure
),
-- A proved measure of a higher rung stands in for the one asked for; met before expiring before neither.
best_proof AS (
    SELECT c.initiative, c.class_id, a.class_place, a.consideration, a.requirement, a.step, a.responsible,
        a.waivable, m.measure, m.severity, m.expires_on,
        greatest(r.registered_at::DATE, c.recorded_at::DATE,
            CASE WHEN a.per_version THEN v.recorded_at::DATE END) + a.due_days AS due_on
    FROM current_classification c
    JOIN policy_asked a USING (class_id)
    JOIN measure_state m ON m.initiative = c.initiative AND m.measure = a.measure
    JOIN registration r ON r.initiative = c.initiative
    LEFT JOIN current_version v ON v.initiative = c.initiative
    QUALIFY row_number() OVER (
        PARTITION BY c.initiative, a.requirement ORDER BY least(m.severity, 3), a.place
    ) = 1
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
