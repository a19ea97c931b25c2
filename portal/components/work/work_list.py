"""A person's work: figures, what to do now by due day, what nobody has taken, and notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.services.work.tasks import AssignTask, assign_task, said, when
from portal.components.cards import Card, cards
from portal.components.forms import Ask, press
from portal.components.page import LinkedRow, linked_row, panel
from portal.components.text import capital, count, day, escape
from portal.components.url_inputs import set_url

if TYPE_CHECKING:
    from core.domain.work.work import News, Notice, Task
    from core.services.work.tasks import WorkList
    from portal.components.desk import Desk

SHORT = 8
_KINDS = {
    "requirement": "Requirement",
    "sign_off": "Sign-off",
    "finding": "Finding",
    "waiver": "Waiver",
    "hand_off": "Hand-off",
    "mention": "Mention",
    "training": "Training",
}
_LETTERS = {"reminder": "due_soon", "question": "waiting", "escalation": "overdue", "news": "shared"}


def kind_title(task: Task) -> str:
    """What kind of task it is, in a word."""
    return _KINDS[task.kind]


def days_words(task: Task, desk: Desk) -> str:
    """How far a task is from its day: `12 days late`, `Due today`, `Due in 3 days`, `Due 3 Mar 2027`."""
    days = (task.due_on - desk.moment.day).days
    if days < 0:
        return f"{count(-days, 'day')} late"
    if days == 0:
        return "Due today"
    return f"Due in {count(days, 'day')}" if days <= 30 else f"Due {day(task.due_on)}"


def task_status(task: Task, desk: Desk) -> str:
    """The look of a task's pill: by its day, so that lateness reads the same for every kind."""
    if task.late:
        return "overdue"
    soon = (task.due_on - desk.moment.day).days <= desk.governance.work.due_soon_days
    return "due_soon" if soon or task.state in ("failed", "cannot_tell") else "waiting"


def work_cards(desk: Desk, work: WorkList, notices: Sequence[Notice]) -> None:
    """Show what is late, what comes within a week, what waits for an answer, and what nobody has."""
    late = work.late
    soon = [task for task in work.own if task_status(task, desk) == "due_soon"]
    answers = [task for task in (*work.own, *work.shared) if task.kind in ("hand_off", "mention")]
    escalated = sum(notice.kind == "escalation" for notice in notices)
    cards(
        [
            Card(
                "Overdue",
                f"{len(late):,}",
                "overdue" if late else "on_time",
                note=f"Longest: {days_words(late[0], desk)}, {late[0].title}."
                if late
                else "Nothing is late.",
            ),
            Card(
                "Due within a week",
                f"{len(soon):,}",
                "due_soon" if soon else "done",
                note=f"Next: {soon[0].title}." if soon else "Nothing falls due.",
            ),
            Card(
                "Waits for your answer",
                f"{len(answers):,}",
                "waiting" if answers else "done",
                note="Hand-offs and comments that name you.",
            ),
            Card(
                "Escalated to you",
                f"{escalated:,}",
                "alert" if escalated else "no_alert",
                note="Late work of others that you are accountable for.",
            ),
        ]
    )


def work_rows(
    desk: Desk, tasks: Sequence[Task], *, key: str, chosen: str = "", takes: bool = False, empty: str = ""
) -> None:
    """List tasks by due day, each leading to where it is done; `takes` offers to take one."""
    if not tasks:
        st.caption(escape(empty or "Nothing today."))
        return
    wide = st.session_state.get(f"all-{key}", False)
    for number, task in enumerate(tasks if wide else tasks[:SHORT]):
        _row(desk, task, key=f"{key}-{number}", chosen=task.key == chosen, takes=takes)
    if len(tasks) > SHORT:
        more = f"Show all {len(tasks)}" if not wide else "Show fewer"
        if st.button(more, key=f"more-{key}", icon=":material/unfold_more:"):
            st.session_state[f"all-{key}"] = not wide
            st.rerun()


def _row(desk: Desk, task: Task, *, key: str, chosen: bool, takes: bool) -> None:
    def buttons() -> None:
        if takes and task.movable:
            _take_button(desk, task, key)
        if st.button(
            "Shown" if chosen else "Details",
            key=f"open-{key}",
            type="tertiary",
            disabled=chosen,
            icon=":material/chevron_right:",
            help="Why, how, who waits, and handing it over.",
        ):
            set_url(task=task.key)
            st.rerun()

    about = f"{task.name}. " if task.name else ""
    words = f"{kind_title(task)}. {about}{task.how}"
    linked_row(_linked(task, words, task_status(task, desk), days_words(task, desk)), key, buttons)


def _linked(task: Task, detail: str, status: str, words: str) -> LinkedRow:
    return LinkedRow(task.title, detail, task.place.page, dict(task.place.query), status, words)


def _take_button(desk: Desk, task: Task, key: str) -> None:
    ask = Ask(
        "Take it",
        f"“{task.title}” is yours now.",
        fixed={"task": task.key, "person": desk.actor.id},
        note="Make it yours.",
        then=lambda: set_url(task=task.key),
    )
    press(desk, assign_task, AssignTask, ask, key=f"take-{key}")


def notices_panel(
    desk: Desk, notices: Sequence[Notice], told: Sequence[News], names: Mapping[str, str], *, most: int = 8
) -> None:
    """List what the reader is to hear: escalations first, then what was done that they are told of."""
    order = ("escalation", "question", "reminder", "news")
    ranked = sorted(notices, key=lambda notice: order.index(notice.kind))
    said = "Worked out from the record whenever you look; nothing has to have run before."
    with panel("Notices", said):
        if not ranked and not told:
            st.caption("Nothing to tell you today.")
        for number, notice in enumerate(ranked[:most]):
            _notice(notice, names, number)
        if len(ranked) > most:
            st.caption(f"{len(ranked) - most} more; the longest overdue and the nearest stand first.")
        for number, one in enumerate(told[:5]):
            who = names.get(one.actor, one.actor)
            done = f"{who} acted on {one.title.lower()} ({count(one.acts, 'act')}), {day(one.on)}."
            query = {"id": one.initiative, "tab": "Record"}
            linked_row(LinkedRow(one.name, f"To inform you: {done}", "initiative", query), f"told-{number}")


def _notice(notice: Notice, names: Mapping[str, str], number: int) -> None:
    task = notice.task
    who = ", ".join(names.get(person, person) for person in task.doers[:3]) or "nobody"
    about = f" {task.name}." if task.name else ""
    acts = "" if notice.letter == "responsible" else f" {who} acts."
    detail = f"{said(notice)}, since {day(notice.since)}.{about}{acts}"
    row = _linked(task, detail, _LETTERS[notice.kind], capital(when(notice)))
    linked_row(row, f"notice-{number}")
