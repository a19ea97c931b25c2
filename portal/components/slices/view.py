"""Bias slices as people read them: cards, chart and table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.analytics.slices.significance import CORRECTIONS
from portal.components.cards import Card, cards
from portal.components.charts.canvas import Threshold
from portal.components.charts.slices import slice_figure
from portal.components.downloads import download_csv
from portal.components.slices.words import (
    axis_format,
    chance,
    difference,
    interval_words,
    level,
    places,
    signed,
)
from portal.components.tables import Column, live_table
from portal.components.text import NOTHING, count, humanise, number

if TYPE_CHECKING:
    from core.analytics.slices.report import SliceReport
    from core.services.measured.bias import BiasSlices

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
    "p_value": "p",
    "adjusted_p": "p corrected",
    "verdict": "Verdict",
    "note": "Note",
}


def slice_cards(found: BiasSlices) -> None:
    """Draw the figures over all slices: ratio, difference, outside, beyond chance, too small."""
    report = found.report
    small = sum(line.too_small for line in report.slices)
    widest = difference(report.metric, report.widest_difference)
    ratio = _apart(found, "ratio", "Lowest over highest", number(report.lowest_ratio, 2))
    apart = _apart(found, "difference", "Widest difference", widest)
    beyond = Card(
        "Beyond chance",
        f"{report.different} of {report.tested}",
        note=f"Slices that differ from the reference; {CORRECTIONS[report.correction]} correction.",
    )
    too_small = Card(
        "Slices too small", number(small), note=f"{report.min_rows} rows are needed for a verdict."
    )
    cards([ratio, apart, _outside(report), beyond, too_small], min_column_width=175)


def _apart(found: BiasSlices, kind: str, label: str, value: str) -> Card:
    """How far the slices are apart; with the verdict where the ethical limit is of this kind."""
    report, rule = found.report, found.rule
    if value == NOTHING:
        note = (
            "Undefined for this metric." if report.lowest_label else "Fewer than two slices have enough rows."
        )
    else:
        note = f"{report.lowest_label} against {report.highest_label}."
    if rule is None or rule.comparison != kind or report.limit is None:
        return Card(label, value, note=note)
    target = (
        f"at least {report.limit.value:g}"
        if kind == "ratio"
        else f"at most {difference(report.metric, report.limit.value)}"
    )
    return Card(label, value, status=report.verdict or "", target=target, note=note)


def _outside(report: SliceReport) -> Card:
    title = "Outside the limit"
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
        most = sorted(drawn, key=lambda row: -row["rows"])[:MOST_DRAWN]
        names = {row["slice"] for row in most}
        drawn = [row for row in drawn if row["slice"] in names]
    by = " and ".join(humanise(name).lower() for name in found.by)
    return slice_figure(
        drawn,
        value_title=report.metric.title,
        alt=f"{report.metric.title} by {by}, with 95 % intervals and verdicts",
        lines=chart_lines(report, drawn),
        formats=axis_format(report.metric, _largest(report)),
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
    lowest = min((row["low"] for row in rows if row["low"] is not None), default=base)
    if ends[0] > 0 and (report.metric.direction == "higher" or ends[0] >= lowest):
        lines.append(Threshold(f"Limit {level(report.metric, ends[0])}", ends[0], "bad"))
    if ends[1] <= highest or report.metric.direction != "higher":
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
            "interval": interval_words(report.metric, line.value, line.interval),
            "gap": line.gap,
            "gap_words": signed(report.metric, line.gap),
            "ratio": line.ratio,
            "p_value": line.p_value,
            "adjusted_p": line.adjusted_p,
            "chance": chance(line.adjusted_p),
            "verdict": line.verdict,
            "shown": "too_small" if line.too_small else line.verdict or "not_judged",
            "note": line.note,
        }
        for line in report.slices
    ]


def slices_table(report: SliceReport, key: str, name: str) -> str | None:
    """Draw the table of slices with its download; give the label of the one that is clicked."""
    rows = slice_rows(report)
    share, digits = report.metric.is_share, places(_largest(report))
    kind, decimals = ("percent", 1) if share else ("number", digits)
    columns = [
        Column("slice", "Slice", strong=True, width=200),
        Column("n", "Rows that count", "number", phone=False, width=112),
        Column("value", report.metric.title, kind, decimals, width=120),  # type: ignore[arg-type]
        Column("interval", "95% interval", phone=False, width=126),
        Column(
            "gap",
            "Difference",
            "points" if share else "number",
            decimals,
            phone=False,
            help="The slice's value minus the reference's.",
        ),
        Column("ratio", "Ratio", "number", 2, phone=False, width=72, help="The value over the reference's."),
        Column(
            "chance",
            "p corrected",
            phone=False,
            width=98,
            help=f"How often chance alone does this; corrected by {CORRECTIONS[report.correction]}.",
        ),
        Column("shown", "Verdict", "status"),
        Column("note", "Why", phone=False, width=420),
    ]
    row = live_table(rows, columns, key=key, select=True, height=540, alt="All slices with their verdicts")
    files = [{**row, "value": "undefined" if row["value"] is None else row["value"]} for row in rows]
    download_csv(files, _CSV, name=name)
    return None if row is None else str(row["slice"])


def limit_sentence(found: BiasSlices) -> str:
    """Say which limit the slices were held to, and what came out."""
    if found.limit_note:
        return f"Nobody can tell: {found.limit_note}."
    if found.rule is None:
        return "No limit is set for this metric, so nothing is judged."
    return f"Limit: {found.rule.sentence}. {found.report.note}"


def rows_sentence(found: BiasSlices) -> str:
    """Say how many rows the slices are made of, and the metric over all of them."""
    rows = sum(line.rows for line in found.report.slices)
    report = found.report
    everyone = f"{report.metric.title} of all: {level(report.metric, report.overall_value)}"
    return f"{count(rows, 'prediction')} in {count(len(report.slices), 'slice')}. {everyone}."


def _largest(report: SliceReport) -> float:
    return max((abs(line.value) for line in report.slices if line.value is not None), default=1.0)
