"""What the counts of slices say against a reference and a limit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from core.analytics.intervals import Interval, difference_interval
from core.analytics.slices.counts import SliceCounts, rests_of
from core.analytics.slices.judging import Limit
from core.analytics.slices.metrics import MetricDefinition, measure, metric
from core.analytics.slices.significance import CORRECTIONS, Correction, adjusted, difference_p_value
from core.analytics.slices.verdicts import PLAINLY, PROCEDURES, Judging, Jury, Side, Tally, intervals_to
from core.ground import VerdictName


@dataclass(frozen=True, slots=True)
class SliceChange:
    """One slice under two versions.

    Parameters
    ----------
    label
        Of the slice.
    now, other
        Its figures under the version looked at and under the other; None where it has no row.
    change, change_interval
        Value now minus value of the other, in the metric's unit; None when either is undefined.
    p_value, adjusted_p
        Of the difference, alone and by the report's correction; None where nothing was tested.
    better
        True when the change goes in the metric's better direction, None when it is undefined or nil.
    """

    label: str
    now: SliceFigures | None = None
    other: SliceFigures | None = None
    change: float | None = None
    change_interval: Interval | None = None
    p_value: float | None = None
    adjusted_p: float | None = None
    better: bool | None = None


def slice_changes(
    report: SliceReport,
    counts: tuple[SliceCounts, ...],
    other: SliceReport,
    other_counts: tuple[SliceCounts, ...],
) -> tuple[SliceChange, ...]:
    """Hold the slices of one version against the same slices of another.

    Parameters
    ----------
    report, counts
        Of the version looked at; its slices come first, in their order.
    other, other_counts
        Of the other version, for the same metric, features and cuts.

    Returns
    -------
    tuple of SliceChange
        One a slice that either has.

    Notes
    -----
    Formula: change = value now - value of the other; interval and test as against a reference.
    Leaves out: that both versions may have judged the same rows; intervals are then too wide, not too narrow.
    Source: as of `slice_report`.
    """
    first, second = ({line.label: line for line in each.slices} for each in (report, other))
    by_label = {each.label: each for each in counts}, {each.label: each for each in other_counts}
    labels = list(dict.fromkeys([*first, *second]))
    usable = [label for label in labels if all(_comparable(each.get(label)) for each in (first, second))]
    tested = {
        label: difference_p_value(report.metric, by_label[0][label], by_label[1][label]) for label in usable
    }
    known = {label: p for label, p in tested.items() if p is not None}
    corrected = dict(zip(known, adjusted(list(known.values()), report.correction), strict=True))
    return tuple(
        _change(report, label, first.get(label), second.get(label), known.get(label), corrected.get(label))
        for label in labels
    )


def _comparable(line: SliceFigures | None) -> bool:
    return line is not None and not line.too_small and line.value is not None


def _change(
    report: SliceReport,
    label: str,
    now: SliceFigures | None,
    other: SliceFigures | None,
    p_value: float | None,
    adjusted_p: float | None,
) -> SliceChange:
    change = interval = better = None
    if now is not None and other is not None and now.value is not None and other.value is not None:
        change = now.value - other.value
        if now.interval is not None and other.interval is not None:
            interval = difference_interval(now.value, now.interval, other.value, other.interval)
        good, before = report.metric.goodness(now.value), report.metric.goodness(other.value)
        better = None if good == before else good > before
    return SliceChange(label, now, other, change, interval, p_value, adjusted_p, better)


_UNLIMITED = "No limit is set, so nothing is judged."


@dataclass(frozen=True, slots=True)
class SliceLine:
    """A slice with its metric.

    Parameters
    ----------
    label, keys
        Of the slice.
    rows, n
        Rows in all, and rows that count towards the metric (its denominator).
    value, interval
        The metric; None when undefined.
    gap
        Value minus that of the reference, in the metric's unit; None when either is undefined.
    """

    label: str
    keys: tuple[tuple[str, str], ...]
    rows: int
    n: int
    value: float | None
    interval: Interval | None
    gap: float | None

    @property
    def low(self) -> float | None:
        """Lower end of the interval; None where there is none."""
        return self.interval.low if self.interval else None

    @property
    def high(self) -> float | None:
        """Upper end of the interval; None where there is none."""
        return self.interval.high if self.interval else None


@dataclass(frozen=True, slots=True)
class SliceFigures(SliceLine):
    """One line of a slice report.

    Parameters
    ----------
    gap_interval
        Of the gap; None when either is undefined.
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
    """

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
    metric, limit
        The metric's definition, and what is allowed; None when nothing is judged.
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
        else "pass". None without a limit. Slices that are left out count only where `small` is "cannot_tell",
        those without any row always.
    tally
        How many slices are judged, outside and open; noughts without a limit.
    left_out
        Slices too small or undefined.
    pooled
        Slices that are too small by themselves, judged as one, by name: neighbours in an order as a range.
    comparisons
        Of two slices, each way, over which the chance of a false *fail* is held; 0 without a limit.
    correction, tested
        How p values are corrected, and how many slices were tested.
    different
        Slices whose corrected p value is at most 1 - confidence.
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
    tally: Tally
    left_out: tuple[LeftOut, ...]
    comparisons: int = 0
    correction: Correction = "holm"
    tested: int = 0
    different: int = 0
    pooled: tuple[SliceFigures, ...] = ()


def slice_report(
    counts: Sequence[SliceCounts],
    overall: SliceCounts,
    metric_or_id: MetricDefinition | str,
    *,
    reference: str = "largest",
    min_rows: int = 100,
    limit: Limit | None = None,
    confidence: float = 0.95,
    correction: Correction = "holm",
    judging: Judging = PLAINLY,
) -> SliceReport:
    """Hold every slice's metric against a reference and a limit.

    Parameters
    ----------
    counts
        One `SliceCounts` a slice; labels differ. Order is kept and changes no figure.
    overall
        Counts over everyone, which are the slices added up.
    metric_or_id
        A `MetricDefinition` or its id.
    reference
        "largest" (most rows), "overall" (everyone), "best" (the metric's better direction, among slices with
        enough rows; the four-fifths rule's choice), or the label of a slice.
    min_rows
        Rows that must count towards the metric before a slice is judged. Unit: rows.
    limit
        What is allowed; None judges nothing.
    confidence
        Of all intervals, 0.0 to 1.0, both excluded.
    correction
        Of the p values for the number of slices tested, see `core.analytics.slices.significance.adjusted`.
    judging
        How verdicts are drawn.

    Returns
    -------
    SliceReport
        Rates from 0.0 to 1.0, differences in rate points, means in the label's unit.

    Raises
    ------
    ValueError
        Unknown metric, unknown reference, twice the same label, or a metric that does not fit the task.

    Notes
    -----
    Formula: gap = value - reference, ratio = value / reference. Verdicts: see `judged`; with "best" each
    slice is held against every other, so that the choice of the best is allowed for, else against the
    reference.
    Direction: a gap of 0.0 or a ratio of 1.0 means alike; against one reference the limit counts both ways.
    Tests: see `difference_p_value`; each slice with enough rows against the reference ("overall": against all
    other rows), corrected for the number of slices tested, with "best" for all pairs of them.
    Leaves out: whether the labels are just; in intervals, how many there are; with "overall", in verdicts
    and intervals, that the slice is part of it (too few verdicts, too wide). No outcome shows that a model is
    fair.
    Source: Agarwal et al. 2018, arXiv:1803.02453; 29 CFR 1607.4(D) (four-fifths rule). Intervals: Newcombe
    1998, Katz et al. 1978, and Zou and Donner 2008 for means.

    Examples
    --------
    >>> from core.analytics.slices.counts import total_of
    >>> men = SliceCounts((("sex", "male"),), "binary", 1000, predicted=1000, selected=500)
    >>> women = SliceCounts((("sex", "female"),), "binary", 1000, predicted=1000, selected=300)
    >>> report = slice_report([men, women], total_of([men, women]), "selection_rate",
    ...                       reference="best", limit=Limit("ratio", 0.8))
    >>> report.verdict, report.lowest_label, report.lowest_ratio
    ('fail', 'female', 0.6)
    """
    definition = metric(metric_or_id) if isinstance(metric_or_id, str) else metric_or_id
    min_rows = 1 if judging.complete else min_rows
    sides = [Side(definition, each, measure(definition, each, confidence), min_rows) for each in counts]
    if len({side.counts.label for side in sides}) < len(sides):
        raise ValueError("two slices have the same label")
    everyone = Side(definition, overall, measure(definition, overall, confidence), min_rows)
    base = _reference(sides, everyone, reference)
    usable = sorted((side for side in sides if side.usable), key=lambda side: (side.value, side.counts.label))
    low, high = (usable[0], usable[-1]) if len(usable) > 1 else (None, None)
    jury = (
        None
        if limit is None
        else Jury(sides, base, everyone, limit, reference == "best", confidence, judging)
    )
    p_values = _p_values(sides, base, everyone)
    pairs = len(usable) * (len(usable) - 1) // 2 if reference == "best" else 0
    lines = _tested([_figures(side, base, jury) for side in sides], p_values, correction, pairs)
    verdict, note = (None, _UNLIMITED) if jury is None else jury.whole()
    return SliceReport(
        definition,
        limit,
        min_rows,
        confidence,
        reference_label=base.counts.label if base else None,
        reference_value=base.measured.value if base else None,
        overall_value=everyone.measured.value,
        overall_n=everyone.measured.n,
        slices=lines,
        widest_difference=high.value - low.value if low and high else None,
        lowest_ratio=low.ratio_to(high) if low and high else None,
        highest_label=high.counts.label if high else None,
        lowest_label=low.counts.label if low else None,
        verdict=verdict,
        note=note,
        tally=jury.tally if jury else Tally(),
        left_out=tuple(LeftOut(side.counts.label, side.hindrance) for side in sides if not side.usable),
        comparisons=jury.comparisons if jury else 0,
        correction=correction,
        tested=sum(line.p_value is not None for line in lines),
        different=sum(beyond_chance(line.adjusted_p, confidence) for line in lines),
        pooled=tuple(_figures(side, base, jury) for side in jury.pooled) if jury else (),
    )


def tested_by(report: SliceReport) -> str:
    """The procedure behind the p values of a report."""
    tests = PROCEDURES[report.metric.form]
    return tests if report.correction == "none" else f"{CORRECTIONS[report.correction]}-adjusted {tests}"


def beyond_chance(adjusted_p: float | None, confidence: float) -> bool:
    """Whether a corrected p value speaks for a difference at this confidence."""
    return adjusted_p is not None and adjusted_p <= 1 - confidence


def _p_values(sides: Sequence[Side], base: Side | None, everyone: Side) -> list[float | None]:
    """Of each slice against the reference, or against all other rows where that is everyone."""
    if base is None:
        return [None] * len(sides)
    others = [base.counts] * len(sides)
    if base is everyone and base.metric.form != "ranking":
        others = rests_of([side.counts for side in sides])
    return [
        difference_p_value(side.metric, side.counts, other)
        if side.usable and base.usable and side.counts is not base.counts
        else None
        for side, other in zip(sides, others, strict=True)
    ]


def _tested(
    lines: Sequence[SliceFigures], p_values: Sequence[float | None], correction: Correction, of: int
) -> tuple[SliceFigures, ...]:
    corrected = iter(adjusted([p for p in p_values if p is not None], correction, of=of))
    return tuple(
        line if p is None else replace(line, p_value=p, adjusted_p=next(corrected))
        for line, p in zip(lines, p_values, strict=True)
    )


def _reference(sides: Iterable[Side], everyone: Side, reference: str) -> Side | None:
    ordered = sorted(sides, key=lambda side: side.counts.label)
    if reference == "overall":
        return everyone
    if reference == "largest":
        return max(ordered, key=lambda side: side.counts.rows, default=None)
    if reference == "best":
        usable = [side for side in ordered if side.usable]
        return max(usable, key=lambda side: side.metric.goodness(side.value), default=None)
    for side in ordered:
        if side.counts.label == reference:
            return side
    known = ", ".join(repr(side.counts.label) for side in ordered[:20])
    raise ValueError(f"{reference!r} is not a slice here; slices are {known}")


def _figures(side: Side, base: Side | None, jury: Jury | None) -> SliceFigures:
    gap = ratio = None
    gap_interval = ratio_range = None
    own = side.measured
    is_reference = base is not None and side.counts is base.counts
    if base is not None and own.value is not None and base.measured.value is not None:
        gap, ratio = own.value - base.measured.value, side.ratio_to(base)
        if not is_reference:
            gap_interval, ratio_range = intervals_to(own, base.measured, side.metric)
    verdict, note = (None, side.hindrance or _UNLIMITED) if jury is None else jury.on(side)
    return SliceFigures(
        side.counts.label,
        side.counts.keys,
        side.counts.rows,
        own.n,
        own.value,
        own.interval,
        gap,
        gap_interval,
        ratio,
        ratio_range,
        verdict,
        note,
        own.n < side.min_rows,
        is_reference,
    )
