"""The class of a use case: overridden, confirmed by a second person, from answers given anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from core.domain.chain import Fact, canonical
from core.domain.commands import OverrideClassification
from core.domain.errors import BadInput, Forbidden, NotFound
from core.domain.facts.process import ClassConfirmation, Initiative
from core.domain.facts.process import Classification as Classified
from core.domain.facts.recorded import but, entry_of
from core.domain.given import InitiativeId
from core.domain.life_cycles import CONFIRMATION
from core.domain.moment import Moment
from core.domain.policy.checks import Kind
from core.domain.policy.policy import Classification, Policy, classify
from core.domain.policy.requirement_list import plan_at
from core.domain.process.commands import ConfirmClass, GivenAnswers, GivenKind, ReassessInitiative
from core.domain.process.facts import InitiativeFacts, Review
from core.domain.process.gates import decide
from core.domain.process.requirements import requirement_states
from core.domain.process.sign_offs import SignOffStatus, sign_off_state
from core.lake.facts import latest
from core.lake.process.inventory import review
from core.services.case import Case, begin, facts_of, registered
from core.services.governance import Governance
from core.services.process.checks import record_checks


def override_classification(governance: Governance, command: OverrideClassification) -> str:
    """Put an initiative into a stricter class, or propose a lower one; return the proposal's name, if any.

    Lowering drops what the class asks for, so it takes the agreement of whoever could waive the strictest of
    it. Below the class that the answers lead to it lasts no longer than such a waiver, and something else is
    done instead.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not, or had a part in it; no such initiative or class; it is in that class already; a
        lower class without a last day or what is done instead, or where the policy waives nothing.
    """
    case = begin(governance, command)
    case.require_independent("override the classification of")
    fact, order = overridden(case, command), case.policy.class_order
    was = case.initiative.class_id
    if command.emergency:
        _override_alone(case, command, fact)
        return ""
    if order[command.class_id] >= order[was] and fact.until is None:
        case.put("classification_overridden", fact)
        return ""
    reviewers, title = _lowered_by(case.policy, was, fact.computed_class_id), case.policy.class_title
    ends = f" until {command.until}, then {title(fact.computed_class_id)} again" if command.until else ""
    moves = f"from class {title(was)} to {title(command.class_id)}"
    if command.class_id == was:
        moves = f"stays in class {title(was)}"
    said = [f"{case.initiative.name}: {moves}{ends}."]
    said += [f"Because: {command.justification}"]
    said += [f"Instead: {command.compensation}"] if command.compensation else []
    return case.propose("override_classification", command.initiative, said, reviewers)


def _override_alone(case: Case, command: OverrideClassification, fact: Classified) -> None:
    latest_day = case.moment.day + timedelta(days=case.policy.emergency_days)
    if fact.until is None or fact.until > latest_day:
        raise BadInput(
            f"an emergency lowers a class below that of its answers until {latest_day} at most",
            where="until",
            remedy="Give a day up to then, or propose it without an emergency.",
        )
    what = f"class {case.policy.class_title(fact.class_id)}"
    made = [entry_of("classification_overridden", fact)]
    case.alone(what, command.justification, fact.until, made)


def overridden(case: Case, asked: OverrideClassification) -> Classified:
    """The classification that an override leads to as things stand."""
    policy, known = case.policy, case.initiative
    if asked.class_id not in policy.class_order:
        classes = ", ".join(policy.class_order)
        raise NotFound(f"'{asked.class_id}' is no risk class", remedy=f"Use one of: {classes}.")
    longer = known.until is not None and asked.until is not None and asked.until > known.until
    if known.class_id == asked.class_id and not longer:
        raise BadInput("it is in that class already", where=asked.initiative, remedy="Nothing is to be done.")
    computed = classify(policy, known.answers)
    below = policy.class_order[asked.class_id] < policy.class_order[computed.class_id]
    if below:
        _require_lowering(policy, computed.class_id, asked, case.moment.day)
    classified = classified_as(policy, asked.initiative, computed)
    return replace(
        classified,
        class_id=asked.class_id,
        review_percent=0,
        justification=asked.justification,
        until=asked.until if below else None,
        compensation=asked.compensation if below else "",
    )


def _require_lowering(policy: Policy, class_id: str, asked: OverrideClassification, day: date) -> None:
    """A class below the one that the answers lead to ends some day, and something is done instead."""
    rule = policy.waiver_rule(class_id)
    longest = day + timedelta(days=rule.max_days if rule else 0)
    if asked.until is None or not day <= asked.until <= longest:
        raise BadInput(
            f"a class below {policy.class_title(class_id)}, to which the answers lead, needs a last day from "
            f"today to {longest}",
            where="until",
            remedy="Give it; then the class of the answers holds again.",
        )
    if len(asked.compensation) < SENTENCE:
        raise BadInput(
            "nothing is said of what is done instead of what the lower class drops",
            where="compensation",
            remedy=f"Say it in at least {SENTENCE} characters.",
        )


SENTENCE = 20
"""Characters that what is done instead takes at least, as a waiver's does."""


