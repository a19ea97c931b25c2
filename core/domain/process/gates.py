"""May an initiative pass a gate? A closed gate is a result, not an exception, and doubt closes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from core.domain.errors import NotFound
from core.domain.policy.checks import CHECKS
from core.domain.policy.policy import Gate, Policy
from core.domain.process.facts import InitiativeFacts
from core.domain.process.requirements import (
    RequirementState,
    Status,
    proof_status,
    requirement_states,
    standing_waiver,
)
from core.domain.process.sign_offs import SignOffStatus, sign_off_state


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


_AGAIN = "Take the use case up again first (governance initiative reopen)."
_CONFIRM = "Ask somebody who had no part in it to look at its answers (governance initiative confirm)."


def find_gate(policy: Policy, class_id: str, gate_id: str) -> Gate:
    """Find a gate of a class, or say which there are."""
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

    A gate asks for every requirement of its own step and of the steps before it, signatures among them, and
    that no serious finding of these steps is open; that its class is confirmed where that is asked, and that
    the use case is not retired. It **fails closed**: an error while deciding makes the
    outcome blocked, with a finding that says so.

    Raises
    ------
    NotFound
        The initiative's class does not pass such a gate: a broken question, not a decision.
    """
    gate: Gate | None = None
    try:
        policy = policy.of(facts.kind)
        gate = find_gate(policy, facts.class_id, gate_id)
        last_step = policy.step_order[gate.step]
        states = requirement_states(policy, facts, day)
        asked = [s for s in states if policy.step_order[s.requirement.step] <= last_step]
        findings = tuple(f for state in asked if (f := finding_for(policy, state, facts, day)) is not None)
        findings += open_findings(policy, facts, last_step)
        if facts.retired_on is not None:
            findings = (Finding("initiative", "blocker", f"It was retired on {facts.retired_on}", _AGAIN),)
        elif facts.unconfirmed == "required":
            findings += (Finding("classification", "blocker", "Nobody has confirmed its class", _CONFIRM),)
    except Exception as error:  # any doubt closes the gate
        if gate is None and isinstance(error, NotFound):
            raise
        findings = (_could_not_decide(error),)
    blocked = any(finding.severity == "blocker" for finding in findings)
    return Decision(facts.initiative, gate_id, "blocked" if blocked else "open", findings, policy.version)


def finding_for(policy: Policy, state: RequirementState, facts: InitiativeFacts, day: date) -> Finding | None:
    """Say what to do about a requirement, or None where there is nothing to do."""
    requirement = state.requirement
    match state.status:
        case Status.MET:
            return None
        case Status.WAIVED:
            return _waived(policy, state, facts, day)
        case Status.EXPIRING:
            what = "signatures expire" if requirement.sign_off else "proof expires"
            return Finding(
                requirement.id,
                "warning",
                f"{_title(state)}: its {what} on {state.expires_on}",
                "Renew it before that day.",
            )
        case _ if requirement.sign_off is not None:
            message, remedy = _unsigned(policy, state, facts, day)
        case Status.MISSING:
            message, remedy = _missing(policy, state, facts, day)
        case Status.FAILED | Status.CANNOT_TELL:
            message, remedy = _unproved_check(state, facts)
    return Finding(requirement.id, "blocker", f"{requirement.title}: {message}", remedy)


def open_findings(policy: Policy, facts: InitiativeFacts, last_step: int) -> tuple[Finding, ...]:
    """What recorded findings of the steps up to `last_step` say: minor ones warn, the others keep it shut.

    A finding of a step that the policy no longer knows counts at every gate.
    """
    return tuple(
        Finding(
            f"finding:{known.finding}",
            "warning" if known.severity == "minor" else "blocker",
            f"Finding {known.finding}, {known.severity}: {known.title}",
            f"Mend it by {known.due_on} and let somebody else verify it.",
        )
        for known in facts.findings
        if policy.step_order.get(known.step, 0) <= last_step
    )


def _title(state: RequirementState) -> str:
    return state.requirement.title if state.requirement.sign_off else state.proved_by.title


def _waived(policy: Policy, state: RequirementState, facts: InitiativeFacts, day: date) -> Finding:
    found = standing_waiver(policy, state.requirement.measure.id, facts, day)
    assert found is not None  # only a standing waiver gives this status
    waiver, until = found
    why = _bare(waiver.reason)
    return Finding(
        state.requirement.id,
        "warning",
        f"{state.requirement.title}: open by waiver {waiver.waiver} until {until}, because {why}",
        f"Meanwhile: {_bare(waiver.compensation)}. Prove it before the waiver ends.",
    )


def _bare(words: str) -> str:
    return words.strip().rstrip(".") or "nothing was said"


def _unsigned(policy: Policy, state: RequirementState, facts: InitiativeFacts, day: date) -> tuple[str, str]:
    plan = state.requirement.sign_off
    gate = policy.gate(plan.gate) if plan else None
    if plan is None or gate is None:
        return "the gate it is signed at does not exist", "Mend the policy."
    sign_off = sign_off_state(policy, plan, gate, facts, day)
    wanted = ", ".join(f"{count} of role {role.replace('_', ' ')}" for role, count in sign_off.missing)
    match sign_off.status:
        case SignOffStatus.NOT_STARTED:
            return "nobody has asked for it", "Ask for the sign-off when the rest is proved."
        case SignOffStatus.REJECTED | SignOffStatus.ABANDONED:
            reasons = [s.given.reason for s in sign_off.signatures if s.given.outcome != "approved"]
            said = f": {_bare(reasons[-1])}" if reasons and reasons[-1] else ""
            return f"it was {sign_off.status}{said}", "Mend what was said, then ask for the sign-off again."
        case SignOffStatus.LAPSED:
            return f"it lapsed, because {'; '.join(sign_off.lapses)}", "Ask for the sign-off again."
        case SignOffStatus.WAITING_FOR_FEEDBACK:
            heard = ", ".join(role.replace("_", " ") for role in sign_off.feedback_missing)
            return f"it waits for feedback of {heard}", "Ask them for their feedback."
    return f"it waits for approval by {wanted}", "Ask them to look at what was proved and to answer."


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
    if facts.version is None and any(check in CHECKS and CHECKS[check].per_version for check in unrun):
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
