"""ROC and calibration curves by group, from how often each score occurs with either label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.analytics.intervals import FEW, Interval, exact_interval, wilson_interval
from core.analytics.slices.counts import EVERYONE
from core.analytics.slices.ranks import RankSums, rank_sums, ranking_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_POINTS = 101
"""Points of a ROC curve that are told; the area is of all."""


@dataclass(frozen=True, eq=False)
class ScoreCounts:
    """How often each score occurs in a group, with either label.

    Parameters
    ----------
    keys
        (feature, value) of the group; empty for everyone.
    scores
        Shape (scores,), rising, each once.
    positives, negatives
        Shape (scores,), rows of the positive class and of all others.
    """

    keys: tuple[tuple[str, str], ...]
    scores: NDArray[Any]
    positives: NDArray[Any]
    negatives: NDArray[Any]

    @property
    def label(self) -> str:
        """The group's values in one line."""
        return " · ".join(value for _, value in self.keys) or EVERYONE

    @property
    def ranks(self) -> RankSums:
        """What the order of the scores comes down to."""
        import numpy as np

        runs = np.stack([self.positives, self.negatives], axis=1)
        scores = np.repeat(self.scores, runs.sum(axis=1))
        won = np.repeat(np.tile([True, False], len(runs)), runs.ravel())
        return rank_sums(np.zeros(len(scores), np.uint16), scores, won, 1, rising=True)[0]


@dataclass(frozen=True, slots=True)
class RocPoint:
    """Rates where every score from `threshold` on counts as positive; None before the first score."""

    false_positive_rate: float
    true_positive_rate: float
    threshold: float | None


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Rows with scores above `low` up to `high` (the first bin from `low` on).

    Parameters
    ----------
    n, positives
        Rows, and those of the positive class.
    mean_score, share
        Mean of the scores, and the share of positive labels: alike where scores are calibrated.
    interval
        Of the share: Clopper and Pearson's where fewer than 30 are positive or negative, else Wilson's.
    """

    low: float
    high: float
    n: int
    positives: int
    mean_score: float
    share: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class GroupCurves:
    """Both curves of one group.

    Parameters
    ----------
    label, n, positives
        Of the group: rows with a score and a label, and those of the positive class.
    area, interval
        Area under the ROC curve; None where a class is missing or the group is withheld.
    roc
        From (0, 0) to (1, 1), at most `MOST_POINTS`; empty where a class is missing.
    calibration
        Bins that have a row, of rising score; empty where a score is no probability.
    note
        What is withheld or undefined, and why.
    """

    label: str
    n: int
    positives: int
    area: float | None = None
    interval: Interval | None = None
    roc: tuple[RocPoint, ...] = ()
    calibration: tuple[CalibrationBin, ...] = ()
    note: str = ""


def group_curves(counts: ScoreCounts, *, min_rows: int, bins: int = 10) -> GroupCurves:
    """Work out both curves of a group.

    Parameters
    ----------
    counts
        Of the group.
    min_rows
        Rows below which its curves are withheld.
    bins
        Equally wide ones of the scores from 0 to 1.

    Notes
    -----
    Formula: see `roc_points` and `calibration_bins`; the area and its interval are those of `RankSums` and
    `ranking_interval`. Leaves out: which threshold is in use, and whether groups differ beyond chance
    (the metrics calibration gap and area under the ROC curve tell). Source: Fawcett 2006, Pattern Recogn.
    Lett. 27; DeGroot and Fienberg 1983, The Statistician 32.

    Examples
    --------
    >>> import numpy as np
    >>> group = ScoreCounts((), np.array([0.2, 0.8]), np.array([1, 3]), np.array([3, 1]))
    >>> found = group_curves(group, min_rows=1)
    >>> found.area, [(each.mean_score, each.share) for each in found.calibration]
    (0.75, [(0.2, 0.25), (0.8, 0.75)])
    >>> group_curves(group, min_rows=100).note
    'Too small: 8 rows have a score and a label, 100 are needed.'
    """
    positives, negatives = int(counts.positives.sum()), int(counts.negatives.sum())
    n = positives + negatives
    if n < max(1, min_rows):
        needed = f"Too small: {n:,} rows have a score and a label, {max(1, min_rows):,} are needed."
        return GroupCurves(counts.label, n, positives, note=needed)
    notes = []
    if not positives or not negatives:
        notes.append("No ROC curve: all labels are alike.")
    probable = counts.scores[0] >= 0 and counts.scores[-1] <= 1
    if not probable:
        notes.append("No calibration: some scores are below 0 or above 1.")
    ranks = counts.ranks
    return GroupCurves(
        counts.label,
        n,
        positives,
        ranks.value,
        ranking_interval(ranks),
        _thinned(roc_points(counts)) if positives and negatives else (),
        calibration_bins(counts, bins) if probable else (),
        " ".join(notes),
    )


def roc_points(counts: ScoreCounts) -> tuple[RocPoint, ...]:
    """The ROC curve by falling threshold, one point a score.

    Formula: share of negative and of positive rows with that score or a higher one; equal to
    `sklearn.metrics.roc_curve` that drops nothing. Needs rows of both classes.

    Examples
    --------
    >>> import numpy as np
    >>> points = roc_points(ScoreCounts((), np.array([0.2, 0.8]), np.array([1, 3]), np.array([3, 1])))
    >>> [(each.false_positive_rate, each.true_positive_rate) for each in points]
    [(0.0, 0.0), (0.25, 0.75), (1.0, 1.0)]
    """
    import numpy as np

    hits, alarms = (np.cumsum(each[::-1]) for each in (counts.positives, counts.negatives))
    rates = zip((alarms / alarms[-1]).tolist(), (hits / hits[-1]).tolist(), counts.scores[::-1], strict=True)
    return (RocPoint(0.0, 0.0, None), *(RocPoint(x, y, float(score)) for x, y, score in rates))


def _thinned(points: Sequence[RocPoint]) -> tuple[RocPoint, ...]:
    """At most so many points, about equally far from each other along the curve; the ends stay."""
    if len(points) <= MOST_POINTS:
        return tuple(points)
    kept, step = [points[0]], 2 / (MOST_POINTS - 2)
    for point in points[1:-1]:
        gone = point.false_positive_rate + point.true_positive_rate
        if gone - kept[-1].false_positive_rate - kept[-1].true_positive_rate >= step:
            kept.append(point)
    return (*kept, points[-1])


def calibration_bins(counts: ScoreCounts, bins: int = 10) -> tuple[CalibrationBin, ...]:
    """Share of positive labels by bin of the score, as `sklearn.calibration.calibration_curve` bins it."""
    import numpy as np

    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.searchsorted(edges[1:-1], counts.scores)
    rows = counts.positives + counts.negatives
    sums = (np.bincount(place, each, bins) for each in (rows, counts.positives, rows * counts.scores))
    columns = (each.tolist() for each in (edges[:-1], edges[1:], *sums))
    return tuple(
        CalibrationBin(low, high, int(n), int(won), total / n, won / n, _share(int(won), int(n)))
        for low, high, n, won, total in zip(*columns, strict=True)
        if n
    )


def _share(positives: int, n: int) -> Interval:
    """The interval of a share."""
    if min(positives, n - positives) < FEW:
        return exact_interval(positives, n, 0.95)
    found = wilson_interval(positives, n)
    assert found is not None  # there are rows
    return found
