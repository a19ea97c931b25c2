"""The verdict on every group of a family at once, with a known chance of being wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal

from core.analytics.intervals import FEW, student_share
from core.analytics.slices.significance import Sample, Side, moved_p_value
from core.ground import Direction, VerdictName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Places = NDArray[np.int64]


_NEAR = 20
"""How many times off a level an approximate p value may be and still be on its wrong side."""
_NUISANCES = 33
_DEVIATIONS = 5.0


@dataclass(frozen=True, slots=True)
class Limit:
    """How far a slice may be from another.

    Parameters
    ----------
    kind
        "ratio": the ratio to the reference lies between `value` and 1 / `value`, both included (0.8 is the
        four-fifths rule). "difference": it is at most `value` away, up or down, in the metric's unit.
    value
        Ratio: above 0, at most 1. Difference: 0 or more.

    Raises
    ------
    ValueError
        A value outside these.

    Examples
    --------
    >>> Limit("ratio", 0.8).ends
    (0.8, 1.25)
    """

    kind: Literal["ratio", "difference"]
    value: float

    def __post_init__(self) -> None:
        fits = 0 < self.value <= 1 if self.kind == "ratio" else 0 <= self.value < math.inf
        if not fits:
            raise ValueError(f"{self.value} cannot limit a {self.kind}")

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest value within the limit."""
        return (self.value, 1 / self.value) if self.kind == "ratio" else (-self.value, self.value)

    @property
    def factor(self) -> float:
        """The lower of two values may be this share of the higher, less `slack`."""
        return self.value if self.kind == "ratio" else 1.0

    @property
    def slack(self) -> float:
        """By how much the lower may be below `factor` times the higher, in the metric's unit."""
        return 0.0 if self.kind == "ratio" else self.value

    def excess(self, low: Sample, high: Sample) -> float:
        """How far `low` lies above the lowest value that is allowed beside `high`; below 0: outside."""
        return low.value - self.factor * high.value + self.slack

    def deviates(self, x: Numbers, n: Numbers, y: Numbers, m: Numbers) -> Numbers:
        """Signed roots of the likelihood ratio of x of n and y of m to the likeliest rates on the limit."""
        import numpy as np

        upper = self.likeliest(x, n, y, m)
        unlikely = _surprise(x, n, self.lower(upper)) + _surprise(y, m, upper)
        apart = x / n - self.factor * y / m + self.slack
        return np.copysign(np.sqrt(np.maximum(2 * unlikely, 0.0)), apart)

    def lower(self, upper: Numbers) -> Numbers:
        """The lower rate that lies on the limit with a higher one."""
        return (self.factor * upper - self.slack).clip(0.0, 1.0)

    def likeliest(self, x: Numbers, n: Numbers, y: Numbers, m: Numbers) -> Numbers:
        """The likeliest higher rate for which the lower lies on the limit."""
        return self._of_difference(x, n, y, m) if self.slack else self._of_ratio(x, n, y, m)

    def _of_ratio(self, x: Numbers, n: Numbers, y: Numbers, m: Numbers) -> Numbers:
        """Root of a quadratic."""
        import numpy as np

        a, b, c = self.factor * (n + m), self.factor * (n + y) + x + m, x + y
        return (2 * c / (b + np.sqrt(np.maximum(b * b - 4 * a * c, 0.0)))).clip(0.0, 1.0)

    def _of_difference(self, x: Numbers, n: Numbers, y: Numbers, m: Numbers) -> Numbers:
        """Root of a cubic."""
        import numpy as np

        everyone, won, slack = n + m, x + y, self.slack
        b = (-(n + 2 * m) * slack - everyone - won) / everyone
        c = ((m * slack + everyone + 2 * y) * slack + won) / everyone
        d = -y * slack * (1 + slack) / everyone
        q = b**3 / 27 - b * c / 6 + d / 2
        p = np.copysign(np.sqrt(np.maximum(b * b / 9 - c / 3, 0.0)), q)
        turn = np.divide(q, p**3, out=np.zeros_like(q), where=p != 0)
        angle = (math.pi + np.arccos(turn.clip(-1.0, 1.0))) / 3
        found: Numbers = (2 * p * np.cos(angle) - b / 3).clip(slack, 1.0)
        return found


def outside_p_value(low: Sample, high: Sample, limit: Limit, level: float) -> float:
    """How often `low` would lie at least as far below what the limit allows if it did lie within.

    Parameters
    ----------
    low, high
        The group that is worse off, and the one that it is held against.
    limit
        A ratio (low over high, at least `value`) or a difference (high minus low, at most `value`).
    level
        What the p value will be held to: where an approximation could be on the wrong side of it, the exact
        one is worked out.

    Returns
    -------
    float
        One-sided p value, 0.0 to 1.0; small says that the group lies outside the limit.

    Notes
    -----
    Formula: for rates the signed root of twice the logarithm of the likelihood ratio, of the counts' own
    rates to the likeliest ones on the limit, is a normal deviate. Where fewer than 30 succeed or fail in a
    group and the level is near, the exact unconditional test that orders tables by that root, at the worst
    of the rates that the counts leave possible. For means Welch's t test of low - limit·high (of a ratio) or
    low - high + limit (of a difference); for rankings and balanced rates `moved_p_value` of the same.
    Leaves out: dependence between rows, and how many such tests are made (see `judged`).
    Source: Miettinen and Nurminen 1985, Stat. Med. 4 (likeliest rates on a limit, likelihood-ratio test);
    Berger and Boos 1994, J. Am. Stat. Assoc. 89 (worst of the possible rates); Welch 1947, Biometrika 34.
    In the tails the root holds its level where the score test of Farrington and Manning does not: at 100 rows
    against 5,000 and rates of .2 the latter is 50 times too small at four deviations.

    Examples
    --------
    >>> four_fifths = Limit("ratio", 0.8)
    >>> outside_p_value(Sample.of_rate(300, 1000), Sample.of_rate(500, 1000), four_fifths, 0.05) < 1e-6
    True
    """
    return _p_value(low, high, limit, level, -1)


