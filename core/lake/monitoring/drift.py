"""Drift measured from counts of the store, and the measurement as a fact."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.analytics.drift.feature_drift import (
    MethodDrift,
    binned_cumulated,
    exact_cumulated,
    joined,
    number_drift,
    text_drift,
)
from core.analytics.drift.methods import EXACT_BELOW, Moments, OutsideRows, doane_edges, fine_edges
from core.domain.facts.measured import DriftRun
from core.domain.moment import Moment
from core.lake.monitoring.drift_counts import (
    Chunk,
    Chunking,
    DriftRows,
    category_counts,
    distinct_texts,
    drift_features,
    histograms,
    number_moments,
    outside_rows,
    sorted_values,
)
from core.lake.store import Store


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
Pairs = list[tuple[float | None, float | None]]


@dataclass(frozen=True)
class MeasuredDrift:
    """Drift of every feature by every method, and the features left out, each with the reason."""

    methods: tuple[MethodDrift, ...]
    skipped: dict[str, str]


def measure(rows: DriftRows, step: Step) -> MeasuredDrift:
    """Measure every feature; `step` is told the share done and the feature at work, and may end it."""
    features = drift_features(rows)
    numbers = [name for name in features if rows.is_number(name)]
    texts = [name for name in features if not rows.is_number(name)]
    step(0.0, "Looking at the reference.")
    moments, distinct = number_moments(rows, numbers), distinct_texts(rows, texts)
    found: list[MethodDrift] = []
    skipped: dict[str, str] = {}
    for done, name in enumerate(features):
        step(done / len(features), f"Comparing {name}.")
        if name in moments:
            known = moments[name]
            if known is None:
                skipped[name] = "no value in the reference"
            else:
                found += of_number(rows, name, known)
        elif distinct[name] > MOST_CATEGORIES:
            skipped[name] = f"about {distinct[name]:,} different values"
        elif distinct[name] > max(_FEW_CATEGORIES, rows.rows / 3):
            skipped[name] = "nearly every row has a value of its own"
        else:
            found += of_text(rows, name, skipped)
    return MeasuredDrift(tuple(found), skipped)


def of_number(rows: DriftRows, name: str, moments: Moments) -> list[MethodDrift]:
    """Drift of a number feature by its four methods."""
    outside = outside_rows(rows, name, moments.low, moments.high)
    coarse = [bins for _, bins in histograms(rows, name, doane_edges(moments))]
    exact = moments.rows < EXACT_BELOW
    cumulated = _exact(rows, name) if exact else _binned(rows, name, moments, outside)
    return number_drift(name, coarse, outside, cumulated, rows.reference_chunks)


def of_text(rows: DriftRows, name: str, skipped: dict[str, str]) -> list[MethodDrift]:
    """Drift of a text feature by its four methods; none where the reference has no value."""
    _, counts = category_counts(rows, name)
    if not counts[: rows.reference_chunks].sum():
        skipped[name] = "no value in the reference"
        return []
    return text_drift(name, counts, rows.reference_chunks)


def _exact(rows: DriftRows, name: str) -> Pairs:
    chunks = list(sorted_values(rows, name))
    reference = joined([values for number, values in chunks if number < rows.reference_chunks])
    return exact_cumulated(chunks, reference)


def _binned(rows: DriftRows, name: str, moments: Moments, outside: list[OutsideRows]) -> Pairs:
    edges = fine_edges(moments)
    constant = moments.low == moments.high
    beyond = outside_rows(rows, name, float(edges[0]), float(edges[-1])) if constant else outside
    chunks = histograms(rows, name, edges)
    reference, first = None, []
    for number, bins in chunks:
        first.append((number, bins))
        reference = bins.copy() if reference is None else reference + bins
        if number == rows.reference_chunks - 1:
            break
    assert reference is not None  # the reference has chunks wherever it has a moment
    pairs = binned_cumulated(first, beyond, reference, edges)
    pairs += binned_cumulated(chunks, beyond, reference, edges)
    if not constant:
        return pairs
    # Around a single value the edges of the bins are no edges of the values: count these themselves.
    gaps = [max(o.below, o.above) / o.rows if o.rows else None for o in outside]
    return [(gap, area) for gap, (_, area) in zip(gaps, pairs, strict=True)]
