"""My work: what to do now, by due day, why, how and who waits, for the person at the desk."""

from __future__ import annotations

import streamlit as st

from core.domain.work.work import by_due_day
from core.services.work.routing import names_of
from core.services.work.tasks import list_for, news, open_tasks, standing_notices
from portal.components.desk import current_desk
from portal.components.page import dress, page_header, section
from portal.components.url_inputs import url_value
from portal.components.work.work_list import notices_panel, task_panel, work_cards, work_rows


def render() -> None:
    """Draw the reader's own tasks beside the one that is open, what they could take, and their notices."""
    desk = current_desk()
    dress("work")
    page_header(desk, "My work", "What is yours to do, by due day; a title leads to where it is done.")
    tasks = desk.ask(open_tasks)
    work = list_for(desk.actor, tasks)
    notices = desk.ask(standing_notices, person=desk.actor.id) if _known(desk.actor.id) else ()
    told = desk.ask(news, person=desk.actor.id)
    work_cards(desk, work, notices)
    st.space("small")
    todo = by_due_day((*work.own, *(task for task in work.shared if not task.movable)))
    shared = tuple(task for task in work.shared if task.movable)
    mine = (*todo, *shared)
    chosen = next((task for task in mine if task.key == url_value("task")), mine[0] if mine else None)
    key = chosen.key if chosen else ""
    left, right = st.columns([1.55, 1])
    with left:
        with st.container(border=True):
            section("To do", "Yours, the earliest due day first.")
            empty = "Nothing is yours to do. What your role could take stands below."
            work_rows(desk, todo, key="own", chosen=key, empty=empty)
        with st.container(border=True):
            section("Nobody has it yet", "Your role could do it; take what you will do.")
            work_rows(
                desk, shared, key="shared", chosen=key, takes=True, empty="Nothing waits for your role."
            )
    with right:
        task_panel(desk, chosen)
        notices_panel(desk, notices, told, desk.ask(names_of))


def _known(person: str) -> bool:
    return any(known.id == person for known in current_desk().governance.people())


render()
