"""Numbers, pure: sums and counts in, frozen results out. No clock, no file, no database."""
