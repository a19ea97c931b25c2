"""Univariate drift: how far a chunk's values lie from the reference, from counts alone.

Every distance equals that of NannyML 0.13.1's `UnivariateDriftCalculator` with its defaults, its bins
included, and what it does there that a textbook would not is kept and said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.ground import Figure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]
    Numbers = NDArray[np.float64]

Kind = Literal["number", "text", "ordered", "inputs"]
NEVER_SEEN = 3
"""Rows that may hold values of which the reference has none: rule of three, Hanley and Lippman-Hand 1983."""
FINE_BINS = 10_000
"""Bins of the two methods that look at cumulated shares, from `EXACT_BELOW` reference rows on."""
EXACT_BELOW = 10_000


@dataclass(frozen=True, slots=True)
class DriftMethod(Figure):
    """A distance between two sets of values, for the kinds of feature that it suits.

    `blind_above` is the distance that comes about where a fifth of the rows move to values never seen: where
    a threshold hides that much, a chunk below it cannot be told. None for a distance without an end.
    """

    kinds: tuple[Kind, ...]
    blind_above: float | None = None


RECONSTRUCTION = "data_reconstruction"
_BINS = "Numbers are cut into the reference's Doane bins; what lies outside them is one more bin."
METHODS: Mapping[str, DriftMethod] = {
    method.id: method
    for method in (
        DriftMethod(
            "jensen_shannon",
            "Jensen-Shannon distance",
            f"The square root of the mean divergence of both from their average, to base 2. {_BINS}",
            "lower",
            "Both hold the same shares; 1 means that they share no value.",
            "How far apart the values are: it sees shares only. Missing values.",
            "Lin 1991, IEEE Trans. Inf. Theory 37(1); as in NannyML 0.13.1.",
            ("number", "text"),
            0.329,
        ),
        DriftMethod(
            "hellinger",
            "Hellinger distance",
            f"The length of the difference of the roots of all shares, divided by √2. {_BINS}",
            "lower",
            "Both hold the same shares; 1 means that they share no value.",
            "How far apart the values are. Missing values.",
            "Hellinger 1909; as in NannyML 0.13.1.",
            ("number", "text"),
            0.325,
        ),
        DriftMethod(
            "kolmogorov_smirnov",
            "Kolmogorov-Smirnov statistic",
            "The widest gap between the cumulated shares; on 10,000 equal bins from 10,000 reference rows "
            "on.",
            "lower",
            "Both rise alike; 1 means that all of one lie below all of the other.",
            "Everything but the widest gap. Missing values.",
            "Kolmogorov 1933, Smirnov 1948; as in NannyML 0.13.1.",
            ("number",),
            0.2,
        ),
        DriftMethod(
            "wasserstein",
            "Wasserstein distance",
            "The area between the cumulated shares, in the feature's own unit; on 10,000 equal bins from "
            "10,000 reference rows on.",
            "lower",
            "Both rise alike; there is no upper end.",
            "Whether the distance is much for this feature: the unit is its own. Missing values.",
            "Vaserstein 1969; as in NannyML 0.13.1.",
            ("number",),
        ),
        DriftMethod(
            "chi2",
            "Chi-squared statistic",
            "The sum over both and all categories of (found − expected)² / expected.",
            "lower",
            "Both hold the same shares; there is no upper end, and it grows with the rows.",
            "How much the difference matters: with many rows any difference is significant. Missing values.",
            "Pearson 1900; as in NannyML 0.13.1 (scipy's chi2_contingency, Yates's correction at 2 × 2).",
            ("text",),
        ),
        DriftMethod(
            "l_infinity",
            "L-infinity distance",
            "The widest difference in the share of one category.",
            "lower",
            "All categories have the shares of the reference; 1 means that both hold one other category.",
            "All categories but one. Missing values.",
            "As in NannyML 0.13.1.",
            ("text",),
            0.2,
        ),
        DriftMethod(
            RECONSTRUCTION,
            "Reconstruction error",
            "The mean length of what is left of a row's standardised inputs after the principal components "
            "that hold 65% of the reference's variance; a category counts by its share of the reference.",
            "zero",
            "The components hold every row whole, which real data never has: what counts is the change.",
            "Changes of one input alone that keep its bond with the others. Rare categories of equal share.",
            "Jackson and Mudholkar 1979, Technometrics 21(3); as in NannyML 0.13.1.",
            ("inputs",),
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Moments:
    """What a number feature of the reference looks like; all in its unit but `rows` and `skewness`."""

    rows: int
    low: float
    high: float
    deviation: float
    skewness: float


def doane_edges(moments: Moments) -> Numbers:
    """Edges of the bins that two of the methods use.

    Returns
    -------
    numpy.ndarray
        Rising, from the least to the greatest value of the reference, in the feature's unit.

    Notes
    -----
    Formula: as many equal bins as the smallest whole number from 1 + log2(n) + log2(1 + |g| / s) on, with g
    the skewness and s = √(6(n − 2) / ((n + 1)(n + 3))). Source: Doane 1976, Am. Stat. 30(4), as in numpy.

    Examples
    --------
    >>> doane_edges(Moments(rows=8, low=0.0, high=4.0, deviation=1.0, skewness=0.0)).tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    import numpy as np

    low, high = _spread(moments)
    bins = 1
    span = moments.high - moments.low
    if moments.rows > 2 and moments.deviation > 0 and span > 0:
        rows = moments.rows
        noise = math.sqrt(6.0 * (rows - 2) / ((rows + 1.0) * (rows + 3)))
        width = span / (1.0 + math.log2(rows) + math.log2(1.0 + abs(moments.skewness) / noise))
        bins = max(1, math.ceil(span / width))
    return np.linspace(low, high, bins + 1)


