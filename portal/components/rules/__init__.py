"""The policy and its changes, the ethical position, frameworks."""
