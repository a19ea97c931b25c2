-- Requirements met, all at once: proofs and requirements are bits, so that the matrix is laid over the proofs of an
-- initiative in one step. A measure holds when its proofs are a part of those in hand; a waiver stands in for one.
measure_needs AS (
    SELECT cell, measure, bit_or(set_bit(no_proof, proof, 1)) AS needed
    FROM measure_proof, nothing GROUP BY cell, measure
),
rung AS MATERIALIZED (
    SELECT n.cell, n.needed, set_bit(no_requirement, r.number, 1) AS requirement
    FROM cell k
    JOIN policy_asked a USING (class_id)
    JOIN measure_needs n USING (cell, measure)
    JOIN requirement_number r USING (class_id, requirement), nothing
),
in_hand AS (
    SELECT key, any_value(cell) AS cell, bit_or(set_bit(no_proof, proof, 1)) AS held
    FROM proof_state, nothing WHERE severity <= 2 GROUP BY key
),
met AS (
    SELECT key, bit_or(requirement) AS requirements FROM (
        SELECT h.key, r.requirement
        FROM in_hand h JOIN rung r ON r.cell = h.cell AND h.held & r.needed = r.needed
        UNION ALL
        SELECT w.key, set_bit(no_requirement, r.number, 1)
        FROM standing_waiver w
        JOIN requirement_number r ON r.class_id = w.class_id AND r.requirement = w.measure, nothing
    ) GROUP BY key
)
