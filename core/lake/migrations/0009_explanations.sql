-- A model file in a safe format, kept by digest, so that single rows can be explained later.
CREATE TABLE model_file (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, path VARCHAR, sha256 VARCHAR, bytes BIGINT,
    format VARCHAR, features VARCHAR[]
);
-- Attributions of a model version row by row, a Parquet file by digest; `origin` is computed or uploaded.
-- `asked` names rows that somebody wanted among the sample.
-- base_value, additivity_gap and rounding_gap are NULL where an upload does not say the base value.
CREATE TABLE explanation (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, origin VARCHAR, method VARCHAR, part VARCHAR,
    batch_sha256 VARCHAR, model_sha256 VARCHAR, path VARCHAR, sha256 VARCHAR, rows BIGINT,
    features VARCHAR[], scale VARCHAR, outcome VARCHAR, asked VARCHAR[],
    base_value DOUBLE, additivity_gap DOUBLE, rounding_gap DOUBLE
);
-- The business KPI promised at scoping; a later row of the same KPI revises it. Days as YYYY-MM-DD.
CREATE TABLE business_kpi (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, kpi VARCHAR, name VARCHAR, unit VARCHAR, direction VARCHAR,
    baseline DOUBLE, baseline_on VARCHAR, target DOUBLE, target_on VARCHAR, source VARCHAR, reason VARCHAR
);
-- What was achieved; a later row of the same KPI and day corrects it, and value NULL withdraws it.
CREATE TABLE business_kpi_observation (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, kpi VARCHAR, observed_on VARCHAR, value DOUBLE, note VARCHAR
);