def fine_edges(moments: Moments) -> Numbers:
    """Edges of `FINE_BINS` equal bins over the reference; half a unit each way around a single value."""
    import numpy as np

    low, high = _spread(moments)
    return np.linspace(low, high, FINE_BINS + 1)


def _spread(moments: Moments) -> tuple[float, float]:
    if moments.low == moments.high:
        return moments.low - 0.5, moments.high + 0.5
    return moments.low, moments.high


def jensen_shannon(reference: Counts, chunks: Counts) -> Numbers:
    """Jensen-Shannon distance of each chunk, 0 (same shares) to 1.

    Parameters
    ----------
    reference, chunks
        Shape (bins,) or (chunks, bins), and (chunks, bins): rows of each bin or category; what lies in no bin
        of the reference is one more bin.

    Returns
    -------
    numpy.ndarray
        Shape (chunks,); nan where one of both has no value: undefined.

    Examples
    --------
    >>> import numpy as np
    >>> jensen_shannon(np.array([5, 5]), np.array([[10, 0]])).round(4).tolist()
    [0.5579]
    """
    import numpy as np

    of_reference, of_chunks = _shares(reference), _shares(chunks)
    middle = (of_reference + of_chunks) / 2.0
    divergence = _relative_entropy(of_reference, middle) + _relative_entropy(of_chunks, middle)
    found: Numbers = np.sqrt(np.maximum(0.0, divergence / math.log(2.0) / 2.0))
    return found


def hellinger(reference: Counts, chunks: Counts) -> Numbers:
    """Hellinger distance, 0 (same shares) to 1; parameters and nan as in `jensen_shannon`.

    Examples
    --------
    >>> import numpy as np
    >>> hellinger(np.array([5, 5]), np.array([[5, 5], [0, 0]])).tolist()
    [0.0, nan]
    """
    import numpy as np

    gaps = np.sqrt(_shares(reference)) - np.sqrt(_shares(chunks))
    found: Numbers = np.sqrt(np.sum(gaps**2, axis=-1) / 2.0)
    return found


def l_infinity(reference: Counts, chunks: Counts) -> Numbers:
    """Widest difference in a category's share, 0 to 1; parameters and nan as in `jensen_shannon`.

    Examples
    --------
    >>> import numpy as np
    >>> l_infinity(np.array([5, 5, 0]), np.array([[5, 0, 5]])).tolist()
    [0.5]
    """
    import numpy as np

    widest: Numbers = np.abs(_shares(reference) - _shares(chunks)).max(axis=-1)
    return widest


