"""Areas under curves of classifiers: expected from calibrated chances, and realised from outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

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
