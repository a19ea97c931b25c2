"""The values of slicing: a band, a slice's counts, a limit, and the report made of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate, pairwise
from types import MappingProxyType
from typing import Any, Literal

from core.analytics.intervals import Interval
from core.analytics.slices.metric import MetricDefinition
from core.analytics.slices.ranks import RankSums
from core.analytics.slices.significance import Correction
from core.ground.figure import Task, VerdictName

MISSING = "(missing)"
EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Band:
    """A number feature cut in bands: below the first cut, between cuts, from the last cut on.

    Parameters
    ----------
    feature
        Column name.
    cuts
        Rising, finite, in the feature's unit; a value equal to a cut belongs to the band above it.
        No cut at all makes one band.

    Raises
    ------
    ValueError
        The cuts do not rise or are not finite.

    Examples
    --------
    >>> Band("age", (30, 45)).labels
    ('under 30', '30 to under 45', '45 and over')
    """

    feature: str
    cuts: tuple[float, ...]

    def __post_init__(self) -> None:
        rising = all(low < high for low, high in pairwise(self.cuts))
        if not rising or not all(math.isfinite(cut) for cut in self.cuts):
            raise ValueError(f"the cuts of {self.feature!r} must be finite and rise: {self.cuts}")

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the bands from low to high; one more than there are cuts."""
        if not self.cuts:
            return ("any value",)
        texts = _cut_texts(self.cuts)
        between = (f"{low} to under {high}" for low, high in pairwise(texts))
        return (f"under {texts[0]}", *between, f"{texts[-1]} and over")


@dataclass(frozen=True, slots=True)
class SliceCounts:
    """Counts and sums of one slice; every metric follows from them exactly.

    Parameters
    ----------
    keys
        (feature, value) for each feature sliced by, in that order; empty for everyone.
    task
        "binary", "regression" or "multiclass" (one named class against all others).
    rows, predicted, labelled
        Rows; rows with a prediction; rows with a prediction and a label.
    selected, tp, fp, fn, tn
        Rows predicted positive; labelled rows by prediction and label. tp + fp + fn + tn = labelled.
    sum_error, sum_absolute_error, sum_squared_error
        Regression only: sums over the labelled rows of prediction - label, its size and its square.
    spread_error, spread_absolute_error, spread_squared_error
        Of each of these three: the sum of squared deviations from the slice's own mean.
    scored, sum_score_gap, spread_score_gap
        Classes only, when asked for: labelled rows with a score; sum of score - label (1 for the positive
        class, else 0), and of its squared deviations from the slice's mean.
    ranks
        Classes only, when asked for: what the order of the scores comes down to.

    Examples
    --------
    >>> SliceCounts((("sex", "2"), ("race", "1")), "binary", rows=5).label
    '2 · 1'
    """

    keys: tuple[tuple[str, str], ...]
    task: Task
    rows: int
    predicted: int = 0
    labelled: int = 0
    selected: int = 0
    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0
    sum_error: float = 0.0
    sum_absolute_error: float = 0.0
    sum_squared_error: float = 0.0
    spread_error: float = 0.0
    spread_absolute_error: float = 0.0
    spread_squared_error: float = 0.0
    scored: int = 0
    sum_score_gap: float = 0.0
    spread_score_gap: float = 0.0
    ranks: RankSums | None = None

    @property
    def label(self) -> str:
        """The slice's values in one line."""
        return " · ".join(value for _, value in self.keys) or EVERYONE

    def total(self, names: tuple[str, ...]) -> float:
        """Sum of the named counts or sums."""
        return math.fsum(getattr(self, name) for name in names)

    def group(self, spread: str) -> Group:
        """Number, total and spread of the values that a spread is of."""
        total, n = SPREADS[spread]
        return getattr(self, n), getattr(self, total), getattr(self, spread)


Group = tuple[float, float, float]
"""Number of values, their sum, and the sum of their squared deviations from their mean."""
SPREADS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "spread_error": ("sum_error", "labelled"),
        "spread_absolute_error": ("sum_absolute_error", "labelled"),
        "spread_squared_error": ("sum_squared_error", "labelled"),
        "spread_score_gap": ("sum_score_gap", "scored"),
    }
)
"""Spread -> total and number of the same values, as fields of `SliceCounts`."""


