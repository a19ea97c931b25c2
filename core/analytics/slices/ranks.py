"""The area under the ROC curve by slice, from the order of the scores, with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.analytics.intervals import FEW, Interval, normal_quantile, student_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEPS = 45


@dataclass(frozen=True, slots=True)
class RankSums:
    """What the order of a slice's scores comes down to.

    Parameters
    ----------
    positives, negatives
        Labelled rows with a score.
    doubled_wins
        Twice the pairs in which the positive row has the higher score, ties counting half; exact.
    spread_positives
        Sum over the positive rows of (share of negatives below it, ties half, minus the area) squared.
    spread_negatives
        The same for the negative rows and the positives above them.

    Examples
    --------
    >>> RankSums(2, 2, 7, 0.1, 0.1).value
    0.875
    """

    positives: int
    negatives: int
    doubled_wins: int
    spread_positives: float
    spread_negatives: float

    @property
    def value(self) -> float | None:
        """Area under the ROC curve, 0.0 to 1.0; None where a class is missing."""
        pairs = self.positives * self.negatives
        return self.doubled_wins / (2 * pairs) if pairs else None

    @property
    def variance(self) -> float | None:
        """DeLong's variance of the area; None with fewer than two rows of a class."""
        if self.positives < 2 or self.negatives < 2:
            return None
        return sum(self._variances)

    @property
    def _variances(self) -> tuple[float, float]:
        """What either class adds to DeLong's variance."""
        m, n = self.positives, self.negatives
        return self.spread_positives / (m - 1) / m, self.spread_negatives / (n - 1) / n

    @property
    def freedom(self) -> float:
        """Satterthwaite's degrees of freedom of DeLong's variance, where it is above 0."""
        own, other = self._variances
        return (own + other) ** 2 / (own**2 / (self.positives - 1) + other**2 / (self.negatives - 1))

    @property
    def telling(self) -> float:
        """How many rows win or lose, of the class and kind with the fewest: as many whole ones as tell alike.

        Formula: (Σw)² / Σw² over the shares w of pairs that a row wins, or loses (Kish 1965).
        """
        area = self.value or 0.0
        both = ((self.positives, self.spread_positives), (self.negatives, self.spread_negatives))
        return min(
            (rows * share) ** 2 / (spread + rows * share**2) if share > 0 else 0.0
            for rows, spread in both
            for share in (area, 1 - area)
        )


