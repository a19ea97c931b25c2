-- One threshold a chunk, those of two sides, and reference chunks held against the reference without them.
ALTER TABLE drift_feature ADD COLUMN thresholds DOUBLE[];
ALTER TABLE drift_feature ADD COLUMN lower_thresholds DOUBLE[];
ALTER TABLE drift_feature ADD COLUMN left_out DOUBLE[];
