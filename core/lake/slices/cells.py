"""The finest slices of a set of features as columns, for a search over all their intersections."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import duckdb

from core.analytics.slices.counts import SliceCells
from core.analytics.slices.metrics import Need
from core.analytics.slices.rows import MISSING, Band
from core.domain.errors import BadInput
from core.ground.figure import Task
from core.lake.slices.columns import Paths
from core.lake.slices.counts import ERROR_FIELDS, counts_query
from core.lake.slices.rows import EVERY_ROW, Kept, PickedRows, pick_rows

MAX_CELLS = 2_000_000

_RATES = ("rows", "predicted", "labelled", "selected", "tp", "fp", "fn", "tn")
_CALIBRATION = ("scored", "sum_score_gap", "spread_score_gap")
_ERRORS = ("rows", "predicted", "labelled", *ERROR_FIELDS)


def slice_cells(
    cursor: duckdb.DuckDBPyConnection,
    paths: Paths,
    task: Task,
    by: Sequence[str | Band],
    *,
    positive: object | None = None,
    kept: Kept = EVERY_ROW,
    needs: Collection[Need] = (),
) -> SliceCells:
    """Count predictions by every combination of values that occurs.

    Parameters
    ----------
    cursor, paths, task, positive, kept
        As in `slice_counts`.
    by
        At least one feature, however many; continuous numbers as bands (see `cut_features`).
    needs
        "calibration" for sums of the scores. "ranking" makes a cell of each labelled row with a score.

    Returns
    -------
    SliceCells

    Raises
    ------
    BadInput
        More than two million cells, and what `slice_counts` refuses.
    NotFound
        As `slice_counts`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path, cursor = f"{folder}/batch.parquet", duckdb.connect()
    ...     rows = "('a', 'x', 1, 1), ('a', 'x', 0, 1), ('b', 'x', 1, 1)"
    ...     _ = cursor.execute(f"COPY (FROM (VALUES {rows}) t(team, site, y_pred, y_true)) TO '{path}'")
    ...     found = slice_cells(cursor, [path], "binary", ["team", "site"])
    >>> found.values, found.counts["rows"].tolist()
    ((('a', 'b'), ('x',)), [2, 1])
    """
    picked = pick_rows(cursor, paths, task, by, positive, kept)
    if "ranking" in needs:
        names: tuple[str, ...] = ("score", "won")
        query = _ranking_query(picked)
    else:
        names = _ERRORS if task == "regression" else (*_RATES, "stray")
        names += _CALIBRATION if "calibration" in needs and task != "regression" else ()
        query = counts_query(picked, calibrated="calibration" in needs)
    table = cursor.execute(query, picked.given(query, most=MAX_CELLS + 1)).to_arrow_table()
    if table.num_rows > MAX_CELLS:
        raise BadInput(
            f"these features make more than {MAX_CELLS:,} combinations",
            remedy="Search fewer features, or cut numbers into fewer bands.",
        )
    columns = {name: table.column(len(by) + place).to_numpy() for place, name in enumerate(names)}
    if "stray" in columns and columns.pop("stray").any():
        raise BadInput("y_pred or y_true holds values other than 0 and 1", remedy="Import it as multiclass.")
    return _cells(task, by, table, columns)


def _cells(task: Task, by: Sequence[str | Band], table: Any, columns: dict[str, Any]) -> SliceCells:
    import numpy as np

    values, codes = [], []
    for place, item in enumerate(by):
        column = table.column(place).combine_chunks().dictionary_encode()
        found = column.dictionary.to_pylist()
        named = [str(v) if isinstance(item, str) else (*item.labels, MISSING)[v] for v in found]
        order = sorted(range(len(named)), key=lambda at: named[at])
        place_of = np.empty(len(named), dtype=np.int64)
        place_of[order] = np.arange(len(named))
        values.append(tuple(named[at] for at in order))
        codes.append(place_of[column.indices.to_numpy()])
    names = tuple(item if isinstance(item, str) else item.feature for item in by)
    shape = np.array(codes, dtype=np.int64).reshape(len(by), table.num_rows)
    if "score" not in columns:
        # The database groups in no order: sums over cells are the same each time only if the cells are.
        ordered = np.lexsort(shape[::-1])
        columns = {name: column[ordered] for name, column in columns.items()}
        return SliceCells(task, names, tuple(values), shape[:, ordered], columns)
    one = np.ones(table.num_rows, dtype=np.int64)
    counts = {"rows": one, "labelled": one, "scored": one}
    return SliceCells(task, names, tuple(values), shape, counts, columns["score"], columns["won"])


def _ranking_query(picked: PickedRows) -> str:
    """One line a labelled row with a score, by rising score."""
    rows = picked.ranked(picked.score or "CAST(NULL AS DOUBLE)")
    return (
        f"SELECT {picked.slices} score, won FROM ({rows}) "
        "WHERE score IS NOT NULL AND actual IS NOT NULL ORDER BY score LIMIT $most"
    )
