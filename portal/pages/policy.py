"""Policy matrix: what each risk class must prove, and the questions, modes, gates and roles behind it."""

from __future__ import annotations

import streamlit as st

from core.domain.errors import NotFound
from core.domain.policy.policy import Policy
from core.ground import LEARNED
from core.services.rules import policies as policy_view
from core.services.rules.configuration import configuration
from portal.components.cards import facts
from portal.components.desk import Desk, current_desk, show_problem
from portal.components.page import page_header, page_link, section
from portal.components.rules import policy_view as policy_tables
from portal.components.text import count, escape, minute
from portal.components.url_inputs import url_choice, url_value

PARTS = ("Matrix", "Questions", "Modes", "Gates", "Responsibilities", "Files")


def render() -> None:
    """Draw the policy in force, and the files that decide beside it."""
    desk = current_desk()
    rule = "What each risk class must prove; checks and gates decide by this text alone."
    page_header(desk, "Policy matrix", rule)
    published = desk.ask(policy_view.published_policy)
    policy = published.policy
    lines = desk.ask(configuration)
    coming = [line.coming for line in lines if line.file == "policy.yaml" and line.coming]
    facts(
        [
            ("Version in force", f"{policy.version}: {policy.title}"),
            ("Published", f"{minute(published.published_at)}, by {published.published_by}"),
            ("Record entry", f"{published.seq:,}"),
            *(("Version to come", version) for version in coming),
        ]
    )
    if coming:
        drafts = {
            f"{one.version} from {one.first_day}": one.draft for one in desk.ask(policy_view.policy_drafts)
        }
        about = {"draft": drafts[coming[0]]} if coming[0] in drafts else {}
        page_link("policy_changes", "See what it will change", icon=":material/arrow_forward:", **about)
    st.caption(f"SHA-256 of its text: {published.sha256}")
    matrix, questions, modes, gates, roles, files = st.tabs(PARTS, key="part", bind="query-params")
    with matrix:
        _matrix(desk, policy)
    with questions:
        options = {q.id: policy_view.option_rows(policy, q.options) for q in policy.questions}
        policy_tables.question_panels(policy, options)
    with modes:
        policy_tables.modes_table(policy_view.mode_rows(policy), policy_view.STAR_COLUMNS)
    with gates:
        policy_tables.gates_table(policy_view.gate_rows(policy))
    with roles:
        titles = {role: desk.rules.roles.title(role) for role in desk.rules.raci.roles}
        notes = desk.ask(policy_view.raci_notes)
        policy_tables.raci_table(desk.ask(policy_view.raci_rows), titles, notes)
    with files:
        policy_tables.files_panel(lines)


def _matrix(desk: Desk, policy: Policy) -> None:
    strictest = policy.classes[-1].id
    chosen = url_value("class", strictest)
    kinds = {key: kind.title for key, kind in policy.admitted.items()} if policy.kinds else {}
    kind = url_choice("Kind of model", kinds, "kind", default=LEARNED, width=320) if kinds else LEARNED
    if kind in kinds:
        policy_tables.kind_note(policy.kind(kind))
    try:
        measures = desk.ask(policy_view.class_measures, class_id=chosen, kind=kind)
    except NotFound as problem:
        show_problem(problem)
        page_link("policy", "Open the whole matrix", icon=":material/arrow_forward:")
        return
    policy_tables.matrix_table(policy, desk.ask(policy_view.matrix_rows, kind=kind), narrow=chosen)
    st.space("small")
    known = policy.classes[policy.class_order[chosen]]
    section("What one class is asked for", "Choose a class to see its measures in full.")
    titles = {c.id: c.title for c in policy.classes}
    url_choice("Risk class", titles, "class", default=strictest, width=220)
    st.markdown(escape(f"{known.description} {count(len(measures), 'measure')}."))
    policy_tables.measures_table(known, measures)


render()
