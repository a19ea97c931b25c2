"""What the columns of prediction files hold, and where a number is cut in bands."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from core.analytics.slices.rows import MISSING, Band, CutRule, even_cuts
from core.domain.errors import BadInput, NotFound
from core.lake.memory import KeptTables
from core.lake.slices.rows import (
    EVERY_ROW,
    NOT_KEPT,
    NUMBERS,
    SCAN,
    WORDS,
    Kept,
    Paths,
    Rows,
    as_number,
    as_text,
    columns_of,
    known,
    known_of,
    natural_order,
    number_sql,
    pick_rows,
    quoted,
    run,
    slice_keys,
    text_sql,
    type_of,
    write_table,
)

MAX_FEATURES = 6
MAX_CATEGORIES = 200
FEW_NUMBERS = 20
COLUMNS_A_QUERY, CELLS_A_QUERY = 200, 500_000
"""So much is counted at once; each query takes the time to bind all columns, and the room of its values."""

_MANY = 10_000
_VALUES = "SELECT CAST({column} AS {kind}) AS x, count(*) AS n FROM {scan} GROUP BY ALL"
_MANY_QUANTILES = f"""
WITH finite AS (SELECT x FROM (SELECT {{x}} AS x FROM {SCAN}) WHERE isfinite(x))
SELECT quantile_disc(x, $shares), min(x), (SELECT min(x) FROM finite WHERE x > (SELECT min(x) FROM finite))
FROM finite
"""
# As `quantile_disc` counts, of values with their rows.
_QUANTILES = """
, finite AS (SELECT x, sum(n) AS n FROM (SELECT {x} AS x, n FROM valued) WHERE isfinite(x) GROUP BY ALL),
risen AS (SELECT x, sum(n) OVER (ORDER BY x) AS until, sum(n) OVER () AS rows FROM finite)
SELECT (SELECT list(cut) FROM (SELECT min(x) AS cut FROM risen, (SELECT unnest($shares) AS share)
    WHERE until >= greatest(1, rows - floor(rows - rows * share)) GROUP BY share)),
    min(x), (SELECT min(x) FROM finite WHERE x > (SELECT min(x) FROM finite))
FROM finite
"""

_CANONICAL = ("row_id", "timestamp", "y_pred", "y_true", "y_score")


@dataclass(frozen=True, slots=True)
class SliceFeature:
    """A column that predictions can be sliced by.

    Parameters
    ----------
    name, type
        Of the column.
    distinct
        Different values, missing ones not counted.
    missing, rows
        Rows without a value, and in all.
    fractional
        Whether any number has a fraction.
    low, high
        Of the finite numbers; None where there is none.
    """

    name: str
    type: str
    distinct: int
    missing: int
    rows: int
    fractional: bool
    low: float | None
    high: float | None

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers, so that it can be cut."""
        return self.type.startswith(NUMBERS)

    @property
    def kind(self) -> Literal["category", "number"]:
        """Whether each value is a slice, or it is cut in bands."""
        return "number" if self.numeric and (self.distinct > FEW_NUMBERS or self.fractional) else "category"

    @property
    def sliceable(self) -> bool:
        """Whether its slices say anything: no single value, no text of its own, no identifier."""
        if self.distinct + (self.missing > 0) < 2:
            return False
        if not self.numeric:
            return self.distinct <= MAX_CATEGORIES
        never_repeats = self.distinct == self.rows - self.missing
        return not (never_repeats and not self.fractional and self.distinct > FEW_NUMBERS)


