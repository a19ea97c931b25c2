"""Drift of one feature over all chunks, by every method that suits it, with its alerts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Protocol

from core.analytics.drift.methods import (
    EXACT_BELOW,
    METHODS,
    NEVER_SEEN,
    RECONSTRUCTION,
    Kind,
    Moments,
    OutsideRows,
    SortedValues,
    binned_distances,
    chi_squared,
    chi_squared_p,
    doane_edges,
    exact_distances,
    fine_edges,
    freedom,
    hellinger,
    jensen_shannon,
    joined,
    l_infinity,
    without,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.analytics.drift.methods import Counts, Numbers

    Distance = Callable[[Counts, Counts], Numbers]
    Cumulated = tuple[Numbers, Numbers, Numbers, Numbers]

FALSE_ALARMS = 0.05
"""In how many measurements where nothing moved any feature may alert in any chunk, by one method."""
_DRAWS, _LEAST_DRAWS, _CELLS, _SIZES = 1000, 300, 1_000_000, 4
_PLACES = 100
_DEVIATIONS = 3.0
_ROUNDED = 1e-6
"""Errors of standardised rows that are nearer are the same."""
BY_SHARES: dict[str, Distance] = {"jensen_shannon": jensen_shannon, "hellinger": hellinger}
BY_CATEGORY: dict[str, Distance] = {**BY_SHARES, "l_infinity": l_infinity, "chi2": chi_squared}


@dataclass(frozen=True, slots=True)
class MethodDrift:
    """One method on one feature, over the chunks in their order, reference first.

    Attributes
    ----------
    distances
        From the whole reference; None where a chunk has no value.
    thresholds
        One a chunk: the level above which it alerts. `threshold` is that of the newest chunk.
    lower_thresholds
        The level below which it alerts, for a method of two sides.
    left_out
        One a reference chunk: its distance from the reference without it, which thresholds rest on.
    alerts
        None where nothing can be said: no value, or so few rows that a fifth of them could move unseen.
    p_values
        Of chi-squared, by its asymptotic law; no alert rests on them.
    """

    feature: str
    kind: Kind
    method: str
    distances: tuple[float | None, ...]
    threshold: float | None
    alerts: tuple[bool | None, ...]
    p_values: tuple[float | None, ...] = ()
    thresholds: tuple[float | None, ...] = ()
    lower_thresholds: tuple[float | None, ...] = ()
    left_out: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Along:
    """What thresholds are made from: rows with a value of each chunk, reference first, and the level."""

    rows: NDArray[np.int64]
    reference_chunks: int
    level: float

    @property
    def reference_rows(self) -> int:
        """Rows with a value of the whole reference."""
        return int(self.rows[: self.reference_chunks].sum())

    @property
    def stricter(self) -> Along:
        """With a quarter of the level, for distances of which one row or value makes the far tail."""
        return replace(self, level=self.level / 4)

    @property
    def drawable(self) -> NDArray[np.int64]:
        """Rows of each chunk, at most half the reference: what can be drawn from it and held to the rest."""
        import numpy as np

        return np.minimum(self.rows, max(1, self.reference_rows // 2))


def level_of(features: int, chunks: int) -> float:
    """The chance of one alert where nothing moved, so that all features and chunks hold `FALSE_ALARMS`."""
    half = FALSE_ALARMS / 2  # the far quantile is known from draws alone
    return half / max(1, features * chunks)


@dataclass(frozen=True, slots=True)
class Chance:
    """What a method finds where nothing moved, shape (chunks,): the level, and the usual distance."""

    level: Numbers
    usual: Numbers


@dataclass(frozen=True, slots=True)
class Draws:
    """Chunks drawn out of a reference without replacement, for each of some sizes; all methods share them.

    Attributes
    ----------
    held
        Shape (categories + 1,): rows of the reference, and of values that it lacks.
    sizes, drawn
        Rows of a chunk, rising, and for each of shape (draws, categories + 1) the rows drawn.
    """

    held: Counts
    sizes: Counts
    drawn: Sequence[Counts]


def drawn_from(reference: Counts, along: Along) -> Draws:
    """Draw chunks out of a reference of shape (categories,), by a fixed seed."""
    import numpy as np

    random = np.random.default_rng(0)
    held = np.append(reference, NEVER_SEEN)
    draws = min(_DRAWS, max(_LEAST_DRAWS, _CELLS // len(held)))
    wanted = np.unique(np.maximum(along.drawable, 1))
    some = np.geomspace(wanted[0], wanted[-1], _SIZES).astype(np.int64)
    sizes = wanted if len(wanted) <= _SIZES else np.unique(some)
    drawn = [random.multivariate_hypergeometric(held, size, draws, method="marginals") for size in sizes]
    return Draws(held, sizes, drawn)


def chance_by_draws(draws: Draws, along: Along, distance: Distance) -> Chance:
    """What chunks of so many rows show by chance alone, from draws out of the reference.

    Notes
    -----
    As many rows as the chunk has are drawn from the reference without replacement, up to 1,000 times, and
    held against the rest of it. The level is the quantile of Pearson's third law with the mean, variance and
    skewness of the squared distances. Assumes that rows are independent. Leaves out that the whole reference
    is larger than the rest, so that it errs on the side of silence. Source: permutation tests, Pitman 1937.

    Examples
    --------
    >>> import numpy as np
    >>> along = Along(np.array([1000, 1000, 500]), 2, level=0.001)
    >>> draws = drawn_from(np.array([1000, 1000]), along)
    >>> chance_by_draws(draws, along, l_infinity).level.round(2).tolist()
    [0.08, 0.08, 0.09]
    """
    import numpy as np

    found = [_level(distance(draws.held - drawn, drawn), along.level) for drawn in draws.drawn]
    at, place = np.log(along.drawable + 1), np.log(draws.sizes + 1)
    level, usual = np.log(np.maximum(np.array(found).T, 1e-12))
    return Chance(np.exp(np.interp(at, place, level)), np.exp(np.interp(at, place, usual)))


def chance_by_area(shares: Numbers, widths: Numbers, along: Along) -> Chance:
    """What the area between cumulated shares is by chance, in the feature's unit.

    Parameters
    ----------
    shares, widths
        Shape (places,): cumulated shares of the reference, and the distance to the next place.

    Notes
    -----
    `chance_by_draws` over at most 100 stretches of values that add alike to the area. The rows as if of
    values never seen lie as far beyond the end that is stretched more as the fourth row from it lies within:
    where tails are long, single rows make the area, and no law of many rows holds. A chunk of which at most
    three rows lie outside the reference may add what these add.
    """
    import numpy as np

    ends = np.rint(shares * along.reference_rows)
    spread = np.cumsum(np.sqrt(shares * (1 - shares).clip(0)) * widths)
    before = np.append(0.0, spread[:-1])  # so a value far from the next one ends its stretch
    cell = np.floor(before / max(spread[-1], 1e-300) * (_PLACES - 1)).astype(int)
    rows, length = (np.bincount(cell, each, _PLACES) for each in (np.diff(ends, prepend=0), widths))
    low, high = (_tail(ends, widths), _tail(ends[-1] - ends[::-1], widths[::-1]))
    if low > high:  # shares end where a stretch does, and from the other side where the next one does
        rows, length, high = rows[::-1], np.roll(length[::-1], -1), low
    length[-1] = high

    def area(reference: Counts, chunks: Counts) -> Numbers:
        gaps = [np.cumsum(one, axis=-1) / one.sum(axis=-1, keepdims=True) for one in (reference, chunks)]
        found: Numbers = np.abs(gaps[0] - gaps[1])[..., :-1] @ length
        return found

    return chance_by_draws(drawn_from(rows.astype(np.int64), along), along.stricter, area)


def _tail(ends: Numbers, widths: Numbers) -> float:
    """How far the fourth row lies from the first."""
    import numpy as np

    return float(widths[: np.searchsorted(ends, NEVER_SEEN, side="right")].sum())


def chance_by_gap(along: Along) -> Chance:
    """What the widest gap between cumulated shares is by chance.

    Notes
    -----
    √(1/n + 1/m) times the widest gap of a Brownian bridge, whose law is known in closed form and errs on the
    side of silence where values repeat. Source: Kolmogorov 1933, Donsker 1952.
    """
    import numpy as np

    n = np.maximum(along.drawable, 1)
    scale = np.sqrt(1 / n + 1 / np.maximum(along.reference_rows - n, 1))
    return Chance(scale * (0.5 * math.log(2 / along.level)) ** 0.5, scale * (math.pi**2 / 12) ** 0.5)


def _level(drawn: Numbers, level: float) -> tuple[float, float]:
    """The distance that a share `level` of draws passes, and the usual one (root mean square)."""
    from scipy.special import gammainccinv

    squares = drawn**2
    mean, deviation = float(squares.mean()), float(squares.std())
    if deviation <= 1e-12 * mean:
        return mean**0.5, mean**0.5
    skewness = max(float(((squares - mean) ** 3).mean()) / deviation**3, 2 * deviation / mean)
    beyond = gammainccinv(4 / skewness**2, level) * skewness / 2 - 2 / skewness
    return float(mean + deviation * beyond) ** 0.5, mean**0.5


def own_variation(left_out: Numbers) -> float:
    """The mean and three standard deviations of reference chunks' distances from the reference without them.

    Examples
    --------
    >>> import numpy as np
    >>> own_variation(np.array([0.1, 0.1, np.nan]))
    0.1
    """
    import numpy as np

    known = left_out[~np.isnan(left_out)]
    return float(known.mean() + _DEVIATIONS * known.std()) if len(known) else 0.0


def judged(
    feature: str, kind: Kind, method: str, distances: Numbers, left_out: Numbers, chance: Chance
) -> MethodDrift:
    """Join distances with thresholds and alerts: beyond chance, and beyond the reference's own variation."""
    import numpy as np

    thresholds = np.maximum(chance.level, own_variation(left_out))
    blind = METHODS[method].blind_above
    if blind is not None:
        thresholds = np.minimum(thresholds, 1.0)
    usual = np.minimum(chance.usual**2, 1.0)  # what a fifth new would add, it adds to the room that is left
    unseen = thresholds**2 > usual + (1 - usual) * (blind or 1e9) ** 2
    held = np.concatenate([left_out, distances[len(left_out) :]])
    alerts = [
        None if np.isnan(one) or (hidden and one <= limit) else bool(one > limit)
        for one, limit, hidden in zip(held, thresholds, unseen, strict=True)
    ]
    told = known(np.where(np.isnan(held), np.nan, thresholds))
    return MethodDrift(
        feature,
        kind,
        method,
        known(distances),
        told[-1],
        tuple(alerts),
        thresholds=told,
        left_out=known(left_out),
    )


