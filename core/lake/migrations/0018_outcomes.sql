-- True outcomes that came after the predictions: row_id and y_true in a Parquet file, kept by its digest.
CREATE TABLE prediction_outcomes (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, path VARCHAR, sha256 VARCHAR, rows BIGINT, source_name VARCHAR
);
