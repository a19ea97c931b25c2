-- What each initiative is now. Initiatives go by number in all that follows, since it is joined and grouped for all of
-- them at once; names are for those who read the answer.
classified AS MATERIALIZED (
    SELECT c.initiative, c.class_id, greatest(r.registered_at::DATE, c.recorded_at::DATE) AS since,
        v.version, v.task, CASE WHEN v.version IS NULL AND c.initiative IN (
            SELECT initiative FROM version_state WHERE seq <= $seq AND state = 'retired')
            THEN $day::DATE ELSE v.recorded_at::DATE END AS version_since,
        s.retired_on, c.review_percent = 100 AND coalesce(k.classified_seq, 0) < c.seq AS unconfirmed, (row_number() OVER ())::INTEGER AS key
    FROM current_classification c
    JOIN registration r USING (initiative)
    LEFT JOIN current_version v USING (initiative)
    LEFT JOIN retired s USING (initiative)
    LEFT JOIN confirmed k USING (initiative)
)
