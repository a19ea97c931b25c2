"""Initiative: its class, requirements, gates, versions, evidence, checks and record on one sheet."""

from __future__ import annotations

import streamlit as st

from core.domain.errors import NotFound
from core.services.process import initiatives
from portal.components.desk import Desk, current_desk, show_problem
from portal.components.initiative.sections import gates_panel, sheet_head
from portal.components.initiative.sheet import TABS, choose_initiative
from portal.components.models.lineage_view import bad_data_banner
from portal.components.page import dress, page_header
from portal.components.url_inputs import url_value


def render() -> None:
    """Draw the sheet of the initiative in the address, or let people choose one."""
    desk = current_desk()
    dress("sheets")
    wanted = url_value("id")
    if not wanted:
        _choose(desk)
        return
    try:
        sheet = desk.ask(initiatives.initiative_sheet, initiative=wanted)
    except NotFound as problem:
        _choose(desk, problem)
        return
    page_header(desk, sheet.initiative.name, sheet.initiative.purpose)
    bad_data_banner(desk, sheet)
    sheet_head(desk, sheet)
    gates_panel(desk, sheet)
    tabs = st.tabs(list(TABS), key="tab", on_change="rerun", bind="query-params")
    for tab, draw in zip(tabs, TABS.values(), strict=True):
        if tab.open:
            with tab:
                draw(desk, sheet)


def _choose(desk: Desk, problem: NotFound | None = None) -> None:
    page_header(desk, "Initiative", "All that the record holds of one initiative.")
    if problem is not None:
        show_problem(problem)
    choose_initiative(desk)


render()
