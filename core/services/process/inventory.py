"""The inventory: a single view of the status of all models, and one initiative in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from core.domain.facts.measured import PredictionBatch
from core.domain.given import argument, option
from core.domain.moment import Moment
from core.domain.policy.policy import Gate, Policy
from core.domain.process.facts import InitiativeFacts
from core.domain.process.gates import Decision, decide
from core.domain.process.requirements import RequirementState, requirement_states
from core.lake.monitoring import readings as lake_monitoring
from core.lake.process import initiatives as lake
from core.lake.process import inventory as lake_inventory
from core.lake.record import choices
from core.lake.record.entries import entries
from core.services.governance import Governance
from core.services.lookups import require_initiative
from core.services.process.gates import is_live

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class GateView:
    """A gate, its decision as things stand, and what was recorded last."""

    gate: Gate
    decision: Decision
    recorded: dict[str, Any] | None


@dataclass(frozen=True)
class InitiativeSheet:
    """All that the record says of an initiative at a moment."""

    initiative: dict[str, Any]
    policy: Policy
    facts: InitiativeFacts
    requirements: tuple[RequirementState, ...]
    gates: tuple[GateView, ...]
    live: bool
    versions: Rows
    evidence: Rows
    check_runs: Rows
    decisions: Rows
    batches: tuple[PredictionBatch, ...]
    record: Rows


def inventory(
    governance: Governance,
    moment: Moment,
    *,
    search: Annotated[
        str, Field(description="Words in the name, id, purpose, owner or team."), argument()
    ] = "",
    classes: Annotated[
        tuple[str, ...], Field(description="Risk class; repeat for more."), option("--class")
    ] = (),
    teams: Annotated[tuple[str, ...], Field(description="Team; repeat for more."), option("--team")] = (),
    domains: Annotated[
        tuple[str, ...], Field(description="Domain; repeat for more."), option("--domain")
    ] = (),
    status: Annotated[
        Literal["", "live", "in_progress", "overdue", "failing"],
        Field(description="live, in_progress, overdue or failing."),
    ] = "",
) -> Rows:
    """List initiatives with their status.

    Returns
    -------
    Rows
        By name. Every word of `search` stands in the name, id, purpose, owner or team (case does not matter);
        empty filters let all through.
    """
    policy, live = governance.policy(moment), governance.live_gates(moment)
    words = search.casefold().split()
    gates = {gate.id: gate.title for gate in policy.gates}
    return [
        {
            **row,
            "class_title": policy.class_title(row["class_id"]),
            "next_gate_title": gates.get(row["next_gate"]),
        }
        for row in lake_inventory.inventory_rows(governance.store, policy, moment, live)
        if _has_words(row, words)
        and (not classes or row["class_id"] in classes)
        and (not teams or row["team"] in teams)
        and (not domains or row["domain"] in domains)
        and _has_status(row, status)
    ]


def initiative_choices(governance: Governance, moment: Moment) -> list[dict[str, Any]]:
    """Initiatives to choose from, by name: `initiative`, `name`, `team`, and whether a model is `live`."""
    return choices.initiative_choices(governance.store, moment, governance.live_gates(moment))


def initiative_sheet(governance: Governance, moment: Moment, *, initiative: str) -> InitiativeSheet:
    """Open an initiative: class, requirements, gates, versions, evidence, and its part of the record.

    Raises
    ------
    NotFound
        There was no such initiative at the moment.
    """
    store = governance.store
    known = require_initiative(governance, initiative, moment)
    policy = governance.policy(moment)
    facts = lake.initiative_facts(store, initiative, moment)
    assert facts is not None  # registered and classified in one transaction
    decisions = lake.decisions(store, initiative, moment)
    gates = tuple(
        GateView(
            gate,
            decide(policy, facts, gate.id, moment.day),
            next((row for row in decisions if row["gate"] == gate.id), None),
        )
        for gate in policy.gates_of(facts.class_id)
    )
    versions = lake.versions(store, initiative, moment)
    batches = [b for v in versions for b in lake_monitoring.batches(store, initiative, v["version"], moment)]
    return InitiativeSheet(
        known,
        policy,
        facts,
        requirement_states(policy, facts, moment.day),
        gates,
        is_live(governance, initiative, moment),
        versions,
        lake.evidence(store, initiative, moment),
        lake.check_runs(store, initiative, moment),
        decisions,
        tuple(batches),
        entries(store, moment, initiative=initiative, most=500),
    )


def _has_words(row: dict[str, Any], words: Sequence[str]) -> bool:
    text = " ".join(str(row[column]) for column in ("name", "initiative", "purpose", "owner_name", "team"))
    return all(word in text.casefold() for word in words)


def _has_status(row: dict[str, Any], status: str) -> bool:
    match status:
        case "live":
            return bool(row["live"])
        case "in_progress":
            return not row["live"]
        case "overdue":
            return bool(row["overdue"])
        case "failing":
            return bool(row["failed"])
    return True
