"""Which versions have predictions, what a canonical batch holds, and the outcomes that came to it later."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from core.analytics.drift.data_quality import beyond_repeats, beyond_twins
from core.domain.errors import BadInput
from core.domain.facts import measured as facts
from core.domain.facts.measured import BatchIntake, PredictionBatch, PredictionOutcomes
from core.domain.facts.recorded import but
from core.domain.models.column_mapping import TRUE, ColumnMapping, kept_mapping
from core.domain.moment import Moment
from core.lake.facts import history, latest
from core.lake.predictions.intake_columns import group_size, label_sql, quoted
from core.lake.query import asking, fetch_as, moment_values
from core.lake.slices.rows import SCAN as FILES
from core.lake.slices.rows import known_of
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


def describe_batch(store: Store, file: Path) -> BatchFacts:
    """Read what a canonical batch holds."""
    cursor = store.cursor()
    path = [str(file)]
    try:
        columns = tuple(column_types(cursor, file))
    except duckdb.Error as error:
        raise BadInput(
            "the file cannot be read as Parquet", where=file.name, remedy="Export it again as Parquet."
        ) from error
    lacking = [column for column in ("row_id", "y_pred") if column not in columns]
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


def weight_of(store: Store, initiative: str, version: str, moment: Moment) -> str:
    """The column that says how many a row of a version stands for, so that it is no feature; else empty."""
    kept = latest(store, facts.ColumnMapping, moment, initiative, version=version)
    return kept_mapping(kept).weight if kept else ""


def refuse_weights(store: Store, file: Path, weight: str, name: str) -> None:
    """Refuse weights that a row lacks, or that are no number of 0 or more; nothing where none is declared."""
    if not weight:
        return
    cursor = store.cursor()
    value = f"TRY_CAST({quoted(weight)} AS DOUBLE)"
    broken = f"{value} IS NULL OR NOT isfinite({value}) OR {value} < 0"
    query = f"SELECT count(*) FILTER (WHERE {broken}), sum({value}) FROM {SCAN}"
    known = weight in column_types(cursor, file)
    rows, total = cursor.execute(query, [str(file)]).fetchall()[0] if known else (0, 0)
    if rows or not total:
        what = f"{rows:,} rows have no weight of 0 or more" if rows else "no row has a weight above 0"
        raise BadInput(
            f"column '{weight}' cannot be the weight: {what}", where=name, remedy="Give every row one."
        )


@dataclass(frozen=True)
class OutcomeFile:
    """A file of outcomes, and which of its columns is what; outcomes are called as `mapping` says."""

    file: Path
    name: str
    from_csv: bool
    columns: tuple[str, ...]
    row_id: str
    target: str
    mapping: ColumnMapping


_CSV = "read_csv($file, all_varchar = true, header = true)"
_PARQUET = "read_parquet($file, hive_partitioning = false)"
_SHOWN = 3


def write_outcomes(
    store: Store, given: OutcomeFile, batches: Sequence[str], target: Path
) -> tuple[int, set[str]]:
    """Judge a file of outcomes, write it as `row_id` and `y_true`; its rows, and the batches of these."""
    for column in (given.row_id, given.target):
        if column not in given.columns:
            raise BadInput(
                f"there is no column '{column}'",
                where=given.name,
                remedy=f"Use one of: {', '.join(given.columns[:12])}.",
            )
    cursor = store.cursor()
    source = _CSV if given.from_csv else _PARQUET
    try:
        described = cursor.execute(f"DESCRIBE SELECT * FROM {source}", {"file": str(given.file)}).fetchall()
        kinds = {str(row[0]): str(row[1]) for row in described}
        cursor.execute(
            f"CREATE TEMP TABLE outcomes_in AS SELECT trim({quoted(given.row_id)}::VARCHAR) AS row_id, "
            f"{label_sql(given.target, kinds[given.target], given.mapping)} AS y_true, "
            f"trim({quoted(given.target)}::VARCHAR) AS said FROM {source}",
            {"file": str(given.file)},
        )
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise BadInput(
            f"the file cannot be read: {reason}", where=given.name, remedy="Export it again."
        ) from error
    try:
        _refuse(cursor, given, batches)
        of = f"SELECT DISTINCT filename FROM {_OF_BATCHES} JOIN outcomes_in USING (row_id)"
        has = {str(row[0]) for row in cursor.execute(of, {"paths": list(batches)}).fetchall()}
        table = cursor.execute("SELECT row_id, y_true FROM outcomes_in ORDER BY row_id").to_arrow_table()
    finally:
        cursor.execute("DROP TABLE outcomes_in")
    import pyarrow.parquet as pq

    pq.write_table(table, target, compression="zstd")
    return int(table.num_rows), has


_OF_BATCHES = f"(SELECT row_id::VARCHAR AS row_id, filename FROM {FILES.replace(')', ', filename = true)')})"


def _refuse(cursor: duckdb.DuckDBPyConnection, given: OutcomeFile, batches: Sequence[str]) -> None:
    def found(condition: str, shown: str = "row_id", **values: list[str]) -> list[str]:
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
    mapping = given.mapping
    strange, values = "y_true IS NULL", {}
    if mapping.task == "multiclass":
        strange, values = f"{strange} OR NOT list_contains($labels, y_true)", {"labels": [*mapping.labels]}
    elif mapping.task == "regression":
        strange += " OR NOT isfinite(y_true)"
    allowed = {"binary": " and ".join(mapping.labels), "regression": "numbers"}
    said = found(strange, "coalesce(said, '(empty)')", **values)
    remedy = f"Allowed here: {allowed.get(mapping.task, ', '.join(mapping.labels))}."
    refuse(f"column '{given.target}' holds what is no outcome", said, remedy)
    paths = list(batches)
    unknown = found(f"row_id NOT IN (SELECT row_id FROM {_OF_BATCHES})", paths=paths)
    refuse("ids belong to no prediction of this version", unknown, "Add the predictions first.")
    query = f"SELECT row_id FROM {_OF_BATCHES} GROUP BY row_id HAVING count(*) > 1"
    shared = found(f"row_id IN ({query})", paths=paths)
    refuse("ids stand in several batches", shared, "Add the batches with ids of their own.")


_A_DAY = 24 * 60 * 60
_KINDS: Mapping[str, str] = {"binary": "TINYINT", "multiclass": "VARCHAR", "regression": "DOUBLE"}
_JOINED = f"""
    SELECT batch.* {{without}}, found.y_true FROM {_PARQUET} batch POSITIONAL JOIN (
        SELECT coalesce(CAST(later.y_true AS {{kind}}), {{known}}) AS y_true
        FROM read_parquet($file, file_row_number = true, hive_partitioning = false) rows LEFT JOIN (
            SELECT row_id, arg_max(y_true, list_position($later, filename)) AS y_true
            FROM read_parquet($later, filename = true) GROUP BY row_id
        ) later ON later.row_id = rows.row_id::VARCHAR
        ORDER BY rows.file_row_number) found
