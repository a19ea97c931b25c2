"""Decay: estimated and realised performance of a model version, and what its scores come from."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.domain.errors import NotFound
from core.services.measured import decay, slice_batches
from core.services.measured.decay import attributions
from core.services.measured.decay_groups import decay_groups
from core.services.measured.slice_batches import MonitoredVersion
from portal.components.desk import Desk, current_desk, show_problem
from portal.components.measured.decay import (
    TRUST,
    attributions_panel,
    chunks_table,
    decay_cards,
    decay_panel,
    divide_choices,
    groups_panel,
    pick_version,
    refresh_bar,
    trust_panel,
)
from portal.components.page import empty_state, page_header, page_link, section
from portal.components.tables import figure_help
from portal.components.text import escape
from portal.components.url_inputs import forget_model, keep_model, recall_model, url_choice, url_value


def render() -> None:
    """Draw the version that the address names; by default the first one with estimates."""
    desk = current_desk()
    rule = "Estimated performance before outcomes are known, beside what came true."
    page_header(desk, "Decay", rule)
    try:
        recall_model("decay")
        known = desk.ask(slice_batches.find_version, initiative=url_value("id"), version=url_value("version"))
        if known is None:
            sentence = "No model version has predictions yet, so there is nothing to estimate."
            empty_state(
                sentence, page="inventory", label="Open the inventory", icon=":material/trending_down:"
            )
            return
        keep_model("decay", known.initiative, known.version, ("metric", "by"))
        refresh_bar(desk, known)
        places = st.columns([2, 1, 1, 1])
        pick_version(places, known, desk.ask(slice_batches.monitored_versions))
        _draw(desk, known, places[2:])
    except NotFound as problem:
        forget_model()
        show_problem(problem)
        page_link("decay", "Open a model that is monitored", icon=":material/arrow_forward:")


def _draw(desk: Desk, known: MonitoredVersion, places: Sequence[DeltaGenerator]) -> None:
    if not known.estimated:
        empty_state(
            "This version has predictions, but its performance has not been estimated yet: its monitoring "
            "has not been refreshed.",
            page="slices",
            label="Look at its bias slices instead",
        )
        return
    one = {"initiative": known.initiative, "version": known.version}
    view = desk.ask(decay.decay_report, **one, metric=url_value("metric"))
    with places[0]:
        url_choice("Metric", {m.id: m.title for m in view.metrics}, "metric", default=view.leading)
    with places[1]:
        by = url_choice("Divide by", divide_choices(view.by_choices), "by")
    if view.unestimated:
        lacking = f"The decay check looks at {view.unestimated.title}, which the newest refresh left out"
        st.caption(escape(f"{lacking}: it cannot tell."))
    decay_cards(view)
    if by:
        groups_panel(desk.ask(decay_groups, **one, by=by, metric=view.metric.id))
    decay_panel(view)
    figure_help([*view.metric.notes, TRUST])
    trust_panel(view)
    section(
        "Chunks", "Consecutive rows, in the order of their times, or of their files where they have none."
    )
    chunks_table(view)
    features = desk.ask(attributions, **one)
    if features:
        attributions_panel(features)


render()
