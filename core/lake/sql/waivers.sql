-- Granted waivers whose approver may waive for the class as it is now, while they last; those of earlier rules through
-- the transition to those of now. See `Term` in core.domain.policy.requirement_list.
newest_waiver AS (
    SELECT initiative, waiver, max(seq) AS seq FROM waiver WHERE seq <= $seq GROUP BY initiative, waiver
),
standing_waiver AS (
    SELECT c.key, w.initiative, w.measure, c.class_id,
        max(least(w.until, w.recorded_at::DATE + p.max_days, p.ends_on)) AS until
    FROM waiver w
    JOIN newest_waiver USING (initiative, waiver, seq)
    JOIN classified c ON c.initiative = w.initiative
    JOIN policy_waiver p ON p.class_id = c.class_id AND p.measure = w.measure AND p.role = w.role
        AND (p.granted_before IS NULL OR w.recorded_at::DATE < p.granted_before)
    WHERE w.state = 'granted' AND (w.version IS NULL OR w.version = c.version)
        AND least(w.until, w.recorded_at::DATE + p.max_days, p.ends_on) >= $day::DATE
    GROUP BY ALL
)
