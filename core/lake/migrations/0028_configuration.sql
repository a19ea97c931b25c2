-- Files of the configuration as published: the text as written is what decides, from its day on.
CREATE TABLE configuration (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    file VARCHAR, version VARCHAR, title VARCHAR, sha256 VARCHAR, text VARCHAR, holds_from DATE
);
-- A policy or position may hold from a later day than that of its publication.
ALTER TABLE policy ADD COLUMN holds_from DATE;
ALTER TABLE policy_draft ADD COLUMN holds_from DATE;
ALTER TABLE ethics ADD COLUMN holds_from DATE;
