-- Policies on their way: the latest row per draft holds; `state` is drafted, approved, rejected or published.
CREATE TABLE policy_draft (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    draft VARCHAR, state VARCHAR, version VARCHAR, base_version VARCHAR, title VARCHAR, sha256 VARCHAR,
    text VARCHAR, note VARCHAR
);
