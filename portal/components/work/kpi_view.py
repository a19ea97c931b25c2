"""Governance KPIs: a wall of cards that open, and one KPI with its course and what makes its gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.services.oversight import kpis
from portal.components.cards import Card, cards, parts_html
from portal.components.charts.bars import course_chart
from portal.components.page import LinkedRow, linked_rows, page_header, page_link, panel
from portal.components.tables import Column, download_csv, figure_help, plain_table
from portal.components.text import count, day, number, percent, points
from portal.components.url_inputs import url_choice, url_value

if TYPE_CHECKING:
    from core.domain.process.kpis import KpiDefinition
    from core.services.oversight.kpis import Breakdown, Contributor, KpiReading, KpiSheet, Part
    from portal.components.desk import Desk

MOST_MAKERS = 12
BREAKDOWNS: dict[Breakdown, str] = {
    "team": "Team",
    "class": "Risk class",
    "domain": "Domain",
    "owner": "Owner",
}


def kpi_cards(readings: Sequence[KpiReading]) -> None:
    """Show KPI readings, four in a row on a wide screen, two on a phone; each opens who and what makes it."""
    with st.container(key="gp-wall-kpis"):
        for reading in readings:
            with st.container(key=f"gp-opens-{reading.definition.id}", gap=None):
                page_link("overview", reading.definition.title, kpi=reading.definition.id)
                st.html("".join(parts_html(kpi_card(reading))))


def kpi_card(reading: KpiReading) -> Card:
    kpi, value = reading.definition, reading.value
    past = [level for _, level in reading.course if level is not None]
    bound = "at least" if kpi.direction == "higher" else "at most"
    change = _as_shown(kpi, value.change)
    counted = f"{value.numerator:,.0f} of {value.n:,}" if value.numerator is not None else ""
    return Card(
        label=kpi.title,
        value=kpi_level(kpi, value.value),
        status=value.status,
        target=f"{bound} {kpi_level(kpi, kpi.target)}",
        trend=_change(kpi, change),
        direction=0 if not change else (1 if change > 0 else -1),
        better={"better": True, "worse": False}.get(value.trend) if change else None,
        series=past,
        target_value=kpi.target,
        note=value.note or counted,
    )


def kpi_level(kpi: KpiDefinition, value: float | None) -> str:
    """A level of a KPI as people read it."""
    if value is None:
        return number(None)
    if kpi.unit == "share":
        return percent(value)
    return count(round(value), "day") if kpi.unit == "days" else number(value)


def _as_shown(kpi: KpiDefinition, change: float | None) -> float | None:
    """A change rounded as it is written: what reads as nothing is nothing."""
    return None if change is None else round(change, 3 if kpi.unit == "share" else 0)


def _change(kpi: KpiDefinition, change: float | None) -> str:
    if change is None:
        return ""
    if change == 0:
        return "unchanged since last month"
    words = points(change) if kpi.unit == "share" else f"{change:+,.0f}".replace("-", "−")
    return f"{words} since last month"


def kpi_sheet(desk: Desk, kpi: str) -> None:
    """Draw one KPI: its course, what it takes, its parts, and who and what makes its gap."""
    by = url_value("by", "team")
    sheet = desk.ask(kpis.kpi_sheet, kpi=kpi, by=by if by in BREAKDOWNS else "team")
    asked, value = sheet.reading.definition, sheet.reading.value
    page_header(desk, asked.title, asked.question)
    page_link("overview", "All KPIs", icon=":material/arrow_back:")
    left, right = st.columns([1, 1.6])
    with left:
        cards([kpi_card(sheet.reading)], min_column_width=195)
        st.markdown(" ".join(what_it_takes(sheet)))
        figure_help(asked.notes)
    with right, panel("The way it went", "At the end of each month, and on the day shown."):
        course_chart(
            sheet.reading.course,
            target=asked.target,
            unit="percent" if asked.unit == "share" else "number",
            alt=f"{asked.title} by month, now {kpi_level(asked, value.value)}.",
            key="course",
        )
    left, right = st.columns([1, 1.2])
    with left, panel("Where the gap lies", "The largest part first."):
        url_choice("By", BREAKDOWNS, "by", default="team", width=200)
        draw_parts(sheet)
    with right, panel("Who and what makes it", "What is not as it should be, the most first."):
        draw_makers(sheet)


def what_it_takes(sheet: KpiSheet) -> list[str]:
    """Sentences on what is amiss, what it takes, when it is there, and who answers for it."""
    value, told = sheet.reading.value, []
    if value.status == "on_target":
        told.append("It is on its target.")
    elif sheet.needed:
        told.append(f"**{sheet.needed:,} of {sheet.amiss:,.0f}** mended would bring it to its target.")
    if value.status == "off_target":
        told.append(
            f"At the pace of the last three months it is there on {day(sheet.recovers_on)}."
            if sheet.recovers_on
            else "At the pace of the last three months it is not there within a year."
        )
    return [*told, f"{sheet.owner} answers for it."] if sheet.owner else told


def draw_parts(sheet: KpiSheet) -> None:
    """Draw the KPI of each team, class, domain or owner."""
    asked = sheet.reading.definition
    columns: list[Column[Part]] = [
        Column("title", BREAKDOWNS[sheet.by], strong=True),
        Column(lambda part: kpi_level(asked, part.value.value), "Value"),
    ]
    if asked.unit != "count":  # of a count, all of it is the gap
        columns += [
            Column(lambda part: part.value.n, "Counted", "number", phone=False),
            Column("amiss", "Gap", "number"),
        ]
    if not sheet.parts:
        st.caption("Nothing is counted by this.")
        return
    plain_table(sheet.parts, columns, caption=f"{asked.title} by {BREAKDOWNS[sheet.by].lower()}")


def draw_makers(sheet: KpiSheet) -> None:
    """Draw what makes the gap, each leading to its initiative; all of it as a file."""
    shown = sheet.contributors[:MOST_MAKERS]
    linked_rows([_maker(one) for one in shown], key="makers", empty="Nothing is amiss.")
    more = len(sheet.contributors) - len(shown)
    if more > 0:
        st.caption(f"{count(more, 'more')} with less; all are in the file below.")
    if sheet.unread > 0:
        st.caption(f"{number(sheet.unread)} more lie in initiatives that you may not read.")
    if sheet.contributors:
        rows = [
            {
                "name": one.name,
                "team": one.team,
                "class": one.class_title,
                "owner": one.owner_name,
                "gap": one.amiss,
                "what": ", ".join(one.what),
            }
            for one in sheet.contributors
        ]
        titles = {"name": "Name", "team": "Team", "class": "Risk class", "owner": "Owner"}
        download_csv(rows, titles | {"gap": "Gap", "what": "What"}, name=sheet.reading.definition.id)


def _maker(one: Contributor) -> LinkedRow:
    what = f" {', '.join(one.what[:3])}{' and more' if len(one.what) > 3 else ''}." if one.what else ""
    belongs = f"{one.class_title} risk, {one.team}." if one.class_title else f"{one.team}."
    acts = f" To act: {one.owner_name}." if one.initiative else ""
    return LinkedRow(
        title=one.name,
        detail=f"{belongs}{what}{acts}",
        page="initiative" if one.initiative else "training",
        query={"id": one.initiative} if one.initiative else {},
        status="failed",
        status_text=f"{number(one.amiss)} of the gap",
    )
