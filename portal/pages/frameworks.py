"""Frameworks: laws, guidance and standards, clause by clause down to the proof."""

from __future__ import annotations

import streamlit as st

from core.domain.errors import NotFound
from core.services.rules import frameworks, rights
from portal.components.desk import Desk, current_desk, show_problem
from portal.components.initiative.rules_view import rights_table
from portal.components.page import dress, empty_state, page_header, panel
from portal.components.rules import frameworks_view as view
from portal.components.url_inputs import url_choice, url_value

PARTS = ("All frameworks", "By risk class", "One framework", "Rights")


def render() -> None:
    """Draw the coverage of all frameworks, by class, and of one down to the proof."""
    desk = current_desk()
    dress("rules")
    page_header(
        desk,
        "Frameworks",
        "How far proved measures answer what laws, guidance and standards ask. Our reading, no legal advice.",
    )
    found = desk.ask(frameworks.framework_overview)
    if not any(line.initiatives for line in found.lines):
        empty_state(
            "No initiative is registered yet, so nothing is counted.", page="register", label="Register one"
        )
    else:
        view.overview_cards(found)
    everything, by_class, one, people = st.tabs(PARTS, key="part", on_change="rerun", bind="query-params")
    with everything:
        view.framework_wall(found.lines)
    with by_class:
        classes = {known.id: known.title for known in desk.governance.policy(desk.moment).classes}
        view.class_heat(found.lines, classes)
    if one.open:
        with one:
            _one(desk, found)
    if people.open:
        with people:
            rights_table(desk.ask(rights.rights_overview))


def _one(desk: Desk, found: frameworks.FrameworkOverview) -> None:
    titles = {line.framework.id: line.framework.title for line in found.lines}
    most = max(found.lines, key=lambda line: line.initiatives).framework.id
    chosen = url_value("framework", most)
    try:
        line = found.line(chosen)
    except NotFound as problem:
        show_problem(problem)
        chosen, line = most, found.line(most)
    url_choice("Framework", titles, "framework", default=most, clears=("clause",), width=480)
    with panel(line.framework.title, key="framework"):
        view.framework_facts(line, desk.moment.day)
        view.clause_list(line.clauses)
    clauses = {one.clause.id: f"{one.clause.number}: {one.clause.title}" for one in line.clauses}
    with panel("From the clause to the proof", "Clause, measure, initiative, and what is on record for it."):
        clause = url_choice("Clause", clauses, "clause", default=next(iter(clauses)), width=480)
        view.proofs_table(desk.ask(frameworks.clause_proofs, framework=chosen, clause=clause))


render()
