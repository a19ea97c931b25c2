"""Operations on documents: write one from the record, and write beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from core.connectors.document_files import file_name, render
from core.domain.commands import make
from core.domain.models.model_card import WriteDocumentText
from core.entrypoints.operations.operation import Call, Operation
from core.entrypoints.operations.parameters import AsOf, Parameters
from core.entrypoints.operations.results import moment_result
from core.services.models.documents import document, note_history, write_document_text
from core.services.plain import plain


class DocumentToWrite(Parameters):
    """Which document, of which version (the current one where none is named), in which form."""

    initiative: str
    kind: Literal["card", "technical"] = "card"
    form: Literal["html", "md"] = "html"
    version: str = ""
    as_of: AsOf = ""


class TextToWrite(Parameters):
    """What to write beside a section; an empty text takes back what stands there."""

    initiative: str
    kind: Literal["card", "technical"] = "card"
    section: str
    text: str = ""


class NotesToRead(Parameters):
    """A section whose wordings to list."""

    initiative: str
    kind: Literal["card", "technical"] = "card"
    section: str
    as_of: AsOf = ""


def _document(call: Call, asked: DocumentToWrite) -> Any:
    moment = call.moment(asked.as_of)
    found = document(
        call.governance, moment, initiative=asked.initiative, kind=asked.kind, version=asked.version
    )
    missing = [
        {"section": section.definition.id, "what": one.what, "remedy": one.remedy}
        for section in found.sections
        for one in section.missing
    ]
    return {
        "moment": moment_result(moment),
        "initiative": asked.initiative,
        "title": found.title,
        "version": found.version,
        "file_name": file_name(found, asked.form),
        "missing": missing,
        "content": render(found, asked.form),
    }


def _write(call: Call, asked: TextToWrite) -> Any:
    values = {**asked.model_dump(exclude={"kind"}), "document": asked.kind}
    write_document_text(call.governance, make(WriteDocumentText, **call.origin, **values))
    return {"initiative": asked.initiative, "kind": asked.kind, "section": asked.section}


def _notes(call: Call, asked: NotesToRead) -> Any:
    moment = call.moment(asked.as_of)
    found = note_history(call.governance, moment, **asked.model_dump(exclude={"as_of"}))
    return {"moment": moment_result(moment), "notes": plain(found)}


OPERATIONS: Mapping[str, Operation] = {
    "write_document": Operation(DocumentToWrite, _document),
    "write_document_text": Operation(TextToWrite, _write),
    "read_document_notes": Operation(NotesToRead, _notes),
}
