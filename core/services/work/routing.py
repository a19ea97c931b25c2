"""What a source of tasks reads: the people behind each letter of the matrix, and what was said to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Annotated

from pydantic import Field

from core.connectors.config_files import Rules
from core.domain.actors import Actor
from core.domain.commands import Command, Words
from core.domain.errors import BadInput, NotFound
from core.domain.facts import work as facts
from core.domain.given import InitiativeId, argument
from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.domain.policy.requirement_list import Requirement, requirements_of
from core.domain.process.requirements import Status, requirement_states
from core.domain.work.raci import RaciTask
from core.domain.work.work import Held, InHands, Routes, Task, TaskState, people_for
from core.lake import directory
from core.lake.directory import people_then
from core.lake.facts import history, newest
from core.lake.process import inventory as lake_initiatives
from core.lake.process.inventory import requirement_lines
from core.lake.store import Store
from core.services.case import Case, begin, registered
from core.services.governance import Governance

MOST_MENTIONS = 10
_MENTION = re.compile(r"(?<![\w@./])@([A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?)")


class WriteComment(Command, may="write_comment", whose="any"):
    """Write a comment on an initiative; whoever it names gets a task to read it."""

    initiative: InitiativeId
    text: Annotated[Words, Field(min_length=2, description="What you say; @id names people."), argument()]


class MarkCommentsRead(Command, may="write_comment", whose="any"):
    """Say that you have read the comments that name you."""

    initiative: InitiativeId


@dataclass(frozen=True)
class Comment:
    """A comment; `mentions` are ids, `names` what the people are called now, in the same order."""

    comment: str
    actor: str
    actor_name: str
    at: datetime
    text: str
    mentions: tuple[str, ...]
    names: tuple[str, ...]


def mentions_in(text: str) -> tuple[str, ...]:
    """Ids that a text names with `@`, each once, in their order; an address such as a@b.org names nobody.

    Examples
    --------
    >>> mentions_in("@vera-validator, please ask @ann.lee. Write to desk@example.org.")
    ('vera-validator', 'ann.lee')
    """
    return tuple(dict.fromkeys(found.lower() for found in _MENTION.findall(text)))


def comments_on(governance: Governance, moment: Moment, *, initiative: InitiativeId) -> tuple[Comment, ...]:
    """List the comments on an initiative, oldest first."""
    registered(governance, initiative, moment)
    names = directory.names(governance.store, moment)
    return tuple(
        Comment(
            one.comment,
            one.actor,
            names[one.actor],
            one.recorded_at,
            one.text,
            one.mentions,
            tuple(names[person] for person in one.mentions),
        )
        for one in history(governance.store, facts.Comment, moment, initiative)
    )


def write_comment(governance: Governance, command: WriteComment) -> str:
    """Write a comment and give its id; whoever it names gets a task to read it.

    Raises
    ------
    Forbidden
        The actor may not comment.
    BadInput
        Somebody who is not in the directory, or too many people, are named. Nothing is stored.
    """
    case = begin(governance, command)
    initiative = case.initiative.initiative
    mentions = mentions_in(command.text)
    cast = cast_of(governance, case.moment)
    unknown = [person for person in mentions if cast.find(person) is None]
    if unknown:
        raise NotFound(
            f"nobody is called {', '.join(f'@{person[:40]}' for person in unknown)}",
            where="text",
            remedy="Name people by their id, as 'governance people list' shows it.",
        )
    if len(mentions) > MOST_MENTIONS:
        raise BadInput(f"more than {MOST_MENTIONS} people are named", where="text", remedy="Name fewer.")

    def written(case: Case) -> facts.Comment:
        number = len(case.history(facts.Comment)) + 1
        return facts.Comment(
            initiative=initiative,
            comment=f"{initiative}/comment-{number}",
            text=command.text,
            mentions=mentions,
        )

    return case.put_next("comment_written", written).comment


def mark_comments_read(governance: Governance, command: MarkCommentsRead) -> None:
    """Put on record that one has read the comments on an initiative."""
    case = begin(governance, command)
    initiative = case.initiative.initiative
    unread = unread_mentions(governance.store, case.moment, initiative)
    if case.actor not in {person for _, person in unread}:
        raise BadInput("no comment there waits for you", where=initiative, remedy="Nothing is to be done.")
    case.put("comments_read", facts.CommentsRead(initiative=initiative))


def unread_mentions(
    store: Store, moment: Moment, initiative: str = ""
) -> Iterator[tuple[facts.Comment, str]]:
    """Comments with somebody they name who has neither read nor written there since, oldest first.

    Of one initiative, or of all.
    """
    comments = newest(store, facts.Comment, moment, initiative)
    read = newest(store, facts.CommentsRead, moment, initiative)
    heard = {(said.initiative, said.actor): said.seq for said in comments}
    for one in read:
        place = (one.initiative, one.actor)
        heard[place] = max(one.seq, heard.get(place, 0))
    for comment in comments:
        for person in comment.mentions:
            since = heard.get((comment.initiative, person), 0)
            if comment.seq > since and person != comment.actor:
                yield comment, person


class Cast:
    """The people of a moment, found by id and by role; what was routed once is remembered.

    Of those who had left, only the name is known.
    """

    def __init__(self, people: Sequence[Actor], since: Mapping[str, date]) -> None:
        self.people = tuple(person for person in people if not person.left_on)
        self.since = dict(since)
        self._called = {person.id: person.called for person in people}
        self._known = {person.id: person for person in self.people}
        self._holders: dict[str, tuple[Actor, ...]] = {}
        self._routed: dict[tuple[str, str, str, str, bool], tuple[str, ...]] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cast) and self._all == other._all

    @property
    def _all(self) -> tuple[object, ...]:
        return self.people, self.since, self._called

    def __hash__(self) -> int:
        return hash(self.people)

    def find(self, person: str) -> Actor | None:
        """Somebody by id, or None."""
        return self._known.get(person)

    def name(self, person: str) -> str:
        """Name of a person; the id where the directory does not know them any more."""
        return self._called.get(person, person)

    def names(self, people: Iterable[str], *, most: int = 3) -> str:
        """Names of several people in a row; what goes beyond `most` is counted."""
        known = [self.name(person) for person in people]
        more = f" and {len(known) - most} more" if len(known) > most else ""
        return ", ".join(known[:most]) + more

    def holders(self, role: str) -> tuple[Actor, ...]:
        """Everybody with a role, by name."""
        if role not in self._holders:
            self._holders[role] = tuple(person for person in self.people if role in person.roles)
        return self._holders[role]

    def responsible(self, role: str, initiative: InHands, *, independent: bool = False) -> tuple[str, ...]:
        """Who does what a role is responsible for, on an initiative."""
        owner, builder, team = initiative.owner, initiative.builder, initiative.team
        asked = (role, owner, builder, team, independent)
        if asked not in self._routed:
            self._routed[asked] = people_for(
                role, self.holders(role), owner=owner, builder=builder, team=team, independent=independent
            )
        return self._routed[asked]

    def routes(self, task: RaciTask | None, doers: tuple[str, ...], initiative: InHands) -> Routes:
        """The people behind the letters of a task; `doers` are those who may do it.

        What stands in no task of the matrix is escalated to the owner of the initiative.
        """
        if task is None:
            return Routes(doers, (initiative.owner,) if initiative.owner else ())
        return Routes(
            doers,
            self._behind((task.accountable,), initiative),
            self._behind(task.consulted, initiative),
            self._behind(task.informed, initiative),
        )

    def _behind(self, roles: Sequence[str], initiative: InHands) -> tuple[str, ...]:
        return tuple(dict.fromkeys(who for role in roles for who in self.responsible(role, initiative)))


def names_of(governance: Governance, moment: Moment) -> dict[str, str]:
    """Id -> name of everybody who is there at a moment, by name."""
    return {person.id: person.name for person in cast_of(governance, moment).people}


def cast_of(governance: Governance, moment: Moment) -> Cast:
    """The people at a moment."""
    known = people_then(governance.store, moment)
    return Cast([one.actor for one in known], {one.actor.id: one.since for one in known})


_OPEN = {Status.EXPIRING, Status.CANNOT_TELL, Status.MISSING, Status.FAILED}


@dataclass(frozen=True)
class OpenRequirement:
    """A requirement that asks for something to be done: not met, or about to expire."""

    initiative: str
    class_id: str
    requirement: Requirement
    status: Status
    due_on: date
    expires_on: date | None


@dataclass(frozen=True)
class Reading:
    """What a source reads: the record at a moment, the people then, and whose initiatives.

    `only` names one initiative; empty means all.
    """

    governance: Governance
    moment: Moment
    cast: Cast
    known: Mapping[str, Held]
    only: str = ""

    @property
    def policy(self) -> Policy:
        """The policy in force then."""
        return self.governance.policy(self.moment)

    @property
    def rules(self) -> Rules:
        """The files of the configuration that decided then."""
        return self.governance.rules(self.moment)

    @cached_property
    def open_requirements(self) -> tuple[OpenRequirement, ...]:
        """Requirements that ask for something to be done; read once for all sources."""
        return tuple(open_requirements(self))

    def answer_by(self, asked_on: date) -> date:
        """Day by which somebody who was asked has to have answered."""
        return asked_on + timedelta(days=self.governance.rules(self.moment).work.answer_days)

    def state(self, due_on: date) -> TaskState:
        """State of an open task by its due day alone."""
        days = (due_on - self.moment.day).days
        if days < 0:
            return "overdue"
        return "due_soon" if days <= self.governance.rules(self.moment).work.due_soon_days else "waiting"


TaskSource = Callable[[Reading], Iterator[Task]]


def open_requirements(reading: Reading) -> Iterator[OpenRequirement]:
    """Requirements that ask for something to be done, of one initiative or of all in one query."""
    policy, moment, store = reading.policy, reading.moment, reading.governance.store
    if reading.only:
        yield from _open_of_one(reading)
        return
    lines = requirement_lines(store, policy, moment)
    asked = {
        (kind, c.id, r.id): r
        for kind in {line.kind for line in lines}
        for c in policy.classes
        for r in requirements_of(policy.of(kind), c.id)
    }
    for line in lines:
        status = Status(line.status)
        if status in _OPEN:
            requirement = asked[line.kind, line.class_id, line.requirement]
            yield OpenRequirement(
                line.initiative, line.class_id, requirement, status, line.due_on, line.expires_on
            )


def _open_of_one(reading: Reading) -> Iterator[OpenRequirement]:
    facts = lake_initiatives.initiative_facts(reading.governance.store, reading.only, reading.moment)
    for state in requirement_states(reading.policy, facts, reading.moment.day) if facts else ():
        if facts and state.status in _OPEN:
            asked = state.requirement
            yield OpenRequirement(
                reading.only, facts.class_id, asked, state.status, state.due_on, state.expires_on
            )


def gate_that_asks(policy: Policy, class_id: str, step: str) -> str:
    """Title of the first gate of a class that asks for what belongs to a step; empty where none does."""
    place = policy.step_order[step]
    return next((g.title for g in policy.gates_of(class_id) if policy.step_order[g.step] >= place), "")
