"""Calibrations of groups: between their own and those of the larger groups, never falling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analytics.decay.calibrations import BINS, FOLDS, Shifts, shifted, shrunk_shifts
from core.analytics.decay.fit import Calibration

SEXES, RACES = ("f", "m"), ("a", "b", "c", "d")
VALUES = [(sex, race) for sex in SEXES for race in RACES]
OFF = np.array([[0.0, 0.0, 0.0, 0.12], [0.0, 0.0, 0.0, 0.0]]).ravel()
"""By how much the outcomes of each group differ from its scores."""


def drawn(seed: int, sizes: list[int], off: np.ndarray = OFF) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, outcome minus score, and group of each row."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    scores = random.uniform(0.15, 0.85, len(groups))
    return scores, (random.random(len(groups)) < scores + off[groups]) - scores, groups


def learned(seed: int, sizes: list[int], off: np.ndarray = OFF) -> Shifts:
    scores, gaps, groups = drawn(seed, sizes, off)
    return shrunk_shifts(scores, gaps, groups, VALUES, np.arange(len(scores)) // 100 % FOLDS)


def test_a_group_that_differs_comes_nearer_than_everyone_or_itself_alone() -> None:
    """Over 40 draws: sexes differ by 10 points, races by 6, one pair by 3 more, and all have 300 rows."""
    sizes, off = [300] * 8, OFF / 4 + np.repeat([0.05, -0.05], 4) + np.tile([0.03, -0.03, 0, 0], 2)
    shrunk, alone = [], []
    for seed in range(40):
        _, gaps, groups = drawn(seed, sizes, off)
        shrunk.append(np.square(learned(seed, sizes, off).by[0].mean(axis=1) - off).mean())
        alone.append(np.square(np.bincount(groups, gaps) / 300 - off).mean())
    assert np.mean(shrunk) < 0.9 * np.mean(alone) < 0.3 * np.square(off).mean()


def test_groups_alike_are_calibrated_as_everyone() -> None:
    found = learned(3, [400] * 8, np.zeros(8))
    assert np.abs(found.by[0].mean(axis=1)).max() < 0.01


def test_a_group_without_rows_takes_what_is_known_of_its_parents() -> None:
    off = np.array([0.1, 0.1, 0.1, 0.1, -0.1, -0.1, -0.1, -0.1])
    found = learned(5, [3_000] * 7 + [0], off)
    assert -0.12 < found.by[0][7].mean() < -0.04


def test_what_is_held_back_was_not_learned_from() -> None:
    """Outcomes of one fold turned over move its own line not at all."""
    scores, gaps, groups = drawn(1, [500] * 8)
    folds = np.arange(len(scores)) % FOLDS
    found = shrunk_shifts(scores, gaps, groups, VALUES, folds)
    turned = shrunk_shifts(scores, np.where(folds == 2, gaps + 0.001, gaps), groups, VALUES, folds)
    assert turned.credit == found.credit
    assert np.allclose(turned.by[1 + 2], found.by[1 + 2])
    assert not np.allclose(turned.by[1 + 1], found.by[1 + 1])


@given(
    st.lists(st.floats(-0.6, 0.6), min_size=BINS, max_size=BINS),
    st.lists(st.floats(0, 1), min_size=2, max_size=6, unique=True),
)
def test_a_calibration_never_falls_and_stays_between_none_and_all(
    shifts: list[float], shares: list[float]
) -> None:
    everyone = Calibration(
        scores=tuple(np.linspace(0.1, 0.9, len(shares)).tolist()), shares=tuple(sorted(shares))
    )
    found = shifted(everyone, np.linspace(0.05, 0.95, BINS).tolist(), shifts)
    assert (np.diff(found.scores) > 0).all()
    assert (np.diff(found.shares) >= -1e-12).all()
    assert min(found.shares) >= 0
    assert max(found.shares) <= 1


def test_scores_all_alike_make_one_bin() -> None:
    groups = np.repeat([0, 1], 200)
    found = shrunk_shifts(
        np.full(400, 0.3), np.where(groups, 0.2, -0.2), groups, [("a",), ("b",)], np.arange(400) % FOLDS
    )
    assert found.centres == pytest.approx([0.3])
    assert found.by.shape == (1 + FOLDS, 2, 1)
