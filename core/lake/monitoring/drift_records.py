"""Measurements of drift and data quality as recorded: the newest of a version, and its rows to append."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from core.domain.facts.measured import DriftFeature, DriftRun
from core.domain.moment import Moment
from core.lake.facts import together
from core.lake.monitoring.drift_rows import Chunk, Chunking
from core.lake.query import fetch
from core.lake.store import Store


def compared_features(store: Store, run: DriftRun, moment: Moment, method: str = "") -> list[DriftFeature]:
    """Every feature and method of a measurement that is the newest, or one method of it."""
    found = together(store, DriftFeature, run.initiative, run.version, moment)
    return [one for one in found if one.seq > run.seq and method in ("", one.method)]


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
    rows = fetch(store.cursor(), query, {"seq": moment.seq, "method": method})
    return (rows[0]["initiative"], rows[0]["version"]) if rows else None


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
