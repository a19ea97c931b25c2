-- Which column of a version's files is what; the latest row holds. `scores` is JSON, class -> column, and
-- `kinds` (number, text, flag, time) stands beside `features`.
CREATE TABLE column_mapping (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, task VARCHAR, row_id VARCHAR, timestamp VARCHAR,
    prediction VARCHAR, target VARCHAR, scores VARCHAR,
    features VARCHAR[], kinds VARCHAR[], sensitive VARCHAR[], classes VARCHAR[]
);
-- How a batch came in: the user's file, and what was odd about it. `sha256` names the batch.
CREATE TABLE batch_intake (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, part VARCHAR, sha256 VARCHAR,
    source_name VARCHAR, source_kind VARCHAR, source_sha256 VARCHAR, source_bytes BIGINT,
    numbered BOOLEAN, warnings VARCHAR[]
);
-- A measurement of drift: of which batches, in which chunks. Lists run along the chunks, reference first.
CREATE TABLE drift_run (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, chunk_rows BIGINT, period VARCHAR,
    reference_chunks INTEGER, parts VARCHAR[], first_rows BIGINT[], last_rows BIGINT[],
    started_at VARCHAR[], ended_at VARCHAR[], batches VARCHAR[], skipped VARCHAR[]
);
CREATE TABLE drift_feature (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, feature VARCHAR, kind VARCHAR, method VARCHAR,
    threshold DOUBLE, distances DOUBLE[], p_values DOUBLE[], alerts BOOLEAN[]
);
-- Data quality of a version's batches, column by column, against its reference.
CREATE TABLE data_quality_run (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, reference_rows BIGINT, analysis_rows BIGINT,
    limits_version VARCHAR, verdict VARCHAR, batches VARCHAR[]
);
CREATE TABLE data_quality_column (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, feature VARCHAR, kind VARCHAR, sensitive BOOLEAN, verdict VARCHAR,
    findings VARCHAR[], reference_missing DOUBLE, missing DOUBLE, unseen DOUBLE, unseen_values VARCHAR[],
    out_of_range DOUBLE, low DOUBLE, high DOUBLE, reference_low DOUBLE, reference_high DOUBLE,
    personal_kind VARCHAR, personal_share DOUBLE, personal_why VARCHAR, examples VARCHAR[]
);
