"""The verdict on every group of a family at once, with a known chance of being wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from core.analytics.slices.pairs import Limit, outside_p_value, within_p_value
from core.analytics.slices.significance import Sample
from core.ground import Direction, VerdictName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Places = NDArray[np.int64]

_MANY = 100
"""Groups above which not every pair is worked out, only those that can be furthest off."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is held about one group.

    Parameters
    ----------
    verdict
        "fail": shown to lie outside the limit against `against`. "pass": shown to lie within it against every
        group. "cannot_tell": neither.
    against
        Place of the group that decided: the one it lies furthest outside of, or is least surely within. None
        where there is no other.
    p_value
        Of `against`, one-sided; of lying outside for a fail, of lying within else. None without an `against`,
        and where all rows there are were counted, so that nothing is left to chance.
    """

    verdict: VerdictName
    against: int | None = None
    p_value: float | None = None


def judged(
    samples: Sequence[Sample],
    limit: Limit,
    *,
    worse: Direction,
    reference: int | None = None,
    confidence: float = 0.95,
    complete: bool = False,
) -> tuple[Judged, ...]:
    """Hold every group to a limit, all at once.

    Parameters
    ----------
    samples
        One a group, each with enough rows; groups do not overlap.
    limit
        Of the lower value over, or below, the higher.
    worse
        "higher" where a higher value is better, so that the lower of two groups is the worse off; "lower" the
        other way round; "zero" where the one further from nought is.
    reference
        Place of the one group that the others are held against, in both directions. None: each group against
        every other, so that the best may be any.
    confidence
        1 less the chance of a false *fail* of any group, 0.5 to 1.0, both excluded.
    complete
        Whether the rows are all there are: then the values themselves decide.

    Returns
    -------
    tuple of Judged
        In the order given.

    Notes
    -----
    Formula: *fail* when the group lies outside the limit against some other at a level of (1 - confidence)
    over the number of ordered pairs (Bonferroni), so that, where every group does lie within, any *fail* at
    all has at most that chance, whichever group looks best. *Pass* when against each other group the claim of
    lying outside is refused at half of 1 - confidence (an intersection-union test: no correction is due).
    Direction: the more rows, the fewer *cannot tell*; more groups make a *fail* harder, never a *pass*
    easier.
    Leaves out: dependence between rows. A *pass* says that the difference is below the limit, not that
    there is none.
    Source: Dunn 1961, J. Am. Stat. Assoc. 56; Berger 1982, Technometrics 24; for the tests `outside_p_value`.

    Examples
    --------
    >>> groups = [Sample.of_rate(500, 1000), Sample.of_rate(300, 1000), Sample.of_rate(490, 1000)]
    >>> [each.verdict for each in judged(groups, Limit("ratio", 0.8), worse="higher")]
    ['pass', 'fail', 'pass']
    """
    if len(samples) < 2:
        return tuple(Judged("cannot_tell") for _ in samples)
    family = _Family(samples, limit, worse, reference, 1 - confidence)
    decide = family.by_value if complete else family.by_chance
    return tuple(decide(place) for place in range(len(samples)))


def comparisons(groups: int, *, of_all_pairs: bool) -> int:
    """Ordered pairs that are compared: of all groups, or of each with one reference.

    Examples
    --------
    >>> comparisons(3, of_all_pairs=True), comparisons(3, of_all_pairs=False)
    (6, 4)
    """
    return groups * (groups - 1) if of_all_pairs else 2 * max(0, groups - 1)


@dataclass(frozen=True)
class _Family:
    samples: Sequence[Sample]
    limit: Limit
    worse: Direction
    reference: int | None
    error: float

    @property
    def level(self) -> float:
        return self.error / comparisons(len(self.samples), of_all_pairs=self.reference is None)

    def by_chance(self, place: int) -> Judged:
        """Fail against the group furthest off, pass where even the nearest call is within."""
        found = self.nearest(place, self.deviates)
        if found is None:
            return Judged("pass")
        low, high = (self.samples[each] for each in found)
        against = found[1] if found[0] == place else found[0]
        failed = outside_p_value(low, high, self.limit, self.level)
        if failed <= self.level:
            return Judged("fail", against, failed)
        passed = within_p_value(low, high, self.limit, self.error / 2)
        return Judged("pass" if passed <= self.error / 2 else "cannot_tell", against, passed)

    def by_value(self, place: int) -> Judged:
        """As the values stand, where nothing is left to chance."""
        found = self.nearest(place, self.excess)
        if found is None:
            return Judged("pass")
        off = self.limit.excess(*(self.samples[each] for each in found))
        return Judged("fail" if off < -1e-12 else "pass", found[1] if found[0] == place else found[0])

    def nearest(self, place: int, measured: Callable[[Places, Places], Numbers]) -> tuple[int, int] | None:
        """Lower and higher place of the pair, of those with this group, that is nearest to be outside."""
        lows, highs = self.pairs(place)
        if not len(lows):
            return None
        at = int(measured(lows, highs).argmin())
        return int(lows[at]), int(highs[at])

    def pairs(self, place: int) -> tuple[Places, Places]:
        """Lower and higher place of each pair in which this group is looked at."""
        import numpy as np

        others = self.others(place)
        own = np.full(len(others), place)
        if self.reference is not None or self.worse == "zero":
            return np.concatenate([own, others]), np.concatenate([others, own])
        return (own, others) if self.worse == "higher" else (others, own)

    def others(self, place: int) -> Places:
        """The groups that this one is held against."""
        import numpy as np

        if self.reference is not None:
            return np.array([] if place == self.reference else [self.reference], int)
        every = np.arange(len(self.samples))
        if self.worse == "zero":
            every = every[np.abs(self.values) <= abs(self.values[place])]
        elif len(every) > _MANY and place not in self.telling:
            every = self.telling
        found: Places = every[every != place]
        return found

    @cached_property
    def telling(self) -> Places:
        """Groups that some other may be furthest off from: none is better on more rows, or on fewer."""
        import numpy as np

        weight = self.n if self.samples[0].successes is not None else 1 / np.maximum(self.variances, 1e-300)
        order = np.argsort(-self.values if self.worse == "higher" else self.values, kind="stable")
        sorted_weight = weight[order]
        most = np.concatenate([[-np.inf], np.maximum.accumulate(sorted_weight)[:-1]])
        least = np.concatenate([[np.inf], np.minimum.accumulate(sorted_weight)[:-1]])
        found: Places = np.sort(order[(sorted_weight > most) | (sorted_weight < least)])
        return found

    def excess(self, lows: Places, highs: Places) -> Numbers:
        """How far each pair lies within the limit, in the metric's unit."""
        return self.values[lows] - self.limit.factor * self.values[highs] + self.limit.slack

    def deviates(self, lows: Places, highs: Places) -> Numbers:
        """How many standard errors each pair lies within the limit."""
        import numpy as np

        if self.samples[0].successes is not None:
            return self.limit.deviates(self.won[lows], self.n[lows], self.won[highs], self.n[highs])
        apart = self.excess(lows, highs)
        spread = np.sqrt(self.variances[lows] + self.limit.factor**2 * self.variances[highs])
        found: Numbers = np.divide(apart, spread, out=np.where(apart < 0, -np.inf, np.inf), where=spread > 0)
        return found

    @cached_property
    def values(self) -> Numbers:
        return self._column(lambda each: each.value)

    @cached_property
    def n(self) -> Numbers:
        return self._column(lambda each: each.n)

    @cached_property
    def won(self) -> Numbers:
        return self._column(lambda each: each.successes or 0)

    @cached_property
    def variances(self) -> Numbers:
        return self._column(lambda each: each.variance)

    def _column(self, read: Callable[[Sample], float]) -> Numbers:
        import numpy as np

        return np.array([read(each) for each in self.samples], float)
