"""How weak a slice is for sure, and how weak any within it can be: what a search ranks and prunes by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.analytics.intervals import normal_quantile, student_terms
from core.analytics.slices.cells import SliceCells
from core.analytics.slices.metric import MetricDefinition
from core.analytics.slices.ranks import rank_sums, ranking_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

Adder = Callable[["NDArray[Any]"], "NDArray[Any]"]
"""Adds a column of the cells up by slice."""


@dataclass(frozen=True)
class Weakness:
    """Weakness of some slices.

    Parameters
    ----------
    n
        Shape (slices,): rows that count towards the metric.
    sure
        How bad the slice is at least: the end of the metric's interval that is nearest to good, turned so
        that more is worse; NaN where undefined.
    most
        No slice within this one, of `min_rows` rows or more, has a higher `sure`.
    """

    n: NDArray[Any]
    sure: NDArray[Any]
    most: NDArray[Any]


def weaknesses(
    cells: SliceCells,
    definition: MetricDefinition,
    ids: NDArray[Any],
    slices: int,
    min_rows: int,
    confidence: float,
) -> Weakness:
    """Work out the weakness of slices and its bound.

    Parameters
    ----------
    cells
        The finest slices.
    definition
        The metric; its "better" direction says what is weak.
    ids
        Shape (cells,), whole numbers from 0 to `slices` - 1: the slice each cell is in.
    slices
        How many there are.
    min_rows
        Rows that must count towards the metric in any slice that is looked at, at least 1.
    confidence
        Of the intervals.

    Returns
    -------
    Weakness

    Notes
    -----
    `most` rests on three facts. A slice within another has no more bad rows (wrong ones, say) than it, b;
    Wilson's lower end of b in n rises with b and falls with n, so with n of `min_rows` or more it is at most
    that of b in max(b, `min_rows`). A mean over n values that are not negative is at most their sum over
    `min_rows`; where values have a sign, every slice within is a union of cells, so its sum is at most the
    sum of the cells' positive (or negative) sums. A pair of rows ordered wrongly within is one in the whole
    too, and there are at least `min_rows` - 1 pairs of both classes.
    Source: lower ends as in Brown, Cai and DasGupta 2001; bounds ours, after Sagadeeva and Boehm 2021.
    """
    import numpy as np

    def added(column: NDArray[Any]) -> NDArray[Any]:
        return np.bincount(ids, weights=column, minlength=slices)

    z = normal_quantile(confidence)
    if definition.form == "ranking":
        return _ranking(cells, ids, slices, min_rows, confidence)
    if definition.form == "balanced":
        return _balanced(cells, definition, added, z)
    n = added(cells.total(definition.denominator))
    top = cells.total(definition.numerator)
    if definition.form == "rate":
        bad = n - added(top) if definition.direction == "higher" else added(top)
        return Weakness(n, wilson_low(bad, n, z), wilson_low(bad, np.maximum(bad, min_rows), z))
    low, high = _mean_ends(n, added(top), cells.spreads(definition.spread, ids, slices), z, confidence)
    if definition.direction == "zero":
        most = np.maximum(added(np.maximum(top, 0)), added(np.maximum(-top, 0))) / min_rows
        return Weakness(n, np.where(np.isnan(low), np.nan, np.maximum(0, np.maximum(low, -high))), most)
    most = added(top) / min_rows
    if definition.form == "root_mean":
        return Weakness(n, np.sqrt(np.maximum(0, low)), np.sqrt(most))
    return Weakness(n, low, most)


def wilson_low(successes: NDArray[Any], n: NDArray[Any], z: float) -> NDArray[Any]:
    """Wilson's lower end, for whole columns; NaN where n is 0."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        rate = successes / n
        half = z * np.sqrt(np.maximum(0, rate * (1 - rate)) / n + z * z / (4 * n * n))
        low = (rate + z * z / (2 * n) - half) / (1 + z * z / n)
    return np.where(successes == 0, np.where(n > 0, 0.0, np.nan), np.maximum(0, low))


def _mean_ends(
    n: NDArray[Any], total: NDArray[Any], spread: NDArray[Any], z: float, confidence: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / n
        variance = spread / (n - 1)
        freedom = np.maximum(n - 1, 3)
        quantile = z + sum(term / freedom**power for power, term in enumerate(student_terms(z), start=1))
        quantile = np.where(n == 2, np.tan(np.pi * confidence / 2), quantile)
        quantile = np.where(n == 3, confidence * np.sqrt(2 / (1 - confidence**2)), quantile)
        half = quantile * np.sqrt(variance / n)
    known = n > 1
    return np.where(known, mean - half, np.nan), np.where(known, mean + half, np.nan)


def _balanced(cells: SliceCells, definition: MetricDefinition, added: Adder, z: float) -> Weakness:
    """Half the sum of the two error rates; its lower end is below that with either rate's own lower end."""
    import numpy as np

    right, wrong = (cells.counts[name] for name in definition.negatives)
    positives, negatives = added(cells.total(definition.denominator)), added(right + wrong)
    missed = positives - added(cells.total(definition.numerator))
    alarms = added(wrong)
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = missed / positives, alarms / negatives
    down = np.hypot(
        first - wilson_low(missed, positives, z),
        second - wilson_low(alarms, negatives, z),
    )
    sure = np.maximum(0, (first + second - down) / 2)
    ends = (wilson_low(bad, np.maximum(bad, 1), z) for bad in (missed, alarms))
    low_first, low_second = ends
    most = np.minimum(low_first + (alarms > 0), (missed > 0) + low_second) / 2
    return Weakness(positives + negatives, np.where(positives * negatives > 0, sure, np.nan), most)


def _ranking(cells: SliceCells, ids: NDArray[Any], slices: int, min_rows: int, confidence: float) -> Weakness:
    import numpy as np

    if cells.scores is None or cells.positive is None:
        nothing = np.full(slices, np.nan)
        return Weakness(np.zeros(slices), nothing, np.zeros(slices))
    short = ids.astype(np.uint16) if slices < 65_536 else ids
    found = rank_sums(short, cells.scores, cells.positive, slices, rising=True)
    n = np.array([each.positives + each.negatives for each in found], dtype=float)
    sure, most = np.full(slices, np.nan), np.zeros(slices)
    for place, each in enumerate(found):
        if n[place] < min_rows:
            continue
        interval = ranking_interval(each, confidence)
        if interval is not None:
            sure[place] = 1 - interval.high
        lost = each.positives * each.negatives - each.doubled_wins / 2
        most[place] = min(1.0, lost / max(1, min_rows - 1))
    return Weakness(n, sure, most)
