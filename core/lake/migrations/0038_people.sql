-- People leave, and others act for them. Names stand beside the record with the salt that it holds them by, those of
-- before too; the directory says today's team and roles, as the record does.
UPDATE directory SET team = coalesce(m.team, directory.team), roles = coalesce(m.roles, directory.roles)
FROM (SELECT person, arg_max(team, seq) AS team, arg_max(roles, seq) AS roles FROM membership GROUP BY person) m
WHERE m.person = directory.actor AND (m.team <> directory.team OR m.roles <> directory.roles);
ALTER TABLE membership ADD COLUMN has_left BOOLEAN DEFAULT 0;
ALTER TABLE membership ADD COLUMN name_sha256 VARCHAR DEFAULT '';
ALTER TABLE membership ADD COLUMN heir VARCHAR DEFAULT '';
ALTER TABLE membership ADD COLUMN reason VARCHAR DEFAULT '';
CREATE TABLE known_name (sha256 VARCHAR, actor VARCHAR, salt VARCHAR, name VARCHAR, title VARCHAR);
CREATE TABLE deputy (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    person VARCHAR, deputy VARCHAR, since DATE, until DATE, reason VARCHAR
);
