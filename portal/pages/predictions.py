"""Predictions: the batches of a model version, what was odd about them, and adding a file."""

from __future__ import annotations

import streamlit as st

from core.domain.errors import NotFound
from core.lake.predictions.batches import RegisteredVersion
from core.services.measured import predictions
from portal.components.desk import current_desk, show_problem
from portal.components.measured.predictions_view import (
    batch_cards,
    batches_panel,
    mapping_panel,
    upload_panel,
)
from portal.components.models.version_view import version_choice
from portal.components.page import empty_state, page_header, page_link
from portal.components.url_inputs import forget_model, keep_model, recall_model, url_value


def render() -> None:
    """Draw the version that the address names; by default the first that has predictions."""
    desk = current_desk()
    page_header(desk, "Predictions", "What a model said, as files; everything measured here rests on them.")
    versions = desk.ask(predictions.versions_with_batches)
    if not versions:
        sentence = "No model version is registered yet, so there is nothing to add predictions to."
        empty_state(sentence, page="inventory", label="Open the inventory", icon=":material/upload_file:")
        return
    recall_model("predictions")
    known = _chosen(versions)
    if known is None:
        forget_model()
        show_problem(NotFound("there is no such model version", remedy="Choose one that is registered."))
        page_link("predictions", "Open the first one", icon=":material/arrow_forward:")
        return
    keep_model("predictions", known.initiative, known.version)
    titles = {f"{one.initiative}/{one.version}": _title(one) for one in versions}
    version_choice(titles, f"{known.initiative}/{known.version}")
    view = desk.ask(predictions.prediction_batches, initiative=known.initiative, version=known.version)
    batch_cards(view)
    left, right = st.columns([1.45, 1])
    with left:
        upload_panel(desk, view)
    with right:
        if view.mapping is not None:
            mapping_panel(desk, view, view.mapping)
        else:
            empty_state("No columns are kept for this version yet; the first file names them.")
    batches_panel(desk, view)
    about = {"id": known.initiative, "version": known.version}
    page_link("drift", "See drift and data quality of this version", icon=":material/ssid_chart:", **about)


def _title(one: RegisteredVersion) -> str:
    return f"{one.name}, version {one.version}" + ("" if one.batches else " (no predictions)")


def _chosen(versions: tuple[RegisteredVersion, ...]) -> RegisteredVersion | None:
    asked = url_value("id")
    if not asked:
        return max(versions, key=lambda one: one.batches)
    return next(
        (one for one in versions if one.initiative == asked and url_value("version") in ("", one.version)),
        None,
    )


render()
