"""Leaderboards: teams by what their record shows at the least."""

from __future__ import annotations

import streamlit as st

from core.analytics.standings import StandingMeasure
from core.services.oversight.teams import team_standings
from portal.components.desk import current_desk
from portal.components.figure_help import figure_help
from portal.components.page import empty_state, page_header, panel
from portal.components.standings_view import standings_board

BOARDS: tuple[tuple[StandingMeasure, str], ...] = (
    ("first_time_pass_rate", "first_time_pass_rate"),
    ("deadlines_met_rate", "deadlines_met"),
)
LEAVES_OUT = (
    "The ranking leaves out how hard the work was, the size of the team, and ties between tries.",
    "Teams whose intervals overlap may well be equally good.",
)


def render() -> None:
    """Draw both boards side by side, with the rule above and what each leaves out below."""
    desk = current_desk()
    board = desk.governance.leaderboard
    rule = (
        f"Teams are ranked by the lower end of the {board.confidence:.0%} Wilson interval of their rate over "
        f"the last {board.window_days} days; with fewer than {board.minimum} counted, a team has no rank."
    )
    page_header(desk, "Leaderboards", rule)
    if not desk.ask(team_standings):
        empty_state("No team has an initiative yet.", page="register", label="Register the first initiative")
        return
    for place, (measure, kpi_id) in zip(st.columns(2), BOARDS, strict=True):
        kpi = desk.governance.kpis.find(kpi_id)
        with place, panel(kpi.title, "Bars are rates; the line across each is its interval."):
            lines = desk.ask(team_standings, measure=measure)
            standings_board(lines, title=kpi.title, own=desk.actor.team, key=measure)
            figure_help([*kpi.notes, *LEAVES_OUT])


render()
