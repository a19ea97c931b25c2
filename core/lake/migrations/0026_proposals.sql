-- What takes effect only when somebody who had no part in it agrees: what was given, and who may agree.
CREATE TABLE proposal (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    proposal VARCHAR, state VARCHAR, act VARCHAR, about VARCHAR, given VARCHAR, says VARCHAR[], reviewers VARCHAR[],
    proposed_by VARCHAR, note VARCHAR
);
-- A class below the one that the answers lead to holds for a while, and something is done instead.
ALTER TABLE classification ADD COLUMN until DATE;
ALTER TABLE classification ADD COLUMN compensation VARCHAR DEFAULT '';
ALTER TABLE classification ADD COLUMN proposal VARCHAR DEFAULT '';
