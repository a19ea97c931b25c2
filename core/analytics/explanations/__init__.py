"""What scores come from."""
