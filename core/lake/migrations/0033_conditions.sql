-- An approval may rest on a condition that is to be met by a day, and set limits of use.
ALTER TABLE sign_off ADD COLUMN condition VARCHAR DEFAULT '';
ALTER TABLE sign_off ADD COLUMN condition_due DATE;
ALTER TABLE sign_off ADD COLUMN limits VARCHAR DEFAULT '';
CREATE TABLE condition_met (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, gate VARCHAR, signed_seq BIGINT, note VARCHAR
);
