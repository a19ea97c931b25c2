-- Digests, as they came in, of the batches that have the rows of a file of outcomes; nothing: any of the analysis may.
ALTER TABLE prediction_outcomes ADD COLUMN batches VARCHAR[];
