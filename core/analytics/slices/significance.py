"""Whether a slice differs from its reference by more than chance, corrected for the number looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.analytics.intervals import Interval
from core.analytics.slices.counts import SliceCounts
from core.analytics.slices.metrics import MetricDefinition

Correction = Literal["holm", "benjamini_hochberg", "none"]

CORRECTIONS: dict[Correction, str] = {
    "holm": "Holm",
    "benjamini_hochberg": "Benjamini-Hochberg",
    "none": "none",
}
_FEW = 30
_TABLES = 20_000
_TERMS = 5000


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
    deviate. Unlike the score test (Pearson's) it keeps its level far out in the tails, where corrected p
    values lie: of 25 in 100 against 700 in 5,000 the score test says a fiftieth of the exact value.
    Leaves out: dependence between rows, and that the reference may have been picked by its value.
    Source: Fisher 1935; Wilks 1938, Ann. Math. Stat. 9.

    Examples
    --------
    >>> round(rates_p_value(56, 70, 48, 80), 4)
    0.0125
    """
    if n == 0 or reference_n == 0:
        return None
    everyone, won = n + reference_n, successes + reference_successes
    cells = (successes, n - successes, reference_successes, reference_n - reference_successes)
    if min(cells) < _FEW and min(n, reference_n, won, everyone - won) < _TABLES:
        return _fisher(successes, n, won, everyone)
    expected = (n * won, n * (everyone - won), reference_n * won, reference_n * (everyone - won))
    apart = math.fsum(
        seen * math.log(seen * everyone / product)
        for seen, product in zip(cells, expected, strict=True)
        if seen
    )
    return normal_p_value(math.sqrt(max(0.0, 2 * apart)))


def exact_interval(successes: int, n: int, confidence: float) -> Interval:
    """Confidence interval of one rate that covers at least as often as it says, however far out.

    Parameters
    ----------
    successes, n
        Counts, at least one row.
    confidence
        0.0 to 1.0, both excluded; made for those next to 1 of many intervals that hold at once.

    Notes
    -----
    Formula: the rates at which so few, or so many, would be seen with a chance of half of 1 - confidence.
    Source: Clopper and Pearson 1934, Biometrika 26.

    Examples
    --------
    >>> found = exact_interval(8, 10, 0.95)
    >>> round(found.low, 4), round(found.high, 4)
    (0.4439, 0.9748)
    """

    def end(hits: int, misses: int) -> float:
        """Where at least so many hits are seen with that chance."""
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            if _beta_share(hits, misses + 1, middle, 1 - middle) < (1 - confidence) / 2:
                low = middle
            else:
                high = middle
        return (low + high) / 2

    lost = n - successes
    return Interval(
        end(successes, lost) if successes else 0.0, 1 - end(lost, successes) if lost else 1.0, confidence
    )


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


def normal_p_value(deviate: float) -> float:
    """Two-sided p value of a normal deviate.

    Examples
    --------
    >>> round(normal_p_value(1.96), 3)
    0.05
    """
    return math.erfc(abs(deviate) / math.sqrt(2))


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
    chances = (log_chance(hits) for hits in range(max(0, n + won - everyone), min(n, won) + 1))
    return min(1.0, math.fsum(math.exp(chance) for chance in chances if chance <= seen))


def student_share(deviate: float, freedom: float) -> float:
    if freedom > 1e6:
        return normal_p_value(deviate)
    square = deviate * deviate
    return _beta_share(freedom / 2, 0.5, freedom / (freedom + square), square / (freedom + square))


def _beta_share(a: float, b: float, x: float, rest: float) -> float:
    """Regularised incomplete beta function at x = 1 - rest, by Lentz's continued fraction."""
    if rest <= 0:
        return 1.0
    if x <= 0:
        return 0.0
    whole = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(whole + a * math.log(x) + b * math.log(rest))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, rest) / b


def _fraction(a: float, b: float, x: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or tiny)
    found = d
    for m in range(1, _TERMS):
        for top in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + top * d or tiny)
            c = 1 + top / c or tiny
            found *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return found


TEST_NAMES = {
    "rate": "likelihood-ratio test of two rates; Fisher's exact test where fewer than 30 succeed or fail",
    "mean": "Welch's t test of two means",
    "root_mean": "Welch's t test of the means of squares",
    "balanced": "normal test of the difference, with the variances of both classes' rates",
    "ranking": "normal test of the difference, with DeLong's variances",
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
    if definition.form in ("mean", "root_mean"):
        means = _spread(definition, own), _spread(definition, other)
        return None if means[0] is None or means[1] is None else means_p_value(*means[0], *means[1])
    first, second = sample_of(definition, own), sample_of(definition, other)
    if first is None or second is None:
        return None
    if first.successes is not None and second.successes is not None:
        return rates_p_value(first.successes, first.n, second.successes, second.n)
    return _deviate(first.value - second.value, first.variance + second.variance)


def _spread(definition: MetricDefinition, counts: SliceCounts) -> tuple[float, float, int] | None:
    """Mean, variance and number of the values averaged."""
    n = int(counts.total(definition.denominator))
    if n < 2:
        return None
    mean, variance = counts.total(definition.numerator) / n, counts.total((definition.spread,)) / (n - 1)
    return mean, variance if variance > (_DIGITS * mean) ** 2 else 0.0, n


def _deviate(difference: float, variance: float) -> float | None:
    return normal_p_value(difference / math.sqrt(variance)) if variance > 0 else None


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

    @classmethod
    def of_rate(cls, successes: int, n: int) -> Sample:
        """The sample of a rate; `n` is at least 1."""
        return cls(successes / n, n, successes)


def sample_of(definition: MetricDefinition, counts: SliceCounts) -> Sample | None:
    """What is known of a slice's value; None where it is undefined or nothing is known of its spread.

    Examples
    --------
    >>> from core.analytics.slices.metrics import metric
    >>> errors = SliceCounts((), "regression", 3, predicted=3, labelled=3, sum_error=6.0, spread_error=6.0)
    >>> sample_of(metric("mean_error"), errors)
    Sample(value=2.0, n=3, successes=None, variance=1.0, freedom=2)
    """
    n = int(counts.total(definition.denominator))
    if definition.form == "ranking":
        return _area(counts)
    if definition.form == "balanced":
        return _balanced(definition, counts)
    if definition.form == "rate":
        return Sample.of_rate(int(counts.total(definition.numerator)), n) if n else None
    spread = _spread(definition, counts)
    if spread is None:
        return None
    mean, variance = spread[0], spread[1] / n
    if definition.form == "mean":
        return Sample(mean, n, None, variance, n - 1)
    return Sample(math.sqrt(mean), n, None, variance / (4 * mean) if mean > 0 else 0.0, n - 1)


def _balanced(definition: MetricDefinition, counts: SliceCounts) -> Sample | None:
    right, wrong = (counts.total((name,)) for name in definition.negatives)
    won, positives = counts.total(definition.numerator), counts.total(definition.denominator)
    if not positives or not right + wrong:
        return None
    rates = ((won / positives, positives), (right / (right + wrong), right + wrong))
    variance = sum(rate * (1 - rate) / n / 4 for rate, n in rates)
    return Sample(sum(rate for rate, _ in rates) / 2, int(positives + right + wrong), None, variance)


def _area(counts: SliceCounts) -> Sample | None:
    ranks = counts.ranks
    if ranks is None or ranks.value is None or ranks.variance is None:
        return None
    return Sample(ranks.value, ranks.positives + ranks.negatives, None, ranks.variance)
