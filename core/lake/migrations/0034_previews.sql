-- What a draft was foreseen to change when it was approved: afterwards it could only be compared with itself.
CREATE TABLE policy_preview (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    draft VARCHAR, sha256 VARCHAR, text VARCHAR
);
