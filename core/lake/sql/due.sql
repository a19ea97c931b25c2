-- Every requirement of every initiative, by whom and by when; `asked` says whether it is asked now: of a retired one only
-- what the policy keeps. Where the policy followed another, nothing is due before the end of its transition; and as long
-- as that lasts, whoever was late by the policy before still is. See `Easing` in core.domain.policy.requirement_list.
late_before AS (
    SELECT unnest(from_json($late, '[{"initiative":"VARCHAR","requirement":"VARCHAR","due_on":"DATE"}]'),
        recursive := true)
),
ever_due AS (
    SELECT c.key, c.initiative, a.class_id, a.class_place, a.consideration, a.requirement, a.step, a.responsible,
        greatest(c.since, CASE WHEN a.per_version THEN c.version_since END) AS start,
        coalesce(l.due_on, least(greatest(start + a.due_days, e.floor), greatest(start + e.most_days, e.most_floor)))
            AS due_on,
        c.retired_on, c.retired_on IS NULL OR (a.kept AND c.retired_on + $retention_days >= $day::DATE) AS asked
    FROM classified c
    JOIN policy_asked a USING (class_id)
    LEFT JOIN policy_eased e ON e.cell = c.cell AND e.requirement = a.requirement
    LEFT JOIN late_before l ON l.initiative = c.initiative AND l.requirement = a.requirement
    WHERE a.place = 0
),
due AS (SELECT * FROM ever_due WHERE asked)
