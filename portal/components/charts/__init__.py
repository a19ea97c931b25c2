"""Charts: each takes values and draws them; what they share stands in `canvas`."""
