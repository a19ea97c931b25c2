"""The ethical position, frameworks and rights as values."""
