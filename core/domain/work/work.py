"""What people have to do: a task, to whom it goes, who is reminded and told; perspectives that take part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated, Literal, Protocol

from pydantic import Field, model_validator

from core.domain.actors import Actor
from core.domain.errors import refusal
from core.ground import Checked, Id, Text

TaskKind = Literal[
    "requirement", "sign_off", "finding", "waiver", "class", "proposal", "hand_off", "mention", "training"
]
TaskState = Literal["overdue", "failed", "cannot_tell", "due_soon", "expiring", "waiting"]
Letter = Literal["responsible", "accountable", "consulted", "informed"]
NoticeKind = Literal["reminder", "question", "escalation", "news"]

MOVABLE: frozenset[TaskKind] = frozenset({"requirement", "sign_off", "finding", "waiver"})
"""Kinds that can be given to somebody else; the others are a person's own."""


@dataclass(frozen=True)
class Place:
    """Where a task is done: a page of the portal, and what it should open."""

    page: str
    query: Mapping[str, str] = field(default_factory=dict)


class InHands(Protocol):
    """An initiative with those who have it."""

    @property
    def owner(self) -> str: ...
    @property
    def builder(self) -> str: ...
    @property
    def team(self) -> str: ...


@dataclass(frozen=True)
class Held:
    """Who has an initiative, its class, and whether it is retired."""

    initiative: str
    name: str
    team: str
    owner: str
    builder: str
    class_id: str
    retired: bool = False


@dataclass(frozen=True)
class Routes:
    """Ids of the people behind each letter of the matrix, for one task."""

    responsible: tuple[str, ...] = ()
    accountable: tuple[str, ...] = ()
    consulted: tuple[str, ...] = ()
    informed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """Something that somebody has to do, as it stands on one day.

    Attributes
    ----------
    key
        A stable text: `requirement:<initiative>:<measure>`, `hand_off:<id>`, `mention:<comment>:<person>`,
        `training:<training>:<person>`.
    title, why, how, waits
        What to do, why it is asked for, how it is done, and who waits for it, in words.
    due_on
        Day by which it is to be done; of an expiring proof, the day on which it expires.
    owner
        Id of the person who has it; empty while several could do it and nobody has taken it.
    routes
        The people behind the letters; `responsible` are those who may do it.
    assigned
        True when somebody was put on it by name, rather than by their role.
    independent
        Somebody who neither owns nor builds the initiative has to do it.
    """

    key: str
    kind: TaskKind
    title: str
    why: str
    how: str
    waits: str
    state: TaskState
    due_on: date
    place: Place
    owner: str = ""
    routes: Routes = Routes()
    initiative: str = ""
    name: str = ""
    team: str = ""
    role: str = ""
    step: str = ""
    raci_task: str = ""
    assigned: bool = False
    independent: bool = False

    @property
    def doers(self) -> tuple[str, ...]:
        """Whom to ask about it: the owner, else everybody who may do it."""
        return (self.owner,) if self.owner else self.routes.responsible

    @property
    def late(self) -> bool:
        """Whether its day has passed."""
        return self.state == "overdue"

    @property
    def movable(self) -> bool:
        """Whether it can be given to somebody else."""
        return self.kind in MOVABLE


def by_due_day(tasks: Iterable[Task]) -> tuple[Task, ...]:
    """Tasks in the order in which they are due; the same every time."""
    return tuple(sorted(tasks, key=lambda task: (task.due_on, task.name, task.title, task.key)))


def requirement_key(initiative: str, measure: str) -> str:
    """The stable name of the task to meet a requirement."""
    return f"requirement:{initiative}:{measure}"


def people_for(
    role: str, people: Sequence[Actor], *, owner: str, builder: str, team: str, independent: bool = False
) -> tuple[str, ...]:
    """Who does what a role is responsible for, for one initiative, in the order of `people`.

    The initiative's builder comes first, then its owner, where they hold the role; then everybody of its
    team who does; then everybody who does. For what has to be independent, owner and builder do not count,
    and neither does the team.

    Examples
    --------
    >>> ann = Actor(id="ann", name="Ann", team="Credit", roles=("data_scientist",))
    >>> bob = Actor(id="bob", name="Bob", team="Credit", roles=("data_scientist",))
    >>> people_for("data_scientist", [ann, bob], owner="", builder="bob", team="Credit")
    ('bob',)
    >>> people_for("data_scientist", [ann, bob], owner="", builder="eve", team="Credit")
    ('ann', 'bob')
    """
    holders = [person for person in people if role in person.roles]
    if independent:
        return tuple(person.id for person in holders if person.id not in (owner, builder))
    held = [person.id for person in holders]
    for named in (builder, owner):
        if named and named in held:
            return (named,)
    return tuple(person.id for person in holders if person.team == team) or tuple(held)


class NoticeRule(Checked):
    """When the people behind a letter hear of an open task, counted in whole days from its due day."""

    kind: NoticeKind
    to: Letter
    days_before: tuple[Annotated[int, Field(ge=0, le=365)], ...] = ()
    days_after: tuple[Annotated[int, Field(ge=1, le=365)], ...] = ()

    @property
    def offsets(self) -> tuple[int, ...]:
        """Days from the due day, earliest first; negative = before it."""
        return tuple(sorted({-days for days in self.days_before} | set(self.days_after)))


