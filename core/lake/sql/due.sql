-- Every requirement of every initiative: by whom and by when.
due AS (
    SELECT c.key, c.initiative, a.class_id, a.class_place, a.consideration, a.requirement, a.step, a.responsible,
        a.waivable,
        greatest(c.since, CASE WHEN a.per_version THEN c.version_since END) + a.due_days AS due_on
    FROM classified c JOIN policy_asked a USING (class_id) WHERE a.place = 0
)
