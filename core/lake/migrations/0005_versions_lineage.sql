-- What a version is to its initiative (challenger, champion, retired), and what was filled in later: an
-- amendment's empty columns leave what was there.
CREATE TABLE version_state (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, state VARCHAR, reason VARCHAR
);
CREATE TABLE version_amendment (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, version VARCHAR, reason VARCHAR, notes VARCHAR,
    artifact_uri VARCHAR, artifact_sha256 VARCHAR, data_uri VARCHAR, data_sha256 VARCHAR, data_kind VARCHAR,
    code_uri VARCHAR, code_commit VARCHAR, environment_uri VARCHAR, environment_sha256 VARCHAR,
    image_uri VARCHAR, image_sha256 VARCHAR, metrics_uri VARCHAR, metrics_sha256 VARCHAR, metrics VARCHAR
);
-- What people wrote beside the generated text of a document, section by section; an empty text takes it back.
CREATE TABLE document_text (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, kind VARCHAR, section VARCHAR, text VARCHAR
);
-- Lineage: data, who uses it how, what it is made of, and which of it is bad. The latest row per subject holds.
CREATE TABLE data_source (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    source VARCHAR, name VARCHAR, description VARCHAR, team VARCHAR, personal_data BOOLEAN,
    location VARCHAR, quality VARCHAR
);
CREATE TABLE data_upstream (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    source VARCHAR, upstream VARCHAR, how VARCHAR, columns VARCHAR[], holds BOOLEAN
);
CREATE TABLE data_use (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    source VARCHAR, initiative VARCHAR, version VARCHAR, how VARCHAR, columns VARCHAR[], holds BOOLEAN
);
CREATE TABLE data_mark (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR, source VARCHAR, bad BOOLEAN, reason VARCHAR
);
CREATE TABLE business_process (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR, initiative VARCHAR, processes VARCHAR[]
);
