-- Answers of the gates that made live, each by its own policy; and whether an initiative is live: its newest one.
live_decision AS (
    SELECT * FROM decision WHERE seq <= $seq AND list_contains($live_gates, [policy_version, gate])
),
current_live AS (
    SELECT initiative, arg_max(outcome, seq) = 'open' AS live FROM live_decision GROUP BY initiative
)
