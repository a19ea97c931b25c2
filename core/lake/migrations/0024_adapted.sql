-- Which method an estimate is of, and for one adapted to the inputs of its chunk how far these can be told
-- apart from the reference's, and the error of each method on reference rows held back.
ALTER TABLE decay_chunk ADD COLUMN method VARCHAR DEFAULT 'nannyml';
ALTER TABLE decay_chunk ADD COLUMN separation DOUBLE;
ALTER TABLE decay_chunk ADD COLUMN held_back DOUBLE;
