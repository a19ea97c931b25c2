"""Predictions reduced to counts and sums by slice."""
