-- Keys that checkpoints and audit packs are signed with: only the public half stands here.
CREATE TABLE signing_key (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    key_id VARCHAR, public_key VARCHAR
);
-- Evidence files forgotten on purpose; the digest stays in the entry that brought the file.
CREATE TABLE evidence_purged (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, sha256 VARCHAR, reason VARCHAR
);
-- Packs that left the house: who took what away, as it stood at which entry. `initiative` is NULL for all.
CREATE TABLE audit_pack (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, as_of_seq BIGINT, manifest_sha256 VARCHAR, files BIGINT, bytes BIGINT
);
