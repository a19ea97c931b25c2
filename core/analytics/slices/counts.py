"""Counts and sums of a slice, and of the finest slices as columns; every metric follows from them exactly."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from core.analytics.slices.ranks import RankSums, rank_sums
from core.analytics.slices.rows import MISSING
from core.ground import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVERYONE = "everyone"
Keys = tuple[tuple[str, str], ...]
"""(feature, value) for each feature sliced by."""


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
    mistaken
        Of tn: rows predicted as another class than their own, neither of them the positive one. 0 of two
        classes.
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

    keys: Keys
    task: Task
    rows: int
    predicted: int = 0
    labelled: int = 0
    selected: int = 0
    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0
    mistaken: int = 0
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
        return label_of(self.keys)

    @property
    def right(self) -> int:
        """Labelled rows whose prediction is their label."""
        return self.tp + self.tn - self.mistaken

    def total(self, names: tuple[str, ...]) -> float:
        """Sum of the named counts or sums."""
        return math.fsum(getattr(self, name) for name in names)

    def group(self, spread: str) -> Group:
        """Number, total and spread of the values that a spread is of."""
        total, n = SPREADS[spread]
        return getattr(self, n), getattr(self, total), getattr(self, spread)


def in_their_order(counts: Sequence[SliceCounts], orders: Mapping[str, Sequence[str]]) -> list[SliceCounts]:
    """Slices by the order given for the values of ordered features; all else stays as it is.

    Examples
    --------
    >>> found = [SliceCounts((("grade", value),), "binary", rows=1) for value in ("high", "low", "none")]
    >>> [each.label for each in in_their_order(found, {"grade": ("low", "mid", "high")})]
    ['low', 'high', 'none']
    """
    before: dict[str, dict[str, int]] = {}
    for each in counts:
        for feature, value in each.keys:
            known = before.setdefault(feature, {other: n for n, other in enumerate(orders.get(feature, ()))})
            known.setdefault(value, len(known))
    if not any(orders.get(feature) for feature in before):
        return list(counts)
    return sorted(counts, key=lambda each: [before[feature][value] for feature, value in each.keys])


def label_of(keys: Keys) -> str:
    """A slice's values in one line."""
    return " · ".join(value for _, value in keys) or EVERYONE


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


@dataclass(frozen=True, slots=True)
class Absent:
    """A slice that one set of rows has and the other has not, by more than chance.

    Parameters
    ----------
    label, keys
        Of the slice.
    rows, of
        Its rows where it is, and all rows there.
    """

    label: str
    keys: Keys
    rows: int
    of: int

    @property
    def told(self) -> str:
        """The slice with its features, and its share where it is."""
        values = " · ".join(f"{feature} {value}" for feature, value in self.keys)
        return f"{values} ({self.rows / self.of:.1%})"


def absent_slices(
    there: Mapping[Keys, int], here: Mapping[Keys, int], error: float = 0.05
) -> tuple[Absent, ...]:
    """Slices that `there` has and `here` has not, by more than chance; the largest first.

    Parameters
    ----------
    there, here
        Rows by slice of two sets of rows. A value that is missing makes no slice.
    error
        Chance of calling any slice absent where both sets are drawn alike, 0.0 to 1.0.

    Notes
    -----
    Formula: k of the N rows there and none of the n here. Drawn alike, all k fall there with a chance of at
    most (N / (N + n)) ** k; told where that, times the number of slices there, is at most `error`.
    Leaves out: slices so small that chance alone may leave them out.
    Source: Fisher's exact test (hypergeometric), bounded from above; Dunn 1961 for the number of slices.

    Examples
    --------
    >>> men, women = (("sex", "male"),), (("sex", "female"),)
    >>> [each.label for each in absent_slices({men: 80, women: 20}, {men: 100})]
    ['female']
    >>> absent_slices({men: 98, women: 2}, {men: 100})
    ()
    """
    of, n = sum(there.values()), sum(here.values())
    if not of or not n:
        return ()
    known = {keys: rows for keys, rows in there.items() if MISSING not in (value for _, value in keys)}
    least = math.log(error / max(1, len(known))) / math.log(of / (of + n))
    found = [
        Absent(label_of(keys), keys, rows, of)
        for keys, rows in known.items()
        if keys not in here and rows >= least
    ]
    return tuple(sorted(found, key=lambda each: (-each.rows, each.label)))


