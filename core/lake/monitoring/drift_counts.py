"""Counts for drift, feature by feature and chunk by chunk, reduced by DuckDB."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import duckdb

from core.analytics.drift.methods import Kind, Moments, OutsideRows, SortedValues
from core.domain.errors import BadInput
from core.domain.models.column_mapping import PREDICTED, ROW_ID, TIMESTAMP, TRUE
from core.lake.predictions.intake_columns import NUMERIC, in_parts, quoted
from core.lake.slices.rows import natural_order

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Part = Literal["reference", "analysis"]
Period = Literal["day", "week", "month", "quarter", "year"]
_CELLS_AT_ONCE = 2_000_000
_SAMPLED = 20_000
ABSENT = "not in"
"""What the reason begins with where a column is absent from a part."""


@dataclass(frozen=True)
class BatchFile:
    """A canonical file: where it lies, its part and its rows."""

    path: str
    part: Part
    rows: int


@dataclass(frozen=True)
class Chunking:
    """How rows are put into chunks: so many rows each, or by a period of their time."""

    rows: int = 5_000
    period: Period | None = None


@dataclass(frozen=True)
class Chunk:
    """A chunk: its part, its rows counted from 0 within the part (in the order of the chunks), its times."""

    part: Part
    rows: int
    first_row: int
    last_row: int
    started_at: datetime | None
    ended_at: datetime | None


class DriftRows:
    """See the module. `types` has the columns that every file holds, as the reference has them.

    Raises
    ------
    BadInput
        Periods were asked for, and the batches have no times.
    """

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        files: Sequence[BatchFile],
        chunking: Chunking,
        orders: Mapping[str, Sequence[str]] | None = None,
        weight: str = "",
    ) -> None:
        self._cursor = cursor
        self._files = sorted(files, key=lambda file: file.part != "reference")
        self._chunking = chunking
        self._values: dict[str, Any] = {f"file{n}_": file.path for n, file in enumerate(self._files)}
        self.absent: dict[str, str] = {weight: "the weight of rows, no feature"} if weight else {}
        self.types = self._shared_types()
        self.orders = {n: self._order(n, given) for n, given in (orders or {}).items() if n in self.types}
        self._values |= {f"order{n}_": list(values) for n, values in enumerate(self.orders.values())}
        self._periods: dict[Part, int] = {}
        if chunking.period is not None:
            self._find_periods()
        self.chunks = self._chunks()

    @property
    def rows(self) -> int:
        """Rows of all batches together."""
        return sum(file.rows for file in self._files)

    @property
    def reference_chunks(self) -> int:
        """How many chunks the reference has; they come first."""
        return sum(chunk.part == "reference" for chunk in self.chunks)

    def is_number(self, column: str) -> bool:
        """Whether a column holds numbers, or values with an order, which count by their place in it."""
        return column in self.orders or self.types[column].startswith(NUMERIC)

    def number(self, column: str) -> str:
        """SQL of a column as a number."""
        if column not in self.orders:
            return f"CAST({quoted(column)} AS DOUBLE)"
        place = list(self.orders).index(column)
        return f"CAST(list_position($order{place}_, CAST({quoted(column)} AS VARCHAR)) AS DOUBLE)"

    def finite(self, column: str) -> str:
        """The same, without what is no number."""
        value = self.number(column)
        return f"CASE WHEN isfinite({value}) THEN {value} END"

    def _order(self, column: str, given: Sequence[str]) -> list[str]:
        """The values of an ordered column, the lowest first: those given, else all in their own order."""
        scan = self._scan({"x": f"CAST({quoted(column)} AS VARCHAR)"}, None, chunked=False)
        found = given or (x for (x,) in self.ask(f"SELECT DISTINCT x FROM ({scan}) WHERE x IS NOT NULL"))
        return list(given) or sorted(found, key=lambda value: natural_order([value]))

    def ask(self, query: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return self._run(query, values).fetchall()

    def columns(self, query: str, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Columns of a query as numpy arrays."""
        return self._run(query, values).fetchnumpy()

    def scan(self, columns: Mapping[str, str], part: Part | None = None) -> str:
        """SELECT of columns (name -> SQL over the files' own) with the `chunk` of each row."""
        return self._scan(columns, part, chunked=True)

    def groups_of_chunks(self, cells_a_chunk: int | None = None) -> Iterator[tuple[int, int]]:
        """First and last chunk of groups small enough to hold at once; a chunk counts its rows by default."""
        first, held = 0, 0
        for place, chunk in enumerate(self.chunks):
            size = cells_a_chunk or chunk.rows
            if held and held + size > _CELLS_AT_ONCE:
                yield first, place - 1
                first, held = place, 0
            held += size
        if self.chunks:
            yield first, len(self.chunks) - 1

    def _scan(self, columns: Mapping[str, str], part: Part | None, *, chunked: bool) -> str:
        wanted = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
        before: dict[Part, int] = {"reference": 0, "analysis": 0}
        parts = []
        for n, file in enumerate(self._files):
            if part in (None, file.part):
                chunk = f", {self._chunk_sql(file.part, before[file.part])} AS chunk" if chunked else ""
                parts.append(
                    f"SELECT {wanted}{chunk} FROM read_parquet($file{n}_, file_row_number = true, "
                    "hive_partitioning = false)"
                )
            before[file.part] += file.rows
        return " UNION ALL ".join(parts)

    def _run(self, query: str, values: Mapping[str, Any] | None) -> duckdb.DuckDBPyConnection:
        named = set(re.findall(r"\$(\w+)", query))
        given = {**self._values, **(values or {})}
        return self._cursor.execute(query, {name: given[name] for name in named})

    def _shared_types(self) -> dict[str, str]:
        """Columns that every file holds, as the reference has them; the others are absent, with where."""
        found: dict[str, list[tuple[Part, str]]] = {}
        for n, file in enumerate(self._files):
            described = self.ask(f"DESCRIBE SELECT * FROM read_parquet($file{n}_, hive_partitioning = false)")
            for row in described:
                found.setdefault(str(row[0]), []).append((file.part, str(row[1])))
        for name, held in found.items():
            lacking = len(self._files) - len(held)
            if held[0][0] != "reference":
                self.absent[name] = f"{ABSENT} the reference"
            elif lacking:
                self.absent[name] = f"{ABSENT} {lacking} of the batches in use"
        return {name: held[0][1] for name, held in found.items() if name not in self.absent}

    def _find_periods(self) -> None:
        if "timestamp" not in self.types:
            raise BadInput(
                "the batches have no times, so there are no periods",
                where="chunks",
                remedy="Count the chunks in rows.",
            )
        parts: tuple[Part, Part] = ("reference", "analysis")
        for part in parts:
            if any(file.part == part for file in self._files):
                scan = self._scan({"x": self._period_sql}, part, chunked=False)
                starts = [row[0] for row in self.ask(f"SELECT DISTINCT x FROM ({scan}) ORDER BY x")]
                self._periods[part] = len(starts)
                self._values[f"starts_{part}"] = starts

    @property
    def _period_sql(self) -> str:
        return f"CAST(date_trunc('{self._chunking.period}', timestamp) AS TIMESTAMP)"

    def _chunk_sql(self, part: Part, rows_before: int) -> str:
        first = 0 if part == "reference" else self._first_analysis_chunk
        if self._chunking.period is None:
            return f"{first} + (file_row_number + {rows_before}) // {self._chunking.rows}"
        return f"{first} - 1 + list_position($starts_{part}, {self._period_sql})"

    @property
    def _first_analysis_chunk(self) -> int:
        if self._chunking.period is not None:
            return self._periods.get("reference", 0)
        rows = sum(file.rows for file in self._files if file.part == "reference")
        return -(-rows // self._chunking.rows)

    def _chunks(self) -> tuple[Chunk, ...]:
        time = "timestamp" if "timestamp" in self.types else "CAST(NULL AS TIMESTAMP)"
        scan = self.scan({"x": time})
        query = f"SELECT chunk, count(*), min(x), max(x) FROM ({scan}) GROUP BY chunk ORDER BY chunk"
        border = self._first_analysis_chunk
        found: list[Chunk] = []
        for number, rows, started, ended in self.ask(query):
            part: Part = "reference" if number < border else "analysis"
            first = sum(chunk.rows for chunk in found if chunk.part == part)
            found.append(Chunk(part, rows, first, first + rows - 1, started, ended))
        return tuple(found)


_KEPT = "x IS NOT NULL AND NOT isnan(x)"


def drift_columns(rows: DriftRows, *, classes: bool = False) -> dict[str, Kind]:
    """Columns that can drift in the order of the reference: features, scores, predictions and outcomes.

    Times are none. `classes`: predictions and outcomes are categories.
    """
    kinds: dict[str, Kind] = {}
    for name, kind in rows.types.items():
        if name in (ROW_ID, TIMESTAMP):
            continue
        if rows.is_number(name) and not (classes and name in (PREDICTED, TRUE)):
            kinds[name] = "number"
        elif rows.is_number(name) or kind in ("VARCHAR", "BOOLEAN"):
            kinds[name] = "text"
    return kinds


def sampled_numbers(rows: DriftRows, names: Sequence[str]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Finite values of each number feature in evenly placed rows of the reference."""
    import numpy as np

    of_reference = sum(chunk.rows for chunk in rows.chunks[: rows.reference_chunks])
    for part in in_parts(names):
        columns = {f"x{n}": rows.finite(name) for n, name in enumerate(part)} | {"place": "file_row_number"}
        query = f"SELECT * FROM ({rows.scan(columns, 'reference')}) WHERE place % $every = 0 ORDER BY place"
        found = rows.columns(query, {"every": max(1, of_reference // _SAMPLED)})
        for n, name in enumerate(part):
            values = np.ma.filled(found[f"x{n}"].astype(np.float64), np.nan)
            yield name, values[~np.isnan(values)]


def distinct_texts(rows: DriftRows, names: Sequence[str]) -> dict[str, int]:
    """About how many different values each text feature has, over all batches."""
    found: dict[str, int] = {}
    for part in in_parts(names):
        columns = {f"x{n}": f"CAST({quoted(name)} AS VARCHAR)" for n, name in enumerate(part)}
        asked = ", ".join(f"approx_count_distinct({column})" for column in columns)
        (counts,) = rows.ask(f"SELECT {asked} FROM ({rows.scan(columns)})")
        found |= dict(zip(part, counts, strict=True))
    return found


def number_moments(rows: DriftRows, names: Sequence[str]) -> dict[str, Moments | None]:
    """What each number feature of the reference looks like; None where it has no finite value."""
    found: dict[str, Moments | None] = {}
    for part in in_parts(names):
        columns = {f"x{n}": rows.finite(name) for n, name in enumerate(part)}
        scan = rows.scan(columns, "reference")
        asked = ", ".join(f"count({c}), min({c}), max({c}), fsum({c}) / count({c})" for c in columns)
        (first,) = rows.ask(f"SELECT {asked} FROM ({scan})")
        means = {f"mean{n}": first[4 * n + 3] for n in range(len(part))}
        asked = ", ".join(
            f"fsum(({c} - $mean{n}) ** 2) / count({c}), fsum(({c} - $mean{n}) ** 3) / count({c})"
            for n, c in enumerate(columns)
        )
        (second,) = rows.ask(f"SELECT {asked} FROM ({scan})", means)
        for n, name in enumerate(part):
            count, low, high, _ = first[4 * n : 4 * n + 4]
            found[name] = _moments(count, low, high, *second[2 * n : 2 * n + 2]) if count else None
    return found


def _moments(count: int, low: float, high: float, variance: float, third: float) -> Moments:
    deviation = float(variance) ** 0.5
    skewness = third / deviation**3 if deviation > 0 else 0.0
    return Moments(int(count), float(low), float(high), deviation, float(skewness))


def outside_rows(rows: DriftRows, name: str, low: float, high: float) -> list[OutsideRows]:
    """One a chunk: rows with a value, and those below `low` or above `high`."""
    query = f"""
        SELECT chunk, count(*), count(*) FILTER (WHERE x < $low), count(*) FILTER (WHERE x > $high),
            coalesce(fsum($low - x) FILTER (WHERE x < $low), 0),
            coalesce(fsum(x - $high) FILTER (WHERE x > $high), 0)
        FROM ({rows.scan({"x": rows.number(name)})}) WHERE {_KEPT} GROUP BY chunk
    """
    found = dict.fromkeys(range(len(rows.chunks)), OutsideRows(0, 0, 0, 0.0, 0.0))
    for chunk, *counts in rows.ask(query, {"low": low, "high": high}):
        found[chunk] = OutsideRows(*counts)
    return list(found.values())


def histograms(rows: DriftRows, name: str, edges: NDArray[np.float64]) -> Iterator[NDArray[np.int64]]:
    """Rows of each bin, of shape (bins,), chunk after chunk; a bin holds its lower edge, the last one both.

    Parameters
    ----------
    edges
        Shape (bins + 1,), rising by equal steps (numpy's `linspace`).
    """
    import numpy as np

    bins = len(edges) - 1
    values = {"low": float(edges[0]), "high": float(edges[-1]), "bins": bins, "edges": edges.tolist()}
    for first, last in rows.groups_of_chunks(bins):
        query = f"""
            WITH near AS (
                SELECT chunk, x,
                    least($bins - 1, CAST(floor((x - $low) / ($high - $low) * $bins) AS INTEGER)) AS i
                FROM ({rows.scan({"x": rows.number(name)})})
                WHERE {_KEPT} AND x BETWEEN $low AND $high AND chunk BETWEEN $first AND $last
            )
            SELECT chunk, i - CAST(x < $edges[i + 1] AS INTEGER)
                + CAST(i < $bins - 1 AND x >= $edges[i + 2] AS INTEGER) AS i, count(*) AS n
            FROM near GROUP BY ALL
        """
        found = rows.columns(query, {**values, "first": first, "last": last})
        table = np.zeros((last - first + 1, bins), dtype=np.int64)
        np.add.at(table, (found["chunk"].astype(np.int64) - first, found["i"]), found["n"].astype(np.int64))
        yield from table


def sorted_values(
    rows: DriftRows, name: str, low: float = 0.0, width: float | None = None
) -> Iterator[SortedValues]:
    """Different values in rising order with the rows of each, chunk after chunk.

    With a `width`, counted from `low` on, one value stands for all in a span of it.
    """
    import numpy as np

    value = "x" if width is None else "min(x)"
    span = "x" if width is None else "floor((x - $low) / $width)"
    for first, last in rows.groups_of_chunks():
        query = f"""
            SELECT chunk, {value} AS x, count(*) AS n FROM ({rows.scan({"x": rows.number(name)})})
            WHERE {_KEPT} AND chunk BETWEEN $first AND $last GROUP BY chunk, {span} ORDER BY chunk, 2
        """
        found = rows.columns(query, {"first": first, "last": last, "low": low, "width": width})
        chunks = np.asarray(found["chunk"], dtype=np.int64)
        borders = np.searchsorted(chunks, np.arange(first, last + 2))
        values, counts = np.asarray(found["x"], dtype=np.float64), np.asarray(found["n"], dtype=np.int64)
        for start, end in pairwise(borders):
            yield SortedValues(values[start:end], counts[start:end])


def category_counts(rows: DriftRows, name: str) -> tuple[list[str], NDArray[np.int64]]:
    """Rows of each category in each chunk.

    Returns
    -------
    tuple
        The categories, and counts of shape (chunks, categories). Missing values are no category.
    """
    import numpy as np

    query = f"""
        SELECT chunk, x, count(*) AS n FROM ({rows.scan({"x": f"CAST({quoted(name)} AS VARCHAR)"})})
        WHERE x IS NOT NULL GROUP BY ALL
    """
    found = rows.ask(query)
    places: dict[str, int] = {}
    for _, value, _ in found:
        places.setdefault(value, len(places))
    table = np.zeros((len(rows.chunks), len(places)), dtype=np.int64)
    for chunk, value, count in found:
        table[chunk, places[value]] = count
    return list(places), table


@dataclass(frozen=True)
class EncodedInputs:
    """A query that gives each row's `chunk` and `z`: inputs as numbers, and a 1 behind them."""

    query: str
    values: Mapping[str, Any]
    columns: int


def encoded_inputs(rows: DriftRows, kinds: Mapping[str, Kind]) -> EncodedInputs:
    """Inputs as NannyML encodes them: a number less the reference's mean, a category as its share of it.

    A missing number is the mean and a missing category the most frequent; one never seen has no share.
    """
    columns, asked, joins = {}, [], []
    values: dict[str, Any] = {}
    for n, (name, kind) in enumerate(kinds.items()):
        columns[f"x{n}"] = of_name = (
            rows.finite(name) if kind == "number" else f"CAST({quoted(name)} AS VARCHAR)"
        )
        scan = rows.scan({"x": of_name}, "reference")
        if kind == "number":
            ((values[f"mean{n}"],),) = rows.ask(f"SELECT fsum(x) / count(x) FROM ({scan})")
            asked.append(f"coalesce(x{n} - $mean{n}, 0)")
        else:
            counted = f"SELECT x, count(*) AS n FROM ({scan}) GROUP BY x ORDER BY x IS NULL, n DESC, x"
            shares = dict(rows.ask(counted))
            values[f"most{n}"] = most = next(iter(shares))
            shares[most] += shares.pop(None, 0)
            values |= {f"names{n}": list(shares), f"rows{n}": list(shares.values())}
            joins.append(
                f"LEFT JOIN (SELECT unnest($names{n}) AS name{n}, unnest($rows{n}) AS rows{n}) "
                f"ON name{n} = coalesce(x{n}, $most{n})"
            )
            asked.append(f"coalesce(rows{n}, 0) / {sum(shares.values())}")
    row = f"[{', '.join(asked)}, 1.0]::DOUBLE[]"
    query = f"SELECT chunk, {row} AS z FROM ({rows.scan(columns)}) {' '.join(joins)}"
    return EncodedInputs(query, values, len(kinds))


def input_sums(
    rows: DriftRows, inputs: EncodedInputs
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Rows, sums and sums of products of the inputs of each chunk of the reference."""
    import numpy as np

    size = inputs.columns
    pairs = [(one, other) for one in range(size) for other in range(one + 1)]
    asked = [f"sum(z[{one + 1}])" for one in range(size)]
    asked += [f"sum(z[{one + 1}] * z[{other + 1}])" for one, other in pairs]
    some = f"FROM ({inputs.query}) WHERE chunk < $first GROUP BY chunk ORDER BY chunk"
    query = f"SELECT count(*), {', '.join(asked)} {some}"
    found = np.array(rows.ask(query, {**inputs.values, "first": rows.reference_chunks}), dtype=np.float64)
    products = np.zeros((len(found), size, size))
    for place, (one, other) in enumerate(pairs, start=1 + size):
        products[:, one, other] = products[:, other, one] = found[:, place]
    return found[:, 0].astype(np.int64), found[:, 1 : 1 + size], products


def reconstruction_errors(
    rows: DriftRows, inputs: EncodedInputs, directions: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Means of the errors, of their squares and of their cubes, in each of the first chunks.

    `directions` are those of `left_over`, one set a chunk.
    """
    import numpy as np

    query = f"""
        SELECT avg(e), avg(e ** 2), avg(e ** 3) FROM (
            SELECT chunk, sqrt(list_sum(list_transform(
                $directions[chunk + 1], lambda w: list_inner_product(z, w) ** 2))) AS e
            FROM ({inputs.query}) WHERE chunk < $last)
        GROUP BY chunk ORDER BY chunk
    """
    values = {**inputs.values, "directions": [one.tolist() for one in directions], "last": len(directions)}
    return np.array(rows.ask(query, values), dtype=np.float64)
