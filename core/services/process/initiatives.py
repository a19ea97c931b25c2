"""Registering, amending and reclassifying initiatives."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.domain.chain import canonical
from core.domain.commands import AmendInitiative, OverrideClassification, RegisterInitiative, slug
from core.domain.errors import BadInput, Conflict, NotFound
from core.domain.facts.process import Classification as Classified
from core.domain.facts.process import Initiative
from core.domain.facts.recorded import but, entry_of
from core.domain.moment import Moment
from core.domain.policy.classification import Answers, Classification, classify, classify_so_far
from core.domain.policy.policy import Policy
from core.domain.policy.requirement_list import Requirement, requirements_of
from core.domain.rules.ethics import Ethics
from core.services.case import begin
from core.services.governance import Governance
from core.services.process.checks import record_checks


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


def preview_classification(governance: Governance, moment: Moment, answers: Answers) -> Preview:
    """Classify while a person is still answering; nothing is stored."""
    policy = governance.policy(moment)
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
    policy = case.policy
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
    fact = Initiative(
        initiative=initiative,
        name=command.name,
        short_name=short_name,
        purpose=command.purpose,
        domain=command.domain,
        team=team,
        owner=owner,
        builder=command.builder,
        answers=canonical({question: list(chosen) for question, chosen in command.answers.items()}),
    )
    classified = _classified(policy, initiative, classification, classification.class_id)
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
    record_checks(governance, initiative, actor=command.actor.id, at=command.at)
    return Registered(initiative, classification, requirements_of(policy, classification.class_id))


def amend_initiative(governance: Governance, command: AmendInitiative) -> None:
    """Change the name, short name, purpose, owner or builder; the history stays.

    Raises
    ------
    BadInput
        A person is not known, or nothing would change.
    """
    case = begin(governance, command)
    known = case.find(Initiative, command.initiative)
    changes = command.model_dump(exclude={"actor", "at", "initiative"}, exclude_none=True)
    amended = but(known, **changes)
    if amended == known:
        raise BadInput("nothing would change", where=command.initiative, remedy="Give a field another value.")
    _require_people(governance, changes.get("owner", ""), changes.get("builder", ""))
    case.put("initiative_amended", amended)


def override_classification(governance: Governance, command: OverrideClassification) -> None:
    """Put an initiative into another class; needs a role that may, and a justification that is kept.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not, or owns or builds it; no such initiative or class; it is in that class already.
    """
    case = begin(governance, command)
    case.require_independent("override the classification of")
    if command.class_id not in case.policy.class_order:
        classes = ", ".join(case.policy.class_order)
        raise NotFound(f"'{command.class_id}' is no risk class", remedy=f"Use one of: {classes}.")
    if case.initiative.class_id == command.class_id:
        raise BadInput(
            "it is in that class already", where=command.initiative, remedy="Nothing is to be done."
        )
    computed = classify(case.policy, case.initiative.answers)
    classified = _classified(case.policy, command.initiative, computed, command.class_id)
    case.put("classification_overridden", replace(classified, justification=command.justification))


def _classified(policy: Policy, initiative: str, computed: Classification, class_id: str) -> Classified:
    return Classified(
        initiative=initiative,
        class_id=class_id,
        mode_id=computed.mode_id,
        computed_class_id=computed.class_id,
        score=computed.score,
        reasons=computed.reasons,
        policy_version=policy.version,
    )


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
