"""True outcomes that come after the predictions."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from core.connectors.prediction_files import open_predictions
from core.domain.chain import Fact
from core.domain.commands import Command
from core.domain.errors import BadInput, Conflict
from core.domain.facts.measured import ColumnMapping
from core.domain.given import InitiativeId, Laid, VersionId, option
from core.lake.facts import latest
from core.lake.monitoring import readings as monitoring
from core.lake.monitoring.decay_outcomes import OutcomeFile, outcomes, write_outcomes
from core.lake.monitoring.decay_records import keep_content
from core.services.governance import Governance
from core.services.measured.predictions import require_version


class AddOutcomes(Command):
    """Add true outcomes that came after the predictions; the next refresh holds estimates against them."""

    may: ClassVar[str] = "add_predictions"

    initiative: InitiativeId
    version: VersionId = ""
    file: Annotated[Path, Field(description="CSV (UTF-8), Parquet or Arrow with ids and outcomes."), Laid()]
    name: Annotated[str, StringConstraints(max_length=200)] = ""
    row_id: Annotated[
        str, Field(description="Column of the row's id; as kept by default."), option("--id")
    ] = ""
    target: Annotated[str, Field(description="Column of the outcome; as kept by default.")] = ""


@dataclass(frozen=True)
class AddedOutcomes:
    """Outcomes that are on record now, and how many files of them the version has."""

    rows: int
    files: int


def add_outcomes(governance: Governance, command: AddOutcomes) -> AddedOutcomes:
    """Judge a file of outcomes as a whole, keep it by its digest, and register it.

    Rows are found by their id. A second outcome of a row takes the place of the first; both stay on record.

    Raises
    ------
    NotFound, BadInput
        No such initiative or version; the file is refused, and nothing is stored.
    Conflict
        The same outcomes were added before.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    require_version(governance, command.initiative, command.version, moment)
    store = governance.store
    batches = monitoring.batches(store, command.initiative, command.version, moment)
    later = [Path(batch.path) for batch in batches if batch.part == "analysis"]
    if not later:
        raise BadInput(
            f"version '{command.version[:20]}' has no analysis batch",
            where=command.initiative,
            remedy="Add the predictions first.",
        )
    kept = latest(store, ColumnMapping, moment, command.initiative, version=command.version)
    row_id = command.row_id or (kept.row_id if kept else "") or "row_id"
    target = command.target or (kept.target if kept else "") or "y_true"
    with tempfile.TemporaryDirectory(dir=store.folder) as folder:
        work = Path(folder)
        source = open_predictions(command.file, command.name or command.file.name, work)
        csv = source.kind == "csv"
        given = OutcomeFile(source.file, source.name, csv, source.columns, row_id, target)
        part = work / "outcomes.parquet"
        rows = write_outcomes(store, given, later, batches[-1].task, batches[-1].classes, part)
        sha256 = hashlib.sha256(part.read_bytes()).hexdigest()
        known = outcomes(store, command.initiative, command.version, moment)
        if sha256 in {row["sha256"] for row in known}:
            raise Conflict(
                "these outcomes were added before", where=source.name, remedy="Nothing is to be done."
            )
        stored = keep_content(store, part)
    row = {
        "initiative": command.initiative,
        "version": command.version,
        "path": stored.path,
        "sha256": stored.sha256,
        "rows": rows,
        "source_name": given.name,
    }
    subject = f"{command.initiative}/{command.version}/{stored.sha256[:16]}"
    fact = Fact("outcomes_added", subject, "prediction_outcomes", (row,))
    store.append([fact], actor=command.actor.id, at=command.at)
    return AddedOutcomes(rows, len(known) + 1)
