"""Leaderboards: teams by what their record shows at the least."""

from __future__ import annotations

import streamlit as st

from core.analytics.standings import Standing, StandingMeasure
from core.domain.kpis import KpiDefinition
from core.services.figure_notes import figure_notes
from core.services.teams import team_standings
from portal.components.charts import interval_bars
from portal.components.desk import Desk, current_desk
from portal.components.page import empty_state, page_header, page_link, panel
from portal.components.tables import Column, bullet_list, plain_table
from portal.components.text import count, percent

COLUMNS = [
    Column("rank", "Rank"),
    Column("team", "Team", strong=True),
    Column("rate", "Rate", "percent"),
    Column("interval", "Interval", phone=False),
    Column("counted", "Counted"),
]
BOARDS: tuple[tuple[StandingMeasure, str, str, str], ...] = (
    ("first_time_pass_rate", "first_time_pass_rate", "Checks passed the first time", "first tries"),
    ("deadlines_met_rate", "deadlines_met", "Deadlines met", "requirements due"),
)


def render() -> None:
    """Draw both boards side by side, with the rule and what they leave out."""
    desk = current_desk()
    board = desk.governance.leaderboard
    rule = (
        f"Teams are ranked by the lower end of the {board.confidence:.0%} Wilson interval of their rate over "
        f"the last {board.window_days} days; with fewer than {board.minimum} counted there is no rank."
    )
    page_header(desk, "Leaderboards", rule)
    if not desk.ask(team_standings):
        empty_state("No team has an initiative yet.", page="register", label="Register the first initiative")
        return
    for place, (measure, kpi_id, title, unit) in zip(st.columns(2), BOARDS, strict=True):
        with place, panel(title, f"Bars are rates, lines their intervals; counted from {unit}."):
            _board(desk, desk.ask(team_standings, measure=measure), title, measure)
            _notes(desk.governance.kpis.find(kpi_id))


def _board(desk: Desk, standings: tuple[Standing, ...], title: str, measure: str) -> None:
    mine = next((line for line in standings if line.team == desk.actor.team), None)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        if mine is not None:
            place = f"rank {mine.rank} of {count(len(standings), 'team')}" if mine.rank else mine.note
            page_link("team", f"Your team, {mine.team}: {place}", team=mine.team)
        else:
            page_link("team", "Open a team")
    bars = [_bar(line, desk.actor.team) for line in standings if line.interval is not None]
    if bars:
        interval_bars(bars, value_title=title, alt=f"{title} by team, with intervals.", key=measure)
    rows = [_row(line) for line in standings]
    plain_table(rows, COLUMNS, caption=f"Teams by: {title}", download=f"standings-{measure}")


def _bar(line: Standing, own: str) -> dict[str, object]:
    low, high = (line.interval.low, line.interval.high) if line.interval else (None, None)
    label = line.team if line.rank else f"{line.team} (too few to rank)"
    mark = line.team == own
    return {"label": label, "value": line.rate, "low": low, "high": high, "rows": line.n, "highlight": mark}


def _row(line: Standing) -> dict[str, object]:
    span = f"{percent(line.interval.low)} to {percent(line.interval.high)}" if line.interval else ""
    rank = str(line.rank) if line.rank else "Too few to rank"
    return {
        "rank": rank,
        "team": line.team,
        "rate": line.rate,
        "interval": span,
        "counted": f"{line.passes:,} of {line.n:,}",
    }


def _notes(kpi: KpiDefinition) -> None:
    with st.expander("How this is counted"):
        ours = "The ranking leaves out how hard the work was, the size of the team, and whether tries depend."
        bullet_list([*figure_notes(kpi), ours, "Teams whose intervals overlap may well be equally good."])


render()
