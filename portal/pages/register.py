"""Stub to be replaced."""
