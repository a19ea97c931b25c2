"""Drift of inputs, data quality and personal data."""
