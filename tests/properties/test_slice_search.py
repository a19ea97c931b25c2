"""The search for the weakest slices answers as if every intersection had been worked out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.analytics.intervals import difference_interval, wilson_interval
from core.analytics.slices.counts import SliceCells, SliceCounts, rests_of, total_of
from core.analytics.slices.gaps import widest_gaps
from core.analytics.slices.metrics import MetricDefinition, measure, metric
from core.analytics.slices.ranks import rank_sums
from core.analytics.slices.search import weakest_slices, weaknesses

Row = tuple[int, int, int, bool, bool, float]  # three features, prediction, label, score (or error)

ROWS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 1),
        st.integers(0, 1),
        st.booleans(),
        st.booleans(),
        st.sampled_from([0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
    ),
    min_size=1,
    max_size=80,
)
RATES = ("selection_rate", "true_positive_rate", "false_positive_rate", "precision", "accuracy")
OTHERS = ("balanced_accuracy", "calibration_gap", "roc_auc")
ERRORS = ("mean_error", "mean_absolute_error", "root_mean_squared_error")
FEATURES = ("colour", "shape", "size")
VALUES = (("blue", "green", "red"), ("round", "square"), ("large", "small"))


def spread_of(values: Sequence[float]) -> float:
    mean = math.fsum(values) / max(1, len(values))
    return math.fsum((value - mean) ** 2 for value in values)


def counts_of(rows: Sequence[Row], task: Any) -> dict[str, float]:
    """The counts of some rows, added up one by one."""
    if task == "regression":
        errors = [row[5] - 0.5 for row in rows]
        return {
            "rows": len(rows),
            "predicted": len(rows),
            "labelled": len(rows),
            "sum_error": math.fsum(errors),
            "sum_absolute_error": math.fsum(abs(error) for error in errors),
            "sum_squared_error": math.fsum(error**2 for error in errors),
            "spread_error": spread_of(errors),
            "spread_absolute_error": spread_of([abs(error) for error in errors]),
            "spread_squared_error": spread_of([error**2 for error in errors]),
        }
    gaps = [row[5] - row[4] for row in rows]
    return {
        "rows": len(rows),
        "predicted": len(rows),
        "labelled": len(rows),
        "selected": sum(row[3] for row in rows),
        "tp": sum(row[3] and row[4] for row in rows),
        "fp": sum(row[3] and not row[4] for row in rows),
        "fn": sum(not row[3] and row[4] for row in rows),
        "tn": sum(not row[3] and not row[4] for row in rows),
        "scored": len(rows),
        "sum_score_gap": math.fsum(gaps),
        "spread_score_gap": spread_of(gaps),
    }


def cells_of(rows: Sequence[Row], definition: MetricDefinition) -> SliceCells:
    task = definition.tasks[0]
    if definition.form == "ranking":
        rising = sorted(rows, key=lambda row: row[5])
        groups: list[list[Row]] = [[row] for row in rising]
    else:
        known = sorted({row[:3] for row in rows})
        groups = [[row for row in rows if row[:3] == key] for key in known]
    counted = [counts_of(group, task) for group in groups]
    return SliceCells(
        task,
        FEATURES,
        VALUES,
        np.array([[group[0][place] for group in groups] for place in range(3)]),
        {name: np.array([each[name] for each in counted]) for name in counted[0]},
        np.array([group[0][5] for group in groups]) if definition.form == "ranking" else None,
        np.array([group[0][4] for group in groups]) if definition.form == "ranking" else None,
    )


def slice_counts(rows: Sequence[Row], task: Any, *, ranked: bool) -> SliceCounts:
    ranks = None
    if ranked:
        ids, scores = np.zeros(len(rows), np.uint16), np.array([row[5] for row in rows])
        ranks = rank_sums(ids, scores, np.array([row[4] for row in rows], dtype=bool), 1)[0]
    return SliceCounts((), task, ranks=ranks, **counts_of(rows, task))  # type: ignore[arg-type]


def sure_weakness(definition: MetricDefinition, counts: SliceCounts) -> float | None:
    """The end of the interval nearest to good, turned so that more is worse."""
    found = measure(definition, counts)
    if found.value is None or found.interval is None:
        return None
    low, high = found.interval.low, found.interval.high
    if definition.needs == "calibration":  # few labels: ordered by Wilson's interval of their share
        share = wilson_interval(counts.tp + counts.fn, counts.scored)
        assert share is not None
        score = found.value + (counts.tp + counts.fn) / counts.scored
        low, high = score - share.high, score - share.low
    if definition.direction == "higher":
        return 1 - high
    if definition.direction == "zero":
        return max(0.0, low, -high)
    return low


def brute_force(
    rows: Sequence[Row], definition: MetricDefinition, min_rows: int, depth: int
) -> dict[tuple[tuple[int, int], ...], float]:
    """Every intersection with enough rows that is weaker than all with fewer of its conditions."""
    known: dict[tuple[tuple[int, int], ...], float] = {}
    task = definition.tasks[0]
    for size in range(1, depth + 1):
        for places in combinations(range(3), size):
            for codes in product(*(range(len(VALUES[place])) for place in places)):
                key = tuple(zip(places, codes, strict=True))
                inside = [row for row in rows if all(row[place] == code for place, code in key)]
                counts = slice_counts(inside, task, ranked=definition.form == "ranking")
                if measure(definition, counts).n < min_rows:
                    continue
                sure = sure_weakness(definition, counts)
                if sure is not None:
                    known[key] = sure
    return {
        key: sure
        for key, sure in known.items()
        if all(
            sure > known.get(part, -math.inf) + 1e-12
            for size in range(1, len(key))
            for part in combinations(key, size)
        )
    }


# Six equal errors in two cells: of sums of squares less n·mean² a spread of 1e-8 is left where there is none.
ALIKE: list[Row] = [(0, 0, 0, False, False, 0.2), *[(1, 0, 0, False, False, 0.2)] * 5]


EQUAL_BUT_FOR_DIGITS: list[Row] = [
    (0, group, 0, *pair, 0.0)
    for group, more in (
        (0, {(True, True): 3, (True, False): 4, (False, True): 2}),
        (1, {(False, False): 1, (False, True): 3, (True, False): 4, (True, True): 2}),
    )
    for pair, rows in more.items()
    for _ in range(rows)
]
"""The balanced accuracies of both groups are one number, and their difference is not nought."""


@settings(deadline=None, max_examples=60)
@example(rows=ALIKE, most=6, min_rows=2, depth=1)
@example(rows=EQUAL_BUT_FOR_DIGITS, most=3, min_rows=1, depth=1)
@given(rows=ROWS, most=st.integers(1, 6), min_rows=st.integers(1, 12), depth=st.integers(1, 3))
@pytest.mark.parametrize("name", [*RATES, *OTHERS, *ERRORS])
def test_pruning_leaves_the_answer_as_if_all_had_been_worked_out(
    name: str, rows: list[Row], most: int, min_rows: int, depth: int
) -> None:
    definition = metric(name)
    found = weakest_slices(
        cells_of(rows, definition), definition, most=most, min_rows=min_rows, max_conditions=depth
    )
    expected = brute_force(rows, definition, min_rows, depth)
    weakest = sorted(expected.values(), reverse=True)[:most]
    assert [one.sure for one in found.slices] == pytest.approx(weakest, abs=1e-9)
    for one in found.slices:
        key = tuple(
            (FEATURES.index(feature), VALUES[FEATURES.index(feature)].index(value))
            for feature, value in one.keys
        )
        assert expected[key] == pytest.approx(one.sure, abs=1e-9)
        assert one.n >= min_rows


@settings(deadline=None, max_examples=60)
@given(rows=ROWS, min_rows=st.integers(1, 12))
@pytest.mark.parametrize("name", [*RATES, *OTHERS, *ERRORS])
def test_no_slice_within_is_weaker_than_the_bound(name: str, rows: list[Row], min_rows: int) -> None:
    definition = metric(name)
    cells = cells_of(rows, definition)
    whole = weaknesses(cells, definition, np.zeros(cells.codes.shape[1], int), 1, min_rows, 0.95)
    for key, sure in brute_force(rows, definition, min_rows, 3).items():
        assert sure <= whole.most[0] + 1e-9, key


@settings(deadline=None, max_examples=60)
@given(rows=ROWS)
@pytest.mark.parametrize("task", ["regression", "binary"])
def test_counts_of_parts_join_to_those_of_all(task: Any, rows: list[Row]) -> None:
    known = sorted({row[:2] for row in rows})
    groups = [[row for row in rows if row[:2] == key] for key in known]
    parts = [slice_counts(group, task, ranked=False) for group in groups]
    joined = {(): (total_of(parts), rows)}
    joined |= {
        key: (rest, [row for row in rows if row[:2] != key])
        for key, rest in zip(known, rests_of(parts), strict=True)
    }
    for counts, inside in joined.values():
        expected = slice_counts(inside, task, ranked=False) if inside else SliceCounts((), task, 0)
        for field in fields(SliceCounts):
            if field.name not in ("keys", "task", "ranks"):
                value = getattr(expected, field.name)
                assert getattr(counts, field.name) == pytest.approx(value, rel=1e-12, abs=1e-12)


def test_what_is_searched_is_counted_and_pruned() -> None:
    rng = np.random.default_rng(3)
    rows = [
        (int(a), int(b), int(c), bool(p), bool(y), 0.5)
        for a, b, c, p, y in zip(
            rng.integers(0, 3, 4000),
            rng.integers(0, 2, 4000),
            rng.integers(0, 2, 4000),
            rng.random(4000) < 0.5,
            rng.random(4000) < 0.5,
            strict=True,
        )
    ]
    accuracy = metric("accuracy")
    right = [row for row in rows if row[3] == row[4] or row[0] == 2][:2500]
    found = weakest_slices(cells_of(right, accuracy), accuracy, most=1, min_rows=50, max_conditions=3)
    # 3 + 2 + 2 values, 3·2 + 3·2 + 2·2 pairs, 3·2·2 triples
    assert found.searched == 7 + 16 + 12
    assert found.slices[0].label.startswith("colour: red")
    assert found.ruled_out > 0 and found.judged < found.searched
    worst = found.slices[0]
    assert worst.p_value is not None and worst.adjusted_p == min(1.0, worst.p_value * found.searched)


def test_a_search_for_nothing_is_refused() -> None:
    cells = cells_of([(0, 0, 0, True, True, 0.5)], metric("accuracy"))
    for wrong in ({"most": 0}, {"min_rows": 0}, {"max_conditions": 0}):
        with pytest.raises(ValueError, match="at least one slice, one row and one condition"):
            weakest_slices(cells, metric("accuracy"), **wrong)


def gap_by_force(
    rows: Sequence[Row], definition: MetricDefinition, min_rows: int, depth: int
) -> dict[Any, float]:
    """Every intersection of the first two features with its least gap between two groups of the third."""
    known: dict[Any, float] = {}
    task, turn = definition.tasks[0], -1 if definition.direction == "higher" else 1
    for size in range(1, depth + 1):
        for places in combinations(range(2), size):
            for codes in product(*(range(len(VALUES[place])) for place in places)):
                for pair in permutations(range(len(VALUES[2])), 2):
                    key = tuple(zip(places, codes, strict=True))
                    inside = [row for row in rows if all(row[place] == code for place, code in key)]
                    groups = ([row for row in inside if row[2] == group] for group in pair)
                    sides = [measure(definition, slice_counts(each, task, ranked=False)) for each in groups]
                    (own, first), (other, second) = ((side.value, side.interval) for side in sides)
                    if min(side.n for side in sides) < min_rows or own is None or other is None:
                        continue
                    if first is None or second is None:
                        continue
                    apart = difference_interval(own, first, other, second)
                    known[pair, key] = apart.low if turn > 0 else -apart.high
    return {
        (pair, key): sure
        for (pair, key), sure in known.items()
        if sure > 1e-9
        and all(
            sure > known.get((pair, part), -math.inf) + 1e-9
            for size in range(1, len(key))
            for part in combinations(key, size)
        )
    }


@settings(deadline=None, max_examples=40)
@given(rows=ROWS, most=st.integers(1, 6), min_rows=st.integers(1, 4), depth=st.integers(1, 2))
@pytest.mark.parametrize("name", ["accuracy", "false_positive_rate", "mean_error", "mean_absolute_error"])
def test_gaps_are_those_that_looking_at_every_intersection_finds(
    name: str, rows: list[Row], most: int, min_rows: int, depth: int
) -> None:
    definition = metric(name)
    pairs = list(permutations(range(len(VALUES[2])), 2))
    found = widest_gaps(
        cells_of(rows, definition), definition, pairs, most=most, min_rows=min_rows, max_conditions=depth
    )
    expected = gap_by_force(rows, definition, min_rows, depth)
    widest = sorted(expected.values(), reverse=True)[:most]
    assert [one.sure for one in found.slices] == pytest.approx(widest, abs=1e-8)
    for one in found.slices:  # a part is listed only if it is further apart than its whole
        key = tuple(
            (FEATURES.index(name), VALUES[FEATURES.index(name)].index(value)) for name, value in one.keys
        )
        pair = tuple(VALUES[2].index(group) for group in one.between)
        assert expected[pair, key] == pytest.approx(one.sure, abs=1e-8)


def test_a_search_for_gaps_says_what_it_cannot_look_at() -> None:
    rows: list[Row] = [(0, 0, 0, True, True, 0.2)] * 4
    with pytest.raises(ValueError, match="goes over rates and means"):
        widest_gaps(cells_of(rows, metric("roc_auc")), metric("roc_auc"), [(0, 1)])


@pytest.mark.parametrize("most", [1, 10])
def test_gaps_of_noise_are_hardly_ever_claimed(most: int) -> None:
    random, claimed, missed = np.random.default_rng(1607), 0, 0
    for _ in range(60):
        codes = np.stack(
            [random.integers(0, 4, 2000), random.integers(0, 4, 2000), random.integers(0, 2, 2000)]
        )
        right = random.random(2000) < 0.8
        one, nought = np.ones(2000, np.int64), np.zeros(2000, np.int64)
        counts = {"rows": one, "labelled": one, "tp": nought, "fp": nought, "tn": right * 1, "fn": 1 - right}
        cells = SliceCells("binary", FEATURES, (tuple("abcd"), tuple("abcd"), ("f", "m")), codes, counts)
        found = widest_gaps(cells, metric("accuracy"), [(0, 1), (1, 0)], most=most, min_rows=30)
        claimed += any(each.adjusted_p is not None and each.adjusted_p <= 0.05 for each in found.slices)
        missed += any(each.interval is not None and not each.interval.contains(0) for each in found.slices)
    assert (claimed, missed) <= (4, 4)
