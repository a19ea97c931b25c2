"""Team compliance: what is late and who acts, a team's rates, its open work, hand-offs and checks."""

from __future__ import annotations

import streamlit as st

from core.domain.errors import NotFound
from core.services.work.team_work import TeamSheet, choose_team, team_names, team_sheet
from portal.components.desk import current_desk, show_problem
from portal.components.page import empty_state, page_header, page_link
from portal.components.tables import figure_help
from portal.components.url_inputs import url_choice, url_value
from portal.components.work.team_view import (
    late_and_load,
    team_cards,
    team_checks_table,
    team_hand_offs,
    team_initiatives_table,
    team_work_table,
)


def render() -> None:
    """Draw the team that the address names; by default the reader's own."""
    desk = current_desk()
    page_header(
        desk,
        "Team compliance",
        "What is late and who acts, what a team has passed, and what it still has to do.",
    )
    own = desk.ask(choose_team, wanted="", own=desk.actor.team)
    if not own:
        empty_state("No team has an initiative yet.", page="register", label="Register the first initiative")
        return
    try:
        team = desk.ask(choose_team, wanted=url_value("team"), own=desk.actor.team)
    except NotFound as problem:
        show_problem(problem)
        page_link("team", f"Open {own}", icon=":material/arrow_forward:", team=own)
        return
    url_choice("Team", {name: name for name in desk.ask(team_names)}, "team", default=own, width=320)
    _draw(desk.ask(team_sheet, team=team))


def _draw(sheet: TeamSheet) -> None:
    team_cards(sheet)
    late_and_load(sheet)
    rates = (sheet.first_tries.definition, sheet.deadlines.definition)
    notes = [f"{kpi.title}. {sentence}" for kpi in rates for sentence in kpi.notes]
    figure_help(notes, title="How the rates are counted")
    item = team_work_table(sheet)
    team_hand_offs(sheet)
    team_checks_table(sheet)
    chosen = team_initiatives_table(sheet) or item
    if chosen is not None:
        st.switch_page("../pages/initiative.py", query_params={"id": chosen.initiative})


render()
