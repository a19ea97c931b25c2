"""What the demo records beside its estimates: how they came about, and those of subpopulations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.services.measured.refresh import run_facts

if TYPE_CHECKING:
    from data.demo.example_datasets import DatasetFiles
    from data.demo.workshop import Workshop

_CENSUS = (("sex",), ("race",), ("disability",))


def divided_by(files: DatasetFiles) -> tuple[tuple[str, ...], ...]:
    """The features by which a published model's estimates are divided; each group takes its time."""
    if files.task != "binary":
        return ()
    if files.sensitive_features:
        return tuple(one for one in _CENSUS if one[0] in files.sensitive_features)
    return tuple((name,) for name in files.slice_features[:1])


def estimates_with_run(
    workshop: Workshop, name: str, whole: bool, first_chunks: int, batches: Sequence[str] = ()
) -> dict[str, Any]:
    """Chunks, run and subpopulations of an estimate as `RecordEstimates` takes them.

    Parameters
    ----------
    workshop, name
        Where the estimate is, and what it is called there.
    whole
        False takes the first `first_chunks` analysis chunks only: the later rows had not come yet.
    batches
        Digests of the batches that it rests on.
    """
    rows = [row for row in workshop.estimates(name) if whole or _came(row, first_chunks)]
    spec, fit_file, slices = workshop.estimate_files(name)
    found: dict[str, Any] = {
        "chunks": tuple({**row, "part": row["period"]} for row in rows),
        "run": {**run_facts(spec, fit_file, rows), "batches": list(batches)},
    }
    if spec.by:
        found["slices_file"] = slices if whole else _first_part(slices, first_chunks)
    return found


def _came(row: dict[str, Any], first_chunks: int) -> bool:
    return row["period"] == "reference" or bool(row["chunk"] < first_chunks)


def _first_part(slices: Path, first_chunks: int) -> Path:
    import polars as pl

    part = slices.with_suffix(f".{first_chunks}.parquet")
    rows = pl.read_parquet(slices)
    rows.filter((pl.col("period") == "reference") | (pl.col("chunk") < first_chunks)).write_parquet(part)
    return part
