"""Reduce prediction Parquet to counts and sums a slice, in one group-by. Rows never reach Python."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from core.analytics.slices.counts import SPREADS, Keys, SliceCells, SliceCounts, total_of
from core.analytics.slices.metrics import Need
from core.analytics.slices.ranks import RankSums, rank_sums
from core.analytics.slices.rows import MISSING, Band
from core.domain.errors import BadInput, NotFound
from core.ground import Task
from core.lake.memory import KeptTables
from core.lake.slices.rows import (
    EVERY_ROW,
    NOT_KEPT,
    NUMBERS,
    Kept,
    Paths,
    PickedRows,
    T,
    as_number,
    columns_of,
    natural_order,
    number_sql,
    pick_rows,
    read,
    run,
    slice_keys,
    write_table,
)

MAX_SLICES = 10_000
MAX_CELLS = 2_000_000
# Groups of whole numbers of up to so many bits together are counted in a plain array instead of a hash table:
# 2^20 counters a thread, 8 MB, and half the time on codes such as those of a census.
_ARRAY_BITS = 20

_RATES = """
SELECT {values} {counts}{sums} FROM (SELECT *, {guess} AS guess, {actual} AS actual FROM (
    SELECT {raws} guess AS raw_guess, actual AS raw_actual{hits}, count(*) AS n{scores}
    FROM ({rows}) GROUP BY ALL))
"""
_WEIGHTS = ", fsum(weight) AS sum_weight, fsum(weight * weight) AS sum_squares"
_CALIBRATION = """, count(score) AS scored, fsum(score - CAST(label AS INTEGER)) AS sum_score_gap,
        var_pop(score - CAST(label AS INTEGER)) * count(score) AS spread_score_gap"""
_ERRORS = """
SELECT {raws} count(*) AS rows, count(guess) FILTER (WHERE isfinite(guess)) AS predicted,
    count(error) AS labelled, fsum(error) AS sum_error, fsum(abs(error)) AS sum_absolute_error,
    fsum(error * error) AS sum_squared_error, {spreads}
FROM (SELECT *, CASE WHEN abs(error) < 1e75 THEN error END AS near FROM (
    SELECT *, CASE WHEN isfinite(guess - actual) THEN guess - actual END AS error FROM ({rows})))
GROUP BY ALL
"""
# The squared square of an error must be a number; of one that is too large for it the spread is infinite.
_SPREAD = "CASE WHEN count(near) = count(error) THEN var_pop({value}) * count(near) ELSE 'inf'::DOUBLE END"
_NEAR = {
    "spread_error": "near",
    "spread_absolute_error": "abs(near)",
    "spread_squared_error": "near * near",
}
# Kish's size n is (sum of w)² / sum of w²; the squared error of a weighted mean is that of a ratio of sums,
# sum of w²·(value - mean)² / (sum of w)². The spread is what gives it by n values.
_WEIGHED = """
SELECT {slices} count(*) AS rows,
    coalesce(round(fsum(w) ** 2 / nullif(fsum(w * w), 0)), 0)::BIGINT AS predicted,
    predicted AS labelled, {sums}, {spreads}
FROM (SELECT *, {means} FROM (SELECT *, CASE WHEN isfinite(guess - actual) THEN guess - actual END AS error,
        CASE WHEN error IS NOT NULL THEN weight END AS w, CASE WHEN abs(error) < 1e75 THEN error END AS near
    FROM ({rows})) WINDOW slice AS ({partition}))
