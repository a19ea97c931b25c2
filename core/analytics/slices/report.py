"""What the counts of slices say against a reference and a limit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from core.analytics.intervals import Interval, difference_interval, rate_ratio_interval, ratio_interval
from core.analytics.slices.chance import difference_p_value
from core.analytics.slices.metrics import Measured, MetricDefinition, measure, metric
from core.analytics.slices.significance import Correction, adjusted
from core.analytics.slices.values import (
    EVERYONE,
    MISSING,
    Band,
    LeftOut,
    Limit,
    SliceCounts,
    SliceFigures,
    SliceReport,
    rests_of,
    total_of,
)
from core.ground.figure import VerdictName

__all__ = [
    "EVERYONE",
    "MISSING",
    "Band",
    "LeftOut",
    "Limit",
    "SliceCounts",
    "SliceFigures",
    "SliceReport",
    "VerdictName",
    "slice_report",
    "total_of",
]


@dataclass(frozen=True, slots=True)
class _Side:
    counts: SliceCounts
    measured: Measured
    min_rows: int

    @property
    def usable(self) -> bool:
        return self.measured.value is not None and self.measured.n >= self.min_rows


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
    >>> men = SliceCounts((("sex", "male"),), "binary", 1000, predicted=1000, selected=500)
    >>> women = SliceCounts((("sex", "female"),), "binary", 1000, predicted=1000, selected=300)
    >>> report = slice_report([men, women], total_of([men, women]), "selection_rate",
    ...                       reference="best", limit=Limit("ratio", 0.8))
    >>> report.verdict, report.lowest_label, report.lowest_ratio
    ('fail', 'female', 0.6)
    """
    definition = metric(metric_or_id) if isinstance(metric_or_id, str) else metric_or_id
    sides = [_Side(each, measure(definition, each, confidence), min_rows) for each in counts]
    if len({side.counts.label for side in sides}) < len(sides):
        raise ValueError("two slices have the same label")
    everyone = _Side(overall, measure(definition, overall, confidence), min_rows)
    base = _reference(sides, everyone, reference, definition)
    lines = _tested(
        [_figures(side, base, definition, limit) for side in sides],
        [
            _p_value(side, base, rest, definition)
            for side, rest in zip(sides, _held_against(counts, base, everyone, definition), strict=True)
        ],
        correction,
    )
    usable = sorted((side for side in sides if side.usable), key=_by_value)
    low, high = (usable[0], usable[-1]) if len(usable) > 1 else (None, None)
    verdict, note = _overall(lines, len(usable), limit)
    return SliceReport(
        definition,
        limit,
        min_rows,
        confidence,
        None if base is None else base.counts.label,
        None if base is None else base.measured.value,
        everyone.measured.value,
        everyone.measured.n,
        lines,
        None if low is None or high is None else _value(high) - _value(low),
        None if low is None or high is None else _ratio(low, high, definition),
        None if high is None else high.counts.label,
        None if low is None else low.counts.label,
        verdict,
        note,
        tuple(_left_out(side) for side in sides if not side.usable),
        correction,
        sum(line.p_value is not None for line in lines),
        sum(line.adjusted_p is not None and line.adjusted_p <= 1 - confidence for line in lines),
    )


def _held_against(
    counts: Sequence[SliceCounts], base: _Side | None, everyone: _Side, definition: MetricDefinition
) -> Sequence[SliceCounts]:
    """What each slice is tested against: the reference, or all other rows where that is everyone."""
    if base is everyone and definition.form != "ranking":
        return rests_of(counts)
    return [(base or everyone).counts] * len(counts)


def _p_value(
    side: _Side, base: _Side | None, other: SliceCounts, definition: MetricDefinition
) -> float | None:
    if base is None or not (side.usable and base.usable) or side.counts is base.counts:
        return None
    return difference_p_value(definition, side.counts, other)


def _tested(
    lines: Sequence[SliceFigures], p_values: Sequence[float | None], correction: Correction
) -> tuple[SliceFigures, ...]:
    corrected = iter(adjusted([p for p in p_values if p is not None], correction))
    return tuple(
        line if p is None else replace(line, p_value=p, adjusted_p=next(corrected))
        for line, p in zip(lines, p_values, strict=True)
    )


def _reference(
    sides: Iterable[_Side], everyone: _Side, reference: str, definition: MetricDefinition
) -> _Side | None:
    ordered = sorted(sides, key=lambda side: side.counts.label)
    if reference == "overall":
        return everyone
    if reference == "largest":
        return max(ordered, key=lambda side: side.counts.rows, default=None)
    if reference == "best":
        sign = {"higher": 1, "lower": -1, "zero": -1}[definition.direction]
        usable = [side for side in ordered if side.usable]
        return max(usable, key=lambda side: sign * _distance(_value(side), definition), default=None)
    for side in ordered:
        if side.counts.label == reference:
            return side
    known = ", ".join(repr(side.counts.label) for side in ordered[:20])
    raise ValueError(f"{reference!r} is not a slice here; slices are {known}")


def _distance(value: float, definition: MetricDefinition) -> float:
    return abs(value) if definition.direction == "zero" else value


def _figures(
    side: _Side, base: _Side | None, definition: MetricDefinition, limit: Limit | None
) -> SliceFigures:
    gap = ratio = None
    gap_interval = ratio_range = None
    own = side.measured
    is_reference = base is not None and side.counts is base.counts
    if base is not None and own.value is not None and base.measured.value is not None:
        gap, ratio = own.value - base.measured.value, _ratio(side, base, definition)
        if not is_reference:
            gap_interval, ratio_range = _intervals(own, base.measured, definition)
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
    hindrance = _hindrance(side)
    if hindrance or limit is None:
        verdict: VerdictName | None = None if limit is None else "cannot_tell"
        return verdict, f"{hindrance or 'No limit is set, so nothing is judged'}."
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


def _hindrance(side: _Side) -> str:
    if side.measured.n == 0:
        return "Undefined: no row of this slice counts towards the metric"
    if side.measured.value is None:
        return "Undefined: all labels of this slice are alike, and the metric needs both classes"
    if not side.usable:
        return f"Too small: {side.measured.n} rows count towards the metric, {side.min_rows} are needed"
    return ""


def _left_out(side: _Side) -> LeftOut:
    return LeftOut(side.counts.label, f"{_hindrance(side)}.")


def _overall(
    lines: Sequence[SliceFigures], usable: int, limit: Limit | None
) -> tuple[VerdictName | None, str]:
    if limit is None:
        return None, "No limit is set, so nothing is judged."
    failed = sum(line.verdict == "fail" for line in lines)
    unsure = sum(line.verdict == "cannot_tell" for line in lines)
    if failed:
        return "fail", f"{failed} of {len(lines)} slices are outside the limit; {unsure} cannot be told."
    if usable < 2:
        return "cannot_tell", "Fewer than two slices have enough rows, so there is nothing to compare."
    if unsure:
        return "cannot_tell", f"{unsure} of {len(lines)} slices cannot be told; none is shown to be outside."
    return "pass", f"All {len(lines)} slices are within the limit."


def _value(side: _Side) -> float:
    if side.measured.value is None:
        raise ValueError(f"the metric of slice {side.counts.label!r} is undefined")
    return side.measured.value


def _by_value(side: _Side) -> tuple[float, str]:
    return _value(side), side.counts.label


def _ratio(side: _Side, base: _Side, definition: MetricDefinition) -> float | None:
    if not definition.has_ratio or _value(base) == 0:
        return None
    return _value(side) / _value(base)
