-- Which values of a version's prediction are good to get; an empty list: neither is better than another.
CREATE TABLE favourable_outcome (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, favourable VARCHAR[], note VARCHAR
);
