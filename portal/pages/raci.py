"""Responsibilities: the matrix as declared beside what the record shows, and each person's load."""

from __future__ import annotations

import streamlit as st

from core.services.work.raci_view import observed_matrix
from core.services.work.team_work import loads, team_names
from portal.components.desk import current_desk
from portal.components.page import dress, page_header, panel, section
from portal.components.text import day
from portal.components.url_inputs import url_choice
from portal.components.work.team_view import deviations_table, load_bars, matrix_cards, matrix_table

WINDOWS = {"90": "Last 90 days", "365": "Last 12 months", "0": "The whole record"}


def render() -> None:
    """Draw the declared matrix with the observed acts, who deviates, and who has how much to do."""
    desk = current_desk()
    dress("work")
    rule = "Who does, answers for, is asked and is told; and who really acted, taken from the record."
    page_header(desk, "Responsibilities", rule)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        window = url_choice("Acts of", WINDOWS, "days", default="365", width=190)
        teams = {"": "All teams", **{name: name for name in desk.ask(team_names)}}
        team = url_choice("Team", teams, "team", width=240)
    matrix = desk.ask(observed_matrix, days=int(window), team=team)
    load = desk.ask(loads, team=team)
    matrix_cards(matrix, load)
    since = f"Acts since {day(matrix.since)}" if matrix.since else "All acts on record"
    section("Declared and observed", f"{since}; letters are Figure 8-4, figures are the record.")
    matrix_table(desk, matrix)
    section("What deviates", "An act by a role that is neither responsible nor accountable for the task.")
    deviations_table(matrix.deviations)
    with panel("Who has how much to do", "Open tasks by due day; the most overdue first."):
        load_bars(load, most=15, with_team=not team)


render()
