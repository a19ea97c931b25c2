"""Confidence intervals worked out from counts and sums alone, with nothing but the standard library."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

FEW = 30
"""Successes or failures below which nothing is left to an approximation for many."""


_TERMS = 5000


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval, both ends included.

    Parameters
    ----------
    low, high
        Ends, in the unit of the value they belong to (a rate: 0.0 to 1.0, not per cent).
    confidence
        Share of such intervals that hold the true value in the long run, 0.0 to 1.0.

    Examples
    --------
    >>> Interval(0.1, 0.3).contains(0.2)
    True
    """

    low: float
    high: float
    confidence: float = 0.95

    def contains(self, value: float) -> bool:
        """Say whether `value` lies between the ends, ends included."""
        return self.low <= value <= self.high


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> Interval | None:
    """Confidence interval of one rate.

    Parameters
    ----------
    successes
        Rows that count as a success, 0 to `n`.
    n
        Rows in all.
    confidence
        0.0 to 1.0, both excluded.

    Returns
    -------
    Interval or None
        Within 0.0 and 1.0. None when `n` is 0: no row, no statement.

    Raises
    ------
    ValueError
        Counts that cannot be (`successes` below 0 or above `n`) or a confidence outside 0..1.

    Notes
    -----
    Formula: (p + z²/2n ± z·√(p(1-p)/n + z²/4n²)) / (1 + z²/n), with p = successes / n.
    Unlike the textbook p ± z·√(p(1-p)/n) it has a width at p = 0 and p = 1.
    Leaves out: dependence between rows (one person counted twice makes it too narrow).
    Source: Wilson 1927, J. Am. Stat. Assoc. 22; see Brown, Cai and DasGupta 2001, Stat. Sci. 16(2).

    Examples
    --------
    >>> found = wilson_interval(8, 10)
    >>> round(found.low, 4), round(found.high, 4)
    (0.4902, 0.9433)
    >>> wilson_interval(0, 0) is None
    True
    """
    _check_counts(successes, n)
    z = normal_quantile(confidence)
    if n == 0:
        return None
    rate = successes / n
    scale = 1 + z * z / n
    centre = (rate + z * z / (2 * n)) / scale
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / scale
    # Both ends are exact in theory; rounding would leave 1e-17 below zero or above one.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Interval(low, high, confidence)


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
        for _ in range(44):
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


def mean_interval(
    n: int, total: float, spread: float, confidence: float = 0.95, *, sized: bool = False
) -> Interval | None:
    """Confidence interval of a mean, from the number, the sum and the spread of its values.

    Parameters
    ----------
    n
        Number of values.
    total
        Sum of the values, in their unit.
    spread
        Sum of the squared deviations of the values from their mean, in their unit squared.
    confidence
        0.0 to 1.0, both excluded.
    sized
        Whether no value is below 0, as sizes and squares: it is then made on the logarithm, as means
        of few such values lean.

    Returns
    -------
    Interval or None
        In the unit of the values. None below two values: one value says nothing about the spread.

    Raises
    ------
    ValueError
        `n` below 0, or a confidence outside 0..1.

    Notes
    -----
    Formula: m ± t·s/√n with m = total / n, s² = spread / (n - 1), t = Student's quantile with n - 1 degrees
    of freedom: closed form for 1 and 2, above that the expansion 26.7.5 of Abramowitz and Stegun (0.1 % too
    small at 3 degrees of freedom, less than 0.01 % from 10 on).
    Leaves out: heavy tails and dependence between rows.
    Source: Student 1908, Biometrika 6(1).

    Examples
    --------
    >>> found = mean_interval(4, 10.0, 5.0)  # the values 1, 2, 3, 4
    >>> round(found.low, 2), round(found.high, 2)
    (0.45, 4.55)
    >>> mean_interval(1, 5.0, 0.0) is None
    True
    """
    if n < 0:
        raise ValueError(f"a number of values cannot be {n}")
    quantile = _student(confidence, n - 1) if n > 1 else 0.0
    if n < 2:
        return None
    mean = total / n
    half = quantile * math.sqrt(spread / (n - 1) / n)
    if sized:
        factor = math.exp(min(half / mean, 700)) if mean > 0 else 1.0
        return Interval(mean / factor, mean * factor if half < math.inf else math.inf, confidence)
    return Interval(mean - half, mean + half, confidence)


