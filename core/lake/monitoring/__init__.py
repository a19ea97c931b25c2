"""Estimates, drift, quality and attributions as recorded, and the sums under them."""
