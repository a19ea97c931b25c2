"""Versions: the registry of all models, and two versions of one model side by side."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.errors import BadInput, NotFound
from core.domain.models.model_versions import IN_USE
from core.lake.models import RegistryLine
from core.services.models.version_comparison import VersionFace, compare_versions, version_faces
from core.services.models.versions import version_history, version_registry
from portal.components.desk import Desk, current_desk, show_problem
from portal.components.models import version_view as compare
from portal.components.models import version_view as view
from portal.components.models.version_view import version_actions
from portal.components.page import dress, empty_state, page_header, page_link, section
from portal.components.url_inputs import set_url, url_choice, url_value


def render() -> None:
    """Draw the registry, or the versions of the model in the address."""
    desk = current_desk()
    dress("models")
    wanted = url_value("id")
    rule = "What ran in production when, what is to come, and how well each version could be made again."
    page_header(desk, "Model versions", rule)
    rows = desk.ask(version_registry, past=True)
    if not rows:
        sentence = "No model version is registered yet. One is registered on the sheet of its initiative."
        empty_state(sentence, page="inventory", label="Open the inventory", icon=":material/deployed_code:")
        return
    names = {row.initiative: row.name for row in rows}
    url_choice("Model", {"": "All models", **names}, "id", clears=("left", "right", "by"), width=330)
    try:
        if not wanted:
            _registry(desk, rows)
        else:
            _model(desk, wanted, desk.ask(version_faces, initiative=wanted))
    except BadInput as problem:
        show_problem(problem)
        page_link("versions", "Open the registry", icon=":material/arrow_forward:")


def _registry(desk: Desk, rows: Sequence[RegistryLine]) -> None:
    shown = [row for row in rows if row.state in IN_USE]
    shown.sort(key=lambda row: row.current)
    view.registry_cards(shown)
    section(
        "Registry", "Those beside a current version first. Click a line to compare the versions of a model."
    )
    row = view.registry_table(shown)
    if row is not None:
        set_url(id=row.initiative)
        st.rerun()
    view.production_panel(desk.ask(version_history), whole=True)


def _model(desk: Desk, initiative: str, faces: tuple[VersionFace, ...]) -> None:
    if not faces:
        raise NotFound("this initiative has no model version", remedy="Register one on its sheet.")
    with st.container(horizontal=True):
        page_link("initiative", "Open its sheet", icon=":material/description:", id=initiative)
        page_link("documents", "Model card", icon=":material/article:", id=initiative)
        page_link("lineage", "Lineage", icon=":material/account_tree:", model=initiative)
    view.own_versions(faces)
    view.production_panel(desk.ask(version_history, initiative=initiative), whole=False)
    chosen = faces[:1]
    if len(faces) > 1:
        chosen = _compare(desk, initiative, faces)
    view.ladder_panel(chosen)
    with st.expander("Put forward, put into production, retire or fill in", icon=":material/edit:"):
        version_actions(desk, initiative, faces)


def _compare(desk: Desk, initiative: str, faces: tuple[VersionFace, ...]) -> tuple[VersionFace, ...]:
    titles = {face.version.version: f"{face.version.version} ({face.version.state})" for face in faces}
    newest, *others = titles
    current = next((f.version.version for f in faces if f.version.current), others[0])
    base = current if current != newest else others[0]
    section("Side by side", "Choose two versions; figures are those of the slices and decay pages.")
    with st.container(horizontal=True, gap="small"):
        left = url_choice("Left", titles, "left", default=base, width=215)
        right = url_choice("Right", titles, "right", default=newest, width=215)
    found = desk.ask(compare_versions, initiative=initiative, left=left, right=right, by=url_value("by"))
    compare.sides(found)
    compare.metrics_panel(found)
    compare.slices_panel(found)
    compare.decay_panel(found)
    compare.made_of_panel(found)
    return found.left, found.right


render()
