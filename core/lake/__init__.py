"""The only DuckDB and the only SQL: the record, the Parquet batches, and what is asked of them."""