def known(values: Numbers) -> tuple[float | None, ...]:
    """Values with None where they are undefined."""
    return tuple(float(one) if math.isfinite(one) else None for one in values)


def drift_by_counts(
    feature: str, kind: Kind, counts: Counts, along: Along, methods: dict[str, Distance]
) -> list[MethodDrift]:
    """Drift by the methods that look at shares, from counts of shape (chunks, categories)."""
    first = counts[: along.reference_chunks]
    reference = first.sum(axis=0)
    draws = drawn_from(reference, along)
    found = []
    for method, distance in methods.items():
        distances, left_out = distance(reference, counts), distance(reference - first, first)
        if method == "chi2":
            chance = chance_by_draws(draws, along, distance)
            found.append(_by_chi_squared(feature, reference, counts, chance, distances, left_out))
        else:
            held = along.stricter if method == "l_infinity" else along
            chance = chance_by_draws(draws, held, distance)
            found.append(judged(feature, kind, method, distances, left_out, chance))
    return found


def _by_chi_squared(
    feature: str, reference: Counts, counts: Counts, chance: Chance, distances: Numbers, left_out: Numbers
) -> MethodDrift:
    """Chi-squared grows with the categories that occur: more may than in the draws."""
    import numpy as np

    grown = np.maximum(1, freedom(reference, counts) / np.count_nonzero(reference))
    chance = Chance(chance.level * grown, chance.usual * grown)
    one = judged(feature, "text", "chi2", distances, left_out, chance)
    return replace(one, p_values=known(chi_squared_p(reference, counts, distances)))


