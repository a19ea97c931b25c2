"""The record for those who have to trust it: read, verify, replay, take away."""