def joined_spread(groups: Iterable[Group]) -> float:
    """Sum of squared deviations of all values from their mean, from those of groups of them.

    Parameters
    ----------
    groups
        Groups that do not overlap; those without a value change nothing.

    Returns
    -------
    float
        0.0 without a value. In the values' unit squared.

    Notes
    -----
    Formula: sum(spread + n·(mean of the group - mean of all)²). Nothing cancels, as it does in the sum of
    squares less n·mean²: equal values have no spread, however many there are and however large.
    Source: Chan, Golub and LeVeque 1983, Am. Stat. 37(3).

    Examples
    --------
    >>> joined_spread([(2, 6.0, 2.0), (1, 9.0, 0.0)])  # the values 2, 4 and 9
    26.0
    """
    known = [group for group in groups if group[0]]
    if not known:
        return 0.0
    mean = math.fsum(total for _, total, _ in known) / sum(n for n, _, _ in known)
    offs = ((n, total / n - mean, spread) for n, total, spread in known)
    return math.fsum(spread + n * off * off for n, off, spread in offs)


@dataclass(frozen=True, slots=True)
class Limit:
    """How far a slice may be from the reference.

    Parameters
    ----------
    kind
        "ratio": the ratio to the reference lies between `value` and 1 / `value`, both included (0.8 is the
        four-fifths rule). "difference": it is at most `value` away, up or down, in the metric's unit.
    value
        Ratio: above 0, at most 1. Difference: 0 or more.

    Raises
    ------
    ValueError
        A value outside these.

    Examples
    --------
    >>> Limit("ratio", 0.8).ends
    (0.8, 1.25)
    """

    kind: Literal["ratio", "difference"]
    value: float

    def __post_init__(self) -> None:
        fits = 0 < self.value <= 1 if self.kind == "ratio" else 0 <= self.value < math.inf
        if not fits:
            raise ValueError(f"{self.value} cannot limit a {self.kind}")

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest value within the limit."""
        return (self.value, 1 / self.value) if self.kind == "ratio" else (-self.value, self.value)


@dataclass(frozen=True, slots=True)
class SliceFigures:
    """One line of a slice report.

    Parameters
    ----------
    label, keys
        Of the slice.
    rows, n
        Rows in all, and rows that count towards the metric (its denominator).
    value, interval
        The metric; None when undefined.
    gap, gap_interval
        Value minus reference, in the metric's unit; None when either is undefined.
    ratio, ratio_interval
        Value over reference; None when either is undefined or the reference is 0, and for the mean error.
    verdict
        None when no limit was given; "cannot_tell" for too few rows, undefined, or an interval that
        straddles the limit.
    note
        Why, in one sentence.
    p_value, adjusted_p
        Of the test against the reference, alone and corrected for the number of slices tested; None where
        nothing was tested (the reference itself, too small, undefined).
    too_small
        Fewer than `min_rows` rows count towards the metric.
    is_reference
        This slice is what the others are held against.

    Examples
    --------
    >>> SliceFigures.__slots__[:4]
    ('label', 'keys', 'rows', 'n')
    """

    label: str
    keys: tuple[tuple[str, str], ...]
    rows: int
    n: int
    value: float | None
    interval: Interval | None
    gap: float | None
    gap_interval: Interval | None
    ratio: float | None
    ratio_interval: Interval | None
    verdict: VerdictName | None
    note: str
    too_small: bool
    is_reference: bool
    p_value: float | None = None
    adjusted_p: float | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A slice that took no part in the widest difference and the lowest ratio, and why."""

    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class SliceReport:
    """All slices of one metric against one reference.

    Parameters
    ----------
    metric
        The metric's definition.
    limit
        None when nothing is judged.
    min_rows, confidence
        As asked.
    reference_label, reference_value
        What the slices are held against; None when no slice can serve.
    overall_value, overall_n
        The metric over everyone.
    slices
        In the order given.
    widest_difference, lowest_ratio
        Highest minus lowest and lowest over highest value of the slices with enough rows (demographic parity
        difference and ratio, when the metric is the selection rate). None with fewer than two such slices.
    highest_label, lowest_label
        Which slices those are.
    verdict, note
        "fail" if any slice fails, else "cannot_tell" if any cannot tell or fewer than two could be compared,
        else "pass". None without a limit.
    left_out
        Slices too small or undefined.
    correction, tested
        How p values are corrected, and how many slices were tested.
    different
        Slices whose corrected p value is at most 1 - confidence.

    Examples
    --------
    >>> SliceReport.__slots__[0]
    'metric'
    """

    metric: MetricDefinition
    limit: Limit | None
    min_rows: int
    confidence: float
    reference_label: str | None
    reference_value: float | None
    overall_value: float | None
    overall_n: int
    slices: tuple[SliceFigures, ...]
    widest_difference: float | None
    lowest_ratio: float | None
    highest_label: str | None
    lowest_label: str | None
    verdict: VerdictName | None
    note: str
    left_out: tuple[LeftOut, ...]
    correction: Correction = "holm"
    tested: int = 0
    different: int = 0