def chi_squared(reference: Counts, chunks: Counts) -> Numbers:
    """Chi-squared statistic of each two-way table; parameters and nan as in `jensen_shannon`.

    Notes
    -----
    0 = same shares, no upper end. Where both hold two categories, each cell is moved towards the expected
    count by up to a half (Yates), as scipy does.

    Examples
    --------
    >>> import numpy as np
    >>> chi_squared(np.array([50, 30, 20]), np.array([[50, 30, 20], [30, 50, 20]])).tolist()
    [0.0, 10.0]
    """
    import numpy as np

    both = np.stack(np.broadcast_arrays(reference, chunks)).astype(np.float64)
    found, rows = both.sum(axis=0), both.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = rows * found / rows.sum(axis=0)
        gaps = np.abs(both - expected)
        two = ((found > 0).sum(axis=-1) == 2)[:, None]
        gaps -= np.where(two, np.minimum(0.5, gaps), 0.0)
        cells = np.where(found > 0, gaps**2 / expected, 0.0)
    statistic: Numbers = np.where((rows == 0).any(axis=(0, 2)), np.nan, cells.sum(axis=(0, 2)))
    return statistic


def chi_squared_p(reference: Counts, chunks: Counts, statistics: Numbers) -> Numbers:
    """p-value of each chi-squared statistic by the asymptotic law, as scipy gives it.

    It is wrong where categories have few rows; no alert rests on it.

    Examples
    --------
    >>> import numpy as np
    >>> chi_squared_p(np.array([50, 30, 20]), np.array([[50, 30, 20]]), np.array([0.0])).tolist()
    [1.0]
    """
    import numpy as np
    from scipy.special import chdtrc

    found = chdtrc(freedom(reference, chunks), statistics)
    return np.where(statistics == 0, 1.0, found)


def freedom(reference: Counts, chunks: Counts) -> Numbers:
    """Degrees of freedom of each chi-squared statistic: the categories that occur, less one; 1 or more."""
    import numpy as np

    occurring = (np.add(reference, chunks) > 0).sum(axis=-1)
    found: Numbers = np.maximum(occurring - 1, 1)
    return found


_HELD = 0.65
"""Share of the variance that the components hold, as NannyML has it."""


def left_over(rows: int, sums: Numbers, products: Numbers) -> Numbers:
    """Directions in which rows are not reconstructed, from sums alone.

    Parameters
    ----------
    rows, sums, products
        Rows, sums of the columns of shape (columns,), and of their products of shape (columns, columns).

    Returns
    -------
    numpy.ndarray
        Shape (directions, columns + 1): times a row with a 1 behind it, the row's standardised rest.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.array([[0.0, 0.0], [2.0, 4.0], [4.0, 8.0]])
    >>> np.abs(left_over(3, rows.sum(axis=0), rows.T @ rows) @ [2.0, 4.0, 1.0]).round(9).tolist()
    [0.0]
    """
    import numpy as np

    mean = sums / rows
    spread = products / rows - np.outer(mean, mean)
    deviation = np.sqrt(np.maximum(np.diag(spread), 0.0))
    deviation[deviation <= 1e-12 * np.maximum(1.0, np.abs(mean))] = 1.0
    values, vectors = np.linalg.eigh(spread / np.outer(deviation, deviation))
    held = np.cumsum(np.maximum(values[::-1], 0.0))
    kept = int(np.searchsorted(held / (held[-1] or 1.0), _HELD, side="right")) + 1
    rest = vectors[:, ::-1][:, kept:].T / deviation
    return np.column_stack([rest, -(rest @ mean)])


@dataclass(frozen=True, slots=True)
class OutsideRows:
    """Rows of a chunk that lie outside the reference, and how far they do, in the feature's unit."""

    rows: int
    below: int
    above: int
    sum_below: float
    sum_above: float

    @property
    def few_add(self) -> float:
        """What they add to the area, in the feature's unit, where they are as few as chance may bring."""
        few = 0 < self.below + self.above <= NEVER_SEEN
        return (self.sum_below + self.sum_above) / self.rows if few else 0.0


