"""Overview: what is off target, why, and who acts."""

from __future__ import annotations

import streamlit as st

from core.services.oversight import kpis, overview
from portal.components.cards import kpi_cards
from portal.components.charts.heat import Cell, heat_map
from portal.components.desk import Desk, current_desk
from portal.components.page import LinkedRow, empty_state, linked_rows, page_header, panel
from portal.components.text import count


def render() -> None:
    """Draw the figures against their targets, the heat map and what needs attention."""
    desk = current_desk()
    page_header(desk, "Overview", "Governance figures against their targets.")
    cells = desk.ask(overview.heat_map)
    if not any(cell.asked for cell in cells):
        empty_state(
            "No initiative is registered yet.", page="register", label="Register the first initiative"
        )
        return
    kpi_cards(desk.ask(kpis.governance_kpis))
    left, right = st.columns([1.45, 1])
    with (
        left,
        panel("Requirements met", "Share of what is asked for that is proved today, due or not."),
    ):
        _heat(cells)
    with right, panel("Needs attention", "Overdue first, the strictest class on top; then failed checks."):
        _attention(desk)


def _heat(cells: tuple[overview.HeatCell, ...]) -> None:
    shown = [
        Cell(cell.consideration_title, cell.class_title, cell.satisfied, cell.asked, cell.share)
        for cell in cells
    ]
    order = tuple(dict.fromkeys(cell.class_title for cell in cells))
    alt = "Share of satisfied requirements for each consideration and risk class."
    heat_map(shown, alt=alt, columns=order, key="heat")


def _attention(desk: Desk) -> None:
    words = {"overdue": "{} overdue", "failed": "", "expiring": "{} left"}
    linked_rows(
        [
            LinkedRow(
                title=item.name,
                detail=f"{item.what}. To act: {item.acts}.",
                page="initiative",
                query={"id": item.initiative},
                status=item.state,
                status_text=words[item.state].format(count(item.days, "day")),
            )
            for item in desk.ask(overview.attention, most=6)
        ],
        empty="Nothing is overdue, failed or about to expire.",
    )


render()