_SUMMED = tuple(total for total, _ in SPREADS.values())
_COUNTED = tuple(
    field.name
    for field in fields(SliceCounts)
    if field.name not in ("keys", "task", "ranks", *_SUMMED, *SPREADS)
)


def total_of(counts: Sequence[SliceCounts]) -> SliceCounts:
    """Add slices up to everyone.

    Parameters
    ----------
    counts
        At least one slice; slices that do not overlap.

    Returns
    -------
    SliceCounts
        With no keys and no ranks: the order within slices does not give the order over all.

    Raises
    ------
    ValueError
        No slice, or slices of different tasks.

    Examples
    --------
    >>> total_of([SliceCounts((("a", "x"),), "binary", 2), SliceCounts((("a", "y"),), "binary", 3)]).rows
    5
    """
    if len({each.task for each in counts}) != 1:
        raise ValueError("give at least one slice, and all of one task")
    whole: dict[str, Any] = {name: sum(getattr(each, name) for each in counts) for name in _COUNTED}
    whole |= {name: math.fsum(getattr(each, name) for each in counts) for name in _SUMMED}
    whole |= {name: joined_spread(each.group(name) for each in counts) for name in SPREADS}
    return SliceCounts((), counts[0].task, **whole)


def rests_of(counts: Sequence[SliceCounts]) -> list[SliceCounts]:
    """Everyone but each slice, in the order of the slices.

    Parameters
    ----------
    counts
        At least one slice; slices that do not overlap.

    Returns
    -------
    list of SliceCounts
        With no keys and no ranks. Spreads are joined from the other slices, as a difference would cancel.

    Examples
    --------
    >>> [rest.rows for rest in rests_of([SliceCounts((), "binary", 2), SliceCounts((), "binary", 3)])]
    [3, 2]
    """
    whole = total_of(counts)
    spreads = {name: _but_each([each.group(name) for each in counts]) for name in SPREADS}
    rests = []
    for place, part in enumerate(counts):
        left = {name: getattr(whole, name) - getattr(part, name) for name in _COUNTED}
        for spread, (total, _) in SPREADS.items():
            left[total], left[spread] = spreads[spread][place][1:]
        rests.append(SliceCounts((), whole.task, **left))
    return rests


def _but_each(groups: Sequence[Group]) -> list[Group]:
    """All groups but one joined, for each of them: what comes before it with what comes after."""

    def join(one: Group, other: Group) -> Group:
        return one[0] + other[0], one[1] + other[1], joined_spread((one, other))

    nothing: Group = (0, 0.0, 0.0)
    before = accumulate(groups[:-1], join, initial=nothing)
    after = reversed(list(accumulate(reversed(groups[1:]), join, initial=nothing)))
    return [join(one, other) for one, other in zip(before, after, strict=True)]


def _cut_texts(cuts: tuple[float, ...]) -> list[str]:
    """Write cuts with as few digits as keep them apart."""
    for digits in range(4, 18):
        texts = [f"{cut:,.0f}" if float(cut).is_integer() else f"{cut:.{digits}g}" for cut in cuts]
        if len(set(texts)) == len(cuts):
            break
    return texts
