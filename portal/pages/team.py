"""Team compliance: one team's rates, its open work by due day, its checks and initiatives."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.domain.errors import NotFound
from core.services.figure_notes import figure_notes
from core.services.team_work import TeamFigure, TeamSheet, choose_team, team_names, team_sheet
from portal.components.cards import Card, cards
from portal.components.desk import current_desk, show_problem
from portal.components.page import empty_state, page_header, page_link, section
from portal.components.tables import Column, bullet_list, live_table, plain_table
from portal.components.text import count, day, percent

WORK = [
    Column("due_on", "Due", "day"),
    Column("state", "Status", "status", phone=False),
    Column("what", "To do", strong=True, width=250),
    Column("name", "Initiative", width=190),
    Column("acts", "Who acts", phone=False, width=210),
    Column("remedy", "Next step", phone=False, width=330),
]
CHECKS = [
    Column("title", "Check", strong=True),
    Column("looks_at", "Looks at", phone=False),
    Column("rate", "Passed the first time", "share_bar"),
    Column("first_tries", "First tries", "number", phone=False),
    Column("passing", "Pass now", "number", phone=False),
    Column("failing", "Fail now", "number"),
    Column("cannot_tell", "Cannot tell now", "number", phone=False),
]
INITIATIVES = [
    Column("name", "Initiative", strong=True, width=260),
    Column("class_id", "Risk class", "status"),
    Column("share", "Requirements met", "share_bar"),
    Column("overdue", "Overdue", "number", phone=False),
    Column("next_gate_title", "Next gate", phone=False, width=170),
    Column("owner_name", "Owner", phone=False, width=150),
]


def render() -> None:
    """Draw the team that the address names; by default the reader's own."""
    desk = current_desk()
    page_header(desk, "Team compliance", "What a team has passed, and what it still has to do.")
    try:
        wanted = st.query_params.get("team", "")
        team = desk.ask(choose_team, wanted=wanted, own=desk.actor.team)
    except NotFound as problem:
        show_problem(problem)
        page_link("team", "Open your own team", icon=":material/arrow_forward:")
        return
    if not team:
        empty_state("No team has an initiative yet.", page="register", label="Register the first initiative")
        return
    st.session_state["team"] = team
    st.selectbox("Team", desk.ask(team_names), key="team", on_change=_to_address, width=320)
    _sheet(desk.ask(team_sheet, team=team))


def _to_address() -> None:
    st.query_params["team"] = st.session_state["team"]


def _sheet(sheet: TeamSheet) -> None:
    cards([_rate(sheet.first_tries), _rate(sheet.deadlines), _late(sheet), _ahead(sheet)])
    section("Open work", "Earliest due day first; click a row to open the initiative.")
    work = [vars(item) for item in sheet.work]
    if work:
        _open(live_table(work, WORK, key="work", select=True, download="open-work", alt="Open work by due day."))
    else:
        empty_state("Nothing is open: every requirement is met.", icon=":material/check_circle:")
    days = sheet.first_tries.definition.window_days
    section("Checks by kind", f"First tries of the last {days} days, and how the latest runs stand.")
    if sheet.checks:
        plain_table(sheet.checks, CHECKS, caption="Checks of the team by kind")
    else:
        st.caption("No check has run yet.")
    section("Initiatives", "Click a row to open the initiative.")
    _open(live_table(sheet.initiatives, INITIATIVES, key="own", select=True, alt="The team's initiatives."))
    with st.expander("How the rates are counted"):
        for figure in (sheet.first_tries, sheet.deadlines):
            bullet_list([f"{figure.definition.title}:", *figure_notes(figure.definition)])


def _rate(figure: TeamFigure) -> Card:
    kpi, value = figure.definition, figure.value
    goal = f"at least {percent(kpi.target)}"
    return Card(kpi.title, percent(value.value), value.status, target=goal, note=figure.note)


def _late(sheet: TeamSheet) -> Card:
    late = sheet.late
    note = f"Longest: {count(-late[0].days, 'day')}, {late[0].name}." if late else "Nothing is late."
    return Card("Overdue requirements", f"{len(late):,}", "overdue" if late else "on_time", note=note)


def _ahead(sheet: TeamSheet) -> Card:
    ahead = sheet.ahead
    note = f"The next is due on {day(ahead[0].due_on)}. " if ahead else ""
    note += f"Of all open work, {count(sheet.reviews, 'review')} by somebody independent."
    return Card("Open, not yet due", f"{len(ahead):,}", "waiting" if ahead else "done", note=note)


def _open(row: Mapping[str, object] | None) -> None:
    if row is not None:
        st.switch_page("../pages/initiative.py", query_params={"id": str(row["initiative"])})


render()
