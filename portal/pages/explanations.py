"""Explanations: what a model's scores come from, why one prediction came out so, what sets groups apart."""

from __future__ import annotations

import streamlit as st

from core.domain.errors import BadInput, Forbidden, GovernanceError, NotFound
from core.services.measured import explanation_view as service
from core.services.measured.explanation_view import ExplainableVersion, ExplanationReport
from portal.components.desk import Desk, current_desk, show_problem
from portal.components.measured import explanation_forms as forms
from portal.components.measured import explanation_forms as inputs
from portal.components.measured import explanation_view as view
from portal.components.page import empty_state, page_header, page_link, panel
from portal.components.tables import figure_help
from portal.components.text import capital, escape
from portal.components.url_inputs import forget_model, keep_model, recall_model, url_value


def render() -> None:
    """Draw the explanation that the address names; by default the first model that has one."""
    desk = current_desk()
    rule = "What a model does with each feature, in numbers that add up to its score."
    page_header(desk, "Explanations", rule)
    try:
        recall_model("explanations")
        known = desk.ask(service.find_explainable, initiative=url_value("id"), version=url_value("version"))
        if known is None:
            sentence = "No model version has predictions yet, so there is nothing to explain."
            empty_state(sentence, page="inventory", label="Open the inventory", icon=":material/lightbulb:")
            return
        keep_model("explanations", known.initiative, known.version)
        inputs.model_input(known, desk.ask(service.explainable_versions))
        forms.explaining_bar(desk, known)
        _draw(desk, known)
    except NotFound as problem:
        forget_model()
        show_problem(problem)
        page_link("explanations", "Open a model that is explained", icon=":material/arrow_forward:")


def _draw(desk: Desk, known: ExplainableVersion) -> None:
    kept = desk.ask(service.model_kept, initiative=known.initiative, version=known.version)
    if not known.explained:
        empty_state("Nobody has explained this version yet.", icon=":material/lightbulb:")
        forms.explaining_forms(desk, known, kept=kept, opened=True)
        return
    one = {"initiative": known.initiative, "version": known.version}
    report = desk.ask(service.explanation_report, **one)
    view.explanation_cards(report, desk.moment.at.date())
    left, right = st.columns(2)
    with left:
        clicked = view.strength_panel(report)
    with right, panel("One feature along its values", "Mean contribution; the shade holds 8 rows in 10."):
        feature = inputs.feature_input(report)
        view.along_figure(report, feature, desk.ask(service.feature_along, **one, feature=feature))
    figure_help(view.NOTES, title="What these figures are")
    _prediction(desk, known, report)
    _groups(desk, known, report)
    forms.explaining_forms(desk, known, kept=kept, opened=False)
    inputs.follow_click("strengths", clicked)


def _prediction(desk: Desk, known: ExplainableVersion, report: ExplanationReport) -> None:
    one = {"initiative": known.initiative, "version": known.version}
    with panel("Why this prediction", "The way from the base value to one score, the largest step first."):
        row = inputs.row_input(desk.ask(service.notable_rows, **one))
        try:
            found = desk.ask(service.explained_prediction, **one, row=row)
            view.prediction_figures(report, found)
        except Forbidden as problem:  # a figure that is withheld is no error
            st.caption(escape(capital(str(problem))))
        except GovernanceError as problem:
            show_problem(problem)
            if isinstance(problem, NotFound) and row:
                forms.explain_row(desk, known, row)


def _groups(desk: Desk, known: ExplainableVersion, report: ExplanationReport) -> None:
    with panel("What sets two groups apart", "Which feature drives the difference of their mean scores."):
        by = inputs.column_input(report)
        try:
            one = {"initiative": known.initiative, "version": known.version, "by": by}
            found = desk.ask(service.groups_apart, **one, between=inputs.group_names())
        except BadInput as problem:
            show_problem(problem)
            return
        inputs.groups_input(found)
        inputs.follow_click("gaps", view.groups_figures(report, found))


render()
