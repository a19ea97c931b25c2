"""Where is the model weakest? All intersections of features, searched level by level and pruned soundly."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING, Any, Literal

from core.analytics.intervals import FEW, exact_interval, normal_quantile, student_terms
from core.analytics.slices.counts import SliceCells, SliceCounts
from core.analytics.slices.metrics import Measured, MetricDefinition, measure
from core.analytics.slices.ranks import rank_sums, ranking_interval
from core.analytics.slices.report import SliceLine
from core.analytics.slices.significance import difference_p_value
from core.ground import in_words

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
        How bad the slice is at least: the end of the metric's interval that is nearest to good (Wilson's
        where the metric's own is exact), turned so that more is worse; NaN where undefined.
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
    spreads = cells.spreads(definition.spread, ids, slices)
    sized = definition.direction == "lower"
    low, high = mean_ends(n, added(top), spreads, z, confidence, sized=sized)
    if definition.needs == "calibration":
        positives = np.minimum(added(cells.counts["tp"] + cells.counts["fn"]), n)
        low, high = _ends_of_few(n, added(top), positives, z, (low, high))
    if definition.direction == "zero":
        most = np.maximum(added(np.maximum(top, 0)), added(np.maximum(-top, 0))) / min_rows
        return Weakness(n, np.where(np.isnan(low), np.nan, np.maximum(0, np.maximum(low, -high))), most)
    most = added(top) / min_rows
    if definition.form == "root_mean":
        return Weakness(n, np.sqrt(low), np.sqrt(most))
    return Weakness(n, low, most)


def wilson_low(successes: NDArray[Any], n: NDArray[Any], z: float) -> NDArray[Any]:
    """Wilson's lower end, for whole columns; NaN where n is 0."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        rate = successes / n
        half = z * np.sqrt(np.maximum(0, rate * (1 - rate)) / n + z * z / (4 * n * n))
        low = (rate + z * z / (2 * n) - half) / (1 + z * z / n)
    return np.where(successes == 0, np.where(n > 0, 0.0, np.nan), np.maximum(0, low))


