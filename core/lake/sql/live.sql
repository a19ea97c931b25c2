-- Answers of the gates that make live, each by its own policy.
live_decision AS (
    SELECT * FROM decision WHERE seq <= $seq AND list_contains($live_gates, [policy_version, gate])
),
-- What put versions into production or took them out: acts of their own, and in records from before there were such
-- acts the answers of those gates; there a blocked one (version NULL) stopped whatever ran. The set-based form of
-- core.domain.models.model_versions.
production_turn AS (
    SELECT initiative, version, state, role, until, seq, recorded_at FROM version_state
    WHERE seq <= $seq AND state IN ('deployed', 'suspended', 'retired')
    UNION ALL
    SELECT initiative, CASE outcome WHEN 'open' THEN coalesce(version, '') END,
        CASE outcome WHEN 'open' THEN 'deployed' ELSE 'suspended' END, 'production', NULL, seq, recorded_at
    FROM live_decision WHERE makes_live IS NULL
),
current_live AS (
    SELECT p.initiative, p.version, (p.until IS NULL OR p.until >= $day::DATE) AND NOT EXISTS (
        SELECT 1 FROM production_turn t WHERE t.initiative = p.initiative AND t.seq > p.seq
            AND (t.version IS NULL OR t.version = p.version)) AS live
    FROM production_turn p WHERE p.state = 'deployed' AND p.role = 'production'
    QUALIFY row_number() OVER (PARTITION BY p.initiative ORDER BY p.seq DESC) = 1
)
