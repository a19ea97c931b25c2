"""Metrics by slice, their intervals, gaps and search."""
