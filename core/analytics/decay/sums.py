"""Sums of a chunk of predictions from which every estimate and every realised metric follows.

Rows come in bounded batches of numpy arrays, chunk after chunk; what leaves is a few numbers a chunk.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.analytics.decay.fit import Calibration

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int8]


_DECIMALS = 5
"""NannyML rounds the counts under its curves so; without it tiny chunks would differ from it."""


def expected_roc_auc(falling: Floats, bounds: NDArray[np.int64] | None = None) -> Floats:
    """Expected area under the ROC curve of rows whose chances stand in falling order of their score.

    Parameters
    ----------
    falling
        Shape (n,): chance of each row to be positive, 0.0 to 1.0.
    bounds
        Shape (m + 1,): several chunks in one array, each in falling order; one chunk without it.

    Returns
    -------
    array
        Shape (m,), 0.0 to 1.0; NaN where one class is not expected at all.

    Notes
    -----
    Formula: the trapezoids under expected true against expected false positives, row by row. Direction:
    higher is better; 0.5 is a coin. Source: NannyML 0.13.1, `estimate_roc_auc`.

    Examples
    --------
    >>> import numpy as np
    >>> expected_roc_auc(np.array([0.9, 0.1])).round(6).tolist()
    [0.9]
    """
    import numpy as np

    hits, places, ends = _running_hits(falling, bounds)
    misses = np.round(places - hits, _DECIMALS)
    hits = np.round(hits, _DECIMALS)
    starts = np.append(0, ends[:-1] + 1)
    heights, widths = _before(hits, starts), _before(misses, starts)
    np.subtract(misses, widths, out=widths)
    heights += hits
    heights *= widths
    whole = 2 * hits[ends] * misses[ends]
    with np.errstate(divide="ignore", invalid="ignore"):
        areas: Floats = np.add.reduceat(heights, starts) / whole
    areas[whole == 0] = np.nan
    return areas


def expected_average_precision(falling: Floats, bounds: NDArray[np.int64] | None = None) -> Floats:
    """Expected average precision of rows whose chances stand in falling order of their score.

    Formula: the sum over the rows of the gain in expected recall times the expected precision so far. NaN
    where no positive is expected. Parameters and result as in `expected_roc_auc`. Source: NannyML 0.13.1,
    `estimate_ap`.
    """
    import numpy as np

    hits, places, ends = _running_hits(falling, bounds)
    hits = np.round(hits, _DECIMALS)
    starts = np.append(0, ends[:-1] + 1)
    gains = hits - _before(hits, starts)
    gains *= hits
    gains /= places
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.add.reduceat(gains, starts) / hits[ends]
    return found


def _running_hits(
    falling: Floats, bounds: NDArray[np.int64] | None
) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Sum of the chances so far and rows so far within each chunk, and the place of each chunk's last row."""
    import numpy as np

    sums = np.cumsum(falling)
    places = np.arange(1, len(falling) + 1)
    if bounds is None:
        return sums, places, np.array([len(falling) - 1])
    rows, ends = np.diff(bounds), bounds[1:] - 1
    sums -= np.repeat(np.append(0.0, sums[ends[:-1]]), rows)
    places -= np.repeat(bounds[:-1], rows)
    return sums, places, ends


def _before(values: Floats, starts: NDArray[np.int64]) -> Floats:
    """The value of the row before, 0 in the first row of a chunk."""
    import numpy as np

    earlier = np.empty_like(values)
    earlier[1:] = values[:-1]
    earlier[starts] = 0.0
    return earlier


def realised_roc_auc(keys: NDArray[np.int64]) -> float:
    """Area under the ROC curve; ties count half.

    Parameters
    ----------
    keys
        Sorted, from score and outcome as the last bit.

    Returns
    -------
    float
        0.0 to 1.0; NaN where only one class came true. Source: Mann and Whitney 1947.
    """
    import numpy as np

    positives, negatives = _steps(keys)
    hits, others = int(positives.sum()), int(negatives.sum())
    if not hits or not others:
        return float("nan")
    below = np.cumsum(negatives) - negatives
    return float((positives * (below + negatives / 2)).sum() / (hits * others))


