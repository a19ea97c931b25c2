"""Bias slices as people read them: cards, chart, table, and what the figures mean."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from portal.components.cards import Card, cards
from portal.components.charts import Threshold, slice_figure
from portal.components.downloads import download_csv
from portal.components.tables import Column, live_table
from portal.components.text import NOTHING, count, humanise, number, percent

if TYPE_CHECKING:
    from core.analytics.metrics import MetricDefinition
    from core.analytics.slices import SliceFigures, SliceReport
    from core.services.bias import BiasSlices

MOST_DRAWN = 60
_CSV = {
    "slice": "Slice",
    "rows": "Rows",
    "n": "Rows that count",
    "value": "Value",
    "low": "Interval from",
    "high": "Interval to",
    "gap": "Difference to the reference",
    "ratio": "Ratio to the reference",
    "verdict": "Verdict",
    "note": "Note",
}


def slice_cards(found: BiasSlices) -> None:
    """Draw the figures over all slices: lowest ratio, widest difference, outside, too small."""
    report = found.report
    small = sum(line.too_small for line in report.slices)
    cards(
        [
            _apart(found, "ratio", "Lowest over highest", number(report.lowest_ratio, 2)),
            _apart(
                found, "difference", "Widest difference", difference(report.metric, report.widest_difference)
            ),
            _outside(report),
            Card("Slices too small", number(small), note=f"{report.min_rows} rows are needed for a verdict."),
        ],
        min_column_width=175,
    )


def _apart(found: BiasSlices, kind: str, label: str, value: str) -> Card:
    """How far the slices are apart; with the verdict where the ethical limit is of this kind."""
    report, rule = found.report, found.rule
    if value == NOTHING:
        note = (
            "Undefined for this metric." if report.lowest_label else "Fewer than two slices have enough rows."
        )
    else:
        note = f"{report.lowest_label} against {report.highest_label}."
    if rule is None or rule.comparison != kind:
        return Card(label, value, note=note)
    target = f"at least {rule.limit:g}" if kind == "ratio" else f"at most {100 * rule.limit:g} points"
    return Card(label, value, status=report.verdict or "", target=target, note=note)


def _outside(report: SliceReport) -> Card:
    title = "Slices outside the limit"
    if report.limit is None:
        return Card(title, NOTHING, note="No limit is set for this metric.")
    outside = sum(line.verdict == "fail" for line in report.slices)
    unsure = sum(line.verdict == "cannot_tell" for line in report.slices)
    note = f"{unsure} cannot be told." if unsure else "All others are within it."
    return Card(title, f"{outside} of {len(report.slices)}", note=note)


def slices_chart(found: BiasSlices, key: str) -> str | None:
    """Draw the slices; give the label of the one that is clicked."""
    report = found.report
    drawn = slice_rows(report)
    if len(drawn) > MOST_DRAWN:
        st.caption(f"The {MOST_DRAWN} slices with the most rows are drawn; the table holds all {len(drawn)}.")
        largest = sorted(drawn, key=lambda row: -row["rows"])[:MOST_DRAWN]
        drawn = [row for row in drawn if row in largest]
    by = " and ".join(humanise(name).lower() for name in found.by)
    return slice_figure(
        drawn,
        value_title=report.metric.title,
        alt=f"{report.metric.title} by {by}, with 95 % intervals and verdicts",
        lines=chart_lines(report, drawn),
        formats=("%", 1) if report.metric.form == "rate" else ("f", _digits(report)),
        key=key,
    )


def chart_lines(report: SliceReport, rows: Sequence[Mapping[str, Any]]) -> list[Threshold]:
    """The reference, and those ends of the limit that lie where slices are or below the reference."""
    base = report.reference_value
    if base is None:
        return []
    who = "Everyone" if report.reference_label == "everyone" else report.reference_label
    lines = [Threshold(f"{who}: {level(report.metric, base)}", base, "quiet")]
    if report.limit is None:
        return lines
    low, high = report.limit.ends
    ends = (base * low, base * high) if report.limit.kind == "ratio" else (base + low, base + high)
    highest = max((row["high"] for row in rows if row["high"] is not None), default=base)
    if ends[0] > 0:
        lines.append(Threshold(f"Limit {level(report.metric, ends[0])}", ends[0], "bad"))
    if ends[1] <= highest:
        lines.append(Threshold(f"Limit {level(report.metric, ends[1])}", ends[1], "bad"))
    return lines


def slice_rows(report: SliceReport) -> list[dict[str, Any]]:
    """One plain row a slice."""
    return [
        {
            "slice": line.label,
            "rows": line.rows,
            "n": line.n,
            "value": line.value,
            "low": line.interval.low if line.interval else None,
            "high": line.interval.high if line.interval else None,
            "interval": _interval(report.metric, line),
            "gap": line.gap,
            "ratio": line.ratio,
            "verdict": line.verdict,
            "shown": line.verdict or "not_judged",
            "note": line.note,
        }
        for line in report.slices
    ]


def slices_table(report: SliceReport, key: str, name: str) -> str | None:
    """Draw the table of slices with its download; give the label of the one that is clicked."""
    rows = slice_rows(report)
    rate, digits = report.metric.form == "rate", _digits(report)
    columns = [
        Column("slice", "Slice", strong=True, width=200),
        Column("n", "Rows that count", "number", phone=False, width=112),
        Column(
            "value", report.metric.title, "percent" if rate else "number", 1 if rate else digits, width=120
        ),
        Column("interval", "95% interval", phone=False, width=126),
        Column("gap", "Difference", "points" if rate else "number", 1 if rate else digits, phone=False),
        Column("ratio", "Ratio", "number", 2, phone=False, width=72),
        Column("shown", "Verdict", "status"),
        Column("note", "Why", phone=False, width=420),
    ]
    row = live_table(rows, columns, key=key, select=True, height=540, alt="All slices with their verdicts")
    files = [{**row, "value": "undefined" if row["value"] is None else row["value"]} for row in rows]
    download_csv(files, _CSV, name=name)
    return None if row is None else str(row["slice"])


def metric_notes(metric: MetricDefinition) -> tuple[str, ...]:
    """What the metric means, one sentence each."""
    better = {
        "higher": "higher is called better",
        "lower": "lower is called better",
        "zero": "nearest to 0 is best",
    }
    return (
        f"Formula: {metric.formula}.",
        f"Direction: {better[metric.direction]}.",
        f"Zero means: {metric.zero_means}.",
        f"Leaves out: {metric.leaves_out}.",
        f"Source: {metric.source}.",
        "Intervals hold 95% each, one slice at a time: among many slices some lie outside by chance.",
        "No figure here shows that a model is just; it shows how far slices are apart.",
    )


def limit_sentence(found: BiasSlices) -> str:
    """Say which limit the slices were held to, and what came out."""
    if found.rule is None:
        return "No limit is set for this metric, so nothing is judged."
    return f"Limit: {found.rule.sentence}. {found.report.note}"


def level(metric: MetricDefinition, value: float | None) -> str:
    """A value of the metric in words; undefined is never shown as a number."""
    if value is None:
        return "undefined"
    return percent(value, 1) if metric.form == "rate" else number(value, _places(value))


def difference(metric: MetricDefinition, value: float | None) -> str:
    """A difference of two values of the metric in words."""
    if value is None:
        return NOTHING
    return f"{number(value * 100, 1)} points" if metric.form == "rate" else number(value, _places(value))


def _interval(metric: MetricDefinition, line: SliceFigures) -> str:
    if line.value is None:
        return "undefined"
    if line.interval is None:
        return NOTHING
    return f"{level(metric, line.interval.low)} to {level(metric, line.interval.high)}"


def _digits(report: SliceReport) -> int:
    return _places(max((abs(line.value) for line in report.slices if line.value is not None), default=1.0))


def _places(value: float) -> int:
    """Decimals that leave about three figures to read."""
    size = math.floor(math.log10(abs(value))) if value else 0
    return min(max(2 - size, 0), 4)


def rows_sentence(found: BiasSlices) -> str:
    """Say how many rows the slices are made of, and the metric over all of them."""
    rows = sum(line.rows for line in found.report.slices)
    report = found.report
    everyone = f"{report.metric.title} of all: {level(report.metric, report.overall_value)}"
    return f"{count(rows, 'prediction')} in {count(len(report.slices), 'slice')}. {everyone}."
