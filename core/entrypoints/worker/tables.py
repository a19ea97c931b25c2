"""The Parquet files in which a worker hands back its results: one column a field, fixed types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.analytics.decay.estimates import EstimatedChunk, SliceChunk

_ESTIMATES = {
    "metric": "string",
    "period": "string",
    "chunk": "int32",
    "first_row": "int64",
    "last_row": "int64",
    "rows": "int64",
    "labelled_rows": "int64",
    "started_at": "timestamp",
    "ended_at": "timestamp",
    "estimate": "double",
    "realised": "double",
    "lower_confidence": "double",
    "upper_confidence": "double",
    "lower_threshold": "double",
    "upper_threshold": "double",
    "sampling_error": "double",
    "alert": "bool",
    "worse": "bool",
}

_OF_SLICES = {
    "features": "strings",
    "values": "strings",
    "calibrated": "string",
    "judged": "bool",
    **_ESTIMATES,
}


def write_estimates(chunks: Sequence[EstimatedChunk], path: Path) -> Path:
    """Write one row an `EstimatedChunk`; undefined numbers are null, times are UTC without zone."""
    return _write([asdict(chunk) for chunk in chunks], _ESTIMATES, path)


def write_slices(chunks: Sequence[SliceChunk], path: Path) -> Path:
    """Write one row a `SliceChunk`: its subpopulation, and the estimate as `write_estimates` has it."""
    lines = []
    for chunk in chunks:
        named = {"calibrated": chunk.calibrated, "judged": chunk.judged}
        lists = {"features": list(chunk.features), "values": list(chunk.values)}
        lines.append({**lists, **named, **asdict(chunk.estimated)})
    return _write(lines, _OF_SLICES, path)


def _write(rows: list[dict[str, Any]], columns: dict[str, str], path: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {
        "string": pa.string(),
        "strings": pa.list_(pa.string()),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "double": pa.float64(),
        "bool": pa.bool_(),
        "timestamp": pa.timestamp("us"),
    }
    schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
    draft = path.with_name(f".{path.name}.draft")
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), draft, compression="zstd")
    draft.replace(path)
    return path
