"""Drift measured from counts of the store, and the measurement as a fact."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from core.analytics.drift.feature_drift import (
    BY_CATEGORY,
    Along,
    Column,
    MethodDrift,
    closeness,
    drift_by_counts,
    joint_drift,
    level_of,
    number_drift,
    together,
)
from core.analytics.drift.methods import Kind, Moments, OutsideRows, SortedValues, left_over
from core.domain.facts.measured import DriftRun
from core.domain.models.column_mapping import ROW_ID, TIMESTAMP, is_canonical
from core.domain.moment import Moment
from core.lake.monitoring.drift_counts import (
    Chunk,
    Chunking,
    DriftRows,
    category_counts,
    distinct_texts,
    drift_columns,
    encoded_inputs,
    histograms,
    input_sums,
    number_moments,
    outside_rows,
    reconstruction_errors,
    sampled_numbers,
    sorted_values,
)
from core.lake.store import Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def most_drifted(store: Store, moment: Moment, method: str) -> tuple[str, str] | None:
    """Initiative and version with most features on alert in the newest chunk, attributed ones first."""
    query = """
        WITH newest AS (SELECT initiative, version, max(seq) AS seq FROM drift_run WHERE seq <= $seq
            GROUP BY ALL)
        SELECT f.initiative, f.version, count(*) FILTER (WHERE f.alerts[-1]) AS alerting,
            EXISTS (SELECT 1 FROM attribution a WHERE a.initiative = f.initiative
                AND a.version = f.version AND a.seq <= $seq) AS attributed
        FROM drift_feature f JOIN newest n ON f.initiative = n.initiative AND f.version = n.version
            AND f.seq > n.seq AND f.seq <= $seq
        WHERE f.method = $method GROUP BY f.initiative, f.version
        ORDER BY attributed DESC, alerting DESC, f.initiative, f.version LIMIT 1
    """
    rows = store.cursor().execute(query, {"seq": moment.seq, "method": method}).fetchall()
    return (str(rows[0][0]), str(rows[0][1])) if rows else None


def run_of(
    initiative: str,
    version: str,
    chunking: Chunking,
    chunks: Sequence[Chunk],
    batches: Iterable[str],
    skipped: Mapping[str, str],
) -> DriftRun:
    """A measurement as a fact: its chunks as lists, reference first."""
    return DriftRun(
        initiative=initiative,
        version=version,
        chunk_rows=0 if chunking.period else chunking.rows,
        period=chunking.period or "",
        reference_chunks=sum(chunk.part == "reference" for chunk in chunks),
        parts=tuple(chunk.part for chunk in chunks),
        first_rows=tuple(chunk.first_row for chunk in chunks),
        last_rows=tuple(chunk.last_row for chunk in chunks),
        started_at=tuple(_text(chunk.started_at) for chunk in chunks),
        ended_at=tuple(_text(chunk.ended_at) for chunk in chunks),
        batches=tuple(batches),
        skipped=tuple(f"{name}: {why}" for name, why in skipped.items()),
    )


def _text(time: datetime | None) -> str:
    return "" if time is None else time.isoformat(timespec="seconds")


MOST_CATEGORIES = 10_000
"""A text with more different values is an identifier or prose; shares of its values say nothing."""
_FEW_CATEGORIES = 1_000
Step = Callable[[float, str], None]


@dataclass(frozen=True)
class MeasuredDrift:
    """Drift of every column by every method, and the columns left out, each with the reason."""

    methods: tuple[MethodDrift, ...]
    skipped: dict[str, str]


def measure(rows: DriftRows, step: Step, *, classes: bool = False) -> MeasuredDrift:
    """Measure every column; `step` is told the share done and the column at work, and may end it.

    `classes`: what is predicted and what came true are categories, whatever they look like.
    """
    columns = drift_columns(rows, classes=classes)
    numbers = [name for name, kind in columns.items() if kind == "number"]
    texts = [name for name, kind in columns.items() if kind == "text"]
    step(0.0, "Looking at the reference.")
    moments, distinct = number_moments(rows, numbers), distinct_texts(rows, texts)
    widths = {name: closeness(sample) for name, sample in sampled_numbers(rows, numbers)}
    level = level_of(len(columns) + 1, len(rows.chunks) - rows.reference_chunks)
    found: list[MethodDrift] = []
    skipped = {name: why for name, why in rows.absent.items() if name not in (ROW_ID, TIMESTAMP)}
    for done, name in enumerate(columns):
        step(done / len(columns), f"Comparing {name}.")
        of_name = moments.get(name)
        if name in moments:
            if of_name is None:
                skipped[name] = _EMPTY
            else:
                found += of_number(rows, name, of_name, widths[name], level)
        elif distinct[name] > MOST_CATEGORIES:
            skipped[name] = f"about {distinct[name]:,} different values"
        elif distinct[name] > max(_FEW_CATEGORIES, rows.rows / 3):
            skipped[name] = "nearly every row has a value of its own"
        else:
            found += of_text(rows, name, level, skipped)
    step(1.0, "Comparing all inputs together.")
    inputs = [one for one in dict.fromkeys(drift.feature for drift in found) if not is_canonical(one)]
    found += of_all(rows, {name: columns[name] for name in inputs}, level)
    return MeasuredDrift(tuple(found), skipped)


_EMPTY = "no value in the reference"


@dataclass(frozen=True, slots=True)
class _Stored:
    """A number feature as the store counts it; see `Column`."""

    rows: DriftRows
    name: str

    def outside(self, low: float, high: float) -> list[OutsideRows]:
        return outside_rows(self.rows, self.name, low, high)

    def histograms(self, edges: NDArray[np.float64]) -> Iterator[NDArray[np.int64]]:
        return histograms(self.rows, self.name, edges)

    def sorted_values(self) -> Iterator[SortedValues]:
        return sorted_values(self.rows, self.name)


def of_number(
    rows: DriftRows, name: str, moments: Moments, width: float | None, level: float
) -> list[MethodDrift]:
    """Drift of a number feature by its four methods; `width` is how near two of few values count as one."""
    import numpy as np

    column: Column = _Stored(rows, name)
    if width is not None:
        chunks = list(sorted_values(rows, name, moments.low, width))
        column = together(chunks, rows.reference_chunks, width)
    held = np.array([one.rows for one in column.outside(moments.low, moments.high)])
    found = number_drift(name, moments, column, Along(held, rows.reference_chunks, level))
    return [replace(one, kind="ordered") for one in found] if name in rows.orders else found


def of_text(rows: DriftRows, name: str, level: float, skipped: dict[str, str]) -> list[MethodDrift]:
    """Drift of a text feature by its four methods; none where the reference has no value."""
    _, counts = category_counts(rows, name)
    if not counts[: rows.reference_chunks].sum():
        skipped[name] = _EMPTY
        return []
    along = Along(counts.sum(axis=1), rows.reference_chunks, level)
    return drift_by_counts(name, "text", counts, along, BY_CATEGORY)


MOST_TOGETHER = 60
"""Inputs that are looked at together; their products are summed in pairs."""


def of_all(rows: DriftRows, kinds: Mapping[str, Kind], level: float) -> list[MethodDrift]:
    """Drift of all inputs together; none of one input, of too many, or of a chunk without rows."""
    import numpy as np

    if not 2 <= len(kinds) <= MOST_TOGETHER:
        return []
    inputs, first = encoded_inputs(rows, kinds), rows.reference_chunks
    held, sums, products = input_sums(rows, inputs)
    whole = left_over(held.sum(), sums.sum(axis=0), products.sum(axis=0))
    others = [
        left_over(held.sum() - held[n], sums.sum(axis=0) - sums[n], products.sum(axis=0) - products[n])
        for n in range(first)
    ]
    if not len(whole):
        return []
    errors = reconstruction_errors(rows, inputs, [whole] * len(rows.chunks))
    mean, square, cube = (held @ errors[:first, power] / held.sum() for power in range(3))
    deviation = float(np.sqrt(max(square - mean**2, 0.0)))
    skewness = float(cube - 3 * mean * square + 2 * mean**3) / deviation**3 if deviation else 0.0
    left_out = reconstruction_errors(rows, inputs, others)[:, 0]
    along = Along(np.array([chunk.rows for chunk in rows.chunks]), first, level)
    return [joint_drift(errors[:, 0], left_out, along, deviation, skewness)]
