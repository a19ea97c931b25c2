-- What the policy asks of each class: a row per requirement and measure that satisfies it.
policy_asked AS (
    SELECT unnest(from_json($asked, '[{"class_id":"VARCHAR","class_place":"INTEGER","consideration":"VARCHAR",
        "requirement":"VARCHAR","measure":"VARCHAR","place":"INTEGER","step":"INTEGER","responsible":"VARCHAR",
        "due_days":"INTEGER","per_version":"BOOLEAN","waivable":"BOOLEAN"}]'), recursive := true)
)
