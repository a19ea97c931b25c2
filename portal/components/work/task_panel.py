"""One task in full: why, how, who waits, and what can be done with it from here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from core.services.work.hand_offs import AnswerHandOff, OfferHandOff, answer_hand_off, offer_hand_off
from core.services.work.routing import names_of
from core.services.work.tasks import AssignTask, assign_task
from portal.components.cards import facts
from portal.components.forms import closed_because, give
from portal.components.initiative.discussion import discussion, mark_read_button
from portal.components.page import dress, page_link, panel
from portal.components.pills import pills
from portal.components.text import day, escape, escape_html
from portal.components.url_inputs import set_url
from portal.components.work.work_list import days_words, kind_title, task_status

if TYPE_CHECKING:
    from core.domain.work.work import Task
    from portal.components.desk import Desk


def guide_for(desk: Desk, role: str, step: str, *, expanded: bool = False) -> bool:
    """Show how a role does its part of a process step; False where there is no guide for it."""
    guide = desk.governance.guides.find(role, step)
    if guide is None:
        return False
    title = desk.governance.roles.title(role)
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

    raci = desk.governance.raci.find(task.raci_task)
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
