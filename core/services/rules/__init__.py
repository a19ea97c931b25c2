"""What decides: the policy, the ethical position, frameworks and rights."""
