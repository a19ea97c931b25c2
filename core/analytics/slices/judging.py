"""The verdict on every group of a family at once, with a known chance of being wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.analytics.slices.pairs import Limit, outside_p_value, within_p_value
from core.analytics.slices.significance import Sample
from core.ground import Direction, VerdictName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


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
        pairs = self.pairs(place)
        if not pairs:
            return Judged("pass")
        low, high = pairs[int(self.deviates(pairs).argmin())]
        against = high if low == place else low
        failed = outside_p_value(self.samples[low], self.samples[high], self.limit, self.level)
        if failed <= self.level:
            return Judged("fail", against, failed)
        passed = within_p_value(self.samples[low], self.samples[high], self.limit, self.error / 2)
        return Judged("pass" if passed <= self.error / 2 else "cannot_tell", against, passed)

    def by_value(self, place: int) -> Judged:
        """As the values stand, where nothing is left to chance."""
        pairs = self.pairs(place)
        if not pairs:
            return Judged("pass")
        off, low, high = min((self.limit.excess(self.samples[a], self.samples[b]), a, b) for a, b in pairs)
        return Judged("fail" if off < -1e-12 else "pass", high if low == place else low)

    def pairs(self, place: int) -> list[tuple[int, int]]:
        """Lower and higher place of each pair in which this group is looked at."""
        if self.reference is not None:
            other = self.reference
            return [] if place == other else [(place, other), (other, place)]
        others = [other for other in range(len(self.samples)) if other != place]
        if self.worse == "zero":
            size = abs(self.samples[place].value)
            others = [other for other in others if abs(self.samples[other].value) <= size]
            return [pair for other in others for pair in ((place, other), (other, place))]
        return [(place, other) if self.worse == "higher" else (other, place) for other in others]

    def deviates(self, pairs: Sequence[tuple[int, int]]) -> Numbers:
        """How many standard errors each pair lies within the limit."""
        import numpy as np

        lows, highs = (np.array(side) for side in zip(*pairs, strict=True))
        if self.samples[0].successes is not None:
            won = np.array([each.successes for each in self.samples], float)
            n = np.array([each.n for each in self.samples], float)
            return self.limit.deviates(won[lows], n[lows], won[highs], n[highs])
        values = np.array([each.value for each in self.samples])
        variances = np.array([each.variance for each in self.samples])
        apart = values[lows] - self.limit.factor * values[highs] + self.limit.slack
        spread = np.sqrt(variances[lows] + self.limit.factor**2 * variances[highs])
        found: Numbers = np.divide(apart, spread, out=np.where(apart < 0, -np.inf, np.inf), where=spread > 0)
        return found
