"""Handing work over: an offer to a team or a person, and the one answer that it gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from core.domain.actors import Actor
from core.domain.chain import Fact, canonical
from core.domain.commands import Command, Words
from core.domain.errors import BadInput, Conflict, Forbidden, NotFound
from core.domain.given import argument, option
from core.domain.moment import Moment
from core.domain.work.work import Task
from core.lake.work import hand_offs as lake
from core.services.governance import Governance
from core.services.lookups import require_initiative
from core.services.work.people_tasks import receivers
from core.services.work.routing import Cast, cast_of
from core.services.work.tasks import (
    assignment_fact,
    find_task,
    open_tasks,
    require_fit,
    require_giver,
    require_movable,
)

OfferId = Annotated[str, Field(description="The offer, as 'hand-off list' shows it."), argument("HAND_OFF")]
Why = Annotated[Words, Field(description="Why, in a sentence.")]
Reason = Annotated[Why, Field(min_length=10)]


class OfferHandOff(Command):
    """Offer an initiative or a task to a team or a person."""

    may: ClassVar[str] = "offer_hand_off"

    initiative: Annotated[str, Field(description="A whole initiative, by id.")] = ""
    task: Annotated[str, Field(description="One task, as 'governance tasks' shows it.")] = ""
    to_team: Annotated[str, Field(description="The team that gets it.")] = ""
    to_person: Annotated[str, Field(description="The person who gets it, by id.")] = ""
    reason: Reason


class AnswerHandOff(Command):
    """Accept an offer, or return it; to return it asks for a reason."""

    may: ClassVar[str] = "answer_hand_off"

    hand_off: OfferId
    answer: Literal["accept", "return"]
    reason: Why = ""


class WithdrawHandOff(Command):
    """Take back an offer that nobody has answered yet."""

    may: ClassVar[str] = "offer_hand_off"

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
    offered_at: Any
    waits_for: tuple[str, ...]
    answer: str
    answer_reason: str
    answered_by: str
    answered_at: Any


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
    cast = cast_of(governance, moment)
    rows = lake.hand_offs(governance.store, moment, initiative=initiative, open_only=open_only)
    return tuple(_view(cast, row) for row in rows if team in ("", row["from_team"], row["to_team"]))


def _view(cast: Cast, row: dict[str, Any]) -> HandOff:
    waiting = () if row["answer"] else receivers(cast, row["to_team"], row["to_person"])
    return HandOff(
        row["hand_off"],
        row["initiative"],
        row["name"] or row["initiative"],
        row["task"] or "",
        row["what"],
        row["from_team"],
        cast.name(row["offered_by"]),
        row["to_team"],
        cast.name(row["to_person"]) if row["to_person"] else "",
        row["reason"],
        row["offered_at"],
        waiting,
        row["answer"] or "",
        row["answer_reason"] or "",
        cast.name(row["answered_by"]) if row["answered_by"] else "",
        row["answered_at"],
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
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    cast = cast_of(governance, moment)
    team, person = _receiver(governance, cast, command)
    if bool(command.initiative) == bool(command.task):
        raise BadInput("an offer is of one initiative or of one task", remedy="Name one of the two.")
    task = find_task(governance, moment, command.task, cast) if command.task else None
    initiative = task.initiative if task else command.initiative
    known = require_initiative(governance, initiative, moment)
    if task is not None:
        _require_task_can_go(governance, cast, command.actor, task, person, moment)
    else:
        _require_initiative_can_go(command.actor, known, team, person)
    row = {
        "initiative": initiative,
        "task": command.task or None,
        "what": task.title if task else known["name"],
        "from_team": task.team if task else known["team"],
        "to_team": team,
        "to_person": person.id if person else None,
        "reason": command.reason,
    }

    def offered(moment: Moment) -> list[Fact]:
        return [_offered(governance, row, moment)]

    (fact,) = governance.store.append_next(offered, actor=command.actor.id, at=command.at)
    return fact.subject


def _offered(governance: Governance, row: dict[str, Any], moment: Moment) -> Fact:
    earlier = lake.hand_offs(governance.store, moment, initiative=row["initiative"])
    if any(not one["answer"] and one["task"] == row["task"] for one in earlier):
        raise Conflict(
            "it is on offer already, and nobody has answered",
            where=row["task"] or row["initiative"],
            remedy="Wait for the answer, or withdraw that offer first.",
        )
    hand_off = f"{row['initiative']}/hand-off-{len(earlier) + 1}"
    return Fact("hand_off_offered", hand_off, "hand_off", ({**row, "hand_off": hand_off},), first=True)


def _receiver(governance: Governance, cast: Cast, command: OfferHandOff) -> tuple[str, Actor | None]:
    if bool(command.to_team) == bool(command.to_person):
        raise BadInput("an offer goes to one team or to one person", remedy="Name one of the two.")
    if command.to_person:
        person = cast.find(command.to_person) or governance.person(command.to_person)
        if person.id == command.actor.id:
            raise BadInput("you cannot hand work over to yourself", remedy="Take the task instead.")
        _require_can_answer(governance, person)
        return person.team, person
    if not any(person.team == command.to_team for person in cast.people):
        teams = ", ".join(sorted({person.team for person in cast.people if person.team}))
        raise NotFound(f"nobody belongs to a team '{command.to_team[:60]}'", remedy=f"Use one of: {teams}.")
    return command.to_team, None


def _require_can_answer(governance: Governance, person: Actor) -> None:
    try:
        governance.roles.require(person, "answer_hand_off")
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


def _require_initiative_can_go(actor: Actor, known: dict[str, Any], team: str, person: Actor | None) -> None:
    has_part = actor.team == known["team"] or actor.id in (known["owner"], known["builder"])
    if not has_part and "administrator" not in actor.roles:
        raise Forbidden(
            f"{actor.name or actor.id} neither belongs to {known['team']} nor owns or builds it",
            where=known["initiative"],
            remedy=f"Ask somebody of {known['team']}.",
        )
    if person is not None and person.id == known["owner"]:
        raise BadInput(f"{person.name} owns it already", remedy="Nothing is to be done.")
    if person is None and team == known["team"]:
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
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    cast = cast_of(governance, moment)
    offer = _open_offer(governance, moment, command.hand_off)
    if command.actor.id not in receivers(cast, offer["to_team"], offer["to_person"] or ""):
        to = cast.name(offer["to_person"]) if offer["to_person"] else offer["to_team"]
        raise Forbidden("only the receiver may answer an offer", where=command.hand_off, remedy=f"Ask {to}.")
    if command.answer == "return" and len(command.reason) < 10:
        raise BadInput(
            "work is returned with a reason",
            where=command.hand_off,
            remedy="Say in a sentence why, so that the giver can act on it.",
        )
    answer = "accepted" if command.answer == "accept" else "returned"
    facts = [_answer_fact(offer, answer, command.reason)]
    if command.answer == "accept":
        facts += _moved(governance, cast, moment, offer, command)
    _append_answer(governance, facts, command, moment)


def withdraw_hand_off(governance: Governance, command: WithdrawHandOff) -> None:
    """Take an open offer back; whoever made it may, and their team.

    Raises
    ------
    Forbidden
        The offer is somebody else's.
    NotFound, Conflict
        No such offer; it was answered before. Nothing is stored.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    offer = _open_offer(governance, moment, command.hand_off)
    if command.actor.id != offer["offered_by"] and command.actor.team != offer["from_team"]:
        raise Forbidden(
            "only whoever made an offer may withdraw it",
            where=command.hand_off,
            remedy=f"Ask somebody of {offer['from_team'] or 'the team that made it'}.",
        )
    _append_answer(governance, [_answer_fact(offer, "withdrawn", command.reason)], command, moment)


