"""Tasks: computed from the record at any moment, listed, given to people by name; and the notices of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from core.domain.actors import Actor
from core.domain.chain import Fact
from core.domain.commands import Command, Words
from core.domain.errors import BadInput, Forbidden, NotFound
from core.domain.facts.recorded import entry_of
from core.domain.facts.work import TaskAssignment
from core.domain.given import argument, option
from core.domain.moment import Moment
from core.domain.work.work import Held, News, Notice, Task, by_due_day, notices
from core.lake import work as lake
from core.lake.facts import newest
from core.lake.memory import remembered
from core.lake.work import who_has_what
from core.services.case import begin, registered
from core.services.governance import Governance
from core.services.work.raci_view import recorded_actions, task_of_act
from core.services.work.routing import Cast, Reading, TaskSource, cast_of
from core.services.work.task_sources import (
    class_tasks,
    condition_tasks,
    finding_tasks,
    hand_off_tasks,
    mention_tasks,
    proposal_tasks,
    reclassification_tasks,
    requirement_tasks,
    sign_off_tasks,
    training_tasks,
    waiver_tasks,
)

SOURCES: tuple[TaskSource, ...] = (
    requirement_tasks,
    sign_off_tasks,
    finding_tasks,
    waiver_tasks,
    class_tasks,
    condition_tasks,
    proposal_tasks,
    reclassification_tasks,
    hand_off_tasks,
    mention_tasks,
    training_tasks,
)
"""All sources, in no order that matters."""


class AssignTask(Command, may="assign_task", whose="any"):
    """Put somebody of your team on a task, or take it yourself."""

    task: Annotated[str, Field(description="The task, as 'governance tasks' shows it."), argument()]
    person: Annotated[
        str, Field(description="Who gets it, by id; you where nobody is named."), option("--to")
    ] = ""
    reason: Annotated[Words, Field(description="Why, if it needs saying.")] = ""


@dataclass(frozen=True)
class WorkList:
    """What one person has to do.

    Attributes
    ----------
    own
        What is theirs, by due day.
    shared
        What their role could do and nobody has taken, by due day.
    """

    person: Actor | None
    own: tuple[Task, ...]
    shared: tuple[Task, ...]

    @property
    def late(self) -> tuple[Task, ...]:
        """Their own tasks whose day has passed, the longest overdue first."""
        return tuple(task for task in self.own if task.late)


def open_tasks(
    governance: Governance, moment: Moment, *, initiative: str = "", cast: Cast | None = None
) -> tuple[Task, ...]:
    """Everything that is to be done at a moment, by due day; of one initiative, or of all.

    Who was put on a task by name has it for as long as they are in the directory and independent where
    that is asked for; then it falls back to whoever its role makes responsible.
    """
    return _worked_out(governance, moment, cast or cast_of(governance, moment), initiative)


@remembered(room=16)
def _worked_out(governance: Governance, moment: Moment, people: Cast, initiative: str) -> tuple[Task, ...]:
    known = lake.who_has_what(governance.store, moment, initiative=initiative)
    reading = Reading(governance, moment, people, known, initiative)
    given = newest(governance.store, TaskAssignment, moment, initiative)
    assigned = {one.task: one.person for one in given}
    retired = {name for name, held in known.items() if held.retired}
    found = (
        task
        for source in SOURCES
        for task in source(reading)
        if task.kind == "requirement" or task.initiative not in retired
    )
    return by_due_day(_in_hands(task, assigned, people, known) for task in found)


def _in_hands(task: Task, assigned: Mapping[str, str], cast: Cast, known: Mapping[str, Held]) -> Task:
    """A task with whose it is: the only one who may do it, or whoever was put on it; and of what."""
    doers, held, person = task.routes.responsible, known.get(task.initiative), assigned.get(task.key)
    owner = doers[0] if len(doers) == 1 else ""
    if held is None:
        return replace(task, owner=owner)
    barred = (held.owner, held.builder) if task.independent else ()
    if person in barred or not task.movable or cast.find(person or "") is None:
        person = None
    return replace(
        task,
        owner=person or owner,
        assigned=person is not None,
        name=held.name,
        # What is offered to a team is work of that team.
        team=task.team if task.kind == "hand_off" else held.team,
    )


def work_list(governance: Governance, moment: Moment, *, person: str) -> WorkList:
    """What a person has to do, and what their role could take."""
    cast = cast_of(governance, moment)
    known = cast.find(person) or governance.person(person)
    return list_for(known, open_tasks(governance, moment, cast=cast))


def list_for(person: Actor, tasks: Iterable[Task]) -> WorkList:
    """Sort tasks into what is a person's own and what they could take."""
    mine = [task for task in tasks if person.id in task.doers]
    own = tuple(task for task in mine if task.owner == person.id)
    return WorkList(person, own, tuple(task for task in mine if not task.owner))