def realised_average_precision(keys: NDArray[np.int64]) -> float:
    """Average precision over the distinct scores; NaN where no positive came true.

    Formula: the sum over falling scores of the gain in recall times the precision. Parameters as in
    `realised_roc_auc`. Source: scikit-learn, `average_precision_score`.
    """
    import numpy as np

    positives, negatives = (part[::-1] for part in _steps(keys))
    hits = np.cumsum(positives)
    if not hits[-1]:
        return float("nan")
    return float((positives * hits / (hits + np.cumsum(negatives))).sum() / hits[-1])


def _steps(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positives and negatives at each distinct score, rising."""
    import numpy as np

    scores = keys >> 1
    first = np.append(0, np.flatnonzero(scores[1:] != scores[:-1]) + 1)
    rows = np.append(first[1:], len(keys)) - first
    positives = np.add.reduceat(keys & 1, first)
    return positives, rows - positives


LOSS_OF: Mapping[str, str] = MappingProxyType(
    {"mae": "mae", "mape": "mape", "mse": "mse", "rmse": "mse", "msle": "msle", "rmsle": "msle"}
)
"""Metric -> the mean of errors that it is, or is the square root of."""


@dataclass(frozen=True)
class LossSums:
    """Errors of one chunk, summed up over its rows.

    Attributes
    ----------
    rows, labelled
        Rows, and those whose outcome is known.
    expected
        Metric -> sum of the errors that its error model expects, none below zero.
    realised
        `mae`, `mape`, `mse`, `msle` -> sum over the labelled rows; absent where undefined.
    """

    rows: int
    labelled: int
    expected: Mapping[str, float] = field(default_factory=dict)
    realised: Mapping[str, float] = field(default_factory=dict)


def loss_values(sums: LossSums) -> tuple[dict[str, float], dict[str, float]]:
    """Estimates and realised values by metric; NaN where undefined.

    Formula: mean error = sum / rows; `rmse` and `rmsle` are square roots of the means of their squares.

    Examples
    --------
    >>> loss_values(LossSums(2, 0, {"mae": 6.0, "rmse": 32.0}))[0]
    {'mae': 3.0, 'mape': nan, 'mse': nan, 'rmse': 4.0, 'msle': nan, 'rmsle': nan}
    """
    estimated = {metric: _mean_loss(sums.expected.get(metric), sums.rows, metric) for metric in LOSS_OF}
    realised = {
        metric: _mean_loss(sums.realised.get(loss), sums.labelled, metric) for metric, loss in LOSS_OF.items()
    }
    return estimated, realised


def loss_errors(predicted: Floats, actual: Floats) -> dict[str, Floats]:
    """Errors of each row by kind, 0 where the outcome is unknown; kinds that are undefined are left out."""
    import numpy as np

    known = np.isfinite(actual)
    difference = np.where(known, predicted - actual, 0.0)
    found = {"mae": np.abs(difference), "mse": difference**2}
    if not (actual[known] == 0).any():
        found["mape"] = np.abs(difference) / np.where(known, np.abs(actual), 1.0)
    if not ((predicted < 0).any() or (actual[known] < 0).any()):
        logs = np.log1p(predicted) - np.log1p(np.where(known, actual, predicted))
        found["msle"] = np.where(known, logs, 0.0) ** 2
    return found


def _mean_loss(total: float | None, rows: int, metric: str) -> float:
    if total is None or not rows:
        return math.nan
    return math.sqrt(total / rows) if metric in ("rmse", "rmsle") else total / rows


UNKNOWN = -1
"""Code of an outcome that is not known yet."""


@dataclass(frozen=True)
class ClassSums:
    """Sums of one chunk of a classifier with k classes.

    Attributes
    ----------
    rows
        Rows of the chunk.
    expected
        Shape (k, k): calibrated probability of the true class (line) summed over the rows predicted as the
        class of the column. Unit: rows.
    roc_auc, average_precision
        Expected value; the mean over the classes where there are more than two. NaN where undefined or not
        asked for.
    labelled, realised
        Rows whose outcome is known, and their confusion matrix, true class by predicted class.
    realised_roc_auc, realised_average_precision
        By what came true; NaN where undefined or unknown.
    """

    rows: int
    expected: Floats
    roc_auc: float
    average_precision: float
    labelled: int
    realised: NDArray[np.int64]
    realised_roc_auc: float
    realised_average_precision: float


def binary_sums(
    scores: Floats,
    predicted: Codes,
    actual: Codes,
    bounds: NDArray[np.int64],
    calibrations: Sequence[Calibration | None],
    ranked: frozenset[str],
) -> list[ClassSums]:
    """Sum up chunks of a binary classifier.

    Parameters
    ----------
    scores, predicted, actual
        Shape (n,): probability of 1 from 0.0 to 1.0; 0 or 1; 0, 1 or `UNKNOWN`.
    bounds
        Shape (m + 1,), rising from 0 to n: chunk i holds the rows from `bounds[i]` up to `bounds[i + 1]`.
    calibrations
        The calibrator of each chunk.
    ranked
        Those of `roc_auc` and `average_precision` that are wanted; they need the rows in order.

    Returns
    -------
    list of ClassSums
        One a chunk.

    Notes
    -----
    Each chunk is sorted once, by one whole number a row: the bits of the score, which order as it does, with
    the prediction (or the outcome) as the last bit. A calibrator never falls, so the order of the scores is
    that of the probabilities. Source of the curves: NannyML 0.13.1, `estimate_roc_auc` and `estimate_ap`.
    """
    import numpy as np

    starts, rows = bounds[:-1], np.diff(bounds)
    keys = _sorted_keys(scores, predicted, bounds)
    positive = (keys & 1).astype(bool)
    chances = _calibrated(_scores(keys), bounds, calibrations)
    total = np.add.reduceat(chances, starts)
    hits = np.add.reduceat(np.where(positive, chances, 0.0), starts)
    chosen = np.add.reduceat(positive.astype(np.int64), starts)
    expected = np.stack([rows - chosen - (total - hits), chosen - hits, total - hits, hits], axis=1)
    curves, precisions = _expected_curves(chances, bounds, ranked)
    realised, known = _realised(scores, predicted, actual, bounds, ranked)
    return [
        ClassSums(*each)
        for each in zip(
            rows.tolist(),
            expected.reshape(-1, 2, 2),
            curves,
            precisions,
            known.sum(axis=(1, 2)).tolist(),
            known,
            *realised,
            strict=True,
        )
    ]


def _sorted_keys(scores: Floats, last_bit: Codes, bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    keys = _keys(scores, last_bit)
    ends = bounds.tolist()
    for start, end in pairwise(ends):
        keys[start:end].sort()
    return keys


def _calibrated(
    scores: Floats, bounds: NDArray[np.int64], calibrations: Sequence[Calibration | None]
) -> Floats:
    """Apply each chunk's calibrator; neighbours with the same one are done at once."""
    import numpy as np

    chances = np.empty_like(scores)
    start = 0
    for end in range(1, len(calibrations) + 1):
        if end == len(calibrations) or calibrations[end] is not calibrations[start]:
            calibration, rows = calibrations[start], slice(bounds[start], bounds[end])
            chances[rows] = scores[rows] if calibration is None else calibration.apply(scores[rows])
            start = end
    return chances


def _expected_curves(
    chances: Floats, bounds: NDArray[np.int64], ranked: frozenset[str]
) -> tuple[list[float], list[float]]:
    """Expected area under the curve and average precision of each chunk, whose chances rise."""

    nothing = [float("nan")] * (len(bounds) - 1)
    if not ranked:
        return nothing, nothing
    # Turned round, so that chances fall: the last chunk comes first, and is turned back at the end.
    falling, turned = chances[::-1], (bounds[-1] - bounds)[::-1]
    curves, precisions = nothing, nothing
    if "roc_auc" in ranked:
        curves = expected_roc_auc(falling, turned)[::-1].tolist()
    if "average_precision" in ranked:
        precisions = expected_average_precision(falling, turned)[::-1].tolist()
    return curves, precisions


def multiclass_sums(
    scores: Floats,
    predicted: Codes,
    actual: Codes,
    bounds: NDArray[np.int64],
    calibrations: Sequence[Sequence[Calibration | None]],
    ranked: frozenset[str],
) -> list[ClassSums]:
    """Sum up chunks of a classifier of several classes; `scores` has shape (n, classes).

    Each class is held against all others. Calibrated probabilities of a row are divided by their sum, and
    are all alike where that is 0, as NannyML does. The rest is as in `binary_sums`.
    """
    import numpy as np

    found = []
    classes = scores.shape[1]
    for place, calibrators in enumerate(calibrations):
        chunk = slice(bounds[place], bounds[place + 1])
        raw, guess, truth = scores[chunk], predicted[chunk], actual[chunk]
        chances = normalised(raw, calibrators)
        sums = [np.bincount(guess, chances[:, k], classes) for k in range(classes)]
        expected = np.stack(sums).astype(np.float64)
        known = truth != UNKNOWN
        pairs = truth[known].astype(np.int64) * classes + guess[known]
        realised = np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
        falling = [chances[np.argsort(raw[:, k])[::-1], k] for k in range(classes)] if ranked else []
        complete = len(np.unique(truth[known])) == classes
        keys = [np.sort(_keys(raw[known, k], (truth[known] == k))) for k in range(classes)]
        found.append(
            ClassSums(
                len(raw),
                expected,
                _mean(expected_roc_auc(one)[0] for one in falling) if "roc_auc" in ranked else np.nan,
                _mean(expected_average_precision(one)[0] for one in falling)
                if "average_precision" in ranked
                else np.nan,
                int(known.sum()),
                realised,
                _mean(realised_roc_auc(one) for one in keys) if "roc_auc" in ranked and complete else np.nan,
                _mean(realised_average_precision(one) for one in keys)
                if "average_precision" in ranked and complete
                else np.nan,
            )
        )
    return found


def normalised(raw: Floats, calibrators: Sequence[Calibration | None]) -> Floats:
    """Calibrated probabilities of each row divided by their sum; all alike where that is 0."""
    import numpy as np

    columns = [
        raw[:, k] if calibrator is None else calibrator.apply(raw[:, k])
        for k, calibrator in enumerate(calibrators)
    ]
    chances = np.column_stack(columns)
    total = chances.sum(axis=1)[:, np.newaxis]
    alike = np.full_like(chances, 1 / chances.shape[1])
    shares: Floats = np.divide(chances, total, out=alike, where=total != 0)
    return shares


def _keys(scores: Floats, last_bit: NDArray[np.bool_] | Codes) -> NDArray[np.int64]:
    """Whole numbers that order as the scores do (0.0 to 1.0), the last bit being `last_bit`."""
    import numpy as np

    bits = (scores + 0.0).view(np.int64)  # + 0.0 turns a negative zero into the positive one
    keys: NDArray[np.int64] = (bits << 1) | (last_bit == 1)
    return keys


def _scores(keys: NDArray[np.int64]) -> Floats:
    import numpy as np

    return (keys >> 1).view(np.float64)


def _realised(
    scores: Floats, predicted: Codes, actual: Codes, bounds: NDArray[np.int64], ranked: frozenset[str]
) -> tuple[tuple[list[float], list[float]], NDArray[np.int64]]:
    """Realised area under the curve and average precision of each chunk, and its confusion matrix."""
    import numpy as np

    chunks = len(bounds) - 1
    known = actual != UNKNOWN
    curves, precisions = [float("nan")] * chunks, [float("nan")] * chunks
    if not known.any():
        return (curves, precisions), np.zeros((chunks, 2, 2), np.int64)
    if not known.all():  # keep the labelled rows only, with bounds of their own
        kept = np.append(0, np.cumsum(known))
        scores, predicted, actual, bounds = scores[known], predicted[known], actual[known], kept[bounds]
    chunk_of = np.repeat(np.arange(chunks), np.diff(bounds))
    cells = 4 * chunk_of + 2 * actual + predicted
    matrices = np.bincount(cells, minlength=4 * chunks).reshape(-1, 2, 2)
    if ranked:
        keys = _sorted_keys(scores, actual, bounds)
        ends = bounds.tolist()
        for place, (start, end) in enumerate(pairwise(ends)):
            if start < end and "roc_auc" in ranked:
                curves[place] = realised_roc_auc(keys[start:end])
            if start < end and "average_precision" in ranked:
                precisions[place] = realised_average_precision(keys[start:end])
    return (curves, precisions), matrices


def _mean(values: object) -> float:
    import numpy as np

    return float(np.mean(list(values)))  # type: ignore[call-overload]
