"""Policy matrix: what each risk class must prove, and the questions, modes, gates and roles behind it."""

from __future__ import annotations

import streamlit as st

from core.domain.errors import NotFound
from core.services import policy_view
from core.services.policy_view import PublishedPolicy
from portal.components.cards import facts
from portal.components.desk import Desk, current_desk, show_problem
from portal.components.page import page_header, page_link, panel, section
from portal.components.tables import Column, bullet_list, plain_table
from portal.components.text import count, escape, minute

MEASURES = [
    Column("measure", "Measure", strong=True),
    Column("consideration", "Consideration", phone=False),
    Column("step", "Process step", phone=False),
    Column("responsible", "Responsible"),
    Column("proof", "What proves it", phone=False),
    Column("due_days", "Due after days", "number"),
    Column("valid", "Valid for", phone=False),
]
OPTIONS = [
    Column("label", "Answer"),
    Column("weight", "Weight", "number"),
    Column("effect", "Also sets"),
]
GATES = [
    Column("step", "Process step", strong=True),
    Column("activities", "What is done", phone=False),
    Column("gate", "Gate at its end"),
    Column("classes", "Classes that pass it"),
    Column("lapses", "Evidence lapses", phone=False),
]


def render() -> None:
    """Draw the policy in force in five parts."""
    desk = current_desk()
    rule = "A class must reach the rung that its cell names; checks and gates decide by this text alone."
    page_header(desk, "Policy matrix", rule)
    published = desk.ask(policy_view.published_policy)
    facts(
        [
            ("Version in force", f"{published.policy.version}, {published.policy.title}"),
            ("Published", f"{minute(published.published_at)} by {published.published_by}"),
            ("Record entry", f"{published.seq:,}"),
            ("SHA-256 of the text", published.sha256),
        ]
    )
    names = ["Matrix", "Questions", "Modes", "Gates", "Responsibilities"]
    parts = st.tabs(names, key="part", bind="query-params")
    for part, draw in zip(parts, (_matrix, _questions, _modes, _gates, _roles), strict=True):
        with part:
            draw(desk, published)


def _matrix(desk: Desk, published: PublishedPolicy) -> None:
    policy = published.policy
    chosen = st.query_params.get("class", policy.classes[-1].id)
    try:
        measures = desk.ask(policy_view.class_measures, class_id=chosen)
    except NotFound as problem:
        show_problem(problem)
        page_link("policy", "Open the whole matrix", icon=":material/arrow_forward:")
        return
    st.caption("A cell names the rung and its measure; a dash asks for nothing. Rung 1 is the lightest.")
    columns = [Column(c.id, c.title, phone=c.id == chosen) for c in policy.classes]
    rows = desk.ask(policy_view.matrix_rows)
    plain_table(rows, [Column("consideration", "Consideration", strong=True), *columns], caption="Matrix")
    section("What a class is asked for", "Choose a class to see its measures in full.")
    st.session_state["class"] = chosen
    titles = {c.id: escape(c.title) for c in policy.classes}
    picker = {"label_visibility": "collapsed", "required": True, "on_change": _to_address}
    st.segmented_control("Risk class", list(titles), format_func=titles.get, key="class", **picker)
    known = policy.classes[policy.class_order[chosen]]
    st.caption(escape(f"{known.description} {count(len(measures), 'measure')}."))
    plain_table(measures, MEASURES, caption=f"Measures of {known.title}", download=f"measures-{chosen}")


def _to_address() -> None:
    st.query_params["class"] = st.session_state["class"]


def _questions(desk: Desk, published: PublishedPolicy) -> None:
    policy = published.policy
    bounds = ", ".join(f"{c.title} from {c.from_score}" for c in policy.classes)
    st.caption(
        escape(
            "The heaviest chosen answer of each question counts, and the weights add up to a score: "
            f"{bounds}. An answer that sets a class lifts to at least that one, whatever the score."
        )
    )
    for start in range(0, len(policy.questions), 2):
        for place, question in zip(st.columns(2), policy.questions[start : start + 2], strict=False):
            with place, panel(question.text, question.help):
                rows = policy_view.option_rows(policy, question.options)
                plain_table(rows, OPTIONS, caption=question.text)


def _modes(desk: Desk, published: PublishedPolicy) -> None:
    st.caption("How a project is put to work, by how critical it is: more stars, more of it; a dash is none.")
    names = [Column("criticality", "Criticality", strong=True), Column("operationalization", "Mode")]
    stars = [Column(field, title, phone=False) for field, title in policy_view.STAR_COLUMNS.items()]
    plain_table(policy_view.mode_rows(published.policy), [*names, *stars], caption="Operationalization modes")


def _gates(desk: Desk, published: PublishedPolicy) -> None:
    st.caption("A gate asks for what its own step and the steps before it require of the class.")
    plain_table(policy_view.gate_rows(published.policy), GATES, caption="Process steps and gates")


def _roles(desk: Desk, published: PublishedPolicy) -> None:
    st.caption("Who answers for each task: every task has exactly one accountable role.")
    roles = [Column(role, desk.governance.roles.title(role)) for role in desk.governance.raci.roles]
    rows = policy_view.raci_rows(desk.governance)
    plain_table(rows, [Column("task", "Task", strong=True), *roles], caption="Responsibility matrix")
    bullet_list(policy_view.raci_notes(desk.governance))


render()
