"""What one initiative has to keep to, how far it does, and where the people live whom it concerns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from core.domain.commands import Command, Words
from core.domain.errors import BadInput
from core.domain.facts.process import Evidence
from core.domain.facts.recorded import Names
from core.domain.facts.rules import InitiativeRegions
from core.domain.given import InitiativeId, OfInitiative, Shown, argument
from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.domain.process.facts import InitiativeFacts, Registration
from core.domain.process.requirements import RequirementState, requirement_states
from core.domain.rules.frameworks import (
    Circumstances,
    Clause,
    ClauseState,
    Coverage,
    Framework,
    Frameworks,
    Rule,
    Standing,
    answering,
    applicable_clauses,
    applies,
    clause_state,
    coverage_of,
    measure_of,
)
from core.lake import directory
from core.lake.facts import history
from core.lake.process.clause_tally import ClauseProof
from core.services.case import begin, facts_of, registered
from core.services.governance import Governance
from core.services.rules.frameworks import ProofLine, circumstances, own_regions, proof_line

_PROVES = ("title", "link", "file_name", "sha256", "recorded_at", "seq")


class RecordRegions(Command, may="record_regions"):
    """Say where the people live whom an initiative concerns; which laws apply follows from it."""

    initiative: InitiativeId
    regions: Annotated[
        tuple[str, ...],
        Field(min_length=1, title="Regions", description="Regions, such as eu uk."),
        argument("REGION..."),
    ]
    reason: Annotated[
        Words,
        Field(min_length=10, title="How one knows", description="How one knows."),
        Shown("Sold to customers there."),
    ]


@dataclass(frozen=True)
class ClauseAnswer:
    """A clause that applies, where it stands, and the requirements that stand for it with their proof."""

    clause: Clause
    state: ClauseState
    proofs: tuple[ProofLine, ...]
    binding: bool


@dataclass(frozen=True)
class InitiativeFramework:
    """A framework that applies to an initiative, and why."""

    framework: Framework
    standing: Standing
    why: str
    coverage: Coverage
    clauses: tuple[ClauseAnswer, ...]


@dataclass(frozen=True)
class InitiativeFrameworks:
    """All that applies to an initiative. `own_regions` is False where it takes the organisation's."""

    initiative: str
    name: str
    regions: tuple[str, ...]
    own_regions: bool
    frameworks: tuple[InitiativeFramework, ...]
    overall: Coverage


def initiative_frameworks(
    governance: Governance, moment: Moment, *, initiative: OfInitiative
) -> InitiativeFrameworks:
    """Every framework that applies to an initiative, clause by clause, down to the proof."""
    known = registered(governance, initiative, moment)
    policy, listed = governance.policy(moment).of(known.kind), governance.rules(moment).frameworks
    own = own_regions(governance, initiative, moment)
    about = circumstances(listed, known, own)
    proofs = _proofs(governance, policy, moment, known)
    found = tuple(
        _framework(governance, framework, about, policy, proofs, moment)
        for framework in listed.frameworks
        if applicable_clauses(framework, about)
    )
    counting = [one.coverage for one in found if one.framework.counts(moment.day)]
    titles = tuple(sorted(listed.region_title(region) for region in about.regions))
    return InitiativeFrameworks(
        initiative, known.name, titles, own is not None, found, sum(counting, Coverage())
    )


def clause_references(
    governance: Governance, moment: Moment, *, initiative: str
) -> dict[str, tuple[str, ...]]:
    """Why each measure is asked: measure id -> clauses that apply, as `short name and number`.

    A measure stands for the lighter ones of its ladder, and so answers their clauses too.
    """
    found: dict[str, list[str]] = {}
    policy = governance.policy(moment)
    for one in initiative_frameworks(governance, moment, initiative=initiative).frameworks:
        for answer in one.clauses:
            for measure in answering(policy, answer.clause):
                found.setdefault(measure, []).append(f"{one.framework.short} {answer.clause.number}")
    return {measure: tuple(names) for measure, names in found.items()}


