-- What values of a column mean, as JSON, empty where all are read as they stand. Batches read anew since that was amended.
ALTER TABLE column_mapping ADD COLUMN reading VARCHAR DEFAULT '';
ALTER TABLE batch_intake ADD COLUMN given_path VARCHAR DEFAULT '';
ALTER TABLE batch_intake ADD COLUMN given_sha256 VARCHAR DEFAULT '';
ALTER TABLE batch_intake ADD COLUMN local_times BOOLEAN;
CREATE TABLE batch_reading (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, part VARCHAR, batch VARCHAR, path VARCHAR, sha256 VARCHAR, labelled BIGINT,
    first_at TIMESTAMP, last_at TIMESTAMP, columns VARCHAR[], sensitive VARCHAR[], classes VARCHAR[],
    warnings VARCHAR[], amended VARCHAR
);
