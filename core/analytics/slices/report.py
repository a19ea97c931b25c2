"""What the counts of slices say against a reference and a limit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from core.analytics.intervals import Interval, difference_interval, rate_ratio_interval, ratio_interval
from core.analytics.slices.counts import SliceCounts, rests_of
from core.analytics.slices.metrics import Measured, MetricDefinition, measure, metric
from core.analytics.slices.significance import Correction, adjusted, difference_p_value
from core.ground.figure import VerdictName

_UNLIMITED = "No limit is set, so nothing is judged."


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


@dataclass(frozen=True, slots=True)
class _Side:
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
    def hindrance(self) -> str:
        """Why nothing can be said of it; empty where it is usable."""
        if self.measured.n == 0:
            return "Undefined: no row of this slice counts towards the metric."
        if self.measured.value is None:
            return "Undefined: all labels of this slice are alike, and the metric needs both classes."
        if not self.usable:
            return f"Too small: {self.measured.n} rows count towards the metric, {self.min_rows} are needed."
        return ""

    def ratio_to(self, base: _Side) -> float | None:
        return self.value / base.value if self.metric.has_ratio and base.value != 0 else None


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
    Formula: gap = value - reference, ratio = value / reference. A slice passes when the whole interval of
    its gap (or ratio) is within the limit, fails when it is wholly outside, else nobody can tell.
    Direction: the limit counts both ways; a gap of 0.0 or a ratio of 1.0 means alike.
    Tests: see `difference_p_value`; each slice with enough rows against the reference ("overall": against all
    other rows), corrected for the number of slices tested.
    Leaves out: whether the labels are just; in verdicts, that among many slices some fail by chance (the p
    values are corrected for it); with "overall", that the slice is part of it (the intervals of its gap are
    too wide, not too narrow); with "best", that the best was picked by its value. No outcome shows that a
    model is fair.
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
    sides = [_Side(definition, each, measure(definition, each, confidence), min_rows) for each in counts]
    if len({side.counts.label for side in sides}) < len(sides):
        raise ValueError("two slices have the same label")
    everyone = _Side(definition, overall, measure(definition, overall, confidence), min_rows)
    base = _reference(sides, everyone, reference)
    p_values = _p_values(sides, base, everyone)
    lines = _tested([_figures(side, base, limit) for side in sides], p_values, correction)
    usable = sorted((side for side in sides if side.usable), key=lambda side: (side.value, side.counts.label))
    low, high = (usable[0], usable[-1]) if len(usable) > 1 else (None, None)
    verdict, note = _overall(lines, len(usable), limit)
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
        left_out=tuple(LeftOut(side.counts.label, side.hindrance) for side in sides if not side.usable),
        correction=correction,
        tested=sum(line.p_value is not None for line in lines),
        different=sum(beyond_chance(line.adjusted_p, confidence) for line in lines),
    )


def beyond_chance(adjusted_p: float | None, confidence: float) -> bool:
    """Whether a corrected p value speaks for a difference at this confidence."""
    return adjusted_p is not None and adjusted_p <= 1 - confidence


def _p_values(sides: Sequence[_Side], base: _Side | None, everyone: _Side) -> list[float | None]:
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
    lines: Sequence[SliceFigures], p_values: Sequence[float | None], correction: Correction
) -> tuple[SliceFigures, ...]:
    corrected = iter(adjusted([p for p in p_values if p is not None], correction))
    return tuple(
        line if p is None else replace(line, p_value=p, adjusted_p=next(corrected))
        for line, p in zip(lines, p_values, strict=True)
    )


def _reference(sides: Iterable[_Side], everyone: _Side, reference: str) -> _Side | None:
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


def _figures(side: _Side, base: _Side | None, limit: Limit | None) -> SliceFigures:
    gap = ratio = None
    gap_interval = ratio_range = None
    own = side.measured
    is_reference = base is not None and side.counts is base.counts
    if base is not None and own.value is not None and base.measured.value is not None:
        gap, ratio = own.value - base.measured.value, side.ratio_to(base)
        if not is_reference:
            gap_interval, ratio_range = _intervals(own, base.measured, side.metric)
    compared = (gap, gap_interval) if limit is None or limit.kind == "difference" else (ratio, ratio_range)
    verdict, note = _judge(side, base, limit, *compared, is_reference=is_reference)
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


def _intervals(
    own: Measured, base: Measured, definition: MetricDefinition
) -> tuple[Interval | None, Interval | None]:
    if own.value is None or base.value is None or own.interval is None or base.interval is None:
        return None, None
    gap = difference_interval(own.value, own.interval, base.value, base.interval)
    if not definition.has_ratio:
        return gap, None
    if definition.form == "rate":
        confidence = own.interval.confidence
        return gap, rate_ratio_interval(int(own.numerator), own.n, int(base.numerator), base.n, confidence)
    return gap, ratio_interval(own.value, own.interval, base.value, base.interval)


def _judge(
    side: _Side,
    base: _Side | None,
    limit: Limit | None,
    value: float | None,
    interval: Interval | None,
    *,
    is_reference: bool,
) -> tuple[VerdictName | None, str]:
    if side.hindrance or limit is None:
        return None if limit is None else "cannot_tell", side.hindrance or _UNLIMITED
    if base is None:
        return "cannot_tell", "No slice has enough rows to serve as the reference."
    if is_reference:
        return "pass", "This slice is the reference that the others are held against."
    if not base.usable:
        return "cannot_tell", f"The reference '{base.counts.label}' has too few rows or is undefined."
    if value is None or interval is None:
        return "cannot_tell", f"No {limit.kind} to '{base.counts.label}' can be worked out from these counts."
    low, high = limit.ends
    said = (
        f"The {limit.kind} to '{base.counts.label}' is {value:.3f} "
        f"({interval.confidence:.0%} interval {interval.low:.3f} to {interval.high:.3f})"
    )
    allowed = f"the limit of {low:.3f} to {high:.3f}"
    if low <= interval.low and interval.high <= high:
        return "pass", f"{said}, within {allowed}."
    if interval.high < low or interval.low > high:
        return "fail", f"{said}, outside {allowed}."
    return "cannot_tell", f"{said}, which reaches across an end of {allowed}: more rows are needed."


def _overall(
    lines: Sequence[SliceFigures], usable: int, limit: Limit | None
) -> tuple[VerdictName | None, str]:
    if limit is None:
        return None, _UNLIMITED
    failed = sum(line.verdict == "fail" for line in lines)
    unsure = sum(line.verdict == "cannot_tell" for line in lines)
    if failed:
        return "fail", f"{failed} of {len(lines)} slices are outside the limit; {unsure} cannot be told."
    if usable < 2:
        return "cannot_tell", "Fewer than two slices have enough rows, so there is nothing to compare."
    if unsure:
        return "cannot_tell", f"{unsure} of {len(lines)} slices cannot be told; none is shown to be outside."
    return "pass", f"All {len(lines)} slices are within the limit."
