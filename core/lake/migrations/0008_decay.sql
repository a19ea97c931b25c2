-- A refresh of the decay estimates, recorded before its chunks: by which rule, from which files, by which fit.
-- `slices_path` names the Parquet file of the subpopulations' estimates; NULL where there are none.
CREATE TABLE decay_run (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, task VARCHAR, chunking VARCHAR, settings VARCHAR,
    reference_rows BIGINT, reference_chunks INTEGER, analysis_rows BIGINT, labelled_rows BIGINT,
    calibrated BOOLEAN, calibration_error DOUBLE, raw_calibration_error DOUBLE,
    batches VARCHAR[], fit_sha256 VARCHAR,
    slices_by VARCHAR[], slices_path VARCHAR, slices_sha256 VARCHAR
);
-- What NannyML learned from a reference, kept as JSON by content. `fit_key` names reference, rule and settings.
CREATE TABLE decay_fit (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, fit_key VARCHAR, path VARCHAR, sha256 VARCHAR, bytes BIGINT
);