def _ends_of_few(
    n: NDArray[Any],
    total: NDArray[Any],
    positives: NDArray[Any],
    z: float,
    ends: tuple[NDArray[Any], NDArray[Any]],
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Ends of gaps; of few positive or negative labels by Wilson's interval of their share."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        scores = (total + positives) / n
    few = (n > 0) & (np.minimum(positives, n - positives) < FEW)
    low, high = scores - 1 + wilson_low(n - positives, n, z), scores - wilson_low(positives, n, z)
    return np.where(few, low, ends[0]), np.where(few, high, ends[1])


def mean_ends(
    n: NDArray[Any], total: NDArray[Any], spread: NDArray[Any], z: float, confidence: float, *, sized: bool
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
        if sized:
            factor = np.exp(np.minimum(np.where(mean > 0, half / mean, 0.0), 700))
            return np.where(n > 1, mean / factor, np.nan), np.where(n > 1, mean * factor, np.nan)
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


_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class WeakSlice(SliceLine):
    """A slice that a search found, beside everyone.

    Parameters
    ----------
    p_value, adjusted_p
        Of the test against all other rows, alone and times the number of slices searched (Bonferroni); None
        where nothing varies.
    sure
        How bad it is at least: the end of its interval nearest to good, turned so that more is worse.
    between
        Of a gap: the group that is worse off, and the one it is held against.
    """

    p_value: float | None
    adjusted_p: float | None
    sure: float = field(default=math.nan, repr=False)
    between: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WeakestSlices:
    """The weakest slices over all intersections, weakest first.

    Parameters
    ----------
    metric, overall
        The metric, and its value over everyone.
    searched
        Intersections of values there could be; p values are corrected for all of them.
    judged
        Slices with enough rows whose metric was worked out.
    too_small, ruled_out
        Slices not looked into further: with too few rows, and because nothing within could be weak enough.
    min_rows, max_conditions
        As asked.
    slices
        At most as many as asked for; none that is no weaker than one with fewer of its conditions.
    """

    metric: MetricDefinition
    overall: Measured
    searched: int
    judged: int
    too_small: int
    ruled_out: int
    min_rows: int
    max_conditions: int
    correction: Literal["bonferroni"]
    slices: tuple[WeakSlice, ...]


def weakest_slices(
    cells: SliceCells,
    definition: MetricDefinition,
    *,
    most: int = 10,
    min_rows: int = 100,
    max_conditions: int = 3,
    confidence: float = 0.95,
) -> WeakestSlices:
    """Find the weakest slices over all intersections of up to so many features.

    Parameters
    ----------
    cells
        The finest slices of all features that are searched.
    definition
        The metric. Weak is the worse direction; for a metric that is best at 0, far from 0 either way.
    most
        How many slices to give.
    min_rows
        Rows that must count towards the metric; at least 1.
    max_conditions
        Features that an intersection has at most.
    confidence
        Of everyone's interval, and of those of all slices searched at once: each of these is wider, as the
        slice was chosen for being weak.

    Returns
    -------
    WeakestSlices

    Raises
    ------
    ValueError
        A number below 1.

    Notes
    -----
    Order: by the end of the slice's own interval nearest to good, so that a handful of bad rows does not lead
    the list; equal ones by fewer conditions, more rows, name. Pruning: no slice within one of too few rows
    has enough; no slice within one whose `Weakness.most` is below the weakest found so far can enter the
    list. Both leave the answer as if every intersection had been worked out.
    Chance: intervals and p values allow for all that was searched (Bonferroni), so that on noise any claim at
    all is made in at most one search of twenty. Leaves out: that the worst of many looks worse than it is:
    the interval covers its value, the value itself is not shrunk.
    Source: after Chung et al. 2019 (Slice Finder) and Sagadeeva and Boehm 2021 (SliceLine); order ours.
    """
    if most < 1 or min_rows < 1 or max_conditions < 1:
        raise ValueError("a search asks for at least one slice, one row and one condition")
    searched = sum(
        prod(len(values) for values in chosen)
        for conditions in range(1, max_conditions + 1)
        for chosen in combinations(cells.values, conditions)
    )
    search = _Search(cells, definition, most, min_rows, confidence)
    for conditions in range(1, min(max_conditions, len(cells.features)) + 1):
        if not search.level(conditions):
            break
    everyone = cells.slice_of((), ())
    overall = measure(definition, everyone, confidence)
    return WeakestSlices(
        definition,
        overall,
        searched,
        search.judged,
        search.too_small,
        search.ruled_out,
        min_rows,
        max_conditions,
        "bonferroni",
        tuple(_weak_slice(search, one, everyone, overall, searched) for one in search.best),
    )


def _weak_slice(
    search: _Search, one: _Found, everyone: SliceCounts, overall: Measured, searched: int
) -> WeakSlice:
    cells, definition = search.cells, search.definition
    counts = cells.slice_of(one.places, one.codes)
    at_once = 1 - (1 - search.confidence) / searched
    measured = measure(definition, counts, at_once)
    interval = measured.interval
    if definition.form == "rate" and measured.n:
        interval = exact_interval(int(measured.numerator), measured.n, at_once)
    gap = None if measured.value is None or overall.value is None else measured.value - overall.value
    others = everyone if definition.form == "ranking" else cells.rest_of(one.places, one.codes)
    p = difference_p_value(definition, counts, others)
    return WeakSlice(
        " · ".join(f"{in_words(feature)}: {value}" for feature, value in counts.keys),
        counts.keys,
        counts.rows,
        measured.n,
        measured.value,
        interval,
        gap,
        p,
        None if p is None else min(1.0, p * searched),
        one.sure,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    sure: float
    places: tuple[int, ...]
    codes: tuple[int, ...]
    rows: float
    name: str

    @property
    def rank(self) -> tuple[float, int, float, str]:
        return -self.sure, len(self.places), -self.rows, self.name


@dataclass(frozen=True)
class _Level:
    """What is known of one set of features: which of its slices may hold more, and the weakest above them."""

    present: NDArray[Any]
    open: NDArray[Any]
    above: NDArray[Any]

    def at(self, ids: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Of these slices: whether they are open, and the weakest above them; closed where none is known."""
        import numpy as np

        place = np.minimum(np.searchsorted(self.present, ids), len(self.present) - 1)
        known = self.present[place] == ids
        return known & self.open[place], np.where(known, self.above[place], -np.inf)


@dataclass
class _Search:
    cells: SliceCells
    definition: MetricDefinition
    most: int
    min_rows: int
    confidence: float
    best: list[_Found] = field(default_factory=list)
    judged: int = 0
    too_small: int = 0
    ruled_out: int = 0
    _known: dict[tuple[int, ...], _Level] = field(default_factory=dict)

    def level(self, conditions: int) -> bool:
        """Look at all slices of so many conditions; say whether any may hold more."""
        found: dict[tuple[int, ...], _Level] = {}
        for places in combinations(range(len(self.cells.features)), conditions):
            level = self._look(places)
            if level is not None:
                found[places] = level
        self._known = found
        return bool(found)

    def _look(self, places: tuple[int, ...]) -> _Level | None:
        import numpy as np

        sizes = [len(self.cells.values[place]) for place in places]
        slices = prod(sizes)
        parents = [places[:at] + places[at + 1 :] for at in range(len(places))] if len(places) > 1 else []
        if not all(parent in self._known for parent in parents):
            return None
        ids = np.ravel_multi_index(tuple(self.cells.codes[place] for place in places), sizes)
        present = np.arange(slices)
        if slices > self.cells.codes.shape[1]:  # more combinations than cells: only those that occur
            present, ids = np.unique(ids, return_inverse=True)
        codes = np.array(np.unravel_index(present, sizes))
        candidate, above = np.ones(len(present), dtype=bool), np.full(len(present), -np.inf)
        for at, parent in enumerate(parents):
            rest = tuple(codes[:at]) + tuple(codes[at + 1 :])
            is_open, weakest = self._known[parent].at(
                np.ravel_multi_index(rest, sizes[:at] + sizes[at + 1 :])
            )
            candidate &= is_open
            above = np.maximum(above, weakest)
        if not candidate.any():
            return None
        weak = weaknesses(self.cells, self.definition, ids, len(present), self.min_rows, self.confidence)
        enough = candidate & (weak.n >= self.min_rows)
        self.too_small += int((candidate & ~enough & (weak.n > 0)).sum())
        defined = enough & ~np.isnan(weak.sure)
        self.judged += int(enough.sum())
        self._keep(places, codes, defined & (weak.sure > above + _TINY), weak.sure, weak.n)
        floor = self.best[-1].sure if len(self.best) == self.most else -np.inf
        still = enough & (weak.most >= floor - _TINY)
        self.ruled_out += int((enough & ~still).sum())
        sure = np.where(defined, weak.sure, -np.inf)
        return _Level(present, still, np.maximum(above, sure)) if still.any() else None

    def _keep(
        self,
        places: tuple[int, ...],
        codes: NDArray[Any],
        worth: NDArray[Any],
        sure: NDArray[Any],
        rows: NDArray[Any],
    ) -> None:
        import numpy as np

        floor = self.best[-1].sure if len(self.best) == self.most else -np.inf
        chosen = np.flatnonzero(worth & (sure >= floor))
        fresh = [
            _Found(
                float(sure[at]),
                places,
                tuple(int(code) for code in codes[:, at]),
                float(rows[at]),
                self._name(places, codes[:, at]),
            )
            for at in chosen
        ]
        self.best = sorted([*self.best, *fresh], key=lambda one: one.rank)[: self.most]

    def _name(self, places: Sequence[int], codes: NDArray[Any]) -> str:
        values = (self.cells.values[place][code] for place, code in zip(places, codes, strict=True))
        return " · ".join(values)