def within_p_value(low: Sample, high: Sample, limit: Limit, level: float) -> float:
    """How often `low` would lie at least as far above what the limit allows if it did lie outside.

    As `outside_p_value` with the other side as what is to be shown: small says that the group lies within.

    Examples
    --------
    >>> four_fifths = Limit("ratio", 0.8)
    >>> within_p_value(Sample.of_rate(490, 1000), Sample.of_rate(500, 1000), four_fifths, 0.05) < 1e-4
    True
    """
    return _p_value(low, high, limit, level, 1)


def _p_value(low: Sample, high: Sample, limit: Limit, level: float, sign: Side) -> float:
    """Share of the tail beyond what was seen: below it (sign -1) or above it (sign 1)."""
    if low.successes is None or high.successes is None:
        return _welch(low, high, limit, sign)
    counts = low.successes, low.n, high.successes, high.n
    rough = 0.5 * math.erfc(sign * float(limit.deviates(*_arrays(*counts))) / math.sqrt(2))
    few = min(low.successes, low.n - low.successes, high.successes, high.n - high.successes) < FEW
    if few and level / _NEAR < rough < level * _NEAR:
        return _exact(*counts, limit, sign)
    return rough


def _arrays(*counts: int) -> tuple[Numbers, ...]:
    import numpy as np

    return tuple(np.asarray(count, float) for count in counts)


def _welch(low: Sample, high: Sample, limit: Limit, sign: Side) -> float:
    if low.reach is not None and high.reach is not None:
        return moved_p_value(low, high, factor=limit.factor, slack=limit.slack, sign=sign)
    own, other = low.variance, limit.factor**2 * high.variance
    if own + other <= 0:
        return 1.0
    deviate = sign * limit.excess(low, high) / math.sqrt(own + other)
    loss = own * own / low.freedom + other * other / high.freedom
    freedom = (own + other) ** 2 / loss if loss else math.inf
    half = student_share(deviate, freedom) / 2
    return half if deviate > 0 else 1 - half


def _surprise(counts: Numbers, n: Numbers, rate: Numbers) -> Numbers:
    """How much less likely the counts are at this rate than at their own, as a logarithm."""
    import numpy as np

    lost = n - counts
    with np.errstate(divide="ignore", invalid="ignore"):
        won = np.where(counts > 0, counts * np.log(counts / (n * rate)), 0.0)
        return won + np.where(lost > 0, lost * np.log(lost / (n * (1 - rate))), 0.0)


@lru_cache(maxsize=4096)
def _exact(x: int, n: int, y: int, m: int, limit: Limit, sign: Side) -> float:
    """Chance of a root as extreme, at the worst of the rates on the limit that the counts leave possible."""
    uppers = _possible(x, n, y, m, limit)
    lowers = limit.lower(uppers)
    xs, ys = _likely(lowers, n), _likely(uppers, m)
    seen = float(limit.deviates(*_arrays(x, n, y, m)))
    low_n, high_n = _arrays(n, m)
    every = sign * limit.deviates(xs[:, None], low_n, ys[None, :], high_n)
    extreme = (every >= sign * seen - 1e-9).astype(float)
    chances = (_chances(xs, n, lowers) * (extreme @ _chances(ys, m, uppers))).sum(axis=0)
    return min(1.0, float(chances.max()) + math.erfc(_DEVIATIONS / math.sqrt(2)))


def _possible(x: int, n: int, y: int, m: int, limit: Limit) -> Numbers:
    """Rates of the higher group, on the limit, within five deviations of the likeliest (Wilson's ends)."""
    import numpy as np

    at = float(limit.likeliest(*_arrays(x, n, y, m)))
    rows, square = min(n, m), _DEVIATIONS**2
    centre = (at + square / (2 * rows)) / (1 + square / rows)
    half = math.sqrt(square * at * (1 - at) / rows + (square / (2 * rows)) ** 2) / (1 + square / rows)
    return np.linspace(max(limit.slack, centre - half), min(1.0, centre + half), _NUISANCES)


def _likely(rates: Numbers, n: int) -> Numbers:
    """Counts that are not out of the question for any of these rates."""
    import numpy as np

    spread = 8 * np.sqrt(n * rates * (1 - rates)) + 8
    low, high = max(0, math.floor((n * rates - spread).min())), min(n, math.ceil((n * rates + spread).max()))
    return np.arange(low, high + 1, dtype=float)


def _chances(counts: Numbers, n: int, rates: Numbers) -> Numbers:
    """Shape (counts, rates): binomial probabilities."""
    import numpy as np

    ways = np.array([math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in counts])
    lost = (n - counts)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        won = np.where(counts[:, None] > 0, counts[:, None] * np.log(rates), 0.0)
        found: Numbers = np.exp(ways[:, None] + won + np.where(lost > 0, lost * np.log1p(-rates), 0.0))
    return found


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
