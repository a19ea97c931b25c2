"""Leaderboards: teams by what their record shows at the least."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.kpi_values import StandingMeasure
from core.services.oversight.kpis import team_standings
from portal.components.charts.bars import Bar, interval_bars
from portal.components.desk import current_desk
from portal.components.page import empty_state, page_header, page_link, panel
from portal.components.tables import Column, figure_help, plain_table
from portal.components.text import escape, percent

if TYPE_CHECKING:
    from core.analytics.kpi_values import Standing


def _span(line: Standing) -> str:
    return f"{percent(line.interval.low)} to {percent(line.interval.high)}" if line.interval else ""


COLUMNS: list[Column[Standing]] = [
    Column(lambda line: str(line.rank) if line.rank else "Too few to rank", "Rank"),
    Column("team", "Team", strong=True),
    Column("rate", "Rate", "percent"),
    Column(_span, "Interval", phone=False),
    Column(lambda line: f"{line.passes:,} of {line.n:,}", "Counted"),
]


def standings_board(standings: Sequence[Standing], *, title: str, own: str, key: str) -> None:
    """Draw one board, the reader's team highlighted; teams with too few are shown without a rank.

    Parameters
    ----------
    standings
        Best first, as `core.services.oversight.kpis.team_standings` gives them.
    title
        What is ranked.
    own
        The reader's team; nothing is highlighted where it has no line.
    key
        A name that no other board of the page has.
    """
    _own_place(standings, own)
    bars = [_bar(line, own) for line in standings if line.interval is not None]
    if bars:
        interval_bars(bars, value_title=title, alt=f"{title} by team, with intervals.", key=key)
    plain_table(standings, COLUMNS, caption=f"Teams by: {title}", download=f"standings-{key}")


def _own_place(standings: Sequence[Standing], own: str) -> None:
    mine = next((line for line in standings if line.team == own), None)
    if mine is None:
        page_link("team", "Open a team", icon=":material/groups:")
        return
    ranked = sum(line.rank is not None for line in standings)
    place = f"rank {mine.rank} of {ranked}" if mine.rank else "no rank yet"
    page_link("team", f"Your team, {mine.team}: {place}", icon=":material/groups:", team=mine.team)


def _bar(line: Standing, own: str) -> Bar:
    low, high = (line.interval.low, line.interval.high) if line.interval else (None, None)
    label = line.team if line.rank else f"{line.team}, no rank"
    return Bar(label, line.rate, low, high, line.n, line.team == own)


BOARDS: tuple[tuple[StandingMeasure, str], ...] = (
    ("first_time_pass_rate", "first_time_pass_rate"),
    ("deadlines_met_rate", "deadlines_met"),
)
LEAVES_OUT = (
    "The ranking leaves out how hard the work was, the size of the team, and ties between tries.",
    "Teams whose intervals overlap may well be equally good.",
)
SELF_SERVICE = "Self-service in time"
COUNTED = (
    "Counted is what the policy asked for and somebody proved: first runs of checks on a model version, "
    "where evidence was given, and requirements that fell due. The lowest class, registered in a minute, "
    "stands on a board of its own, so that no rank is won with empty registrations; a check that nobody "
    "asked for is no try."
)


def render() -> None:
    """Draw the boards with the rule above and what each leaves out below."""
    desk = current_desk()
    board = desk.rules.leaderboard
    rule = (
        f"Teams are ranked by the lower end of the {board.confidence:.0%} Wilson interval of their rate over "
        f"the last {board.window_days} days; with fewer than {board.minimum} counted, a team has no rank."
    )
    page_header(desk, "Leaderboards", rule)
    st.caption(escape(COUNTED))
    if not desk.ask(team_standings):
        empty_state("No team has an initiative yet.", page="register", label="Register the first initiative")
        return
    for place, (measure, kpi_id) in zip(st.columns(2), BOARDS, strict=True):
        kpi = desk.rules.kpis.find(kpi_id)
        with place, panel(kpi.title, "Bars are rates; the line across each is its interval."):
            lines = desk.ask(team_standings, measure=measure)
            standings_board(lines, title=kpi.title, own=desk.actor.team, key=measure)
            figure_help([*kpi.notes, *LEAVES_OUT])
    with panel(SELF_SERVICE, "Of use cases of the lowest class: what fell due and was proved in time."):
        lines = desk.ask(team_standings, measure="self_service_rate")
        standings_board(lines, title=SELF_SERVICE, own=desk.actor.team, key="self_service_rate")


render()
