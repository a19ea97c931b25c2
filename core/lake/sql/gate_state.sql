-- The set-based form of core.domain.gates: a gate asks for all requirements up to its own step.
policy_gate AS (
    SELECT unnest(from_json($gates, '[{"class_id":"VARCHAR","gate":"VARCHAR","step":"INTEGER"}]'),
        recursive := true)
),
gate_state AS (
    SELECT c.initiative, g.gate, g.step,
        CASE WHEN coalesce(bool_and(s.satisfied), true) THEN 'open' ELSE 'blocked' END AS outcome,
        count(s.requirement) FILTER (NOT s.satisfied) AS blockers
    FROM current_classification c
    JOIN policy_gate g USING (class_id)
    LEFT JOIN requirement_state s ON s.initiative = c.initiative AND s.step <= g.step
    GROUP BY ALL
)
