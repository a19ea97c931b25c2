"""Forgetting an evidence file on purpose: the file goes, its digest stays, and the record says why."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from core.domain.chain import Fact
from core.domain.commands import Command, Words
from core.domain.errors import NotFound
from core.domain.given import InitiativeId, argument
from core.lake.record.verify_files import drop_if_purged, known_files
from core.services.governance import Governance
from core.services.lookups import require_initiative


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
    Forbidden, NotFound
        The actor may not; no such initiative, or it has no such file.
    """
    governance.roles.require(command.actor, command.may)
    require_initiative(governance, command.initiative, governance.present(command.at))
    store = governance.store
    held = [
        file
        for file in known_files(store.cursor(), store)
        if (file.table, file.initiative, file.sha256) == ("evidence", command.initiative, command.sha256)
    ]
    if not any(not file.purged for file in held):
        raise NotFound(
            f"{command.initiative} holds no evidence file '{command.sha256[:16]}'",
            remedy="Take the digest from the initiative's evidence.",
        )
    row = command.model_dump(include={"initiative", "sha256", "reason"})
    fact = Fact("evidence_purged", command.initiative, "evidence_purged", (row,))
    store.append([fact], actor=command.actor.id, at=command.at)
    return drop_if_purged(store, command.sha256)
