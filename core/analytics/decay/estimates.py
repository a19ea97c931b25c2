"""From the sums of a chunk and the fit on the reference: estimate, band, realised value and alert."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

from core.analytics.decay.metrics import is_beyond_worse_side

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.analytics.decay.fit import Calibrated, Component, FittedModel, FittedPart
    from core.analytics.decay.sums import ClassSums, LossSums

    Matrix = NDArray[np.float64] | NDArray[np.int64]

PartName = Literal["reference", "analysis"]
BAND = 3
"""Sampling errors on either side of an estimate."""
LEAST_SLICE_ROWS = 100
"""Rows that a chunk of a subpopulation must hold before it is judged."""
BINARY_CELLS = {
    "true_positive": (1, 1),
    "true_negative": (0, 0),
    "false_positive": (0, 1),
    "false_negative": (1, 0),
}
"""Cell of the confusion matrix -> its line (true class) and column (predicted class)."""


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """Where a chunk lies: its number, its first and last row (from 0), its first and last moment (UTC)."""

    chunk: int
    first_row: int
    last_row: int
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class EstimatedChunk:
    """One metric on one chunk of rows.

    `estimate` is what the metric is expected to be without knowing the outcomes. None = undefined on this
    chunk (a precision where a class is never predicted); no alert then means "cannot tell". `realised` is
    the same metric on the `labelled_rows`, whose outcome is known; None = undefined or unknown. Metrics of
    classifiers are rates from 0 to 1; cells of the confusion matrix are rows unless normalised; `mae` and
    `rmse` are in the unit of the outcome, `mse` in its square, `mape` is a share. `lower_confidence` to
    `upper_confidence` = estimate +- 3 `sampling_error`. The thresholds are the mean +- 3 standard deviations
    of the realised reference chunks. Rows count from 0 within the reference or the analysis, in the order of
    time where there are times, else as the files have them. `started_at` and `ended_at` are the first and
    last moment (UTC, without zone), None without timestamps. `alert`: the estimate is beyond a threshold on
    either side (NannyML's own). `worse`: it is so on the side of a worse model.
    """

    metric: str
    part: PartName
    chunk: int
    first_row: int
    last_row: int
    rows: int
    labelled_rows: int
    started_at: datetime | None
    ended_at: datetime | None
    estimate: float | None
    realised: float | None
    lower_confidence: float | None
    upper_confidence: float | None
    lower_threshold: float | None
    upper_threshold: float | None
    sampling_error: float | None
    alert: bool
    worse: bool


@dataclass(frozen=True, slots=True)
class SliceChunk(EstimatedChunk):
    """One metric on the rows of a subpopulation in one chunk of everyone.

    `judged` is False where the rows are too few, or the reference gave no threshold: then there is no alert,
    and nobody can tell. `rows` counts the subpopulation; its places are those of everyone.
    """

    features: tuple[str, ...]
    values: tuple[str, ...]
    calibrated: Calibrated
    judged: bool


_OF_CHUNK = attrgetter(*EstimatedChunk.__slots__)


def estimated_chunks(
    model: FittedModel,
    fit: FittedPart,
    part: PartName,
    places: Sequence[ChunkPlace],
    sums: Sequence[ClassSums] | Sequence[LossSums],
) -> list[EstimatedChunk]:
    """Turn the sums of chunks into estimates.

    Parameters
    ----------
    model, fit
        The fit, and the part of it that belongs to these rows.
    part
        Reference or analysis.
    places, sums
        One each a chunk.

    Returns
    -------
    list of EstimatedChunk
        One a component of `fit` and chunk, in that order.
    """
    each: Sequence[ClassSums | LossSums] = list(sums)
    wanted = {component.metric for component in fit.components}
    values = [_values(model, one, wanted) for one in each]
    return [
        _chunk(component, part, place, one, estimated[component.metric], realised[component.metric])
        for component in fit.components
        for place, one, (estimated, realised) in zip(places, each, values, strict=True)
    ]


def slice_chunks(
    features: tuple[str, ...], part: FittedPart, chunks: Sequence[EstimatedChunk]
) -> list[SliceChunk]:
    """Label estimates with their subpopulation, and take back alerts on too few rows."""
    found = []
    for chunk in chunks:
        threshold = chunk.lower_threshold is not None or chunk.upper_threshold is not None
        judged = chunk.rows >= LEAST_SLICE_ROWS and threshold and chunk.estimate is not None
        kept = chunk if judged or not chunk.alert else replace(chunk, alert=False, worse=False)
        own = (features, part.values, part.calibrated, judged)
        found.append(SliceChunk(*(*_OF_CHUNK(kept), *own)))
    return found


def _chunk(
    component: Component,
    part: PartName,
    place: ChunkPlace,
    sums: ClassSums | LossSums,
    estimate: float,
    realised: float,
) -> EstimatedChunk:
    value = estimate if math.isfinite(estimate) else None
    error = low = high = None
    if component.unit_error is not None and value is not None:
        root = math.sqrt(sums.rows)
        error = component.unit_error * root if component.grows else component.unit_error / root
        low, high = value - BAND * error, value + BAND * error
        if component.lower_limit is not None and low < component.lower_limit:
            low = component.lower_limit
        if component.upper_limit is not None and high > component.upper_limit:
            high = component.upper_limit
    lower, upper = component.lower_threshold, component.upper_threshold
    alert = value is not None and (
        (lower is not None and value < lower) or (upper is not None and value > upper)
    )
    return EstimatedChunk(
        component.metric,
        part,
        place.chunk,
        place.first_row,
        place.last_row,
        sums.rows,
        sums.labelled,
        place.started_at,
        place.ended_at,
        value,
        realised if math.isfinite(realised) else None,
        low,
        high,
        lower,
        upper,
        error,
        alert,
        alert and is_beyond_worse_side(component.metric, value, lower, upper),  # rare, so last
    )


def _values(
    model: FittedModel, sums: ClassSums | LossSums, wanted: set[str]
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Estimates and realised values of a chunk, by component."""
    from core.analytics.decay.sums import LossSums, loss_values

    if isinstance(sums, LossSums):
        return loss_values(sums)
    rates = _binary_rates if model.task == "binary" else _macro_rates
    estimated: dict[str, float] = {"roc_auc": sums.roc_auc, "average_precision": sums.average_precision}
    estimated |= rates(sums.expected, undefined=math.nan)
    divided = (
        not wanted <= estimated.keys()
    )  # cells and their worth are worked out only where they are wanted
    if divided:
        estimated |= _outcomes(model, sums.expected)
    realised: dict[str, float] = {
        "roc_auc": sums.realised_roc_auc,
        "average_precision": sums.realised_average_precision,
    }
    if not sums.labelled:
        return estimated, dict.fromkeys(estimated, math.nan)
    realised |= _realised(model, sums.realised, rates, divided)
    return estimated, realised


def _realised(
    model: FittedModel, matrix: Matrix, rates: Callable[..., dict[str, float]], divided: bool
) -> dict[str, float]:
    """By what came true; undefined where NannyML says so: where a single class came true or was predicted."""
    one_class = (matrix.sum(axis=1) > 0).sum() < 2 or (matrix.sum(axis=0) > 0).sum() < 2
    found = rates(matrix, undefined=0.0) | (_outcomes(model, matrix) if divided else {})
    if model.task == "binary":
        barred: tuple[str, ...] = ("f1", "precision", "recall") if one_class else ()
        negatives = float(matrix[0].sum())
        found["specificity"] = float(matrix[0, 0]) / negatives if negatives else math.nan
    else:
        barred = tuple(name for name in found if name != "business_value") if one_class else ()
    return found | dict.fromkeys(barred, math.nan)


def _binary_rates(matrix: Matrix, *, undefined: float) -> dict[str, float]:
    (tn, fp), (fn, tp) = matrix.tolist()
    return {
        "f1": _share(tp, tp + (fp + fn) / 2, undefined),
        "precision": _share(tp, tp + fp, undefined),
        "recall": _share(tp, tp + fn, undefined),
        "specificity": _share(tn, tn + fp, undefined),
        "accuracy": _share(tp + tn, tp + tn + fp + fn, math.nan),
    }


def _macro_rates(matrix: Matrix, *, undefined: float) -> dict[str, float]:
    """Means over the classes, each held against all others."""
    total = float(matrix.sum())
    sides: list[dict[str, float]] = []
    for place in range(len(matrix)):
        tp = float(matrix[place, place])
        fn, fp = float(matrix[place].sum()) - tp, float(matrix[:, place].sum()) - tp
        tn = total - tp - fn - fp
        sides.append(
            {
                "f1": _share(tp, tp + (fp + fn) / 2, undefined),
                "precision": _share(tp, tp + fp, undefined),
                "recall": _share(tp, tp + fn, undefined),
                "specificity": _share(tn, tn + fp, math.nan),
            }
        )
    found = {name: sum(side[name] for side in sides) / len(sides) for name in sides[0]}
    return found | {"accuracy": float(matrix.trace()) / total if total else math.nan}


def _share(part: float, whole: float, undefined: float) -> float:
    return part / whole if whole else undefined


def _outcomes(model: FittedModel, matrix: Matrix) -> dict[str, float]:
    """Cells of the confusion matrix, and what they are worth."""
    import numpy as np

    found: dict[str, float] = {}
    axes: dict[str, Any] = {"all": None, "true": 1, "pred": 0}
    with np.errstate(divide="ignore", invalid="ignore"):
        shown = matrix
        if model.normalize_confusion is not None:
            axis = axes[model.normalize_confusion]
            shown = matrix / (matrix.sum() if axis is None else matrix.sum(axis=axis, keepdims=True))
        if model.business_value:
            worth = np.array(model.business_value)
            weighed = np.nan_to_num(matrix / matrix.sum(axis=0)) if model.per_prediction else matrix
            found["business_value"] = float((worth * weighed).sum())
    return found | {name: float(shown[cell]) for name, cell in confusion_cells(model.task, model.labels)}


def confusion_cells(task: str, labels: Sequence[str]) -> list[tuple[str, tuple[int, int]]]:
    """Name of each cell of a confusion matrix, as NannyML names it, with its line and column."""
    if task == "binary":
        return list(BINARY_CELLS.items())
    return [
        (f"true_{true}_pred_{guess}", (line, column))
        for line, true in enumerate(labels)
        for column, guess in enumerate(labels)
    ]
