"""Initiatives: registered, amended, reclassified, listed with their status, and one in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from core.domain.chain import EntryLine, canonical
from core.domain.commands import AmendInitiative, RegisterInitiative, slug
from core.domain.errors import BadInput, Conflict
from core.domain.facts.measured import PredictionBatch
from core.domain.facts.models import VersionState
from core.domain.facts.process import (
    CheckRun,
    Evidence,
    GateDecision,
    Initiative,
    InitiativeState,
    LegalHold,
)
from core.domain.facts.recorded import ORIGIN, but, columns_of, entry_of
from core.domain.given import argument, option
from core.domain.life_cycles import INITIATIVE, VERSION
from core.domain.models.model_versions import Run, Version
from core.domain.moment import Moment
from core.domain.policy.policy import Answers, Classification, Gate, Policy, classify, classify_so_far
from core.domain.policy.requirement_list import Requirement, requirements_of
from core.domain.process.commands import ReopenInitiative, RetireInitiative
from core.domain.process.facts import (
    CheckLine,
    DecisionLine,
    EvidenceLine,
    InitiativeChoice,
    InitiativeFacts,
    InventoryLine,
    Registration,
    Stage,
)
from core.domain.process.gates import Decision, decide
from core.domain.process.requirements import RequirementState, requirement_states
from core.domain.rules.ethics import Ethics
from core.ground import LEARNED
from core.lake.directory import signed
from core.lake.facts import newest
from core.lake.models import versions
from core.lake.process.inventory import inventory_lines
from core.lake.record import entries as lake
from core.services.case import begin, facts_of, registered
from core.services.governance import Governance
from core.services.process.checks import record_checks
from core.services.process.classification import classified_as, require_kind
from core.services.process.findings import raise_twins
from core.services.process.gates import stands


@dataclass(frozen=True)
class Registered:
    """A registered initiative: its id, its class with the reasons, and what is required of it."""

    initiative: str
    classification: Classification
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True)
class Preview:
    """What the answers given so far lead to; `complete` when none is missing."""

    classification: Classification
    requirements: tuple[Requirement, ...]
    complete: bool


def preview_classification(
    governance: Governance, moment: Moment, answers: Answers, kind: str = LEARNED
) -> Preview:
    """Classify while a person is still answering, with the proofs of its kind; nothing is stored."""
    policy = governance.policy(moment).of(kind)
    given = {question: chosen for question, chosen in answers.items() if chosen}
    classification = classify_so_far(policy, given)
    complete = all(question.id in given for question in policy.questions)
    return Preview(classification, requirements_of(policy, classification.class_id), complete)


def register_initiative(governance: Governance, command: RegisterInitiative) -> Registered:
    """Register an initiative with its classification, and run the checks that need no model version.

    Raises
    ------
    Forbidden, BadInput
        The actor may not register; a name, an answer or a person is not usable. Nothing is stored.
    Conflict
        An initiative of this name is registered.
    """
    case = begin(governance, command)
    policy = case.policy.of(require_kind(case.policy, command.kind).id)
    classification = classify(policy, command.answers)
    short_name = command.short_name or slug(command.name)
    initiative = slug(short_name)
    if not initiative:
        raise BadInput(
            f"'{command.name}' holds no letter or digit",
            where="name",
            remedy="Give a name that can be typed.",
        )
    actor = command.actor  # who names nobody owns it; who says that nobody does is believed
    team, owner = command.team or actor.team, actor.id if command.owner is None else command.owner
    if not team:
        raise BadInput("team is missing", where="register initiative", remedy="Nothing was stored; mend it.")
    _require_people(governance, owner, command.builder)
    _require_domain(governance.position(case.moment), command.domain)
    said = command.model_dump(include={*columns_of(Initiative)} - {*ORIGIN})
    said |= {"initiative": initiative, "short_name": short_name, "team": team, "owner": owner}
    fact = Initiative(**{**said, "answers": canonical(command.answers)})
    classified = classified_as(policy, initiative, classification)
    try:
        case.append(
            [
                entry_of("initiative_registered", fact, first=True),
                entry_of("initiative_classified", classified),
            ]
        )
    except Conflict as error:
        raise Conflict(
            f"an initiative '{initiative}' is registered already", remedy="Open it, or choose another name."
        ) from error
    record_checks(governance, initiative, actor=command.actor, at=command.at)
    return Registered(initiative, classification, requirements_of(policy, classification.class_id))


def amend_initiative(governance: Governance, command: AmendInitiative) -> None:
    """Change what people said of an initiative; the history stays."""
    case = begin(governance, command)
    known = case.find(Initiative, command.initiative)
    changes = command.model_dump(exclude={"actor", "at", "initiative"}, exclude_none=True)
    amended = but(known, **changes)
    if amended == known:
        raise BadInput("nothing would change", where=command.initiative, remedy="Give a field another value.")
    _require_people(governance, changes.get("owner", ""), changes.get("builder", ""))
    case.put("initiative_amended", amended)
    raise_twins(governance, command.initiative, actor=command.actor, at=command.at)


def retire_initiative(governance: Governance, command: RetireInitiative) -> None:
    """Take a use case out of use; what is in production ends, and no more is asked than the policy keeps."""
    case = begin(governance, command)
    initiative, step = case.initiative.initiative, INITIATIVE.to("retired")
    retired = case.facts.retired_on
    step.require_state("retired" if retired else "active", {"initiative": initiative, "since": retired})
    state = InitiativeState(initiative=initiative, state="retired", reason=command.reason)
    ends = f"the use case was retired: {command.reason}"
    turns = [
        VersionState(initiative=initiative, version=version, state="suspended", reason=ends)
        for version in stands(governance, initiative, case.moment).running
    ]
    entries = [entry_of(VERSION.to("suspended").action, turn) for turn in turns]
    case.append([entry_of(step.action, state), *entries], unchanged=(initiative,))


def reopen_initiative(governance: Governance, command: ReopenInitiative) -> None:
    """Take a retired use case up again; all that its class asks for is asked again, by the same days."""
    case = begin(governance, command)
    step = INITIATIVE.to("active")
    words = {"initiative": case.initiative.initiative}
    step.require_state("retired" if case.facts.retired_on else "active", words)
    state = InitiativeState(initiative=command.initiative, state="active", reason=command.reason)
    case.put(step.action, state, unless_changed=True)


def _require_people(governance: Governance, *people: str) -> None:
    for person in people:
        if person:
            governance.person(person)


def _require_domain(ethics: Ethics, domain: str) -> None:
    known = [known.id for known in ethics.domains]
    if domain not in known:
        raise BadInput(
            f"'{domain}' is no business domain", where="domain", remedy=f"Use one of: {', '.join(known)}."
        )


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
    stage: Stage
    live: bool
    runs: tuple[Run, ...]
    versions: tuple[Version, ...]
    evidence: tuple[EvidenceLine, ...]
    check_runs: tuple[CheckLine, ...]
    decisions: tuple[DecisionLine, ...]
    batches: tuple[PredictionBatch, ...]
    record: list[EntryLine]
    hold: LegalHold | None = None


def inventory(
    governance: Governance,
    moment: Moment,
    *,
    search: Annotated[
        str, Field(description="Words in the name, id, purpose, owner, team or kind."), argument()
    ] = "",
    classes: Annotated[
        tuple[str, ...], Field(description="Risk class; repeat for more."), option("--class")
    ] = (),
    teams: Annotated[tuple[str, ...], Field(description="Team; repeat for more."), option("--team")] = (),
    domains: Annotated[
        tuple[str, ...], Field(description="Domain; repeat for more."), option("--domain")
    ] = (),
    kinds: Annotated[
        tuple[str, ...],
        Field(description="Kind of model, or what it has beside, such as bought; repeat for more."),
        option("--kind"),
    ] = (),
    status: Annotated[
        Literal["", "live", "in_progress", "overdue", "failing", "retired"],
        Field(description="live, in_progress, overdue, failing or retired."),
    ] = "",
) -> list[InventoryLine]:
    """List initiatives with their status.

    Returns
    -------
    list[InventoryLine]
        By name. Every word of `search` stands in the name, id, purpose, owner, team or kind (case aside);
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
        and (not kinds or any({*kind.split("+")} <= {*line.kind.split("+")} for kind in kinds))
        and _has_status(line, status)
    ]


