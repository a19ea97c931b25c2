"""Evaluation sets: pass rates of a version by category, another version case by case, and its judges."""

from __future__ import annotations

import streamlit as st

from core.domain.errors import NotFound
from core.lake.predictions.batches import RegisteredVersion
from core.services.measured import evaluation_view as service
from core.services.measured.predictions import versions_with_batches
from portal.components.desk import Desk, current_desk, show_problem
from portal.components.measured import evaluation_view as view
from portal.components.models.version_view import version_choice
from portal.components.page import empty_state, page_header, page_link
from portal.components.url_inputs import forget_model, keep_model, recall_model, set_url, url_value


def render() -> None:
    """Draw the version that the address names; by default the one with the most evaluations."""
    desk = current_desk()
    rule = "Cases that a version answered and a judge graded, held to the limits of the ethical position."
    page_header(desk, "Evaluation sets", rule)
    versions = desk.ask(versions_with_batches)
    if not versions:
        sentence = "No model version is registered yet, so there is nothing to evaluate."
        empty_state(sentence, page="inventory", label="Open the inventory", icon=view.ICON)
        return
    recall_model("evaluations")
    known = _chosen(desk, versions)
    if known is None:
        forget_model()
        show_problem(NotFound("there is no such model version", remedy="Choose one that is registered."))
        page_link("evaluations", "Open the first one", icon=":material/arrow_forward:")
        return
    keep_model("evaluations", known.initiative, known.version, view.VIEW)
    titles = {f"{one.initiative}/{one.version}": f"{one.name}, version {one.version}" for one in versions}
    version_choice(titles, f"{known.initiative}/{known.version}", clears=view.VIEW)
    _draw(desk, known)


def _draw(desk: Desk, known: RegisteredVersion) -> None:
    about = {"initiative": known.initiative, "version": known.version}
    try:
        found = desk.ask(service.evaluation_report, **about, evaluation=url_value("kept"))
    except NotFound as problem:
        if url_value("kept"):
            show_problem(problem)
            if st.button("Show the newest", icon=":material/restart_alt:"):
                set_url(**dict.fromkeys(view.VIEW, ""))
                st.rerun()
            return
        empty_state("No evaluation of this version is on record yet.", icon=view.ICON)
        view.add_box(desk, known.initiative, known.version)
        return
    view.verdict_strip(found)
    view.evaluation_input(found)
    view.evaluation_cards(found)
    for report in found.reports:
        view.category_panel(found, report)
    view.change_panel(desk, found)
    view.agreement_panel(desk, found)
    view.evaluations_panel(desk, found)
    view.add_box(desk, known.initiative, known.version)


def _chosen(desk: Desk, versions: tuple[RegisteredVersion, ...]) -> RegisteredVersion | None:
    asked = url_value("id")
    if not asked:
        counts = desk.ask(service.evaluation_counts)
        return max(versions, key=lambda one: counts.get((one.initiative, one.version), 0))
    return next(
        (one for one in versions if one.initiative == asked and url_value("version") in ("", one.version)),
        None,
    )


render()