class Perspective(Checked):
    """A way to look at a decision, and the roles that bring it."""

    id: Id
    title: Text
    roles: Annotated[tuple[Id, ...], Field(min_length=1)]


class Work(Checked):
    """How work moves, from `config/work.yaml`: days, rules of notices, perspectives."""

    due_soon_days: Annotated[int, Field(ge=1, le=90)]
    answer_days: Annotated[int, Field(ge=1, le=90)]
    mention_days: Annotated[int, Field(ge=1, le=90)]
    told_days: Annotated[int, Field(ge=0, le=90)]
    notices: Annotated[tuple[NoticeRule, ...], Field(min_length=1)]
    perspectives: Annotated[tuple[Perspective, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _rules_say_when_and_roles_see_one_way(self) -> Work:
        for place, rule in enumerate(self.notices):
            if not rule.offsets:
                what = f"the rule '{rule.kind}' says no day"
                raise refusal(("notices", place), what, "Give days_before or days_after.")
        seen: dict[str, str] = {}
        for place, perspective in enumerate(self.perspectives):
            for number, role in enumerate(perspective.roles):
                if role in seen:
                    what = f"'{role}' brings the perspective '{seen[role]}' already"
                    raise refusal(("perspectives", place, "roles", number), what, "Keep one of them.")
                seen[role] = perspective.id
        return self


@dataclass(frozen=True)
class Notice:
    """What somebody is to hear about a task: since which day, and how far from its due day that is.

    `level` counts the steps of a rule that have passed; `days` is negative before the due day.
    """

    kind: NoticeKind
    letter: Letter
    to: tuple[str, ...]
    task: Task
    since: date
    days: int
    level: int


@dataclass(frozen=True)
class News:
    """Something done that stands for a task of the matrix, for those whom the matrix says to tell."""

    raci_task: str
    title: str
    initiative: str
    name: str
    actor: str
    acts: int
    on: date
    to: tuple[str, ...]


def notices(tasks: Iterable[Task], day: date, work: Work) -> tuple[Notice, ...]:
    """Work out which notices stand on a day: a pure function of the tasks, so nothing depends on a scheduler.

    Of each rule only its latest step that has passed stands. A reminder before the due day ends with the
    day; what comes after it stands until the task is done. Nobody is told twice about one task: who does
    it is not escalated to, and whoever is asked or escalated to is not told as well.

    Returns
    -------
    tuple of Notice
        Newest first, then the longest overdue.
    """
    found = [notice for task in tasks for notice in _notices_of(task, day, work)]
    return tuple(sorted(found, key=lambda n: (-n.since.toordinal(), n.task.due_on, n.task.key, n.kind)))


def _notices_of(task: Task, day: date, work: Work) -> Iterator[Notice]:
    heard: set[str] = set()
    for rule in work.notices:
        passed = [offset for offset in rule.offsets if task.due_on + timedelta(days=offset) <= day]
        stands = [offset for offset in passed if offset > 0 or day <= task.due_on]
        if not stands:
            continue
        people = task.doers if rule.to == "responsible" else getattr(task.routes, rule.to)
        others = set() if rule.to == "responsible" else {*task.doers, *heard}
        to = tuple(person for person in people if person not in others)
        if to:
            heard.update(to)
            since = task.due_on + timedelta(days=stands[-1])
            yield Notice(rule.kind, rule.to, to, task, since, (day - task.due_on).days, len(passed))


@dataclass(frozen=True)
class Part:
    """Something that a person did on an initiative before the decision.

    `roles` are those that the person had; `did` is the recorded action.
    """

    actor: str
    roles: tuple[str, ...]
    did: str
    at: datetime


@dataclass(frozen=True)
class PerspectiveView:
    """A perspective in a decision: who brought it, by how many acts, and when last; nobody = missing.

    Attributes
    ----------
    people
        Ids, the one with most acts first.
    did
        Kinds of act, as recorded, without repeats.
    """

    perspective: Perspective
    people: tuple[str, ...]
    acts: int
    did: tuple[str, ...]
    last_at: datetime | None

    @property
    def missing(self) -> bool:
        """Whether nobody brought this perspective."""
        return not self.people


def perspectives(known: Sequence[Perspective], parts: Sequence[Part]) -> tuple[PerspectiveView, ...]:
    """Sort the acts of people into the perspectives that their roles bring.

    A person with several roles brings each of their perspectives. An act by a role that brings none, such
    as a pipeline, is no perspective of a person and counts nowhere.

    Examples
    --------
    >>> risk = Perspective(id="risk", title="Risk", roles=("risk_audit",))
    >>> act = Part("vera", ("risk_audit",), "evidence_submitted", datetime(2026, 3, 1))
    >>> [view.people for view in perspectives([risk], [act])]
    [('vera',)]
    """
    return tuple(_view(one, [part for part in parts if set(part.roles) & set(one.roles)]) for one in known)


def _view(perspective: Perspective, parts: Sequence[Part]) -> PerspectiveView:
    counts: dict[str, int] = {}
    for part in parts:
        counts[part.actor] = counts.get(part.actor, 0) + 1
    people = tuple(sorted(counts, key=lambda actor: (-counts[actor], actor)))
    did = tuple(dict.fromkeys(part.did for part in parts))
    last_at = max((part.at for part in parts), default=None)
    return PerspectiveView(perspective, people, len(parts), did, last_at)
