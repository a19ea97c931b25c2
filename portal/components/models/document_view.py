"""A document on screen: what the record says, what is missing, and what people wrote beside it."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.connectors.pack_files import TYPES, file_name, render
from core.domain.models.model_card import (
    MOST_CHARACTERS,
    Facts,
    Missing,
    Note,
    Part,
    Section,
    Table,
    Words,
    WriteDocumentText,
)
from core.services.models.documents import note_history, write_document_text
from portal.components.forms import closed_because, give
from portal.components.page import panel
from portal.components.pills import pill_html, pills
from portal.components.text import count, escape, escape_html, minute

if TYPE_CHECKING:
    from core.domain.models.model_card import Document
    from portal.components.desk import Desk

FORMS = {"html": "Download HTML", "md": "Download Markdown"}
_ADDRESS = re.compile(r"^[0-9a-f]{40,64}$|^[a-z][a-z0-9+.\-]*://")


def document_head(document: Document) -> None:
    """Say what the document is about and what is missing; offer it as files."""
    gaps = [section for section in document.sections if section.missing]
    noted = sum(section.note is not None for section in document.sections)
    shown = [("done" if document.version else "missing", _version_words(document))]
    shown += [("missing" if document.missing else "met", f"{count(document.missing, 'thing')} missing")]
    shown += [("waiting", f"{count(noted, 'section')} with people's words")] if noted else []
    pills(shown)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for form, label in FORMS.items():
            st.download_button(
                label,
                data=partial(_file, document, form),
                file_name=file_name(document, form),
                mime=TYPES[form],
                icon=":material/download:",
                on_click="ignore",
                key=f"document-{form}",
            )
        if gaps:
            names = ", ".join(section.definition.title.lower() for section in gaps)
            st.caption(escape(f"Something is missing in: {names}."))


def _file(document: Document, form: str) -> bytes:
    return render(document, form).encode("utf-8")


def _version_words(document: Document) -> str:
    return f"Version {document.version}" if document.version else "No current version"


def document_sections(desk: Desk, document: Document) -> None:
    """Draw every section, each with the notes of people and a way to write one."""
    because = closed_because(desk, "write_document", document.initiative)
    for section in document.sections:
        definition = section.definition
        with panel(definition.title, definition.tells, key=f"section-{definition.id}"):
            body = "".join(_part_html(part) for part in section.parts)
            st.html(f'<div class="gp-doc">{body}{_note_html(section.note)}</div>')
            _beside(desk, document, section, because)


def _part_html(part: Part) -> str:
    match part:
        case Words():
            return f"<p>{escape_html(part.text)}</p>"
        case Facts():
            gone = pill_html("missing", "Not recorded")
            items = "".join(
                f"<div><dt>{escape_html(label)}</dt><dd>{_value_html(value) if value else gone}</dd></div>"
                for label, value in part.items
            )
            return f'<dl class="gp-facts">{items}</dl>'
        case Table():
            return _table_html(part)
        case Missing():
            return (
                f'<div class="gp-missing"><strong>Missing: {escape_html(part.what)}.</strong> '
                f"{escape_html(part.remedy)}</div>"
            )


def _table_html(table: Table) -> str:
    """All columns on every screen, as the file has them; a narrow one scrolls inside the box."""
    head = "".join(f'<th scope="col">{escape_html(heading)}</th>' for heading in table.headings)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_value_html(cell) or '–'}</td>" for cell in row) + "</tr>"
        for row in table.rows
    )
    return (
        f'<div><p class="gp-doc-caption">{escape_html(table.caption)}</p><div class="gp-table-box">'
        f'<table class="gp-table" aria-label="{escape_html(table.caption)}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></div>"
    )


def _value_html(value: str) -> str:
    """Digests and addresses in the letters of code; addresses are text, never links."""
    shown = escape_html(value)
    return f'<span class="gp-code">{shown}</span>' if _ADDRESS.match(value) else shown


def _note_html(note: Note | None) -> str:
    if note is None:
        return ""
    again = f", wording {note.wordings}" if note.wordings > 1 else ""
    lines = "<br/>".join(escape_html(line) for line in note.text.split("\n"))
    by = f"Added by {note.author}, {minute(note.at)}{again}"
    return f'<div class="gp-noted"><div class="gp-by">{escape_html(by)}</div>{lines}</div>'


def _beside(desk: Desk, document: Document, section: Section, because: str) -> None:
    """Offer to write beside the section, and show earlier wordings."""
    if because and section.wordings < 2:
        return
    label = "Change what stands beside it" if section.note else "Write beside it"
    with st.expander("Earlier wordings" if because else label, icon=":material/edit_note:"):
        if because:
            st.caption(escape(because))
        elif _form(desk, document, section):
            st.rerun()
        if section.wordings > 1:
            _history(desk, document, section)


def _form(desk: Desk, document: Document, section: Section) -> bool:
    """Ask for the text; what the writer saw when they began is kept, so that nobody is overwritten."""
    one = f"{document.initiative}-{document.kind}-{section.definition.id}"
    seen = st.session_state.setdefault(f"seen-{one}", section.wordings)
    with st.form(f"beside-{one}"):
        text = st.text_area(
            "In your own words",
            value=section.note.text if section.note else "",
            max_chars=MOST_CHARACTERS,
            height=120,
            key=f"text-{one}-{seen}",
            help="It stands beside the generated text with your name; leave it empty to take it back.",
        )
        if not st.form_submit_button("Save", type="primary", icon=":material/save:"):
            return False
    given = give(
        desk,
        write_document_text,
        WriteDocumentText,
        done="It is on record beside the section.",
        initiative=document.initiative,
        kind=document.kind,
        section=section.definition.id,
        text=text,
        seen=seen,
    )
    if given is not None or section.wordings != seen:
        del st.session_state[f"seen-{one}"]
    return given is not None


def _history(desk: Desk, document: Document, section: Section) -> None:
    found = desk.ask(
        note_history,
        initiative=document.initiative,
        kind=document.kind,
        section=section.definition.id,
    )
    for note in found:
        said = note.text or "(taken back)"
        st.caption(f"{escape(f'{minute(note.at)}, {note.author}:')} {escape(said)}")
