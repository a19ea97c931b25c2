"""How often verdicts on groups are wrong, over every setting of groups, rows and rates.

A setting is drawn thousands of times at once. With rates alike all that decides is the lowest and the highest
count among groups of the same size, and how many succeeded in all: so each of these is judged once, by the
tests of the report that pages show, and where a verdict is near by the report itself
(`tests/unit/test_benchmarks.py` holds that both say the same).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

from core.analytics.slices.counts import SliceCounts, total_of
from core.analytics.slices.judging import Limit, comparisons
from core.analytics.slices.report import SliceReport, slice_report
from core.analytics.slices.significance import rates_p_value
from core.analytics.slices.verdicts import Judging
from tests.benchmarks.draws import at_once, share
from tests.benchmarks.timing import Figure

Numbers = NDArray[np.int64]
GROUPS = (2, 5, 10, 20, 50)
ROWS = (50, 150, 500, 1000, 5000)
RATES = (0.02, 0.1, 0.3, 0.5, 0.9, 0.98)
FOUR_FIFTHS, LEAST_ROWS = Limit("ratio", 0.8), 30
DRAWS, AGAIN, WORST = 1_000, 10_000, 2
_SURE = 50
"""How many times off its level an approximate p value needs no report, which goes exact at 20."""


@dataclass(frozen=True)
class Setting:
    """Groups of these true rates and rows."""

    name: str
    rates: tuple[float, ...]
    rows: tuple[int, ...]

    @classmethod
    def alike(cls, name: str, rate: float, *rows: int) -> Setting:
        """Groups of one rate."""
        return cls(name, (rate,) * len(rows), rows)

    @property
    def slower(self) -> int:
        """By how many times fewer draws: of different sizes few draws are alike in all that decides."""
        return 8 if len(self.sizes) > 1 else 1

    def drawn(self, draws: int, seed: int) -> Numbers:
        """How many succeed; shape (draws, groups)."""
        return np.random.default_rng(seed).binomial(self.rows, self.rates, (draws, len(self.rows)))

    @cached_property
    def judged(self) -> Numbers:
        """Places of groups with enough rows."""
        return np.flatnonzero(np.array(self.rows) >= LEAST_ROWS)

    @cached_property
    def sizes(self) -> list[Numbers]:
        """Places of the judged groups of each size."""
        rows = np.array(self.rows)
        return [self.judged[rows[self.judged] == size] for size in np.unique(rows[self.judged])]

    def verdicts(self, counts: Numbers, *, passes: bool = False) -> Counter[str]:
        """How many draws *fail*, and, if wanted, *pass*."""
        low, high = (
            np.stack([end(counts[:, one], axis=1) for one in self.sizes], 1) for end in (np.min, np.max)
        )
        n = np.array([float(self.rows[one[0]]) for one in self.sizes])
        apart = FOUR_FIFTHS.deviates(low[:, :, None] * 1.0, n[:, None], high[:, None, :] * 1.0, n).min(
            axis=(1, 2)
        )
        outside = 0.5 * erfc(-apart / 2**0.5) * comparisons(len(self.judged), of_all_pairs=True) / 0.05
        within = 0.5 * erfc(apart / 2**0.5) / 0.025
        sure = {"fail": outside < 1 / _SURE, "pass": (within < 1 / _SURE) & (outside > _SURE)}
        found = Counter({verdict: int(each.sum()) for verdict, each in sure.items()})
        undecided = outside <= _SURE if not passes else ~sure["pass"]
        near = np.flatnonzero(undecided & ~sure["fail"])
        _, first, times = np.unique(
            np.hstack([low, high])[near], axis=0, return_index=True, return_counts=True
        )
        for place, often in zip(near[first], times.tolist(), strict=True):
            found[str(self.report(counts[place], "best").verdict)] += often
        return found

    def different(self, counts: Numbers) -> dict[str, int]:
        """In how many draws some group is called different from the best, from all, and from a named one."""
        return {name: int((least(counts) <= 0.05).sum()) for name, least in self.least_p_values.items()}

    @property
    def least_p_values(self) -> dict[str, Callable[[Numbers], NDArray[np.float64]]]:
        """The smallest corrected p value of each draw, against each reference."""
        return {"best": self._from_best, "overall": self._from_all, "named": self._from_first}

    def _from_best(self, counts: Numbers) -> NDArray[np.float64]:
        rows, groups = np.array(self.rows), len(self.judged)
        best = self.judged[(counts / rows)[:, self.judged].argmax(axis=1)]
        own = np.column_stack([np.take_along_axis(counts, best[:, None], 1)[:, 0], rows[best]])
        return self._least(counts, lambda _: own, groups * (groups - 1) // 2, without=best)

    def _from_all(self, counts: Numbers) -> NDArray[np.float64]:
        won, everyone = counts.sum(axis=1), sum(self.rows)

        def others(one: Numbers) -> Numbers:
            return np.column_stack([won - one[:, 0], everyone - one[:, 1]])

        return self._least(counts, others, len(self.judged))

    def _from_first(self, counts: Numbers) -> NDArray[np.float64]:
        first = np.zeros(len(counts), int)
        own = np.column_stack([counts[:, 0], np.full(len(counts), self.rows[0])])
        return self._least(counts, lambda _: own, len(self.judged) - 1, without=first)

    def _least(
        self,
        counts: Numbers,
        other: Callable[[Numbers], Numbers],
        of: int,
        *,
        without: Numbers | None = None,
    ) -> NDArray[np.float64]:
        """Of the lowest and highest count of each size: no other group of it lies further off."""
        found = []
        for places in self.sizes:
            theirs = counts[:, places].astype(float)
            if without is not None:
                theirs[without[:, None] == places] = np.nan
            for end in (np.fmin.reduce(theirs, axis=1), np.fmax.reduce(theirs, axis=1)):
                there = np.flatnonzero(~np.isnan(end))
                one = np.column_stack([end[there].astype(int), np.full(len(there), self.rows[places[0]])])
                pairs = np.hstack([one, other(np.column_stack([end, end * 0 + self.rows[places[0]]]))[there]])
                p = np.ones(len(counts))
                p[there] = of * _p_values(pairs.astype(int))
                found.append(p)
        return np.minimum(1.0, np.min(found, axis=0))

    def report(self, counts: Numbers, reference: str) -> SliceReport:
        """What the page shows of one draw; the named reference is the first group."""
        slices = [
            SliceCounts((("group", f"{place:02}"),), "binary", rows, predicted=rows, selected=int(won))
            for place, (won, rows) in enumerate(zip(counts, self.rows, strict=True))
        ]
        named = slices[0].label if reference == "named" else reference
        whole = total_of(slices)
        return slice_report(
            slices,
            whole,
            "selection_rate",
            reference=named,
            min_rows=LEAST_ROWS,
            limit=FOUR_FIFTHS,
            judging=Judging(small="left_out"),
        )


def _p_values(pairs: Numbers) -> NDArray[np.float64]:
    """Of two rates each, shape (draws, 4); those alike are worked out once."""
    every, places = np.unique(pairs, axis=0, return_inverse=True)
    each = np.array([rates_p_value(*pair) for pair in every.tolist()], float)
    return each[places.ravel()]


def _equal() -> Iterator[Setting]:
    for rate in RATES:
        for groups in GROUPS:
            for rows in ROWS:
                yield Setting.alike(f"{groups} groups of {rows:,} at {rate}", rate, *(rows,) * groups)
        for groups in GROUPS[1:]:
            sizes = (ROWS * 10)[:groups]
            yield Setting.alike(f"{groups} groups of 50 to 5,000 at {rate}", rate, *sizes)


def _unequal(rate: float, rows: int, *tiny: int) -> Iterator[Setting]:
    """One group at a rate, the others at a half, and perhaps a tiny one beside them."""
    for groups in GROUPS:
        rates = (rate,) + (0.5,) * (groups - 1 + len(tiny))
        yield Setting(f"{groups} groups", rates, (rows,) * groups + tiny)


def _of_equal(asked: tuple[Setting, int, int]) -> dict[str, int]:
    """What comes of so many draws by a seed."""
    setting, draws, seed = asked
    counts = setting.drawn(draws, seed)
    return {**setting.different(counts), "fail": setting.verdicts(counts)["fail"]}


def _of_unequal(asked: tuple[Setting, int, int]) -> dict[str, int]:
    setting, draws, seed = asked
    return dict(setting.verdicts(setting.drawn(draws, seed), passes=True))


@dataclass(frozen=True)
class Family:
    """Settings that are asked the same: each drawn once, and the worst of them anew."""

    settings: Sequence[Setting]
    draw: Callable[[tuple[Setting, int, int]], dict[str, int]]
    again: int = AGAIN

    @cached_property
    def first(self) -> list[dict[str, int]]:
        """What came of each setting."""
        return at_once(self.draw, [(one, DRAWS // one.slower, 1607) for one in self.settings])

    def worst(self, what: str, asked: str, *, most: bool = True) -> Figure:
        """The worst of the worst settings, drawn anew, as the worst of many looks worse than it is."""
        seen = [found.get(what, 0) * one.slower for one, found in zip(self.settings, self.first, strict=True)]
        ranked = np.argsort(seen)[:: -1 if most else 1][:WORST]
        chosen = [(self.settings[place], self.again // self.settings[place].slower, 2811) for place in ranked]
        again = [found.get(what, 0) for found in at_once(self.draw, chosen)]
        shares = [count / draws for count, (_, draws, _) in zip(again, chosen, strict=True)]
        place = shares.index((max if most else min)(shares))
        setting, draws, _ = chosen[place]
        return share(again[place], draws, setting.name, asked, more_is_better=not most)


def measure() -> dict[str, Figure]:
    """Shares of draws with each verdict, over equal, unequal and nearly equal groups: the worst settings."""
    return {**_equals(), **_apart()}


def _equals() -> dict[str, Figure]:
    equal, different = Family(list(_equal()), _of_equal), "equal groups: some called different from"
    return {
        "equal groups *fail*": equal.worst("fail", "at most 5 %"),
        f"{different} the best": equal.worst("best", "at most 5 %"),
        f"{different} all": equal.worst("overall", "at most 5 %"),
        f"{different} a named one": equal.worst("named", "at most 5 %"),
    }


def _apart() -> dict[str, Figure]:
    rare = AGAIN // 2  # what is far from its bound
    apart, tiny = (Family(list(_unequal(0.3, 1000, *more)), _of_unequal, rare) for more in ((), (9,)))
    near, near_tiny = (Family(list(_unequal(0.475, 5000, *more)), _of_unequal, rare) for more in ((), (9,)))
    far, close = ".3 against .5, 1,000 rows a group", ".475 against .5, 5,000 rows a group"
    return {
        f"{far}: *fails*": apart.worst("fail", "at least 95 %", most=False),
        f"{far}: *passes*": apart.worst("pass", "at most 0.1 %"),
        f"{far}, and a group of 9: *fails*": tiny.worst("fail", "at least 95 %", most=False),
        f"{far}, and a group of 9: *passes*": tiny.worst("pass", "at most 0.1 %"),
        f"{close}: *passes*": near.worst("pass", "at least 90 %", most=False),
        f"{close}, and a group of 9 left out: *passes*": near_tiny.worst("pass", "at least 90 %", most=False),
    }
