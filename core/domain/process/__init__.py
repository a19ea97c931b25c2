"""Whether what is asked for is met, and whether a gate may open."""
