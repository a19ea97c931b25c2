-- What holds at $seq: the latest row per subject. Read by every query that follows it.
current_initiative AS (
    SELECT * FROM initiative WHERE seq <= $seq
    QUALIFY row_number() OVER (PARTITION BY initiative ORDER BY seq DESC) = 1
),
counting_batch AS (
    SELECT * FROM prediction_batch b WHERE seq <= $seq AND NOT EXISTS (SELECT 1 FROM batch_withdrawal w
        WHERE w.seq <= $seq AND w.initiative = b.initiative AND w.version = b.version AND w.part = b.part
            AND w.sha256 = b.sha256)
),
registration AS (
    SELECT initiative, min(recorded_at) AS registered_at, arg_max(kind, seq) AS kind
    FROM initiative WHERE seq <= $seq GROUP BY initiative
),
confirmed AS (
    SELECT initiative, max(classified_seq) AS classified_seq FROM class_confirmation WHERE seq <= $seq
    GROUP BY initiative
),
retired AS (
    SELECT initiative, arg_max(recorded_at, seq)::DATE AS retired_on FROM initiative_state WHERE seq <= $seq
    GROUP BY initiative HAVING arg_max(state, seq) = 'retired'
),
-- A lower class than the answers lead to holds through its last day; see Classification.on in core.domain.facts.process.
current_classification AS (
    SELECT * REPLACE (
        CASE WHEN until < $day::DATE THEN computed_class_id ELSE class_id END AS class_id,
        CASE WHEN until < $day::DATE THEN (until + 1)::TIMESTAMP ELSE recorded_at END AS recorded_at)
    FROM classification WHERE seq <= $seq
    QUALIFY row_number() OVER (PARTITION BY initiative ORDER BY seq DESC) = 1
),
-- The version that was registered or promoted last, unless it was retired since; `recorded_at` is since when it
-- counts. A challenger counts only once it is promoted. The set-based form of core.domain.model_versions: few
-- initiatives have a version that was ever moved, and only those are looked at event by event.
moved AS (SELECT DISTINCT initiative FROM version_state WHERE seq <= $seq),
moved_version AS (
    SELECT initiative, version, task, seq, recorded_at FROM model_version
    WHERE seq <= $seq AND initiative IN (SELECT initiative FROM moved)
),
moved_turn AS (
    SELECT * FROM moved_version v WHERE NOT EXISTS (
        SELECT 1 FROM version_state c WHERE c.state = 'challenger' AND c.seq <= $seq
            AND c.initiative = v.initiative AND c.version = v.version)
    UNION ALL
    SELECT s.initiative, s.version, v.task, s.seq, s.recorded_at
    FROM version_state s JOIN moved_version v USING (initiative, version)
    WHERE s.state = 'champion' AND s.seq <= $seq
),
moved_last AS (
    SELECT * FROM moved_turn QUALIFY row_number() OVER (PARTITION BY initiative ORDER BY seq DESC) = 1
),
last_registered AS (
    SELECT initiative, version, task, seq, recorded_at FROM model_version WHERE seq <= $seq
    QUALIFY row_number() OVER (PARTITION BY initiative ORDER BY seq DESC) = 1
),
current_version AS (
    SELECT * FROM last_registered WHERE initiative NOT IN (SELECT initiative FROM moved)
    UNION ALL
    SELECT * FROM moved_last t WHERE NOT EXISTS (
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
