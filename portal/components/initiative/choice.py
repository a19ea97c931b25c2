"""Which initiative to open: the reader's own, those that need attention, or any by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.services.oversight.kpis import attention
from core.services.process import initiatives
from portal.components.page import LinkedRow, empty_state, linked_rows, panel
from portal.components.text import count
from portal.components.url_inputs import set_url

if TYPE_CHECKING:
    from core.domain.process.facts import InventoryLine
    from portal.components.desk import Desk

MOST_OWN, MOST_OTHERS = 8, 6
_WORDS = {"overdue": "{} overdue", "failed": "", "expiring": "{} left"}


def choose_initiative(desk: Desk) -> None:
    """Ask which initiative to open, and lead to the reader's own and to those that need attention."""
    known = desk.ask(initiatives.initiative_choices)
    if not known:
        empty_state(
            "No initiative is registered yet.", page="register", label="Register the first initiative"
        )
        return
    names = {one.initiative: f"{one.name} ({one.team})" for one in known}
    chosen = st.selectbox(
        "Which initiative?",
        list(names),
        index=None,
        format_func=lambda one: names[one],
        key="pick-initiative",
    )
    if chosen:
        set_url(id=chosen)
        st.rerun()
    own = [line for line in desk.ask(initiatives.inventory) if line.owner == desk.actor.id]
    left, right = st.columns(2) if own else (None, st.container())
    if left:
        with left, panel("Yours", "What you answer for, the most overdue first."):
            own.sort(key=lambda line: (-line.overdue, -line.failed, line.name))
            linked_rows([_own_row(line) for line in own[:MOST_OWN]], key="own")
            if len(own) > MOST_OWN:
                st.caption(f"{len(own) - MOST_OWN} more with less to do; the list above names them all.")
    with right:
        attention_panel(desk, apart=True)


def attention_panel(desk: Desk, *, apart: bool = False) -> None:
    """Show what is overdue, failed or about to expire, and who acts; `apart`: each initiative once."""
    items = desk.ask(attention, most=0)
    if apart:
        first = {item.initiative: place for place, item in reversed(list(enumerate(items)))}
        items = tuple(items[place] for place in sorted(first.values()))
    with panel("Needs attention", "Overdue first, the strictest class on top; then failed checks."):
        linked_rows(
            [
                LinkedRow(
                    title=item.name,
                    detail=f"{item.what}. To act: {item.acts}.",
                    page="initiative",
                    query={"id": item.initiative},
                    status=item.state,
                    status_text=_WORDS[item.state].format(count(item.days, "day")),
                )
                for item in items[:MOST_OTHERS]
            ],
            empty="Nothing is overdue, failed or about to expire.",
        )


def _own_row(line: InventoryLine) -> LinkedRow:
    late = f"{line.overdue} overdue" if line.overdue else ""
    return LinkedRow(
        title=line.name,
        detail=f"{line.class_title} risk. {line.stage}. {line.satisfied} of {line.asked} requirements met.",
        page="initiative",
        query={"id": line.initiative},
        status="overdue" if late else "failed" if line.failed else "on_time",
        status_text=late,
    )
