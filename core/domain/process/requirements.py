"""Whether an initiative's proofs, signatures and waivers meet what the matrix asks of its class."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from core.domain.facts.process import Waiver
from core.domain.policy.policy import Measure, Policy
from core.domain.policy.requirement_list import Easing, Requirement, easings, requirements_of, waiver_terms
from core.domain.process.facts import InitiativeFacts
from core.domain.process.sign_offs import SignOffStatus, sign_off_state
from core.ground import Verdict


def waived_until(policy: Policy, waiver: Waiver, facts: InitiativeFacts, day: date) -> date | None:
    """Last day on which a granted waiver holds, or None where it does not hold today.

    It holds while its approver's role may waive the measure for the initiative's class as it is now, for the
    model version it was granted for, and no longer than the class allows; what one person waived in an
    emergency no longer than emergencies last. Rules that became stricter since bind it when their transition
    ends.
    """
    if waiver.version is not None and waiver.version != facts.version:
        return None
    granted = waiver.recorded_at.date()
    ends = [
        min(waiver.until, granted + timedelta(days=term.max_days), term.ends_on or date.max)
        for term in waiver_terms(policy, facts.class_id, waiver.measure)
        if term.role == waiver.role and (term.granted_before is None or granted < term.granted_before)
    ]
    return max((until for until in ends if until >= day), default=None)


def standing_waiver(
    policy: Policy, measure: str, facts: InitiativeFacts, day: date
) -> tuple[Waiver, date] | None:
    """The waiver that stands in for a measure longest, with its last day; None where there is none."""
    held = [
        (waiver, until)
        for waiver in facts.waivers
        if waiver.measure == measure and (until := waived_until(policy, waiver, facts, day)) is not None
    ]
    return max(held, key=lambda found: (found[1], found[0].waiver), default=None)


class Status(StrEnum):
    """Where a requirement stands, worst last."""

    MET = "met"
    EXPIRING = "expiring"
    WAIVED = "waived"
    CANNOT_TELL = "cannot_tell"
    MISSING = "missing"
    FAILED = "failed"


SATISFIED = frozenset({Status.MET, Status.EXPIRING, Status.WAIVED})
_WORST_FIRST = (Status.FAILED, Status.MISSING, Status.CANNOT_TELL, Status.EXPIRING, Status.MET)


@dataclass(frozen=True)
class RequirementState:
    """A requirement held against the facts on one day."""

    requirement: Requirement
    status: Status
    proved_by: Measure
    due_on: date
    expires_on: date | None
    overdue: bool

    @property
    def satisfied(self) -> bool:
        """Met, if need be not for much longer."""
        return self.status in SATISFIED


def due_on(policy: Policy, requirement: Requirement, facts: InitiativeFacts) -> date:
    """Day by which it is due: `due_days` after registration, classification or model version.

    Where the policy followed one that asked for less, not before the end of its transition.
    """
    eased = easings(policy, facts.class_id).get(requirement.id, Easing())
    start = _start(policy, requirement, facts)
    due = max(start + timedelta(days=requirement.due_days), eased.floor or date.min)
    if eased.most_days is None:
        return due
    return min(due, max(start + timedelta(days=eased.most_days), eased.most_floor or date.min))


def late_before(policy: Policy, requirement: Requirement, facts: InitiativeFacts, day: date) -> date | None:
    """While a transition lasts: the day by which what was asked before was due, if that is late still."""
    eased = easings(policy, facts.class_id).get(requirement.id, Easing())
    if eased.by is None or eased.floor is None or eased.floor < day:
        return None
    asked = requirements_of(eased.by, facts.class_id) if eased.before else ()
    states = [requirement_state(eased.by, one, facts, day) for one in asked if one.id in eased.before]
    return min((state.due_on for state in states if state.overdue), default=None)


def _start(policy: Policy, requirement: Requirement, facts: InitiativeFacts) -> date:
    start = max(facts.registered_on, facts.classified_on)
    per_version = policy.steps[policy.step_order[requirement.step]].per_version
    if per_version and facts.version_on is not None:
        start = max(start, facts.version_on)
    return start


def measure_status(
    policy: Policy, measure: Measure, facts: InitiativeFacts, day: date
) -> tuple[Status, date | None]:
    """Hold one measure against the facts: its status, and the day its first proof expires.

    The worst proof counts. A check that has not run is missing; a proof past its `valid_days` is missing.
    """
    found: list[tuple[Status, date | None]] = []
    if measure.evidence is not None:
        found.append(proof_status(policy, measure, facts.evidence.get(measure.id), day))
    for check in measure.checks:
        proof = facts.checks.get(check)
        if proof is not None and proof.verdict is Verdict.FAIL:
            found.append((Status.FAILED, None))
        elif proof is not None and proof.verdict is Verdict.CANNOT_TELL:
            found.append((Status.CANNOT_TELL, None))
        else:
            found.append(proof_status(policy, measure, proof.run_on if proof else None, day))
    status = next(status for status in _WORST_FIRST if status in {s for s, _ in found})
    telling = found if status in SATISFIED else [proof for proof in found if proof[0] is status]
    expiries = [expires for _, expires in telling if expires is not None]
    return status, min(expiries, default=None)


def proof_status(
    policy: Policy, measure: Measure, proved_on: date | None, day: date
) -> tuple[Status, date | None]:
    """Status of one proof by its age alone; a proof is valid through its last day."""
    if proved_on is None:
        return Status.MISSING, None
    if measure.valid_days is None:
        return Status.MET, None
    expires = proved_on + timedelta(days=measure.valid_days)
    if expires < day:
        return Status.MISSING, expires
    return (Status.EXPIRING if (expires - day).days <= policy.expiring_days else Status.MET), expires


def requirement_state(
    policy: Policy, requirement: Requirement, facts: InitiativeFacts, day: date
) -> RequirementState:
    """Hold a requirement against the facts: a higher rung that is proved stands in for the one asked.

    Where nothing proves it, a waiver may stand in; a signature is never waived.
    """
    due = late_before(policy, requirement, facts, day) or due_on(policy, requirement, facts)
    if requirement.sign_off is not None:
        status, expires = signature_status(policy, requirement, facts, day)
        overdue = status not in SATISFIED and due < day
        return RequirementState(requirement, status, requirement.measure, due, expires, overdue)
    tried = [(measure, *measure_status(policy, measure, facts, day)) for measure in requirement.satisfied_by]
    satisfied = [entry for entry in tried if entry[1] in SATISFIED]
    met = [entry for entry in satisfied if entry[1] is Status.MET]
    measure, status, expires = (met or satisfied or tried)[0]
    if not satisfied and (waived := standing_waiver(policy, requirement.measure.id, facts, day)):
        return RequirementState(requirement, Status.WAIVED, requirement.measure, due, waived[1], False)
    overdue = status not in SATISFIED and due < day
    return RequirementState(requirement, status, measure, due, expires, overdue)


def signature_status(
    policy: Policy, requirement: Requirement, facts: InitiativeFacts, day: date
) -> tuple[Status, date | None]:
    """Status of a requirement that is signed, and the day on which its quorum expires."""
    plan = requirement.sign_off
    gate = policy.gate(plan.gate) if plan else None
    if plan is None or gate is None:
        return Status.MISSING, None
    state = sign_off_state(policy, plan, gate, facts, day)
    match state.status:
        case SignOffStatus.APPROVED:
            soon = state.expires_on is not None and (state.expires_on - day).days <= policy.expiring_days
            return (Status.EXPIRING if soon else Status.MET), state.expires_on
        case SignOffStatus.REJECTED | SignOffStatus.ABANDONED:
            return Status.FAILED, None
    return Status.MISSING, None


def requirement_states(policy: Policy, facts: InitiativeFacts, day: date) -> tuple[RequirementState, ...]:
    """All requirements of an initiative, as its kind proves them, held against its facts on `day`."""
    policy = policy.of(facts.kind)
    asked = asked_of(policy, facts, day)
    return tuple(requirement_state(policy, requirement, facts, day) for requirement in asked)


def asked_of(policy: Policy, facts: InitiativeFacts, day: date) -> tuple[Requirement, ...]:
    """What is asked of an initiative: what its class asks for; once retired, what the policy keeps of it."""
    asked = requirements_of(policy.of(facts.kind), facts.class_id)
    if facts.retired_on is None:
        return asked
    kept = facts.retired_on + timedelta(days=policy.retention_days) >= day
    return tuple(one for one in asked if kept and one.consideration.id in policy.retired_keeps)
