"""Intervals against hand-worked sums and against statsmodels and scipy."""

import math

import pytest

from core.analytics.intervals import (
    Interval,
    difference_interval,
    mean_interval,
    rate_difference_interval,
    rate_ratio_interval,
    ratio_interval,
    wilson_interval,
)

COUNTS = [(0, 1), (0, 50), (1, 3), (8, 10), (50, 50), (137, 1000), (208_891, 208_892)]
PAIRS = [((56, 70), (48, 80)), ((9, 10), (3, 10)), ((3, 100), (40, 2000)), ((700, 1000), (500, 900))]


def test_wilson_by_hand_for_eight_of_ten() -> None:
    # z = 1.959964, z² = 3.841459; scale = 1 + 3.841459/10 = 1.384146
    # centre = (0.8 + 3.841459/20) / 1.384146 = 0.992073/1.384146 = 0.716740
    # half = 1.959964·√(0.8·0.2/10 + 3.841459/400)/1.384146 = 1.959964·√0.0256036/1.384146 = 0.226577
    found = wilson_interval(8, 10)
    assert found is not None
    assert found.low == pytest.approx(0.716740 - 0.226577, abs=2e-6)
    assert found.high == pytest.approx(0.716740 + 0.226577, abs=2e-6)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("successes", "n"), COUNTS)
def test_wilson_equals_statsmodels(successes: int, n: int, confidence: float) -> None:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(successes, n, alpha=1 - confidence, method="wilson")
    found = wilson_interval(successes, n, confidence)
    assert found is not None
    assert found.low == pytest.approx(low, abs=1e-12)
    assert found.high == pytest.approx(high, abs=1e-12)


@pytest.mark.parametrize(("own", "other"), PAIRS)
def test_difference_and_ratio_of_rates_equal_statsmodels(
    own: tuple[int, int], other: tuple[int, int]
) -> None:
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(*own, *other, method="newcomb", compare="diff")
    difference = rate_difference_interval(*own, *other)
    assert difference is not None
    assert (difference.low, difference.high) == pytest.approx((low, high), abs=1e-12)
    low, high = confint_proportions_2indep(*own, *other, method="log", compare="ratio")
    ratio = rate_ratio_interval(*own, *other)
    assert ratio is not None
    assert (ratio.low, ratio.high) == pytest.approx((low, high), rel=1e-12)


@pytest.mark.parametrize(("n", "within"), [(2, 1e-9), (3, 1e-9), (4, 2e-3), (11, 1e-4), (500, 1e-9)])
def test_mean_interval_equals_students_t(n: int, within: float) -> None:
    from scipy import stats

    values = [math.sin(7 * place) * 100 + place for place in range(n)]
    spread = stats.tstd(values) / math.sqrt(n)
    low, high = stats.t.interval(0.95, n - 1, loc=sum(values) / n, scale=spread)
    middle = sum(values) / n
    found = mean_interval(n, sum(values), sum((value - middle) ** 2 for value in values))
    assert found is not None
    assert found.high - found.low == pytest.approx(high - low, rel=within)
    assert found.high + found.low == pytest.approx(high + low, rel=1e-9)


def test_no_row_gives_no_interval() -> None:
    assert wilson_interval(0, 0) is None
    assert mean_interval(0, 0.0, 0.0) is None
    assert mean_interval(1, 5.0, 0.0) is None
    assert rate_difference_interval(0, 0, 5, 10) is None
    assert rate_ratio_interval(5, 10, 0, 0) is None


def test_a_reference_without_success_gives_no_ratio() -> None:
    assert rate_ratio_interval(0, 100, 0, 100) is None
    assert rate_ratio_interval(5, 100, 0, 100) is None


def test_a_slice_without_success_still_gets_an_honest_ratio() -> None:
    # high = u / √(l₀(2v₀ - l₀)), the two Wilson limits u of 0/500 and l₀ of 250/500
    own, other = wilson_interval(0, 500), wilson_interval(250, 500)
    assert own is not None and other is not None
    found = rate_ratio_interval(0, 500, 250, 500)
    assert found is not None
    assert found.low == 0.0
    assert found.high == pytest.approx(own.high / math.sqrt(other.low * (1 - other.low)), rel=1e-12)
    assert found.high < 0.02


def test_two_full_rates_keep_a_width_where_katz_has_none() -> None:
    found = rate_ratio_interval(5, 5, 100, 100)
    own, other = wilson_interval(5, 5), wilson_interval(100, 100)
    assert found is not None and own is not None and other is not None
    assert found.low == pytest.approx(own.low, abs=1e-12)
    assert found.high == pytest.approx(1 / other.low, abs=1e-12)


def test_a_reference_that_may_be_zero_has_no_ratio() -> None:
    assert ratio_interval(3.0, Interval(2.0, 4.0), 1.0, Interval(-0.5, 2.5)) is None


def test_a_difference_turned_round_is_its_mirror() -> None:
    own, other = Interval(0.1, 0.5), Interval(0.2, 0.9)
    there, back = difference_interval(0.3, own, 0.4, other), difference_interval(0.4, other, 0.3, own)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


def test_contains_counts_both_ends() -> None:
    assert Interval(0.1, 0.2).contains(0.1) and Interval(0.1, 0.2).contains(0.2)
    assert not Interval(0.1, 0.2).contains(0.21)


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_are_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="is not a rate: give 0 <= successes <= n"):
        wilson_interval(successes, n)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_outside_0_to_1_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="is not between 0 and 1"):
        wilson_interval(1, 2, confidence)
    with pytest.raises(ValueError, match="is not between 0 and 1"):
        mean_interval(5, 1.0, 1.0, confidence)


def test_a_negative_number_of_values_is_refused() -> None:
    with pytest.raises(ValueError, match="a number of values cannot be -1"):
        mean_interval(-1, 0.0, 0.0)
