-- What each initiative is now. Initiatives go by number in all that follows, since it is joined and grouped for all of
-- them at once; names are for those who read the answer. A cell is what a class asks of a kind of model.
-- Since when each is in its class: to say the same again begins nothing anew. See `class_since` in
-- core.domain.facts.process.
class_turn AS (
    SELECT initiative, 2 * seq AS place, class_id, recorded_at::DATE AS since, computed_class_id, until,
        coalesce(lead(recorded_at::DATE) OVER (PARTITION BY initiative ORDER BY seq), $day::DATE) AS next_on
    FROM classification WHERE seq <= $seq
),
class_part AS (
    SELECT initiative, place, class_id, since FROM class_turn
    UNION ALL
    SELECT initiative, place + 1, computed_class_id, until + 1 FROM class_turn WHERE until < next_on
),
class_since AS (
    SELECT initiative, arg_max(since, place) FILTER (begins) AS since FROM (
        SELECT *, class_id IS DISTINCT FROM lag(class_id) OVER (PARTITION BY initiative ORDER BY place) AS begins
        FROM class_part)
    GROUP BY initiative
),
classified AS MATERIALIZED (
    SELECT c.initiative, c.class_id, r.kind, hash(c.class_id, r.kind) AS cell,
        greatest(r.registered_at::DATE, b.since) AS since,
        v.version, v.task, CASE WHEN v.version IS NULL AND c.initiative IN (
            SELECT initiative FROM version_state WHERE seq <= $seq AND state = 'retired')
            THEN $day::DATE ELSE v.recorded_at::DATE END AS version_since,
        s.retired_on, c.review_percent = 100 AND coalesce(k.classified_seq, 0) < c.seq AS unconfirmed, (row_number() OVER ())::INTEGER AS key
    FROM current_classification c
    JOIN registration r USING (initiative)
    JOIN class_since b USING (initiative)
    LEFT JOIN current_version v USING (initiative)
    LEFT JOIN retired s USING (initiative)
    LEFT JOIN confirmed k USING (initiative)
)
