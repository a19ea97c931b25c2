"""Which versions have predictions, and what a canonical batch holds, read from the Parquet file itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from core.domain.errors import BadInput
from core.domain.facts.measured import BatchIntake
from core.domain.moment import Moment
from core.lake.facts import history
from core.lake.query import fetch_as
from core.lake.store import Store

SCAN = "read_parquet(?, hive_partitioning = false)"
_REGISTERED = """
    WITH latest AS (SELECT initiative, arg_max(name, seq) AS name FROM initiative
                    WHERE seq <= $seq GROUP BY initiative)
    SELECT v.initiative, l.name, v.version, v.task,
        (SELECT count(*) FROM prediction_batch b WHERE b.initiative = v.initiative
            AND b.version = v.version AND b.seq <= $seq) AS batches
    FROM model_version v JOIN latest l USING (initiative) WHERE v.seq <= $seq
    ORDER BY l.name, v.seq DESC
"""


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """A model version to which predictions may be added; `batches` counts those that are there."""

    initiative: str
    name: str
    version: str
    task: str
    batches: int


def registered_versions(store: Store, moment: Moment) -> tuple[RegisteredVersion, ...]:
    """Every registered model version by its initiative's name, newest first."""
    return tuple(fetch_as(store.cursor(), RegisteredVersion, _REGISTERED, {"seq": moment.seq}))


def intakes(store: Store, initiative: str, version: str, moment: Moment) -> list[BatchIntake]:
    """How the version's batches came in, oldest first; batches from before this was kept are not here."""
    return [one for one in history(store, BatchIntake, moment, initiative) if one.version == version]


@dataclass(frozen=True)
class BatchFacts:
    """Rows, rows with a target, time span (None without timestamps) and columns of a batch."""

    rows: int
    labelled: int
    first_at: datetime | None
    last_at: datetime | None
    columns: tuple[str, ...]


def describe_batch(store: Store, file: Path, task: str) -> BatchFacts:
    """Read what a canonical batch holds."""
    cursor = store.cursor()
    path = [str(file)]
    try:
        columns = tuple(column_types(cursor, file))
    except duckdb.Error as error:
        raise BadInput(
            "the file cannot be read as Parquet", where=file.name, remedy="Export it again as Parquet."
        ) from error
    needed = ["row_id", "y_pred"] + (["y_score"] if task == "binary" else [])
    lacking = [column for column in needed if column not in columns]
    if lacking:
        raise BadInput(
            f"column {', '.join(lacking)} is missing",
            where=file.name,
            remedy="Map your columns to these names.",
        )
    labelled = "count(y_true)" if "y_true" in columns else "0"
    span = "min(timestamp), max(timestamp)" if "timestamp" in columns else "NULL, NULL"
    query = f"SELECT count(*), {labelled}, {span} FROM {SCAN}"
    rows, targets, first_at, last_at = cursor.execute(query, path).fetchall()[0]
    if not rows:
        raise BadInput("the file has no rows", where=file.name, remedy="Export it again.")
    return BatchFacts(rows, targets, first_at, last_at, columns)


def column_types(cursor: duckdb.DuckDBPyConnection, file: Path) -> dict[str, str]:
    """Columns of a Parquet file in its order, with their types."""
    rows = cursor.execute(f"DESCRIBE SELECT * FROM {SCAN}", [str(file)]).fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def text_columns(store: Store, file: Path) -> tuple[str, ...]:
    """Columns of a kept batch that hold texts, in the file's order."""
    return tuple(name for name, kind in column_types(store.cursor(), file).items() if kind == "VARCHAR")
