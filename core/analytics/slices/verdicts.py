"""Verdicts on the slices of a report, and what is said of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Literal

from core.analytics.intervals import Interval, difference_interval, rate_ratio_interval, ratio_interval
from core.analytics.slices.counts import Keys, SliceCounts, total_of
from core.analytics.slices.judging import Judged, Limit, comparisons, judged
from core.analytics.slices.metrics import Measured, MetricDefinition, measure
from core.analytics.slices.rows import MISSING, joined_label
from core.analytics.slices.significance import Sample, sample_of
from core.ground import VerdictName

_REFERENCE = "This slice is the reference that the others are held against."
PROCEDURES = {
    "rate": "likelihood-ratio or exact tests",
    "mean": "Welch's t tests",
    "root_mean": "Welch's t tests",
    "balanced": "intervals of the differences",
    "ranking": "intervals of the differences",
}
"""By which procedure two slices are held to a limit, by the form of the metric."""
_ALONE = "Fewer than two slices have enough rows, so there is nothing to compare."
POOLED = "(small slices together)"
Small = Literal["left_out", "pooled", "cannot_tell"]
"""What slices with too few rows do: stand aside by name, count as one, or leave the whole open."""


@dataclass(frozen=True, slots=True)
class Judging:
    """How verdicts are drawn.

    Parameters
    ----------
    small
        What slices with too few rows do.
    complete
        Whether the rows are all there are, so that nothing is left to chance.
    families
        How many such reports are judged together (features, outcomes): the chance of a false *fail* is held
        over all of them.
    undeclared
        Why nobody knows whether the outcome is good to get: a *fail* stands, and nothing passes. Empty where
        it is known, or where the metric does not rest on it.
    ordered
        Feature whose slices stand in their order: small neighbours that are pooled make a range by name.
    """

    small: Small = "cannot_tell"
    complete: bool = False
    families: int = 1
    undeclared: str = ""
    ordered: str = ""


PLAINLY = Judging()


@dataclass(frozen=True, slots=True)
class Tally:
    """How many slices are judged, shown to be outside the limit, and open."""

    judged: int = 0
    outside: int = 0
    unsure: int = 0


@dataclass(frozen=True, slots=True)
class Side:
    """A slice with its value, or everyone."""

    metric: MetricDefinition
    counts: SliceCounts
    measured: Measured
    min_rows: int

    @property
    def usable(self) -> bool:
        return self.measured.value is not None and self.measured.n >= self.min_rows

    @property
    def value(self) -> float:
        assert self.measured.value is not None  # asked only of those that are defined
        return self.measured.value

    @property
    def absent(self) -> bool:
        """Whether it has no rows at all, though some were expected."""
        return self.counts.rows == 0

    @property
    def hindrance(self) -> str:
        """Why nothing can be said of it; empty where it is usable."""
        if self.absent:
            return "Absent: the reference has rows of this slice, and there are none here."
        if self.measured.n == 0:
            return "Undefined: no row of this slice counts towards the metric."
        if self.measured.value is None:
            return "Undefined: all labels of this slice are alike, and the metric needs both classes."
        if not self.usable:
            return f"Too small: {self.measured.n} rows count towards the metric, {self.min_rows} are needed."
        return ""

    @property
    def sample(self) -> Sample | None:
        """What verdicts are drawn from; None where nothing is known of how far the value may be off."""
        return sample_of(self.metric, self.counts) if self.usable else None

    def ratio_to(self, base: Side) -> float | None:
        """Its value over another's; None where there is no such thing."""
        return self.value / base.value if self.metric.has_ratio and base.value != 0 else None


