"""Tests of a difference and their correction, against scipy and statsmodels."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analytics.slices.significance import adjusted, exact_interval, means_p_value, rates_p_value

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
    table = [[own, n - own], [other, m - other]]
    expected = chi2_contingency(table, correction=False, lambda_="log-likelihood").pvalue
    assert rates_p_value(*counts) == pytest.approx(expected, rel=1e-6, abs=1e-300)


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