def team_tasks(governance: Governance, moment: Moment, *, team: str) -> tuple[Task, ...]:
    """Open work of a team by due day: on its initiatives, and of its people on others'."""
    cast = cast_of(governance, moment)
    tasks = open_tasks(governance, moment, cast=cast)
    people = {person.id for person in cast.people if person.team == team}
    known = lake.who_has_what(governance.store, moment)
    if not people and all(one.team != team for one in known.values()):
        raise NotFound(f"no team '{team[:60]}' is known", remedy="'governance people list' names the teams.")
    return tuple(task for task in tasks if task.team == team or people & set(task.doers))


def assign_task(governance: Governance, command: AssignTask) -> None:
    """Put somebody on an open task by name.

    People may take what their role could do, and give tasks of their team's initiatives, or their own, to
    people of their own team. Work for another team is offered with a hand-off, so that it can be returned.

    Raises
    ------
    Forbidden
        The actor may not give this task away, or the person may not do it.
    NotFound, BadInput
        No such open task or person; the person is in another team; the task is personal; nothing would
        change. Nothing is stored.
    """
    case = begin(governance, command)
    cast = cast_of(governance, case.moment)
    task = find_task(governance, case.moment, command.task, cast)
    named = command.person or command.actor.id
    person = cast.find(named) or governance.person(named)
    require_movable(task)
    require_giver(command.actor, task, taking=person.id == command.actor.id)
    if person.id != command.actor.id and person.team != command.actor.team:
        raise BadInput(
            f"{person.name} is in another team ({person.team or 'none'})",
            where=task.key,
            remedy="Offer the task with a hand-off, so that they can accept or return it.",
        )
    require_fit(governance, cast, task, person, case.moment)
    if task.owner == person.id:
        raise BadInput(f"{person.name} has it already", where=task.key, remedy="Nothing is to be done.")
    case.append([assignment(task, person.id, command.reason)])


def assignment(task: Task, person: str, reason: str, hand_off: str | None = None) -> Fact:
    """The entry that somebody was put on a task; `hand_off` names the offer that it came by."""
    given = TaskAssignment(
        initiative=task.initiative, task=task.key, person=person, reason=reason, hand_off=hand_off
    )
    return entry_of("task_assigned", given)


def find_task(governance: Governance, moment: Moment, key: str, cast: Cast | None = None) -> Task:
    """An open task by its key."""
    initiative = key.split(":")[1].split("/", maxsplit=1)[0] if key.count(":") >= 1 else ""
    only = "" if key.startswith("training:") else initiative
    if only and only not in lake.who_has_what(governance.store, moment, initiative=only):
        only = ""
    found = open_tasks(governance, moment, initiative=only, cast=cast)
    task = next((task for task in found if task.key == key), None)
    if task is None:
        raise NotFound(
            f"no open task '{key[:120]}'",
            where=f"as of {moment.day}",
            remedy="It may be done; 'governance tasks' lists what is open.",
        )
    return task


def require_movable(task: Task) -> None:
    """Refuse to move what is a person's own: a mention, an answer, a training."""
    if not task.movable:
        raise BadInput(
            "this task is a person's own and cannot be given away", where=task.key, remedy="Do it yourself."
        )