def joint_drift(
    errors: Numbers, left_out: Numbers, along: Along, deviation: float, skewness: float
) -> MethodDrift:
    """Drift of all inputs together, from the mean reconstruction error of each chunk.

    Parameters
    ----------
    errors, left_out
        Shape (chunks,), with components of the whole reference; and (reference chunks,), of the reference
        without the chunk.
    deviation, skewness
        Of the errors of single rows of the reference.

    Notes
    -----
    Two-sided about the mean of `left_out`: the mean of n rows lies within z standard errors of it, corrected
    for skewness (Cornish and Fisher 1938), or within three standard deviations of the reference's own chunks.
    """
    import numpy as np
    from scipy.special import ndtri

    first = along.rows[: along.reference_chunks]
    centre, z = float(left_out @ first / first.sum()), -float(ndtri(along.level / 2))
    error = deviation * np.sqrt(1 / along.rows + 1 / first.sum())
    skewed = (z**2 - 1) / 6 * skewness / np.sqrt(along.rows)
    own = _DEVIATIONS * left_out.std()
    upper = centre + np.maximum(error * (z + np.abs(skewed)), own)
    lower = np.maximum(centre - np.maximum(error * z, own), 0.0)
    held = np.concatenate([left_out, errors[len(left_out) :]])
    outside = np.maximum(held - upper, lower - held) > _ROUNDED
    alerts = tuple(outside.tolist())
    told = known(upper)
    return MethodDrift(
        "inputs",
        "inputs",
        RECONSTRUCTION,
        known(errors),
        told[-1],
        alerts,
        thresholds=told,
        lower_thresholds=known(lower),
        left_out=known(left_out),
    )


