"""Whether a waiver stands in for a requirement today."""

from __future__ import annotations

from datetime import date, timedelta

from core.domain.facts.process import Waiver
from core.domain.policy.policy import Policy
from core.domain.process.facts import InitiativeFacts


def waived_until(policy: Policy, waiver: Waiver, facts: InitiativeFacts, day: date) -> date | None:
    """Last day on which a granted waiver holds, or None where it does not hold today.

    It holds while its approver's role may waive for the initiative's class as it is now, for the model
    version it was granted for, and no longer than the class allows.
    """
    rule = policy.waiver_rule(facts.class_id)
    if rule is None or waiver.role not in rule.approvers:
        return None
    if waiver.version is not None and waiver.version != facts.version:
        return None
    until = min(waiver.until, waiver.recorded_at.date() + timedelta(days=rule.max_days))
    return until if until >= day else None


def standing_waiver(
    policy: Policy, measure: str, facts: InitiativeFacts, day: date
) -> tuple[Waiver, date] | None:
    """The waiver that stands in for a measure longest, with its last day; None where there is none."""
    if measure not in policy.measures or not policy.measures[measure].waivable:
        return None
    held = [
        (waiver, until)
        for waiver in facts.waivers
        if waiver.measure == measure and (until := waived_until(policy, waiver, facts, day)) is not None
    ]
    return max(held, key=lambda found: (found[1], found[0].waiver), default=None)
