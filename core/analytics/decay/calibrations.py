"""Calibrations beside NannyML's: of groups, drawn to those of larger ones; of a chunk, by its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from core.analytics.decay.fit import Calibration
from core.analytics.decay.sums import normalised, realised_roc_auc
from core.analytics.job_specs import ensure_openmp

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


MOST_LEARNED = 10_000
"""Rows of the reference, and of a chunk, from which their difference is learned."""
LIMITS = (4.0, 10.0, 40.0, 200.0)
"""Beyond one of these a weight is cut, as one row must not stand for many."""
_WORTH, _WIDER = 0.01, 0.005
"""By what share fewer rows held back are to lie in the wrong cell: to adapt at all; by each wider limit."""
_TREES: dict[str, object] = {
    "objective": "binary",
    "num_leaves": 8,
    "learning_rate": 0.1,
    "min_data_in_leaf": 50,
    "lambda_l2": 1.0,
    "max_bin": 63,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
_ROUNDS, _PATIENCE = 60, 5


@dataclass(frozen=True)
class Likeness:
    """How much reference rows are like a chunk, by inputs alone.

    Attributes
    ----------
    ratio
        Shape (n,): density of the chunk over that of the reference at each reference row.
    halves
        Shape (n,): 0 or 1; each half was weighed by what was learned from the other.
    separation
        ROC AUC of chunk against reference, out of sample; 0.5 = alike.
    apart
        Whether that is more than three standard errors above 0.5; the weights are 1 otherwise.
    uncovered
        Places of the inputs of which most values of the chunk lie outside the reference.
    """

    ratio: Floats
    halves: Numbers
    separation: float
    apart: bool
    uncovered: tuple[int, ...] = ()

    def weights(self, limit: float) -> Floats:
        """Shape (n,), mean 1: the ratio, cut at the limit and at its inverse."""
        import numpy as np

        cut = np.clip(self.ratio, 1 / limit, limit) if self.apart else np.ones_like(self.ratio)
        weights: Floats = cut / cut.mean()
        return weights


def likeness(reference: Floats, chunk: Floats, seed: int = 0) -> Likeness:
    """Learn where in the space of inputs a chunk is denser than the reference; for a worker process only.

    Parameters
    ----------
    reference, chunk
        Shape (n, inputs) and (m, inputs); NaN where there is no value, words as numbers.
    seed
        Of the rows that are learned from, and of their halves.

    Returns
    -------
    Likeness

    Notes
    -----
    Formula: p / (1 − p) · n / m with the probability p of being of the chunk by LightGBM. Each half of the
    rows is told by trees grown on the other, as long as they help there. Zero: no input like it in the chunk.
    Inputs of which most values of the chunk lie outside the reference (a year, a running number) are left
    out: they tell all apart and say nothing about likeness.
    Source: density ratio by classification (Sugiyama, Suzuki and Kanamori 2012); PAPE, Bialek, Kuberski,
    Perrakis and Bifet 2024.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    known = _overlapping(reference, chunk)
    reference, chunk = reference[:, known], chunk[:, known]
    rows = np.vstack([reference, chunk])
    is_chunk = np.repeat([0, 1], [len(reference), len(chunk)])
    learned = np.concatenate(
        [
            start + random.permutation(len(part))[:MOST_LEARNED]
            for start, part in ((0, reference), (len(reference), chunk))
        ]
    )
    halves = random.integers(0, 2, len(rows))
    odds = _log_odds(rows, is_chunk, halves, learned) if known.any() else np.zeros(len(rows))
    near = np.sort(((1 / (1 + np.exp(-odds[learned]))).view(np.int64) << 1) | is_chunk[learned])
    separation = realised_roc_auc(near)
    few = [min(MOST_LEARNED, len(part)) for part in (reference, chunk)]
    apart = separation - 0.5 > 3 * np.sqrt((sum(few) + 1) / (12 * few[0] * few[1]))
    ratio = np.exp(odds[: len(reference)]) * few[0] / few[1]
    uncovered = tuple(np.flatnonzero(~known).tolist())
    return Likeness(ratio, halves[: len(reference)], separation, bool(apart), uncovered)


def _overlapping(reference: Floats, chunk: Floats) -> NDArray[np.bool_]:
    """Inputs of which at least half of the chunk's values lie among those of the reference."""
    import numpy as np

    low, high = (np.nan_to_num(end(reference, axis=0)) for end in (np.fmin.reduce, np.fmax.reduce))
    inside = ((chunk >= low) & (chunk <= high)) | np.isnan(chunk)
    overlapping: NDArray[np.bool_] = inside.mean(axis=0) >= 0.5
    return overlapping


def _log_odds(rows: Floats, is_chunk: Numbers, halves: Numbers, learned: Numbers) -> Floats:
    """Log odds of each row to be of the chunk, by trees grown on the other half."""
    import numpy as np

    ensure_openmp()
    import lightgbm

    found = np.zeros(len(rows))
    for half in (0, 1):
        own, other = (learned[halves[learned] == one] for one in (1 - half, half))
        grown = lightgbm.Dataset(rows[own], is_chunk[own], params={**_TREES})
        held = lightgbm.Dataset(rows[other], is_chunk[other], reference=grown)
        stop = lightgbm.early_stopping(_PATIENCE, verbose=False)
        trees = lightgbm.train({**_TREES}, grown, _ROUNDS, valid_sets=[held], callbacks=[stop])
        found[halves == half] = trees.predict(rows[halves == half], raw_score=True)
    return found


