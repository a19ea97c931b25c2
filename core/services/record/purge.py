"""Forgetting an evidence file on purpose: the file goes, its digest stays, and the record says why."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from core.domain.commands import Command, Words
from core.domain.errors import NotFound
from core.domain.facts.record import EvidencePurged
from core.domain.given import InitiativeId, argument
from core.lake.record.verify_files import drop_if_purged, known_files
from core.services.case import begin
from core.services.governance import Governance


class PurgeEvidence(Command):
    """Have an evidence file forgotten: the file goes, its digest and the reason stay on record."""

    may: ClassVar[str] = "purge_evidence"

    initiative: InitiativeId
    sha256: Annotated[str, Field(description="Digest of the file."), argument()]
    reason: Annotated[Words, Field(min_length=10, description="Why it is forgotten; stays on record.")]


def purge_evidence(governance: Governance, command: PurgeEvidence) -> bool:
    """Put on record that a file was forgotten, and remove it; False where another initiative still holds it.

    The entry that brought the file stays as it is, so that the chain verifies; what it proved stays proved.

    Raises
    ------
    NotFound
        No such initiative, or it has no such file.
    """
    case = begin(governance, command)
    initiative, store = case.initiative.initiative, governance.store
    held = [
        file
        for file in known_files(store.cursor(), store)
        if (file.table, file.initiative, file.sha256) == ("evidence", initiative, command.sha256)
    ]
    if not any(not file.purged for file in held):
        raise NotFound(
            f"{initiative} holds no evidence file '{command.sha256[:16]}'",
            remedy="Take the digest from the initiative's evidence.",
        )
    gone = EvidencePurged(initiative=initiative, sha256=command.sha256, reason=command.reason)
    case.put("evidence_purged", gone)
    return drop_if_purged(store, command.sha256)
