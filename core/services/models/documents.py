"""Model card and technical file: made from the record, with what people wrote beside it."""

from __future__ import annotations

from collections.abc import Callable

from core.domain.chain import Fact
from core.domain.errors import BadInput, Conflict, NotFound
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
from core.lake.models import documents as lake
from core.services.governance import Governance
from core.services.lookups import require_initiative
from core.services.models import document_frameworks, document_model, document_process
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
    """Write a model card or a technical file as of a moment; without a version it is about the current one.

    Raises
    ------
    NotFound
        No such initiative, version or kind of document.
    """
    chosen = _kind(kind)
    material = gather(governance, moment, initiative, version)
    noted = _notes(governance, moment, initiative, chosen)
    sections = []
    for definition in sections_of(chosen):
        parts, newest = _WRITERS[definition.id](material), noted.get(definition.id)
        note = newest if newest is not None and newest.text else None
        if definition.id == "limits" and note is not None:
            parts = parts[:-1]  # somebody has described them: nothing is missing
        sections.append(Section(definition, parts, note, newest.wordings if newest else 0))
    known = material.sheet.initiative
    return Document(
        chosen,
        initiative,
        known.name,
        material.version,
        moment.at,
        moment.seq,
        lake.digest_at(governance.store, moment.seq),
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

    Raises
    ------
    NotFound
        No such initiative or kind of document.
    """
    require_initiative(governance, initiative, moment)
    rows = lake.notes(governance.store, initiative, _kind(kind), moment)
    found = [row for row in rows if row["section"] == section]
    return tuple(
        Note(row["actor_name"], row["recorded_at"], row["text"], place)
        for place, row in reversed(list(enumerate(found, start=1)))
    )


def write_document_text(governance: Governance, command: WriteDocumentText) -> None:
    """Write beside the generated text of a section; the generated text stays, and so do earlier wordings.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative or section; nothing would change.
    Conflict
        Somebody else wrote there meanwhile.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    require_initiative(governance, command.initiative, moment)
    known = {section.id: section.title for section in sections_of(command.kind)}
    if command.section not in known:
        raise NotFound(
            f"a {KINDS[command.kind].lower()} has no section '{command.section[:40]}'",
            remedy=f"Use one of: {', '.join(known)}.",
        )
    earlier = note_history(
        governance, moment, initiative=command.initiative, kind=command.kind, section=command.section
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
    row = command.model_dump(include={"initiative", "kind", "section", "text"})
    action = "document_text_written" if command.text else "document_text_taken_back"
    governance.store.append(
        [Fact(action, command.initiative, "document_text", (row,))], actor=command.actor.id, at=command.at
    )


def _notes(governance: Governance, moment: Moment, initiative: str, kind: Kind) -> dict[str, Note]:
    """The newest wording of each section; its text is empty where it was taken back."""
    found: dict[str, Note] = {}
    for row in lake.notes(governance.store, initiative, kind, moment):
        before = found.get(row["section"])
        wordings = before.wordings + 1 if before else 1
        found[row["section"]] = Note(row["actor_name"], row["recorded_at"], row["text"], wordings)
    return found


def _kind(kind: str) -> Kind:
    for known in KINDS:
        if known == kind:
            return known
    raise NotFound(f"'{kind[:40]}' is no kind of document", remedy=f"Use one of: {', '.join(KINDS)}.")
