"""Which columns predictions can be sliced by, and where a number is cut in bands."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from core.analytics.slices import MISSING, Band
from core.domain.errors import BadInput, NotFound

Paths = Sequence[str | Path]

MAX_FEATURES = 6
MAX_CATEGORIES = 200
FEW_NUMBERS = 20
SCAN = "read_parquet($paths, union_by_name = true, hive_partitioning = false)"

_CANONICAL = ("row_id", "timestamp", "y_pred", "y_true", "y_score")
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
NUMBERS = (*_INTEGERS, *(f"U{name}" for name in _INTEGERS), "FLOAT", "DOUBLE", "DECIMAL")
_WORDS = ("VARCHAR", "BOOLEAN", "ENUM")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class SliceFeature:
    """A column that predictions can be sliced by.

    Parameters
    ----------
    name
        Column name.
    kind
        "category" (each value is a slice) or "number" (cut in bands).
    distinct
        Different values, missing ones not counted.
    missing
        Rows without a value.

    Examples
    --------
    >>> SliceFeature("sex", "category", distinct=2, missing=0).kind
    'category'
    """

    name: str
    kind: Literal["category", "number"]
    distinct: int
    missing: int


def quantile_cuts(
    cursor: duckdb.DuckDBPyConnection, paths: Paths, feature: str, bands: int = 5
) -> tuple[float, ...]:
    """Find cuts that split a number feature in bands of about equally many rows.

    Parameters
    ----------
    cursor, paths
        As in `slice_counts`.
    feature
        A number column.
    bands
        Bands wanted, 2 or more; fewer come back when values repeat much.

    Returns
    -------
    tuple of float
        Rising, each a value that occurs, in the feature's unit. Empty when all values are the same.

    Raises
    ------
    BadInput
        Fewer than two bands, or a column that holds no numbers.
    NotFound
        No such column or file.

    Notes
    -----
    Formula: the discrete quantiles 1/bands, 2/bands, ... without repeats and without the smallest value
    (which would leave the first band empty); when none remain, the second smallest value. Leaves out missing
    and infinite values.
    Source: Hyndman and Fan 1996, Am. Stat. 50(4), definition 1.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path, cursor = f"{folder}/batch.parquet", duckdb.connect()
    ...     _ = cursor.execute(f"COPY (SELECT range AS age FROM range(1, 101)) TO '{path}'")
    ...     quantile_cuts(cursor, [path], "age", bands=4)
    (25.0, 50.0, 75.0)
    """
    if bands < 2:
        raise BadInput(f"{bands} is not a number of bands", remedy="Ask for 2 or more.")
    kind = type_of(feature, columns_of(cursor, paths))
    if not kind.startswith(NUMBERS):
        raise BadInput(f"{feature!r} holds no numbers", remedy="Slice by its values instead.")
    query = f"""
        WITH finite AS (SELECT x FROM (SELECT {number_sql(feature)} AS x FROM {SCAN}) WHERE isfinite(x))
        SELECT quantile_disc(x, $shares), min(x),
            (SELECT min(x) FROM finite WHERE x > (SELECT min(x) FROM finite))
        FROM finite
    """
    shares = [step / bands for step in range(1, bands)]
    ((quantiles, lowest, second),) = run(
        cursor, query, {"paths": [str(path) for path in paths], "shares": shares}
    )
    cuts = sorted({float(cut) for cut in quantiles or () if cut > lowest})
    return tuple(cuts) or (() if second is None else (float(second),))


def cut_continuous(
    cursor: duckdb.DuckDBPyConnection, paths: Paths, by: Sequence[str | Band]
) -> list[str | Band]:
    """Turn continuous number features into bands and leave the rest as it is.

    Parameters
    ----------
    cursor, paths
        As in `slice_counts`.
    by
        Feature names and bands. Use the answer for several calls, so that their bands are the same.

    Returns
    -------
    list of str or Band
        As long as `by` and in its order.

    Raises
    ------
    BadInput
        More than six features, or one of them twice.
    NotFound
        No such column or file.

    Notes
    -----
    Formula: a number column is continuous with more than 20 distinct values or with a fraction in any of
    them; it gets the five bands of `quantile_cuts`. Source: ours.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path, cursor = f"{folder}/batch.parquet", duckdb.connect()
    ...     _ = cursor.execute(f"COPY (SELECT range AS age, range % 2 AS sex FROM range(1, 101)) TO '{path}'")
    ...     cut_continuous(cursor, [path], ["sex", "age"])
    ['sex', Band(feature='age', cuts=(20.0, 40.0, 60.0, 80.0))]
    """
    names = [item.feature if isinstance(item, Band) else item for item in by]
    if len(names) > MAX_FEATURES or len(set(names)) < len(names):
        raise BadInput(f"cannot slice by {names}", remedy=f"Name up to {MAX_FEATURES} different features.")
    columns = columns_of(cursor, paths)
    types = {name: type_of(name, columns) for name in names}
    plain = [item for item in by if isinstance(item, str) and types[item].startswith(NUMBERS)]
    profiles = _profiles(cursor, paths, {name: types[name] for name in plain})
    continuous = {name for name, profile in profiles.items() if profile.continuous}
    return [
        Band(item, quantile_cuts(cursor, paths, item))
        if isinstance(item, str) and item in continuous
        else item
        for item in by
    ]


def slice_features(cursor: duckdb.DuckDBPyConnection, paths: Paths) -> list[SliceFeature]:
    """List the columns that predictions can be sliced by.

    Parameters
    ----------
    cursor, paths
        As in `slice_counts`.

    Returns
    -------
    list of SliceFeature
        In the files' column order. Left off: the canonical columns, times and nested values, columns of one
        single value, text of more than 200 different values, and whole numbers that never repeat
        (identifiers).

    Raises
    ------
    BadInput
        No path, or an unreadable file.
    NotFound
        No such file.

    Notes
    -----
    Formula: exact distinct counts in one scan; kind as in `cut_continuous`. Source: ours.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path, cursor = f"{folder}/batch.parquet", duckdb.connect()
    ...     query = "SELECT range AS id, range % 2 AS sex, 1 AS y_pred FROM range(100)"
    ...     _ = cursor.execute(f"COPY ({query}) TO '{path}'")
    ...     slice_features(cursor, [path])
    [SliceFeature(name='sex', kind='category', distinct=2, missing=0)]
    """
    columns = {
        name: kind
        for name, kind in columns_of(cursor, paths).items()
        if kind.startswith((*NUMBERS, *_WORDS)) and name not in _CANONICAL and not name.startswith("y_score_")
    }
    profiles = _profiles(cursor, paths, columns)
    return [
        SliceFeature(name, "number" if profile.continuous else "category", profile.distinct, profile.missing)
        for name, profile in profiles.items()
        if _sliceable(profile)
    ]


def class_labels(cursor: duckdb.DuckDBPyConnection, paths: Paths) -> list[str]:
    """List the classes that occur as a prediction or a label.

    Parameters
    ----------
    cursor, paths
        As in `slice_counts`.

    Returns
    -------
    list of str
        In natural order; what `positive` of `slice_counts` accepts for a multiclass model.

    Raises
    ------
    BadInput
        No path, or an unreadable file.
    NotFound
        No such file, or no column `y_pred`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path, cursor = f"{folder}/batch.parquet", duckdb.connect()
    ...     query = "SELECT 'c' || range AS y_pred, 'c1' AS y_true FROM range(2)"
    ...     _ = cursor.execute(f"COPY ({query}) TO '{path}'")
    ...     class_labels(cursor, [path])
    ['c0', 'c1']
    """
    columns = columns_of(cursor, paths)
    found = ("y_pred", "y_true") if "y_true" in columns else ("y_pred",)
    parts = [f"SELECT DISTINCT {text_sql(name, type_of(name, columns))} AS x FROM {SCAN}" for name in found]
    rows = run(cursor, " UNION ".join(parts), {"paths": [str(path) for path in paths]})
    return sorted((row[0] for row in rows if row[0] != MISSING), key=lambda text: natural_order((text,)))


@dataclass(frozen=True, slots=True)
class _Profile:
    distinct: int
    missing: int
    rows: int
    type: str
    fractional: bool

    @property
    def numeric(self) -> bool:
        return self.type.startswith(NUMBERS)

    @property
    def continuous(self) -> bool:
        return self.numeric and (self.distinct > FEW_NUMBERS or self.fractional)


def _sliceable(profile: _Profile) -> bool:
    if profile.distinct + (profile.missing > 0) < 2:
        return False
    if not profile.numeric:
        return profile.distinct <= MAX_CATEGORIES
    never_repeats = profile.distinct == profile.rows - profile.missing
    return not (never_repeats and not profile.fractional and profile.distinct > FEW_NUMBERS)


def _profiles(
    cursor: duckdb.DuckDBPyConnection, paths: Paths, columns: Mapping[str, str]
) -> dict[str, _Profile]:
    if not columns:
        return {}
    parts = []
    for name, kind in columns.items():
        numeric = kind.startswith(NUMBERS)
        value = number_sql(name) if numeric else f"nullif({text_sql(name, kind)}, '{MISSING}')"
        whole = (
            f"coalesce(bool_or(isfinite({value}) AND {value} <> trunc({value})), false)"
            if numeric
            else "false"
        )
        parts.append(f"count(DISTINCT {value}), count({value}), {whole}")
    query = f"SELECT count(*), {', '.join(parts)} FROM {SCAN}"
    row = run(cursor, query, {"paths": [str(path) for path in paths]})[0]
    return {
        name: _Profile(row[at], row[0] - row[at + 1], row[0], kind, row[at + 2])
        for at, (name, kind) in zip(range(1, len(row), 3), columns.items(), strict=True)
    }


def columns_of(cursor: duckdb.DuckDBPyConnection, paths: Paths) -> dict[str, str]:
    """Column names and types; also the one place where a missing or broken file shows."""
    if not paths:
        raise BadInput("there are no predictions to slice", remedy="Register a prediction batch first.")
    rows = run(cursor, f"DESCRIBE SELECT * FROM {SCAN}", {"paths": [str(path) for path in paths]})
    return {row[0]: "LIST" if row[1].endswith("]") else row[1] for row in rows}


def type_of(feature: str, columns: Mapping[str, str]) -> str:
    if feature not in columns:
        raise NotFound(
            f"{feature!r} is not a column of these predictions", remedy=f"Use one of: {', '.join(columns)}."
        )
    return columns[feature]


def run(
    cursor: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
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


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def number_sql(name: str) -> str:
    """SQL of a column as a number; NaN is no value."""
    return f"nullif(CAST({_quoted(name)} AS DOUBLE), CAST('NaN' AS DOUBLE))"


def text_sql(name: str, kind: str) -> str:
    """SQL of a column as text; blank and NaN are missing, 1.0 reads 1 (a code with gaps became a float)."""
    column, number = _quoted(name), number_sql(name)
    if kind in ("FLOAT", "DOUBLE"):
        whole = f"{number} = trunc({number}) AND abs({number}) < 1e15"
        integer = f"CAST(TRY_CAST({number} AS BIGINT) AS VARCHAR)"
        text = f"CASE WHEN {whole} THEN {integer} ELSE CAST({number} AS VARCHAR) END"
        return f"coalesce({text}, '{MISSING}')"
    text = f"CAST({column} AS VARCHAR)"
    return f"CASE WHEN {column} IS NULL OR trim({text}) = '' THEN '{MISSING}' ELSE {text} END"
