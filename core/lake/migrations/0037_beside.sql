-- Values out of somebody's file stand beside the record: in a file with a salt, named by its sha256.
ALTER TABLE batch_intake ADD COLUMN beside VARCHAR DEFAULT '';
ALTER TABLE batch_reading ADD COLUMN beside VARCHAR DEFAULT '';
ALTER TABLE column_mapping ADD COLUMN beside VARCHAR DEFAULT '';
ALTER TABLE data_quality_column ADD COLUMN beside VARCHAR DEFAULT '';
ALTER TABLE explanation ADD COLUMN beside VARCHAR DEFAULT '';
