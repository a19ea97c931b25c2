"""Team compliance: one team's rates, its open work by due date, its checks and initiatives."""

from __future__ import annotations

import streamlit as st

from core.domain.errors import NotFound
from core.services.figure_notes import figure_notes
from core.services.team_work import TeamFigure, TeamSheet, WorkItem, team_names, team_sheet
from portal.components.cards import Card, cards
from portal.components.desk import Desk, current_desk, show_problem
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
    Column("passing", "Pass now", "number"),
    Column("failing", "Fail now", "number"),
    Column("cannot_tell", "Cannot tell", "number", phone=False),
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
    page_header(desk, "Team compliance", "What a team has passed, and what it still has to do, by due day.")
    teams = desk.ask(team_names)
    if not teams:
        empty_state("No team has an initiative yet.", page="register", label="Register the first initiative")
        return
    own = desk.actor.team if desk.actor.team in teams else teams[0]
    st.session_state["team"] = st.query_params.get("team", own)
    if st.session_state["team"] not in teams:
        show_problem(NotFound(f"no team '{st.session_state['team'][:60]}' has an initiative"))
        page_link("team", f"Open {own}", icon=":material/arrow_forward:", team=own)
        return
    st.selectbox("Team", teams, key="team", on_change=_to_address, width=320)
    sheet = desk.ask(team_sheet, team=st.session_state["team"])
    cards([*(_rate_card(f) for f in (sheet.first_tries, sheet.deadlines)), *_work_cards(sheet)])
    _notes(sheet)
    _work(sheet)
    _checks(desk, sheet)
    section("Initiatives", "Click a row to open the initiative.")
    _open(live_table(sheet.initiatives, INITIATIVES, key="own", select=True, alt="The team's initiatives."))


def _to_address() -> None:
    st.query_params["team"] = st.session_state["team"]


def _rate_card(figure: TeamFigure) -> Card:
    kpi, value, span = figure.definition, figure.value, figure.interval
    between = f"Interval {percent(span.low)} to {percent(span.high)}" if span else ""
    counted = f"{value.numerator or 0:,.0f} of {value.n:,} in {kpi.window_days} days."
    return Card(
        label=kpi.title,
        value=percent(value.value),
        status=value.status,
        target=f"at least {percent(kpi.target)}",
        note=" ".join(part for part in (value.note, f"{between}, {counted}" if between else "") if part),
    )


def _work_cards(sheet: TeamSheet) -> tuple[Card, Card]:
    late = [item for item in sheet.work if item.state == "overdue"]
    ahead = [item for item in sheet.work if item.state not in ("overdue", "expiring")]
    longest = f"Longest: {count(-late[0].days, 'day')}, {late[0].name}." if late else "Nothing is late."
    reviews = sum(item.independent for item in ahead)
    first = f"Next is due on {day(ahead[0].due_on)}; " if ahead else "Nothing waits; "
    note = f"{first}{count(reviews, 'review')} by somebody independent."
    return (
        Card("Overdue requirements", f"{len(late):,}", "overdue" if late else "on_time", note=longest),
        Card("Open, not yet due", f"{len(ahead):,}", "waiting" if ahead else "done", note=note),
    )


def _notes(sheet: TeamSheet) -> None:
    with st.expander("How the rates are counted"):
        for figure in (sheet.first_tries, sheet.deadlines):
            bullet_list([f"{figure.definition.title}:", *figure_notes(figure.definition)])


def _work(sheet: TeamSheet) -> None:
    section("Open work", "Earliest due day first; click a row to open the initiative.")
    if not sheet.work:
        empty_state("Nothing is open: every requirement is met.", icon=":material/check_circle:")
        return
    rows = [_line(item) for item in sheet.work]
    _open(live_table(rows, WORK, key="work", select=True, download="open-work", alt="Open work by due day."))


def _line(item: WorkItem) -> dict[str, object]:
    return {**vars(item)}


def _checks(desk: Desk, sheet: TeamSheet) -> None:
    days = desk.governance.leaderboard.window_days
    section("Checks by kind", f"First tries of the last {days} days, and how the latest runs stand now.")
    if sheet.checks:
        plain_table(sheet.checks, CHECKS, caption="Checks of the team by kind")
    else:
        st.caption("No check has run yet.")


def _open(row: object) -> None:
    if isinstance(row, dict):
        st.switch_page("../pages/initiative.py", query_params={"id": row["initiative"]})


render()
