"""Bias slices: choices, charts and tables."""
