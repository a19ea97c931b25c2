"""Pass rates, paired versions and judges: against limits, statsmodels, scikit-learn, sums and draws."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.inter_rater import cohens_kappa

from core.analytics.slices.counts import SliceCounts
from core.analytics.slices.evaluations import (
    PassLimits,
    agreement,
    mcnemar_p_value,
    paired_change,
    paired_interval,
    pass_reports,
)
from tests.benchmarks.evaluating import equal_categories, told_apart

LIMITS = PassLimits(0.8, 0.2, 30, "left_out")
TABLES = [tuple(map(int, cells)) for cells in np.random.default_rng(7).integers(1, 400, (300, 4))]


def counts(**passed: tuple[int, int]) -> list[SliceCounts]:
    return [
        SliceCounts((("topic", name),), "binary", n, predicted=n, selected=good)
        for name, (good, n) in passed.items()
    ]


def verdicts(limits: PassLimits | None = LIMITS, **passed: tuple[int, int]) -> list[str | None]:
    """Of all cases, of the categories together, and of each."""
    good, n = (sum(column) for column in zip(*passed.values(), strict=True))
    whole, by_topic = pass_reports(good, n, {"topic": counts(**passed)}, limits)
    return [whole.verdict, by_topic.verdict, *(line.verdict for line in by_topic.lines)]


def test_mcnemar_is_that_of_statsmodels() -> None:
    for both, lost, won, neither in TABLES:
        theirs = mcnemar([[both, lost], [won, neither]], exact=True).pvalue
        assert mcnemar_p_value(lost, won)[0] == pytest.approx(theirs, abs=1e-12)
    for lost, won in ((600, 700), (900, 1100), (501, 500)):
        theirs = mcnemar([[1, lost], [won, 1]], exact=False, correction=True).pvalue
        found, procedure = mcnemar_p_value(lost, won)
        assert found == pytest.approx(theirs, abs=1e-12)
        assert "continuity" in procedure


def test_versions_that_never_part_are_not_told_apart() -> None:
    found = paired_change(40, 0, 0, 10)
    assert (found.p_value, found.found, found.difference) == (1.0, "not told apart", 0.0)
    assert found.interval.low < 0 < found.interval.high


def test_the_interval_of_a_difference_holds_it_as_often_as_it_says() -> None:
    """Counted out over every table of 40 cases of which 12 % are lost or won."""
    n, share = 40, (0.085, 0.035)
    held = 0.0
    for lost in range(n + 1):
        for won in range(n + 1 - lost):
            chance = comb(n, lost) * comb(n - lost, won) * share[0] ** lost * share[1] ** won
            chance *= (1 - sum(share)) ** (n - lost - won)
            held += chance * paired_interval(lost, won, n).contains(share[1] - share[0])
    assert 0.93 < held < 0.985


def test_kappa_is_that_of_scikit_learn_and_its_interval_that_of_statsmodels() -> None:
    for cells in TABLES:
        both, first, second, neither = cells
        found = agreement(*cells)
        pairs = [(1, 1)] * both + [(1, 0)] * first + [(0, 1)] * second + [(0, 0)] * neither
        assert found.kappa == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)), abs=1e-12)
        theirs = cohens_kappa([[both, first], [second, neither]])
        assert found.kappa_interval is not None
        assert found.kappa_interval.low == pytest.approx(theirs.kappa_low, abs=1e-12)
        assert found.kappa_interval.high == pytest.approx(theirs.kappa_upp, abs=1e-12)


def test_what_judges_leave_open_is_undefined() -> None:
    alike = agreement(50, 0, 0, 0)
    assert (alike.kappa, alike.kappa_interval, alike.agreed, alike.ac1) == (None, None, 1.0, 1.0)
    whole = agreement(40, 0, 0, 10)
    assert (whole.kappa, whole.kappa_interval) == (1.0, None)
    rare = agreement(95, 3, 2, 0)
    assert rare.kappa is not None
    assert rare.kappa < 0
    assert rare.ac1 > 0.9


def test_a_category_below_the_least_rate_fails_and_a_small_one_stands_aside() -> None:
    assert verdicts(cover=(95, 100), tone=(94, 100)) == ["pass", "pass", "pass", "pass"]
    assert verdicts(cover=(95, 100), tone=(40, 100)) == ["fail", "fail", "pass", "fail"]
    assert verdicts(cover=(82, 100), tone=(83, 100)) == ["cannot_tell", "cannot_tell"] * 2
    assert verdicts(cover=(95, 100), tone=(94, 100), rare=(0, 9)) == ["pass", "pass", "pass", "pass", None]
    assert verdicts(None, cover=(40, 100)) == [None, None, None]


def test_small_categories_leave_the_whole_open_or_count_as_one_where_the_position_says_so() -> None:
    of = {"cover": (95, 100), "tone": (94, 100), "rare": (0, 20), "rarer": (0, 20)}
    left_out = verdicts(**of)
    assert left_out[1:] == ["pass", "pass", "pass", None, None]
    whole_open = verdicts(PassLimits(0.8, 0.2, 30, "cannot_tell"), **of)
    assert whole_open[1:] == ["cannot_tell", "pass", "pass", "cannot_tell", "cannot_tell"]
    pooled = verdicts(PassLimits(0.8, 0.2, 30, "pooled"), **of)
    assert pooled[1] == "fail"


def test_one_category_alone_is_not_known_to_be_even() -> None:
    assert verdicts(cover=(198, 200)) == ["pass", "cannot_tell", "cannot_tell"]


def test_verdicts_do_not_hang_on_the_order_of_categories() -> None:
    names = ("cover", "tone", "dates")
    for goods in product((95, 70), repeat=3):
        of = {name: (good, 100) for name, good in zip(names, goods, strict=True)}
        turned = verdicts(**dict(reversed(of.items())))
        assert verdicts(**of) == [*turned[:2], *reversed(turned[2:])]


def test_equal_versions_and_categories_are_told_apart_in_at_most_one_of_twenty() -> None:
    """A small version of `tests/benchmarks/evaluating.py`, with its seeds."""
    draws = 400
    assert told_apart(draws, change=0.0) <= 0.05 * draws
    assert told_apart(draws, change=0.05) >= 0.8 * draws
    assert equal_categories(100, categories=8, cases=75, rate=0.8) <= 5
