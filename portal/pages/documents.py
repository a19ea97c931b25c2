"""Documents: model card and technical file of one initiative, made from the record."""

from __future__ import annotations

import streamlit as st

from core.domain.errors import NotFound
from core.domain.models.model_card import KINDS
from core.services.models.documents import document
from core.services.models.version_comparison import version_faces
from core.services.process import initiatives
from portal.components.desk import Desk, current_desk, show_problem
from portal.components.models.document_view import document_head, document_sections
from portal.components.page import dress, empty_state, page_header, page_link
from portal.components.url_inputs import url_choice, url_value


def render() -> None:
    """Draw the document that the address names; without an initiative let people choose one."""
    desk = current_desk()
    dress("sheets", "models")
    page_header(desk, "Documents", "Written from the record; people's words stand beside it, by name.")
    known = desk.ask(initiatives.initiative_choices)
    if not known:
        sentence = "No initiative is registered yet, so there is nothing to document."
        empty_state(sentence, page="register", label="Register the first initiative")
        return
    names = {one.initiative: one.name for one in known}
    first = next((one for one in known if one.live), known[0]).initiative
    wanted = url_value("id", first)
    try:
        _draw(desk, names, wanted)
    except NotFound as problem:
        show_problem(problem)
        page_link("documents", "Open a document that is there", icon=":material/arrow_forward:")


def _draw(desk: Desk, names: dict[str, str], initiative: str) -> None:
    versions = {"": "Current"}
    with st.container(horizontal=True, gap="small"):
        url_choice("Initiative", names, "id", default=initiative, clears=("version",), width=330)
        kind = url_choice(
            "Document",
            {str(known): title for known, title in KINDS.items()},
            "kind",
            default="card",
            width=190,
        )
        for face in desk.ask(version_faces, initiative=initiative):
            versions[face.version.version] = f"{face.version.version} ({face.version.state})"
        url_choice("Version", versions, "version", width=190)
    one = {"initiative": initiative, "version": url_value("version")}
    found = desk.ask(document, **one, kind=kind)
    document_head(found)
    with st.container(horizontal=True):
        page_link("initiative", "Open its sheet", icon=":material/description:", id=initiative)
        page_link("versions", "Compare versions", icon=":material/difference:", id=initiative)
    document_sections(desk, found)


render()