def classified_as(policy: Policy, initiative: str, computed: Classification) -> Classified:
    """The classification that answers lead to, and what share of such a second person looks at."""
    return Classified(
        initiative=initiative,
        class_id=computed.class_id,
        mode_id=computed.mode_id,
        computed_class_id=computed.class_id,
        score=computed.score,
        reasons=computed.reasons,
        policy_version=policy.version,
        review_percent=policy.risk_class(computed.class_id).review_percent,
    )


def _lowered_by(policy: Policy, *classes: str) -> tuple[str, ...]:
    """Roles that agree to a lower class: those that could waive the strictest of what it drops."""
    strictest = max(classes, key=policy.class_order.__getitem__)
    rule = policy.waiver_rule(strictest)
    if rule is None:
        what = f"no class is lowered from {policy.class_title(strictest)}"
        raise Forbidden(what, remedy="What it asks for has to be met.")
    return rule.approvers


def confirm_class(governance: Governance, command: ConfirmClass) -> None:
    """Put on record that a second person looked at the answers and found the class right.

    Whoever finds it wrong overrides it, or raises a finding. Answers given anew have to be confirmed anew.

    Raises
    ------
    Forbidden
        The actor has none of the roles that the policy names, or had a part in it.
    Conflict
        Nobody has to confirm it now.
    """
    case = begin(governance, command)
    if not set(command.actor.roles) & set(case.policy.confirmed_by):
        titles = ", ".join(map(case.rules.roles.title, case.policy.confirmed_by)) or "nobody"
        raise Forbidden("your role confirms no classes", where=command.initiative, remedy=f"Ask: {titles}.")
    classified = _newest(case)
    waits = review(governance.store, classified, case.moment)
    step = CONFIRMATION.to("confirmed")
    case.permit(step, classified, state=waits)
    confirmed = ClassConfirmation(
        initiative=classified.initiative,
        class_id=case.initiative.class_id,
        classified_seq=classified.seq,
        note=command.note,
    )
    case.put(step.action, confirmed, unless_changed=True)


def _newest(case: Case) -> Classified:
    found = latest(case.governance.store, Classified, case.moment, case.initiative.initiative)
    assert found is not None  # what is registered is classified with it
    return found


@dataclass(frozen=True)
class Reassessment:
    """What answers given anew would change.

    `shut` and `lapsed` name the gates that would close, and those whose signatures would lapse; `review` says
    whether a second person has to look at the class. A lower class is a proposal.
    """

    initiative: str
    before: str
    after: str
    score: int
    reasons: tuple[str, ...]
    added: tuple[str, ...]
    dropped: tuple[str, ...]
    shut: tuple[str, ...]
    lapsed: tuple[str, ...]
    review: Review
    lowers: bool


def require_kind(policy: Policy, kind: str) -> Kind:
    """A kind that the policy admits, by its key."""
    if kind not in policy.admitted:
        known = ", ".join(policy.admitted)
        raise BadInput(f"'{kind[:60]}' is no kind of model", where="kind", remedy=f"Use one of: {known}.")
    return policy.admitted[kind]