def telling_values(n: int, total: float, spread: float) -> float:
    """How many values make a mean of values not below 0: as many equal ones would tell alike.

    Formula: (Σv)² / Σv². A rate's values are 0 and 1, and it is its successes. Source: Kish 1965.

    Examples
    --------
    >>> telling_values(100, 4.0, 4 - 4.0**2 / 100)  # four of a hundred
    4.0
    """
    squares = spread + total * total / n if n else 0.0
    return total * total / squares if squares > 0 else float(n)


def rate_difference_interval(
    successes: int, n: int, reference_successes: int, reference_n: int, confidence: float = 0.95
) -> Interval | None:
    """Confidence interval of the difference of two independent rates, rate minus reference.

    Parameters
    ----------
    successes, n
        Counts of the slice.
    reference_successes, reference_n
        Counts of the reference.
    confidence
        0.0 to 1.0, both excluded.

    Returns
    -------
    Interval or None
        In rate points, -1.0 to 1.0; 0.0 means alike. None when either side has no row.

    Raises
    ------
    ValueError
        Counts that cannot be, or a confidence outside 0..1.

    Notes
    -----
    Formula: see `difference_interval`, on the two Wilson intervals. Has a width at rates of 0 and 1 too.
    Leaves out: rows that are in both (a slice against everyone) make the interval too wide, not too narrow.
    Source: Newcombe 1998, Stat. Med. 17, method 10 (hybrid score).

    Examples
    --------
    >>> found = rate_difference_interval(56, 70, 48, 80)  # 0.80 - 0.60
    >>> round(found.low, 4), round(found.high, 4)
    (0.0524, 0.3339)
    """
    own = wilson_interval(successes, n, confidence)
    other = wilson_interval(reference_successes, reference_n, confidence)
    if own is None or other is None:
        return None
    return difference_interval(successes / n, own, reference_successes / reference_n, other)


def rate_ratio_interval(
    successes: int, n: int, reference_successes: int, reference_n: int, confidence: float = 0.95
) -> Interval | None:
    """Confidence interval of the ratio of two independent rates, rate over reference.

    Parameters
    ----------
    successes, n
        Counts of the slice.
    reference_successes, reference_n
        Counts of the reference.
    confidence
        0.0 to 1.0, both excluded.

    Returns
    -------
    Interval or None
        Without unit; 1.0 means alike. None when either side has no row or the reference has no success
        (no ratio exists then: the answer is *cannot tell*, not a number).

    Raises
    ------
    ValueError
        Counts that cannot be, or a confidence outside 0..1.

    Notes
    -----
    Formula (Katz): exp(ln r ± z·√(1/x - 1/n + 1/x₀ - 1/n₀)).
    With a count of 0, or a rate of exactly 1, Katz has no logarithm or loses its width, so there the interval
    comes from the two Wilson intervals (`ratio_interval`): no success in 500 still gives 0.0 to something.
    Leaves out: rows that are in both (a slice against everyone) make the interval too wide, not too narrow.
    Source: Katz et al. 1978, Biometrics 34(3); Donner and Zou 2012, Stat. Methods Med. Res. 21(4).

    Examples
    --------
    >>> found = rate_ratio_interval(30, 100, 60, 120)  # 0.30 / 0.50
    >>> round(found.low, 3), round(found.high, 3)
    (0.423, 0.85)
    >>> rate_ratio_interval(3, 10, 0, 10) is None
    True
    """
    own = wilson_interval(successes, n, confidence)
    other = wilson_interval(reference_successes, reference_n, confidence)
    if own is None or other is None or reference_successes == 0:
        return None
    rate, reference = successes / n, reference_successes / reference_n
    if successes in (0, n) or reference_successes == reference_n:
        return ratio_interval(rate, own, reference, other)
    spread = math.sqrt(1 / successes - 1 / n + 1 / reference_successes - 1 / reference_n)
    factor = math.exp(normal_quantile(confidence) * spread)
    ratio = rate / reference
    return Interval(ratio / factor, ratio * factor, confidence)