def record_regions(governance: Governance, command: RecordRegions) -> None:
    """Put on record where the people live whom an initiative concerns; it decides which laws apply."""
    case = begin(governance, command)
    initiative = case.initiative.initiative
    known = [region.id for region in case.rules.frameworks.regions]
    for region in command.regions:
        if region not in known:
            raise BadInput(
                f"'{region[:40]}' is no known region",
                where="regions",
                remedy=f"Use one of: {', '.join(known)}.",
            )
    regions = tuple(region for region in known if region in command.regions)
    case.put(
        "regions_recorded", InitiativeRegions(initiative=initiative, regions=regions, reason=command.reason)
    )


def _proofs(governance: Governance, policy: Policy, moment: Moment, known: Registration) -> list[ClauseProof]:
    """Every requirement of one initiative with its proof.

    Plain reads of one initiative's facts: asking the whole inventory would take many times as long.
    """
    facts = facts_of(governance, known.initiative, moment)
    submitted = history(governance.store, Evidence, moment, known.initiative)
    newest = {one.measure: one for one in submitted if one.version in (None, facts.version)}
    names = directory.names(governance.store, moment)
    return [
        _proof(known, state, newest.get(state.proved_by.id), facts, names)
        for state in requirement_states(policy, facts, moment.day)
    ]


def _proof(
    known: Registration,
    state: RequirementState,
    newest: Evidence | None,
    facts: InitiativeFacts,
    names: Names,
) -> ClauseProof:
    return ClauseProof(
        initiative=known.initiative,
        name=known.name,
        team=known.team,
        kind=known.kind,
        class_id=known.class_id,
        requirement=state.requirement.id,
        proved_by=state.proved_by.id,
        status=state.status.value,
        satisfied=state.satisfied,
        due_on=state.due_on,
        expires_on=state.expires_on,
        **{name: getattr(newest, name, None) for name in _PROVES},
        actor_name=names[newest.actor] if newest else None,
        checks=facts.checks,
    )


def _framework(
    governance: Governance,
    framework: Framework,
    about: Circumstances,
    policy: Policy,
    proofs: Sequence[ClauseProof],
    moment: Moment,
) -> InitiativeFramework:
    clauses = tuple(
        _answer(clause, policy, proofs, moment) for clause in applicable_clauses(framework, about)
    )
    return InitiativeFramework(
        framework,
        framework.standing(moment.day),
        why_it_applies(governance, framework.when, about, policy, moment),
        coverage_of(clause.state for clause in clauses),
        clauses,
    )


def _answer(clause: Clause, policy: Policy, proofs: Sequence[ClauseProof], moment: Moment) -> ClauseAnswer:
    measures = answering(policy, clause)
    asked = {proof.requirement: proof.satisfied for proof in proofs}
    own = [proof for proof in proofs if measure_of(proof.requirement) in measures]
    binding = clause.binding_from is None or clause.binding_from <= moment.day
    lines = tuple(proof_line(policy, proof) for proof in own)
    return ClauseAnswer(clause, clause_state(policy, clause, asked), lines, binding)


def why_it_applies(
    governance: Governance, when: Sequence[Rule], about: Circumstances, policy: Policy, moment: Moment
) -> str:
    """Say in words why rules hold, by the first one that does."""
    if not when:
        return "It applies to every initiative."
    rule = next(rule for rule in when if applies((rule,), about))
    return f"It applies because {' and '.join(_reasons(governance, rule, about, policy, moment))}."


def _reasons(
    governance: Governance, rule: Rule, about: Circumstances, policy: Policy, moment: Moment
) -> list[str]:
    listed: Frameworks = governance.rules(moment).frameworks
    said = []
    if rule.regions is not None:
        found = [listed.region_title(region) for region in rule.regions if region in about.regions]
        said.append(f"people in {_listed(found)} are concerned")
    if rule.domains is not None:
        said.append(f"it is about {governance.position(moment).domain_title(about.domain)}")
    questions = {question.id: question for question in policy.questions}
    for question, options in (rule.answers or {}).items():
        known = questions.get(question)
        chosen = [option for option in options if option in about.answers.get(question, ())]
        labels = [known.option(one) if known else None for one in chosen]
        words = [label.label if label else one for label, one in zip(labels, chosen, strict=True)]
        said.append(f"the registration says “{_listed(words)}”")
    return said


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
