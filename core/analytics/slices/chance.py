"""The test that belongs to each metric: is a slice's value different from the reference's?"""

from __future__ import annotations

import math

from core.analytics.slices.metric import MetricDefinition
from core.analytics.slices.significance import means_p_value, normal_p_value, rates_p_value
from core.analytics.slices.values import SliceCounts

TEST_NAMES = {
    "rate": "score test of two rates; Fisher's exact test where fewer than five are expected",
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
    0.008
    """
    if definition.form == "ranking":
        return _areas(own, other)
    if definition.form == "rate":
        counts = (
            int(side.total(names))
            for side in (own, other)
            for names in (definition.numerator, definition.denominator)
        )
        return rates_p_value(*counts)
    if definition.form == "balanced":
        return _balanced(definition, own, other)
    first, second = _spread(definition, own), _spread(definition, other)
    return None if first is None or second is None else means_p_value(*first, *second)


def _spread(definition: MetricDefinition, counts: SliceCounts) -> tuple[float, float, int] | None:
    """Mean, variance and number of the values averaged."""
    n = int(counts.total(definition.denominator))
    if n < 2:
        return None
    mean, variance = counts.total(definition.numerator) / n, counts.total((definition.spread,)) / (n - 1)
    return mean, variance if variance > (_DIGITS * mean) ** 2 else 0.0, n


def _balanced(definition: MetricDefinition, own: SliceCounts, other: SliceCounts) -> float | None:
    value, variance = 0.0, 0.0
    for side, sign in ((own, 1), (other, -1)):
        right, wrong = (side.total((name,)) for name in definition.negatives)
        classes = (
            (side.total(definition.numerator), side.total(definition.denominator)),
            (right, right + wrong),
        )
        for successes, n in classes:
            if n == 0:
                return None
            rate = successes / n
            value += sign * rate / 2
            variance += rate * (1 - rate) / n / 4
    return _deviate(value, variance)


def _areas(own: SliceCounts, other: SliceCounts) -> float | None:
    if own.ranks is None or other.ranks is None:
        return None
    values = own.ranks.value, other.ranks.value
    spreads = own.ranks.variance, other.ranks.variance
    if values[0] is None or values[1] is None or spreads[0] is None or spreads[1] is None:
        return None
    return _deviate(values[0] - values[1], spreads[0] + spreads[1])


def _deviate(difference: float, variance: float) -> float | None:
    return normal_p_value(difference / math.sqrt(variance)) if variance > 0 else None
