-- Answers to requests that came with a key, beside the record: the same key gets the same answer.
CREATE TABLE answered (key VARCHAR, asked VARCHAR, seq BIGINT, answered_at TIMESTAMP, answer VARCHAR);
