-- As how many rows the reference counts for a chunk, and which inputs of it the reference does not cover.
ALTER TABLE decay_chunk ADD COLUMN effective_rows DOUBLE;
ALTER TABLE decay_chunk ADD COLUMN uncovered VARCHAR[];
