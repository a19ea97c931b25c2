"""Whether a slice differs from its reference by more than chance, corrected for the number looked at."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from core.analytics.intervals import (
    FEW,
    Interval,
    difference_interval,
    normal_p_value,
    student_share,
    telling_values,
)
from core.analytics.slices.counts import SliceCounts
from core.analytics.slices.metrics import MetricDefinition, measure, rests_on_few

Correction = Literal["holm", "benjamini_hochberg", "none"]
Side = Literal[-1, 1]

CORRECTIONS: dict[Correction, str] = {
    "holm": "Holm",
    "benjamini_hochberg": "Benjamini-Hochberg",
    "none": "none",
}
_TABLES = 20_000


def rates_p_value(successes: int, n: int, reference_successes: int, reference_n: int) -> float | None:
    """How often two independent groups of equal rates would be at least as far apart as these.

    Parameters
    ----------
    successes, n
        Counts of the slice.
    reference_successes, reference_n
        Counts of the reference.

    Returns
    -------
    float or None
        Two-sided p value, 0.0 to 1.0. None when either side has no row.

    Notes
    -----
    Formula: Fisher's exact test where fewer than 30 succeed or fail on either side, else the
    likelihood-ratio test: twice the sum of n·log(n / expected) over the four counts is a squared normal
    deviate. Rates can only be apart by whole steps, so both are first moved half a step towards each other:
    without that 75 of 150 are called different from an equal group in 5.7 % instead of 5 %. Unlike the score
    test (Pearson's) it keeps its level far out in the tails, where corrected p values lie: of 25 in 100
    against 700 in 5,000 the score test says a fiftieth of the exact value.
    Leaves out: dependence between rows, and that the reference may have been picked by its value.
    Source: Fisher 1935; Wilks 1938, Ann. Math. Stat. 9; Schouten et al. 1980, Biom. J. 22 (half a step).

    Examples
    --------
    >>> round(rates_p_value(56, 70, 48, 80), 4)
    0.0125
    """
    if n == 0 or reference_n == 0:
        return None
    everyone, won = n + reference_n, successes + reference_successes
    cells = (successes, n - successes, reference_successes, reference_n - reference_successes)
    if min(cells) < FEW and min(n, reference_n, won, everyone - won) < _TABLES:
        return _fisher(successes, n, won, everyone)
    step = math.gcd(n, reference_n) / (2 * everyone)
    off = successes - n * won / everyone
    moved = math.copysign(min(step, abs(off)), off)
    counts = (cells[0] - moved, cells[1] + moved, cells[2] + moved, cells[3] - moved)
    expected = (n * won, n * (everyone - won), reference_n * won, reference_n * (everyone - won))
    apart = math.fsum(
        seen * math.log(seen * everyone / product)
        for seen, product in zip(counts, expected, strict=True)
        if seen
    )
    return normal_p_value(math.sqrt(max(0.0, 2 * apart)))


def means_p_value(
    mean: float, variance: float, n: int, reference_mean: float, reference_variance: float, reference_n: int
) -> float | None:
    """How often two independent groups of equal means would be at least as far apart as these.

    Parameters
    ----------
    mean, variance, n
        Of the slice; the variance of single values, with n - 1 in its denominator.
    reference_mean, reference_variance, reference_n
        Of the reference.

    Returns
    -------
    float or None
        Two-sided p value. None below two values on either side, or when no value varies.

    Notes
    -----
    Formula: Welch's t with Satterthwaite's degrees of freedom.
    Leaves out: heavy tails in few rows, dependence between rows. Source: Welch 1947, Biometrika 34.

    Examples
    --------
    >>> round(means_p_value(5.0, 4.0, 30, 4.0, 9.0, 40), 4)
    0.0995
    """
    if n < 2 or reference_n < 2:
        return None
    own, other = variance / n, reference_variance / reference_n
    if own + other <= 0:
        return None
    freedom = (own + other) ** 2 / (own**2 / (n - 1) + other**2 / (reference_n - 1))
    return student_share((mean - reference_mean) / math.sqrt(own + other), freedom)


def adjusted(p_values: Sequence[float], correction: Correction = "holm", *, of: int = 0) -> list[float]:
    """Correct p values for how many there are.

    Parameters
    ----------
    p_values
        One a slice that was tested, in any order.
    correction
        "holm": the chance of even one false alarm among all slices stays below the level. For verdicts.
        "benjamini_hochberg": of the slices called different, the expected share of false alarms stays below
        the level. For looking around. "none": each as if it were the only one.
    of
        How many there are in all, where those given were picked by their values; 0: those given are all.

    Returns
    -------
    list of float
        In the order given; a slice differs at a level of 0.05 when its value is at most 0.05.

    Notes
    -----
    Formula: Holm: running maximum of (m - i + 1)·p₍ᵢ₎ from the smallest; Benjamini-Hochberg: running minimum
    of m·p₍ᵢ₎/i from the largest; both at most 1.
    Source: Holm 1979, Scand. J. Stat. 6; Benjamini and Hochberg 1995, J. R. Stat. Soc. B 57.

    Examples
    --------
    >>> [round(p, 3) for p in adjusted([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    >>> [round(p, 3) for p in adjusted([0.01, 0.04, 0.03], "benjamini_hochberg")]
    [0.03, 0.04, 0.04]
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    found = list(p_values)
    if correction == "none":
        return found
    m = max(of, len(order))
    edge = 0.0 if correction == "holm" else 1.0
    ranked = list(enumerate(order))
    for rank, place in ranked if correction == "holm" else reversed(ranked):
        if correction == "holm":
            edge = max(edge, (m - rank) * p_values[place])
        else:
            edge = min(edge, m * p_values[place] / (rank + 1))
        found[place] = min(1.0, edge)
    return found


def _fisher(successes: int, n: int, won: int, everyone: int) -> float:
    """Sum of the probabilities of all tables with these margins that are no likelier than the one seen."""

    def log_choose(above: int, below: int) -> float:
        return math.lgamma(above + 1) - math.lgamma(below + 1) - math.lgamma(above - below + 1)

    whole = log_choose(everyone, n)

    def log_chance(hits: int) -> float:
        return log_choose(won, hits) + log_choose(everyone - won, n - hits) - whole

    seen = log_chance(successes) + 1e-7
    mean, losing = n * won / everyone, (everyone - n) * (everyone - won)
    reach = (
        abs(successes - mean) + 12 * math.sqrt(mean * losing) / everyone + 12
    )  # beyond it no digit changes
    low, high = max(0, n + won - everyone, math.floor(mean - reach)), min(n, won, math.ceil(mean + reach))
    chances = (log_chance(hits) for hits in range(low, high + 1))
    return min(1.0, math.fsum(math.exp(chance) for chance in chances if chance <= seen))


TEST_NAMES = {
    "rate": "likelihood-ratio test of two rates, half a step closer; Fisher's exact test where fewer than 30 "
    "succeed or fail",
    "mean": "Welch's t test of two means",
    "root_mean": "Welch's t test of the means of squares",
    "balanced": "the level at which the interval of the difference ends at 0",
    "ranking": "the level at which the interval of the difference ends at 0; none below five rows of a class",
}

_DIGITS = 1e-12
"""To how much of itself a mean is known, as sums are rounded: values that vary by less do not vary."""


def difference_p_value(definition: MetricDefinition, own: SliceCounts, other: SliceCounts) -> float | None:
    """Test a slice's metric against that of other rows.

    Parameters
    ----------
    definition
        The metric.
    own, other
        Counts of both. Against everyone a slice is held against all other rows, which is the same question
        without the overlap. Areas under the curve cannot be taken apart; those are tested against everyone as
        if apart, which calls fewer slices different, not more.

    Returns
    -------
    float or None
        Two-sided p value, 0.0 to 1.0; small speaks for a difference. None where a value is undefined or
        nothing varies.

    Notes
    -----
    Formula: by the form of the metric, as in `TEST_NAMES`. Leaves out: dependence between rows.
    Source: see `rates_p_value` and `means_p_value`; DeLong et al. 1988, Biometrics 44.

    Examples
    --------
    >>> from core.analytics.slices.metrics import metric
    >>> men = SliceCounts((("sex", "male"),), "binary", 80, predicted=80, selected=48)
    >>> women = SliceCounts((("sex", "female"),), "binary", 70, predicted=70, selected=56)
    >>> round(difference_p_value(metric("selection_rate"), women, men), 3)
    0.013
    """
    if definition.form in ("mean", "root_mean") and not (
        rests_on_few(definition, own) or rests_on_few(definition, other)
    ):
        means = _spread(definition, own), _spread(definition, other)
        return None if means[0] is None or means[1] is None else means_p_value(*means[0], *means[1])
    first, second = _reaching(definition, own), _reaching(definition, other)
    if first is None or second is None:
        return None
    if first.successes is not None and second.successes is not None:
        return rates_p_value(first.successes, first.n, second.successes, second.n)
    low, high = sorted((first, second), key=lambda each: each.value)
    return min(1.0, 2 * moved_p_value(low, high, sign=-1))


def moved_p_value(low: Sample, high: Sample, *, factor: float = 1.0, slack: float = 0.0, sign: Side) -> float:
    """How often `low` - factor·`high` + slack would be so far on its side of nought if it were not there.

    Parameters
    ----------
    low, high
        Samples with intervals of their own.
    factor, slack
        As of a limit; unless told, the plain difference.
    sign
        -1: that it is below nought is to be shown; 1: above.

    Returns
    -------
    float
        One-sided p value, 0.0 to 1.0, not below 1e-14.

    Notes
    -----
    Formula: half the level at which the interval of the difference, moved together from those of both values,
    ends at nought; so it says what the intervals say, and holds where they do.
    Leaves out: dependence between rows. Source: Zou and Donner 2008, Stat. Med. 27(10), inverted.

    Examples
    --------
    >>> from core.analytics.slices.metrics import metric
    >>> some, more = (SliceCounts((), "binary", 80, labelled=80, tp=hits, fn=40 - hits, tn=40)
    ...               for hits in (20, 32))
    >>> samples = [sample_of(metric("balanced_accuracy"), each) for each in (some, more)]
    >>> round(moved_p_value(*samples, sign=-1), 3)
    0.006
    """
    apart = sign * (low.value - factor * high.value + slack)
    if abs(apart) <= _DIGITS * max(abs(low.value), abs(factor * high.value), abs(slack)):
        return 1.0  # rounded sums of equal values
    if apart < 0:
        other: Side = 1 if sign < 0 else -1
        return 1 - moved_p_value(low, high, factor=factor, slack=slack, sign=other)

    def short(deviate: float) -> float:
        """How far the interval at this deviate stays from nought."""
        own, other = (each.reach(1 - normal_p_value(deviate)) for each in (low, high) if each.reach)
        scaled = Interval(factor * other.low, factor * other.high, other.confidence)
        moved = difference_interval(low.value, own, factor * high.value, scaled)
        return moved.low + slack if sign > 0 else -(moved.high + slack)

    near, far = 0.0, _FURTHEST
    inside, outside = apart, short(far)
    if outside > 0:
        return normal_p_value(far) / 2
    for _ in range(14):  # false position; the end that stays counts half (Illinois)
        middle = near + (far - near) * inside / (inside - outside)
        found = short(middle)
        if found > 0:
            near, inside, outside = middle, found, outside / 2
        else:
            far, outside, inside = middle, found, inside / 2
    return normal_p_value((near + far) / 2) / 2


_FURTHEST = 7.5


def _reaching(definition: MetricDefinition, counts: SliceCounts) -> Sample | None:
    """As `sample_of`, with an interval of its own for means too."""
    return sample_of(definition, counts, reaching=definition.form == "mean")


def _spread(definition: MetricDefinition, counts: SliceCounts) -> tuple[float, float, int] | None:
    """Mean, variance and number of the values averaged; None where a few large ones make the mean."""
    n = int(counts.total(definition.denominator))
    if n < 2:
        return None
    if definition.direction == "lower":
        total, spread = counts.total(definition.numerator), counts.total((definition.spread,))
        if telling_values(n, total, spread) < FEW:
            return None
    mean, variance = counts.total(definition.numerator) / n, counts.total((definition.spread,)) / (n - 1)
    return mean, variance if variance > (_DIGITS * mean) ** 2 else 0.0, n


@dataclass(frozen=True, slots=True)
class Sample:
    """What is known of a group's value: of a rate its counts, else its variance.

    Parameters
    ----------
    value
        In the metric's unit.
    n
        Rows that count towards it.
    successes
        Of a rate; None for a mean, whose `variance` (of the value itself, in its unit squared) and
        `freedom` (degrees of freedom of that variance) count instead.
    reach
        The interval at a confidence, where that and no variance says how far the value may be off.

    Examples
    --------
    >>> Sample.of_rate(30, 100).value
    0.3
    """

    value: float
    n: int
    successes: int | None = None
    variance: float = 0.0
    freedom: float = math.inf
    reach: Callable[[float], Interval] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of_rate(cls, successes: int, n: int) -> Sample:
        """The sample of a rate; `n` is at least 1."""
        return cls(successes / n, n, successes)


def sample_of(definition: MetricDefinition, counts: SliceCounts, *, reaching: bool = False) -> Sample | None:
    """What is known of a slice's value; None where it is undefined or nothing is known of its spread.

    With `reaching` a mean's interval is known too. Of a ranking with fewer than five rows of a class nothing
    is known.

    Examples
    --------
    >>> from core.analytics.slices.metrics import metric
    >>> errors = SliceCounts((), "regression", 3, predicted=3, labelled=3, sum_error=6.0, spread_error=6.0)
    >>> sample_of(metric("mean_error"), errors)
    Sample(value=2.0, n=3, successes=None, variance=1.0, freedom=2)
    """
    n = int(counts.total(definition.denominator))
    if definition.form in ("ranking", "balanced") or reaching or rests_on_few(definition, counts):
        return _reaching_sample(definition, counts)
    if definition.form == "rate":
        return Sample.of_rate(int(counts.total(definition.numerator)), n) if n else None
    spread = _spread(definition, counts)
    if spread is None:
        return None
    mean, variance = spread[0], spread[1] / n
    if definition.form == "mean":
        return Sample(mean, n, None, variance, n - 1)
    return Sample(math.sqrt(mean), n, None, variance / (4 * mean) if mean > 0 else 0.0, n - 1)


_LEAST_OF_A_CLASS = 5


def _reaching_sample(definition: MetricDefinition, counts: SliceCounts) -> Sample | None:
    """A sample that goes by its interval; its variance, to compare by, is that of one deviation."""
    ranks = counts.ranks
    if definition.form == "ranking" and (
        ranks is None or min(ranks.positives, ranks.negatives) < _LEAST_OF_A_CLASS
    ):
        return None

    def reach(confidence: float) -> Interval:
        found = measure(definition, counts, confidence).interval
        assert found is not None  # it is defined, so it has one
        return found

    measured = measure(definition, counts, 0.6827)
    if measured.value is None or measured.interval is None:
        return None
    half = (measured.interval.high - measured.interval.low) / 2
    return Sample(measured.value, measured.n, None, half * half, reach=reach)
