-- Rows that are gone, initiatives of which nothing may go, and people who are forgotten (by their number).
CREATE TABLE data_purge (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR, initiative VARCHAR, version VARCHAR,
    part VARCHAR, sha256 VARCHAR, files VARCHAR[], reason VARCHAR
);
CREATE TABLE legal_hold (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR, initiative VARCHAR, state VARCHAR, reason VARCHAR
);
ALTER TABLE membership ADD COLUMN forgotten BIGINT DEFAULT 0;
