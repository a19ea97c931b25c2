"""One frozen class a table of the record."""
