"""Estimate the performance of a model version from prediction files: fit once, then a pass over the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count, pairwise
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
from core.analytics.decay.calibrations import FOLDS, ReferenceRows, adapted
from core.analytics.decay.estimates import (
    ADAPTED,
    ChunkPlace,
    EstimatedChunk,
    PartName,
    SliceChunk,
    estimated_chunks,
    slice_chunks,
)
from core.analytics.decay.fit import FittedModel, FittedPart, read_fit
from core.analytics.decay.sums import LossSums, binary_sums, loss_errors, multiclass_sums
from core.analytics.job_specs import EstimateSpec, RefusedInput
from core.lake.monitoring.decay_inputs import PartRows, checked_metrics
from core.lake.monitoring.decay_rows import (
    Slicing,
    chunk_numbers,
    feature_words,
    find_slicings,
    row_batches,
    slice_fits,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[Any]]


_RANKED = frozenset({"roc_auc", "average_precision"})
_THREADS = 2


def estimate_part(
    cursor: duckdb.DuckDBPyConnection,
    spec: EstimateSpec,
    part: PartRows,
    fitted: FittedModel,
    slicings: Sequence[Slicing],
    name: PartName,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> tuple[list[EstimatedChunk], list[SliceChunk]]:
    """Estimate the chunks of one part, and of its subpopulations, in one pass over its rows."""
    passing = _Pass(spec, fitted, slicings, held_back=name == "reference")
    encoders = fitted.encoders if spec.task == "regression" else None
    batches = row_batches(cursor, part, spec, slicings, encoders=encoders)
    for arrays, bounds in _whole_chunks(spec, batches):
        passing.take(arrays, bounds)
        on_rows(passing.rows)
    chunks = estimated_chunks(fitted, fitted.whole, name, passing.places, passing.whole)
    slices: list[SliceChunk] = []
    for one in passing.slices:
        for part_fit, places, sums in one.parts():
            found = estimated_chunks(fitted, part_fit, name, places, sums)
            slices += slice_chunks(one.names, part_fit, found)
    return chunks, slices


def _whole_chunks(
    spec: EstimateSpec, batches: Iterator[Arrays]
) -> Iterator[tuple[Arrays, NDArray[np.int64]]]:
    """Regroup batches so that none cuts a chunk; gives the rows with the bounds of their chunks."""
    import numpy as np

    held: Arrays = {}
    for batch in batches:
        held = {k: np.concatenate([held[k], batch[k]]) for k in batch} if held else batch
        rows = len(held[PREDICTED])
        if spec.period is None:
            bounds = np.arange(0, rows + 1, int(spec.chunk_size or 1))
        else:
            bounds = np.append(0, np.flatnonzero(np.diff(held["period"])) + 1)
        if len(bounds) > 1:
            whole = int(bounds[-1])
            yield {k: values[:whole] for k, values in held.items()}, bounds
            held = {k: values[whole:] for k, values in held.items()}
    if held and len(held[PREDICTED]):
        yield held, np.array([0, len(held[PREDICTED])])


@dataclass
class _SliceSums:
    slicing: Slicing
    fits: tuple[tuple[FittedPart, ...], ...]
    sums: list[list[tuple[ChunkPlace, Any]]] = field(default_factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.slicing.features)

    def parts(self) -> Iterator[tuple[FittedPart, list[ChunkPlace], list[Any]]]:
        for (fit, *_), found in zip(self.fits, self.sums, strict=True):
            yield fit, [place for place, _ in found], [one for _, one in found]


class _Pass:
    """Sums that gather while the rows pass."""

    def __init__(
        self, spec: EstimateSpec, fitted: FittedModel, slicings: Sequence[Slicing], *, held_back: bool
    ) -> None:
        self.rows = 0
        self.places: list[ChunkPlace] = []
        self.whole: list[Any] = []
        self._spec, self._fitted = spec, fitted
        self._ranked = _RANKED & {one.metric for one in fitted.whole.components}
        self._scores = list(score_columns(spec).values())
        self._boosters = _boosters(fitted)
        self._held_back = held_back
        self.slices = [_SliceSums(one, slice_fits(fitted, one)) for one in slicings]
        for one in self.slices:
            one.sums = [[] for _ in one.fits]

    def take(self, arrays: Arrays, bounds: NDArray[np.int64]) -> None:
        """Sum up whole chunks: everyone's, and beside it, as sorting holds no lock, each subpopulation's."""
        places = self._placed(arrays, bounds)
        with ThreadPoolExecutor(max_workers=_THREADS) as pool:
            whole = pool.submit(self.sums, arrays, bounds, [self._fitted.whole] * len(places))
            divided = [
                (one, part, pool.submit(self._slice_sums, arrays, bounds, part, number))
                for number, one in enumerate(self.slices)
                for part in _parts(len(places))
            ]
            self.whole += whole.result()
            for one, part, summed in divided:
                for fit, chunk, sums in summed.result():
                    one.sums[fit].append((places[part.start + chunk], sums))
        self.places += places
        self.rows += int(bounds[-1])

    def _placed(self, arrays: Arrays, bounds: NDArray[np.int64]) -> list[ChunkPlace]:
        import numpy as np

        first: Sequence[Any] = [None] * (len(bounds) - 1)
        last = first
        if "at" in arrays:
            first = np.minimum.reduceat(arrays["at"], bounds[:-1]).tolist()
            last = np.maximum.reduceat(arrays["at"], bounds[:-1]).tolist()
        return [
            ChunkPlace(
                len(self.places) + number,
                self.rows + int(bounds[number]),
                self.rows + int(bounds[number + 1]) - 1,
                _moment(first[number]),
                _moment(last[number]),
            )
            for number in range(len(bounds) - 1)
        ]

    def _slice_sums(
        self, arrays: Arrays, bounds: NDArray[np.int64], part: range, number: int
    ) -> list[tuple[int, int, Any]]:
        """Sums of each subpopulation in neighbouring chunks, with the place of its fit and of its chunk."""
        import numpy as np

        first, bounds = len(self.places) + part.start, bounds[part.start : part.stop + 1]
        rows, chunks, fits = slice(bounds[0], bounds[-1]), len(bounds) - 1, self.slices[number].fits
        codes = arrays[f"by_{number}"][rows]
        order = np.argsort(codes, kind="stable")  # a radix sort: chunks stay together in each subpopulation
        keys = codes.astype(np.int64) * chunks + np.repeat(np.arange(chunks), np.diff(bounds))
        counts = np.bincount(keys, minlength=len(fits) * chunks)
        there = np.flatnonzero(counts)
        ordered = {name: arrays[name][rows][order] for name in self._needed(arrays)}
        parts = [self._fit_of(fits[key // chunks], first + key % chunks) for key in there.tolist()]
        sums = self.sums(ordered, np.append(0, np.cumsum(counts[there])), parts)
        return [(key // chunks, key % chunks, one) for key, one in zip(there.tolist(), sums, strict=True)]

    def _fit_of(self, fits: tuple[FittedPart, ...], chunk: int) -> FittedPart:
        """The fit for a chunk: of the reference, one that was learned without it where there is such."""
        everything, *without = fits
        return without[chunk % FOLDS] if self._held_back and without else everything

    def _needed(self, arrays: Arrays) -> list[str]:
        return [name for name in arrays if name not in ("at", "period") and not name.startswith("by_")]

    def sums(self, arrays: Arrays, bounds: NDArray[np.int64], parts: Sequence[FittedPart]) -> list[Any]:
        """Sums of each chunk by its own fit."""
        import numpy as np

        if self._spec.task == "regression":
            return self._losses(arrays, bounds, parts)
        guess, truth = arrays[PREDICTED], arrays[TRUE]
        if self._spec.task == "binary":
            calibrations = [part.calibrators[0] for part in parts]
            return list(
                binary_sums(arrays[self._scores[0]], guess, truth, bounds, calibrations, self._ranked)
            )
        scores = np.column_stack([arrays[name] for name in self._scores])
        several = [part.calibrators for part in parts]
        return list(multiclass_sums(scores, guess, truth, bounds, several, self._ranked))

    def _losses(
        self, arrays: Arrays, bounds: NDArray[np.int64], parts: Sequence[FittedPart]
    ) -> list[LossSums]:
        import numpy as np

        features = [arrays[name] for name in (*self._fitted.features, PREDICTED)]
        inputs = np.column_stack(features)
        errors = loss_errors(arrays[PREDICTED], arrays[TRUE])
        known = np.isfinite(arrays[TRUE])
        found: list[LossSums] = []
        start = 0
        while start < len(parts):  # chunks of the same part lie together, so each model reads them at once
            end = start
            while end < len(parts) and parts[end] is parts[start]:
                end += 1
            rows = slice(bounds[start], bounds[end])
            each = bounds[start:end] - bounds[start]
            expected = {
                number: np.add.reduceat(np.maximum(0, self._boosters[number].predict(inputs[rows])), each)
                for number in set(parts[start].models.values())
            }
            labelled = np.add.reduceat(known[rows].astype(np.int64), each)
            realised = {name: np.add.reduceat(one[rows], each) for name, one in errors.items()}
            for place in range(end - start):
                found.append(
                    LossSums(
                        int(bounds[start + place + 1] - bounds[start + place]),
                        int(labelled[place]),
                        {m: float(expected[n][place]) for m, n in parts[start].models.items()},
                        {name: float(total[place]) for name, total in realised.items()},
                    )
                )
            start = end
        return found


def _parts(chunks: int) -> list[range]:
    """Neighbouring chunks, divided among the threads."""
    ends = [chunks * part // _THREADS for part in range(_THREADS + 1)]
    return [range(start, end) for start, end in pairwise(ends) if start < end]


def _boosters(fitted: FittedModel) -> list[Any]:
    if not fitted.error_models:
        return []
    from core.analytics.job_specs import ensure_openmp

    ensure_openmp()
    import lightgbm

    return [lightgbm.Booster(model_str=text) for text in fitted.error_models]


def _moment(microseconds: int | None) -> datetime | None:
    if microseconds is None:
        return None
    return datetime.fromtimestamp(microseconds / 1e6, UTC).replace(tzinfo=None)


Report = Callable[[float, str], None]
_FITTING = 0.7
"""Share of the whole that a fit takes."""


@dataclass(frozen=True)
class Estimates:
    """What came of an estimate: the fit it rests on, everyone's chunks, and those of subpopulations.

    A chunk that was adapted to its inputs stands right behind NannyML's.
    """

    fit: FittedModel
    chunks: list[EstimatedChunk]
    slices: list[SliceChunk]


def estimate_files(spec: EstimateSpec, report: Report, scratch: Path) -> Estimates:
    """Estimate from files alone, without a store; what is too large for memory goes to `scratch`.

    Parameters, result and refusals as in `run_estimate`.
    """
    with duckdb.connect(config={"temp_directory": str(scratch / ".duckdb")}) as connection:
        return run_estimate(connection, spec, report)


def run_estimate(
    cursor: duckdb.DuckDBPyConnection,
    spec: EstimateSpec,
    report: Report = lambda share, sentence: None,
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
    report(0.0, "Looking at the predictions.")
    reference, analysis = (PartRows(cursor, paths, spec) for paths in (spec.reference, spec.analysis))
    metrics = checked_metrics(spec, reference, analysis)
    fitted = read_fit(spec.fitted) if spec.fitted is not None else None
    slicings = find_slicings(cursor, spec, reference, analysis, fitted)
    if fitted is None:
        fitted = _fit(cursor, spec, metrics, reference, slicings, report)
    parts: dict[PartName, PartRows] = {"reference": reference, "analysis": analysis}
    if not spec.adapt or not spec.features or spec.task == "regression":
        return _estimated(cursor, spec, parts, fitted, slicings, report)
    found = _estimated(cursor, spec, parts, fitted, slicings, lambda share, said: report(share / 2, said))
    return _with_adapted(cursor, spec, parts, found, lambda share, said: report(0.5 + share / 2, said))


def _estimated(
    cursor: duckdb.DuckDBPyConnection,
    spec: EstimateSpec,
    parts: Mapping[PartName, PartRows],
    fitted: FittedModel,
    slicings: Sequence[Slicing],
    report: Report,
) -> Estimates:
    found = Estimates(fitted, [], [])
    total, share = sum(part.rows for part in parts.values()), 0.0 if spec.fitted else _FITTING
    done = 0
    for name, part in parts.items():

        def on_rows(rows: int, start: int = done) -> None:
            report(share + (1 - share) * (start + rows) / total, "Estimating chunk after chunk.")

        chunks, slices = estimate_part(cursor, spec, part, fitted, slicings, name, on_rows)
        found.chunks.extend(chunks)
        found.slices.extend(slices)
        done += part.rows
    return replace(found, chunks=_ordered(fitted, found.chunks))


def _ordered(fitted: FittedModel, chunks: Sequence[EstimatedChunk]) -> list[EstimatedChunk]:
    order = {one.metric: place for place, one in enumerate(fitted.whole.components)}
    return sorted(chunks, key=lambda chunk: (order[chunk.metric], chunk.part == "analysis", chunk.chunk))


def _each_chunk(spec: EstimateSpec, batches: Iterator[Arrays]) -> Iterator[tuple[int, Arrays]]:
    number = count()
    for arrays, bounds in _whole_chunks(spec, batches):
        for start, end in pairwise(bounds.tolist()):
            yield next(number), {name: values[start:end] for name, values in arrays.items()}


def _weighable(spec: EstimateSpec, batches: Iterator[Arrays]) -> ReferenceRows:
    import numpy as np

    each = list(batches)
    rows = {name: np.concatenate([batch[name] for batch in each]) for name in each[0]}
    most = min(_MOST_REFERENCE, len(rows[PREDICTED]))
    chosen = np.linspace(0, len(rows[PREDICTED]) - 1, most).astype(np.int64)
    rows = {name: values[chosen] for name, values in rows.items()}
    scores = _columns(rows, tuple(score_columns(spec).values()))
    truth, predicted = (rows[name].astype(np.int64) for name in (TRUE, PREDICTED))
    return ReferenceRows(_columns(rows, spec.features), scores, truth, predicted)


def _columns(rows: Arrays, names: Sequence[str]) -> NDArray[np.float64]:
    import numpy as np

    return np.column_stack([rows[name].astype(np.float64) for name in names])


MOST_ADAPTED = 60
"""The newest chunks that are adapted to their inputs; each takes a third of a second."""
_MOST_REFERENCE = 100_000
"""Reference rows that are weighed, evenly spaced where there are more."""


def _with_adapted(
    cursor: duckdb.DuckDBPyConnection,
    spec: EstimateSpec,
    parts: Mapping[PartName, PartRows],
    found: Estimates,
    report: Report,
) -> Estimates:
    """Add to each of the newest chunks one that is estimated by a calibration adapted to its inputs."""
    import numpy as np

    encoders = feature_words(cursor, spec, parts["reference"])
    known = tuple(one for one in spec.features if one in encoders or one not in spec.categorical_features)
    spec = spec.model_copy(update={"features": known})
    reference = _weighable(spec, row_batches(cursor, parts["reference"], spec, encoders=encoders))
    whole, passing = found.fit.whole, _Pass(spec, found.fit, (), held_back=False)
    plain: dict[int, list[EstimatedChunk]] = {}
    for one in found.chunks:
        if one.part == "analysis":
            plain.setdefault(one.chunk, []).append(one)
    errors: dict[int, float | None] = {}
    more: list[EstimatedChunk] = []
    for number, rows in _each_chunk(spec, row_batches(cursor, parts["analysis"], spec, encoders=encoders)):
        if number < len(plain) - MOST_ADAPTED:
            continue
        report(number / len(plain), f"Adapting to the inputs of chunk {number + 1} of {len(plain)}.")
        new = adapted(reference, _columns(rows, spec.features), whole.calibrators, spec.seed)
        part = whole.model_copy(update={"calibrators": new.calibrators})
        sums = passing.sums(rows, np.array([0, len(rows[PREDICTED])]), [part])
        errors[number], held_back = new.held_back or (None, None)
        uncovered = tuple(spec.features[place] for place in new.uncovered) or None
        more += [
            replace(
                one,
                method=ADAPTED,
                separation=new.separation,
                held_back=held_back,
                effective_rows=new.effective_rows,
                uncovered=uncovered,
            )
            for one in estimated_chunks(found.fit, part, "analysis", [plain[number][0]], sums)
        ]
    chunks = [
        replace(one, held_back=errors[one.chunk]) if one.part == "analysis" and errors.get(one.chunk) else one
        for one in found.chunks
    ]
    return replace(found, chunks=_ordered(found.fit, [*chunks, *more]))


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
