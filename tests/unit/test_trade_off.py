"""Thresholds weighed: by hand, against fairlearn on its own, told of rows that had no part in the choice."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from core.analytics.job_specs import RefusedInput, TradeOffSpec
from core.analytics.slices.mitigation import ScoredRows
from core.analytics.slices.trade_off import TOLERANCES, TradeOffTable, trade_off

SMALL = ("selection_rate", ("ratio", 0.8), 4)


def weighed(rows: ScoredRows, **more: Any) -> TradeOffTable:
    metric, limit, least = SMALL
    asked = {"rows": "-", "metric": metric, "limit": limit, "min_rows": least, **more}
    return trade_off(rows, TradeOffSpec.model_validate(asked))


def by_hand() -> ScoredRows:
    """Four of each group in each half: a has scores .2 .4 .6 .8, b has .1 .3 .5 .7; labels from .5 on."""
    score = np.tile([0.2, 0.4, 0.6, 0.8, 0.1, 0.3, 0.5, 0.7], 2)
    group = np.tile(np.repeat([0, 1], 4), 2)
    return ScoredRows(("a", "b"), group, score, score >= 0.5, score >= 0.6, np.repeat([True, False], 8))


def drawn(seed: int, n: int = 1600) -> ScoredRows:
    """Group b scores lower; labels come true as often as the scores say."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, n)
    score = rng.beta(3 - group, 3, n)
    half = rng.random(n) < 0.5
    features = pl.DataFrame({"f0": score + rng.normal(0, 0.05, n), "f1": rng.choice(["x", "y"], n)})
    return ScoredRows(("a", "b"), group, score, rng.random(n) < score, score > 0.5, half, features)


def test_a_table_worked_out_by_hand() -> None:
    found = weighed(by_hand())
    today, *moved = found.points
    # Today from .6 on: 2 of 4 of a, 1 of 4 of b; the label of b at .5 is missed, 7 of 8 are right.
    assert (today.told.apart, today.told.accuracy, today.told.loss) == (0.5, 7 / 8, 0.0)
    seen = {
        point.thresholds[0].at: (point.told.apart, point.told.accuracy, -8 * point.told.loss)
        for point in moved
    }
    assert seen == {
        0.1: (1.0, 0.5, -3.0),  # everyone: 4 and 4 selected, 4 of 8 labels are right, 3 fewer than today
        0.2: (0.75, 5 / 8, -2.0),
        0.3: (1.0, 6 / 8, -1.0),
        0.4: (2 / 3, 7 / 8, 0.0),
        0.5: (1.0, 1.0, 1.0),
        0.6: (0.5, 7 / 8, 0.0),
        0.7: (1.0, 6 / 8, -1.0),
        0.8: (0.0, 5 / 8, -2.0),
    }
    chosen = found.points[found.proposal or 0]
    assert (chosen.kind, chosen.thresholds[0].at) == ("one", 0.5)


def test_money_is_what_outcomes_are_worth() -> None:
    worth = ((0.0, -5.0), (-1.0, 2.0))
    found = weighed(by_hand(), worth=worth)
    # From .5 on each half has 4 labels selected and 4 others refused: 8 decisions are worth 4 times 2.
    best = next(point for point in found.points if point.kind == "one" and point.thresholds[0].at == 0.5)
    assert best.told.worth == 1.0
    # Today one label is missed: 3 times 2, less 1.
    assert found.points[0].told.worth == 5 / 8
    assert best.told.loss == 5 / 8 - 1.0


def test_thresholds_by_group_are_those_of_fairlearn_on_its_own() -> None:
    from fairlearn.metrics import MetricFrame, selection_rate
    from fairlearn.postprocessing import ThresholdOptimizer
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import accuracy_score

    rows = drawn(3)
    points = [point for point in weighed(rows, by_group=True, min_rows=30).points if point.kind == "by_group"]
    assert len(points) == len(TOLERANCES) + 1
    names = np.array(rows.names)[rows.group]
    itself = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    for tolerance, place in ((0.0, 0), (0.05, 3), (None, -1)):
        point = points[place]
        constraint = "equalized_odds" if tolerance is None else "demographic_parity"
        oracle = ThresholdOptimizer(
            estimator=itself, constraints=constraint, prefit=True, tol=tolerance or None
        )
        fit = rows.half
        oracle.fit(rows.score[fit, None], rows.label[fit].astype(int), sensitive_features=names[fit])
        decided = oracle.predict(rows.score[:, None], sensitive_features=names, random_state=0)
        told = ~rows.half
        frame = MetricFrame(
            metrics={"selected": selection_rate, "right": accuracy_score},
            y_true=rows.label[told],
            y_pred=decided[told].astype(bool),
            sensitive_features=names[told],
        )
        assert point.told.accuracy == pytest.approx(frame.overall["right"], abs=1e-12), point.title
        assert point.told.apart == pytest.approx(frame.ratio(method="between_groups")["selected"]), (
            point.title
        )