def unlike(absent: Sequence[Absent], new: Sequence[Absent], least: int) -> tuple[str, ...]:
    """Say which slices only the reference has, and which it has not; a phrase each.

    Slices of fewer than `least` rows go without their names: a group of few is somebody.
    """
    told = {"no row here, but in the reference": absent, "no row in the reference, but here": new}
    return tuple(f"{what}: {_listed(slices, least)}" for what, slices in told.items() if slices)


def _listed(slices: Sequence[Absent], least: int) -> str:
    """The largest by name, with their share where they are."""
    named = [each.told for each in slices if each.rows >= least][:5]
    rest = len(slices) - len(named)
    more = f"{rest} {'more' if named else 'of few rows'}" if rest else ""
    return " and ".join(filter(None, (", ".join(named), more)))


@dataclass(frozen=True, eq=False)
class SliceCells:
    """Every combination of values that occurs, with its counts. Each slice is a union of cells.

    Parameters
    ----------
    task
        Of the model.
    features
        Names, in the order of `codes`.
    values
        For each feature, its values as slices name them.
    codes
        Shape (features, cells), whole numbers: the place in `values` of the cell's value.
    counts
        Field of `SliceCounts` -> shape (cells,).
    scores, positive
        For rankings, where a cell is one row: shape (cells,), the score (rising) and whether the label is the
        positive class. None else.
    """

    task: Task
    features: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    codes: NDArray[Any]
    counts: Mapping[str, NDArray[Any]]
    scores: NDArray[Any] | None = None
    positive: NDArray[Any] | None = None

    def total(self, names: Sequence[str]) -> NDArray[Any]:
        """Sum of the named counts of each cell."""
        import numpy as np

        found: NDArray[Any] = np.zeros(self.codes.shape[1])
        for name in names:
            found = found + (self._right if name == "right" else self.counts[name])
        return found

    @property
    def _right(self) -> NDArray[Any]:
        """As `SliceCounts.right`."""
        found: NDArray[Any] = self.counts["tp"] + self.counts["tn"]
        return found - self.counts["mistaken"] if "mistaken" in self.counts else found

    def slice_of(self, place: Sequence[int], codes: Sequence[int]) -> SliceCounts:
        """Counts of the slice where the features at `place` have the values at `codes`; else of all."""
        inside = self._inside(place, codes)
        keys = tuple((self.features[f], self.values[f][c]) for f, c in zip(place, codes, strict=True))
        return SliceCounts(keys, self.task, ranks=self._ranks(inside), **self._sums(inside))

    def rest_of(self, place: Sequence[int], codes: Sequence[int]) -> SliceCounts:
        """Counts of all rows outside that slice, without ranks."""
        return SliceCounts((), self.task, **self._sums(~self._inside(place, codes)))

    def spreads(self, name: str, ids: NDArray[Any], slices: int) -> NDArray[Any]:
        """A spread of `SliceCounts` of each slice, joined from those of its cells; see `joined_spread`."""
        import numpy as np

        total, n = (self.counts[each] for each in SPREADS[name])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            means = np.bincount(ids, total, slices) / np.bincount(ids, n, slices)
            offs = np.where(n > 0, total / n - means[ids], 0.0)
            return np.bincount(ids, self.counts[name] + n * offs * offs, slices)

    def _inside(self, place: Sequence[int], codes: Sequence[int]) -> NDArray[Any]:
        import numpy as np

        inside = np.ones(self.codes.shape[1], dtype=bool)
        for feature, code in zip(place, codes, strict=True):
            inside &= self.codes[feature] == code
        return inside

    def _sums(self, inside: NDArray[Any]) -> dict[str, Any]:
        sums = {name: column[inside].sum().item() for name, column in self.counts.items()}
        ids = (~inside).astype(int)
        return sums | {name: float(self.spreads(name, ids, 2)[0]) for name in SPREADS if name in self.counts}

    def _ranks(self, inside: NDArray[Any]) -> RankSums | None:
        if self.scores is None or self.positive is None:
            return None
        import numpy as np

        rows = np.flatnonzero(inside)
        return rank_sums(
            np.zeros(len(rows), np.uint16), self.scores[rows], self.positive[rows], 1, rising=True
        )[0]