def rank_sums(
    slice_ids: NDArray[Any],
    scores: NDArray[Any],
    positive: NDArray[Any],
    slices: int,
    *,
    rising: bool = False,
) -> list[RankSums]:
    """Rank the scores of each slice.

    Parameters
    ----------
    slice_ids
        Shape (n,), whole numbers from 0 to `slices` - 1: the slice each row is in.
    scores
        Shape (n,), finite; higher speaks for the positive class.
    positive
        Shape (n,), True where the label is the positive class.
    slices
        How many slices there are; those without a row get sums of nought.
    rising
        True when the scores are known to rise already.

    Returns
    -------
    list of RankSums
        One a slice.

    Notes
    -----
    Formula: rows are sorted once by slice and score; in a run of equal scores every positive row beats the
    negatives below the run and half of those in it. Counts are whole numbers and exact.
    Source: Sun and Xu 2014, IEEE Signal Process. Lett. 21(11) (DeLong's variance by sorting).

    Examples
    --------
    >>> import numpy as np
    >>> ids, scores = np.array([0, 0, 0, 0]), np.array([0.1, 0.4, 0.35, 0.8])
    >>> rank_sums(ids, scores, np.array([False, False, True, True]), 1)[0].value
    0.75
    """
    import numpy as np

    if len(scores) == 0:
        return [RankSums(0, 0, 0, 0.0, 0.0)] * slices
    order = np.arange(len(scores)) if rising else np.argsort(scores)
    order = order[np.argsort(slice_ids[order], kind="stable")]
    ids, sorted_scores, won = slice_ids[order], scores[order], positive[order].astype(np.int64)
    starts = np.flatnonzero(np.r_[True, (ids[1:] != ids[:-1]) | (sorted_scores[1:] != sorted_scores[:-1])])
    run_ids = ids[starts].astype(np.int64)
    ups = np.add.reduceat(won, starts)
    downs = np.diff(np.r_[starts, len(ids)]) - ups
    positives = np.bincount(run_ids, weights=ups, minlength=slices).astype(np.int64)
    negatives = np.bincount(run_ids, weights=downs, minlength=slices).astype(np.int64)
    before = np.r_[0, np.cumsum(negatives)[:-1]][run_ids]
    below = 2 * (np.cumsum(downs) - downs - before) + downs
    until = np.cumsum(positives)[run_ids]
    above = 2 * (until - np.cumsum(ups)) + ups
    firsts = np.flatnonzero(np.r_[True, run_ids[1:] != run_ids[:-1]])
    wins = np.zeros(slices, dtype=np.int64)
    wins[run_ids[firsts]] = np.add.reduceat(ups * below, firsts)
    with np.errstate(divide="ignore", invalid="ignore"):
        area = wins / (2.0 * positives * negatives)
        own = ups * np.nan_to_num(below / (2.0 * negatives[run_ids]) - area[run_ids]) ** 2
        other = downs * np.nan_to_num(above / (2.0 * positives[run_ids]) - area[run_ids]) ** 2
    columns = (
        positives,
        negatives,
        wins,
        np.bincount(run_ids, weights=own, minlength=slices),
        np.bincount(run_ids, weights=other, minlength=slices),
    )
    return [RankSums(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def ranking_interval(ranks: RankSums, confidence: float = 0.95) -> Interval | None:
    """Confidence interval of an area under the ROC curve.

    Parameters
    ----------
    ranks
        Of the slice.
    confidence
        0.0 to 1.0, both excluded.

    Returns
    -------
    Interval or None
        Within 0.0 and 1.0. None where a class is missing.

    Notes
    -----
    Formula: logit(A) ± t·√V / (A·(1 - A)) brought back from the logit, V being DeLong's variance and t
    Student's quantile with Satterthwaite's degrees of freedom. Where few rows tell (`RankSums.telling` below
    30), that covers as little as 65 % at 95 %; there the interval also holds the areas θ with
    |A - θ| ≤ z·√(θ(1-θ)(1 + N·((1-θ)/(2-θ) + θ/(1+θ))) / (m·n)), N = (m + n)/2 - 1.
    Leaves out: dependence between rows.
    Source: DeLong et al. 1988, Biometrics 44; Pepe 2003 (logit); Brunner and Munzel 2000, Biom. J. 42 (t);
    Newcombe 2006, Stat. Med. 25, method 5.

    Examples
    --------
    >>> found = ranking_interval(RankSums(50, 50, 5000, 0.0, 0.0))  # the order is perfect
    >>> round(found.low, 3), found.high
    (0.96, 1.0)
    """
    area, variance = ranks.value, ranks.variance
    if area is None:
        return None
    z = normal_quantile(confidence)
    if not variance or not 0 < area < 1:
        return _newcombe(area, ranks.positives, ranks.negatives, z, confidence)
    middle = math.log(area / (1 - area))
    half = student_quantile(z, ranks.freedom) * math.sqrt(variance) / (area * (1 - area))
    found = Interval(_from_logit(middle - half), _from_logit(middle + half), confidence)
    if ranks.telling >= FEW:
        return found
    wider = _newcombe(area, ranks.positives, ranks.negatives, z, confidence)
    return Interval(min(found.low, wider.low), max(found.high, wider.high), confidence)


def _from_logit(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0


def _newcombe(area: float, positives: int, negatives: int, z: float, confidence: float) -> Interval:
    pairs, more = positives * negatives, (positives + negatives) / 2 - 1

    def too_far(theta: float) -> bool:
        spread = 1 + more * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return (area - theta) ** 2 > z * z * theta * (1 - theta) * spread / pairs

    def end(inside: float, outside: float) -> float:
        for _ in range(_STEPS):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if too_far(middle) else (middle, outside)
        return inside

    return Interval(0.0 if area == 0 else end(area, 0.0), 1.0 if area == 1 else end(area, 1.0), confidence)
