"""Areas under the curve by slice, against scikit-learn and DeLong's formula written out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analytics.intervals import difference_interval, normal_quantile
from core.analytics.slices.counts import SliceCounts
from core.analytics.slices.metrics import measure, metric
from core.analytics.slices.ranks import RankSums, rank_sums, ranking_interval
from core.analytics.slices.significance import difference_p_value

ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]), st.booleans()),
    max_size=60,
)


def ranked(rows: Sequence[tuple[int, float, bool]], slices: int = 4) -> list[RankSums]:
    ids, scores, labels = (np.array([row[place] for row in rows]) for place in range(3))
    return rank_sums(ids.astype(np.uint16), scores.astype(float), labels.astype(bool), slices)


def delong(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Area and variance pair by pair, as DeLong et al. 1988 write them."""
    hits, misses = scores[labels], scores[~labels]
    wins = (hits[:, None] > misses[None, :]) + 0.5 * (hits[:, None] == misses[None, :])
    own, other = wins.mean(axis=1), wins.mean(axis=0)
    return float(wins.mean()), float(own.var(ddof=1) / len(hits) + other.var(ddof=1) / len(misses))


@settings(deadline=None)
@given(ROWS)
def test_areas_equal_scikit_learn_and_are_undefined_without_both_classes(
    rows: list[tuple[int, float, bool]],
) -> None:
    from sklearn.metrics import roc_auc_score

    for place, found in enumerate(ranked(rows)):
        own = [row for row in rows if row[0] == place]
        labels = [row[2] for row in own]
        assert (found.positives, found.negatives) == (sum(labels), len(labels) - sum(labels))
        if len(set(labels)) < 2:
            assert found.value is None and ranking_interval(found) is None
        else:
            assert found.value == pytest.approx(roc_auc_score(labels, [row[1] for row in own]), abs=1e-12)


@settings(deadline=None)
@given(ROWS)
def test_variances_equal_delongs_formula(rows: list[tuple[int, float, bool]]) -> None:
    found = ranked([(0, score, label) for _, score, label in rows], 1)[0]
    labels = np.array([row[2] for row in rows], dtype=bool)
    scores = np.array([row[1] for row in rows])
    if found.positives < 2 or found.negatives < 2:
        assert found.variance is None
    else:
        area, variance = delong(scores, labels)
        assert found.value == pytest.approx(area, abs=1e-12)
        assert found.variance == pytest.approx(variance, abs=1e-12)


@settings(deadline=None)
@given(ROWS)
def test_rising_scores_need_no_sorting(rows: list[tuple[int, float, bool]]) -> None:
    rising = sorted(rows, key=lambda row: row[1])
    ids, scores, labels = (np.array([row[place] for row in rising]) for place in range(3))
    found = rank_sums(ids.astype(np.uint16), scores.astype(float), labels.astype(bool), 4, rising=True)
    assert [(one.positives, one.doubled_wins) for one in found] == [
        (one.positives, one.doubled_wins) for one in ranked(rows)
    ]


def test_the_interval_lies_on_the_logit_scale() -> None:
    rng = np.random.default_rng(7)
    labels = rng.random(400) < 0.3
    scores = rng.normal(labels * 1.2)
    (found,) = rank_sums(np.zeros(400, np.uint16), scores, labels, 1)
    area, variance = delong(scores, labels)
    student = scipy.stats.t.ppf(0.975, found.freedom)
    half = student * math.sqrt(variance) / (area * (1 - area))
    assert found.telling > 30
    interval = ranking_interval(found)
    assert interval is not None
    for end, sign in ((interval.low, -1), (interval.high, 1)):
        assert end == pytest.approx(
            1 / (1 + math.exp(-(math.log(area / (1 - area)) + sign * half))), abs=1e-5
        )


@pytest.mark.parametrize("area", [0.8, 0.95])
@pytest.mark.parametrize("positives", [3, 5, 20])
def test_few_positives_are_covered_where_delong_is_not(positives: int, area: float) -> None:
    rng, draws, rows = np.random.default_rng(7), 400, positives + 1000
    labels = np.arange(rows) < positives
    scores = rng.normal(size=(draws, rows)) + labels * scipy.stats.norm.ppf(area) * math.sqrt(2)
    found = rank_sums(
        np.repeat(np.arange(draws), rows).astype(np.uint16), scores.ravel(), np.tile(labels, draws), draws
    )
    held = [interval.contains(area) for each in found if (interval := ranking_interval(each))]
    alone = [abs((each.value or 0) - area) <= 1.96 * math.sqrt(each.variance or 0) for each in found]
    assert len(held) == draws
    assert np.mean(alone) < 0.93
    assert np.mean(held) > 0.94


@settings(deadline=None)
@given(ROWS, ROWS)
def test_a_difference_is_beyond_chance_just_where_its_interval_leaves_nought_out(
    rows: list[tuple[int, float, bool]], others: list[tuple[int, float, bool]]
) -> None:
    auc = metric("roc_auc")
    sides = [
        SliceCounts((), "binary", 1, ranks=ranked([(0, *row[1:]) for row in some])[0] if some else None)
        for some in (rows, others)
    ]
    p_value = difference_p_value(auc, *sides)
    if any(each.ranks is None or min(each.ranks.positives, each.ranks.negatives) < 5 for each in sides):
        assert p_value is None  # too few of a class: nobody can tell
        return
    for confidence in (0.8, 0.95, 0.99):
        (own, first), (other, second) = (
            (found.value, found.interval) for found in (measure(auc, each, confidence) for each in sides)
        )
        assert own is not None and other is not None and first and second and p_value is not None
        apart = difference_interval(own, first, other, second)
        if min(abs(apart.low), abs(apart.high)) > 1e-6:
            assert (p_value <= 1 - confidence) == (not apart.contains(0.0))


@pytest.mark.parametrize(("positives", "negatives"), [(50, 50), (1, 40), (300, 2)])
@pytest.mark.parametrize("area", [0.0, 1.0])
def test_a_perfect_order_keeps_a_width(positives: int, negatives: int, area: float) -> None:
    wins = int(2 * positives * negatives * area)
    interval = ranking_interval(RankSums(positives, negatives, wins, 0.0, 0.0))
    assert interval is not None and interval.contains(area)
    end = interval.low if area else interval.high
    more = (positives + negatives) / 2 - 1
    spread = 1 + more * ((1 - end) / (2 - end) + end / (1 + end))
    deviate = abs(area - end) / math.sqrt(end * (1 - end) * spread / (positives * negatives))
    assert deviate == pytest.approx(normal_quantile(0.95), rel=1e-6)  # Newcombe 2006, method 5, turned round
    assert 0 < end < 1


def test_a_billion_pairs_are_counted_exactly() -> None:
    labels = np.arange(100_000) % 2 == 1
    (found,) = rank_sums(np.zeros(100_000, np.uint16), np.arange(100_000.0), labels, 1)
    # positive i beats the negatives before it: 1 + 2 + ... + 50,000
    assert found.doubled_wins == 2 * (50_000 * 50_001 // 2)
