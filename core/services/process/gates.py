"""Asking and deciding gates."""

from __future__ import annotations

from dataclasses import asdict, replace

from core.domain.chain import canonical
from core.domain.commands import DecideGate
from core.domain.errors import Conflict
from core.domain.facts.process import DecisionBasis, GateDecision
from core.domain.facts.recorded import entry_of
from core.domain.moment import Moment
from core.domain.policy.requirement_list import demands_digest, demands_of
from core.domain.process.commands import PullModel
from core.domain.process.gates import Decision, Finding, decide, find_gate
from core.lake.facts import history, latest
from core.services.case import Case, begin, facts_of
from core.services.governance import Governance


def ask_gate(governance: Governance, initiative: str, gate: str, moment: Moment) -> Decision:
    """Decide a gate as things stood at a moment; nothing is recorded."""
    facts = facts_of(governance, initiative, moment)
    return decide(governance.policy(moment), facts, gate, moment.day)


def decide_gate(governance: Governance, command: DecideGate) -> Decision:
    """Decide a gate now and put the answer on record.

    The same answer twice in a row (outcome, findings, policy and model version) is recorded once, so that a
    pipeline may ask as often as it likes.

    Raises
    ------
    Forbidden, NotFound
        The actor may not ask; no such initiative, or no such gate for its class.
    """
    case = begin(governance, command)
    decision = ask_gate(governance, command.initiative, command.gate, case.moment)
    fact = GateDecision(
        initiative=command.initiative,
        version=case.facts.version,
        gate=command.gate,
        outcome=decision.outcome,
        findings=canonical([asdict(finding) for finding in decision.findings]),
        policy_version=decision.policy_version,
    )
    last = _last(case, command.gate)
    if last is None or last != replace(fact, seq=last.seq, recorded_at=last.recorded_at, actor=last.actor):
        _put(case, "gate_decided", fact)
    return decision


def newest_live_decision(governance: Governance, initiative: str, moment: Moment) -> GateDecision | None:
    """The last answer of the gate that makes live, by whichever policy; open where a model is live."""
    live = governance.live_gates(moment)
    decided = history(governance.store, GateDecision, moment, initiative)
    return next((one for one in reversed(decided) if (one.policy_version, one.gate) in live), None)


def is_live(governance: Governance, initiative: str, moment: Moment) -> bool:
    """Whether a model of an initiative is live."""
    newest = newest_live_decision(governance, initiative, moment)
    return newest is not None and newest.outcome == "open"


def pull_model(governance: Governance, command: PullModel) -> None:
    """Take a model out of production at once: the gate that makes live is blocked on record, with the reason.

    It goes live again by asking for a decision, if the gate is open then.
    """
    case = begin(governance, command)
    gate = case.policy.live_gate
    last = newest_live_decision(governance, case.facts.initiative, case.moment)
    if last is None or last.outcome != "open":
        raise Conflict(f"{command.initiative} is not live", where=gate.id, remedy="There is nothing to pull.")
    why = Finding("decision", "blocker", f"Pulled: {command.reason}", "Ask for a decision to go live again.")
    pulled = replace(
        last,
        gate=gate.id,
        outcome="blocked",
        findings=canonical([asdict(why)]),
        policy_version=case.policy.version,
    )
    _put(case, "model_pulled", pulled)


def _last(case: Case, gate: str) -> GateDecision | None:
    """What was decided last at a gate."""
    return latest(case.governance.store, GateDecision, case.moment, case.facts.initiative, gate=gate)


def _put(case: Case, action: str, decided: GateDecision) -> None:
    """A decision with what it rested on: class, ethical position, and what the gate asked."""
    gate = find_gate(case.policy, case.facts.class_id, decided.gate)
    basis = DecisionBasis(
        initiative=decided.initiative,
        gate=gate.id,
        version=decided.version,
        class_id=case.facts.class_id,
        policy_version=case.policy.version,
        ethics_version=case.governance.position(case.moment).version,
        demands_sha256=demands_digest(demands_of(case.policy, case.facts.class_id, gate)),
    )
    entries = [entry_of(action, decided), entry_of("decision_basis_recorded", basis)]
    case.append(entries, unchanged=(decided.initiative,))
