-- A use case is retired and taken up again; a second person confirms its class.
CREATE TABLE initiative_state (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR, initiative VARCHAR, state VARCHAR, reason VARCHAR
);
CREATE TABLE class_confirmation (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, class_id VARCHAR, classified_seq BIGINT, note VARCHAR
);
ALTER TABLE classification ADD COLUMN review_percent INTEGER DEFAULT 0;
