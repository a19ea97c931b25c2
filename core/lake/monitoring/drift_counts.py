"""Counts for drift, feature by feature and chunk by chunk, reduced by DuckDB."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import duckdb

from core.analytics.drift.methods import Moments, OutsideRows, SortedValues
from core.domain.errors import BadInput
from core.domain.models.column_mapping import is_canonical
from core.lake.predictions.intake_columns import NUMERIC, in_parts, quoted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Part = Literal["reference", "analysis"]
Period = Literal["day", "week", "month", "quarter", "year"]
_CELLS_AT_ONCE = 2_000_000


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
        self, cursor: duckdb.DuckDBPyConnection, files: Sequence[BatchFile], chunking: Chunking
    ) -> None:
        self._cursor = cursor
        self._files = sorted(files, key=lambda file: file.part != "reference")
        self._chunking = chunking
        self._values: dict[str, Any] = {f"file{n}_": file.path for n, file in enumerate(self._files)}
        self.types = self._shared_types()
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
        """Whether a column holds numbers."""
        return self.types[column].startswith(NUMERIC)

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
        found: dict[str, str] | None = None
        for n in range(len(self._files)):
            described = self.ask(f"DESCRIBE SELECT * FROM read_parquet($file{n}_, hive_partitioning = false)")
            types = {str(row[0]): str(row[1]) for row in described}
            found = types if found is None else {name: kind for name, kind in found.items() if name in types}
        return found or {}

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


def drift_features(rows: DriftRows) -> list[str]:
    """Columns that can drift, numbers and texts, in the order of the reference; times are none."""
    return [
        name
        for name, kind in rows.types.items()
        if not is_canonical(name) and (rows.is_number(name) or kind in ("VARCHAR", "BOOLEAN"))
    ]


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
        columns = {f"x{n}": _finite(name) for n, name in enumerate(part)}
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
        FROM ({rows.scan({"x": _double(name)})}) WHERE {_KEPT} GROUP BY chunk
    """
    found = dict.fromkeys(range(len(rows.chunks)), OutsideRows(0, 0, 0, 0.0, 0.0))
    for chunk, *counts in rows.ask(query, {"low": low, "high": high}):
        found[chunk] = OutsideRows(*counts)
    return list(found.values())


def histograms(
    rows: DriftRows, name: str, edges: NDArray[np.float64]
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Rows of each bin, chunk after chunk; a bin holds its lower edge, the last one both.

    Parameters
    ----------
    edges
        Shape (bins + 1,), rising by equal steps (numpy's `linspace`).

    Yields
    ------
    tuple
        Number of the chunk, and its counts of shape (bins,).
    """
    import numpy as np

    bins = len(edges) - 1
    values = {"low": float(edges[0]), "high": float(edges[-1]), "bins": bins, "edges": edges.tolist()}
    for first, last in rows.groups_of_chunks(bins):
        query = f"""
            WITH near AS (
                SELECT chunk, x,
                    least($bins - 1, CAST(floor((x - $low) / ($high - $low) * $bins) AS INTEGER)) AS i
                FROM ({rows.scan({"x": _double(name)})})
                WHERE {_KEPT} AND x BETWEEN $low AND $high AND chunk BETWEEN $first AND $last
            )
            SELECT chunk, i - CAST(x < $edges[i + 1] AS INTEGER)
                + CAST(i < $bins - 1 AND x >= $edges[i + 2] AS INTEGER) AS i, count(*) AS n
            FROM near GROUP BY ALL
        """
        found = rows.columns(query, {**values, "first": first, "last": last})
        table = np.zeros((last - first + 1, bins), dtype=np.int64)
        np.add.at(table, (found["chunk"].astype(np.int64) - first, found["i"]), found["n"].astype(np.int64))
        for place in range(last - first + 1):
            yield first + place, table[place]


def sorted_values(rows: DriftRows, name: str) -> Iterator[tuple[int, SortedValues]]:
    """Different values in rising order with the rows of each, chunk after chunk."""
    import numpy as np

    for first, last in rows.groups_of_chunks():
        query = f"""
            SELECT chunk, x, count(*) AS n FROM ({rows.scan({"x": _double(name)})})
            WHERE {_KEPT} AND chunk BETWEEN $first AND $last GROUP BY ALL ORDER BY chunk, x
        """
        found = rows.columns(query, {"first": first, "last": last})
        chunks = np.asarray(found["chunk"], dtype=np.int64)
        borders = np.searchsorted(chunks, np.arange(first, last + 2))
        for place in range(last - first + 1):
            some = slice(borders[place], borders[place + 1])
            yield (
                first + place,
                SortedValues(
                    np.asarray(found["x"][some], dtype=np.float64),
                    np.asarray(found["n"][some], dtype=np.int64),
                ),
            )


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


def _double(name: str) -> str:
    return f"CAST({quoted(name)} AS DOUBLE)"


def _finite(name: str) -> str:
    value = _double(name)
    return f"CASE WHEN isfinite({value}) THEN {value} END"
