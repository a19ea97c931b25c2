"""Versions, documents and lineage."""
