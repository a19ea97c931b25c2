"""Verdicts over all groups at once: their errors, counted out over every table or drawn with fixed seeds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from core.analytics.slices import judging
from core.analytics.slices.judging import Judged, Limit, judged, outside_p_value, within_p_value
from core.analytics.slices.significance import Sample
from core.ground import Direction

FOUR_FIFTHS = Limit("ratio", 0.8)
LIMITS = [FOUR_FIFTHS, Limit("ratio", 0.95), Limit("difference", 0.05), Limit("difference", 0.2)]


@given(st.integers(1, 60), st.integers(1, 60), st.data(), st.sampled_from(LIMITS))
def test_the_likeliest_rates_on_a_bound_are_those_that_a_search_finds(
    n: int, m: int, data: st.DataObject, limit: Limit
) -> None:
    x, y = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    upper = np.linspace(limit.slack, 1.0, 4001)
    lower = limit.lower(upper).clip(1e-12, 1 - 1e-12)
    higher = upper.clip(1e-12, 1 - 1e-12)
    likely = x * np.log(lower) + (n - x) * np.log1p(-lower) + y * np.log(higher) + (m - y) * np.log1p(-higher)
    found = float(limit.likeliest(*(np.asarray(count, float) for count in (x, n, y, m))))
    assert found == pytest.approx(upper[likely.argmax()], abs=5e-4)


@pytest.mark.parametrize("limit", LIMITS, ids=str)
@pytest.mark.parametrize(("n", "m"), [(20, 20), (12, 45), (45, 12)])
def test_two_groups_on_the_limit_fail_in_at_most_a_twentieth_of_all_tables(
    n: int, m: int, limit: Limit
) -> None:
    """Every table, weighed by its chance, at 25 pairs of rates that lie exactly on the limit."""
    verdicts = {
        (x, y): judged([Sample.of_rate(x, n), Sample.of_rate(y, m)], limit, worse="higher")
        for x in range(n + 1)
        for y in range(m + 1)
    }
    failed = np.array([[_of(verdicts[x, y]) == "fail" for y in range(m + 1)] for x in range(n + 1)])
    passed = np.array([[_of(verdicts[x, y]) == "pass" for y in range(m + 1)] for x in range(n + 1)])
    for upper in np.linspace(limit.slack, 1.0, 27)[1:-1]:
        lower = float(limit.lower(np.asarray(upper)))
        chance = np.outer(
            stats.binom.pmf(range(n + 1), n, lower), stats.binom.pmf(range(m + 1), m, float(upper))
        )
        assert (chance * failed).sum() <= 0.05 + 1e-6
        assert (chance * passed).sum() <= 0.025 + 1e-6


@pytest.mark.parametrize(("groups", "rows", "rate"), [(12, 150, 0.16), (20, 120, 0.1), (30, 60, 0.02)])
def test_equal_groups_hardly_ever_fail_however_many_there_are(groups: int, rows: int, rate: float) -> None:
    """Held one by one against the best, 12 groups of 150 failed in 16 % of draws, 20 of 120 in 44 %."""
    assert _drawn([rate] * groups, rows, draws=150)["fail"] <= 0.05 * 150


@pytest.mark.parametrize("groups", [2, 10, 50])
def test_unequal_groups_fail_and_nearly_equal_ones_pass(groups: int) -> None:
    assert _drawn([0.3, *[0.5] * (groups - 1)], 1000, draws=40)["fail"] >= 38
    assert _drawn([0.475, *[0.5] * (groups - 1)], 5000, draws=40)["pass"] >= 36


@given(
    st.lists(st.tuples(st.integers(0, 80), st.just(80)), min_size=2, max_size=6), st.permutations(range(6))
)
def test_the_order_of_groups_changes_no_verdict(counts: list[tuple[int, int]], order: list[int]) -> None:
    samples = [Sample.of_rate(*count) for count in counts]
    places = [place for place in order if place < len(samples)]
    plain = [each.verdict for each in judged(samples, FOUR_FIFTHS, worse="higher")]
    turned = judged([samples[place] for place in places], FOUR_FIFTHS, worse="higher")
    assert [plain[place] for place in places] == [each.verdict for each in turned]


@given(st.integers(0, 300), st.integers(0, 300))
def test_no_group_is_shown_to_lie_on_both_sides(x: int, y: int) -> None:
    low, high = Sample.of_rate(x, 300), Sample.of_rate(y, 300)
    for limit in LIMITS:
        outside = outside_p_value(low, high, limit, 0.05)
        assert outside + within_p_value(low, high, limit, 0.05) >= 0.99


def test_means_are_held_to_a_difference_as_scipy_tests_shifted_values() -> None:
    draws = np.random.default_rng(3)
    low, high = draws.normal(4.0, 2.0, 40), draws.normal(4.9, 1.0, 70)
    samples = [_mean(low), _mean(high)]
    theirs = stats.ttest_ind(low + 0.5, high, equal_var=False, alternative="less")
    ours = outside_p_value(*samples, Limit("difference", 0.5), 0.05)
    assert ours == pytest.approx(theirs.pvalue, rel=1e-9)
    theirs = stats.ttest_ind(low, 0.8 * high, equal_var=False, alternative="greater")
    assert within_p_value(*samples, FOUR_FIFTHS, 0.05) == pytest.approx(theirs.pvalue, rel=1e-9)


@pytest.mark.parametrize(("worse", "failing"), [("higher", ["pass", "fail"]), ("lower", ["fail", "pass"])])
def test_who_is_worse_off_fails(worse: Direction, failing: list[str]) -> None:
    groups = [Sample.of_rate(500, 1000), Sample.of_rate(300, 1000)]
    assert [each.verdict for each in judged(groups, FOUR_FIFTHS, worse=worse)] == failing


def test_against_one_reference_both_directions_count() -> None:
    groups = [Sample.of_rate(x, 1000) for x in (500, 300, 700, 495)]
    found = judged(groups, FOUR_FIFTHS, worse="higher", reference=0)
    assert [each.verdict for each in found] == ["pass", "fail", "fail", "pass"]
    assert [each.against for each in found] == [None, 0, 0, 0]


def test_of_values_with_a_sign_the_one_further_from_nought_fails() -> None:
    groups = [Sample(value, 500, None, 0.01, 499) for value in (-1.0, 0.1, 0.2)]
    found = judged(groups, Limit("difference", 0.5), worse="zero")
    assert [each.verdict for each in found] == ["fail", "pass", "pass"]


def test_where_all_rows_were_counted_the_values_decide() -> None:
    """The textbook case of the four-fifths rule: 118 people of three groups, which no test can judge."""
    groups = [Sample.of_rate(x, n) for x, n in ((16, 27), (8, 23), (14, 68))]
    assert _of(judged(groups, FOUR_FIFTHS, worse="higher")) == "fail"
    small = [Sample.of_rate(x, n) for x, n in ((9, 15), (5, 12))]
    assert _of(judged(small, FOUR_FIFTHS, worse="higher")) == "cannot_tell"
    assert _of(judged(small, FOUR_FIFTHS, worse="higher", complete=True)) == "fail"
    on_the_limit = [Sample.of_rate(x, n) for x, n in ((8, 20), (10, 20))]
    assert _of(judged(on_the_limit, FOUR_FIFTHS, worse="higher", complete=True)) == "pass"


@pytest.mark.parametrize("worse", ["higher", "lower"])
@pytest.mark.parametrize("rates", [True, False])
def test_of_many_groups_only_the_telling_ones_are_looked_at_and_the_verdicts_are_the_same(
    worse: Direction, rates: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(5)
    rows = random.integers(30, 4000, 150)
    if rates:
        won = random.binomial(rows, random.uniform(0.35, 0.5, 150))
        samples = [Sample.of_rate(int(x), int(n)) for x, n in zip(won, rows, strict=True)]
    else:
        means = random.uniform(3, 5, 150)
        samples = [
            Sample(float(mean), int(n), None, 9 / int(n), int(n) - 1)
            for mean, n in zip(means, rows, strict=True)
        ]
    fast = judged(samples, FOUR_FIFTHS, worse=worse)
    monkeypatch.setattr(judging, "_MANY", 1000)
    assert fast == judged(samples, FOUR_FIFTHS, worse=worse)
    assert len({each.verdict for each in fast}) > 1


def test_one_group_alone_cannot_be_told() -> None:
    assert judged([Sample.of_rate(5, 9)], FOUR_FIFTHS, worse="higher") == (Judged("cannot_tell"),)


def _drawn(rates: Sequence[float], rows: int, *, draws: int) -> Counter[str]:
    """Verdicts over all groups of samples with these rates."""
    random = np.random.default_rng(7)
    return Counter(
        _of(
            judged(
                [Sample.of_rate(int(won), rows) for won in random.binomial(rows, rates)],
                FOUR_FIFTHS,
                worse="higher",
            )
        )
        for _ in range(draws)
    )


def _of(found: Sequence[Judged]) -> str:
    verdicts = {each.verdict for each in found}
    return next(verdict for verdict in ("fail", "cannot_tell", "pass") if verdict in verdicts)


def _mean(values: np.ndarray) -> Sample:
    variance = float(values.var(ddof=1)) / len(values)
    assert math.isfinite(variance)
    return Sample(float(values.mean()), len(values), None, variance, len(values) - 1)
