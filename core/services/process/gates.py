"""Asking and deciding gates."""

from __future__ import annotations

from dataclasses import asdict, replace

from core.domain.chain import canonical
from core.domain.commands import DecideGate
from core.domain.facts.models import VersionState
from core.domain.facts.process import DecisionBasis, GateDecision
from core.domain.facts.recorded import entry_of
from core.domain.life_cycles import VERSION
from core.domain.models.model_versions import VersionStanding
from core.domain.moment import Moment
from core.domain.policy.requirement_list import demands_digest, demands_of
from core.domain.process.commands import PullModel
from core.domain.process.gates import Decision, decide, find_gate
from core.lake.facts import latest
from core.lake.models import standing
from core.services.case import Case, begin, facts_of
from core.services.governance import Governance


def ask_gate(governance: Governance, initiative: str, gate: str, moment: Moment) -> Decision:
    """Decide a gate as things stood at a moment; nothing is recorded."""
    facts = facts_of(governance, initiative, moment)
    return decide(governance.policy(moment), facts, gate, moment.day)


def decide_gate(governance: Governance, command: DecideGate) -> Decision:
    """Decide a gate now and put the answer on record.

    Asking puts nothing into production and takes nothing out: that is `version deploy` and `pull`. The same
    answer twice in a row (outcome, findings, policy and model version) is recorded once, so that a
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
        makes_live=False,
    )
    last = _last(case, command.gate)
    if last is None or last != replace(fact, seq=last.seq, recorded_at=last.recorded_at, actor=last.actor):
        _put(case, fact)
    return decision


def stands(governance: Governance, initiative: str, moment: Moment) -> VersionStanding:
    """Where the versions of an initiative stand, and which are in production."""
    return standing(governance.store, initiative, moment, governance.live_gates(moment))


def is_live(governance: Governance, initiative: str, moment: Moment) -> bool:
    """Whether a version of an initiative is in production, or the use itself where it has none."""
    return stands(governance, initiative, moment).in_production is not None


def pull_model(governance: Governance, command: PullModel) -> None:
    """Take all that is in production out of it at once, whatever stands beside it too, with the reason.

    It goes into production again by `version deploy`, if the gate is open then.
    """
    case = begin(governance, command)
    initiative, step = case.initiative.initiative, VERSION.to("suspended")
    running = stands(governance, initiative, case.moment).running
    step.require_state("production" if running else "", {"initiative": initiative})
    turns = (
        VersionState(initiative=initiative, version=version, state="suspended", reason=command.reason)
        for version in running
    )
    case.append([entry_of(step.action, turn) for turn in turns], unchanged=(initiative,))


def _last(case: Case, gate: str) -> GateDecision | None:
    """What was decided last at a gate."""
    return latest(case.governance.store, GateDecision, case.moment, case.facts.initiative, gate=gate)


def _put(case: Case, decided: GateDecision) -> None:
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
    entries = [entry_of("gate_decided", decided), entry_of("decision_basis_recorded", basis)]
    case.append(entries, unchanged=(decided.initiative,))
