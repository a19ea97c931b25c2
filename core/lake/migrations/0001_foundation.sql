-- The record: one row per entry, chained by digest; the head row is what appends contend for.
CREATE TABLE record (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR, action VARCHAR, subject VARCHAR,
    fact_table VARCHAR, content_digest VARCHAR, previous_digest VARCHAR, digest VARCHAR
);
CREATE TABLE head (seq BIGINT, recorded_at TIMESTAMP, digest VARCHAR);
INSERT INTO head VALUES (0, TIMESTAMP '1970-01-01', repeat('0', 64));

-- People: beside the record, so that a person can be forgotten while the chain still verifies.
CREATE TABLE directory (
    actor VARCHAR, name VARCHAR, title VARCHAR, team VARCHAR, roles VARCHAR[], persona BOOLEAN
);

-- Facts: each row carries the seq of its record entry. Times are UTC.
CREATE TABLE store_created (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR, store VARCHAR, demo BOOLEAN
);
CREATE TABLE policy (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    version VARCHAR, title VARCHAR, sha256 VARCHAR, text VARCHAR
);
CREATE TABLE initiative (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, name VARCHAR, short_name VARCHAR, purpose VARCHAR, domain VARCHAR, team VARCHAR,
    owner VARCHAR, builder VARCHAR, answers VARCHAR
);
CREATE TABLE classification (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, class_id VARCHAR, mode_id VARCHAR, computed_class_id VARCHAR,
    score INTEGER, reasons VARCHAR[], justification VARCHAR, policy_version VARCHAR
);
CREATE TABLE model_version (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, algorithm VARCHAR, task VARCHAR, notes VARCHAR,
    artifact_uri VARCHAR, artifact_sha256 VARCHAR, data_uri VARCHAR, data_sha256 VARCHAR,
    code_uri VARCHAR, code_commit VARCHAR, environment_sha256 VARCHAR, metrics VARCHAR
);
CREATE TABLE evidence (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, measure VARCHAR, title VARCHAR,
    link VARCHAR, file_name VARCHAR, sha256 VARCHAR, bytes BIGINT
);
CREATE TABLE check_run (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, check_id VARCHAR, verdict VARCHAR, first_try BOOLEAN,
    observed DOUBLE, limit_value DOUBLE, message VARCHAR, remedy VARCHAR
);
CREATE TABLE decision (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, gate VARCHAR, outcome VARCHAR, findings VARCHAR,
    policy_version VARCHAR
);
CREATE TABLE prediction_batch (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, part VARCHAR, path VARCHAR, sha256 VARCHAR,
    rows BIGINT, labelled BIGINT, first_at TIMESTAMP, last_at TIMESTAMP, task VARCHAR,
    columns VARCHAR[], sensitive VARCHAR[], classes VARCHAR[]
);
CREATE TABLE decay_chunk (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, metric VARCHAR, part VARCHAR, chunk INTEGER,
    first_row BIGINT, last_row BIGINT, started_at TIMESTAMP, ended_at TIMESTAMP,
    estimate DOUBLE, realised DOUBLE, lower_confidence DOUBLE, upper_confidence DOUBLE,
    lower_threshold DOUBLE, upper_threshold DOUBLE, sampling_error DOUBLE, alert BOOLEAN, worse BOOLEAN
);
CREATE TABLE attribution (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, feature VARCHAR, place INTEGER,
    mean_absolute DOUBLE, mean_signed DOUBLE, share DOUBLE, sample_rows BIGINT
);
