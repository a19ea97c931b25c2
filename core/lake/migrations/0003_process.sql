-- Sign-offs: every act on the sign-off of a gate. A signature is bound to what it saw: the model version, the
-- digest of what the policy asked for, and the content of the evidence (JSON: measure -> key) with its digest.
CREATE TABLE sign_off (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, gate VARCHAR, act VARCHAR, outcome VARCHAR, role VARCHAR, on_behalf_of VARCHAR,
    reason VARCHAR, version VARCHAR, class_id VARCHAR, policy_version VARCHAR, demands_sha256 VARCHAR,
    evidence VARCHAR, evidence_sha256 VARCHAR
);
-- What a policy asked for at a gate, once per digest.
CREATE TABLE demand_set (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR, sha256 VARCHAR, demands VARCHAR[]
);
-- Who may sign for whom, until when; `given` false ends it.
CREATE TABLE delegation (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    delegate VARCHAR, role VARCHAR, until DATE, reason VARCHAR, given BOOLEAN
);
-- Findings: the latest row per finding holds; `state` is open, resolved or closed.
CREATE TABLE finding (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, finding VARCHAR, state VARCHAR, severity VARCHAR, title VARCHAR, detail VARCHAR,
    step VARCHAR, check_id VARCHAR, owner VARCHAR, due_on DATE, note VARCHAR
);
-- Waivers: the latest row per waiver holds; `state` is requested, granted, refused or withdrawn.
CREATE TABLE waiver (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, waiver VARCHAR, state VARCHAR, measure VARCHAR, version VARCHAR, role VARCHAR,
    reason VARCHAR, compensation VARCHAR, until DATE, note VARCHAR
);
-- What a recorded decision rested on, beside its policy.
CREATE TABLE decision_basis (
    seq BIGINT, recorded_at TIMESTAMP, actor VARCHAR,
    initiative VARCHAR, gate VARCHAR, version VARCHAR, class_id VARCHAR, policy_version VARCHAR,
    ethics_version VARCHAR, demands_sha256 VARCHAR
);
