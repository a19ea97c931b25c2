"""Demographic parity, equalized odds and the four-fifths rule, against fairlearn."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analytics.slices.counts import SliceCounts
from core.analytics.slices.fairness import FAIRNESS, FairnessMeasure, fairness_measures

CELLS = st.tuples(*[st.integers(0, 30)] * 4)


def slices(*cells: tuple[int, int, int, int]) -> list[SliceCounts]:
    return [
        SliceCounts(
            (("group", f"g{place}"),),
            "binary",
            sum(cell),
            sum(cell),
            sum(cell),
            selected=cell[0] + cell[1],
            tp=cell[0],
            fp=cell[1],
            fn=cell[2],
            tn=cell[3],
        )
        for place, cell in enumerate(cells)
    ]


def by_id(counts: list[SliceCounts], min_rows: int = 1) -> dict[str, FairnessMeasure]:
    return {each.definition.id: each for each in fairness_measures(counts, min_rows=min_rows)}


def oracle(name: str, cells: list[tuple[int, int, int, int]]) -> float:
    import fairlearn.metrics
    import numpy as np

    truth, guess, group = [], [], []
    for place, (tp, fp, fn, tn) in enumerate(cells):
        for amount, label, prediction in ((tp, 1, 1), (fp, 0, 1), (fn, 1, 0), (tn, 0, 0)):
            truth += [label] * amount
            guess += [prediction] * amount
            group += [place] * amount
    function: Any = getattr(fairlearn.metrics, name)
    return float(function(np.array(truth), np.array(guess), sensitive_features=np.array(group)))


@settings(max_examples=60, deadline=None)
@given(st.lists(CELLS, min_size=2, max_size=4))
def test_measures_equal_fairlearn_wherever_every_rate_is_defined(
    cells: list[tuple[int, int, int, int]],
) -> None:
    found = by_id(slices(*cells))
    defined = all(tp + fn > 0 and fp + tn > 0 for tp, fp, fn, tn in cells)
    for name in (
        "demographic_parity_difference",
        "demographic_parity_ratio",
        "equalized_odds_difference",
        "equalized_odds_ratio",
    ):
        if defined and found[name].value is not None:
            assert found[name].value == pytest.approx(oracle(name, cells), abs=1e-12)
    if defined:
        assert found["demographic_parity_difference"].value is not None
        assert found["equalized_odds_difference"].value is not None


def test_by_hand() -> None:
    # selected 50/100 and 30/100; true positive rates 40/50 and 25/50; false positive rates 10/50 and 5/50
    found = by_id(slices((40, 10, 10, 40), (25, 5, 25, 45)))
    values = {name: each.value for name, each in found.items()}
    assert values == pytest.approx(
        {
            "demographic_parity_difference": 0.2,
            "demographic_parity_ratio": 0.6,
            "equalized_odds_difference": 0.3,  # of 0.3 and 0.1 the larger
            "equalized_odds_ratio": 0.5,  # of 0.625 and 0.5 the smaller
            "four_fifths": 0.6,
        }
    )
    assert found["equalized_odds_difference"].metric == "true_positive_rate"
    assert found["equalized_odds_ratio"].metric == "false_positive_rate"
    assert (found["four_fifths"].low_label, found["four_fifths"].high_label) == ("g1", "g0")
    assert found["four_fifths"].verdict == "cannot_tell", "so few rows may lie so far apart by chance"
    ten_times = by_id(slices((400, 100, 100, 400), (250, 50, 250, 450)))
    assert (ten_times["four_fifths"].value, ten_times["four_fifths"].verdict) == (0.6, "fail")


def test_fairlearn_says_nought_where_we_say_undefined() -> None:
    cells = [(0, 10, 0, 90), (20, 5, 5, 70)]  # the first group has no positive label: no true positive rate
    assert oracle("equalized_odds_ratio", cells) == 0.0
    found = by_id(slices(*cells))
    assert found["equalized_odds_ratio"].value is None
    assert found["equalized_odds_difference"].value is None
    assert found["equalized_odds_ratio"].left_out == 1


def test_a_ratio_of_noughts_is_undefined() -> None:
    found = by_id(slices((0, 0, 10, 90), (0, 0, 5, 70)))
    assert found["demographic_parity_ratio"].value is None
    assert found["demographic_parity_difference"].value == 0.0
    assert found["four_fifths"].verdict == "cannot_tell"


def test_small_slices_take_no_part_and_keep_the_rule_from_passing() -> None:
    counts = slices((45, 5, 5, 45), (44, 4, 6, 46), (1, 0, 4, 5))
    found = by_id(counts, min_rows=50)["four_fifths"]
    assert found.value == pytest.approx(0.96)
    assert (found.left_out, found.verdict) == (1, "cannot_tell")
    worse = by_id(slices((45, 5, 5, 45), (20, 0, 30, 50), (1, 0, 4, 5)), min_rows=50)["four_fifths"]
    assert worse.verdict == "fail"


def test_one_slice_has_nothing_to_be_apart_from() -> None:
    assert all(each.value is None for each in fairness_measures(slices((4, 1, 1, 4))))


def test_every_measure_says_what_it_is() -> None:
    for each in FAIRNESS:
        assert all((each.formula, each.direction, each.zero_means, each.leaves_out, each.source))