class Column(Protocol):
    """A number feature by its counts, chunk after chunk, reference first."""

    def outside(self, low: float, high: float) -> list[OutsideRows]:
        """One a chunk: rows with a value, and those below `low` or above `high`."""

    def histograms(self, edges: Numbers) -> Iterator[Counts]:
        """One a chunk: rows of each bin; a bin holds its lower edge, the last one both."""

    def sorted_values(self) -> Iterator[SortedValues]:
        """One a chunk."""


@dataclass(frozen=True, slots=True)
class FewValues:
    """A feature of few different values, as the values of each chunk."""

    chunks: Sequence[SortedValues]

    def outside(self, low: float, high: float) -> list[OutsideRows]:
        """As in `Column`."""
        return [_outside(chunk, low, high) for chunk in self.chunks]

    def histograms(self, edges: Numbers) -> Iterator[Counts]:
        """As in `Column`."""
        import numpy as np

        for chunk in self.chunks:
            within = (chunk.values >= edges[0]) & (chunk.values <= edges[-1])
            places = np.searchsorted(edges[:-1], chunk.values[within], side="right") - 1
            bins = np.zeros(len(edges) - 1, dtype=np.int64)
            np.add.at(bins, places, chunk.rows[within])
            yield bins

    def sorted_values(self) -> Iterator[SortedValues]:
        """As in `Column`."""
        return iter(self.chunks)


def _outside(chunk: SortedValues, low: float, high: float) -> OutsideRows:
    below, above = chunk.values < low, chunk.values > high
    far = chunk.rows[below] @ (low - chunk.values[below]), chunk.rows[above] @ (chunk.values[above] - high)
    rows = (chunk.rows.sum(), chunk.rows[below].sum(), chunk.rows[above].sum())
    return OutsideRows(*(int(count) for count in rows), *(float(sum_of) for sum_of in far))


CLOSE = 1e-4
"""Of the reference's spread: what lies nearer to one of few values is that value."""
_MOST_STEPS, _ROWS_A_STEP, _APART = 1000, 10, 10


def closeness(sample: Numbers) -> float | None:
    """How near a number must lie to one of the reference's values to be it; None where these are many.

    Parameters
    ----------
    sample
        Shape (rows,), finite values of the reference.

    Returns
    -------
    float or None
        In the feature's unit: `CLOSE` times the spread from the 5% to the 95% quantile (of the range, where
        these are one), where the values stand in at most a tenth as many places as there are rows, ten
        times as far apart.

    Examples
    --------
    >>> import numpy as np
    >>> closeness(np.repeat([0.01, 0.02, 0.03], 100))
    2e-06
    >>> closeness(np.linspace(0, 1, 300)) is None
    True
    """
    import numpy as np

    if not len(sample):
        return None
    low, high = np.quantile(sample, (0.05, 0.95))
    spread = (high - low) or np.ptp(sample) or abs(high) / 100 or 1.0
    width = CLOSE * float(spread)
    places = np.unique(np.rint((sample - low) / width))
    gaps = np.diff(places)
    if len(places) > min(_MOST_STEPS, len(sample) / _ROWS_A_STEP) or ((gaps > 1) & (gaps < _APART)).any():
        return None
    return width


