-- Newest proofs of each initiative as it is now, whatever the policy.
newest_run AS MATERIALIZED (
    SELECT c.key, c.cell, r.check_id, arg_max(r.verdict, r.seq) AS verdict,
        arg_max(r.recorded_at, r.seq)::DATE AS run_on
    FROM check_run r JOIN classified c USING (initiative)
    WHERE r.seq <= $seq AND (r.version IS NULL OR r.version = c.version)
    GROUP BY c.key, c.cell, r.check_id
),
newest_evidence AS MATERIALIZED (
    SELECT c.key, c.cell, e.measure, max(e.seq) AS seq,
        max(coalesce(e.stands_for, e.recorded_at::DATE)) AS proved_on
    FROM evidence e JOIN classified c USING (initiative)
    WHERE e.seq <= $seq AND (e.version IS NULL OR e.version = c.version)
    GROUP BY c.key, c.cell, e.measure
)
