"""Asking and deciding gates."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from core.domain.chain import Fact, canonical
from core.domain.commands import DecideGate
from core.domain.errors import Conflict
from core.domain.moment import Moment
from core.domain.policy.demands import demands_digest, demands_of
from core.domain.process.commands import PullModel
from core.domain.process.gates import Decision, Finding, decide
from core.lake.process import initiatives as lake
from core.services.governance import Governance
from core.services.lookups import require_initiative, unknown_initiative


def ask_gate(governance: Governance, initiative: str, gate: str, moment: Moment) -> Decision:
    """Decide a gate as things stood at a moment; nothing is recorded.

    Raises
    ------
    NotFound
        No such initiative, or no such gate for its class.
    """
    facts = lake.initiative_facts(governance.store, initiative, moment)
    if facts is None:
        raise unknown_initiative(initiative, moment)
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
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    decision = ask_gate(governance, command.initiative, command.gate, moment)
    newest = lake.newest_version(governance.store, command.initiative, moment)
    row = {
        "initiative": command.initiative,
        "version": newest["version"] if newest else None,
        "gate": command.gate,
        "outcome": decision.outcome,
        "findings": canonical([asdict(finding) for finding in decision.findings]),
        "policy_version": decision.policy_version,
    }
    if not _recorded_last(governance, row, moment):
        facts = [
            Fact("gate_decided", command.initiative, "decision", (row,)),
            _basis(governance, row, moment),
        ]
        unchanged = {command.initiative: moment.seq}
        governance.store.append(facts, actor=command.actor.id, at=command.at, unchanged=unchanged)
    return decision


def newest_live_decision(governance: Governance, initiative: str, moment: Moment) -> dict[str, Any] | None:
    """The last answer of the gate that makes live, by whichever policy; open where a model is live."""
    live = governance.live_gates(moment)
    history = lake.decisions(governance.store, initiative, moment)
    return next((row for row in history if (row["policy_version"], row["gate"]) in live), None)


def is_live(governance: Governance, initiative: str, moment: Moment) -> bool:
    """Whether a model of an initiative is live."""
    newest = newest_live_decision(governance, initiative, moment)
    return newest is not None and newest["outcome"] == "open"


def pull_model(governance: Governance, command: PullModel) -> None:
    """Take a model out of production at once: the gate that makes live is blocked on record, with the reason.

    It goes live again by asking for a decision, if the gate is open then.

    Raises
    ------
    Forbidden, NotFound
        The actor may not; no such initiative.
    Conflict
        It is not live.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    require_initiative(governance, command.initiative, moment)
    policy = governance.policy(moment)
    gate = policy.live_gate
    newest = newest_live_decision(governance, command.initiative, moment)
    if newest is None or newest["outcome"] != "open":
        raise Conflict(f"{command.initiative} is not live", where=gate.id, remedy="There is nothing to pull.")
    finding = Finding(
        "decision", "blocker", f"Pulled: {command.reason}", "Ask for a decision to go live again."
    )
    row = {
        "initiative": command.initiative,
        "version": newest["version"],
        "gate": gate.id,
        "outcome": "blocked",
        "findings": canonical([asdict(finding)]),
        "policy_version": policy.version,
    }
    facts = [Fact("model_pulled", command.initiative, "decision", (row,)), _basis(governance, row, moment)]
    unchanged = {command.initiative: moment.seq}
    governance.store.append(facts, actor=command.actor.id, at=command.at, unchanged=unchanged)


def _basis(governance: Governance, row: dict[str, str | None], moment: Moment) -> Fact:
    """What the decision rested on beside its findings: class, ethical position, and what the gate asked."""
    policy = governance.policy(moment)
    initiative, gate = str(row["initiative"]), policy.gate(str(row["gate"]))
    facts = lake.initiative_facts(governance.store, initiative, moment)
    assert facts is not None and gate is not None  # a decision of it was just made
    kept = {
        "initiative": initiative,
        "gate": gate.id,
        "version": row["version"],
        "class_id": facts.class_id,
        "policy_version": policy.version,
        "ethics_version": governance.position(moment).version,
        "demands_sha256": demands_digest(demands_of(policy, facts.class_id, gate)),
    }
    return Fact("decision_basis_recorded", initiative, "decision_basis", (kept,))


def _recorded_last(governance: Governance, row: dict[str, str | None], moment: Moment) -> bool:
    for earlier in lake.decisions(governance.store, str(row["initiative"]), moment):
        if earlier["gate"] == row["gate"]:
            same = {**earlier, "findings": canonical(earlier["findings"])}
            return all(same[column] == value for column, value in row.items())
    return False
