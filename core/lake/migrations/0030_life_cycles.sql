-- What put a version into production, in which role and for how long, is an act of its own. Answers of gates from
-- before there were such acts (`makes_live` is NULL) did so themselves.
ALTER TABLE version_state ADD COLUMN role VARCHAR DEFAULT '';
ALTER TABLE version_state ADD COLUMN until DATE;
ALTER TABLE decision ADD COLUMN makes_live BOOLEAN;
