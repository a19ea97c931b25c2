-- What came after an answer and is not what its giver saw, whether or not anybody asks for it.
renewed_evidence AS MATERIALIZED (
    SELECT n.key, n.class_id, n.gate, n.seat, n.measure
    FROM (
        SELECT a.key, a.class_id, a.initiative, a.gate, a.seat, a.evidence, e.measure, e.seq
        FROM answer a JOIN newest_evidence e ON e.key = a.key AND e.seq > a.seq
    ) n
    JOIN evidence e ON e.initiative = n.initiative AND e.measure = n.measure AND e.seq = n.seq
    WHERE json_extract_string(n.evidence, '$.' || n.measure) IS DISTINCT FROM coalesce(e.sha256, e.link, '')
)
