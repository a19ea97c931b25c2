"""Reduce prediction Parquet to counts and sums a slice, in one group-by. Rows never reach Python."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import duckdb

from core.analytics.slices.counts import Keys, SliceCells, SliceCounts, total_of
from core.analytics.slices.metrics import Need
from core.analytics.slices.ranks import RankSums, rank_sums
from core.analytics.slices.rows import MISSING, Band
from core.domain.errors import BadInput
from core.ground import Task
from core.lake.slices.profiles import (
    cut_continuous,
)
from core.lake.slices.rows import (
    EVERY_ROW,
    NUMBERS,
    Kept,
    Paths,
    PickedRows,
    Where,
    as_number,
    columns_of,
    natural_order,
    pick_rows,
    run,
    slice_keys,
)

MAX_SLICES = 10_000
MAX_CELLS = 2_000_000
# Groups of whole numbers of up to so many bits together are counted in a plain array instead of a hash table:
# 2^20 counters a thread, 8 MB, and half the time on codes such as those of a census.
_ARRAY_BITS = 20

# Kept as a table: a window over it would be joined to a second scan of the files.
_RATES = """
WITH counted AS MATERIALIZED (
    SELECT {raws} guess AS raw_guess, actual AS raw_actual{hits}, count(*) AS n{scores}
    FROM ({rows}) GROUP BY ALL
)
SELECT {slices} coalesce(sum(n), 0)::BIGINT, {n_guess}, {n_both},
    {n_selected}, {n_tp}, {n_fp}, {n_fn}, {n_tn}, {n_mistaken}, {n_stray}{sums}
FROM (SELECT *, {guess} AS guess, {actual} AS actual{means} FROM counted{windows})
GROUP BY ALL LIMIT $most
"""
_CALIBRATION = """, count(score) AS scored, fsum(score - CAST(label AS INTEGER)) AS gap,
        var_pop(score - CAST(label AS INTEGER)) * count(score) AS gap_spread"""
_ERRORS = """
WITH counted AS MATERIALIZED (
    SELECT {raws} count(*) AS n, count(guess) FILTER (WHERE isfinite(guess)) AS predicted,
        count(error) AS labelled, fsum(error) AS plain, fsum(abs(error)) AS absolute,
        fsum(error * error) AS squared, {spreads}
    FROM (SELECT *, CASE WHEN abs(error) < 1e75 THEN error END AS near FROM (
        SELECT *, CASE WHEN isfinite(guess - actual) THEN guess - actual END AS error FROM ({rows})))
    GROUP BY ALL
)
SELECT {slices} coalesce(sum(n), 0)::BIGINT, coalesce(sum(predicted), 0)::BIGINT,
    coalesce(sum(labelled), 0)::BIGINT, coalesce(fsum(plain), 0), coalesce(fsum(absolute), 0),
    coalesce(fsum(squared), 0){sums}
