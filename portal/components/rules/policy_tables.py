"""The parts of the policy in force as tables to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from portal.components.page import panel
from portal.components.tables import Column, bullet_list, plain_table
from portal.components.text import escape

if TYPE_CHECKING:
    from core.domain.policy.policy import Policy, RiskClass

Rows = Sequence[Mapping[str, Any]]
MEASURES = [
    Column("measure", "Measure", strong=True),
    Column("consideration", "Consideration", phone=False),
    Column("step", "Process step", phone=False),
    Column("responsible", "Responsible"),
    Column("proof", "What proves it", phone=False),
    Column("due_days", "Due after (days)", "number"),
    Column("valid", "Valid for", phone=False),
]
OPTIONS = [Column("label", "Answer"), Column("weight", "Weight", "number"), Column("effect", "Also sets")]
GATES = [
    Column("step", "Process step", strong=True),
    Column("activities", "What is done", phone=False),
    Column("gate", "Gate at its end"),
    Column("classes", "Classes that pass it"),
    Column("lapses", "Evidence lapses", phone=False),
]


def matrix_table(policy: Policy, rows: Rows, *, narrow: str) -> None:
    """Show consideration x class; a narrow screen keeps the class `narrow` only."""
    st.caption(
        "Each row is a ladder: rung 1 is the lightest measure. A cell names the rung that the class must "
        "reach; a higher rung stands in for it. Where a row shows several, all are asked for. A dash asks "
        "for nothing."
    )
    classes = [Column(c.id, c.title, phone=c.id == narrow) for c in policy.classes]
    names = Column("consideration", "Consideration", strong=True)
    plain_table(rows, [names, *classes], caption="Measures by consideration and risk class")


def measures_table(known: RiskClass, rows: Rows) -> None:
    """Show every measure that a class is asked for."""
    st.caption("Days count from registration, classification or, for a version's own measures, the version.")
    plain_table(rows, MEASURES, caption=f"Measures of {known.title}", download=f"measures-{known.id}")


def question_panels(policy: Policy, options: Mapping[str, Rows]) -> None:
    """Show every question with its answers; `options` maps the question's id to its rows."""
    bounds = ", ".join(f"{c.title} from {c.from_score}" for c in policy.classes)
    st.caption(
        escape(
            "The heaviest chosen answer of each question counts, and the weights add up to a score: "
            f"{bounds}. An answer that sets a class lifts to at least that one, whatever the score."
        )
    )
    for start in range(0, len(policy.questions), 2):
        pair = policy.questions[start : start + 2]
        for place, question in zip(st.columns(2), pair, strict=False):
            with place, panel(question.text, question.help):
                plain_table(options[question.id], OPTIONS, caption=question.text)


def modes_table(rows: Rows, stars: Mapping[str, str]) -> None:
    """Show the operationalization modes with their stars; `stars` maps field to title."""
    st.caption("How a project is put to work, by how critical it is: the more stars, the more of it.")
    names = [Column("criticality", "Criticality", strong=True), Column("operationalization", "Mode")]
    columns = [Column(field, title) for field, title in stars.items()]
    plain_table(rows, [*names, *columns], caption="Operationalization modes")


def gates_table(rows: Rows) -> None:
    """Show the process steps in order with the gates at their ends."""
    st.caption("A gate asks for what its own step and the steps before it require of the class.")
    plain_table(rows, GATES, caption="Process steps and gates")


def raci_table(rows: Rows, roles: Mapping[str, str], notes: Sequence[str]) -> None:
    """Show who answers for each task; `roles` maps field to title."""
    st.caption("Every task has exactly one accountable role. A dash: the role has no part in the task.")
    columns = [Column(role, title) for role, title in roles.items()]
    plain_table(rows, [Column("task", "Task", strong=True), *columns], caption="Responsibility matrix")
    bullet_list(notes)