def _open_offer(governance: Governance, moment: Moment, hand_off: str) -> dict[str, Any]:
    found = lake.hand_offs(governance.store, moment, hand_off=hand_off) if hand_off else []
    if not found:
        raise NotFound(
            f"there is no offer '{hand_off[:120]}'",
            where=f"as of {moment.day}",
            remedy="'governance hand-off list' shows them.",
        )
    if found[0]["answer"]:
        raise _answered(hand_off, f" ({found[0]['answer']})")
    return found[0]


def _answered(hand_off: str, how: str = "") -> Conflict:
    return Conflict(f"this offer was answered before{how}", where=hand_off, remedy="The first answer stands.")


def _answer_fact(offer: dict[str, Any], answer: str, reason: str) -> Fact:
    row = {
        "hand_off": offer["hand_off"],
        "initiative": offer["initiative"],
        "answer": answer,
        "reason": reason,
    }
    return Fact("hand_off_answered", offer["hand_off"], "hand_off_answer", (row,), first=True)


def _append_answer(governance: Governance, facts: list[Fact], command: Command, read: Moment) -> None:
    """The first answer stands; what it rests on must not have changed since it was read."""
    hand_off = facts[0].subject
    try:
        governance.store.append(
            facts, actor=command.actor.id, at=command.at, unchanged={hand_off.split("/")[0]: read.seq}
        )
    except Conflict as error:
        now = governance.present(command.at)
        if lake.hand_offs(governance.store, now, hand_off=hand_off)[0]["answer"]:
            raise _answered(hand_off) from error
        raise


def _moved(
    governance: Governance, cast: Cast, moment: Moment, offer: dict[str, Any], command: AnswerHandOff
) -> list[Fact]:
    """What acceptance changes: the initiative's team and owner, or who has the task."""
    initiative = offer["initiative"]
    if not offer["task"]:
        known = require_initiative(governance, initiative, moment)
        columns = governance.store.columns["initiative"]
        row = {**{column: known[column] for column in columns}, "answers": canonical(known["answers"])}
        row |= {"team": offer["to_team"] or command.actor.team, "owner": command.actor.id}
        return [Fact("initiative_amended", initiative, "initiative", (row,))]
    found = open_tasks(governance, moment, initiative=initiative, cast=cast)
    task = next((task for task in found if task.key == offer["task"]), None)
    if task is None:
        raise BadInput(
            f"“{offer['what']}” is done meanwhile",
            where=offer["hand_off"],
            remedy="Return the offer with that reason.",
        )
    require_fit(governance, cast, task, command.actor, moment)
    return [assignment_fact(task, command.actor.id, offer["reason"], offer["hand_off"])]
