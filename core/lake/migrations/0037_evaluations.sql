-- Cases of an evaluation set that a version answered and a judge graded: a Parquet file by its digest.
CREATE TABLE evaluation (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, evaluation VARCHAR, state VARCHAR, dataset VARCHAR, judge VARCHAR,
    judge_kind VARCHAR, threshold DOUBLE, cases BIGINT, passed BIGINT, categories VARCHAR[], texts VARCHAR[],
    path VARCHAR, sha256 VARCHAR, source_name VARCHAR, source_kind VARCHAR, source_sha256 VARCHAR,
    notes VARCHAR[], reason VARCHAR
);
