"""Drift and data: which inputs moved, how much that matters to the model, and whether the data is sound."""

from __future__ import annotations

import streamlit as st

from core.analytics.drift.methods import METHODS
from core.domain.errors import NotFound
from core.services.measured import drift, slice_batches
from core.services.measured.drift import MeasureDrift
from core.services.measured.slice_batches import MonitoredVersion
from portal.components.desk import Desk, current_desk, job_bar, show_problem
from portal.components.forms import closed_because, give
from portal.components.measured import drift as view
from portal.components.models.version_view import version_choice
from portal.components.page import empty_state, page_header, page_link
from portal.components.tables import figure_help
from portal.components.url_inputs import forget_model, keep_model, recall_model, url_value


def render() -> None:
    """Draw the version that the address names; by default the one whose inputs drifted most."""
    desk = current_desk()
    page_header(desk, "Drift and data", "Inputs in use held against the reference, before any outcome.")
    try:
        recall_model("drift")
        known = _version_asked_for(desk)
        if known is None:
            sentence = "No model version has predictions yet, so there is nothing to compare."
            empty_state(sentence, page="predictions", label="Add predictions", icon=":material/ssid_chart:")
            return
        keep_model("drift", known.initiative, known.version, ("feature", "method"))
        _draw(desk, known)
    except NotFound as problem:
        forget_model()
        show_problem(problem)
        page_link("drift", "Open a model that has predictions", icon=":material/arrow_forward:")


def _version_asked_for(desk: Desk) -> MonitoredVersion | None:
    if url_value("id"):
        return desk.ask(slice_batches.find_version, initiative=url_value("id"), version=url_value("version"))
    found = desk.ask(drift.most_drifted)
    if found is None:
        return desk.ask(slice_batches.largest_version)
    return desk.ask(slice_batches.find_version, initiative=found[0], version=found[1])


def _draw(desk: Desk, known: MonitoredVersion) -> None:
    place, button = st.columns([3, 1], vertical_alignment="bottom")
    versions = desk.ask(slice_batches.monitored_versions)
    titles = {f"{one.initiative}/{one.version}": f"{one.name}, version {one.version}" for one in versions}
    with place:
        version_choice(titles, f"{known.initiative}/{known.version}", clears=("feature", "method"))
    about = {"initiative": known.initiative, "version": known.version}
    found = desk.ask(drift.measured_inputs, **about)
    with button:
        _measure_button(desk, about, again=found.drift is not None)
    job_bar(desk, f"{known.initiative}/{known.version}", kind=drift.KIND)
    if found.drift is None and found.quality is None:
        empty_state(found.lacking or "Nothing was measured yet.", page="predictions", label="See predictions")
        return
    view.drift_cards(found)
    if found.drift is not None and found.drift.stale:
        st.info(f"{view.sentence(found.drift.stale)} Measure again.", icon=":material/update:")
    if found.drift is not None and found.drift.features:
        view.drift_panel(found.drift)
        method = view.feature_panel(found.drift, METHODS)
        figure_help([*METHODS[method].notes, view.RANKING])
        view.features_table(found.drift)
    if found.quality is not None:
        view.quality_panel(found.quality)
        view.personal_panel(found.quality)


def _measure_button(desk: Desk, about: dict[str, str], *, again: bool) -> None:
    closed = closed_because(desk, "refresh_monitoring", about["initiative"])
    label = "Measure again" if again else "Measure"
    pressed = st.button(label, icon=":material/play_arrow:", disabled=bool(closed), help=closed or None)
    if pressed and give(desk, drift.start_measuring, MeasureDrift, done="", **about):
        st.rerun()


render()
