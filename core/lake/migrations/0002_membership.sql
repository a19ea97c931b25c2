-- Who was given which team and roles, by whom and when: by id, so that the name can be forgotten.
CREATE TABLE membership (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    person VARCHAR, team VARCHAR, roles VARCHAR[]
);