FROM (SELECT *{means} FROM counted{windows})
GROUP BY ALL LIMIT $most
"""
# The squared square of an error must be a number; of one that is too large for it the spread is infinite.
_SPREAD = "CASE WHEN count(near) = count(error) THEN var_pop({value}) * count(near) ELSE 'inf'::DOUBLE END"
_SPREADS = {"plain": "near", "absolute": "abs(near)", "squared": "near * near"}
_CALIBRATED = ", coalesce(sum(scored), 0)::BIGINT, coalesce(fsum(gap), 0), {spread}"
_RATE_FIELDS = ("rows", "predicted", "labelled", "selected", "tp", "fp", "fn", "tn", "mistaken", "stray")
_SCORE_FIELDS = ("scored", "sum_score_gap", "spread_score_gap")
_ERROR_FIELDS = (
    *("rows", "predicted", "labelled", "sum_error", "sum_absolute_error", "sum_squared_error"),
    *("spread_error", "spread_absolute_error", "spread_squared_error"),
)


def slice_counts(
    cursor: duckdb.DuckDBPyConnection,
    paths: Paths,
    task: Task,
    by: Sequence[str | Band],
    *,
    positive: object | None = None,
    where: Where | None = None,
    kept: Kept | None = None,
    needs: Collection[Need] = (),
    as_given: bool = False,
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
    kept
        As `where` and more: conditions and a time window; instead of `where`.
    needs
        "calibration" for sums of the scores, "ranking" for their order, which takes another pass.
    as_given
        True keeps features as they are given; a continuous number by name is then sliced by its values.

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
    Formula: counts and sums of `SliceCounts`; error = prediction - label. Rows are grouped by the raw values
    of the features, the prediction and the label first, and that small table is named and summed: one scan,
    one counter. NaN and blank text are missing; an infinite prediction or label counts as none. Leaves out
    nothing: a row in two files counts twice.
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
    return _count(cursor, paths, task, by, positive, kept or Kept(where=where or {}), needs, as_given)[0]


def counts_and_overall(
    cursor: duckdb.DuckDBPyConnection,
    paths: Paths,
    task: Task,
    by: Sequence[str | Band],
    *,
    positive: object | None = None,
    kept: Kept = EVERY_ROW,
    needs: Collection[Need] = (),
) -> tuple[list[SliceCounts], SliceCounts]:
    """As `slice_counts` with features as they are given, and everyone's counts: the slices added up.

    Raises
    ------
    BadInput, NotFound
        As `slice_counts`; no row is left.
    """
    counts, ranks = _count(cursor, paths, task, by, positive, kept, needs, as_given=True)
    if not counts:
        raise BadInput("no row is left", where="filter", remedy="Choose fewer filters.")
    return counts, replace(total_of(counts), ranks=ranks)


def rows_by_slice(
    cursor: duckdb.DuckDBPyConnection,
    paths: Paths,
    task: Task,
    by: Sequence[str | Band],
    *,
    positive: object | None = None,
    kept: Kept = EVERY_ROW,
) -> dict[Keys, int]:
    """Rows of each slice; empty where files lack what is asked by, or hold too many slices.

    Raises
    ------
    BadInput, NotFound
        A file that is not there or cannot be read.
    """
    columns = columns_of(cursor, paths)
    asked = [*by, *kept.where, *(each.feature for each in kept.conditions)]
    names = [item if isinstance(item, str) else item.feature for item in asked]
    cut = [item.feature for item in asked if isinstance(item, Band)]
    cut += [each.feature for each in kept.conditions if each.compares]
    if not columns.keys() >= set(names) or not all(columns[name].startswith(NUMBERS) for name in cut):
        return {}
    picked = pick_rows(cursor, paths, task, by, positive, kept)
    raws = ", ".join(picked.raws)
    counted = f"SELECT {raws}, count(*) AS n FROM ({picked.scanned('1 AS one')}) GROUP BY ALL"
    query = f"SELECT {picked.slices} sum(n)::BIGINT FROM ({counted}) GROUP BY ALL LIMIT $most"
    rows = run(cursor, query, picked.given(query, most=MAX_SLICES + 1))
    return {} if len(rows) > MAX_SLICES else {slice_keys(picked.by, row): row[-1] for row in rows}


def _count(
    cursor: duckdb.DuckDBPyConnection,
    paths: Paths,
    task: Task,
    by: Sequence[str | Band],
    positive: object | None,
    kept: Kept,
    needs: Collection[Need],
    as_given: bool,
) -> tuple[list[SliceCounts], RankSums | None]:
    """Counts by slice, and what the order over all rows comes down to where it is needed."""
    picked = pick_rows(
        cursor, paths, task, by if as_given else cut_continuous(cursor, paths, by), positive, kept
    )
    query, fields = _counts_query(picked, needs)
    cursor.execute(f"SET perfect_ht_threshold = {_ARRAY_BITS:d}")
    rows = run(cursor, query, picked.given(query, most=MAX_SLICES + 1))
    if len(rows) > MAX_SLICES:
        raise BadInput(
            f"this makes more than {MAX_SLICES:,} slices", remedy="Slice by fewer features or bands."
        )
    ordered = sorted(rows, key=lambda row: natural_order(row[: len(by)]))
    counts = [_counts(picked, row, fields) for row in ordered]
    if "ranking" not in needs or task == "regression":
        return counts, None
    ranks, everyone = slice_ranks(cursor, picked)
    by_keys = {slice_keys(picked.by, values): found for values, found in ranks.items()}
    return [replace(each, ranks=by_keys.get(each.keys)) for each in counts], everyone


def _counts_query(picked: PickedRows, needs: Collection[Need]) -> tuple[str, tuple[str, ...]]:
    """SQL of the counts, one line a slice, and the fields of `SliceCounts` that follow the slice's values.

    Behind the rates stands a count of strange values.
    """
    if picked.task == "regression":
        return _errors_query(picked), _ERROR_FIELDS
    calibrated = "calibration" in needs
    return _rates_query(picked, calibrated), (*_RATE_FIELDS, *(_SCORE_FIELDS if calibrated else ()))


def _rates_query(picked: PickedRows, calibrated: bool) -> str:
    actual, yes = picked.outcome("y_true"), picked.yes
    wanted = f"{picked.outcome('y_pred')} AS guess, {actual} AS actual{picked.hit}"
    if calibrated:
        number, score = as_number(actual), picked.score or "NULL::DOUBLE"
        wanted += f", CASE WHEN {number} IS NOT NULL THEN {score} END AS score, {number} = {yes} AS label"
    cases = {
        "n_guess": "guess IS NOT NULL",
        "n_both": "guess IS NOT NULL AND actual IS NOT NULL",
        "n_selected": f"guess = {yes}",
        "n_tp": f"guess = {yes} AND actual = {yes}",
        "n_fp": f"guess = {yes} AND actual <> {yes}",
        "n_fn": f"guess <> {yes} AND actual = {yes}",
        "n_tn": f"guess <> {yes} AND actual <> {yes}",
        "n_mistaken": f"guess <> {yes} AND actual <> {yes} AND NOT hit" if picked.hit else "false",
        "n_stray": "guess NOT IN (0, 1) OR actual NOT IN (0, 1)",
    }
    return _RATES.format(
        slices=picked.slices,
        raws="".join(f"{raw}, " for raw in picked.raws),
        rows=picked.scanned(wanted),
        guess=as_number("raw_guess"),
        actual=as_number("raw_actual"),
        hits=", hit" if picked.hit else "",
        scores=_CALIBRATION if calibrated else "",
        means=_means("gap", n="scored") if calibrated else "",
        windows=_windows(picked) if calibrated else "",
        sums=_CALIBRATED.format(spread=_joined("gap", n="scored")) if calibrated else "",
        **{name: f"coalesce(sum(n) FILTER (WHERE {case}), 0)::BIGINT" for name, case in cases.items()},
    )


def _errors_query(picked: PickedRows) -> str:
    guess, actual = (as_number(picked.outcome(name)) for name in ("y_pred", "y_true"))
    spreads = (f"{_SPREAD.format(value=value)} AS {total}_spread" for total, value in _SPREADS.items())
    return _ERRORS.format(
        slices=picked.slices,
        raws="".join(f"{raw}, " for raw in picked.raws),
        rows=picked.scanned(f"{guess} AS guess, {actual} AS actual"),
        spreads=", ".join(spreads),
        means="".join(_means(total, n="labelled") for total in _SPREADS),
        windows=_windows(picked),
        sums="".join(f", {_joined(total, n='labelled')}" for total in _SPREADS),
    )


def _means(total: str, *, n: str) -> str:
    """SQL of the mean of the slice that a group of raw values is in."""
    return f", fsum({total}) OVER slice / sum({n}) OVER slice AS {total}_mean"


def _windows(picked: PickedRows) -> str:
    """SQL that names the window of a slice."""
    partition = f"PARTITION BY {', '.join(picked.named)}" if picked.named else ""
    return f" WINDOW slice AS ({partition})"


def _joined(total: str, *, n: str) -> str:
    """SQL of a slice's spread; see `core.analytics.slices.counts.joined_spread`."""
    return f"coalesce(sum({total}_spread + {n} * ({total} / {n} - {total}_mean) ** 2), 0)"