GROUP BY ALL LIMIT $most
"""
# Kept as a table: a window over it would be joined to a second scan of the files.
_SLICES = """
WITH parts AS MATERIALIZED ({parts})
SELECT {slices} {sums} FROM (SELECT *{means} FROM parts{windows}) GROUP BY ALL
"""
_RATE_FIELDS = ("rows", "predicted", "labelled", "selected", "tp", "fp", "fn", "tn", "mistaken", "stray")
_SCORE_FIELDS = ("scored", "sum_score_gap", "spread_score_gap")
_ERROR_FIELDS = (
    "rows",
    "predicted",
    "labelled",
    *(total for total, n in SPREADS.values() if n == "labelled"),
    *_NEAR,
)


def slice_counts(
    cursor: duckdb.DuckDBPyConnection,
    paths: Paths,
    task: Task,
    by: Sequence[str | Band],
    *,
    positive: object | None = None,
    kept: Kept = EVERY_ROW,
    needs: Collection[Need] = (),
    tables: KeptTables = NOT_KEPT,
    weight: str = "",
) -> tuple[list[SliceCounts], SliceCounts]:
    """Count predictions by slice, and over all slices.

    Parameters
    ----------
    cursor
        An open DuckDB cursor; nothing is written into its database.
    paths
        Parquet files with the canonical columns; at least one.
    task
        "binary" (`y_pred`, `y_true` are 0 or 1), "multiclass" or "regression".
    by
        Features, or bands of them; none means everyone. See `cut_features` for continuous numbers.
    positive
        Binary: the value that counts as the outcome, 1 unless told. Multiclass: the class held against all
        others, needed. Regression: not taken.
    kept
        Which rows are counted.
    needs
        "calibration" for sums of the scores, "ranking" for their order, which takes another pass.
    tables
        Where the counts of large files are kept, so that a question asked before scans new files only. The
        order of scores is not: it does not add up over files.
    weight
        Column that says how many a row stands for; without needs only. Counts but `rows` are then of as many
        rows as tell as much: weighted counts, scaled to Kish's effective size and rounded. Sums and spreads
        of errors give the weighted means and their standard errors (of a ratio of sums) over so many.

    Returns
    -------
    tuple
        Counts of each slice that has rows, in natural order of its values, missing last, without features
        exactly one; and everyone's, the slices added up.

    Raises
    ------
    BadInput
        No path, an unreadable file, too many slices, no row left, or values that are no numbers (binary:
        other than 0 and 1).
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
    ...     found, overall = slice_counts(cursor, [path], "binary", ["team"])
    >>> [(each.label, each.rows, each.labelled, each.tp) for each in found], overall.rows
    ([('a', 2, 2, 1), ('b', 1, 0, 0)], 3)
    """
    picked = replace(pick_rows(cursor, paths, task, by, positive, kept), weight=weight)
    fields = _fields(task, needs, weight)
    if weight and task == "regression":
        query = _weighed_errors(picked)
        rows = run(cursor, query, picked.given(query, most=MAX_SLICES + 1))
    else:
        parts = partial(_parts, needs=needs)
        rows = _run(cursor, picked, fields, parts, MAX_SLICES, tables, lambda found: found.fetchall())
    if len(rows) > MAX_SLICES:
        raise BadInput(
            f"this makes more than {MAX_SLICES:,} slices", remedy="Slice by fewer features or bands."
        )
    if not rows:
        raise BadInput("no row is left", where="filter", remedy="Choose fewer filters.")
    ordered = sorted(rows, key=lambda row: natural_order(row[: len(by)]))
    counts = [_counts(picked, row, fields) for row in ordered]
    if weight and by:  # weighted counts are scaled slice by slice, so those of all are no sum of them
        return counts, slice_counts(
            cursor, paths, task, [], positive=positive, kept=kept, tables=tables, weight=weight
        )[1]
    if "ranking" not in needs or task == "regression":
        return counts, total_of(counts)
    ranks, everyone = slice_ranks(cursor, picked)
    by_keys = {slice_keys(picked.by, values): found for values, found in ranks.items()}
    ranked = [replace(each, ranks=by_keys.get(each.keys)) for each in counts]
    return ranked, replace(total_of(counts), ranks=everyone)


def rows_by_slice(
    cursor: duckdb.DuckDBPyConnection,
    paths: Paths,
    task: Task,
    by: Sequence[str | Band],
    *,
    positive: object | None = None,
    kept: Kept = EVERY_ROW,
    tables: KeptTables = NOT_KEPT,
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
    rows = _run(cursor, picked, ("rows",), _rows, MAX_SLICES, tables, lambda found: found.fetchall())
    return {} if len(rows) > MAX_SLICES else {slice_keys(picked.by, row): row[-1] for row in rows}


def _fields(task: Task, needs: Collection[Need], weight: str = "") -> tuple[str, ...]:
    """Fields of `SliceCounts` that are counted; behind the rates stands a count of strange values."""
    if task == "regression":
        return _ERROR_FIELDS
    if weight:
        return ("rows", "stray", "sum_weight", "sum_squares", *(f"sum_{name}" for name in _RATE_FIELDS[1:-1]))
    return (*_RATE_FIELDS, *(_SCORE_FIELDS if "calibration" in needs else ()))


def _added_up(parts: str, slices: Mapping[str, str], fields: Sequence[str]) -> str:
    """SQL that adds parts up to slices, each given as a name and SQL of its value."""
    spreads = [name for name in fields if name in SPREADS]
    partition = f"PARTITION BY {', '.join(slices.values())}" if slices else ""
    return _SLICES.format(
        parts=parts,
        slices="".join(f"{value} AS {name}, " for name, value in slices.items()),
        sums=", ".join(f"{_summed(name)} AS {name}" for name in fields),
        means="".join(map(_mean, spreads)),
        windows=f" WINDOW slice AS ({partition})" if spreads else "",
    )


def _parts(picked: PickedRows, needs: Collection[Need]) -> str:
    """SQL that scans the files once: counts and sums by raw values, several lines of the same."""
    if picked.task == "regression":
        return _errors(picked)
    return _rates(picked, "calibration" in needs)


def _run(
    cursor: duckdb.DuckDBPyConnection,
    picked: PickedRows,
    fields: Sequence[str],
    parts: Callable[[PickedRows], str],
    most: int,
    tables: KeptTables,
    take: Callable[[duckdb.DuckDBPyConnection], T],
) -> T:
    """Add the parts of all files up to slices, those of large ones from tables; one more than `most` tell."""

    def write(file: str, table: Path) -> None:
        own = picked.of(cursor, [file])
        query = _added_up(parts(own), {raw: raw for raw in own.raws}, fields)
        write_table(cursor, query, own.given(query), table)

    kept = _added_up(
        "FROM read_parquet($tables, union_by_name = true)", {raw: raw for raw in picked.raws}, fields
    )

    def join(ten: Sequence[str], table: Path) -> None:
        write_table(cursor, kept, {"tables": ten}, table)

    def added(known: Sequence[str], files: Sequence[str]) -> T:
        scanned = picked.of(cursor, files) if files else picked
        found = [f"({kept})"] if known else []
        found += [f"({parts(scanned)})"] if files else []
        query = f"{_added_up(' UNION ALL BY NAME '.join(found), picked.slices, fields)} LIMIT $most"
        return read(cursor, query, scanned.given(query, most=most + 1, tables=known), take)

    cursor.execute(f"SET perfect_ht_threshold = {_ARRAY_BITS:d}")
    paths = picked.parameters["paths"]
    try:
        return added(*tables.of(paths, _question(picked, fields, parts), write, join))
    except NotFound:  # a table that is deleted meanwhile or has no room; if a batch is gone, it is told now
        return added([], paths)


def _question(picked: PickedRows, fields: Sequence[str], parts: Callable[[PickedRows], str]) -> str:
    """All that the counts of a file rest on, besides the file."""
    query = _added_up(parts(picked), {raw: raw for raw in picked.raws}, fields)
    used = {name: kind for name, kind in picked.columns.items() if name in query}
    given = {name: value for name, value in picked.given(query).items() if name != "paths"}
    return json.dumps([query, used, given], default=str)


def _rows(picked: PickedRows) -> str:
    counted = f"SELECT {''.join(f'{raw}, ' for raw in picked.raws)} count(*) AS rows"
    return f"SELECT {picked.values} rows FROM ({counted} FROM ({picked.scanned('1 AS one')}) GROUP BY ALL)"


def _rates(picked: PickedRows, calibrated: bool) -> str:
    actual, yes = picked.outcome("y_true"), picked.yes
    wanted = f"{picked.outcome('y_pred')} AS guess, {actual} AS actual{picked.hit}"
    if calibrated:
        number, score = as_number(actual), picked.score or "NULL::DOUBLE"
        wanted += f", CASE WHEN {number} IS NOT NULL THEN {score} END AS score, {number} = {yes} AS label"
    if picked.weight:
        wanted += f", {number_sql(picked.weight)} AS weight"
    cases = {
        "rows": "true",
        "predicted": "guess IS NOT NULL",
        "labelled": "guess IS NOT NULL AND actual IS NOT NULL",
        "selected": f"guess = {yes}",
        "tp": f"guess = {yes} AND actual = {yes}",
        "fp": f"guess = {yes} AND actual <> {yes}",
        "fn": f"guess <> {yes} AND actual = {yes}",
        "tn": f"guess <> {yes} AND actual <> {yes}",
        "mistaken": f"guess <> {yes} AND actual <> {yes} AND NOT hit" if picked.hit else "false",
        "stray": "guess NOT IN (0, 1) OR actual NOT IN (0, 1)",
    }
    return _RATES.format(
        values=picked.values,
        raws="".join(f"{raw}, " for raw in picked.raws),
        rows=picked.scanned(wanted),
        guess=as_number("raw_guess"),
        actual=as_number("raw_actual"),
        hits=", hit" if picked.hit else "",
        scores=_WEIGHTS if picked.weight else _CALIBRATION if calibrated else "",
        counts=", ".join(
            f"CASE WHEN {case} THEN sum_weight ELSE 0 END AS sum_{name}"
            if picked.weight and name not in ("rows", "stray")
            else f"CASE WHEN {case} THEN n ELSE 0 END AS {name}"
            for name, case in cases.items()
        ),
        sums=", sum_weight, sum_squares"
        if picked.weight
        else "".join(f", {name}" for name in _SCORE_FIELDS)
        if calibrated
        else "",
    )


def _errors(picked: PickedRows) -> str:
    guess, actual = (as_number(picked.outcome(name)) for name in ("y_pred", "y_true"))
    rows = _ERRORS.format(
        raws="".join(f"{raw}, " for raw in picked.raws),
        rows=picked.scanned(f"{guess} AS guess, {actual} AS actual"),
        spreads=", ".join(f"{_SPREAD.format(value=value)} AS {name}" for name, value in _NEAR.items()),
    )
    return f"SELECT {picked.values} {', '.join(_ERROR_FIELDS)} FROM ({rows})"


def _weighed_errors(picked: PickedRows) -> str:
    """SQL of the sums and spreads of as many errors as tell as much as the weighted ones, by slice."""
    guess, actual = (as_number(picked.outcome(name)) for name in ("y_pred", "y_true"))
    wanted = f"{guess} AS guess, {actual} AS actual, {number_sql(picked.weight)} AS weight"
    values = ("error", "abs(error)", "error * error")
    within = ", ".join(picked.slices.values())
    spread = "labelled ** 2 * fsum(w * w * ({near} - mean{at}) ** 2) / fsum(w) ** 2"
    return _WEIGHED.format(
        slices=picked.labelled,
        sums=", ".join(f"labelled * coalesce(any_value(mean{at}), 0) AS sum{at}" for at in range(3)),
        spreads=", ".join(
            f"CASE WHEN count(near) < count(error) THEN 'inf'::DOUBLE "
            f"ELSE coalesce({spread.format(near=near, at=at)}, 0) END AS spread{at}"
            for at, near in enumerate(_NEAR.values())
        ),
        means=", ".join(
            f"fsum(w * {value}) OVER slice / nullif(fsum(w) OVER slice, 0) AS mean{at}"
            for at, value in enumerate(values)
        ),
        rows=picked.scanned(wanted),
        partition=f"PARTITION BY {within}" if within else "",
    )


def _summed(field: str) -> str:
    """SQL of a field of a slice from those of its parts; see `core.analytics.slices.counts.joined_spread`."""
    if field in SPREADS:
        total, n = SPREADS[field]
        off = f"({total} / {n} - {total}_mean)"
        return f"coalesce(sum({field} + {n} * {off} ** 2) FILTER (WHERE {n} > 0), 0)"
    return f"coalesce(fsum({field}), 0)" if field.startswith("sum_") else f"coalesce(sum({field}), 0)::BIGINT"


def _mean(spread: str) -> str:
    """SQL of the mean of what a spread is of, over the slice that a part is in."""
    total, n = SPREADS[spread]
    return f", fsum({total}) OVER slice / sum({n}) OVER slice AS {total}_mean"


def _counts(picked: PickedRows, row: Sequence[Any], fields: tuple[str, ...]) -> SliceCounts:
    counted: dict[str, Any] = dict(zip(fields, row[len(picked.by) :], strict=True))
    _refuse(strays=counted.pop("stray", 0))
    if picked.weight and picked.task != "regression":
        counted = _effective(counted)
    return SliceCounts(slice_keys(picked.by, row), picked.task, **counted)


def _effective(sums: Mapping[str, float]) -> dict[str, int]:
    """Counts of as many equal rows as tell as much as the weighted ones (Kish 1965)."""
    factor = sums["sum_weight"] / sums["sum_squares"] if sums["sum_squares"] else 0.0
    names = _RATE_FIELDS[1:-1]
    found = {"rows": int(sums["rows"])} | {name: round(factor * sums[f"sum_{name}"]) for name in names}
    return found | {"labelled": sum(found[name] for name in ("tp", "fp", "fn", "tn"))}


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
    tables: KeptTables = NOT_KEPT,
) -> SliceCells:
    """Count predictions by every combination of values that occurs.

    Parameters
    ----------
    cursor, paths, task, positive, kept, tables
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

    def as_arrow(found: duckdb.DuckDBPyConnection) -> Any:
        return found.to_arrow_table()

    names: tuple[str, ...] = ("score", "won")
    if "ranking" in needs:
        query = _ranking_query(picked)
        table = read(cursor, query, picked.given(query, most=MAX_CELLS + 1), as_arrow)
    else:
        names, parts = _fields(task, needs), partial(_parts, needs=needs)
        table = _run(cursor, picked, names, parts, MAX_CELLS, tables, as_arrow)
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
        f"SELECT {picked.labelled} score, won FROM ({rows}) "
        "WHERE score IS NOT NULL AND actual IS NOT NULL ORDER BY score LIMIT $most"
    )
