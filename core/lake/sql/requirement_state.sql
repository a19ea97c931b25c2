-- The set-based form of core.domain.process.requirements: what proves each requirement, and whether it is met. The
-- worst proof of a measure counts.
measure_tally AS (
    SELECT s.key, s.cell, m.measure, max(s.severity) AS worst, count(*) AS found,
        min(s.expires_on) AS first_end, min(s.expires_on) FILTER (s.severity = 4) AS missing_end
    FROM proof_state s JOIN measure_proof m USING (cell, proof) GROUP BY ALL
),
measure_state AS (
    SELECT t.key, t.measure,
        CASE WHEN t.found < w.wanted THEN greatest(t.worst, 4) ELSE t.worst END AS severity,
        CASE WHEN severity <= 2 THEN t.first_end WHEN severity = 4 THEN t.missing_end END AS expires_on
    FROM measure_tally t JOIN proofs_wanted w USING (cell, measure)
),
-- A proved measure of a higher rung stands in for the one asked for; met before expiring before neither.
best_measure AS (
    SELECT c.key, a.requirement,
        arg_min({'measure': a.measure, 'severity': coalesce(m.severity, 4), 'expires_on': m.expires_on},
            least(coalesce(m.severity, 4), 3) * 1000 + a.place) AS best
    FROM classified c
    JOIN policy_asked a USING (class_id)
    LEFT JOIN measure_state m ON m.key = c.key AND m.measure = a.measure
    GROUP BY c.key, a.requirement
),
requirement_state AS (
    SELECT d.initiative, d.class_id, d.class_place, d.consideration, d.requirement, d.step, d.responsible,
        d.due_on, b.best.severity > 2 AND w.until IS NOT NULL AS waived,
        CASE WHEN waived THEN d.requirement ELSE split_part(b.best.measure, ':', 1) END AS proved_by,
        CASE WHEN waived THEN 2 ELSE b.best.severity END AS severity,
        CASE WHEN waived THEN w.until ELSE b.best.expires_on END AS expires_on,
        b.best.severity <= 2 OR waived AS satisfied,
        CASE WHEN waived THEN 'waived'
            ELSE ['met', 'expiring', 'cannot_tell', 'missing', 'failed'][b.best.severity] END AS status,
        d.due_on < $day::DATE AND NOT satisfied AS overdue
    FROM due d
    JOIN best_measure b USING (key, requirement)
    LEFT JOIN standing_waiver w ON w.key = d.key AND w.measure = d.requirement
)
