-- The set-based form of core.domain.gates: a gate asks for all requirements up to its own step, and that no
-- serious finding of these steps is open. A step that the policy does not know counts at every gate.
-- Proofs and requirements are bits, so that the matrix is laid over an initiative's proofs in one step: a measure
-- holds when its proofs are a part of those in hand, and a gate lacks what it asks for and does not find.
policy_step AS (
    SELECT unnest(from_json($steps, '[{"step_id":"VARCHAR","step":"INTEGER"}]'), recursive := true)
),
newest_finding AS (
    SELECT initiative, arg_max(state, seq) AS state, arg_max(severity, seq) AS severity, arg_max(step, seq) AS step_id
    FROM finding WHERE seq <= $seq GROUP BY initiative, finding
),
blocking_finding AS (
    SELECT f.initiative, coalesce(s.step, 0) AS step FROM newest_finding f LEFT JOIN policy_step s USING (step_id)
    WHERE f.state <> 'closed' AND f.severity <> 'minor'
),
requirement_number AS MATERIALIZED (
    SELECT *, (dense_rank() OVER (ORDER BY requirement))::INTEGER - 1 AS number FROM policy_asked WHERE place = 0
),
nothing AS MATERIALIZED (
    SELECT bitstring('0', (SELECT coalesce(max(proof), 0) + 1 FROM measure_proof)) AS no_proof,
        bitstring('0', (SELECT coalesce(max(number), 0) + 1 FROM requirement_number)) AS no_requirement
),
measure_needs AS (
    SELECT class_id, measure, bit_or(set_bit(no_proof, proof, 1)) AS needed
    FROM measure_proof, nothing GROUP BY class_id, measure
),
rung AS MATERIALIZED (
    SELECT class_id, n.needed, set_bit(no_requirement, r.number, 1) AS requirement
    FROM policy_asked a
    JOIN measure_needs n USING (class_id, measure)
    JOIN requirement_number r USING (class_id, requirement), nothing
),
in_hand AS (
    SELECT key, any_value(class_id) AS class_id, bit_or(set_bit(no_proof, proof, 1)) AS held
    FROM proof_state, nothing WHERE severity <= 2 GROUP BY key
),
met AS (
    SELECT key, bit_or(requirement) AS requirements FROM (
        SELECT h.key, r.requirement FROM in_hand h JOIN rung r ON r.class_id = h.class_id AND h.held & r.needed = r.needed
        UNION ALL
        SELECT w.key, set_bit(no_requirement, r.number, 1)
        FROM standing_waiver w
        JOIN requirement_number r ON r.class_id = w.class_id AND r.requirement = w.measure AND r.waivable, nothing
    ) GROUP BY key
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
    SELECT c.initiative, g.gate, g.step,
        bit_count(g.asked & ~coalesce(m.requirements, no_requirement)) + coalesce(f.found, 0) AS blockers,
        CASE WHEN blockers = 0 THEN 'open' ELSE 'blocked' END AS outcome
    FROM nothing, classified c
    JOIN gate_asks g USING (class_id)
    LEFT JOIN met m ON m.key = c.key
    LEFT JOIN gate_finding f ON f.key = c.key AND f.gate = g.gate
)
