-- What holds at $seq: the latest row per subject. Read by every query that follows it.
current_initiative AS (
    SELECT * FROM initiative WHERE seq <= $seq
    QUALIFY row_number() OVER (PARTITION BY initiative ORDER BY seq DESC) = 1
),
registration AS (
    SELECT initiative, min(recorded_at) AS registered_at FROM initiative WHERE seq <= $seq GROUP BY initiative
),
current_classification AS (
    SELECT * FROM classification WHERE seq <= $seq
    QUALIFY row_number() OVER (PARTITION BY initiative ORDER BY seq DESC) = 1
),
current_version AS (
    SELECT * FROM model_version WHERE seq <= $seq
    QUALIFY row_number() OVER (PARTITION BY initiative ORDER BY seq DESC) = 1
),
-- Only what belongs to the current version counts, or to no version at all.
counting_evidence AS (
    SELECT e.* FROM evidence e LEFT JOIN current_version v USING (initiative)
    WHERE e.seq <= $seq AND (e.version IS NULL OR e.version = v.version)
),
counting_check_run AS (
    SELECT c.* FROM check_run c LEFT JOIN current_version v USING (initiative)
    WHERE c.seq <= $seq AND (c.version IS NULL OR c.version = v.version)
),
current_check_run AS (
    SELECT * FROM counting_check_run
    QUALIFY row_number() OVER (PARTITION BY initiative, check_id ORDER BY seq DESC) = 1
),
current_decision AS (
    SELECT * FROM decision WHERE seq <= $seq
    QUALIFY row_number() OVER (PARTITION BY initiative, gate ORDER BY seq DESC) = 1
)
