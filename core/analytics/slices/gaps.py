"""In which slice are two groups, or two times, furthest apart? All intersections, level by level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING, Any

from core.analytics.intervals import Interval, difference_interval, exact_interval, normal_quantile
from core.analytics.slices.counts import SliceCells, SliceCounts
from core.analytics.slices.metrics import Measured, MetricDefinition, measure
from core.analytics.slices.search import WeakestSlices, WeakSlice, mean_ends, wilson_low
from core.analytics.slices.significance import difference_p_value

if TYPE_CHECKING:
    from numpy.typing import NDArray

Pair = tuple[int, int]
"""Codes of the group that is worse off, and of the one it is held against."""
_TINY = 1e-12


def beside(first: SliceCells, second: SliceCells, name: str, labels: tuple[str, str]) -> SliceCells:
    """Two tables of cells as one, with a feature more that says which of them a cell is from.

    Examples
    --------
    >>> import numpy as np
    >>> one, other = (SliceCells("binary", ("a",), ((v,),), np.zeros((1, 1), int), {"rows": np.array([n])})
    ...               for v, n in (("x", 3), ("y", 4)))
    >>> both = beside(one, other, "part", ("now", "then"))
    >>> both.values, both.codes.tolist()
    ((('x', 'y'), ('now', 'then')), [[0, 1], [0, 1]])
    """
    import numpy as np

    values = tuple(tuple(sorted({*a, *b})) for a, b in zip(first.values, second.values, strict=True))
    codes = [
        [np.array([all_of.index(value) for value in own], int)[column] for all_of, own, column in columns]
        for columns in (zip(values, each.values, each.codes, strict=True) for each in (first, second))
    ]
    joined = [np.concatenate(pair) for pair in zip(*codes, strict=True)]
    from_which = np.repeat([0, 1], [each.codes.shape[1] for each in (first, second)])
    counts = {field: np.concatenate([first.counts[field], second.counts[field]]) for field in first.counts}
    return SliceCells(
        first.task, (*first.features, name), (*values, labels), np.array([*joined, from_which]), counts
    )


def widest_gaps(
    cells: SliceCells,
    definition: MetricDefinition,
    pairs: Sequence[Pair],
    *,
    most: int = 10,
    min_rows: int = 100,
    max_conditions: int = 3,
    confidence: float = 0.95,
) -> WeakestSlices:
    """Find the slices in which the metric of one group lies furthest on the wrong side of another's.

    Parameters
    ----------
    cells
        The finest slices of all features that are searched, and last of the one whose groups are compared.
    definition
        The metric: a rate or a mean; of one whose best is 0, the higher value counts as the worse.
    pairs
        Which groups may be the worse off, by their codes in that last feature, and beside which.
    most, min_rows, max_conditions, confidence
        As of `weakest_slices`; both groups need `min_rows` rows within a slice.

    Returns
    -------
    WeakestSlices
        `value` and `interval` are the worse group's value less the other's, `gap` by how much that is more
        than over everyone.

    Raises
    ------
    ValueError
        Another kind of metric, or a number below 1.

    Notes
    -----
    Formula: order by the end of the difference's interval nearest to nought; a slice is listed only if it is
    further apart than each slice with fewer of its conditions. Chance: intervals and p values allow for every
    intersection and pair of groups that was searched (Bonferroni), so on noise any claim at all is made in at
    most one search of twenty. Leaves out: that the widest of many looks wider than it is; its interval knows.
    Source: as of `weakest_slices`; differences: Newcombe 1998, Zou and Donner 2008.
    """
    if definition.form not in ("rate", "mean", "root_mean"):
        raise ValueError(f"a search for gaps goes over rates and means, not over the {definition.name}")
    if min(most, min_rows, max_conditions) < 1:
        raise ValueError("a search asks for at least one slice, one row and one condition")
    search = _Gaps(cells, definition, tuple(pairs), min_rows, confidence)
    deepest = min(max_conditions, len(cells.features) - 1)
    for conditions in range(1, deepest + 1):
        for places in combinations(range(len(cells.features) - 1), conditions):
            search.look(places)
    found = sorted(search.found, key=lambda one: (-one.sure, len(one.places), one.places, one.codes))[:most]
    searched = sum(
        prod(len(values) for values in chosen)
        for conditions in range(1, deepest + 1)
        for chosen in combinations(cells.values[:-1], conditions)
    )
    family = searched * len({frozenset(pair) for pair in pairs})
    everyone = max((search.apart(pair, (), (), confidence) for pair in pairs), key=search.width)
    return WeakestSlices(
        definition,
        everyone,
        searched,
        search.judged,
        search.too_small,
        0,
        min_rows,
        max_conditions,
        "bonferroni",
        tuple(search.told(one, family) for one in found),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    sure: float
    pair: Pair
    places: tuple[int, ...]
    codes: tuple[int, ...]


class _Gaps:
    def __init__(
        self,
        cells: SliceCells,
        definition: MetricDefinition,
        pairs: tuple[Pair, ...],
        min_rows: int,
        confidence: float,
    ) -> None:
        self.cells, self.definition, self.pairs = cells, definition, pairs
        self.min_rows, self.confidence = min_rows, confidence
        self.turn = -1 if definition.direction == "higher" else 1
        self.judged = self.too_small = 0
        self.found: list[_Found] = []
        self.known: dict[tuple[int, ...], tuple[NDArray[Any], NDArray[Any]]] = {}
        self.groups = {code: self._group(code) for pair in pairs for code in pair}

    def _group(self, code: int) -> tuple[NDArray[Any], SliceCells]:
        """Which cells are of a group, and these alone."""
        inside = self.cells.codes[-1] == code
        counts = {field: column[inside] for field, column in self.cells.counts.items()}
        return inside, SliceCells(
            self.cells.task, self.cells.features, self.cells.values, self.cells.codes[:, inside], counts
        )

    def look(self, places: tuple[int, ...]) -> None:
        """Look at all slices of these features, for each pair of groups."""
        import numpy as np

        sizes = [len(self.cells.values[place]) for place in places]
        at = np.ravel_multi_index(tuple(self.cells.codes[place] for place in places), sizes)
        present, ids = np.unique(at, return_inverse=True)
        codes = np.array(np.unravel_index(present, sizes))
        ends = {
            code: self._ends(own, ids[inside], len(present)) for code, (inside, own) in self.groups.items()
        }
        sure = np.array([self._sure(ends[worse], ends[better]) for worse, better in self.pairs])
        self.known[places] = present, sure
        above = np.full(sure.shape, -np.inf)
        for size in range(1, len(places)):
            for part in combinations(range(len(places)), size):
                above = np.maximum(above, self._at(tuple(places[p] for p in part), codes[list(part)]))
        defined = ~np.isnan(sure)
        self.judged += int(defined.any(axis=0).sum())
        self.too_small += int((~defined.any(axis=0)).sum())
        for pair, slot in zip(*np.nonzero(defined & (sure > np.maximum(above, 0) + _TINY)), strict=True):
            chosen = tuple(int(code) for code in codes[:, slot])
            self.found.append(_Found(float(sure[pair, slot]), self.pairs[pair], places, chosen))

    def _at(self, places: tuple[int, ...], codes: NDArray[Any]) -> NDArray[Any]:
        """How far apart the slices of fewer conditions are surely, for each pair."""
        import numpy as np

        present, sure = self.known[places]
        at = np.ravel_multi_index(tuple(codes), [len(self.cells.values[place]) for place in places])
        found: NDArray[Any] = np.nan_to_num(sure[:, np.searchsorted(present, at)], nan=-np.inf)
        return found

    def _ends(self, cells: SliceCells, ids: NDArray[Any], slices: int) -> tuple[NDArray[Any], ...]:
        """Value and ends of a group's interval in each slice; NaN where it has too few rows."""
        import numpy as np

        definition, z = self.definition, normal_quantile(self.confidence)
        n, top = (
            np.bincount(ids, cells.total(names), slices)
            for names in (definition.denominator, definition.numerator)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            value = top / n
        if definition.form == "rate":
            low, high = wilson_low(top, n, z), 1 - wilson_low(n - top, n, z)
        else:
            spread, sized = cells.spreads(definition.spread, ids, slices), definition.direction == "lower"
            low, high = mean_ends(n, top, spread, z, self.confidence, sized=sized)
        columns = (value, low, high) if definition.form != "root_mean" else np.sqrt((value, low, high))
        return tuple(np.where(n >= self.min_rows, each, np.nan) for each in columns)

    def _sure(self, worse: Sequence[NDArray[Any]], better: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """How far the worse lies on the wrong side of the better at least."""
        import numpy as np

        (own, low, high), (other, other_low, other_high) = worse, better
        found: NDArray[Any] = (
            other - own - np.hypot(other - other_low, high - own)
            if self.turn < 0
            else own - other - np.hypot(own - low, other_high - other)
        )
        return found

    def width(self, apart: Measured) -> float:
        """How far on the wrong side a difference lies."""
        return -1.0 if apart.value is None else self.turn * apart.value

    def _sides(
        self, pair: Pair, places: Sequence[int], codes: Sequence[int]
    ) -> tuple[SliceCounts, SliceCounts]:
        worse, better = (self.groups[code][1].slice_of(places, codes) for code in pair)
        return worse, better

    def apart(self, pair: Pair, places: Sequence[int], codes: Sequence[int], confidence: float) -> Measured:
        """The worse group's value less the other's, with its interval."""
        sides = [measure(self.definition, each, confidence) for each in self._sides(pair, places, codes)]
        n = sum(side.n for side in sides)
        values = [side.value for side in sides if side.value is not None]
        intervals = [interval for side in sides if (interval := self._interval(side, confidence))]
        if len(values) < 2 or len(intervals) < 2:
            return Measured(None, n, 0.0, None)
        moved = difference_interval(values[0], intervals[0], values[1], intervals[1])
        return Measured(values[0] - values[1], n, 0.0, moved)

    def _interval(self, side: Measured, confidence: float) -> Interval | None:
        if self.definition.form == "rate" and side.n:
            return exact_interval(int(side.numerator), side.n, confidence)
        return side.interval

    def told(self, one: _Found, family: int) -> WeakSlice:
        """A slice as it is told, allowing for all that was searched."""
        worse, better = self._sides(one.pair, one.places, one.codes)
        apart = self.apart(one.pair, one.places, one.codes, 1 - (1 - self.confidence) / family)
        overall = self.apart(one.pair, (), (), self.confidence).value
        p = difference_p_value(self.definition, worse, better)
        return WeakSlice(
            " · ".join(f"{feature}: {value}" for feature, value in worse.keys),
            worse.keys,
            worse.rows + better.rows,
            apart.n,
            apart.value,
            apart.interval,
            None if apart.value is None or overall is None else apart.value - overall,
            p,
            None if p is None else min(1.0, p * family),
            one.sure,
            tuple(self.cells.values[-1][code] for code in one.pair),
        )
