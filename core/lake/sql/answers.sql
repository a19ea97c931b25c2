-- The answer of each seat since a sign-off was asked for last, whatever the policy.
sign_off_round AS (
    SELECT initiative, gate, max(seq) AS asked_seq FROM sign_off
    WHERE seq <= $seq AND act = 'requested' GROUP BY initiative, gate
),
seat_answer AS (
    SELECT s.initiative, s.gate, coalesce(nullif(s.on_behalf_of, ''), s.actor) AS seat, max(s.seq) AS seq
    FROM sign_off s
    JOIN sign_off_round r ON r.initiative = s.initiative AND r.gate = s.gate AND s.seq > r.asked_seq
    WHERE s.seq <= $seq AND s.act IN ('decided', 'withdrawn') GROUP BY ALL
),
answer AS MATERIALIZED (
    SELECT c.key, c.class_id, c.cell, c.version AS current_version, c.task, n.seat, s.initiative, s.gate, s.seq,
        s.recorded_at,
        s.actor, s.act, s.outcome, s.role, s.class_id AS signed_class, s.version, s.demands_sha256, s.evidence,
        s.condition_due
    FROM seat_answer n
    JOIN sign_off s ON s.initiative = n.initiative AND s.gate = n.gate AND s.seq = n.seq
        AND coalesce(nullif(s.on_behalf_of, ''), s.actor) = n.seat
    JOIN classified c ON c.initiative = n.initiative
)
