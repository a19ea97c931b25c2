"""May an initiative pass a gate? A closed gate is a result, not an exception, and doubt closes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from core.domain.checks import CHECKS
from core.domain.errors import NotFound
from core.domain.policy import Gate, Policy
from core.domain.requirements import (
    InitiativeFacts,
    RequirementState,
    Status,
    proof_status,
    requirement_states,
)


@dataclass(frozen=True)
class Finding:
    """One thing to do about a requirement; a `blocker` keeps the gate shut, a `warning` does not."""

    requirement: str
    severity: Literal["blocker", "warning"]
    message: str
    remedy: str


@dataclass(frozen=True)
class Decision:
    """Answer to: may this initiative pass this gate?"""

    initiative: str
    gate: str
    outcome: Literal["open", "blocked"]
    findings: tuple[Finding, ...]
    policy_version: str

    @property
    def is_open(self) -> bool:
        """Whether the gate may be passed."""
        return self.outcome == "open"


def find_gate(policy: Policy, class_id: str, gate_id: str) -> Gate:
    """Find a gate of a class, or say which there are.

    Raises
    ------
    NotFound
        The class does not pass such a gate.
    """
    gates = policy.gates_of(class_id)
    for gate in gates:
        if gate.id == gate_id:
            return gate
    names = ", ".join(gate.id for gate in gates)
    raise NotFound(
        f"'{gate_id}' is no gate of class {policy.class_title(class_id)}", remedy=f"Use one of: {names}."
    )


def decide(policy: Policy, facts: InitiativeFacts, gate_id: str, day: date) -> Decision:
    """Decide a gate on a day.

    A gate asks for every requirement of its own step and of the steps before it. It **fails closed**: an
    error while deciding makes the outcome blocked, with a finding that says so.

    Raises
    ------
    NotFound
        The initiative's class does not pass such a gate: a broken question, not a decision.
    """
    gate: Gate | None = None
    try:
        gate = find_gate(policy, facts.class_id, gate_id)
        last_step = policy.step_order[gate.step]
        states = requirement_states(policy, facts, day)
        asked = [s for s in states if policy.step_order[s.requirement.measure.step] <= last_step]
        findings = tuple(f for state in asked if (f := finding_for(policy, state, facts, day)) is not None)
    except Exception as error:  # any doubt closes the gate
        if gate is None and isinstance(error, NotFound):
            raise
        findings = (_could_not_decide(error),)
    blocked = any(finding.severity == "blocker" for finding in findings)
    return Decision(facts.initiative, gate_id, "blocked" if blocked else "open", findings, policy.version)


def finding_for(policy: Policy, state: RequirementState, facts: InitiativeFacts, day: date) -> Finding | None:
    """Say what to do about a requirement, or None where there is nothing to do."""
    measure = state.requirement.measure
    match state.status:
        case Status.MET:
            return None
        case Status.EXPIRING:
            return Finding(
                measure.id,
                "warning",
                f"{state.proved_by.title}: its proof expires on {state.expires_on}",
                "Renew it before that day.",
            )
        case Status.MISSING:
            message, remedy = _missing(policy, state, facts, day)
        case Status.FAILED | Status.CANNOT_TELL:
            message, remedy = _unproved_check(state, facts)
    return Finding(measure.id, "blocker", f"{measure.title}: {message}", remedy)


def _missing(policy: Policy, state: RequirementState, facts: InitiativeFacts, day: date) -> tuple[str, str]:
    """Say what is missing: evidence before checks, as a check often looks at what was submitted."""
    measure = state.requirement.measure
    if measure.evidence is not None:
        status, expired = proof_status(policy, measure, facts.evidence.get(measure.id), day)
        if expired is None and status is Status.MISSING:
            return "no evidence yet", f"Submit {measure.evidence}."
        if status is Status.MISSING:
            return f"its proof expired on {expired}", "Submit it again."
    unrun = [check for check in measure.checks if check not in facts.checks]
    if not unrun:
        return f"its check expired on {state.expires_on}", "Run the checks again."
    titles = ", ".join(f"“{CHECKS[check].title}”" if check in CHECKS else check for check in unrun)
    if facts.version_on is None and any(check in CHECKS and CHECKS[check].per_version for check in unrun):
        return f"check {titles} needs a model version", "Register a model version, then run the checks."
    return f"check {titles} has not run", "Run the checks."


def _unproved_check(state: RequirementState, facts: InitiativeFacts) -> tuple[str, str]:
    proofs = [facts.checks[c] for c in state.requirement.measure.checks if c in facts.checks]
    worst = sorted(proofs, key=lambda proof: proof.verdict == "pass")
    worst = [
        proof for proof in worst if (proof.verdict == "fail") == (state.status is Status.FAILED)
    ] or worst
    outcome = "the check failed" if state.status is Status.FAILED else "the check cannot tell"
    detail = f": {worst[0].message}" if worst and worst[0].message else ""
    return f"{outcome}{detail}", (worst[0].remedy if worst else "") or "Mend it and run the checks again."


def _could_not_decide(error: Exception) -> Finding:
    return Finding(
        "decision",
        "blocker",
        f"the gate could not be decided ({type(error).__name__})",
        "Keep the gate shut and report this; a gate that cannot be decided stays closed.",
    )
