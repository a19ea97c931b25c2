"""Prediction files: judged whole, then kept as immutable batches."""
