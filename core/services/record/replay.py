"""Deciding a recorded decision again, from what was known when it was made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from core.domain.chain import canonical
from core.domain.errors import BadInput
from core.domain.facts.process import GateDecision
from core.domain.moment import Moment
from core.domain.process.gates import Decision
from core.services.governance import Governance
from core.services.process.gates import ask_gate
from core.services.process.initiatives import initiative_sheet
from core.services.record.entries import record_entry

DECIDED = "gate_decided"


@dataclass(frozen=True)
class KnownRequirement:
    """A requirement as it stood then: its title, where it stood, and by when it was due."""

    title: str
    status: str
    due_on: str
    satisfied: bool


@dataclass(frozen=True)
class RecordedOutcome:
    """What was recorded of a decision."""

    outcome: str
    findings: list[dict[str, str]]
    policy_version: str


@dataclass(frozen=True)
class Replay:
    """A decision as it was recorded, beside the one that the same knowledge gives today.

    Attributes
    ----------
    seq, known_seq
        The entry of the decision, and the last entry that it could know of.
    at
        When it was decided (UTC).
    recorded
        Outcome, findings and policy version as recorded.
    again
        The decision made anew at `known_seq`, with the policy in force then.
    differences
        What is not the same, in words; empty where the replay agrees.
    requirements
        What was known then of each requirement of the initiative.
    """

    seq: int
    known_seq: int
    at: datetime
    initiative: str
    gate: str
    gate_title: str
    recorded: RecordedOutcome
    again: Decision
    differences: tuple[str, ...]
    requirements: tuple[KnownRequirement, ...]

    @property
    def same(self) -> bool:
        """Whether the decision made anew is the one on record."""
        return not self.differences


def replay_decision(governance: Governance, moment: Moment, *, seq: int) -> Replay:
    """Decide again what entry `seq` decided, from the entries before it and on its day."""
    entry, facts = record_entry(governance, moment, seq=seq)
    decided = facts[0] if facts else None
    if entry.action != DECIDED or not isinstance(decided, GateDecision):
        raise BadInput(
            f"entry {seq} is no gate decision but '{entry.action.replace('_', ' ')}'",
            remedy="List decisions with 'governance record --action gate_decided'.",
        )
    then = Moment(seq - 1, entry.recorded_at.replace(tzinfo=UTC))
    again = ask_gate(governance, decided.initiative, decided.gate, then)
    recorded = RecordedOutcome(decided.outcome, json.loads(decided.findings), decided.policy_version)
    titles = {gate.id: gate.title for gate in governance.policy(then).gates}
    return Replay(
        seq,
        then.seq,
        then.at,
        decided.initiative,
        decided.gate,
        titles.get(decided.gate, decided.gate),
        recorded,
        again,
        _differences(recorded, again),
        _known(governance, decided.initiative, then),
    )


def _differences(recorded: RecordedOutcome, again: Decision) -> tuple[str, ...]:
    found = []
    for label, before, now in (
        ("outcome", recorded.outcome, again.outcome),
        ("policy version", recorded.policy_version, again.policy_version),
    ):
        if before != now:
            found.append(f"the {label} on record is '{before}', made anew it is '{now}'")
    anew = [asdict(finding) for finding in again.findings]
    if canonical(recorded.findings) != canonical(anew):
        found.append(
            "the findings on record read otherwise than those made anew"
            if len(anew) == len(recorded.findings)
            else f"{len(recorded.findings)} findings are on record, made anew there are {len(anew)}"
        )
    return tuple(found)


def _known(governance: Governance, initiative: str, then: Moment) -> tuple[KnownRequirement, ...]:
    sheet = initiative_sheet(governance, then, initiative=initiative)
    return tuple(
        KnownRequirement(
            state.requirement.measure.title,
            str(state.status).replace("_", " "),
            f"{state.due_on}",
            state.satisfied,
        )
        for state in sheet.requirements
    )
