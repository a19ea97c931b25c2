"""Whatever the numbers: steps lead to the score, groups add up, any forest attributes its own sum."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analytics.explanations.attributions import GroupMeans, group_gap, ranked, waterfall
from core.analytics.explanations.models import (
    Tree,
    check_tree,
    counted,
    forest_contributions,
    output_of,
    output_steps,
)
from core.analytics.job_specs import RefusedInput

NUMBERS = st.floats(-20, 20, allow_nan=False)
CONTRIBUTIONS = st.dictionaries(st.text(min_size=1, max_size=6), NUMBERS, min_size=1, max_size=20)
SCALES = st.sampled_from(["log_odds", "probability", "output", "log"])


@given(CONTRIBUTIONS, NUMBERS, SCALES, st.integers(1, 15))
def test_the_steps_of_a_waterfall_lead_from_the_base_to_the_score(
    contributions: dict[str, float], base: float, scale: str, most: int
) -> None:
    raw = base + math.fsum(contributions.values())
    way = waterfall(contributions, base, raw, scale, most=most)
    assert len(way.steps) <= most
    assert sum(step.folded for step in way.steps) == len(contributions)
    assert way.steps[0].start == base
    assert all(
        a.end == pytest.approx(b.start, abs=1e-9) for a, b in zip(way.steps, way.steps[1:], strict=False)
    )
    assert way.steps[-1].end == pytest.approx(raw, abs=1e-9)
    assert way.gap == pytest.approx(0, abs=1e-9)
    sizes = [abs(step.contribution) for step in way.steps if step.folded == 1]
    assert sizes == sorted(sizes, reverse=True)


@given(st.lists(NUMBERS, min_size=1, max_size=12), NUMBERS, SCALES)
def test_changes_of_the_answer_add_up_from_the_base_to_the_answer(
    steps: list[float], base: float, scale: str
) -> None:
    changes = output_steps(base, steps, scale)
    start, end = output_of(base, scale), output_of(base + math.fsum(steps), scale)
    assert changes is not None and start is not None and end is not None
    highest = max(abs(start), abs(end), *(abs(change) for change in changes))
    assert start + math.fsum(changes) == pytest.approx(end, abs=1e-9 * max(1.0, highest))
    assert all(change * step >= -1e-12 for change, step in zip(changes, steps, strict=True))


@given(
    st.lists(
        st.tuples(st.booleans(), st.lists(NUMBERS, min_size=3, max_size=3), NUMBERS), min_size=2, max_size=30
    )
)
def test_gaps_of_the_features_add_up_to_the_gap_of_the_mean_scores(
    rows: list[tuple[bool, list[float], float]],
) -> None:
    """Scores are a base plus contributions, as in every explained row."""
    sides = [[values for side, values, _ in rows if side is wanted] for wanted in (True, False)]
    if not all(sides):
        return
    groups = []
    for name, own in zip(("a", "b"), sides, strict=True):
        table = np.array(own)
        means = {f: (float(table[:, at].mean()), None) for at, f in enumerate(("x", "y", "z"))}
        groups.append(GroupMeans(name, len(own), float(table.sum(axis=1).mean()) - 1.5, means))
    found = group_gap(*groups)
    assert found.additivity_gap == pytest.approx(0, abs=1e-9)
    assert math.fsum(one.gap for one in found.features) == pytest.approx(found.score_gap, abs=1e-9)
    back = group_gap(groups[1], groups[0])
    assert back.score_gap == pytest.approx(-found.score_gap, abs=1e-12)
    assert found.enough is (min(len(side) for side in sides) >= 30)


@given(st.lists(st.tuples(st.floats(0, 10), NUMBERS), min_size=1, max_size=12))
def test_shares_of_ranked_features_add_up_to_one(means: list[tuple[float, float]]) -> None:
    found = ranked([(f"f{at}", size, signed) for at, (size, signed) in enumerate(means)])
    assert [one.rank for one in found] == list(range(1, len(means) + 1))
    total = sum(size for size, _ in means)
    assert sum(one.share for one in found) == pytest.approx(1.0 if total else 0.0)


@st.composite
def forests(draw: st.DrawFn) -> list[Tree]:
    """One to three random trees over three features, weights as a format would keep them: in float32."""
    made = []
    for _ in range(draw(st.integers(1, 3))):
        left, right, feature, threshold, value = [-1], [-1], [0], [0.0], [0.0]
        for _ in range(draw(st.integers(0, 6))):
            at = draw(st.sampled_from([node for node, child in enumerate(left) if child < 0]))
            left[at], right[at] = len(left), len(left) + 1
            feature[at] = draw(st.integers(0, 2))
            threshold[at] = draw(st.floats(-2, 2, width=32))
            for _ in range(2):
                left.append(-1)
                right.append(-1)
                feature.append(0)
                threshold.append(0.0)
                value.append(draw(st.floats(-5, 5, width=32)))
        weight = np.array(draw(st.lists(st.integers(1, 99), min_size=len(left), max_size=len(left))))
        arrays = [np.array(part) for part in (left, right, left, feature, threshold, value)]
        made.append(Tree(*arrays, weight.astype(np.float32)))
    return made


@settings(max_examples=40, deadline=None)
@given(forests(), st.floats(-3, 3), st.integers(0, 2**31))
def test_contributions_of_any_forest_add_up_to_the_sum_of_its_leaves(
    trees: list[Tree], offset: float, seed: int
) -> None:
    inputs = np.random.default_rng(seed).normal(size=(20, 3))
    inputs[::6, 1] = np.nan
    for checked in (
        [check_tree(tree, 3, "m") for tree in trees],
        [counted(tree, inputs, 3, "m") for tree in trees],
    ):
        values, base, raw = forest_contributions(checked, inputs, offset)
        by_hand = [offset + sum(leaf_of(tree, row) for tree in trees) for row in inputs]
        np.testing.assert_allclose(raw, by_hand, atol=1e-9)
        np.testing.assert_allclose(values.sum(axis=1) + base, raw, atol=1e-9)


def leaf_of(tree: Tree, row: np.ndarray) -> float:
    at = 0
    while tree.left[at] >= 0:
        value = row[tree.feature[at]]
        if np.isnan(value):
            at = tree.default[at]
        else:
            at = tree.left[at] if value <= tree.threshold[at] else tree.right[at]
    return float(tree.value[at])


@given(forests(), st.data())
def test_a_tree_with_one_branch_bent_is_refused(trees: list[Tree], data: st.DataObject) -> None:
    tree = next((one for one in trees if len(one.left) > 1), None)
    if tree is None:
        return
    inner = [at for at, child in enumerate(tree.left) if child >= 0]
    at = data.draw(st.sampled_from(inner))
    wrong = data.draw(st.integers(-3, len(tree.left) + 3).filter(lambda to: to != tree.left[at]))
    left = tree.left.copy()
    left[at] = wrong
    bent = Tree(left, tree.right, left, tree.feature, tree.threshold, tree.value, tree.weight)
    with pytest.raises(RefusedInput, match="is damaged"):
        check_tree(bent, 3, "m")
