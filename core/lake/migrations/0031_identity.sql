-- Who somebody is: logins at the identity provider, known by digest; until when they were ended; tokens by name.
CREATE TABLE login (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR, person VARCHAR, login VARCHAR, issued_at TIMESTAMP
);
CREATE TABLE logout (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR, person VARCHAR, issued_until TIMESTAMP
);
CREATE TABLE token (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR, token VARCHAR, state VARCHAR, person VARCHAR, sha256 VARCHAR,
    operations VARCHAR[], initiatives VARCHAR[], expires_at TIMESTAMP, note VARCHAR
);
-- By what the actor of an entry was known; entries of before hold nothing there, and their digests are over that.
ALTER TABLE record ADD COLUMN credential VARCHAR DEFAULT '';
