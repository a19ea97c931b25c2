-- A key takes the place of another only with that one's signature.
ALTER TABLE signing_key ADD COLUMN replaces VARCHAR DEFAULT '';
ALTER TABLE signing_key ADD COLUMN signature VARCHAR DEFAULT '';
-- Up to which entry the record was signed, and to which kinds of place (folder, mail, print, hand) that went.
CREATE TABLE checkpoint (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    signed_seq BIGINT, digest VARCHAR, key_id VARCHAR, places VARCHAR[]
);
