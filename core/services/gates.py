"""Asking and deciding gates."""

from __future__ import annotations

from dataclasses import asdict

from core.domain.chain import Fact, canonical
from core.domain.commands import DecideGate
from core.domain.gates import Decision, decide
from core.domain.moment import Moment
from core.lake import initiatives as lake
from core.services.governance import Governance
from core.services.lookups import unknown_initiative


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
    governance.roles.require(command.actor, "decide_gate")
    moment = governance.moment(command.at)
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
        fact = Fact("gate_decided", command.initiative, "decision", (row,))
        governance.store.append([fact], actor=command.actor.id, at=command.at)
    return decision


def _recorded_last(governance: Governance, row: dict[str, str | None], moment: Moment) -> bool:
    for earlier in lake.decisions(governance.store, str(row["initiative"]), moment):
        if earlier["gate"] == row["gate"]:
            same = {**earlier, "findings": canonical(earlier["findings"])}
            return all(same[column] == value for column, value in row.items())
    return False