def require_giver(actor: Actor, task: Task, *, taking: bool = False) -> None:
    """Refuse those who neither have the task nor belong to the team whose initiative it is on."""
    of_team = bool(actor.team) and actor.team == task.team
    if actor.id == task.owner or of_team or "administrator" in actor.roles:
        return
    if taking and not task.owner and actor.id in task.routes.responsible:
        return
    raise Forbidden(
        f"{actor.name or actor.id} neither has this task nor belongs to {task.team or 'its team'}",
        where=task.key,
        remedy=f"Ask its owner, or somebody of {task.team or 'the team'}.",
    )


def require_fit(governance: Governance, cast: Cast, task: Task, person: Actor, moment: Moment) -> None:
    """Refuse a person who could not do the task."""
    if task.independent:
        known = registered(governance, task.initiative, moment)
        if task.role not in person.roles or person.id in (known.owner, known.builder):
            title = governance.rules(moment).roles.title(task.role)
            raise Forbidden(
                f"{person.name} may not do this: it is for {title}, and for nobody who owns or builds it",
                where=task.key,
                remedy=f"Choose somebody with the role {title}.",
            )
    governance.rules(moment).roles.require(person, "submit_evidence")


SAID = {
    "reminder": "Yours to do",
    "question": "Your advice is asked for",
    "escalation": "Escalated to you",
    "news": "For your information",
}
"""What each kind of notice says to whoever gets it."""


def standing_notices(
    governance: Governance, moment: Moment, *, person: str = "", team: str = ""
) -> tuple[Notice, ...]:
    """Notices that stand at a moment, newest first: to one person, about one team's work, or all.

    Worked out from the record there and then; nothing has to have run before.
    """
    tasks = open_tasks(governance, moment)
    if person:
        governance.person(person)
    return tuple(
        notice
        for notice in notices(tasks, moment.day, governance.rules(moment).work)
        if (not person or person in notice.to) and team in ("", notice.task.team)
    )


def said(notice: Notice) -> str:
    """What a notice says to whoever gets it."""
    if notice.kind == "reminder" and not notice.task.owner:
        return "Nobody has it yet, and you could do it"
    return SAID[notice.kind]


def when(notice: Notice) -> str:
    """How far a notice is from the due day of its task, in words."""
    days = abs(notice.days)
    unit = "day" if days == 1 else "days"
    if notice.days == 0:
        return "due today"
    return f"due in {days} {unit}" if notice.days < 0 else f"{days} {unit} late"


def news(governance: Governance, moment: Moment, *, person: str = "", team: str = "") -> tuple[News, ...]:
    """What was done in the last days, for those whom the matrix says to tell, newest first.

    Acts of one person on one task of an initiative are told together; nobody is told of their own.
    """
    raci, policy, cast = governance.rules(moment).raci, governance.policy(moment), cast_of(governance, moment)
    known = who_has_what(governance.store, moment)
    since = moment.day - timedelta(days=governance.rules(moment).work.told_days)
    told: dict[tuple[str, str, str], News] = {}
    for row in lake.acts(governance.store, moment, recorded_actions(raci), since, team=team):
        task, initiative = task_of_act(raci, policy, row), known.get(row.initiative)
        if task is None or initiative is None:
            continue
        informed = cast.routes(task, (), initiative).informed
        to = tuple(one for one in informed if one != row.actor)
        if not to or (person and person not in to):
            continue
        key = (task.id, row.initiative, row.actor)
        earlier = told.get(key)
        told[key] = News(
            task.id,
            task.title,
            row.initiative,
            initiative.name,
            row.actor,
            row.acts + (earlier.acts if earlier else 0),
            max(row.last_at.date(), earlier.on) if earlier else row.last_at.date(),
            to,
        )
    return tuple(sorted(told.values(), key=lambda one: (-one.on.toordinal(), one.name, one.title, one.actor)))