"""
"""The rows in their order, with the newest outcome of each."""


def with_outcomes(
    store: Store, batch: PredictionBatch, later: Sequence[PredictionOutcomes]
) -> PredictionBatch:
    """A batch with the outcomes that came to it later, oldest file first, as if it had been given with them.

    It is a file of its own, named by all that it rests on, so that whatever was counted of other outcomes is
    of another file. The folder may be deleted at any time; files overtaken a day ago are.

    Raises
    ------
    BadInput
        They cannot be joined: a file is gone or damaged, or there is no room.
    """
    if not later or not Path(batch.path).is_file():
        return batch
    target = joined_file(store, batch, later)
    if not target.exists():
        _join(store.cursor(), batch, [one.path for one in later], target)
        for other in target.parent.glob(f"{target.name.rpartition('-')[0]}-*"):
            if other != target and time.time() - other.stat().st_mtime > _A_DAY:
                other.unlink(missing_ok=True)
    path = str(target)
    ((labelled,),) = known_of(store.cursor(), [path], f"SELECT count({TRUE}) FROM {FILES}")
    columns = (*(name for name in batch.columns if name != TRUE), TRUE)
    return but(batch, path=path, labelled=labelled, columns=columns)


def joined_file(store: Store, batch: PredictionBatch, later: Sequence[PredictionOutcomes]) -> Path:
    """Where a batch lies with these outcomes, oldest file first."""
    rests = hashlib.sha256(" ".join((batch.sha256, *(one.sha256 for one in later))).encode()).hexdigest()
    return store.folder / "joined" / f"{batch.part}-{batch.sha256[:16]}-{rests[:16]}.parquet"


def joined_rightly(
    store: Store, batch: PredictionBatch, later: Sequence[PredictionOutcomes], file: Path
) -> bool:
    """Whether a file has the rows of a batch with these outcomes, and no others."""
    query = (
        f"SELECT count(*) FROM ({_joining(batch)}) made POSITIONAL JOIN (FROM read_parquet($joined)) kept "
        "WHERE made IS DISTINCT FROM kept"
    )
    given = {"file": batch.path, "later": [one.path for one in later], "joined": str(file)}
    try:
        return store.cursor().execute(query, given).fetchall() == [(0,)]
    except duckdb.Error:
        return False


def _joining(batch: PredictionBatch) -> str:
    without, known = (f"EXCLUDE ({TRUE})", f"rows.{TRUE}") if TRUE in batch.columns else ("", "NULL")
    return _JOINED.format(without=without, known=known, kind=_KINDS[batch.task])


def _join(
    cursor: duckdb.DuckDBPyConnection, batch: PredictionBatch, later: Sequence[str], target: Path
) -> None:
    part = target.with_name(f"part-{os.urandom(8).hex()}")
    place, size = str(part).replace("'", "''"), group_size(len(batch.columns))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        cursor.execute(
            f"COPY ({_joining(batch)}) TO '{place}' "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {size})",
            {"file": batch.path, "later": list(later)},
        )
        part.replace(target)
    except (duckdb.Error, OSError) as problem:
        raise BadInput(
            f"predictions and outcomes cannot be joined: {str(problem).splitlines()[0][:200]}",
            where=batch.part,
            remedy="Check the files with 'governance verify', and the room on the disk.",
        ) from problem
    finally:
        part.unlink(missing_ok=True)
