"""A person's work by due day, what nobody has taken, notices; and one task in full, with what it asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.services.work.hand_offs import AnswerHandOff, OfferHandOff, answer_hand_off, offer_hand_off
from core.services.work.routing import names_of
from core.services.work.tasks import AssignTask, assign_task, said, when
from portal.components.cards import Card, cards, facts
from portal.components.forms import Ask, closed_because, give, press
from portal.components.initiative.history import discussion, mark_read_button
from portal.components.page import LinkedRow, dress, linked_row, page_link, panel
from portal.components.pills import pills
from portal.components.text import capital, count, day, escape, escape_html
from portal.components.url_inputs import set_url

if TYPE_CHECKING:
    from core.domain.work.work import News, Notice, Task, TaskKind
    from core.services.work.tasks import WorkList
    from portal.components.desk import Desk


SHORT = 8
_KINDS: dict[TaskKind, str] = {
    "requirement": "Requirement",
    "sign_off": "Sign-off",
    "finding": "Finding",
    "waiver": "Waiver",
    "class": "Risk class",
    "proposal": "Proposal",
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
    soon = (task.due_on - desk.moment.day).days <= desk.rules.work.due_soon_days
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


def guide_for(desk: Desk, role: str, step: str, *, expanded: bool = False) -> bool:
    """Show how a role does its part of a process step; False where there is no guide for it."""
    guide = desk.rules.guides.find(role, step)
    if guide is None:
        return False
    title = desk.rules.roles.title(role)
    steps = "".join(f"<li>{escape_html(line)}</li>" for line in guide.do)
    with st.expander(f"Guide for {escape(title)}", icon=":material/menu_book:", expanded=expanded):
        dress("work")
        st.markdown(f"**{escape(guide.aim)}**")
        st.html(f'<ol class="gp-guide">{steps}</ol>')
        st.caption(escape(f"Done well: {guide.done_well}"))
        st.caption(escape(f"Avoid: {guide.avoid}"))
    return True


_DOING = {
    "requirement": "Open the requirement",
    "sign_off": "Open the sign-off",
    "finding": "Open the finding",
    "waiver": "Open the waiver",
    "class": "Open the use case",
    "proposal": "Open the proposal",
    "training": "Open the training",
}


def task_panel(desk: Desk, task: Task | None) -> None:
    """Draw the task that is open, or say that none is."""
    if task is None:
        with panel("Nothing to do", "Every task of yours is done."):
            st.caption("Comments that name you, offers and new requirements show up here by themselves.")
        return
    names = desk.ask(names_of)
    with panel(task.title, task.name or kind_title(task)):
        pills([(task_status(task, desk), days_words(task, desk)), ("kind", kind_title(task))])
        if task.kind == "hand_off":
            st.markdown(escape(task.why))
            _answer(desk, task)
        elif task.kind == "mention":
            discussion(desk, task.initiative, key="mention", latest=4)
            mark_read_button(desk, task.initiative)
        else:
            st.markdown(escape(task.how))
            page_link(
                task.place.page,
                _DOING[task.kind],
                icon=":material/arrow_forward:",
                **dict(task.place.query),
            )
        _facts(desk, task, names)
        if task.role and task.step:
            guide_for(desk, task.role, task.step)
        if task.movable:
            _hand_over(desk, task, names)


def _facts(desk: Desk, task: Task, names: Mapping[str, str]) -> None:
    def people(ids: tuple[str, ...]) -> str:
        known = [names.get(person, person) for person in ids]
        return ", ".join(known[:3]) + (f" and {len(known) - 3} more" if len(known) > 3 else "")

    raci = desk.rules.raci.find(task.raci_task)
    shown = [("Due", day(task.due_on)), ("Who waits", task.waits)]
    if task.kind not in ("hand_off", "mention"):
        shown.insert(0, ("Why", task.why))
    if task.owner:
        shown.append(
            ("Who has it", names.get(task.owner, task.owner) + (", by name" if task.assigned else ""))
        )
    else:
        shown.append(("Could do it", people(task.routes.responsible) or "Nobody holds the role"))
    if raci is not None:
        shown.append(("Task of the matrix", raci.title))
    for title, letter in (("Accountable", task.routes.accountable), ("To ask", task.routes.consulted)):
        others = tuple(person for person in letter if person not in task.doers)
        if others:
            shown.append((title, people(others)))
    facts(shown)


def _answer(desk: Desk, task: Task) -> None:
    because = closed_because(desk, "answer_hand_off")
    if desk.actor.id not in task.routes.responsible:
        because = because or "Only the receiver may answer."
    if because:
        st.caption(escape(because))
        return
    with st.form("answer-hand-off", border=False):
        reason = st.text_area(
            "Reason",
            height=72,
            max_chars=2000,
            placeholder="Needed when you return it: what would have to change?",
        )
        with st.container(horizontal=True):
            accepted = st.form_submit_button("Accept", type="primary", icon=":material/check:")
            returned = st.form_submit_button("Return", icon=":material/undo:")
    if not (accepted or returned):
        return
    done = "The work is yours now." if accepted else "Returned with your reason."
    if give(
        desk,
        answer_hand_off,
        AnswerHandOff,
        done=done,
        hand_off=task.key.split(":", 1)[1],
        answer="accept" if accepted else "return",
        reason=reason,
    ):
        set_url(task="")
        st.rerun()


def _hand_over(desk: Desk, task: Task, names: Mapping[str, str]) -> None:
    with st.expander("Hand it over", icon=":material/swap_horiz:"):
        because = closed_because(desk, "offer_hand_off")
        if because:
            st.caption(escape(because))
            return
        people = {person.id: person for person in desk.governance.people()}
        choices = [
            person for person in names if person not in (task.owner, desk.actor.id) and person in people
        ]
        with st.form("hand-over", border=False):
            person = st.selectbox(
                "To whom",
                choices,
                index=None,
                format_func=lambda one: f"{names[one]} ({people[one].team or 'no team'})",
            )
            reason = st.text_area("Reason", height=72, max_chars=2000, placeholder="What they should know")
            st.caption("A colleague of your team has it at once; anybody else accepts it or returns it.")
            sent = st.form_submit_button("Hand over", icon=":material/send:")
        if not sent:
            return
        if person is None:
            st.error("Choose who gets it.", icon=":material/error:")
        elif _moved(desk, task, person, reason, same_team=people[person].team == desk.actor.team != ""):
            set_url(task="")
            st.rerun()


def _moved(desk: Desk, task: Task, person: str, reason: str, *, same_team: bool) -> bool:
    if same_team:
        done = f"“{task.title}” is with your colleague now."
        made = give(desk, assign_task, AssignTask, done=done, task=task.key, person=person, reason=reason)
    else:
        done = f"“{task.title}” is on offer; it stays yours until it is accepted."
        made = give(
            desk, offer_hand_off, OfferHandOff, done=done, task=task.key, to_person=person, reason=reason
        )
    return made is not None
