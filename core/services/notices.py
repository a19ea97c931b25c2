"""Reminders, questions, escalations and news as they stand at a moment; nothing has to have run before."""

from __future__ import annotations

from core.domain.moment import Moment
from core.domain.work import Notice, notices
from core.services.governance import Governance
from core.services.tasks import open_tasks

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


def when(notice: Notice) -> str:
    """How far a notice is from the due day of its task, in words."""
    days = abs(notice.days)
    unit = "day" if days == 1 else "days"
    if notice.days == 0:
        return "due today"
    return f"due in {days} {unit}" if notice.days < 0 else f"{days} {unit} late"
