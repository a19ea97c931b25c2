"""The finest slices of a set of features, as columns: what a search over all intersections adds up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.analytics.slices.ranks import RankSums, rank_sums
from core.analytics.slices.values import SPREADS, SliceCounts
from core.ground.figure import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
            found = found + self.counts[name]
        return found

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