def _counts(picked: PickedRows, row: Sequence[Any], fields: tuple[str, ...]) -> SliceCounts:
    counted: dict[str, Any] = dict(zip(fields, row[len(picked.by) :], strict=True))
    _refuse(strays=counted.pop("stray", 0))
    return SliceCounts(slice_keys(picked.by, row), picked.task, **counted)


def _refuse(*, strays: int) -> None:
    if strays:
        raise BadInput("y_pred or y_true holds values other than 0 and 1", remedy="Import it as multiclass.")


_GROUPS = """
WITH groups AS (SELECT DISTINCT {raws} FROM ({rows})),
    named AS (SELECT {raws}, struct_pack({slices}) AS slice FROM groups)
SELECT {raws}, dense_rank() OVER (ORDER BY slice) - 1 AS id, slice FROM named
"""


def slice_ranks(
    cursor: duckdb.DuckDBPyConnection, picked: PickedRows
) -> tuple[dict[tuple[Any, ...], RankSums], RankSums | None]:
    """Rank the scores within each slice, exactly; this takes three narrow columns to Python.

    Returns
    -------
    tuple
        Slice values as the counts name them (band indexes for bands) -> what the order comes down to; and the
        same over all rows. Empty and None where the files hold no score.

    Notes
    -----
    Formula: see `rank_sums`. Rows without a label or a finite score take no part. Source: ours.
    """
    if picked.score is None:
        return {}, None
    slices, ids, joined = _numbered(cursor, picked, picked.ranked(picked.score))
    if len(slices) > 100_000:
        raise BadInput("this makes more than 100,000 slices", remedy="Slice by fewer features or bands.")
    query = f"SELECT {ids}, score, won {joined} WHERE score IS NOT NULL AND actual IS NOT NULL"
    columns = cursor.execute(query, picked.given(query)).fetchnumpy()
    order = columns["score"].argsort()
    scores, won = columns["score"][order], columns["won"][order]
    kind = "uint16" if len(slices) < 65_536 else "uint32"  # short whole numbers are sorted fastest
    place = columns["id"].astype(kind)[order]
    sums = rank_sums(place, scores, won, len(slices), rising=True)
    everyone = sums[0] if not picked.keys else rank_sums(0 * place, scores, won, 1, rising=True)[0]
    return {slices[at]: sums[at] for at in range(len(slices))}, everyone


