-- The set-based form of core.domain.gates: a gate asks for all requirements up to its own step, and that no
-- serious finding of these steps is open. A step that the policy does not know counts at every gate.
-- Only what is met is counted: what is missing is the rest of what the class is asked for.
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
met_requirement AS (
    SELECT DISTINCT m.key, a.requirement, a.step
    FROM measure_state m
    JOIN classified c USING (key)
    JOIN asked_number a ON a.class_id = c.class_id AND a.n = m.n
    WHERE m.severity <= 2
    UNION
    SELECT c.key, a.requirement, a.step
    FROM standing_waiver w
    JOIN classified c USING (initiative)
    JOIN policy_asked a ON a.class_id = w.class_id AND a.requirement = w.measure
    WHERE a.waivable AND a.place = 0
),
step_tally AS (
    SELECT key, step, count(*) AS met, 0 AS found FROM met_requirement GROUP BY key, step
    UNION ALL
    SELECT c.key, f.step, 0 AS met, count(*) AS found
    FROM blocking_finding f JOIN classified c USING (initiative) GROUP BY c.key, f.step
),
gate_asks AS (
    SELECT g.class_id, g.gate, g.step, count(DISTINCT a.requirement) AS asked
    FROM policy_gate g LEFT JOIN policy_asked a ON a.class_id = g.class_id AND a.step <= g.step
    GROUP BY g.class_id, g.gate, g.step
),
gate_progress AS (
    SELECT t.key, g.gate, sum(t.met) AS met, sum(t.found) AS found
    FROM step_tally t
    JOIN classified c ON c.key = t.key
    JOIN gate_asks g ON g.class_id = c.class_id AND t.step <= g.step
    GROUP BY t.key, g.gate
),
gate_state AS (
    SELECT c.initiative, g.gate, g.step,
        (g.asked - coalesce(t.met, 0) + coalesce(t.found, 0))::BIGINT AS blockers,
        CASE WHEN g.asked - coalesce(t.met, 0) + coalesce(t.found, 0) = 0 THEN 'open' ELSE 'blocked' END
            AS outcome
    FROM classified c
    JOIN gate_asks g USING (class_id)
    LEFT JOIN gate_progress t ON t.key = c.key AND t.gate = g.gate
)
