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
-- The version that was registered or promoted last, unless it was retired since; `recorded_at` is since when it
-- counts. A challenger counts only once it is promoted. The set-based form of core.domain.model_versions.
version_turn AS (
    SELECT m.initiative, m.version, m.task, m.seq, m.recorded_at FROM model_version m
    WHERE m.seq <= $seq AND NOT EXISTS (
        SELECT 1 FROM version_state c WHERE c.state = 'challenger' AND c.seq <= $seq
            AND c.initiative = m.initiative AND c.version = m.version)
    UNION ALL
    SELECT s.initiative, s.version, m.task, s.seq, s.recorded_at
    FROM version_state s JOIN model_version m USING (initiative, version)
    WHERE s.state = 'champion' AND s.seq <= $seq
),
newest_turn AS (
    SELECT initiative, arg_max(version, seq) AS version, arg_max(task, seq) AS task,
        max(seq) AS seq, arg_max(recorded_at, seq) AS recorded_at
    FROM version_turn GROUP BY initiative
),
current_version AS (
    SELECT * FROM newest_turn t WHERE NOT EXISTS (
        SELECT 1 FROM version_state r WHERE r.state = 'retired' AND r.seq <= $seq AND r.seq > t.seq
            AND r.initiative = t.initiative AND r.version = t.version)
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