def _numbered(
    cursor: duckdb.DuckDBPyConnection, picked: PickedRows, rows: str
) -> tuple[dict[int, tuple[Any, ...]], str, str]:
    """The slices by number, and SQL of the number of a row's slice and of the rows that have one."""
    if not picked.keys:
        return {0: ()}, "CAST(0 AS UINTEGER) AS id", f"FROM ({rows})"
    named = ", ".join(f"slice{place} := {name}" for place, name in enumerate(picked.named))
    groups = _GROUPS.format(raws=", ".join(picked.raws), rows=picked.scanned("1 AS one"), slices=named)
    query = f"SELECT DISTINCT id, slice FROM ({groups})"
    slices = {
        number: tuple(values[f"slice{place}"] for place in range(len(picked.keys)))
        for number, values in run(cursor, query, picked.given(query))
    }
    on = " AND ".join(f"r.{raw} IS NOT DISTINCT FROM g.{raw}" for raw in picked.raws)
    return slices, "CAST(g.id AS UINTEGER) AS id", f"FROM ({rows}) r JOIN ({groups}) g ON {on}"


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
    ranked = "ranking" in needs
    query, names = (_ranking_query(picked), ("score", "won")) if ranked else _counts_query(picked, needs)
    table = cursor.execute(query, picked.given(query, most=MAX_CELLS + 1)).to_arrow_table()
    if table.num_rows > MAX_CELLS:
        raise BadInput(
            f"these features make more than {MAX_CELLS:,} combinations",
            remedy="Search fewer features, or cut numbers into fewer bands.",
        )
    columns = {name: table.column(len(by) + place).to_numpy() for place, name in enumerate(names)}
    _refuse(strays=columns.pop("stray").sum() if "stray" in columns else 0)
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