def test_without_leave_there_is_one_threshold_for_all() -> None:
    kinds = {point.kind for point in weighed(drawn(3), min_rows=30).points}
    assert kinds == {"today", "one"}


def test_what_is_told_had_no_part_in_the_choice() -> None:
    rows = drawn(5)
    turned = np.where(rows.half, rows.label, ~rows.label)
    other = ScoredRows(rows.names, rows.group, rows.score, turned, rows.decision, rows.half)
    found, again = (weighed(one, by_group=True, min_rows=30) for one in (rows, other))
    assert found.proposal == again.proposal
    assert [point.thresholds for point in found.points] == [point.thresholds for point in again.points]
    assert [point.fitted for point in found.points] == [point.fitted for point in again.points]
    for point in found.points:
        if point.kind == "one":
            told = ~rows.half
            right = ((rows.score >= point.thresholds[0].at) == rows.label)[told]
            assert point.told.accuracy == pytest.approx(right.mean())


def test_the_proposal_loses_least_of_those_that_pass_where_it_is_chosen() -> None:
    found = weighed(drawn(7, 6000), by_group=True, min_rows=30)
    passed = [point for point in found.points[1:] if point.fitted.verdict == "pass"]
    assert found.points[found.proposal or 0].fitted.loss == min(point.fitted.loss for point in passed)
    strict = weighed(drawn(7), min_rows=30, limit=("difference", 0.001))
    assert strict.proposal is None or strict.points[strict.proposal].fitted.apart == 0.0


def test_the_interval_holds_the_ratio_whichever_groups_it_lies_between() -> None:
    alike, inside = 200, 0
    for seed in range(alike):
        rng = np.random.default_rng(seed)
        group, score = rng.integers(0, 6, 1200), rng.random(1200)
        decision = score > 0.5
        rows = ScoredRows(
            tuple("abcdef"), group, score, rng.random(1200) < 0.5, decision, rng.random(1200) < 0.5
        )
        interval = _today(rows)
        inside += interval[0] <= 1.0 <= interval[1]
    assert inside >= 0.95 * alike, "the true ratio of six equal groups is 1"


def _today(rows: ScoredRows) -> NDArray[np.float64]:
    from core.analytics.slices.trade_off import _Bench

    asked = TradeOffSpec.model_validate(
        {"rows": "-", "metric": "selection_rate", "limit": ("ratio", 0.8), "min_rows": 30}
    )
    interval = _Bench(rows, asked).figures(~rows.half, rows.decision).apart_interval
    assert interval is not None
    return np.array([interval.low, interval.high])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fairlearn's, of pandas 3; a worker is silent
def test_surrogates_are_told_in_and_out_of_sample() -> None:
    found = weighed(drawn(3), min_rows=30, features=("f0", "f1"))
    plain, *held = [point for point in found.points if point.kind == "retrained"]
    assert all("Surrogate" in point.title for point in (plain, *held))
    assert plain.fitted != plain.told
    assert max(point.fitted.apart or 0 for point in held) > (plain.fitted.apart or 1), "the constraint bites"
    assert found.proposal is None or found.points[found.proposal].kind != "retrained"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"label": np.ones(16, bool)}, "labels are all alike"),
        ({"group": np.zeros(16, int)}, "fewer than two groups"),
        ({"names": tuple(f"g{at}" for at in range(51))}, "51 groups"),
    ],
)
def test_what_cannot_be_weighed_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RefusedInput, match=said):
        weighed(ScoredRows(**{**vars(by_hand()), **changes}))


def test_a_group_without_both_labels_is_decided_about_as_today() -> None:
    rows = drawn(3)
    group = np.where(np.arange(len(rows.group)) < 12, 2, rows.group)
    odd = ScoredRows(("a", "b", "c"), group, rows.score, rows.label, rows.decision, rows.half)
    found = weighed(odd, by_group=True, min_rows=30)
    assert found.notes == ("Too few rows for a threshold of their own, so decided about as today: c.",)
    assert {one.group for point in found.points for one in point.thresholds} == {"everyone", "a", "b"}
