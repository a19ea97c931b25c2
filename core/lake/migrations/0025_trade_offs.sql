-- What it would take to meet a limit: a JSON file by its digest, with the thresholds that were weighed.
CREATE TABLE trade_off (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, feature VARCHAR, metric VARCHAR, outcome VARCHAR, part VARCHAR,
    batches VARCHAR[], path VARCHAR, sha256 VARCHAR, said VARCHAR
);
-- A trade-off that somebody attached to a finding, by the digest of its file.
CREATE TABLE finding_evidence (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, finding VARCHAR, version VARCHAR, title VARCHAR, sha256 VARCHAR, note VARCHAR
);
