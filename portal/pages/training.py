"""Training: the reader's own trainings with their attestation, and who of a team has which."""

from __future__ import annotations

import streamlit as st

from core.services.oversight.kpis import governance_kpis
from core.services.work.raci_view import trained_people
from portal.components.desk import current_desk
from portal.components.page import dress, page_header, section
from portal.components.url_inputs import url_choice
from portal.components.work.team_view import own_trainings, people_table, training_cards

ALL = "all"


def render() -> None:
    """Draw the reader's trainings, then everybody's or one team's."""
    desk = current_desk()
    dress("sheets")
    page_header(desk, "Training", "What each role has to know, attested by each person, and until when.")
    everybody = desk.ask(trained_people)
    own = next((one for one in everybody if one.person.id == desk.actor.id), None)
    teams = sorted({one.person.team for one in everybody if one.person.team})
    default = desk.actor.team if desk.actor.team in teams else ALL
    choices = {ALL: "All teams", **{name: name for name in teams}}
    chosen = url_choice("Team", choices, "team", default=default, width=260)
    shown = [one for one in everybody if chosen in (ALL, one.person.team)]
    kpi = next(one for one in desk.ask(governance_kpis) if one.definition.id == "trained_people")
    training_cards(own, shown, kpi)
    st.space("small")
    own_trainings(desk, own)
    section("Who has which", "The most overdue first; a dash: no role of theirs asks for it.")
    people_table(desk, shown)


render()
