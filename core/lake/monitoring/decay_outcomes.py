"""True outcomes that come after the predictions: judged as a whole, kept, and joined to rows by their id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from core.analytics.job_specs import RefusedInput
from core.domain.errors import BadInput
from core.lake.monitoring.decay_inputs import SCAN
from core.lake.predictions.intake_columns import quoted
from core.lake.store import Store

_CSV = "read_csv($file, all_varchar = true, header = true)"
_PARQUET = "read_parquet($file, hive_partitioning = false)"
_SHOWN = 3


@dataclass(frozen=True)
class OutcomeFile:
    """A file of outcomes, and which of its columns is what."""

    file: Path
    name: str
    from_csv: bool
    columns: tuple[str, ...]
    row_id: str
    target: str


def write_outcomes(
    store: Store, given: OutcomeFile, batches: Sequence[Path], task: str, labels: Sequence[str], target: Path
) -> int:
    """Judge a file of outcomes against the version's batches, write it as `row_id` and `y_true`, count rows.

    Raises
    ------
    BadInput
        A column is missing; ids are empty, stand twice, or belong to no prediction; an outcome is missing or
        is none that the model can have. The message names the first ones.
    """
    for column in (given.row_id, given.target):
        if column not in given.columns:
            raise BadInput(
                f"there is no column '{column}'",
                where=given.name,
                remedy=f"Use one of: {', '.join(given.columns[:12])}.",
            )
    cursor = store.cursor()
    source = _CSV if given.from_csv else _PARQUET
    text = f"trim({quoted(given.target)}::VARCHAR)"
    value = text if task == "multiclass" else f"TRY_CAST({text} AS DOUBLE)"
    query = (
        f"CREATE TEMP TABLE outcomes_in AS SELECT trim({quoted(given.row_id)}::VARCHAR) AS row_id, "
        f"{value} AS y_true, {text} AS said FROM {source}"
    )
    try:
        cursor.execute(query, {"file": str(given.file)})
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise BadInput(
            f"the file cannot be read: {reason}", where=given.name, remedy="Export it again."
        ) from error
    try:
        _refuse(cursor, given, batches, task, labels)
        table = cursor.execute("SELECT row_id, y_true FROM outcomes_in ORDER BY row_id").to_arrow_table()
    finally:
        cursor.execute("DROP TABLE outcomes_in")
    import pyarrow.parquet as pq

    pq.write_table(table, target, compression="zstd")
    return int(table.num_rows)


def _refuse(
    cursor: duckdb.DuckDBPyConnection,
    given: OutcomeFile,
    batches: Sequence[Path],
    task: str,
    labels: Sequence[str],
) -> None:
    def found(condition: str, shown: str = "row_id", **values: Any) -> list[str]:
        query = f"SELECT {shown} FROM outcomes_in WHERE {condition} LIMIT {_SHOWN}"
        return [str(row[0]) for row in cursor.execute(query, values).fetchall()]

    def refuse(words: str, ones: list[str], remedy: str) -> None:
        if ones:
            named = ", ".join(f"'{one[:40]}'" for one in ones)
            raise BadInput(f"{words}: {named}", where=given.name, remedy=remedy)

    if not cursor.execute("SELECT count(*) FROM outcomes_in").fetchall()[0][0]:
        raise BadInput("the file has no rows", where=given.name, remedy="Export it again.")
    refuse("rows have no id", found("row_id IS NULL OR row_id = ''", "'(empty)'"), "Give every row its id.")
    twice = "row_id IN (SELECT row_id FROM outcomes_in GROUP BY row_id HAVING count(*) > 1)"
    refuse("ids stand twice", found(twice, "DISTINCT row_id"), "Keep one outcome an id.")
    strange = "y_true IS NULL" if task != "multiclass" else "y_true IS NULL OR y_true = ''"
    values: dict[str, Any] = {}
    if task == "binary":
        strange += " OR y_true NOT IN (0, 1)"
    elif task == "multiclass":
        strange += " OR NOT list_contains($labels, y_true)"
        values["labels"] = list(labels)
    else:
        strange += " OR NOT isfinite(y_true)"
    allowed = {"binary": "0 and 1", "multiclass": ", ".join(labels), "regression": "numbers"}[task]
    said = found(strange, "coalesce(said, '(empty)')", **values)
    refuse(f"column '{given.target}' holds what is no outcome", said, f"Allowed here: {allowed}.")
    paths = [str(path) for path in batches]
    unknown = found(f"row_id NOT IN (SELECT row_id::VARCHAR FROM {SCAN})", paths=paths)
    refuse("ids belong to no prediction of this version", unknown, "Add the predictions first.")


def joined_rows(
    cursor: duckdb.DuckDBPyConnection, paths: Sequence[Path], later: Sequence[Path], target: Path
) -> Path:
    """Write prediction rows with the outcomes that came later, in the order of the files; the newest counts.

    Raises
    ------
    RefusedInput
        The predictions have no ids to join by, or a file cannot be read.
    """
    import pyarrow.parquet as pq

    try:
        described = cursor.execute(
            f"DESCRIBE SELECT * FROM {SCAN}", {"paths": [str(path) for path in paths]}
        ).fetchall()
        known = {str(row[0]): str(row[1]) for row in described}
        if "row_id" not in known:
            raise RefusedInput("the predictions have no 'row_id'", remedy="Add predictions with ids.")
        kind = known.get("y_true") or _kind_of(cursor, later)
        truth = f"CAST(later.y_true AS {kind})"
        chosen = [quoted(name) for name in known if name != "y_true"]
        if "y_true" in known:
            truth = f"coalesce({truth}, rows.y_true)"
        query = f"""
            WITH rows AS (SELECT * FROM {SCAN.replace(")", ", filename = true, file_row_number = true)")}),
            later AS (SELECT row_id, arg_max(y_true, list_position($later, filename)) AS y_true
                FROM read_parquet($later, filename = true) GROUP BY row_id)
            SELECT {", ".join(f"rows.{name}" for name in chosen)}, {truth} AS y_true
            FROM rows LEFT JOIN later ON later.row_id = rows.row_id::VARCHAR
            ORDER BY list_position($paths, rows.filename), rows.file_row_number
        """
        values = {"paths": [str(path) for path in paths], "later": [str(path) for path in later]}
        reader = cursor.execute(query, values).to_arrow_reader(200_000)
        with pq.ParquetWriter(target, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
    except duckdb.Error as problem:
        raise RefusedInput(
            "predictions and outcomes cannot be joined", remedy="Check the files with 'governance verify'."
        ) from problem
    return target


def _kind_of(cursor: duckdb.DuckDBPyConnection, later: Sequence[Path]) -> str:
    query = "DESCRIBE SELECT y_true FROM read_parquet($later)"
    return str(cursor.execute(query, {"later": [str(path) for path in later]}).fetchall()[0][1])
