"""Which versions have predictions, and what a canonical batch holds, read from the Parquet file itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from core.analytics.drift.data_quality import beyond_repeats, beyond_twins
from core.domain.errors import BadInput
from core.domain.facts.measured import BatchIntake, PredictionBatch
from core.domain.moment import Moment
from core.lake.facts import history
from core.lake.query import asking, fetch_as, moment_values
from core.lake.store import Store

SCAN = "read_parquet(?, hive_partitioning = false)"
_REGISTERED = asking(
    """
    SELECT v.initiative, i.name, v.version, v.task,
        (SELECT count(*) FROM counting_batch b WHERE b.initiative = v.initiative
            AND b.version = v.version) AS batches
    FROM model_version v JOIN current_initiative i USING (initiative) WHERE v.seq <= $seq
    ORDER BY i.name, v.seq DESC
    """,
    "current",
)


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
    return tuple(fetch_as(store.cursor(), RegisteredVersion, _REGISTERED, moment_values(moment)))


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


MOST_COMPARED = 24
"""So many earlier batches is a new one held against, the newest; with times, of those that overlap it."""
_APART = ("row_id", "y_true")
"""Ids may be numbers of rows, and outcomes come later: neither makes a row another one."""


def repeated_rows(cursor: duckdb.DuckDBPyConnection, file: str, facts: BatchFacts) -> Iterator[str]:
    """A note where rows of one file stand in it twice, and that is no accident."""
    query = f"""SELECT count(*) FILTER (WHERE n = 1), count(*) FILTER (WHERE n = 2),
        count(*) FILTER (WHERE n = 3), sum(n - 1) FROM ({_rows_sql(cursor, file, facts.columns)})"""
    once, twice, thrice, repeats = cursor.execute(query, {"file": file}).fetchall()[0]
    if beyond_repeats(once, twice, thrice):
        yield (
            f"{int(repeats):,} rows are equal to another row of the file in all columns{_in_time(facts)}; "
            f"they count twice. {_REMEDY}"
        )


def known_rows(
    cursor: duckdb.DuckDBPyConnection,
    file: str,
    facts: BatchFacts,
    before: Sequence[tuple[PredictionBatch, str]],
) -> Iterator[str]:
    """A note for each earlier batch of which rows stand in this file again, and that is no accident.

    One join of digests of rows a batch, over the columns that both have.
    """
    near = [one for one in before if _may_overlap(facts, one[0])][-MOST_COMPARED:]
    for batch, name in near:
        shared = [column for column in facts.columns if column in set(batch.columns)]
        query = f"""
            WITH now AS ({_rows_sql(cursor, file, shared)}),
            earlier AS ({_rows_sql(cursor, batch.path, shared, "earlier")})
            SELECT sum(least(now.n, earlier.n)), count(*) FILTER (WHERE now.n = 1 AND earlier.n = 1),
                (SELECT count(*) FROM now WHERE n = 2), (SELECT count(*) FROM earlier WHERE n = 2)
            FROM now JOIN earlier USING (digest)
        """
        paths = {"file": file, "earlier": batch.path}
        equal, cross, *twins = cursor.execute(query, paths).fetchall()[0]
        if beyond_twins(cross, (facts.rows, batch.rows), (twins[0], twins[1])):
            yield (
                f"{int(equal):,} rows are equal to rows of the batch {name or batch.sha256[:16]}, added on "
                f"{batch.recorded_at:%Y-%m-%d}, in all columns{_in_time(facts)}; they count twice. {_REMEDY}"
            )


_REMEDY = "Withdraw one of the batches, or give each row an id if they are different cases."


def _in_time(facts: BatchFacts) -> str:
    return " and the time" if facts.first_at else ""


def _may_overlap(facts: BatchFacts, batch: PredictionBatch) -> bool:
    if not (facts.first_at and facts.last_at and batch.first_at and batch.last_at):
        return True
    return facts.first_at <= batch.last_at and batch.first_at <= facts.last_at


def _rows_sql(
    cursor: duckdb.DuckDBPyConnection, file: str, columns: Sequence[str], given: str = "file"
) -> str:
    """Digests of rows over these columns, each with how often it stands; a whole number equals its float."""
    types = column_types(cursor, Path(file))
    told = [
        f'CAST("{doubled}" AS {"VARCHAR" if types[name] in _WORDS else "DOUBLE"})'
        if types[name] != "TIMESTAMP"
        else f'"{doubled}"'
        for name, doubled in ((name, name.replace('"', '""')) for name in sorted(columns))
        if name not in _APART
    ]
    scan = f"read_parquet(${given}, hive_partitioning = false)"
    return f"SELECT hash({', '.join(told)}) AS digest, count(*) AS n FROM {scan} GROUP BY digest"


_WORDS = ("VARCHAR", "BOOLEAN", "DATE")
