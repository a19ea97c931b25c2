-- Rows that are gone, and initiatives of which nothing may go.
CREATE TABLE data_purge (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR, initiative VARCHAR, version VARCHAR,
    part VARCHAR, sha256 VARCHAR, files VARCHAR[], reason VARCHAR
);
CREATE TABLE legal_hold (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR, initiative VARCHAR, state VARCHAR, reason VARCHAR
);
