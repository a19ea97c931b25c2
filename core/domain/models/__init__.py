"""What is known of a model version and its data."""
