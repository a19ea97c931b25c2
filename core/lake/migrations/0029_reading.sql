-- Who may read an initiative beside its people: as its domain says, or stricter.
ALTER TABLE initiative ADD COLUMN reading VARCHAR DEFAULT '';
