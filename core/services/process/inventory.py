"""The inventory: a single view of the status of all models, and one initiative in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from core.domain.chain import EntryLine
from core.domain.facts.measured import PredictionBatch
from core.domain.facts.process import CheckRun, Evidence, GateDecision
from core.domain.given import argument, option
from core.domain.models.model_versions import Version
from core.domain.moment import Moment
from core.domain.policy.policy import Gate, Policy
from core.domain.process.facts import CheckLine, DecisionLine, EvidenceLine, InitiativeFacts, Registration
from core.domain.process.gates import Decision, decide
from core.domain.process.inventory import InitiativeChoice, InventoryLine
from core.domain.process.requirements import RequirementState, requirement_states
from core.lake.directory import signed
from core.lake.facts import history
from core.lake.models.versions import versions
from core.lake.process.inventory import inventory_lines
from core.lake.record import choices
from core.lake.record.entries import entries
from core.services.governance import Governance
from core.services.lookups import facts_of, registered
from core.services.process.gates import is_live

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class GateView:
    """A gate, its decision as things stand, and what was recorded last."""

    gate: Gate
    decision: Decision
    recorded: DecisionLine | None


@dataclass(frozen=True)
class InitiativeSheet:
    """All that the record says of an initiative at a moment."""

    initiative: Registration
    policy: Policy
    facts: InitiativeFacts
    requirements: tuple[RequirementState, ...]
    gates: tuple[GateView, ...]
    live: bool
    versions: tuple[Version, ...]
    evidence: tuple[EvidenceLine, ...]
    check_runs: tuple[CheckLine, ...]
    decisions: tuple[DecisionLine, ...]
    batches: tuple[PredictionBatch, ...]
    record: list[EntryLine]


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
) -> list[InventoryLine]:
    """List initiatives with their status.

    Returns
    -------
    list[InventoryLine]
        By name. Every word of `search` stands in the name, id, purpose, owner or team (case does not matter);
        empty filters let all through.
    """
    policy, live = governance.policy(moment), governance.live_gates(moment)
    words = search.casefold().split()
    return [
        line
        for line in inventory_lines(governance.store, policy, moment, live)
        if _has_words(line, words)
        and (not classes or line.class_id in classes)
        and (not teams or line.team in teams)
        and (not domains or line.domain in domains)
        and _has_status(line, status)
    ]


def initiative_choices(governance: Governance, moment: Moment) -> list[InitiativeChoice]:
    """Initiatives to choose from, by name."""
    return choices.initiative_choices(governance.store, moment, governance.live_gates(moment))


def initiative_sheet(governance: Governance, moment: Moment, *, initiative: str) -> InitiativeSheet:
    """Open an initiative: class, requirements, gates, versions, evidence, and its part of the record."""
    store, policy = governance.store, governance.policy(moment)
    facts = facts_of(governance, initiative, moment)
    decisions = signed(store, DecisionLine, GateDecision, moment, initiative)
    made = versions(store, initiative, moment)
    added = history(store, PredictionBatch, moment, initiative)
    return InitiativeSheet(
        registered(governance, initiative, moment),
        policy,
        facts,
        requirement_states(policy, facts, moment.day),
        tuple(
            GateView(
                gate,
                decide(policy, facts, gate.id, moment.day),
                next((line for line in decisions if line.gate == gate.id), None),
            )
            for gate in policy.gates_of(facts.class_id)
        ),
        is_live(governance, initiative, moment),
        made,
        signed(store, EvidenceLine, Evidence, moment, initiative),
        signed(store, CheckLine, CheckRun, moment, initiative),
        decisions,
        tuple(batch for one in made for batch in added if batch.version == one.version),
        entries(store, moment, initiative=initiative, most=500),
    )


def _has_words(line: InventoryLine, words: Sequence[str]) -> bool:
    text = " ".join((line.name, line.initiative, line.purpose, line.owner_name, line.team))
    return all(word in text.casefold() for word in words)


def _has_status(line: InventoryLine, status: str) -> bool:
    match status:
        case "live":
            return line.live
        case "in_progress":
            return not line.live
        case "overdue":
            return line.overdue > 0
        case "failing":
            return line.failed > 0
    return True
