"""Reminders, questions, escalations and news as they stand at a moment; nothing has to have run before."""

from __future__ import annotations

from datetime import timedelta

from core.domain.moment import Moment
from core.domain.work.work import News, Notice, notices
from core.lake.work import raci_acts as lake
from core.lake.work.tasks import who_has_what
from core.services.governance import Governance
from core.services.work.raci_view import recorded_actions, task_of_act
from core.services.work.routing import cast_of
from core.services.work.tasks import open_tasks

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
        for notice in notices(tasks, moment.day, governance.work)
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
    raci, policy, cast = governance.raci, governance.policy(moment), cast_of(governance, moment)
    known = who_has_what(governance.store, moment)
    since = moment.day - timedelta(days=governance.work.told_days)
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
