"""Model card and technical file: made from the record, with what people wrote beside it."""

from __future__ import annotations

from collections.abc import Callable

from core.domain.errors import BadInput, Conflict, NotFound
from core.domain.facts.models import DocumentText
from core.domain.given import InitiativeId
from core.domain.models.model_card import (
    KINDS,
    Document,
    Kind,
    Note,
    OfKind,
    Part,
    Section,
    SectionId,
    WriteDocumentText,
    sections_of,
)
from core.domain.moment import Moment
from core.lake import directory
from core.lake.facts import history
from core.lake.record.entries import digest_at
from core.services.case import begin
from core.services.governance import Governance
from core.services.lookups import registered
from core.services.models import document_model, document_process
from core.services.models import document_process as document_frameworks
from core.services.models.document_material import Material, gather

_WRITERS: dict[str, Callable[[Material], tuple[Part, ...]]] = {
    "use": document_model.use,
    "risk": document_model.risk,
    "model": document_model.model,
    "data": document_model.data,
    "performance": document_model.performance,
    "slices": document_model.slices,
    "decay": document_model.decay,
    "limits": document_model.limits,
    "decisions": document_process.decisions,
    "waivers": document_process.waivers,
    "requirements": document_process.requirements,
    "checks": document_process.checks,
    "frameworks": document_frameworks.frameworks,
    "history": document_process.history,
    "origin": document_process.origin,
}


def document(
    governance: Governance, moment: Moment, *, initiative: str, kind: str = "card", version: str = ""
) -> Document:
    """Write a model card or technical file as of a moment; without a version it is about the current one."""
    chosen = _kind(kind)
    material = gather(governance, moment, initiative, version)
    noted = _wordings(governance, moment, initiative, chosen)
    sections = []
    for definition in sections_of(chosen):
        parts, wordings = _WRITERS[definition.id](material), noted.get(definition.id, ())
        note = wordings[-1] if wordings and wordings[-1].text else None
        if definition.id == "limits" and note is not None:
            parts = parts[:-1]  # somebody has described them: nothing is missing
        sections.append(Section(definition, parts, note, len(wordings)))
    known = material.sheet.initiative
    return Document(
        chosen,
        initiative,
        known.name,
        material.version,
        moment.at,
        moment.seq,
        digest_at(governance.store, moment.seq) or "",
        tuple(sections),
    )


def note_history(
    governance: Governance,
    moment: Moment,
    *,
    initiative: InitiativeId,
    kind: OfKind = "card",
    section: SectionId,
) -> tuple[Note, ...]:
    """List what people wrote beside a section, newest first.

    Returns
    -------
    tuple of Note
        Every wording; an empty text is where one was taken back.
    """
    registered(governance, initiative, moment)
    found = _wordings(governance, moment, initiative, _kind(kind))
    return tuple(reversed(found.get(section, ())))


def write_document_text(governance: Governance, command: WriteDocumentText) -> None:
    """Write beside the generated text of a section; the generated text stays, and so do earlier wordings.

    Raises
    ------
    NotFound, BadInput
        No such initiative or section; nothing would change.
    Conflict
        Somebody else wrote there meanwhile.
    """
    case = begin(governance, command)
    initiative = case.initiative.initiative
    known = {section.id: section.title for section in sections_of(command.kind)}
    if command.section not in known:
        raise NotFound(
            f"a {KINDS[command.kind].lower()} has no section '{command.section[:40]}'",
            remedy=f"Use one of: {', '.join(known)}.",
        )
    earlier = note_history(
        governance, case.moment, initiative=initiative, kind=command.kind, section=command.section
    )
    if command.seen is not None and len(earlier) != command.seen:
        raise Conflict(
            f"{earlier[0].author} wrote in “{known[command.section]}” meanwhile"
            if earlier
            else "the section is not as you saw it",
            where=command.initiative,
            remedy="Read it, then write again.",
        )
    if command.text == (earlier[0].text if earlier else ""):
        raise BadInput("nothing would change", where=command.section, remedy="Write another text.")
    said = DocumentText(initiative=initiative, kind=command.kind, section=command.section, text=command.text)
    case.put("document_text_written" if command.text else "document_text_taken_back", said)


def _wordings(
    governance: Governance, moment: Moment, initiative: str, kind: Kind
) -> dict[str, tuple[Note, ...]]:
    """Every wording beside each section, oldest first; a text is empty where one was taken back."""
    names = directory.names(governance.store, moment)
    found: dict[str, tuple[Note, ...]] = {}
    for said in history(governance.store, DocumentText, moment, initiative):
        if said.kind == kind:
            before = found.get(said.section, ())
            note = Note(names[said.actor], said.recorded_at, said.text, len(before) + 1)
            found[said.section] = (*before, note)
    return found


def _kind(kind: str) -> Kind:
    for known in KINDS:
        if known == kind:
            return known
    raise NotFound(f"'{kind[:40]}' is no kind of document", remedy=f"Use one of: {', '.join(KINDS)}.")
