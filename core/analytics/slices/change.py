"""The same slices under two model versions, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from core.analytics.intervals import Interval, difference_interval
from core.analytics.slices.counts import SliceCounts
from core.analytics.slices.report import SliceFigures, SliceReport
from core.analytics.slices.significance import adjusted, difference_p_value


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
    usable = [
        label
        for label in labels
        if label in first
        and label in second
        and not (first[label].too_small or second[label].too_small)
        and first[label].value is not None
        and second[label].value is not None
    ]
    tested = {
        label: difference_p_value(report.metric, by_label[0][label], by_label[1][label]) for label in usable
    }
    known = {label: p for label, p in tested.items() if p is not None}
    corrected = dict(zip(known, adjusted(list(known.values()), report.correction), strict=True))
    return tuple(
        _change(report, label, first.get(label), second.get(label), known.get(label), corrected.get(label))
        for label in labels
    )


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
