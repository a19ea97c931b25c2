"""What the matrix asks of a class, and whether an initiative's proofs meet it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from core.domain.policy import Consideration, Measure, Policy
from core.domain.verdict import Verdict


class Status(StrEnum):
    """Where a requirement stands, worst last."""

    MET = "met"
    EXPIRING = "expiring"
    CANNOT_TELL = "cannot_tell"
    MISSING = "missing"
    FAILED = "failed"


SATISFIED = frozenset({Status.MET, Status.EXPIRING})
_WORST_FIRST = (Status.FAILED, Status.MISSING, Status.CANNOT_TELL, Status.EXPIRING, Status.MET)


@dataclass(frozen=True)
class Requirement:
    """A cell of the matrix for one class: the measure asked for, and those that satisfy it."""

    consideration: Consideration
    measure: Measure
    satisfied_by: tuple[Measure, ...]


@dataclass(frozen=True)
class CheckProof:
    """Latest run of a check on the current model version."""

    verdict: Verdict
    run_on: date
    message: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class InitiativeFacts:
    """What the record knows of one initiative, as far as rules need it.

    Attributes
    ----------
    evidence
        Measure id -> day of the newest evidence that belongs to the current version (or to none).
    checks
        Check id -> latest run on the current version.
    registered_on, classified_on, version_on
        Days from which deadlines count; `version_on` is None while there is no model version.
    """

    initiative: str
    class_id: str
    registered_on: date
    classified_on: date
    version_on: date | None = None
    evidence: Mapping[str, date] = field(default_factory=dict)
    checks: Mapping[str, CheckProof] = field(default_factory=dict)


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


def requirements_of(policy: Policy, class_id: str) -> tuple[Requirement, ...]:
    """List what the matrix asks of a class, in the order of the considerations and rungs.

    Examples
    --------
    A cell of 0 asks for nothing; on a ladder that replaces, a cell of 2 asks for rung 2 and takes rung 3
    for it; on a ladder that adds, it asks for rungs 1 and 2.
    """
    asked: list[Requirement] = []
    for ladder in policy.considerations:
        rung = policy.matrix[class_id][ladder.id]
        if rung and ladder.ladder == "replaces":
            asked.append(Requirement(ladder, ladder.rungs[rung - 1], ladder.rungs[rung - 1 :]))
        elif rung:
            asked.extend(Requirement(ladder, measure, (measure,)) for measure in ladder.rungs[:rung])
    return tuple(asked)


def due_on(policy: Policy, measure: Measure, facts: InitiativeFacts) -> date:
    """Day by which a measure is due: `due_days` after registration, classification or model version."""
    start = max(facts.registered_on, facts.classified_on)
    if policy.measure_is_per_version(measure.id) and facts.version_on is not None:
        start = max(start, facts.version_on)
    return start + timedelta(days=measure.due_days)


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
    """Hold a requirement against the facts: a higher rung that is proved stands in for the one asked."""
    tried = [(measure, *measure_status(policy, measure, facts, day)) for measure in requirement.satisfied_by]
    satisfied = [entry for entry in tried if entry[1] in SATISFIED]
    met = [entry for entry in satisfied if entry[1] is Status.MET]
    measure, status, expires = (met or satisfied or tried)[0]
    due = due_on(policy, requirement.measure, facts)
    overdue = status not in SATISFIED and due < day
    return RequirementState(requirement, status, measure, due, expires, overdue)


def requirement_states(policy: Policy, facts: InitiativeFacts, day: date) -> tuple[RequirementState, ...]:
    """All requirements of an initiative's class, held against its facts on `day`."""
    asked = requirements_of(policy, facts.class_id)
    return tuple(requirement_state(policy, requirement, facts, day) for requirement in asked)
