"""Slices in words: values, differences and chances of a metric; undefined is never shown as a number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from core.analytics.slices.significance import CORRECTIONS, TEST_NAMES
from portal.components.charts.slices import SliceMark
from portal.components.text import NOTHING, number, percent, points

if TYPE_CHECKING:
    from core.analytics.intervals import Interval
    from core.analytics.slices.metrics import MetricDefinition
    from core.analytics.slices.report import SliceLine, SliceReport


def mark_of(line: SliceLine, verdict: str | None) -> SliceMark:
    """A slice as it is drawn."""
    return SliceMark(line.label, line.n, line.value, line.low, line.high, verdict)


def level(metric: MetricDefinition, value: float | None) -> str:
    """A value of the metric."""
    if value is None:
        return "undefined"
    return percent(value, 1) if metric.is_share else number(value, places(value))


def difference(metric: MetricDefinition, value: float | None) -> str:
    """A difference of two values of the metric, without its sign."""
    if value is None:
        return NOTHING
    return f"{number(value * 100, 1)} points" if metric.is_share else number(value, places(value))


def signed(metric: MetricDefinition, value: float | None) -> str:
    """A difference of two values of the metric, with its sign."""
    if value is None:
        return NOTHING
    return points(value) if metric.is_share else ("+" if value > 0 else "") + number(value, places(value))


def interval_words(metric: MetricDefinition, value: float | None, interval: Interval | None) -> str:
    """An interval from end to end."""
    if value is None:
        return "undefined"
    if interval is None:
        return NOTHING
    return f"{level(metric, interval.low)} to {level(metric, interval.high)}"


def chance(p_value: float | None) -> str:
    """A p value as people read it."""
    if p_value is None:
        return NOTHING
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def places(value: float) -> int:
    """Decimals that leave about three figures to read."""
    size = math.floor(math.log10(abs(value))) if value else 0
    return min(max(2 - size, 0), 4)


def axis_format(metric: MetricDefinition, largest: float) -> tuple[str, int]:
    """How a chart writes values: per cent or plain, and the decimals."""
    return ("%", 1) if metric.is_share else ("f", places(largest))


def metric_notes(metric: MetricDefinition) -> tuple[str, ...]:
    """What the metric means, one sentence each."""
    return (
        *metric.notes,
        f"Interval: 95% each, {metric.interval}.",
    )


def report_notes(report: SliceReport) -> tuple[str, ...]:
    """What the figures of a report mean, one sentence each."""
    correction = CORRECTIONS[report.correction]
    return (
        *metric_notes(report.metric),
        "Difference: the slice's value minus the reference's; 0 means alike. Ratio: over the reference's; 1 "
        "means alike. Intervals of differences: Newcombe 1998, Zou and Donner 2008.",
        f"Test: {TEST_NAMES[report.metric.form]}; two-sided, of each slice with enough rows against the "
        "reference.",
        f"Correction: {correction}, for the {report.tested:,} slices tested; too small ones are not tested.",
        "Verdicts go by the interval of one slice at a time: among many slices some lie outside by chance.",
        "No figure here shows that a model is just; it shows how far slices are apart.",
    )
