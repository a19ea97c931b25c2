-- The kind of model that a use case rests on; what was registered before kinds were asked for is a learned one.
ALTER TABLE initiative ADD COLUMN kind VARCHAR DEFAULT 'machine_learned_model';
-- What versions of other kinds are made of.
ALTER TABLE version_amendment ADD COLUMN base_model VARCHAR;
ALTER TABLE version_amendment ADD COLUMN base_version VARCHAR;
ALTER TABLE version_amendment ADD COLUMN prompts_uri VARCHAR;
ALTER TABLE version_amendment ADD COLUMN prompts_sha256 VARCHAR;
ALTER TABLE version_amendment ADD COLUMN index_uri VARCHAR;
ALTER TABLE version_amendment ADD COLUMN index_sha256 VARCHAR;
ALTER TABLE version_amendment ADD COLUMN tools VARCHAR;
ALTER TABLE version_amendment ADD COLUMN acts_as VARCHAR;
ALTER TABLE version_amendment ADD COLUMN budget VARCHAR;
ALTER TABLE version_amendment ADD COLUMN stopped_by VARCHAR;
ALTER TABLE version_amendment ADD COLUMN supplier VARCHAR;
ALTER TABLE version_amendment ADD COLUMN supplier_version VARCHAR;
ALTER TABLE version_amendment ADD COLUMN contract VARCHAR;
