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

Kind = Literal["number", "text"]
FINE_BINS = 10_000
"""Bins of the two methods that look at cumulated shares, from `EXACT_BELOW` reference rows on."""
EXACT_BELOW = 10_000
SIGNIFICANT = 0.05
_DEVIATIONS = 3.0


@dataclass(frozen=True, slots=True)
class DriftMethod(Figure):
    """A distance between two sets of values, for the kinds of feature that it suits."""

    kinds: tuple[Kind, ...]


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
            "The sum over both and all categories of (found − expected)² / expected; it alerts where the "
            "p-value is below 0.05.",
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


def jensen_shannon(reference: Counts, chunk: Counts, rows: int) -> float | None:
    """Jensen-Shannon distance, 0 (same shares) to 1.

    Parameters
    ----------
    reference, chunk
        Shape (bins,), rows of each bin or category of the reference.
    rows
        Rows of the chunk with a value; those in no bin make one more bin.

    Returns
    -------
    float or None
        None where one of both has no value: undefined.

    Examples
    --------
    >>> import numpy as np
    >>> jensen_shannon(np.array([5, 5]), np.array([10, 0]), 10)
    0.5579...
    """
    import numpy as np

    shares = _both_shares(reference, chunk, rows)
    if shares is None:
        return None
    of_reference, of_chunk = shares
    middle = (of_reference + of_chunk) / 2.0
    divergence = _relative_entropy(of_reference, middle) + _relative_entropy(of_chunk, middle)
    return float(np.sqrt(max(0.0, divergence / math.log(2.0) / 2.0)))


def hellinger(reference: Counts, chunk: Counts, rows: int) -> float | None:
    """Hellinger distance, 0 (same shares) to 1; parameters and None as in `jensen_shannon`.

    Examples
    --------
    >>> import numpy as np
    >>> hellinger(np.array([5, 5]), np.array([5, 5]), 10)
    0.0
    """
    import numpy as np

    shares = _both_shares(reference, chunk, rows)
    if shares is None:
        return None
    of_reference, of_chunk = shares
    return float(np.sqrt(np.sum((np.sqrt(of_reference) - np.sqrt(of_chunk)) ** 2)) / math.sqrt(2.0))


def l_infinity(reference: Counts, chunk: Counts) -> float | None:
    """Widest difference in a category's share, 0 to 1; None where one of both has no value.

    Parameters
    ----------
    reference, chunk
        Shape (categories,), rows of every category that occurs in either.

    Examples
    --------
    >>> import numpy as np
    >>> l_infinity(np.array([5, 5, 0]), np.array([5, 0, 5]))
    0.5
    """
    import numpy as np

    if not reference.sum() or not chunk.sum():
        return None
    return float(np.abs(reference / reference.sum() - chunk / chunk.sum()).max())


def chi_squared(reference: Counts, chunk: Counts) -> tuple[float, float] | None:
    """Chi-squared statistic of a two-way table and its p-value; parameters as in `l_infinity`.

    Returns
    -------
    tuple of float or None
        Statistic (0 = same shares, no upper end) and p-value; None where one of both has no value.

    Notes
    -----
    With two categories each cell is moved towards the expected count by up to a half (Yates), as scipy does.

    Examples
    --------
    >>> import numpy as np
    >>> chi_squared(np.array([50, 30, 20]), np.array([50, 30, 20]))
    (0.0, 1.0)
    """
    import numpy as np
    from scipy.special import chdtrc

    table = np.vstack([reference, chunk]).astype(np.float64)
    table = table[:, table.sum(axis=0) > 0]
    if (table.sum(axis=1) == 0).any():
        return None
    freedom = table.shape[1] - 1
    if freedom == 0:
        return 0.0, 1.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    if freedom == 1:
        gap = expected - table
        table = table + np.sign(gap) * np.minimum(0.5, np.abs(gap))
    statistic = float(np.sum((table - expected) ** 2 / expected))
    return statistic, float(chdtrc(freedom, statistic))


@dataclass(frozen=True, slots=True)
class OutsideRows:
    """Rows of a chunk that lie outside the reference, and how far they do, in the feature's unit."""

    rows: int
    below: int
    above: int
    sum_below: float
    sum_above: float


def binned_kolmogorov_smirnov(reference: Counts, chunk: Counts, outside: OutsideRows) -> float | None:
    """Widest gap between cumulated shares at the edges of fine bins, 0 to 1.

    Parameters
    ----------
    reference, chunk
        Shape (FINE_BINS,), rows of each bin.
    outside
        The chunk's rows, and those below the least value of the reference.

    Returns
    -------
    float or None
        None where one of both has no value.
    """
    import numpy as np

    if not outside.rows or not reference.sum():
        return None
    of_chunk = outside.below / outside.rows + np.cumsum(chunk / outside.rows)
    return float(np.abs(np.cumsum(reference / reference.sum()) - of_chunk).max())


def binned_wasserstein(
    reference: Counts, chunk: Counts, outside: OutsideRows, edges: Numbers
) -> float | None:
    """Area between cumulated shares over fine bins and beyond them, in the feature's unit.

    Notes
    -----
    NannyML counts one row too many below the reference wherever there is any, so that the curve lies 1 / n
    too high; that is kept. None where a value is infinite or one of both has none.
    """
    import numpy as np

    if not outside.rows or not reference.sum():
        return None
    rows = outside.rows
    below = (outside.below + 1) / rows if outside.below else 0.0
    gaps = np.abs(np.cumsum(reference / reference.sum()) - (np.cumsum(chunk / rows) + below))
    within = float(np.sum(gaps * (edges[1] - edges[0])))
    found = within + outside.sum_below / rows + outside.sum_above / rows
    return found if math.isfinite(found) else None


@dataclass(frozen=True, slots=True)
class SortedValues:
    """Different values of a feature in rising order, and the rows of each."""

    values: Numbers
    rows: Counts


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


def alert_threshold(distances: Sequence[float | None]) -> float | None:
    """The level above which a chunk alerts: the reference chunks' mean and three standard deviations.

    Parameters
    ----------
    distances
        One a reference chunk; undefined ones do not count.

    Returns
    -------
    float or None
        In the method's unit; None where no chunk has a distance.

    Examples
    --------
    >>> alert_threshold([0.1, 0.1, None])
    0.1
    """
    known = [distance for distance in distances if distance is not None]
    if not known:
        return None
    mean = sum(known) / len(known)
    return mean + _DEVIATIONS * math.sqrt(sum((distance - mean) ** 2 for distance in known) / len(known))


def _both_shares(reference: Counts, chunk: Counts, rows: int) -> tuple[Numbers, Numbers] | None:
    import numpy as np

    total = int(reference.sum())
    if not rows or not total:
        return None
    of_reference, of_chunk = reference / total, chunk / rows
    rest = rows - int(chunk.sum())
    if rest > 0:
        return np.append(of_reference, 0.0), np.append(of_chunk, rest / rows)
    return of_reference, of_chunk


def _relative_entropy(shares: Numbers, middle: Numbers) -> float:
    import numpy as np

    held = shares > 0
    return float(np.sum(shares[held] * np.log(shares[held] / middle[held])))


def _cumulated(sorted_values: SortedValues, places: Numbers) -> Numbers:
    import numpy as np

    cumulated: Numbers = np.concatenate(([0], np.cumsum(sorted_values.rows))) / sorted_values.rows.sum()
    found: Numbers = cumulated[np.searchsorted(sorted_values.values, places, side="right")]
    return found
