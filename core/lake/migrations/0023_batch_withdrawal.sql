-- Batches of predictions that count no more; their files and all that was told of them stay.
CREATE TABLE batch_withdrawal (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, part VARCHAR, sha256 VARCHAR, reason VARCHAR
);
