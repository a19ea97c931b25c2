-- The policy as tables; core.domain.policy.policy_rows says what each holds.
policy_asked AS (
    SELECT unnest(from_json($asked, '[{"class_id":"VARCHAR","class_place":"INTEGER","consideration":"VARCHAR",
        "requirement":"VARCHAR","measure":"VARCHAR","place":"INTEGER","step":"INTEGER","responsible":"VARCHAR",
        "due_days":"INTEGER","per_version":"BOOLEAN","kept":"BOOLEAN"}]'), recursive := true)
),
policy_eased AS (
    SELECT *, hash(class_id, kind) AS cell FROM (SELECT unnest(from_json($eased, '[{"kind":"VARCHAR",
        "class_id":"VARCHAR","requirement":"VARCHAR","floor":"DATE","most_days":"INTEGER","most_floor":"DATE"}]'),
        recursive := true))
),
policy_proof AS (
    SELECT unnest(from_json($proofs, '[{"kind":"VARCHAR","measure":"VARCHAR","check_id":"VARCHAR","gate":"VARCHAR",
        "valid_days":"INTEGER"}]'), recursive := true)
),
policy_step AS (
    SELECT unnest(from_json($steps, '[{"step_id":"VARCHAR","step":"INTEGER"}]'), recursive := true)
),
policy_gate AS (
    SELECT unnest(from_json($gates,
        '[{"class_id":"VARCHAR","gate":"VARCHAR","step":"INTEGER","per_version":"BOOLEAN"}]'),
        recursive := true)
),
policy_seat AS (
    SELECT unnest(from_json($seats, '[{"class_id":"VARCHAR","gate":"VARCHAR","role":"VARCHAR",
        "quorum":"INTEGER","valid_days":"INTEGER"}]'), recursive := true)
),
policy_breach AS (
    SELECT unnest(from_json($breaches, '[{"check_id":"VARCHAR"}]'), recursive := true)
),
policy_watched AS (
    SELECT unnest(from_json($watched, '[{"class_id":"VARCHAR","measure":"VARCHAR","step":"INTEGER"}]'),
        recursive := true)
),
policy_waiver AS (
    SELECT unnest(from_json($waivers, '[{"class_id":"VARCHAR","measure":"VARCHAR","role":"VARCHAR",
        "max_days":"INTEGER","granted_before":"DATE","ends_on":"DATE"}]'), recursive := true)
),
demand_coverage AS (
    SELECT *, hash(class_id, kind) AS cell FROM (SELECT unnest(from_json($coverage, '[{"kind":"VARCHAR",
        "sha256":"VARCHAR","class_id":"VARCHAR","gate":"VARCHAR","covered":"BOOLEAN","limit_then":"VARCHAR"}]'),
        recursive := true))
),
ethical_limit AS (
    SELECT unnest(from_json($limits, '[{"domain":"VARCHAR","task":"VARCHAR","words":"VARCHAR"}]'), recursive := true)
),
-- What a class asks of a kind as proof, each once and numbered, though several measures may rest on it.
measure_proof AS MATERIALIZED (
    SELECT DISTINCT hash(a.class_id, p.kind) AS cell, a.measure, p.check_id, p.gate, p.valid_days,
        CASE WHEN p.check_id IS NULL AND p.gate IS NULL THEN p.measure END AS evidence,
        (dense_rank() OVER (ORDER BY evidence, p.check_id, p.gate, p.valid_days))::INTEGER - 1 AS proof
    FROM policy_proof p JOIN policy_asked a USING (measure)
),
cell AS (SELECT DISTINCT a.class_id, p.kind, hash(a.class_id, p.kind) AS cell FROM policy_asked a, policy_proof p),
proofs_wanted AS (SELECT cell, measure, count(*) AS wanted FROM measure_proof GROUP BY cell, measure),
class_proof AS MATERIALIZED (
    SELECT DISTINCT cell, proof, evidence, check_id, gate, valid_days FROM measure_proof
),
requirement_number AS MATERIALIZED (
    SELECT *, (dense_rank() OVER (ORDER BY requirement))::INTEGER - 1 AS number FROM policy_asked WHERE place = 0
),
nothing AS MATERIALIZED (
    SELECT bitstring('0', (SELECT coalesce(max(proof), 0) + 1 FROM measure_proof)) AS no_proof,
        bitstring('0', (SELECT coalesce(max(number), 0) + 1 FROM requirement_number)) AS no_requirement
)
