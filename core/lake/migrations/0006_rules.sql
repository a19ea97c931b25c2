-- The ethical position as published: the text as written is what decides.
CREATE TABLE ethics (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    version VARCHAR, title VARCHAR, sha256 VARCHAR, text VARCHAR
);
-- Where the people live whom an initiative concerns: which laws apply follows from it.
CREATE TABLE initiative_regions (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, regions VARCHAR[], reason VARCHAR
);
-- How a right of the people whose data is used is answered: by whom, how, within how many days, from when.
-- Where `applies` is false, the reason says why nobody can ask for it here.
CREATE TABLE right_answer (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, right_id VARCHAR, applies BOOLEAN, answered_by VARCHAR, how VARCHAR,
    within_days INTEGER, ready_on DATE, reason VARCHAR
);