def reassessment(
    governance: Governance,
    moment: Moment,
    *,
    initiative: InitiativeId,
    answers: GivenAnswers,
    kind: GivenKind = "",
) -> Reassessment:
    """Work out what answers given anew, or another kind, would change; nothing is stored."""
    policy, known = governance.policy(moment), registered(governance, initiative, moment)
    computed, kind = classify(policy, answers), kind and require_kind(policy, kind).id
    now = facts_of(governance, initiative, moment)
    changed = {"answers": canonical(answers), "kind": kind or known.kind}
    said = but(now.said[-1], **changed, seq=moment.seq + 1)
    share = policy.risk_class(computed.class_id).review_percent
    then = replace(
        now,
        class_id=computed.class_id,
        classified_on=now.classified_on if computed.class_id == now.class_id else moment.day,
        said=(*now.said, said),
        unconfirmed="required" if share == 100 else "drawn" if share else "",
    )
    asked_now, asked_then = (
        {
            state.requirement.id: state.requirement.title
            for state in requirement_states(policy, one, moment.day)
        }
        for one in (now, then)
    )
    open_now, open_then = (set(_open(policy, one, moment.day)) for one in (now, then))
    signed_now, signed_then = (set(_signed(policy, one, moment.day)) for one in (now, then))
    order = policy.class_order
    return Reassessment(
        initiative,
        known.class_id,
        computed.class_id,
        computed.score,
        computed.reasons,
        tuple(title for one, title in asked_then.items() if one not in asked_now),
        tuple(title for one, title in asked_now.items() if one not in asked_then),
        tuple(sorted(open_now - open_then)),
        tuple(sorted(signed_now - signed_then)),
        then.unconfirmed,
        order[computed.class_id] < order[known.class_id],
    )


def _open(policy: Policy, facts: InitiativeFacts, day: date) -> Iterator[str]:
    for gate in policy.gates_of(facts.class_id):
        if decide(policy, facts, gate.id, day).is_open:
            yield gate.title


def _signed(policy: Policy, facts: InitiativeFacts, day: date) -> Iterator[str]:
    for gate in policy.gates_of(facts.class_id):
        plan = plan_at(policy, facts.class_id, gate.id)
        if plan and sign_off_state(policy, plan, gate, facts, day).status is SignOffStatus.APPROVED:
            yield gate.title


def reassess_initiative(governance: Governance, command: ReassessInitiative) -> str:
    """Give the answers anew, or propose them where they lead to a lower class; return the proposal's name.

    Signatures given to other answers lapse, and a class that has to be confirmed has to be so again. The same
    answers put on record that somebody looked at them, and the next review is due later.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative; an answer is not usable.
    """
    case = begin(governance, command)
    of, answers, kind = command.initiative, command.answers, command.kind
    found = reassessment(governance, case.moment, initiative=of, answers=answers, kind=kind)
    if not found.lowers:
        case.append(answered_anew(case, command), unchanged=(command.initiative,))
        record_checks(governance, command.initiative, actor=command.actor, at=command.at)
        return ""
    before, after = map(case.policy.class_title, (found.before, found.after))
    said = [f"{case.initiative.name}: answers given anew, from class {before} to {after}."]
    said += [f"Because: {command.note}"]
    said += [f"No longer required: {', '.join(found.dropped)}."] if found.dropped else []
    reviewers = _lowered_by(case.policy, found.before)
    return case.propose("reassess_initiative", command.initiative, said, reviewers)


def answered_anew(case: Case, asked: ReassessInitiative) -> list[Fact]:
    """What answers given anew put on record: answers and kind where they differ, and the class they give."""
    known = case.find(Initiative, asked.initiative)
    kind = asked.kind or known.kind
    classified = classified_as(case.policy, asked.initiative, classify(case.policy, asked.answers))
    entries = [entry_of("initiative_classified", classified)]
    if (kind, json.loads(known.answers)) != (known.kind, json.loads(canonical(asked.answers))):
        said = but(known, answers=canonical(asked.answers), kind=kind)
        entries.insert(0, entry_of("initiative_reassessed", said))
    return entries
