"""The policy as a value, and what it asks for."""
