"""The rows of a version's batches, put into chunks; every question on drift is asked of these.

Chunks are numbered through: those of the reference first, then those of the analysis rows. A chunk is so
many consecutive rows in the order of the files, or a period of the rows' own time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import duckdb

from core.domain.errors import BadInput
from core.lake.predictions.intake_columns import NUMERIC

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
