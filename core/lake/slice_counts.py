"""Reduce prediction Parquet to counts and sums a slice, in one group-by. Rows never reach Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from core.analytics.metrics import Task
from core.analytics.slices import MISSING, Band, SliceCounts
from core.domain.errors import BadInput, NotFound
from core.lake.slice_columns import (
    NUMBERS,
    SCAN,
    Paths,
    SliceFeature,
    class_labels,
    columns_of,
    cut_continuous,
    natural_order,
    number_sql,
    quantile_cuts,
    run,
    slice_features,
    text_sql,
    type_of,
)

__all__ = [
    "Paths",
    "SliceFeature",
    "Where",
    "class_labels",
    "cut_continuous",
    "quantile_cuts",
    "slice_counts",
    "slice_features",
]

_Kept = Sequence[object]
Where = Mapping[str, _Kept] | Mapping[Band, _Kept] | Mapping[str | Band, _Kept]

MAX_SLICES = 10_000

_RATES = """
SELECT {names} count(*), count(guess),
    count(*) FILTER (WHERE guess IS NOT NULL AND actual IS NOT NULL),
    count(*) FILTER (WHERE guess = $positive),
    count(*) FILTER (WHERE guess = $positive AND actual = $positive),
    count(*) FILTER (WHERE guess = $positive AND actual <> $positive),
    count(*) FILTER (WHERE guess <> $positive AND actual = $positive),
    count(*) FILTER (WHERE guess <> $positive AND actual <> $positive),
    count(*) FILTER (WHERE {stray})
FROM judged GROUP BY ALL LIMIT $most
"""
_ERRORS = """
SELECT {names} count(*), count(guess) FILTER (WHERE isfinite(guess)), count(error),
    coalesce(fsum(error), 0), coalesce(fsum(abs(error)), 0),
    coalesce(fsum(error ** 2), 0), coalesce(fsum(error ** 4), 0), count(*) FILTER (WHERE {stray})
