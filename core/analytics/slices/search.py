"""Where is the model weakest? All intersections of features, searched level by level and pruned soundly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING, Any

from core.analytics.slices.cells import SliceCells
from core.analytics.slices.chance import difference_p_value
from core.analytics.slices.metrics import Measured, MetricDefinition, measure
from core.analytics.slices.values import SliceCounts
from core.analytics.slices.weakness import weaknesses

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class WeakSlice:
    """A slice that a search found.

    Parameters
    ----------
    counts, measured
        Its counts, and the metric on them.
    sure
        How bad it is at least: the end of its interval nearest to good, turned so that more is worse.
    gap
        Its value minus everyone's.
    p_value, adjusted_p
        Of the test against all other rows, alone and times the number of slices searched (Bonferroni); None
        where nothing varies.
    """

    counts: SliceCounts
    measured: Measured
    sure: float
    gap: float | None
    p_value: float | None
    adjusted_p: float | None


@dataclass(frozen=True, slots=True)
class WeakestSlices:
    """The weakest slices over all intersections, weakest first.

    Parameters
    ----------
    definition
        The metric.
    overall
        The metric over everyone.
    slices
        At most as many as asked for; none that is no weaker than one with fewer of its conditions.
    searched
        Intersections of values there could be; p values are corrected for all of them.
    judged
        Slices with enough rows whose metric was worked out.
    too_small, ruled_out
        Slices not looked into further: with too few rows, and because nothing within could be weak enough.
    min_rows, max_conditions
        As asked.
    """

    definition: MetricDefinition
    overall: Measured
    slices: tuple[WeakSlice, ...]
    searched: int
    judged: int
    too_small: int
    ruled_out: int
    min_rows: int
    max_conditions: int


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
        Of the intervals.

    Returns
    -------
    WeakestSlices

    Raises
    ------
    ValueError
        A number below 1.

    Notes
    -----
    Order: by the end of the slice's interval nearest to good, so that a handful of bad rows does not lead the
    list; equal ones by fewer conditions, more rows, name. Pruning: no slice within one of too few rows has
    enough; no slice within one whose `Weakness.most` is below the weakest found so far can enter the list.
    Both leave the answer as if every intersection had been worked out.
    Leaves out: that the worst of many is partly chance (hence the correction for all that was searched).
    Source: after Chung et al. 2019 (Slice Finder) and Sagadeeva and Boehm 2021 (SliceLine); order ours.
    """
    if most < 1 or min_rows < 1 or max_conditions < 1:
        raise ValueError("a search asks for at least one slice, one row and one condition")
    search = _Search(cells, definition, most, min_rows, confidence)
    for conditions in range(1, min(max_conditions, len(cells.features)) + 1):
        if not search.level(conditions):
            break
    everyone = cells.slice_of((), ())
    overall = measure(definition, everyone, confidence)
    searched = sum(
        prod(len(cells.values[place]) for place in places)
        for places in _all_places(len(cells.features), max_conditions)
    )
    found = tuple(
        _weak_slice(cells, definition, one, everyone, overall, searched, confidence) for one in search.best
    )
    return WeakestSlices(
        definition,
        overall,
        found,
        searched,
        search.judged,
        search.too_small,
        search.ruled_out,
        min_rows,
        max_conditions,
    )


def _weak_slice(
    cells: SliceCells,
    definition: MetricDefinition,
    one: _Found,
    everyone: SliceCounts,
    overall: Measured,
    searched: int,
    confidence: float,
) -> WeakSlice:
    counts = cells.slice_of(one.places, one.codes)
    measured = measure(definition, counts, confidence)
    gap = None if measured.value is None or overall.value is None else measured.value - overall.value
    others = everyone if definition.form == "ranking" else cells.rest_of(one.places, one.codes)
    p = difference_p_value(definition, counts, others)
    return WeakSlice(counts, measured, one.sure, gap, p, None if p is None else min(1.0, p * searched))


def _all_places(features: int, most: int) -> Iterator[tuple[int, ...]]:
    for conditions in range(1, min(features, most) + 1):
        yield from combinations(range(features), conditions)


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
