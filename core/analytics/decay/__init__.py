"""Performance estimated without labels, as NannyML does it."""
