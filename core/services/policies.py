"""Putting a policy in force. A wrong one is refused, and the old one stays."""

from __future__ import annotations

import hashlib

from core.connectors.policy_file import parse_policy
from core.domain.chain import Fact
from core.domain.commands import PublishPolicy
from core.domain.errors import Conflict
from core.domain.policy import Policy
from core.services.governance import Governance


def publish_policy(governance: Governance, command: PublishPolicy) -> Policy:
    """Put a policy in force; a version that was published once is never published with other words.

    Raises
    ------
    Forbidden
        The actor may not publish policies.
    BadInput
        The text is no sound policy: every fault with its line. The old policy stays in force.
    Conflict
        This version was published before.
    """
    governance.roles.require(command.actor, "publish_policy")
    policy = parse_policy(command.text, governance.roles, name=command.name)
    fact = policy_fact(policy, command.text)
    try:
        governance.store.append([fact], actor=command.actor.id, at=command.at)
    except Conflict as error:
        raise Conflict(
            f"policy version '{policy.version}' was published before",
            where=command.name,
            remedy="Give the new text a new version; a published one never changes.",
        ) from error
    return policy


def policy_fact(policy: Policy, text: str) -> Fact:
    """The fact that a policy was published."""
    row = {
        "version": policy.version,
        "title": policy.title,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "text": text,
    }
    return Fact("policy_published", f"policy-{policy.version}", "policy", (row,), first=True)
