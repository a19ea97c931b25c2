"""Overview: what is off target, why, and who acts."""

from __future__ import annotations

import streamlit as st

from core.services.oversight import kpis
from portal.components.charts.bars import Cell, heat_map
from portal.components.desk import current_desk
from portal.components.initiative.sheet import attention_panel
from portal.components.page import empty_state, page_header, panel
from portal.components.text import escape
from portal.components.url_inputs import url_value
from portal.components.work.kpi_view import kpi_cards, kpi_sheet


def render() -> None:
    """Draw the figures against their targets, the heat map and what needs attention; or one figure."""
    desk = current_desk()
    if chosen := url_value("kpi"):
        kpi_sheet(desk, chosen)
        return
    page_header(desk, "Overview", "Governance figures against their targets. Open one to see what makes it.")
    cells = desk.ask(kpis.heat_map)
    if not any(cell.asked for cell in cells):
        empty_state(
            "No initiative is registered yet.", page="register", label="Register the first initiative"
        )
        return
    st.markdown(escape(desk.ask(kpis.headline)))
    kpi_cards(desk.ask(kpis.governance_kpis))
    left, right = st.columns([1.45, 1])
    with (
        left,
        panel("Requirements met", "Share of what is asked for that is proved today, due or not."),
    ):
        _heat(cells)
    with right:
        attention_panel(desk, apart=True)


def _heat(cells: tuple[kpis.HeatCell, ...]) -> None:
    shown = [
        Cell(cell.consideration_title, cell.class_title, cell.satisfied, cell.asked, cell.share)
        for cell in cells
    ]
    order = tuple(dict.fromkeys(cell.class_title for cell in cells))
    alt = "Share of satisfied requirements for each consideration and risk class."
    heat_map(shown, alt=alt, columns=order, key="heat")


render()
