"""Measurements of drift and data quality as recorded: the newest of a version, and its rows to append."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from core.analytics.drift.feature_drift import MethodDrift
from core.domain.moment import Moment
from core.lake.monitoring.drift_rows import Chunk, Chunking
from core.lake.query import Rows, fetch
from core.lake.store import Store

_NEWEST = """
    SELECT * FROM {table} WHERE initiative = $initiative AND version = $version AND seq <= $seq
    ORDER BY seq DESC LIMIT 1
"""


def newest_run(store: Store, initiative: str, version: str, moment: Moment) -> dict[str, Any] | None:
    """The newest measurement of drift of a version; None where there is none."""
    return _newest(store, "drift_run", initiative, version, moment)


def feature_rows(store: Store, initiative: str, version: str, moment: Moment, method: str = "") -> Rows:
    """Every feature and method of the newest measurement, or one method of it."""
    query = """
        SELECT * FROM drift_feature WHERE ($method = '' OR method = $method) AND seq <= $seq
            AND initiative = $initiative AND version = $version AND seq >
            (SELECT max(seq) FROM drift_run WHERE initiative = $initiative AND version = $version
                AND seq <= $seq)
    """
    values = {"initiative": initiative, "version": version, "seq": moment.seq, "method": method}
    return fetch(store.cursor(), query, values)


def newest_quality_run(store: Store, initiative: str, version: str, moment: Moment) -> dict[str, Any] | None:
    """The newest measurement of data quality of a version; None where there is none."""
    return _newest(store, "data_quality_run", initiative, version, moment)


def quality_columns(store: Store, initiative: str, version: str, moment: Moment) -> Rows:
    """Columns of the newest measurement of data quality."""
    query = """
        SELECT * FROM data_quality_column WHERE seq <= $seq
            AND initiative = $initiative AND version = $version AND seq >
            (SELECT max(seq) FROM data_quality_run WHERE initiative = $initiative AND version = $version
                AND seq <= $seq)
    """
    return fetch(store.cursor(), query, {"initiative": initiative, "version": version, "seq": moment.seq})


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


def run_row(
    initiative: str,
    version: str,
    chunking: Chunking,
    chunks: Sequence[Chunk],
    batches: Iterable[str],
    skipped: Mapping[str, str],
) -> dict[str, Any]:
    """A measurement as a row: its chunks as lists, reference first."""
    return {
        "initiative": initiative,
        "version": version,
        "chunk_rows": 0 if chunking.period else chunking.rows,
        "period": chunking.period or "",
        "reference_chunks": sum(chunk.part == "reference" for chunk in chunks),
        "parts": [chunk.part for chunk in chunks],
        "first_rows": [chunk.first_row for chunk in chunks],
        "last_rows": [chunk.last_row for chunk in chunks],
        "started_at": [_text(chunk.started_at) for chunk in chunks],
        "ended_at": [_text(chunk.ended_at) for chunk in chunks],
        "batches": list(batches),
        "skipped": [f"{name}: {why}" for name, why in skipped.items()],
    }


def feature_row(initiative: str, version: str, drift: MethodDrift) -> dict[str, Any]:
    """A method on a feature as a row."""
    return {
        "initiative": initiative,
        "version": version,
        "feature": drift.feature,
        "kind": drift.kind,
        "method": drift.method,
        "threshold": drift.threshold,
        "distances": list(drift.distances),
        "p_values": list(drift.p_values),
        "alerts": list(drift.alerts),
    }


def _newest(store: Store, table: str, initiative: str, version: str, moment: Moment) -> dict[str, Any] | None:
    values = {"initiative": initiative, "version": version, "seq": moment.seq}
    rows = fetch(store.cursor(), _NEWEST.format(table=table), values)
    return rows[0] if rows else None


def _text(time: datetime | None) -> str:
    return "" if time is None else time.isoformat(timespec="seconds")