FROM (SELECT *, CASE WHEN isfinite(guess - actual) THEN guess - actual END AS error FROM judged)
GROUP BY ALL LIMIT $most
"""


def slice_counts(
    cursor: duckdb.DuckDBPyConnection,
    paths: Paths,
    task: Task,
    by: Sequence[str | Band],
    *,
    positive: object | None = None,
    where: Where | None = None,
) -> list[SliceCounts]:
    """Count predictions by slice.

    Parameters
    ----------
    cursor
        An open DuckDB cursor; nothing is written.
    paths
        Parquet files with the canonical columns; at least one.
    task
        "binary" (`y_pred`, `y_true` are 0 or 1), "multiclass" or "regression".
    by
        Up to six features; none means everyone. A `Band` is cut where it says, a continuous number given by
        name in five quantile bands of these paths (see `cut_continuous`).
    positive
        Binary: the value that counts as the outcome, 1 unless told. Multiclass: the class held against all
        others, needed. Regression: not taken.
    where
        Values kept, by feature or `Band`, as slice labels name them, "(missing)" included.

    Returns
    -------
    list of SliceCounts
        One a slice that has rows, in natural order of its values, missing last. Without features exactly one.

    Raises
    ------
    BadInput
        No path, an unreadable file, too many features or slices, or values that are no numbers (binary: other
        than 0 and 1).
    NotFound
        A file or a column that is not there.

    Notes
    -----
    Formula: counts and sums of `SliceCounts`; error = prediction - label. NaN and blank text are missing;
    an infinite prediction or label counts as none. Leaves out nothing: a row in two files counts twice.
    Source: ours.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path, cursor = f"{folder}/batch.parquet", duckdb.connect()
    ...     rows = "('a', 1, 1), ('a', 0, 1), ('b', 1, NULL)"
    ...     _ = cursor.execute(f"COPY (FROM (VALUES {rows}) t(team, y_pred, y_true)) TO '{path}'")
    ...     found = slice_counts(cursor, [path], "binary", ["team"])
    >>> [(each.label, each.rows, each.labelled, each.tp) for each in found]
    [('a', 2, 2, 1), ('b', 1, 0, 0)]
    """
    columns = columns_of(cursor, paths)
    cut = cut_continuous(cursor, paths, by)
    parameters: dict[str, Any] = {"paths": [str(path) for path in paths], "most": MAX_SLICES + 1}
    if task != "regression":
        parameters["positive"] = _positive(task, positive)
    elif positive is not None:
        raise BadInput("a regression has no positive class", remedy="Leave it out.")
    keys = [_key(item, columns, f"by{place}", parameters) for place, item in enumerate(cut)]
    kept = [
        _kept(item, values, columns, f"where{place}", parameters)
        for place, (item, values) in enumerate((where or {}).items())
    ]
    rows = run(cursor, _query(task, columns, keys, kept), parameters)
    if len(rows) > MAX_SLICES:
        raise BadInput(
            f"this makes more than {MAX_SLICES:,} slices", remedy="Slice by fewer features or bands."
        )
    if any(row[-1] for row in rows):
        raise BadInput("y_pred or y_true holds values other than 0 and 1", remedy="Import it as multiclass.")
    return [_counts(task, cut, row) for row in sorted(rows, key=lambda row: natural_order(row[: len(cut)]))]


def _query(task: Task, columns: Mapping[str, str], keys: Sequence[str], kept: Sequence[str]) -> str:
    guess = _outcome("y_pred", task, type_of("y_pred", columns))
    nothing = f"CAST(NULL AS {'VARCHAR' if task == 'multiclass' else 'DOUBLE'})"
    actual = _outcome("y_true", task, columns["y_true"]) if "y_true" in columns else nothing
    chosen = "".join(f"{key} AS slice{place}, " for place, key in enumerate(keys))
    condition = " AND ".join(kept) or "true"
    judged = f"SELECT {chosen}{guess} AS guess, {actual} AS actual FROM {SCAN} WHERE {condition}"
    names = "".join(f"slice{place}, " for place in range(len(keys)))
    stray = "guess NOT IN (0, 1) OR actual NOT IN (0, 1)" if task == "binary" else "false"
    body = (_ERRORS if task == "regression" else _RATES).format(names=names, stray=stray)
    return f"WITH judged AS ({judged}) {body}"


def _outcome(name: str, task: Task, kind: str) -> str:
    return f"nullif({text_sql(name, kind)}, '{MISSING}')" if task == "multiclass" else number_sql(name)


def _positive(task: Task, positive: object | None) -> object:
    if task == "multiclass":
        if positive is None:
            raise BadInput("no class was named", remedy="Name the class to hold against all others.")
        return str(positive)
    if str(positive) not in ("None", "0", "1"):
        raise BadInput(f"{positive!r} is not an outcome of a binary model", remedy="Use 0 or 1.")
    return 1.0 if positive is None else float(str(positive))


def _key(item: str | Band, columns: Mapping[str, str], name: str, parameters: dict[str, Any]) -> str:
    """SQL of one slice key: a category's text, or the index of a band (-1 when missing)."""
    if isinstance(item, str):
        return text_sql(item, type_of(item, columns))
    if not type_of(item.feature, columns).startswith(NUMBERS):
        raise BadInput(
            f"{item.feature!r} holds no numbers to cut in bands", remedy="Slice by its values instead."
        )
    number = number_sql(item.feature)
    steps = []
    for place, cut in enumerate(item.cuts):
        parameters[f"{name}_{place}"] = float(cut)
        steps.append(f" + CAST({number} >= ${name}_{place} AS INTEGER)")
    return f"CASE WHEN {number} IS NULL THEN -1 ELSE 0{''.join(steps)} END"


def _kept(
    item: str | Band,
    values: Sequence[object],
    columns: Mapping[str, str],
    name: str,
    parameters: dict[str, Any],
) -> str:
    if isinstance(values, str):
        raise BadInput(f"{values!r} is not a list of values", remedy="Give a list, even of one value.")
    key = _key(item, columns, name, parameters)
    if isinstance(item, str):
        parameters[name] = [str(value) for value in values]
        return f"list_contains(CAST(${name} AS VARCHAR[]), {key})"
    places = {**{label: place for place, label in enumerate(item.labels)}, MISSING: -1}
    unknown = [value for value in values if value not in places]
    if unknown:
        raise NotFound(
            f"{unknown[0]!r} is not a band of {item.feature!r}", remedy=f"Use one of: {list(places)}."
        )
    parameters[name] = [places[str(value)] for value in values]
    return f"list_contains(CAST(${name} AS INTEGER[]), {key})"


def _counts(task: Task, by: Sequence[str | Band], row: Sequence[Any]) -> SliceCounts:
    keys = tuple(
        (item, str(value)) if isinstance(item, str) else (item.feature, (*item.labels, MISSING)[value])
        for item, value in zip(by, row[: len(by)], strict=True)
    )
    rows, predicted, labelled, *rest = row[len(by) : -1]
    if task == "regression":
        plain, absolute, squared, fourth = (float(value) for value in rest)
        return SliceCounts(
            keys,
            task,
            rows,
            predicted,
            labelled,
            sum_error=plain,
            sum_absolute_error=absolute,
            sum_squared_error=squared,
            sum_fourth_error=fourth,
        )
    selected, tp, fp, fn, tn = rest
    return SliceCounts(keys, task, rows, predicted, labelled, selected, tp, fp, fn, tn)
