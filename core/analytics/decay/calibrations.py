"""Calibrations beside NannyML's: of a group, shrunk towards those of the larger groups that it is part of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from core.analytics.decay.fit import Calibration

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Numbers = NDArray[np.int64]

FOLDS, BINS = 5, 10
"""Parts of the reference that are held back in turn, and bins of scores in which groups may differ."""
_SWEEPS = 5
CREDITS = (100.0, 300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0)
"""Rows at which a group's own calibration counts half, of which the one that foretells best is taken."""


@dataclass(frozen=True)
class Shifts:
    """By how much the chances of groups differ from everyone's.

    Attributes
    ----------
    centres
        Shape (bins,), rising: the mean score of each bin.
    by
        Shape (1 + folds, groups, bins), points of probability from -1.0 to 1.0: learned from all rows, and
        from all but those of each fold.
    credit
        Rows at which a group's own calibration counts half.
    """

    centres: Floats
    by: Floats
    credit: float


def shrunk_shifts(
    scores: Floats,
    gaps: Floats,
    groups: Numbers,
    values: Sequence[tuple[str, ...]],
    folds: Numbers,
) -> Shifts:
    """Learn by how much groups differ from everyone, each shrunk towards the larger groups it is part of.

    Parameters
    ----------
    scores, gaps
        Shape (n,): scores from 0.0 to 1.0; outcome (0 or 1) minus everyone's calibrated probability.
    groups, values
        Shape (n,): the place in `values` of each row's group, which bears a word a crossed feature.
    folds
        Shape (n,): which part of the reference holds the row, from 0 to `FOLDS` - 1.

    Returns
    -------
    Shifts

    Notes
    -----
    Formula: level by level through the lattice (sex, race; then sex by race) a node adds (sum of what the
    others leave) / (rows + credit), in all and then in each of ten bins of scores: its mean, of which n rows
    count n / (n + credit). That is credibility (Buehlmann and Straub 1970), an empirical Bayes estimate. The
    credit is the one whose Brier score on folds held back is smallest. Zero: calibrated as everyone is.
    Leaves out whether a group's relation of inputs to outcomes will stay what it was.

    Examples
    --------
    >>> import numpy as np
    >>> halves = np.repeat([0, 1], 5_000)
    >>> found = shrunk_shifts(
    ...     np.full(10_000, 0.5), np.where(halves, 0.1, -0.1), halves, [("a",), ("b",)], np.arange(10_000) % 5
    ... )
    >>> found.by[0].round(3).tolist(), found.credit
    ([[-0.1], [0.1]], 100.0)
    """
    import numpy as np

    edges = np.unique(np.quantile(scores, np.arange(1, BINS) / BINS))
    bins = np.searchsorted(edges, scores, side="right")
    _, bins = np.unique(bins, return_inverse=True)
    shape = (FOLDS, len(values), int(bins.max()) + 1)
    cells = np.ravel_multi_index((folds, groups, bins), shape)
    rows, sums = (
        np.bincount(cells, weights, int(np.prod(shape))).reshape(shape).astype(np.float64)
        for weights in (None, gaps)
    )
    lattice = _lattice(values)
    learned = [(rows.sum(axis=0), sums.sum(axis=0))]
    learned += [(learned[0][0] - rows[fold], learned[0][1] - sums[fold]) for fold in range(FOLDS)]
    tried = [np.stack([_shifts(*each, lattice, credit) for each in learned]) for credit in CREDITS]
    # The Brier score on what was held back, but for a part that is the same for all.
    losses = [float((rows * by[1:] ** 2 - 2 * by[1:] * sums).sum()) for by in tried]
    best = int(np.argmin(losses))
    centres = np.bincount(bins, scores) / np.bincount(bins)
    return Shifts(centres, tried[best], CREDITS[best])


def _lattice(values: Sequence[tuple[str, ...]]) -> list[list[Numbers]]:
    """Level by level, for each choice of features which of its larger groups each group is part of."""
    import numpy as np

    features = range(len(values[0]))
    found = []
    for size in range(1, len(features) + 1):
        level = []
        for chosen in combinations(features, size):
            names = {
                name: place
                for place, name in enumerate(dict.fromkeys(tuple(v[at] for at in chosen) for v in values))
            }
            level.append(np.array([names[tuple(v[at] for at in chosen)] for v in values]))
        found.append(level)
    return found


def _shifts(rows: Floats, sums: Floats, lattice: Sequence[Sequence[Numbers]], credit: float) -> Floats:
    """What each node adds, first alike in all bins and then bin by bin; neighbours of a level in turn."""
    import numpy as np

    found = np.zeros_like(sums)
    for level in lattice:
        added = np.zeros((2 * len(level), *sums.shape))
        for _ in range(_SWEEPS if len(level) > 1 else 1):
            for place, nodes in enumerate(np.repeat(level, 2, axis=0)):
                added[place] = 0.0
                left = sums - rows * (found + added.sum(axis=0))
                own, of = (_summed(one, nodes, binned=place % 2 == 1) for one in (left, rows))
                added[place] = (own / (of + credit))[nodes]
        found += added.sum(axis=0)
    return found


def _summed(cells: Floats, nodes: Numbers, *, binned: bool) -> Floats:
    import numpy as np

    found = np.zeros_like(cells if binned else cells[:, :1])
    np.add.at(found, nodes, cells if binned else cells.sum(axis=1, keepdims=True))
    return found


def shifted(everyone: Calibration | None, centres: Sequence[float], shifts: Sequence[float]) -> Calibration:
    """The calibration of a group: everyone's plus its shifts, linear between the bins, never falling.

    Examples
    --------
    >>> shifted(None, (0.25, 0.75), (0.1, 0.0)).shares
    (0.1, 0.35, 0.75, 1.0)
    """
    import numpy as np

    known = (0.0, 1.0) if everyone is None else everyone.scores
    scores = np.union1d(known, centres)
    shares = scores if everyone is None else everyone.apply(scores)
    shares = np.clip(shares + np.interp(scores, centres, shifts), 0.0, 1.0)
    rising, falling = np.maximum.accumulate(shares), np.minimum.accumulate(shares[::-1])[::-1]
    return Calibration(scores=tuple(scores.tolist()), shares=tuple(((rising + falling) / 2).tolist()))
