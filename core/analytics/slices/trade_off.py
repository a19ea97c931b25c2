"""What would it take? How far apart groups are, and what is lost, as the decisions on a score change.

Everything is chosen on one half of the rows and told of the other, so that no figure is better than it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import TYPE_CHECKING, Literal

from core.analytics.intervals import Interval, mean_interval, wilson_interval
from core.analytics.job_specs import RefusedInput, TradeOffAbout, TradeOffSpec
from core.analytics.slices.counts import SliceCounts, total_of
from core.analytics.slices.fairness import too_few
from core.analytics.slices.judging import Limit
from core.analytics.slices.metrics import MetricDefinition, measure, metric
from core.analytics.slices.mitigation import (
    MOMENTS,
    PARITY,
    GroupThreshold,
    ScoredRows,
    decided,
    encoded,
    optimizer,
    surrogate,
    thresholds_of,
)
from core.analytics.slices.report import slice_report
from core.analytics.slices.verdicts import Judging, intervals_to
from core.ground import VerdictName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Yes = NDArray[np.bool_]
    Step = Callable[[float, str], None]

TOLERANCES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
THRESHOLDS = 100
MOST_GROUPS = 50
MOST_TAUGHT = 10_000
"""Rows that a surrogate learns from."""
_ERROR = 0.05
Kind = Literal["today", "one", "by_group", "retrained"]


@dataclass(frozen=True, slots=True)
class GroupRate:
    """The metric of one group, and the rows that count towards it."""

    group: str
    value: float | None
    n: int


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """What a way to decide comes to on some rows.

    `apart` is the lowest over the highest value of the groups, or the highest minus the lowest, as the limit
    has it; its interval holds whichever groups these are. `worth` is money a decision. `loss` is today's
    worth less this one's, or today's accuracy less this one's where no money is declared; below 0 a gain.
    """

    apart: float | None
    apart_interval: Interval | None
    verdict: VerdictName | None
    note: str
    accuracy: float
    accuracy_interval: Interval | None
    worth: float | None
    worth_interval: Interval | None
    loss: float
    loss_interval: Interval | None
    rates: tuple[GroupRate, ...]


@dataclass(frozen=True, slots=True)
class TradeOffPoint:
    """A way to decide: how, and what it came to where it was chosen (`fitted`) and on other rows (`told`)."""

    kind: Kind
    title: str
    thresholds: tuple[GroupThreshold, ...]
    fitted: RuleFigures
    told: RuleFigures


@dataclass(frozen=True, slots=True)
class TradeOffTable:
    """All points, today's first; `proposal` is the place of the one with the least loss that meets the limit.

    `about` names what it is of; `notes` say what could not be looked at, and why.
    """

    about: TradeOffAbout
    metric: str
    comparison: Literal["ratio", "difference"]
    limit: float | None
    money: bool
    fitted_rows: int
    told_rows: int
    points: tuple[TradeOffPoint, ...]
    proposal: int | None
    said: str
    notes: tuple[str, ...] = ()


def rates_withheld(table: TradeOffTable, least: int) -> TradeOffTable:
    """The table for those who may not see figures of fewer than `least` rows: rates of small groups go.

    So does how far groups are apart where a group whose rate is withheld lies at an end.
    """
    points = tuple(
        replace(one, fitted=_withheld(one.fitted, least), told=_withheld(one.told, least))
        for one in table.points
    )
    return replace(table, points=points)


def _withheld(figures: RuleFigures, least: int) -> RuleFigures:
    hidden = too_few({one.group: one.n for one in figures.rates if one.n}, least)
    if not hidden:
        return figures
    judged = [one for one in figures.rates if one.value is not None and one.n >= least]
    ends = {pick(judged, key=_value).group for pick in (min, max)} if judged else set()
    rates = tuple(replace(one, value=None, n=0) if one.group in hidden else one for one in figures.rates)
    if ends & hidden:
        return replace(figures, rates=rates, apart=None, apart_interval=None)
    return replace(figures, rates=rates)


def _value(rate: GroupRate) -> float:
    return rate.value or 0.0


def trade_off(rows: ScoredRows, asked: TradeOffSpec, step: Step = lambda share, words: None) -> TradeOffTable:
    """Move thresholds, and tell how far apart groups are and what is lost.

    Parameters
    ----------
    rows
        Scores, labels and decisions of today, in two halves.
    asked
        Metric, limit, what outcomes are worth, and whether thresholds by group are allowed.
    step
        Called with the share done and the step at work.

    Returns
    -------
    TradeOffTable

    Raises
    ------
    RefusedInput
        Fewer than two groups with enough rows in each half, more than 50 groups, or labels all alike.

    Notes
    -----
    Formula: one threshold for all at each hundredth of the scores of the first half. By group, thresholds of
    fairlearn's ThresholdOptimizer, fitted on the first half to the constraint that holds the metric alike,
    within tolerances from 0 to 0.3, and to equalized odds. The proposal is the point with the least loss in
    the first half among those that pass there (meet the limit by value, where none passes). Its verdict and
    its intervals are those of the second half, which had no part in the choice, so they keep their levels.
    Direction: less loss is better. Zero: as much is gained as is lost, against the decisions of today.
    Leaves out: that people act otherwise once decisions change, and rows without a label: of those who were
    refused, the label is often unknown.
    Source: Hardt, Price and Srebro 2016, arXiv:1610.02413; Agarwal et al. 2018, arXiv:1803.02453; fairlearn.

    Examples
    --------
    >>> import numpy as np
    >>> at = np.arange(800)
    >>> score = np.where(at % 4 < 2, at / 800, at / 1600)
    >>> rows = ScoredRows(("a", "b"), at % 4 // 2, score, score > 0.3, score > 0.4, at % 2 == 0)
    >>> spec = TradeOffSpec(rows="-", metric="selection_rate", limit=("ratio", 0.8), min_rows=10)
    >>> found = trade_off(rows, spec)
    >>> found.points[0].told.verdict, found.points[found.proposal].kind
    ('fail', 'one')
    """
    bench = _Bench(rows, asked)
    bench.require_enough()
    points, notes = [bench.point("today", "Today", rows.decision)], []
    for place, point in enumerate(bench.one_for_all()):
        points.append(point)
        step(0.4 * place / THRESHOLDS, "One threshold for all.")
    if asked.by_group:
        step(0.4, "Thresholds by group.")
        points += bench.by_group()
        notes += bench.unmoved()
    if asked.features:
        step(0.6, "Training surrogates.")
        points += bench.retrained(step)
    proposal = bench.proposal(points)
    return TradeOffTable(
        asked.about,
        asked.metric,
        bench.kind,
        asked.limit[1] if asked.limit else None,
        bool(asked.worth),
        int(rows.half.sum()),
        int((~rows.half).sum()),
        tuple(points),
        proposal,
        bench.said(points, proposal),
        tuple(notes),
    )


class _Bench:
    """Rules are measured against each other on the same rows."""

    def __init__(self, rows: ScoredRows, asked: TradeOffSpec) -> None:
        self.rows, self.asked = rows, asked
        self.metric: MetricDefinition = metric(asked.metric)
        self.kind: Literal["ratio", "difference"] = asked.limit[0] if asked.limit else "ratio"
        self.judging = Judging(asked.small_groups, asked.complete)

    def require_enough(self) -> None:
        if len(self.rows.names) > MOST_GROUPS:
            raise RefusedInput(
                f"there are {len(self.rows.names)} groups",
                remedy=f"Name a feature with at most {MOST_GROUPS}.",
            )
        for half in (self.rows.half, ~self.rows.half):
            labels = self.rows.label[half]
            if not labels.size or labels.all() or not labels.any():
                raise RefusedInput("the labels are all alike", remedy="Add rows with both outcomes.")
            if len(self.usable(self.counts(half, self.rows.decision))) < 2:
                raise RefusedInput(
                    f"fewer than two groups have {self.asked.min_rows} scored and labelled rows in each half",
                    remedy="Name another feature, or add more rows.",
                )

    def counts(self, part: Yes, decision: Yes) -> list[SliceCounts]:
        """What each group comes to under these decisions."""
        import numpy as np

        rows = self.rows
        cell = 4 * rows.group[part] + 2 * decision[part] + rows.label[part]
        table = np.bincount(cell, minlength=4 * len(rows.names)).reshape(-1, 4)
        return [
            _counted(name, *(int(count) for count in line))
            for name, line in zip(rows.names, table, strict=True)
            if line.any()
        ]

    def usable(self, counts: Sequence[SliceCounts]) -> list[SliceCounts]:
        """Groups that can be judged."""
        found = [(each, measure(self.metric, each)) for each in counts]
        return [each for each, own in found if own.value is not None and own.n >= self.asked.min_rows]

    def point(
        self, kind: Kind, title: str, decision: Yes, thresholds: Sequence[GroupThreshold] = ()
    ) -> TradeOffPoint:
        fitted, told = (self.figures(part, decision) for part in (self.rows.half, ~self.rows.half))
        return TradeOffPoint(kind, title, tuple(thresholds), fitted, told)

    def figures(self, part: Yes, decision: Yes) -> RuleFigures:
        counts = self.counts(part, decision)
        limit = Limit(*self.asked.limit) if self.asked.limit else None
        report = slice_report(
            counts,
            total_of(counts),
            self.metric,
            reference="best",
            min_rows=self.asked.min_rows,
            limit=limit,
            judging=self.judging,
        )
        right = (decision == self.rows.label)[part]
        worth = self.worth(decision)[part] if self.asked.worth else None
        gained = right.astype(float) if worth is None else worth
        before = self.worth(self.rows.decision) if self.asked.worth else self.rows.decision == self.rows.label
        loss, loss_interval = _mean(before[part] - gained)
        money, money_interval = (None, None) if worth is None else _mean(worth)
        return RuleFigures(
            report.lowest_ratio if self.kind == "ratio" else report.widest_difference,
            self.apart_interval(counts),
            report.verdict,
            report.note,
            float(right.mean()),
            wilson_interval(int(right.sum()), len(right)),
            money,
            money_interval,
            loss,
            loss_interval,
            tuple(GroupRate(line.label, line.value, line.n) for line in report.slices),
        )

    def worth(self, decision: Yes) -> Numbers:
        """What each decision is worth."""
        import numpy as np

        table: Numbers = np.array(self.asked.worth, float)
        found: Numbers = table[self.rows.label.astype(int), decision.astype(int)]
        return found

    def apart_interval(self, counts: Sequence[SliceCounts]) -> Interval | None:
        """Of the widest difference or lowest ratio, whichever pair it lies between (Bonferroni)."""
        usable = self.usable(counts)
        pairs = len(usable) * (len(usable) - 1)
        if not pairs:
            return None
        sides = [measure(self.metric, each, 1 - _ERROR / pairs) for each in usable]
        found = [
            interval
            for own, base in permutations(sides, 2)
            if (interval := intervals_to(own, base, self.metric)[self.kind == "ratio"]) is not None
        ]
        if len(found) < pairs:
            return None
        lows, highs = [each.low for each in found], [each.high for each in found]
        if self.kind == "ratio":
            return Interval(min(lows), min(1.0, *highs), 1 - _ERROR)
        return Interval(max(0.0, *lows), max(highs), 1 - _ERROR)

    def one_for_all(self) -> Iterator[TradeOffPoint]:
        """One threshold for all, at each hundredth of the scores that choices are made on."""
        import numpy as np

        scores = self.rows.score[self.rows.half]
        shares = np.arange(THRESHOLDS) / THRESHOLDS
        for at in np.unique(np.quantile(scores, shares, method="inverted_cdf")):
            everyone = GroupThreshold("everyone", float(at))
            yield self.point("one", f"One threshold, {at:.4g}", self.rows.score >= at, [everyone])

    def by_group(self) -> Iterator[TradeOffPoint]:
        """Thresholds by group, as fairlearn's ThresholdOptimizer chooses them."""
        constraint = PARITY.get(self.asked.metric)
        if constraint:
            for most in TOLERANCES:
                within = f"at most {100 * most:g} points apart" if most else "alike"
                title = f"By group, {self.metric.name}s {within}"
                yield self.optimized(title, constraint, most or None)
        yield self.optimized("By group, equalized odds", "equalized_odds", None)

    def optimized(self, title: str, constraint: str, tolerance: float | None) -> TradeOffPoint:
        """One run of the optimizer; who is in no group that can be moved is decided about as today."""
        rows, moved = self.rows, self.moved()
        fitted = optimizer(rows, rows.half & moved, constraint, tolerance)
        decision = rows.decision.copy()
        decision[moved] = decided(fitted, rows, moved, self.asked.seed)
        return self.point("by_group", title, decision, tuple(thresholds_of(fitted, rows)))

    def moved(self) -> Yes:
        """Rows of groups in which thresholds can be chosen: enough rows, and both outcomes."""
        import numpy as np

        kept = [name not in self.still for name in self.rows.names]
        found: Yes = np.array(kept)[self.rows.group]
        return found

    @property
    def still(self) -> list[str]:
        counts = self.counts(self.rows.half, self.rows.decision)
        enough = {
            each.label
            for each in counts
            if each.rows >= self.asked.min_rows and each.tp + each.fn and each.fp + each.tn
        }
        return [name for name in self.rows.names if name not in enough]

    def unmoved(self) -> list[str]:
        still = self.still
        names = ", ".join(still[:5]) + (f" and {len(still) - 5} more" if len(still) > 5 else "")
        return (
            [f"Too few rows for a threshold of their own, so decided about as today: {names}."]
            if still
            else []
        )

    def retrained(self, step: Step) -> Iterator[TradeOffPoint]:
        """Surrogates learned on the first half: what a model trained anew could reach."""
        import numpy as np

        rows, asked = self.rows, self.asked
        inputs = encoded(rows, asked)
        taught = np.flatnonzero(rows.half)[:MOST_TAUGHT]
        bounds: list[tuple[str, dict[str, float] | None]] = [("Surrogate, without a constraint", None)]
        bounds += [(f"Surrogate, {words}", bound) for words, bound in self.bounds()]
        for place, (title, bound) in enumerate(bounds):
            step(0.6 + 0.4 * place / len(bounds), f"{title}.")
            decision = surrogate(inputs, rows, taught, MOMENTS[asked.metric][0], bound, asked.seed)
            yield self.point("retrained", title, decision)

    def bounds(self) -> list[tuple[str, dict[str, float]]]:
        """The limit itself, and half the way from it to alike, as bounds of the reductions."""
        kind, value = self.asked.limit or ("ratio", 0.8)
        if kind == "ratio" and MOMENTS[self.asked.metric][1]:
            values = (value, (1 + value) / 2)
            return [(f"ratio at least {each:.3g}", {"ratio_bound": each}) for each in values]
        slack = 1 - value if kind == "ratio" else value
        return [
            (f"at most {100 * each:.3g} points apart", {"difference_bound": each})
            for each in (slack, slack / 2)
        ]

    def meets(self, figures: RuleFigures) -> bool:
        """Whether the values themselves meet the limit."""
        if self.asked.limit is None or figures.apart is None:
            return False
        return (
            figures.apart >= self.asked.limit[1]
            if self.kind == "ratio"
            else figures.apart <= self.asked.limit[1]
        )

    def proposal(self, points: Sequence[TradeOffPoint]) -> int | None:
        """Place of the least loss, where choices are made, among the thresholds that meet the limit there."""
        moved = [place for place, point in enumerate(points) if point.kind in ("one", "by_group")]
        passed = [place for place in moved if points[place].fitted.verdict == "pass"]
        met = passed or [place for place in moved if self.meets(points[place].fitted)]
        return min(met, key=lambda place: points[place].fitted.loss, default=None)

    def said(self, points: Sequence[TradeOffPoint], proposal: int | None) -> str:
        """The answer in a sentence."""
        if self.asked.limit is None:
            return "No limit is set for this metric, so nothing is proposed."
        if proposal is None:
            return "No threshold meets the limit on the rows that choices are made on."
        found = points[proposal]
        verdict = {"pass": "meets the limit", "fail": "does not meet the limit"}.get(
            found.told.verdict or "", "may or may not meet the limit: more rows would tell"
        )
        change = -found.told.loss
        unit = f"{change:+.4g} a decision" if self.asked.worth else f"accuracy {100 * change:+.1f} points"
        return f"{found.title}: on rows that had no part in the choice it {verdict}; {unit} against today."


def _counted(name: str, tn: int, fn: int, fp: int, tp: int) -> SliceCounts:
    n = tn + fn + fp + tp
    return SliceCounts(
        (("", name),), "binary", n, predicted=n, labelled=n, selected=fp + tp, tp=tp, fp=fp, fn=fn, tn=tn
    )


def _mean(values: Numbers) -> tuple[float, Interval | None]:
    mean = float(values.mean())
    return mean, mean_interval(len(values), float(values.sum()), float(((values - mean) ** 2).sum()))