def quantile_cuts(
    cursor: duckdb.DuckDBPyConnection,
    paths: Paths,
    feature: str,
    bands: int = 5,
    tables: KeptTables = NOT_KEPT,
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
    shares = tuple(step / bands for step in range(1, bands))
    if _profile(cursor, paths, feature, kind, tables).distinct > _MANY:
        found = known_of(cursor, paths, _MANY_QUANTILES.format(x=number_sql(feature)), shares=shares)
    else:
        query = _QUANTILES.format(x=as_number("x"))
        found = _of_values(cursor, paths, feature, kind, query, tables, shares=shares)
    ((quantiles, lowest, second),) = found
    cuts = sorted({float(cut) for cut in quantiles or () if cut > lowest})
    return tuple(cuts) or (() if second is None else (float(second),))


def cut_continuous(
    cursor: duckdb.DuckDBPyConnection, paths: Paths, by: Sequence[str | Band]
) -> list[str | Band]:
    """Turn number features into bands where they are continuous, and leave the rest as it is.

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

    Notes
    -----
    Formula: a number column is continuous with more than 20 distinct values or with a fraction in any of
    them, and gets the five bands of `quantile_cuts`. Source: ours.

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
    return cut_features(cursor, paths, by, {})


def cut_features(
    cursor: duckdb.DuckDBPyConnection,
    paths: Paths,
    items: Sequence[str | Band],
    rules: Mapping[str, CutRule],
    tables: KeptTables = NOT_KEPT,
) -> list[str | Band]:
    """As `cut_continuous`, for as many features as are given, and by the rule of those that have one."""
    columns = columns_of(cursor, paths)
    return [
        item
        if isinstance(item, Band)
        else _cut(cursor, paths, item, type_of(item, columns), rules.get(item), tables)
        for item in items
    ]


def _cut(
    cursor: duckdb.DuckDBPyConnection,
    paths: Paths,
    feature: str,
    kind: str,
    rule: CutRule | None,
    tables: KeptTables,
) -> str | Band:
    if not kind.startswith(NUMBERS):
        if rule is not None and rule.kind != "values":
            raise BadInput(f"{feature!r} holds no numbers to cut", remedy="Slice by its values instead.")
        return feature
    if rule is None:
        continuous = _profile(cursor, paths, feature, kind, tables).kind == "number"
        return Band(feature, quantile_cuts(cursor, paths, feature, tables=tables)) if continuous else feature
    if rule.kind == "values":
        return feature
    if rule.kind == "at":
        return Band(feature, rule.numbers)
    if rule.kind == "quantiles":
        return Band(feature, quantile_cuts(cursor, paths, feature, int(rule.numbers[0]), tables))
    found = _profile(cursor, paths, feature, kind, tables)
    if found.low is None or found.high is None:
        return Band(feature, ())
    size = {"bands": int(rule.numbers[0])} if rule.kind == "bands" else {"width": rule.numbers[0]}
    try:
        return Band(feature, even_cuts(found.low, found.high, **size))
    except ValueError as error:
        raise BadInput(str(error), where=feature) from error


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

    Notes
    -----
    Formula: exact distinct counts, one group-by over as many columns as `CELLS_A_QUERY` allows; kind as in
    `cut_continuous`. Source: ours.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path, cursor = f"{folder}/batch.parquet", duckdb.connect()
    ...     query = "SELECT range AS id, range % 2 AS sex, 1 AS y_pred FROM range(100)"
    ...     _ = cursor.execute(f"COPY ({query}) TO '{path}'")
    ...     [(each.name, each.kind, each.distinct) for each in slice_features(cursor, [path])]
    [('sex', 'category', 2)]
    """
    columns = {
        name: kind
        for name, kind in columns_of(cursor, paths).items()
        if kind.startswith((*NUMBERS, *WORDS)) and name not in _CANONICAL and not name.startswith("y_score_")
    }
    ((rows,),) = known_of(cursor, paths, f"SELECT count(*) FROM {SCAN}")
    size = max(1, min(COLUMNS_A_QUERY, CELLS_A_QUERY // max(1, rows)))
    found: dict[str, SliceFeature] = {}
    for numeric in (True, False):
        alike = [name for name, kind in columns.items() if kind.startswith(NUMBERS) == numeric]
        for start in range(0, len(alike), size):
            part = {name: columns[name] for name in alike[start : start + size]}
            found |= _profiles(cursor, paths, part, numeric=numeric)
    return [found[name] for name in columns if found[name].sliceable]


def class_labels(cursor: duckdb.DuckDBPyConnection, paths: Paths) -> list[str]:
    """List the classes that occur as a prediction or a label, in natural order.

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
    rows = known_of(cursor, paths, " UNION ".join(parts))
    return sorted((row[0] for row in rows if row[0] != MISSING), key=lambda text: natural_order((text,)))


def feature_values(
    cursor: duckdb.DuckDBPyConnection, paths: Paths, feature: str, tables: KeptTables = NOT_KEPT
) -> list[str]:
    """List the values of a feature as slices name them, in natural order, missing last.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path, cursor = f"{folder}/batch.parquet", duckdb.connect()
    ...     _ = cursor.execute(f"COPY (SELECT range % 3 AS code FROM range(9)) TO '{path}'")
    ...     feature_values(cursor, [path], "code")
    ['0', '1', '2']
    """
    kind = type_of(feature, columns_of(cursor, paths))
    query = f" SELECT DISTINCT {as_text('x', kind)} FROM valued LIMIT {10 * MAX_CATEGORIES}"
    rows = _of_values(cursor, paths, feature, kind, query, tables)
    return [row[0] for row in sorted(rows, key=natural_order)]


def _profiles(
    cursor: duckdb.DuckDBPyConnection, paths: Paths, columns: Mapping[str, str], *, numeric: bool
) -> dict[str, SliceFeature]:
    """Profiles of columns that all hold numbers, or all words; several lie below each other.

    Grouped by the raw value first: what is worked out then is worked out once a value, not once a row.
    """
    kind = "DOUBLE" if numeric else "VARCHAR"
    raw = ", ".join(f"CAST({quoted(name)} AS {kind})" for name in columns)
    values = f"{', '.join(map(quoted, columns))} AS x", "0"
    if len(columns) > 1:
        values = f"unnest([{raw}]) AS x, unnest(range({len(columns)})) AS place", "place"
    value, told = _profile_sql(kind)
    query = f"""
        SELECT place, {told}
        FROM (SELECT {values[1]} AS place, {value} AS v, n
            FROM (SELECT *, count(*) AS n FROM (SELECT {values[0]} FROM {SCAN}) GROUP BY ALL))
        GROUP BY place
    """
    counted = {place: rest for place, *rest in known_of(cursor, paths, query)}
    return {
        name: SliceFeature(name, kind, *counted.get(place, (0, 0, 0, False, None, None)))
        for place, (name, kind) in enumerate(columns.items())
    }


def _profile_sql(kind: str) -> tuple[str, str]:
    """SQL of a value x as it is compared, and of what a profile tells of such values v with their rows n."""
    numeric = kind.startswith(NUMBERS)
    value = as_number("x") if numeric else f"nullif({as_text('x', kind)}, '{MISSING}')"
    ends = "min(v) FILTER (WHERE isfinite(v)), max(v) FILTER (WHERE isfinite(v))" if numeric else "NULL, NULL"
    whole = "coalesce(bool_or(isfinite(v) AND v <> trunc(v)), false)" if numeric else "false"
    missing = "coalesce(sum(n) FILTER (WHERE v IS NULL), 0)::BIGINT"
    return value, f"count(DISTINCT v), {missing}, coalesce(sum(n), 0)::BIGINT, {whole}, {ends}"


def _profile(
    cursor: duckdb.DuckDBPyConnection, paths: Paths, name: str, kind: str, tables: KeptTables
) -> SliceFeature:
    value, told = _profile_sql(kind)
    query = f" SELECT {told} FROM (SELECT {value} AS v, n FROM valued)"
    (counted,) = _of_values(cursor, paths, name, kind, query, tables)
    return SliceFeature(name, kind, *counted)


def _of_values(
    cursor: duckdb.DuckDBPyConnection,
    paths: Paths,
    name: str,
    kind: str,
    query: str,
    tables: KeptTables,
    **given: Hashable,
) -> Rows:
    """Ask of `valued`: the values of a column, x, each with the number of its rows, n; some twice."""
    scanned = _VALUES.format(column=quoted(name), kind=kind, scan=SCAN)

    def write(file: str, table: Path) -> None:
        column = quoted(name) if name in columns_of(cursor, [file]) else "NULL"
        few = f"{_VALUES.format(column=column, kind=kind, scan=SCAN)} LIMIT {_MANY + 1}"
        whole = f"SELECT *, count(*) OVER () <= {_MANY} AS whole FROM ({few})"
        write_table(cursor, whole, {"paths": [file]}, table)

    def join(ten: Sequence[str], table: Path) -> None:
        whole = (
            "SELECT x, sum(n)::BIGINT AS n, bool_and(whole) AS whole FROM read_parquet($tables) GROUP BY x"
        )
        write_table(cursor, whole, {"tables": ten}, table)

    def ask(kept: Sequence[str], files: Sequence[str]) -> Rows:
        found = ["SELECT x, n FROM read_parquet($tables)"] if kept else []
        found += [scanned] if files else []
        parameters = {**({"tables": kept} if kept else {}), **({"paths": files} if files else {}), **given}
        return run(cursor, f"WITH valued AS ({' UNION ALL '.join(found)}){query}", parameters)

    def work_out() -> Rows:
        every = [str(path) for path in paths]
        try:
            kept, files = tables.of(paths, f"{_MANY} {scanned}", write, join)
            whole = "SELECT bool_and(whole) FROM read_parquet($tables)"
            if kept and run(cursor, whole, {"tables": kept})[0][0]:
                return ask(kept, files)
        except NotFound:  # a table that is deleted meanwhile; if a batch is gone, it is told now
            pass
        return ask([], every)

    return known(paths, (name, query, tuple(given.items())), work_out)


def write_scored_rows(
    cursor: duckdb.DuckDBPyConnection,
    paths: Paths,
    by: Sequence[str | Band],
    target: Path,
    *,
    positive: str | None,
    kept: Kept = EVERY_ROW,
    features: Sequence[str] = (),
    most: int = 100_000,
) -> int:
    """Write rows of a binary model with score, label and decision to Parquet, and return how many.

    Columns are `slice`, `score` (of the positive outcome), `label` and `decision` (True: positive), `half`
    (by the row's id, so that a person who is there twice is in one half) and `f0`, `f1`, ... the features.
    Of more than `most` rows it takes a sample that is the same each time.

    Raises
    ------
    BadInput, NotFound
        As `slice_counts`; the files hold no score, or no row has score, label and decision.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    picked = pick_rows(cursor, paths, "binary", by, positive, kept)
    if picked.score is None:
        raise BadInput("these predictions have no scores", remedy="Add predictions with their scores.")
    named = "".join(f", {quoted(name)} AS f{place}" for place, name in enumerate(features))
    guess, actual = (as_number(picked.outcome(name)) for name in ("y_pred", "y_true"))
    row = "CAST(row_id AS VARCHAR)"
    wanted = f"{picked.score} AS score, {guess} AS guess, {actual} AS actual, {row} AS id{named}"
    keys = "".join(f"{value} AS {name}, " for name, value in picked.slices.items())
    taken = "".join(f", f{place}" for place in range(len(features)))
    query = (
        f"SELECT {keys}score, actual = {picked.yes} AS label, guess = {picked.yes} AS decision, "
        f"hash(id) % 2 = 0 AS half{taken} FROM ({picked.scanned(wanted)}) "
        "WHERE score IS NOT NULL AND guess IS NOT NULL AND actual IS NOT NULL "
        "ORDER BY hash(id, 1), score, label LIMIT $most"
    )
    table = cursor.execute(query, picked.given(query, most=most)).to_arrow_table()
    if not table.num_rows:
        raise BadInput("no prediction has a score and a label", remedy="Add the outcomes that came true.")
    codes = [table.column(place).to_pylist() for place in range(len(by))]
    slices = [" · ".join(value for _, value in slice_keys(by, row)) for row in zip(*codes, strict=True)]
    pq.write_table(
        table.select(range(len(by), table.num_columns)).append_column("slice", pa.array(slices)), target
    )
    return int(table.num_rows)
