"""Versions, documents and lineage as recorded."""
