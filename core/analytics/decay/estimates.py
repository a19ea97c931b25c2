"""From the sums of a chunk and the fit on the reference: estimate, band, realised value and alert."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from operator import attrgetter
from statistics import fmean, median, stdev
from typing import TYPE_CHECKING, Any, Literal, Protocol

from core.analytics.decay.metrics import is_beyond_worse_side
from core.ground import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.analytics.decay.fit import Calibrated, Component, FittedModel, FittedPart
    from core.analytics.decay.sums import ClassSums, LossSums

    Matrix = NDArray[np.float64] | NDArray[np.int64]

PartName = Literal["reference", "analysis"]
Method = Literal["nannyml", "adapted"]
NANNYML: Method = "nannyml"
ADAPTED: Method = "adapted"


def procedure_of(task: Task, method: Method = NANNYML) -> str:
    """The name of an estimate's procedure.

    Examples
    --------
    >>> procedure_of("binary"), procedure_of("regression"), procedure_of("binary", ADAPTED)
    ('CBPE', 'DLE', 'PAPE')
    """
    return "PAPE" if method == ADAPTED else "DLE" if task == "regression" else "CBPE"


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

    `method`: `nannyml` (CBPE, or DLE of a regression), or `adapted` to the inputs of the chunk; both then say
    in `held_back` which share of reference rows, held back and weighed like the chunk, they put in the wrong
    cell of the confusion matrix. `separation`: ROC AUC at which a classifier tells inputs of the chunk from
    those of the reference, 0.5 = not at all. `effective_rows`: as how many rows the reference counts, weighed
    like the chunk (Kish). `uncovered`: inputs of which most values lie outside the reference.
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
    method: Method = field(default=NANNYML, kw_only=True)
    separation: float | None = field(default=None, kw_only=True)
    held_back: float | None = field(default=None, kw_only=True)
    effective_rows: float | None = field(default=None, kw_only=True)
    uncovered: tuple[str, ...] | None = field(default=None, kw_only=True)


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


_OF_CHUNK = attrgetter(*(one.name for one in fields(EstimatedChunk) if not one.kw_only))


def estimated_chunks(
    model: FittedModel,
    fit: FittedPart,
    part: PartName,
    places: Sequence[ChunkPlace | EstimatedChunk],
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
    place: ChunkPlace | EstimatedChunk,
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


CLOSE = 0.005
"""Shares of rows in the wrong cell that are closer than this say nothing for either method."""


class Estimate(Protocol):
    """What is looked at to choose between two methods."""

    @property
    def chunk(self) -> int: ...
    @property
    def estimate(self) -> float | None: ...
    @property
    def realised(self) -> float | None: ...
    @property
    def separation(self) -> float | None: ...
    @property
    def held_back(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Preference:
    """Which of two estimates to believe, and why.

    Attributes
    ----------
    method
        `nannyml` or `adapted`; empty where either will do.
    by
        `outcomes`: mean |estimate − realised| over `chunks` with outcomes, in the metric's unit. `held_back`:
        share of reference rows, held back and weighed like `chunks`, in the wrong cell. `alike`: no chunk's
        inputs can be told apart from the reference's.
    nannyml, adapted
        The error of each; None where alike.
    separation
        ROC AUC at which inputs are told apart, in the middle of these chunks.
    """

    method: Method | Literal[""]
    by: Literal["outcomes", "held_back", "alike"]
    chunks: int = 0
    nannyml: float | None = None
    adapted: float | None = None
    separation: float | None = None


def preferred(nannyml: Sequence[Estimate], adapted: Sequence[Estimate]) -> Preference | None:
    """Say which of two estimates of the chunks after the reference to believe.

    Parameters
    ----------
    nannyml, adapted
        Chunks after the reference of one metric.

    Returns
    -------
    Preference or None
        None where nothing was adapted.

    Notes
    -----
    Outcomes rule first: with 3 or more chunks, the method with the smaller mean error, where the difference
    is more than two standard errors over the chunks. Else what was held back of the reference: the smaller
    share of rows in the wrong cell, where it is smaller by half a point or more. Source: ours; weighing rows
    held back is importance-weighted validation (Sugiyama, Krauledat and Mueller 2007). Leaves out that P(y|x)
    may change, which the reference cannot show.
    """
    by_chunk = {one.chunk: one for one in nannyml}
    pairs = [(by_chunk[one.chunk], one) for one in adapted if one.chunk in by_chunk]
    if not pairs:
        return None
    middle = median(one.separation or 0.5 for _, one in pairs)
    errors = [
        (abs(plain.estimate - plain.realised), abs(one.estimate - plain.realised))
        for plain, one in pairs
        if plain.estimate is not None and one.estimate is not None and plain.realised is not None
    ]
    if _told(errors):
        return _nearer("outcomes", errors, middle, 0.0)
    apart = [
        (plain.held_back, one.held_back)
        for plain, one in pairs
        if plain.held_back is not None and one.held_back is not None
    ]
    return _nearer("held_back", apart, middle, CLOSE) if apart else Preference("", "alike", separation=middle)


def _told(errors: Sequence[tuple[float, float]]) -> bool:
    """Whether one of two errors is smaller by more than chance over at least three chunks."""
    differences = [plain - adapted for plain, adapted in errors]
    if len(differences) < 3:
        return False
    return abs(fmean(differences)) > 2 * stdev(differences) / math.sqrt(len(differences))


def _nearer(
    by: Literal["outcomes", "held_back"], errors: Sequence[tuple[float, float]], middle: float, close: float
) -> Preference:
    plain, adapted = (fmean(each) for each in zip(*errors, strict=True))
    method: Method | Literal[""] = ""
    if abs(plain - adapted) > close:
        method = ADAPTED if adapted < plain else NANNYML
    return Preference(method, by, len(errors), plain, adapted, middle)
