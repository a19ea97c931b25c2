"""Initiatives, signatures, policies and coverage as recorded."""
