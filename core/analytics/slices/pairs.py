"""Whether one group's value lies too far below another's: tests of a limit, group against group."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from core.analytics.intervals import FEW, student_share
from core.analytics.slices.significance import Sample, Side, moved_p_value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

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
