-- The set-based form of core.domain.process.gates: a gate asks for all requirements up to its own step, and that no
-- serious finding of these steps is open, its class is confirmed and it is not retired. A step that the policy does not know counts at every gate.
newest_finding AS (
    SELECT initiative, arg_max(state, seq) AS state, arg_max(severity, seq) AS severity, arg_max(step, seq) AS step_id
    FROM finding WHERE seq <= $seq GROUP BY initiative, finding
),
blocking_finding AS (
    SELECT f.initiative, coalesce(s.step, 0) AS step FROM newest_finding f LEFT JOIN policy_step s USING (step_id)
    WHERE f.state <> 'closed' AND f.severity <> 'minor'
),
gate_asks AS MATERIALIZED (
    SELECT g.class_id, g.gate, g.step,
        bit_or(CASE WHEN r.number IS NULL THEN no_requirement ELSE set_bit(no_requirement, r.number, 1) END) AS asked
    FROM nothing, policy_gate g LEFT JOIN requirement_number r ON r.class_id = g.class_id AND r.step <= g.step
    GROUP BY g.class_id, g.gate, g.step
),
gate_finding AS (
    SELECT c.key, g.gate, count(*) AS found
    FROM blocking_finding f
    JOIN classified c USING (initiative)
    JOIN policy_gate g ON g.class_id = c.class_id AND f.step <= g.step
    GROUP BY c.key, g.gate
),
gate_state AS (
    SELECT c.key, c.initiative, g.gate, g.step,
        CASE WHEN c.retired_on IS NOT NULL THEN 1
            ELSE bit_count(g.asked & ~coalesce(m.requirements, no_requirement)) + coalesce(f.found, 0)
                + c.unconfirmed::INTEGER END AS blockers,
        CASE WHEN blockers = 0 THEN 'open' ELSE 'blocked' END AS outcome
    FROM nothing, classified c
    JOIN gate_asks g USING (class_id)
    LEFT JOIN met m ON m.key = c.key
    LEFT JOIN gate_finding f ON f.key = c.key AND f.gate = g.gate
)