def difference_interval(value: float, interval: Interval, reference: float, other: Interval) -> Interval:
    """Interval of `value` minus `reference`, recovered from the interval of each.

    Parameters
    ----------
    value, interval
        The slice's value and its interval.
    reference, other
        The reference's value and its interval, same unit and confidence.

    Returns
    -------
    Interval
        In the unit of the values; 0.0 means alike.

    Notes
    -----
    Formula: d - √((v-l)² + (u₀-v₀)²) to d + √((u-v)² + (v₀-l₀)²), with d = v - v₀.
    Leaves out: dependence of the two values.
    Source: Zou and Donner 2008, Stat. Med. 27(10) (method of variance estimates recovery).

    Examples
    --------
    >>> found = difference_interval(5.0, Interval(2.0, 8.0), 1.0, Interval(-3.0, 5.0))
    >>> found.low, found.high
    (-1.0, 9.0)
    """
    difference = value - reference
    down = math.hypot(value - interval.low, other.high - reference)
    up = math.hypot(interval.high - value, reference - other.low)
    return Interval(difference - down, difference + up, interval.confidence)


def ratio_interval(value: float, interval: Interval, reference: float, other: Interval) -> Interval | None:
    """Interval of `value` over `reference` for values that cannot be negative.

    Parameters
    ----------
    value, interval
        The slice's value (0 or more) and its interval.
    reference, other
        The reference's value (above 0) and its interval, same unit and confidence.

    Returns
    -------
    Interval or None
        Without unit; 1.0 means alike. None when the reference may be 0: the ratio then has no upper end.

    Notes
    -----
    Formula: low = a / (v·v₀ + √((v·v₀)² - a·b)), high = (v·v₀ + √((v·v₀)² - c·d)) / d, with
    a = l(2v - l), b = u₀(2v₀ - u₀), c = u(2v - u), d = l₀(2v₀ - l₀).
    Leaves out: dependence of the two values.
    Source: Donner and Zou 2012, Stat. Methods Med. Res. 21(4).

    Examples
    --------
    >>> found = ratio_interval(1.0, Interval(0.9, 1.0), 1.0, Interval(0.8, 1.0))
    >>> round(found.low, 3), round(found.high, 3)
    (0.9, 1.25)
    """
    if other.low <= 0:
        return None
    product = value * reference
    low_end = max(0.0, interval.low)
    a, b = low_end * (2 * value - low_end), other.high * (2 * reference - other.high)
    c, d = interval.high * (2 * value - interval.high), other.low * (2 * reference - other.low)
    low = 0.0 if a <= 0 else a / (product + math.sqrt(max(0.0, product * product - a * b)))
    high = (product + math.sqrt(max(0.0, product * product - c * d))) / d
    return Interval(low, high, interval.confidence)


def _check_counts(successes: int, n: int) -> None:
    if n < 0 or not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is not a rate: give 0 <= successes <= n")


@lru_cache(maxsize=32)
def normal_quantile(confidence: float) -> float:
    """How many standard deviations from the mean hold this share of a normal distribution (0.95: 1.96)."""
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence of {confidence} is not between 0 and 1, both excluded")
    return NormalDist().inv_cdf(0.5 + confidence / 2)


@lru_cache(maxsize=4096)
def _student(confidence: float, freedom: int) -> float:
    z = normal_quantile(confidence)
    if freedom == 1:
        return math.tan(math.pi * confidence / 2)
    if freedom == 2:
        return confidence * math.sqrt(2 / (1 - confidence**2))
    terms = student_terms(z)
    return float(z + sum(term / freedom**power for power, term in enumerate(terms, start=1)))


def student_quantile(z: float, freedom: float) -> float:
    """Student's quantile where the normal one is z, for any degrees of freedom, whole or not.

    Formula: √(f·(exp((z·(8f + 3) / (8f + 1))² / f) - 1)); from z = 1.6 on never too small, and with ten
    degrees or more within 1 % of the true one up to z = 4. Source: Wallace 1959, Ann. Math. Stat. 30.

    Examples
    --------
    >>> round(student_quantile(normal_quantile(0.95), 5), 2), student_quantile(2.0, math.inf)
    (2.58, 2.0)
    """
    if freedom > 1e6:
        return z
    turned = (z * (8 * freedom + 3) / (8 * freedom + 1)) ** 2 / freedom
    return math.sqrt(freedom * math.expm1(turned)) if turned < 700 else math.inf


def student_terms(z: float) -> tuple[float, float, float, float]:
    """What brings a normal quantile to Student's, over the first four powers of the degrees of freedom."""
    return (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )


def normal_p_value(deviate: float) -> float:
    """Two-sided p value of a normal deviate.

    Examples
    --------
    >>> round(normal_p_value(1.96), 3)
    0.05
    """
    return math.erfc(abs(deviate) / math.sqrt(2))


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
