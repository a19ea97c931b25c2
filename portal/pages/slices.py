"""Bias slices: a metric by up to six features, the weakest intersections, and versions side by side."""

from __future__ import annotations

import streamlit as st

from core.domain.errors import BadInput, NotFound
from core.services.measured import bias, slice_batches
from core.services.measured.slice_batches import MonitoredVersion
from portal.components.desk import Desk, current_desk, show_problem
from portal.components.page import empty_state, page_header, page_link
from portal.components.slices import inputs
from portal.components.slices.filters import subject_of
from portal.components.slices.trade_off_view import draw_trade_off
from portal.components.slices.version_view import draw_versions
from portal.components.slices.view import draw_slices
from portal.components.slices.weak_view import draw_curves, draw_weakest
from portal.components.url_inputs import forget_model, keep_model, recall_model, set_url, url_value


def render() -> None:
    """Draw the slices that the address names; by default of the model with the most predictions."""
    desk = current_desk()
    rule = (
        "Difference between groups of people or things, with its uncertainty. Click a slice to look inside."
    )
    page_header(desk, "Bias slices", rule)
    try:
        recall_model("slices")
        known = _version_asked_for(desk)
        if known is None:
            sentence = "No model version has predictions yet, so there is nothing to slice."
            empty_state(sentence, page="inventory", label="Open the inventory", icon=inputs.ICON)
            return
        keep_model("slices", known.initiative, known.version, inputs.VIEW)
        _draw(desk, known)
    except BadInput as problem:
        show_problem(problem)
        if isinstance(problem, NotFound):
            forget_model()
            page_link("slices", "Open a model that has predictions", icon=":material/arrow_forward:")
        if st.button("Start over", icon=":material/restart_alt:"):
            set_url(**dict.fromkeys(inputs.VIEW, ""))
            st.rerun()


def _version_asked_for(desk: Desk) -> MonitoredVersion | None:
    if not url_value("id"):
        return desk.ask(slice_batches.largest_version)
    return desk.ask(slice_batches.find_version, initiative=url_value("id"), version=url_value("version"))


def _draw(desk: Desk, known: MonitoredVersion) -> None:
    versions = desk.ask(slice_batches.monitored_versions)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        inputs.version_input(versions, known)
        view = inputs.view_input()
    choices = desk.ask(
        bias.slice_choices, initiative=known.initiative, version=known.version, part=inputs.part_of()
    )
    if not choices.features:
        empty_state("These predictions hold no column to slice by.", icon=inputs.ICON)
        return
    subject = subject_of(desk, known, choices)
    if view == "weakest":
        draw_weakest(subject)
    elif view == "curves":
        draw_curves(subject)
    elif view == "versions":
        draw_versions(subject, versions)
    elif view == "trade-off":
        draw_trade_off(subject)
    else:
        draw_slices(subject)


render()
