"""Handing work over: an offer to a team or a person, and the one answer that it gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from core.domain.actors import Actor, Roles
from core.domain.chain import Fact
from core.domain.commands import Command, Words
from core.domain.errors import BadInput, Conflict, Forbidden, NotFound
from core.domain.facts import work as facts
from core.domain.facts.process import Initiative
from core.domain.facts.recorded import entry_of
from core.domain.given import argument, option
from core.domain.life_cycles import HAND_OFF
from core.domain.moment import Moment
from core.domain.process.facts import Registration
from core.domain.work.work import Task
from core.lake import directory
from core.lake.facts import latest, newest
from core.services.case import Case, begin, registered, require_readable
from core.services.governance import Governance
from core.services.work.routing import Cast, cast_of
from core.services.work.task_sources import offers, receivers
from core.services.work.tasks import (
    assignment,
    find_task,
    open_tasks,
    require_fit,
    require_giver,
    require_movable,
)

OfferId = Annotated[str, Field(description="The offer, as 'hand-off list' shows it."), argument("HAND_OFF")]
Why = Annotated[Words, Field(description="Why, in a sentence.")]
Reason = Annotated[Why, Field(min_length=10)]


class OfferHandOff(Command, may="offer_hand_off", whose="any"):
    """Offer an initiative or a task to a team or a person."""

    initiative: Annotated[str, Field(description="A whole initiative, by id.")] = ""
    task: Annotated[str, Field(description="One task, as 'governance tasks' shows it.")] = ""
    to_team: Annotated[str, Field(description="The team that gets it.")] = ""
    to_person: Annotated[str, Field(description="The person who gets it, by id.")] = ""
    reason: Reason


class AnswerHandOff(Command, may="answer_hand_off", whose="any"):
    """Accept an offer, or return it; to return it asks for a reason."""

    hand_off: OfferId
    answer: Literal["accept", "return"]
    reason: Why = ""


class WithdrawHandOff(Command, may="offer_hand_off", whose="any"):
    """Take back an offer that nobody has answered yet."""

    hand_off: OfferId
    reason: Reason


@dataclass(frozen=True)
class HandOff:
    """An offer with its answer; `waits_for` are the ids of those who may answer while it is open.

    `answer` is empty, accepted, returned or withdrawn; `task` is empty for a whole initiative.
    """

    hand_off: str
    initiative: str
    name: str
    task: str
    what: str
    from_team: str
    from_name: str
    to_team: str
    to_name: str
    reason: str
    offered_at: datetime
    waits_for: tuple[str, ...]
    answer: str
    answer_reason: str
    answered_by: str
    answered_at: datetime | None


def hand_offs(
    governance: Governance,
    moment: Moment,
    *,
    initiative: Annotated[str, Field(description="Of one initiative.")] = "",
    team: Annotated[str, Field(description="That this team gave or got.")] = "",
    open_only: Annotated[
        bool, Field(description="Only those that wait for an answer."), option("--open")
    ] = False,
) -> tuple[HandOff, ...]:
    """List offers and their answers, newest first."""
    cast, found = cast_of(governance, moment), offers(governance.store, moment, initiative)
    names = directory.names(governance.store, moment, (offer.initiative for offer, _ in found)).initiatives
    return tuple(
        _view(cast, offer, answer, names[offer.initiative][0])
        for offer, answer in reversed(found)
        if team in ("", offer.from_team, offer.to_team) and not (open_only and answer)
    )


def _view(cast: Cast, offer: facts.HandOff, answer: facts.HandOffAnswer | None, name: str) -> HandOff:
    return HandOff(
        offer.hand_off,
        offer.initiative,
        name,
        offer.task or "",
        offer.what,
        offer.from_team,
        cast.name(offer.actor),
        offer.to_team,
        cast.name(offer.to_person) if offer.to_person else "",
        offer.reason,
        offer.recorded_at,
        () if answer else receivers(cast, offer),
        answer.answer if answer else "",
        answer.reason if answer else "",
        cast.name(answer.actor) if answer else "",
        answer.recorded_at if answer else None,
    )


def offer_hand_off(governance: Governance, command: OfferHandOff) -> str:
    """Offer work to a team or a person, and give the id of the offer.

    Raises
    ------
    Forbidden
        The actor has no part in it; the person could not do the task.
    NotFound, BadInput
        No such initiative, task, team or person; nothing or too much is named; it is there already.
    Conflict
        The same work is on offer and not answered. Nothing is stored.
    """
    case = begin(governance, command)
    moment, cast = case.moment, cast_of(governance, case.moment)
    team, person = _receiver(case, cast, command)
    if bool(command.initiative) == bool(command.task):
        raise BadInput("an offer is of one initiative or of one task", remedy="Name one of the two.")
    task = find_task(governance, moment, command.task, cast) if command.task else None
    known = registered(governance, task.initiative if task else command.initiative, moment)
    if task is not None:
        _require_task_can_go(governance, cast, command.actor, task, person, moment)
    else:
        _require_initiative_can_go(command.actor, known, team, person)
    offer = facts.HandOff(
        hand_off="",
        initiative=known.initiative,
        task=command.task or None,
        what=task.title if task else known.name,
        from_team=task.team if task else known.team,
        to_team=team,
        to_person=person.id if person else None,
        reason=command.reason,
    )
    return case.put_next("hand_off_offered", lambda now: _numbered(now, offer)).hand_off


def _numbered(case: Case, offer: facts.HandOff) -> facts.HandOff:
    earlier = offers(case.governance.store, case.moment, offer.initiative)
    if any(answer is None and one.task == offer.task for one, answer in earlier):
        raise Conflict(
            "it is on offer already, and nobody has answered",
            where=offer.task or offer.initiative,
            remedy="Wait for the answer, or withdraw that offer first.",
        )
    return replace(offer, hand_off=f"{offer.initiative}/hand-off-{len(earlier) + 1}")


def _receiver(case: Case, cast: Cast, command: OfferHandOff) -> tuple[str, Actor | None]:
    if bool(command.to_team) == bool(command.to_person):
        raise BadInput("an offer goes to one team or to one person", remedy="Name one of the two.")
    if command.to_person:
        person = cast.find(command.to_person) or case.governance.person(command.to_person)
        if person.id == command.actor.id:
            raise BadInput("you cannot hand work over to yourself", remedy="Take the task instead.")
        _require_can_answer(case.rules.roles, person)
        return person.team, person
    if not any(person.team == command.to_team for person in cast.people):
        teams = ", ".join(sorted({person.team for person in cast.people if person.team}))
        raise NotFound(f"nobody belongs to a team '{command.to_team[:60]}'", remedy=f"Use one of: {teams}.")
    return command.to_team, None


def _require_can_answer(roles: Roles, person: Actor) -> None:
    try:
        roles.require(person, "answer_hand_off")
    except Forbidden as error:
        raise BadInput(
            f"{person.name} has no role that may accept work", remedy="Choose somebody else."
        ) from error


def _require_task_can_go(
    governance: Governance, cast: Cast, actor: Actor, task: Task, person: Actor | None, moment: Moment
) -> None:
    require_movable(task)
    require_giver(actor, task)
    if person is not None:
        if person.id == task.owner:
            raise BadInput(f"{person.name} has it already", where=task.key, remedy="Nothing is to be done.")
        require_fit(governance, cast, task, person, moment)


def _require_initiative_can_go(actor: Actor, known: Registration, team: str, person: Actor | None) -> None:
    has_part = actor.team == known.team or actor.id in (known.owner, known.builder)
    if not has_part and "administrator" not in actor.roles:
        raise Forbidden(
            f"{actor.name or actor.id} neither belongs to {known.team} nor owns or builds it",
            where=known.initiative,
            remedy=f"Ask somebody of {known.team}.",
        )
    if person is not None and person.id == known.owner:
        raise BadInput(f"{person.name} owns it already", remedy="Nothing is to be done.")
    if person is None and team == known.team:
        raise BadInput(f"it belongs to {team} already", remedy="Name another team, or a person.")


def answer_hand_off(governance: Governance, command: AnswerHandOff) -> None:
    """Accept an offer or return it; the first answer stands.

    To accept an initiative moves its team and owner in the same transaction; to accept a task puts the
    person on it. Who accepts for a team gets the work.

    Raises
    ------
    Forbidden
        The offer is not to this person or their team, or they could not do the task.
    NotFound, BadInput
        No such offer; it is returned without a reason; the task is done meanwhile.
    Conflict
        It was answered before. Nothing is stored.
    """
    case = begin(governance, command)
    cast = cast_of(governance, case.moment)
    offer = _open_offer(case, command.hand_off)
    if case.actor not in receivers(cast, offer):
        to = cast.name(offer.to_person) if offer.to_person else offer.to_team
        raise Forbidden("only the receiver may answer an offer", where=command.hand_off, remedy=f"Ask {to}.")
    if command.answer == "return" and len(command.reason) < 10:
        raise BadInput(
            "work is returned with a reason",
            where=command.hand_off,
            remedy="Say in a sentence why, so that the giver can act on it.",
        )
    if command.answer == "accept":
        _put_answer(case, offer, "accepted", command.reason, _moved(case, cast, offer))
    else:
        _put_answer(case, offer, "returned", command.reason)


def withdraw_hand_off(governance: Governance, command: WithdrawHandOff) -> None:
    """Take an open offer back; whoever made it may, and their team."""
    case = begin(governance, command)
    offer = _open_offer(case, command.hand_off)
    if case.actor != offer.actor and command.actor.team != offer.from_team:
        raise Forbidden(
            "only whoever made an offer may withdraw it",
            where=command.hand_off,
            remedy=f"Ask somebody of {offer.from_team or 'the team that made it'}.",
        )
    _put_answer(case, offer, "withdrawn", command.reason)


def _open_offer(case: Case, hand_off: str) -> facts.HandOff:
    initiative = hand_off.split("/", maxsplit=1)[0]
    require_readable(case.governance, case.command.actor, initiative, case.moment)
    there = newest(case.governance.store, facts.HandOff, case.moment, initiative)
    found = next((offer for offer in there if offer.hand_off == hand_off), None)
    if found is None:
        raise NotFound(
            f"there is no offer '{hand_off[:120]}'",
            where=f"as of {case.moment.day}",
            remedy="'governance hand-off list' shows them.",
        )
    _require_open(case, found)
    return found


def _require_open(case: Case, offer: facts.HandOff) -> None:
    answer = latest(
        case.governance.store, facts.HandOffAnswer, case.moment, offer.initiative, hand_off=offer.hand_off
    )
    if answer is not None:
        case.permit(HAND_OFF.to("accepted"), answer, state=answer.answer)


def _put_answer(
    case: Case,
    offer: facts.HandOff,
    answer: Literal["accepted", "returned", "withdrawn"],
    reason: str,
    moved: Sequence[Fact] = (),
) -> None:
    """The first answer stands; what it rests on must not have changed since it was read."""
    said = facts.HandOffAnswer(
        hand_off=offer.hand_off, initiative=offer.initiative, answer=answer, reason=reason
    )
    entries = (entry_of(HAND_OFF.to(answer).action, said, first=True), *moved)
    try:
        case.append(entries, unchanged=(offer.initiative,))
    except Conflict:
        _require_open(replace(case, moment=case.governance.present(case.command.at)), offer)
        raise


def _moved(case: Case, cast: Cast, offer: facts.HandOff) -> list[Fact]:
    """What acceptance changes: the initiative's team and owner, or who has the task."""
    governance, actor = case.governance, case.command.actor
    if not offer.task:
        known = latest(governance.store, Initiative, case.moment, offer.initiative)
        assert known is not None
        moved = replace(known, team=offer.to_team or actor.team, owner=actor.id)
        return [entry_of("initiative_amended", moved)]
    found = open_tasks(governance, case.moment, initiative=offer.initiative, cast=cast)
    task = next((task for task in found if task.key == offer.task), None)
    if task is None:
        raise BadInput(
            f"“{offer.what}” is done meanwhile",
            where=offer.hand_off,
            remedy="Return the offer with that reason.",
        )
    require_fit(governance, cast, task, actor, case.moment)
    return [assignment(task, actor.id, offer.reason, offer.hand_off)]