def together(chunks: Sequence[SortedValues], reference_chunks: int, width: float) -> FewValues:
    """Values nearer than `width` to one of the reference's as that value."""
    import numpy as np

    reference = joined(chunks[:reference_chunks])
    cluster = np.concatenate([[0], np.cumsum(np.diff(reference.values) > width)])
    fullest = np.lexsort((-reference.rows, cluster))
    kept = reference.values[fullest[np.searchsorted(cluster, np.arange(cluster[-1] + 1))]]

    def moved(chunk: SortedValues) -> SortedValues:
        place = np.clip(np.searchsorted(kept, chunk.values), 1, max(1, len(kept) - 1))
        near = kept[np.clip([place - 1, place], 0, len(kept) - 1)]
        nearest = np.where(abs(near[0] - chunk.values) <= abs(near[1] - chunk.values), *near)
        values = np.where(abs(nearest - chunk.values) <= width, nearest, chunk.values)
        return joined([SortedValues(values, chunk.rows)])

    return FewValues([moved(chunk) for chunk in chunks])


def number_drift(feature: str, moments: Moments, column: Column, along: Along) -> list[MethodDrift]:
    """Drift of a number feature by its four methods."""
    import numpy as np

    outside = column.outside(moments.low, moments.high)
    bins = np.array(list(_coarse(moments, column, outside)))
    coarse = np.column_stack([bins, along.rows - bins.sum(axis=1)])
    found = drift_by_counts(feature, "number", coarse, along, BY_SHARES)
    by_values = _exact if moments.rows < EXACT_BELOW else _binned
    distances, left_out, shares, widths = by_values(moments, column, along.reference_chunks, outside)
    areas = chance_by_area(shares, widths, along)
    areas = Chance(areas.level + np.array([one.few_add for one in outside]), areas.usual)
    chances = chance_by_gap(along), areas
    for at, (method, chance) in enumerate(zip(("kolmogorov_smirnov", "wasserstein"), chances, strict=True)):
        found.append(judged(feature, "number", method, distances[:, at], left_out[:, at], chance))
    return found


def _coarse(moments: Moments, column: Column, outside: Sequence[OutsideRows]) -> Iterator[Counts]:
    """Rows of each of the reference's bins; around a single value that value alone."""
    import numpy as np

    if moments.low < moments.high:
        return column.histograms(doane_edges(moments))
    return (np.array([one.rows - one.below - one.above]) for one in outside)


def _exact(
    _moments: Moments, column: Column, reference_chunks: int, _outside: Sequence[OutsideRows]
) -> Cumulated:
    """From the values themselves."""
    import numpy as np

    chunks = column.sorted_values()
    first = list(islice(chunks, reference_chunks))
    reference = joined(first)
    left_out = [exact_distances(without(reference, chunk), chunk) for chunk in first]
    pairs = [exact_distances(reference, chunk) for chunk in chain(first, chunks)]
    shares = np.cumsum(reference.rows) / reference.rows.sum()
    return _pairs(pairs), _pairs(left_out), shares, np.append(np.diff(reference.values), 0.0)


def _binned(
    moments: Moments, column: Column, reference_chunks: int, outside: Sequence[OutsideRows]
) -> Cumulated:
    """On fine bins; around a single value their edges are no edges of the values, and these are counted."""
    import numpy as np

    edges = fine_edges(moments)
    constant = moments.low == moments.high
    beyond = column.outside(float(edges[0]), float(edges[-1])) if constant else outside
    chunks = column.histograms(edges)
    first = list(islice(chunks, reference_chunks))
    reference = np.sum(first, axis=0)
    inside = [OutsideRows(int(bins.sum()), 0, 0, 0.0, 0.0) for bins in first]
    left_out = [
        binned_distances(reference - bins, bins, rows, edges)
        for bins, rows in zip(first, inside, strict=True)
    ]
    pairs = [
        binned_distances(reference, bins, rows, edges)
        for bins, rows in zip(chain(first, chunks), beyond, strict=True)
    ]
    if constant:
        gaps = [max(one.below, one.above) / one.rows if one.rows else None for one in outside]
        pairs = [(gap, pair and pair[1]) for gap, pair in zip(gaps, pairs, strict=True)]
    shares = np.cumsum(reference) / reference.sum()
    return _pairs(pairs), _pairs(left_out), shares, np.diff(edges)


def _pairs(pairs: Sequence[tuple[float | None, float | None] | None]) -> Numbers:
    import numpy as np

    return np.array([pair or (None, None) for pair in pairs], dtype=np.float64)
