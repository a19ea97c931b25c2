"""What the demo records beside its estimates: how they came about, and those of subpopulations."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core.lake.monitoring.readings import read_estimates
from core.services.measured.monitoring import RecordEstimates, decay_run

if TYPE_CHECKING:
    from data.demo.example_datasets import DatasetFiles
    from data.demo.plans import InitiativePlan, VersionPlan
    from data.demo.world import World

_CENSUS = (("sex",), ("race",), ("disability",))


def divided_by(files: DatasetFiles) -> tuple[tuple[str, ...], ...]:
    """The features by which a published model's estimates are divided; each group takes its time."""
    if files.task != "binary":
        return ()
    if files.sensitive_features:
        return tuple(one for one in _CENSUS if one[0] in files.sensitive_features)
    return tuple((name,) for name in files.slice_features[:1])


def recorded_estimates(
    world: World,
    plan: InitiativePlan,
    version: VersionPlan,
    name: str,
    first_chunks: int | None,
    at: datetime,
) -> RecordEstimates:
    """The estimates of a version as production records them: chunks, run and subpopulations.

    Parameters
    ----------
    name
        What the estimates are called in the workshop.
    first_chunks
        Analysis chunks whose rows had come by then; None for all.
    """
    workshop = world.shelf.workshop
    assert workshop is not None  # planned only with a workshop
    found = read_estimates(world.governance.store, workshop.estimates(name))
    spec, fit_file, slices = workshop.estimate_files(name)
    chunks = found
    if first_chunks is not None:
        chunks = [chunk for chunk in found if chunk.part == "reference" or chunk.chunk < first_chunks]
        slices = _first_part(slices, first_chunks) if spec.by else slices
    return RecordEstimates(
        actor=plan.crew.by_role["production"],
        at=at,
        initiative=plan.key,
        version=version.label,
        chunks=tuple(chunks),
        run=decay_run(plan.key, version.label, spec, fit_file, chunks),
        slices_file=slices if spec.by else None,
    )


def _first_part(slices: Path, first_chunks: int) -> Path:
    import polars as pl

    part = slices.with_suffix(f".{first_chunks}.parquet")
    rows = pl.read_parquet(slices)
    rows.filter((pl.col("period") == "reference") | (pl.col("chunk") < first_chunks)).write_parquet(part)
    return part