def weighed_calibration(truth: Numbers, scores: Floats, weights: Floats) -> Calibration:
    """The isotonic calibrator of rows of which each counts with its weight; for a worker process only."""
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(out_of_bounds="clip").fit(scores, truth, sample_weight=weights)
    return Calibration(
        scores=tuple(map(float, fitted.X_thresholds_)), shares=tuple(map(float, fitted.y_thresholds_))
    )


@dataclass(frozen=True)
class ReferenceRows:
    """Reference rows to adapt by: inputs (n, inputs), scores (n, 1 or classes), codes of classes (n,)."""

    inputs: Floats
    scores: Floats
    truth: Numbers
    predicted: Numbers


@dataclass(frozen=True)
class Adapted:
    """Calibrators for one chunk; `separation` as in `Likeness`.

    `held_back`: share of reference rows, held back and weighed like the chunk, that everyone's calibration
    and this one put in the wrong cell; None where the chunk cannot be told apart. `effective_rows`: as how
    many reference rows alike those weighed like the chunk count (Kish). `uncovered` as in `Likeness`.
    """

    calibrators: tuple[Calibration | None, ...]
    separation: float
    held_back: tuple[float, float] | None = None
    effective_rows: float | None = None
    uncovered: tuple[int, ...] = ()


def adapted(
    reference: ReferenceRows, inputs: Floats, everyone: tuple[Calibration | None, ...], seed: int = 0
) -> Adapted:
    """Adapt everyone's calibrators to the inputs (m, inputs) of a chunk; for a worker process only.

    Formula: isotonic calibration of the reference rows, each weighed by its likeness to the chunk; everyone's
    where the inputs cannot be told apart, and where of rows held back and weighed at the widest of `LIMITS`
    less than one in a hundred, or than two standard errors of half of them (1 / √ of the effective number of
    rows, Kish 1965), would come to its right cell. Weights are cut at the narrowest than which no wider
    one brings another half a row in a hundred there. Assumes that P(y|x) holds still. Source: as `likeness`;
    importance-weighted validation by Sugiyama, Krauledat and Mueller 2007.
    """
    import numpy as np

    found = likeness(reference.inputs, inputs, seed)
    if not found.apart:
        rows = float(len(reference.truth))
        return Adapted(everyone, found.separation, None, rows, found.uncovered)
    widest = found.weights(LIMITS[-1])

    def error(weights: Floats, known: Sequence[bool]) -> float:
        chances = np.zeros((len(widest), max(2, len(everyone))))
        for half in (0, 1):
            own, other = found.halves == half, found.halves != half
            learned = _calibrators(reference, weights, other)
            used = [one if calibrated else None for one, calibrated in zip(learned, known, strict=True)]
            chances[own] = _chances(reference.scores[own], used)
        return misplaced(chances, reference.truth, reference.predicted, widest)

    plain = error(np.ones_like(widest), [one is not None for one in everyone])
    worth = max(_WORTH, float(np.sqrt((widest**2).sum()) / widest.sum()))
    chosen, least = None, plain
    for limit in LIMITS:
        left = error(found.weights(limit), [True] * len(everyone))
        if left < least - (worth if chosen is None else _WIDER):
            chosen, least = found.weights(limit), left
    used = widest if chosen is None else chosen
    about = (float(used.sum() ** 2 / (used**2).sum()), found.uncovered)
    if chosen is None:
        return Adapted(everyone, found.separation, (plain, plain), *about)
    whole = _calibrators(reference, chosen, np.ones(len(chosen), np.bool_))
    return Adapted(tuple(whole), found.separation, (plain, least), *about)


def _calibrators(
    reference: ReferenceRows, weights: Floats, chosen: NDArray[np.bool_]
) -> list[Calibration | None]:
    classes = reference.scores.shape[1]
    return [
        weighed_calibration(
            (reference.truth[chosen] == (1 if classes == 1 else place)).astype("int64"),
            reference.scores[chosen, place],
            weights[chosen],
        )
        for place in range(classes)
    ]


def _chances(scores: Floats, calibrators: Sequence[Calibration | None]) -> Floats:
    import numpy as np

    if len(calibrators) > 1:
        return normalised(scores, calibrators)
    one = scores[:, 0] if calibrators[0] is None else calibrators[0].apply(scores[:, 0])
    return np.column_stack([1 - one, one])


def misplaced(chances: Floats, truth: Numbers, predicted: Numbers, weights: Floats) -> float:
    """Share of rows that chances put in the wrong cell of the confusion matrix, each with its weight.

    Parameters
    ----------
    chances
        Shape (n, classes): probability of each class.
    truth, predicted
        Shape (n,): numbers of classes.
    weights
        Shape (n,).

    Returns
    -------
    float
        0.0 (every cell as expected) to 1.0: half the sum of |expected − realised| over the cells.

    Examples
    --------
    >>> import numpy as np
    >>> misplaced(np.array([[0.4, 0.6], [0.4, 0.6]]), np.array([1, 1]), np.array([1, 1]), np.ones(2))
    0.4
    """
    import numpy as np

    classes = chances.shape[1]
    gaps = (chances - np.eye(classes)[truth]) * weights[:, np.newaxis]
    cells = np.stack([np.bincount(predicted, gaps[:, place], classes) for place in range(classes)])
    return round(float(np.abs(cells).sum() / 2 / weights.sum()), 12)
