"""Tests of a difference and their correction, against scipy and statsmodels."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analytics.intervals import Interval, exact_interval, mean_interval
from core.analytics.slices.counts import SliceCounts
from core.analytics.slices.metrics import measure, metric
from core.analytics.slices.significance import (
    adjusted,
    difference_p_value,
    means_p_value,
    rates_p_value,
    sample_of,
)

FEW = [(0, 12, 3, 40), (1, 30, 600, 5000), (2, 150, 1, 150), (9, 10, 3, 10), (0, 5, 0, 9), (7, 7, 0, 6)]
MANY = [
    (560, 700, 480, 800),
    (300, 1000, 500, 1000),
    (40, 400, 4100, 52_000),
    (90_000, 170_450, 7000, 13_206),
]


@pytest.mark.parametrize("counts", FEW)
def test_few_are_tested_exactly_as_fisher_does(counts: tuple[int, int, int, int]) -> None:
    from scipy.stats import fisher_exact

    own, n, other, m = counts
    expected = fisher_exact([[own, n - own], [other, m - other]])[1]
    assert rates_p_value(*counts) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("counts", MANY)
def test_many_are_tested_by_the_likelihood_ratio(counts: tuple[int, int, int, int]) -> None:
    from scipy.stats import chi2_contingency

    own, n, other, m = counts
    step = math.copysign(math.gcd(n, m) / (2 * (n + m)), own / n - other / m)
    table = [[own - step, n - own + step], [other + step, m - other - step]]
    expected = chi2_contingency(table, correction=False, lambda_="log-likelihood").pvalue
    assert rates_p_value(*counts) == pytest.approx(expected, rel=1e-6, abs=1e-300)


@pytest.mark.parametrize(("n", "m", "rate"), [(150, 150, 0.5), (500, 500, 0.5), (100, 300, 0.4)])
def test_equal_rates_are_called_different_in_at_most_a_twentieth_of_all_tables(
    n: int, m: int, rate: float
) -> None:
    from scipy.stats import binom

    likely = (range(int(binom.ppf(1e-4, of, rate)), int(binom.isf(1e-4, of, rate)) + 1) for of in (n, m))
    wrong = sum(
        binom.pmf(x, n, rate) * binom.pmf(y, m, rate)
        for x, y in product(*likely)
        if abs(x / n - y / m) > 0.08 * 150 / min(n, m) and (rates_p_value(x, n, y, m) or 0) <= 0.05
    )
    assert 0.03 < wrong <= 0.0505


def test_far_out_in_the_tails_the_level_holds() -> None:
    """Fisher's exact value is met within a fifth where Pearson's score test is off many times."""
    from scipy.stats import fisher_exact

    for counts in ((40, 100, 1245, 5000), (52, 100, 1800, 5000), (100, 200, 600, 2000)):
        own, n, other, m = counts
        exact = fisher_exact([[own, n - own], [other, m - other]])[1]
        assert rates_p_value(*counts) == pytest.approx(exact, rel=0.35)


@pytest.mark.parametrize(("successes", "n"), [(0, 9), (1, 40), (16, 78), (39, 40), (5, 5), (700, 5000)])
def test_exact_intervals_equal_scipy(successes: int, n: int) -> None:
    from scipy.stats import binomtest

    for confidence in (0.95, 1 - 0.05 / 3600):
        theirs = binomtest(successes, n).proportion_ci(confidence, method="exact")
        ours = exact_interval(successes, n, confidence)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@pytest.mark.parametrize("n", [2, 3, 5, 40, 100_000])
@pytest.mark.parametrize("shift", [0.0, 0.3, 5.0])
def test_means_are_tested_as_welch_does(n: int, shift: float) -> None:
    from scipy.stats import ttest_ind_from_stats

    expected = ttest_ind_from_stats(1.0 + shift, 1.5, n, 1.0, 2.5, 37, equal_var=False).pvalue
    found = means_p_value(1.0 + shift, 1.5**2, n, 1.0, 2.5**2, 37)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-300)


def of_scores(scores: np.ndarray, labels: np.ndarray) -> SliceCounts:
    gap, hits, n = scores - labels, int(labels.sum()), len(labels)
    spread = float(((gap - gap.mean()) ** 2).sum())
    sums = {"scored": n, "sum_score_gap": float(gap.sum()), "spread_score_gap": spread}
    return SliceCounts((), "binary", n, n, n, tp=hits, tn=n - hits, **sums)


def test_a_calibration_gap_of_few_positives_is_covered_where_students_t_is_not() -> None:
    rng, gap = np.random.default_rng(7), metric("calibration_gap")
    draws = [of_scores(np.full(200, 0.01), rng.random(200) < 0.01) for _ in range(300)]
    held = [
        (found.interval or Interval(1, 1)).contains(0.0) for found in (measure(gap, one) for one in draws)
    ]
    students = [
        (mean_interval(200, one.sum_score_gap, one.spread_score_gap) or Interval(1, 1)).contains(0.0)
        for one in draws
    ]
    assert np.mean(students) < 0.9
    assert np.mean(held) >= 0.95
    pairs = [difference_p_value(gap, one, other) for one, other in zip(draws[::2], draws[1::2], strict=True)]
    assert np.mean([p is not None and p <= 0.05 for p in pairs]) <= 0.05
    unscored = replace(draws[0], labelled=210, tp=draws[0].tp + 10)  # nobody knows which labels lack a score
    wider, own = measure(gap, unscored).interval, measure(gap, draws[0]).interval
    assert wider is not None and own is not None and wider.low < own.low and wider.high >= own.high


def test_one_huge_error_makes_no_difference_of_squares_tellable() -> None:
    rng, rmse = np.random.default_rng(7), metric("root_mean_squared_error")

    def of_errors(errors: np.ndarray) -> SliceCounts:
        squares = errors**2
        sums = float(squares.sum()), float(((squares - squares.mean()) ** 2).sum())
        n = len(errors)
        return SliceCounts((), "regression", n, n, n, sum_squared_error=sums[0], spread_squared_error=sums[1])

    usual = of_errors(rng.normal(size=200))
    assert sample_of(rmse, usual) is not None and difference_p_value(rmse, usual, usual) == 1.0
    one_huge = of_errors(np.append(rng.normal(size=199), 50.0))
    assert sample_of(rmse, one_huge) is None and difference_p_value(rmse, usual, one_huge) is None
    few = measure(rmse, of_errors(rng.normal(size=8)))
    assert few.interval is not None and 0 < few.interval.low < (few.value or 0) < few.interval.high


def test_nothing_to_test_gives_no_p_value() -> None:
    assert rates_p_value(0, 0, 3, 4) is None
    assert rates_p_value(1, 2, 0, 0) is None
    assert means_p_value(1.0, 2.0, 1, 1.0, 2.0, 50) is None
    assert means_p_value(1.0, 0.0, 9, 2.0, 0.0, 9) is None


@pytest.fixture(scope="module")
def small_heap() -> Iterator[None]:
    """statsmodels collects garbage at every call: all else that was loaded is kept out of it."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("small_heap")
@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_corrections_equal_statsmodels(p_values: list[float]) -> None:
    from statsmodels.stats.multitest import multipletests

    assert adjusted(p_values, "holm") == pytest.approx(multipletests(p_values, method="holm")[1], abs=1e-14)
    assert adjusted(p_values, "benjamini_hochberg") == pytest.approx(
        multipletests(p_values, method="fdr_bh")[1], abs=1e-14
    )
    assert adjusted(p_values, "none") == p_values
    holm, hochberg = adjusted(p_values), adjusted(p_values, "benjamini_hochberg")
    assert all(p <= b + 1e-15 <= h + 2e-15 for p, b, h in zip(p_values, hochberg, holm, strict=True))


def test_no_p_value_is_corrected_to_none() -> None:
    assert adjusted([]) == []


@settings(deadline=None)
@given(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
)
def test_a_test_of_rates_is_symmetric_and_a_share(own: tuple[int, int], other: tuple[int, int]) -> None:
    there, back = rates_p_value(*own, *other), rates_p_value(*other, *own)
    assert there is not None and back is not None
    assert 0 <= there <= 1
    assert there == pytest.approx(back, abs=1e-12)