def binned_distances(
    reference: Counts, chunk: Counts, outside: OutsideRows, edges: Numbers
) -> tuple[float | None, float | None] | None:
    """Widest gap and area between cumulated shares over fine bins and beyond them.

    Parameters
    ----------
    reference, chunk
        Shape (FINE_BINS,), rows of each bin.
    outside
        The chunk's rows, and those outside the reference.

    Returns
    -------
    tuple or None
        Kolmogorov-Smirnov statistic, 0 to 1, and Wasserstein distance in the feature's unit (None where a
        value is infinite); None where one of both has no value.

    Notes
    -----
    For the area NannyML counts one row too many below the reference wherever there is any, so that the curve
    lies 1 / n too high; that is kept.
    """
    import numpy as np

    rows = outside.rows
    if not rows or not reference.sum():
        return None
    gaps = np.cumsum(reference / reference.sum()) - np.cumsum(chunk / rows)
    widest = float(np.abs(gaps - outside.below / rows).max())
    below = (outside.below + 1) / rows if outside.below else 0.0
    within = float(np.sum(np.abs(gaps - below) * (edges[1] - edges[0])))
    area = within + outside.sum_below / rows + outside.sum_above / rows
    return widest, area if math.isfinite(area) else None


@dataclass(frozen=True, slots=True)
class SortedValues:
    """Different values of a feature in rising order, and the rows of each."""

    values: Numbers
    rows: Counts


def joined(parts: Sequence[SortedValues]) -> SortedValues:
    """The values of several chunks together."""
    import numpy as np

    values, places = np.unique(np.concatenate([part.values for part in parts]), return_inverse=True)
    rows = np.zeros(len(values), dtype=np.int64)
    np.add.at(rows, places, np.concatenate([part.rows for part in parts]))
    return SortedValues(values, rows)


def without(reference: SortedValues, chunk: SortedValues) -> SortedValues:
    """The values of the reference less those of a chunk that it holds."""
    import numpy as np

    rows = reference.rows.copy()
    rows[np.searchsorted(reference.values, chunk.values)] -= chunk.rows
    return SortedValues(reference.values, rows)


def exact_distances(reference: SortedValues, chunk: SortedValues) -> tuple[float, float] | None:
    """Kolmogorov-Smirnov statistic and Wasserstein distance from the values themselves.

    Returns
    -------
    tuple of float or None
        None where one of both has no value.

    Examples
    --------
    >>> import numpy as np
    >>> two = SortedValues(np.array([0.0, 1.0]), np.array([1, 1]))
    >>> exact_distances(two, SortedValues(np.array([1.0]), np.array([2])))
    (0.5, 0.5)
    """
    import numpy as np

    if not reference.rows.sum() or not chunk.rows.sum():
        return None
    places = np.union1d(reference.values, chunk.values)
    gaps = np.abs(_cumulated(reference, places) - _cumulated(chunk, places))
    area = float(np.sum(gaps[:-1] * np.diff(places)))
    return float(gaps.max()), area


def _shares(counts: Counts) -> Numbers:
    import numpy as np

    rows = counts.sum(axis=-1, keepdims=True)
    return np.where(rows > 0, counts / np.maximum(rows, 1), np.nan)


def _relative_entropy(shares: Numbers, middle: Numbers) -> Numbers:
    import numpy as np

    with np.errstate(invalid="ignore", divide="ignore"):
        parts = np.where(shares == 0, 0.0, shares * np.log(shares / middle))
    total: Numbers = parts.sum(axis=-1)
    return total


def _cumulated(sorted_values: SortedValues, places: Numbers) -> Numbers:
    import numpy as np

    cumulated: Numbers = np.concatenate(([0], np.cumsum(sorted_values.rows))) / sorted_values.rows.sum()
    found: Numbers = cumulated[np.searchsorted(sorted_values.values, places, side="right")]
    return found
