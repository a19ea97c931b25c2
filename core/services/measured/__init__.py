"""Evidence that measures itself: predictions, slices, decay, drift, explanations."""
