"""Estimate the performance of a model version from prediction files: fit once, then a pass over the rows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from core.analytics.decay.by_nannyml import (
    CHUNK,
    PREDICTED,
    TRUE,
    ReferenceSlices,
    fit_reference,
    score_columns,
)
from core.analytics.decay.estimates import (
    EstimatedChunk,
    SliceChunk,
)
from core.analytics.decay.fit import FittedModel, read_fit
from core.analytics.job_specs import EstimateSpec, RefusedInput
from core.lake.monitoring.decay_inputs import PartRows, checked_metrics
from core.lake.monitoring.decay_outcomes import joined_rows
from core.lake.monitoring.decay_pass import estimate_part
from core.lake.monitoring.decay_rows import Slicing, chunk_numbers, find_slicings, row_batches

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[Any]]

Report = Callable[[float, str], None]
_FITTING = 0.7
"""Share of the whole that a fit takes."""


@dataclass(frozen=True)
class Estimates:
    """What came of an estimate: the fit it rests on, everyone's chunks, and those of subpopulations."""

    fit: FittedModel
    chunks: list[EstimatedChunk]
    slices: list[SliceChunk]


def estimate_files(spec: EstimateSpec, report: Report, scratch: Path) -> Estimates:
    """Estimate from files alone, without a store; what is too large for memory goes to `scratch`.

    Parameters, result and refusals as in `run_estimate`.
    """
    with duckdb.connect(config={"temp_directory": str(scratch / ".duckdb")}) as connection:
        return run_estimate(connection, spec, report, scratch=scratch)


def run_estimate(
    cursor: duckdb.DuckDBPyConnection,
    spec: EstimateSpec,
    report: Report = lambda share, sentence: None,
    *,
    scratch: Path | None = None,
) -> Estimates:
    """Estimate how a model version performs on each chunk of its reference and analysis rows.

    Parameters
    ----------
    cursor
        An open DuckDB cursor; nothing is written.
    spec
        The prediction files, the task, the metrics and the rule of the chunks.
    report
        Called with the share done (0.0 to 1.0) and a sentence.
    scratch
        Folder for rows joined with later outcomes, gone at the end; the system's own where none is named.

    Returns
    -------
    Estimates
        One chunk a metric, period and chunk, in that order; the last one holds what is left over.

    Raises
    ------
    RefusedInput
        The input would give a silently wrong number: scores outside 0 to 1, a reference of one class or one
        chunk, times that are missing or are no timestamps, gaps in the labels of the reference, a metric that
        the values do not allow; or the stored fit is of another reference.
    """
    if spec.outcomes:
        report(0.0, "Joining the outcomes that came later.")
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            joined = joined_rows(cursor, spec.analysis, spec.outcomes, Path(folder) / "analysis.parquet")
            return run_estimate(
                cursor, spec.model_copy(update={"analysis": (joined,), "outcomes": ()}), report
            )
    report(0.0, "Looking at the predictions.")
    reference = PartRows(cursor, spec.reference, spec)
    analysis = PartRows(cursor, spec.analysis, spec)
    metrics = checked_metrics(spec, reference, analysis)
    fitted = read_fit(spec.fitted) if spec.fitted is not None else None
    slicings = find_slicings(cursor, spec, reference, analysis, fitted)
    if fitted is None:
        fitted = _fit(cursor, spec, metrics, reference, slicings, report)
    found = Estimates(fitted, [], [])
    total, share = reference.rows + analysis.rows, 0.0 if spec.fitted else _FITTING
    done = 0
    for name, part in (("reference", reference), ("analysis", analysis)):

        def on_rows(rows: int, start: int = done) -> None:
            report(share + (1 - share) * (start + rows) / total, "Estimating chunk after chunk.")

        chunks, slices = estimate_part(cursor, spec, part, fitted, slicings, name, on_rows)  # type: ignore[arg-type]
        found.chunks.extend(chunks)
        found.slices.extend(slices)
        done += part.rows
    order = {one.metric: place for place, one in enumerate(fitted.whole.components)}
    found.chunks.sort(key=lambda chunk: (order[chunk.metric], chunk.period == "analysis", chunk.chunk))
    return found


def _fit(
    cursor: duckdb.DuckDBPyConnection,
    spec: EstimateSpec,
    metrics: tuple[str, ...],
    reference: PartRows,
    slicings: Sequence[Slicing],
    report: Report,
) -> FittedModel:
    report(0.05, "NannyML learns from the reference.")
    rows, codes = _reference_rows(cursor, spec, reference, slicings)
    if rows[CHUNK].nunique() < 2:
        size = f"of {spec.chunk_size}" if spec.period is None else f"(one {spec.period})"
        raise RefusedInput(
            f"{len(rows)} reference rows make one chunk {size}; all others would alert",
            remedy="Choose smaller chunks, or give more reference rows.",
        )

    def on_part(done: int, of: int) -> None:
        what = "everyone" if not done else f"subpopulation {done} of {of - 1}"
        report(0.05 + (_FITTING - 0.05) * done / of, f"NannyML learns from the reference: {what}.")

    slices = [
        ReferenceSlices(one.features, one.values, code) for one, code in zip(slicings, codes, strict=True)
    ]
    return fit_reference(spec, metrics, rows, slices, on_part)


def _reference_rows(
    cursor: duckdb.DuckDBPyConnection, spec: EstimateSpec, reference: PartRows, slicings: Sequence[Slicing]
) -> tuple[pd.DataFrame, list[NDArray[np.int64]]]:
    """The reference as NannyML takes it, and the subpopulation of each row."""
    import numpy as np
    import pandas as pd

    batches = list(row_batches(cursor, reference, spec, slicings))
    arrays = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    columns: dict[str, Any] = {CHUNK: chunk_numbers(spec, reference.rows, arrays.get("period"))}
    for name in (PREDICTED, TRUE):
        if spec.task == "multiclass":
            columns[name] = np.array(spec.labels, dtype=object)[arrays[name]]
        else:
            columns[name] = arrays[name].astype(np.float64)
    for name in (*score_columns(spec).values(), *(spec.features if spec.task == "regression" else ())):
        columns[name] = arrays[name]
    codes = [arrays[f"by_{place}"].astype(np.int64) for place in range(len(slicings))]
    return pd.DataFrame(columns), codes
