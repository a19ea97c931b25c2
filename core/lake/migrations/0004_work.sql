-- Work that moves: the latest row per task says who was put on it; `hand_off` names the offer it came by.
CREATE TABLE task_assignment (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, task VARCHAR, person VARCHAR, reason VARCHAR, hand_off VARCHAR
);
-- An offer of an initiative (`task` is null) or of one task, to a team or to a person of it.
CREATE TABLE hand_off (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    hand_off VARCHAR, initiative VARCHAR, task VARCHAR, what VARCHAR, from_team VARCHAR,
    to_team VARCHAR, to_person VARCHAR, reason VARCHAR
);
-- The one answer to an offer: accepted, returned or withdrawn.
CREATE TABLE hand_off_answer (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    hand_off VARCHAR, initiative VARCHAR, answer VARCHAR, reason VARCHAR
);
-- Comments name people by id, so that a name can be forgotten; a reading covers all that stood until then.
CREATE TABLE comment (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, comment VARCHAR, text VARCHAR, mentions VARCHAR[]
);
CREATE TABLE comments_read (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR, initiative VARCHAR
);
-- Trainings that people attest for themselves, with the last day on which each holds.
CREATE TABLE training_attestation (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    training VARCHAR, person VARCHAR, statement VARCHAR, valid_until DATE
);