@dataclass(frozen=True)
class Jury:
    """Verdicts on all slices that can be judged, and what is said of each."""

    sides: Sequence[Side]
    base: Side | None
    everyone: Side
    limit: Limit
    of_all_pairs: bool
    confidence: float
    how: Judging

    @cached_property
    def bench(self) -> list[tuple[Side, Sample]]:
        """Those held against each other: usable ones, small ones as one, and everyone as the reference."""
        sides = [*self.sides, *self.pooled]
        if self.base is self.everyone:
            sides.append(self.everyone)
        ordered = sorted(sides, key=lambda side: side.counts.label)
        return [(side, side.sample) for side in ordered if side.sample is not None]

    @cached_property
    def pools(self) -> list[tuple[Side, list[Side]]]:
        """Slices that are too small, as one where they count together and have enough rows so, with these.

        Neighbours in an order are taken together until they have enough; what is left counts as one.
        """
        small = [side for side in self.sides if not side.usable]
        if self.how.small != "pooled" or not small:
            return []
        found = [
            (self._as_one(each, self._range(each)), each) for run in self._runs() for each in self._cut(run)
        ]
        within = {side.counts.label for _, each in found for side in each}
        left = [side for side in small if side.counts.label not in within]
        rest = [(self._as_one(left), left)] if left else []
        return found + [one for one in rest if one[0].usable]

    @property
    def pooled(self) -> list[Side]:
        """Those that are judged as one."""
        return [side for side, _ in self.pools]

    def _as_one(self, small: Sequence[Side], keys: Keys = (("", POOLED),)) -> Side:
        counts = replace(total_of([side.counts for side in small]), keys=keys)
        return replace(small[0], counts=counts, measured=measure(small[0].metric, counts, self.confidence))

    def _runs(self) -> list[list[Side]]:
        """Small slices with rows that stand next to each other in the order, all else alike."""
        lines: dict[Keys, list[Side]] = {}
        for side in self.sides:
            values = dict(side.counts.keys)
            if values.pop(self.how.ordered, MISSING) != MISSING and not side.absent:
                lines.setdefault(tuple(values.items()), []).append(side)
        runs = (groupby(line, key=lambda side: side.usable) for line in lines.values())
        return [list(each) for line in runs for usable, each in line if not usable]

    def _range(self, neighbours: Sequence[Side]) -> Keys:
        """The name of neighbours: their ordered values as a range, and what they have in common."""
        first, last = (dict(side.counts.keys)[self.how.ordered] for side in (neighbours[0], neighbours[-1]))
        joined = joined_label(first, last)
        return tuple(
            (f, joined if f == self.how.ordered else value) for f, value in neighbours[0].counts.keys
        )

    def _cut(self, run: Sequence[Side]) -> list[list[Side]]:
        """A run cut where there are enough rows; what is left at its end belongs to the last."""
        ranges: list[list[Side]] = []
        open_: list[Side] = []
        for side in run:
            open_.append(side)
            if self._as_one(open_).usable:
                ranges.append(open_)
                open_ = []
        if ranges:
            ranges[-1].extend(open_)
        return ranges

    @cached_property
    def found(self) -> dict[str, tuple[Judged, Side | None]]:
        """Label -> what is held, and against which slice."""
        sides = [side for side, _ in self.bench]
        reference = None
        if not self.of_all_pairs and self.base in sides:
            reference = sides.index(self.base)
        judgements = judged(
            [sample for _, sample in self.bench],
            self.limit,
            worse=self.everyone.metric.direction,
            reference=reference,
            confidence=1 - (1 - self.confidence) / self.how.families,
            complete=self.how.complete,
        )
        return {
            side.counts.label: (held, None if held.against is None else sides[held.against])
            for side, held in zip(sides, judgements, strict=True)
        }

    @property
    def comparisons(self) -> int:
        """Over how many ordered pairs the chance of a false fail is held, those of all families."""
        return comparisons(len(self.bench), of_all_pairs=self.of_all_pairs) * self.how.families

    def on(self, side: Side) -> tuple[VerdictName, str]:
        """The verdict on one slice, and why."""
        verdict, said = self._on(side)
        if verdict == "pass" and self.how.undeclared:
            return "cannot_tell", f"{said.rstrip('.')}; {self.how.undeclared}."
        return verdict, said

    def _on(self, side: Side) -> tuple[VerdictName, str]:
        doubt = side.hindrance or self._doubt(side)
        if doubt:
            return "cannot_tell", doubt
        held, against = self.found[side.counts.label]
        if against is None:
            return held.verdict, _ALONE if held.verdict == "cannot_tell" else _REFERENCE
        return held.verdict, f"{self._seen(side, against)}{self._held(held)}."

    def _doubt(self, side: Side) -> str:
        """Why a slice with enough rows cannot be judged; empty where it can."""
        if self.limit.kind == "ratio" and not side.metric.has_ratio:
            return "A metric whose values have a sign has no ratio."
        if side.sample is None:
            return "How far the value may be off by chance cannot be worked out from these counts."
        if not self.of_all_pairs and (self.base is None or self.base.sample is None):
            name = self.base.counts.label if self.base else ""
            return f"The reference '{name}' has too few rows or is undefined."
        return ""

    def _seen(self, side: Side, other: Side) -> str:
        value = side.ratio_to(other) if self.limit.kind == "ratio" else side.value - other.value
        said = "has no value" if value is None else f"is {self._told(value)}"
        return f"The {self.limit.kind} to '{other.counts.label}' {said}"

    def _told(self, value: float) -> str:
        return f"{value:.3f}" if self.limit.kind == "ratio" else self.everyone.metric.apart(value)

    def _held(self, held: Judged) -> str:
        low, high = self.limit.ends
        allowed = f"the limit of {self._told(low)} to {self._told(high)}"
        counted = f"all {self.comparisons} comparisons counted"
        if self.how.complete:
            return (
                f", {'outside' if held.verdict == 'fail' else 'within'} {allowed}; the rows are all there are"
            )
        if held.verdict == "fail":
            return f", outside {allowed} by more than chance, {counted} ({_p_text(held.p_value)})"
        if held.verdict == "pass":
            others = " to every other slice" if self.of_all_pairs else ""
            return f", within {allowed}{others and ', as are those' + others} ({_p_text(held.p_value)})"
        return f": not shown to be within {allowed} nor, {counted}, outside; more rows would tell"

    @cached_property
    def tally(self) -> Tally:
        """How many slices there is a verdict on, and of which kind; those left out do not count."""
        looked_at = [side for side in self.sides if self.how.small == "cannot_tell" or not side.hindrance]
        verdicts = [self._on(side)[0] for side in (*looked_at, *self.pooled)]
        return Tally(len(verdicts), verdicts.count("fail"), verdicts.count("cannot_tell"))

    @property
    def procedure(self) -> str:
        """By what the verdicts are drawn, as a sentence."""
        if self.how.complete:
            return " The rows are all there are: the values themselves decide."
        pairs = "all pairs" if self.of_all_pairs else "each against the reference"
        tests = PROCEDURES[self.everyone.metric.form]
        return f" By {tests} of {pairs}, Bonferroni over {self.comparisons:,} comparisons."

    def whole(self) -> tuple[VerdictName, str]:
        """The verdict on all slices together, and by which procedure."""
        verdict, said = self._whole()
        if verdict == "pass" and self.how.undeclared:
            verdict = "cannot_tell"
        return verdict, said + (self.procedure if self.comparisons else "")

    def _whole(self) -> tuple[VerdictName, str]:
        found, absent = self.tally, sum(side.absent for side in self.sides)
        left = self._aside() if self.how.small != "cannot_tell" else ""
        if absent:
            left += f" The reference has rows of {_slices(absent)}, and there are none here."
        if found.outside:
            what = f"{found.outside} of {found.judged} slices are outside the limit"
            return "fail", f"{what}; {found.unsure} cannot be told.{left}"
        if len(self.bench) - (self.base is self.everyone) < 2:
            return "cannot_tell", _ALONE + left
        if found.unsure:
            what = f"{found.unsure} of {found.judged} slices cannot be told; none is shown to be outside."
            return "cannot_tell", what + left
        if absent:
            return "cannot_tell", f"All {found.judged} slices that have rows are within the limit.{left}"
        return "pass", f"All {found.judged} slices are within the limit.{left}"

    def _aside(self) -> str:
        """What became of small slices, which go without their names: a group of few is somebody."""
        within = {side.counts.label: one.counts.label for one, each in self.pools for side in each}
        small = [side.counts.label for side in self.sides if side.hindrance and not side.absent]
        became = Counter(within.get(label, "") for label in small)
        done = {"": "left out", POOLED: "judged as one"}
        return "".join(
            f" Too few rows, so {done.get(one, f'judged as {one}')}: {_slices(count)}."
            for one, count in became.items()
        )


def _p_text(p_value: float | None) -> str:
    return "p < 0.001" if p_value is not None and p_value < 0.001 else f"p = {p_value:.3f}"


def _slices(count: int) -> str:
    return f"{count} slice{'' if count == 1 else 's'}"


def intervals_to(
    own: Measured, base: Measured, definition: MetricDefinition
) -> tuple[Interval | None, Interval | None]:
    """Intervals of the gap and of the ratio to a reference; None where there is none."""
    if own.value is None or base.value is None or own.interval is None or base.interval is None:
        return None, None
    gap = difference_interval(own.value, own.interval, base.value, base.interval)
    if not definition.has_ratio:
        return gap, None
    if definition.form == "rate":
        confidence = own.interval.confidence
        return gap, rate_ratio_interval(int(own.numerator), own.n, int(base.numerator), base.n, confidence)
    return gap, ratio_interval(own.value, own.interval, base.value, base.interval)
