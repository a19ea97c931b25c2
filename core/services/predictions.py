"""Adding batches of predictions to a model version."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from core.domain.chain import Fact
from core.domain.commands import Command, Task
from core.domain.errors import BadInput, Conflict, NotFound
from core.lake import initiatives as lake
from core.lake.batch_facts import describe_batch
from core.lake.files import keep_batch
from core.services.governance import Governance
from core.services.lookups import require_initiative


class AddPredictions(Command):
    """Add a canonical Parquet file (see `core.connectors.prediction_files`) to a model version."""

    initiative: str
    version: str
    part: Literal["reference", "analysis"]
    file: Path
    task: Task
    sensitive: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


def add_predictions(governance: Governance, command: AddPredictions) -> int:
    """Keep a batch by its digest, register it, and return its number of rows.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative, version or column; the file is not a canonical batch.
    Conflict
        The same batch was added before.
    """
    governance.roles.require(command.actor, "add_predictions")
    moment = governance.moment(command.at)
    require_initiative(governance, command.initiative, moment)
    versions = lake.versions(governance.store, command.initiative, moment)
    if command.version not in {row["version"] for row in versions}:
        raise NotFound(
            f"{command.initiative} has no version '{command.version[:20]}'",
            remedy="Register the version first.",
        )
    found = describe_batch(governance.store, command.file, command.task)
    for feature in command.sensitive:
        if feature not in found.columns:
            raise BadInput(
                f"there is no column '{feature}'", where=command.file.name, remedy="Name one that is there."
            )
    stored = keep_batch(governance.store, command.file, command.initiative, command.version, command.part)
    row = {
        **command.model_dump(include={"initiative", "version", "part", "task", "sensitive", "classes"}),
        "path": stored.path,
        "sha256": stored.sha256,
        "rows": found.rows,
        "labelled": found.labelled,
        "first_at": found.first_at,
        "last_at": found.last_at,
        "columns": found.columns,
    }
    subject = f"{command.initiative}/{command.version}/{command.part}/{stored.sha256[:16]}"
    fact = Fact("predictions_added", subject, "prediction_batch", (row,), first=True)
    try:
        governance.store.append([fact], actor=command.actor.id, at=command.at)
    except Conflict as error:
        raise Conflict(
            "this batch was added before", where=command.file.name, remedy="Nothing is to be done."
        ) from error
    return found.rows
