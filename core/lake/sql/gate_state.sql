-- The set-based form of core.domain.gates: a gate asks for all requirements up to its own step, and that no
-- serious finding of these steps is open. A step that the policy does not know counts at every gate.
policy_step AS (
    SELECT unnest(from_json($steps, '[{"step_id":"VARCHAR","step":"INTEGER"}]'), recursive := true)
),
current_finding AS (
    SELECT * FROM finding WHERE seq <= $seq
    QUALIFY row_number() OVER (PARTITION BY initiative, finding ORDER BY seq DESC) = 1
),
blocking_finding AS (
    SELECT f.initiative, coalesce(s.step, 0) AS step
    FROM current_finding f LEFT JOIN policy_step s ON s.step_id = f.step
    WHERE f.state <> 'closed' AND f.severity <> 'minor'
),
step_tally AS (
    SELECT initiative, step, count(*) AS blockers FROM requirement_state WHERE NOT satisfied GROUP BY ALL
    UNION ALL
    SELECT initiative, step, count(*) AS blockers FROM blocking_finding GROUP BY ALL
),
gate_state AS (
    SELECT c.initiative, g.gate, g.step, coalesce(sum(t.blockers), 0)::BIGINT AS blockers,
        CASE WHEN coalesce(sum(t.blockers), 0) = 0 THEN 'open' ELSE 'blocked' END AS outcome
    FROM current_classification c
    JOIN policy_gate g USING (class_id)
    LEFT JOIN step_tally t ON t.initiative = c.initiative AND t.step <= g.step
    GROUP BY c.initiative, g.gate, g.step
)
