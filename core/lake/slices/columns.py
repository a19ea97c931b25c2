"""Columns of prediction files: their types, and the SQL that reads them as numbers or as text."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from core.analytics.slices.rows import MISSING
from core.domain.errors import BadInput, NotFound
from core.lake.memory import Memory

Paths = Sequence[str | Path]
Rows = list[tuple[Any, ...]]

SCAN = "read_parquet($paths, union_by_name = true, hive_partitioning = false)"
_FILES = Memory()

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
NUMBERS = (*_INTEGERS, *(f"U{name}" for name in _INTEGERS), "FLOAT", "DOUBLE", "DECIMAL")
WORDS = ("VARCHAR", "BOOLEAN", "ENUM")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def columns_of(cursor: duckdb.DuckDBPyConnection, paths: Paths) -> dict[str, str]:
    """Column names and types; also the one place where a missing or broken file shows."""
    if not paths:
        raise BadInput("there are no predictions to slice", remedy="Register a prediction batch first.")
    rows = known_of(cursor, paths, f"DESCRIBE SELECT * FROM {SCAN}")
    return {row[0]: "LIST" if row[1].endswith("]") else row[1] for row in rows}


def type_of(feature: str, columns: Mapping[str, str]) -> str:
    if feature not in columns:
        raise NotFound(
            f"{feature!r} is not a column of these predictions", remedy=f"Use one of: {', '.join(columns)}."
        )
    return columns[feature]


def known_of(cursor: duckdb.DuckDBPyConnection, paths: Paths, query: str, **given: Hashable) -> Rows:
    """What a query over files gives, kept while they do not change: batches never do."""
    parameters = {"paths": [str(path) for path in paths], **given}
    try:
        stats = [(str(path), Path(path).stat()) for path in paths]
    except OSError:  # files that cannot be told apart by time and size
        return run(cursor, query, parameters)
    state = tuple((path, stat.st_mtime_ns, stat.st_size, stat.st_ino) for path, stat in stats)
    key = (query, tuple(given.items()), state)
    return _FILES.recall("files", key, lambda: run(cursor, query, parameters), room=4096)


def run(cursor: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, Any]) -> Rows:
    try:
        return cursor.execute(query, parameters).fetchall()
    except duckdb.IOException as error:
        raise NotFound(
            "a prediction file cannot be opened",
            where=", ".join(parameters["paths"]),
            remedy="Restore the file.",
        ) from error
    except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(
            f"the predictions cannot be read: {reason}", remedy="Check the batch's file."
        ) from error


def natural_order(values: Sequence[str | int]) -> list[tuple[bool, float, str]]:
    """Natural order: numbers by size, then words, missing last."""
    order = []
    for value in values:
        text = str(value)
        size = float(text) if _PLAIN_NUMBER.fullmatch(text) else math.inf
        order.append((value in (MISSING, -1), size, text))
    return order


def quoted(name: str) -> str:
    """A column name as SQL."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def number_sql(name: str) -> str:
    """SQL of a column as a number; NaN is no value."""
    return as_number(quoted(name))


def text_sql(name: str, kind: str) -> str:
    """SQL of a column as text; blank and NaN are missing, 1.0 reads 1 (a code with gaps became a float)."""
    return as_text(quoted(name), kind)


def as_number(column: str) -> str:
    """SQL of a quoted column, or of an expression, as a number."""
    return f"nullif(CAST({column} AS DOUBLE), CAST('NaN' AS DOUBLE))"


def as_text(column: str, kind: str) -> str:
    """SQL of a quoted column, or of an expression of this type, as text."""
    number = as_number(column)
    if kind in ("FLOAT", "DOUBLE"):
        whole = f"{number} = trunc({number}) AND abs({number}) < 1e15"
        integer = f"CAST(TRY_CAST({number} AS BIGINT) AS VARCHAR)"
        text = f"CASE WHEN {whole} THEN {integer} ELSE CAST({number} AS VARCHAR) END"
        return f"coalesce({text}, '{MISSING}')"
    text = f"CAST({column} AS VARCHAR)"
    return f"CASE WHEN {column} IS NULL OR trim({text}) = '' THEN '{MISSING}' ELSE {text} END"