def initiative_choices(governance: Governance, moment: Moment) -> list[InitiativeChoice]:
    """Initiatives to choose from, by name."""
    return lake.initiative_choices(governance.store, moment, governance.live_gates(moment))


def initiative_sheet(governance: Governance, moment: Moment, *, initiative: str) -> InitiativeSheet:
    """Open an initiative: class, requirements, gates, versions, evidence, and its part of the record."""
    from core.lake.monitoring.readings import batches  # what pipelines wait for loads without it

    store, facts = governance.store, facts_of(governance, initiative, moment)
    policy = governance.policy(moment).of(facts.kind)
    decisions = signed(store, DecisionLine, GateDecision, moment, initiative)
    made = versions(store, initiative, moment, governance.live_gates(moment))
    stood = stands(governance, initiative, moment)
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
        "retired" if facts.retired_on else "active" if made or stood.runs else "proposed",
        stood.in_production is not None,
        stood.runs,
        made,
        signed(store, EvidenceLine, Evidence, moment, initiative),
        signed(store, CheckLine, CheckRun, moment, initiative),
        decisions,
        tuple(batch for one in made for batch in batches(store, initiative, one.version, moment)),
        lake.entries(store, moment, initiative=initiative, most=500),
        next((one for one in newest(store, LegalHold, moment, initiative) if one.state == "held"), None),
    )


def _has_words(line: InventoryLine, words: Sequence[str]) -> bool:
    text = " ".join((line.name, line.initiative, line.purpose, line.owner_name, line.team, line.kind_title))
    return all(word in text.casefold() for word in words)


def _has_status(line: InventoryLine, status: str) -> bool:
    match status:
        case "live":
            return line.live
        case "in_progress":
            return not line.live and not line.retired
        case "retired":
            return line.retired
        case "overdue":
            return line.overdue > 0
        case "failing":
            return line.failed > 0
    return True
