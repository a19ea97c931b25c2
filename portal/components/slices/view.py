"""Bias slices by choice as people read them: cards, chart, table, and how far apart all slices are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.slices.report import tested_by
from core.services.measured import bias
from portal.components.canvas import Threshold
from portal.components.cards import Card, cards
from portal.components.charts.slices import slice_figure
from portal.components.page import empty_state, panel
from portal.components.pills import pill_html
from portal.components.slices import inputs
from portal.components.slices.filters import (
    Subject,
    axis_format,
    chance,
    difference,
    drill_into,
    interval_words,
    level,
    mark_of,
    path_line,
    places,
    report_notes,
)
from portal.components.tables import Column, Kind, download_csv, figure_help, live_table
from portal.components.text import NOTHING, count, escape_html, humanise, number
from portal.components.url_inputs import url_value

if TYPE_CHECKING:
    from core.analytics.slices.fairness import FairnessMeasure
    from core.analytics.slices.report import SliceFigures, SliceReport
    from core.services.measured.bias import BiasSlices, FeatureVerdict

MOST_DRAWN = 60
_CSV = {
    "label": "Slice",
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
_STYLE = """<style>
.gp-measures { margin: 0; display: grid; gap: 0; }
.gp-measures > div { display: grid; grid-template-columns: 1fr auto; gap: 2px 12px; padding: 9px 0;
  border-bottom: 1px solid color-mix(in srgb, currentColor 13%, transparent); }
.gp-measures > div:last-child { border-bottom: 0; }
.gp-measures span { font-size: 13px; }
.gp-measures b { font-size: 16px; font-weight: 600; font-variant-numeric: tabular-nums;
  text-align: right; }
.gp-measures p { grid-column: 1 / -1; margin: 0; font-size: 12px; opacity: 0.72; line-height: 1.4; }
</style>"""


def draw_slices(subject: Subject) -> None:
    """Draw the slices that the address names; by default those of the worst verdict."""
    known = {"initiative": subject.known.initiative, "version": subject.known.version}
    part = inputs.part_of(subject.choices.parts)
    verdicts = subject.desk.ask(bias.sensitive_verdicts, **known, part=part)
    verdict_strip(verdicts)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        worst = next((one.feature for one in verdicts if one.feature in subject.free), "")
        by = inputs.features_input(subject, first=worst)
        metric = inputs.metric_input(subject.choices)
        outcome = next((one.outcome for one in verdicts if by == (one.feature,)), None)
        asked = inputs.common_inputs(subject, by, outcome=outcome)
    path_line(subject)
    if not by:
        empty_state("Choose at least one feature to slice by.", icon=inputs.ICON)
        return
    found = subject.desk.ask(
        bias.bias_slices,
        **vars(asked),
        by=by,
        metric=metric,
        reference=url_value("against", "best"),
        correction=inputs.correction_asked(),
    )
    slice_cards(found)
    key = "-".join([*by, *(each.text for each in subject.conditions)])
    names = " and ".join(humanise(name).lower() for name in by)
    wide, narrow = st.columns([5, 3]) if found.fairness else (st.container(), None)
    title = f"{found.report.metric.title} by {names}"
    with wide, panel(title, limit_sentence(found)):
        inputs.reference_input(found.report)
        clicked = slices_chart(found, f"chart-{key}")
        figure_help(report_notes(found.report))
    if narrow is not None:
        with narrow:
            fairness_panel(found.fairness)
    with panel("Slices", rows_sentence(found)):
        clicked = slices_table(found, f"slices-{key}") or clicked
    drill_into(subject, found.report.slices, clicked, metric)


def verdict_strip(verdicts: Sequence[FeatureVerdict]) -> None:
    """Draw the verdict on each sensitive feature, of its worst outcome; the worst first."""
    if not verdicts:
        return
    outcomes = len({one.outcome for one in verdicts}) > 1
    named = [f", {humanise(one.outcome)}" if outcomes and one.outcome else "" for one in verdicts]
    st.html(
        '<div style="display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px">'
        + "".join(
            f"<span>{escape_html(humanise(one.feature) + outcome)} {pill_html(one.verdict)}</span>"
            for one, outcome in zip(verdicts, named, strict=True)
        )
        + "</div>"
    )


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
        note=f"Slices that differ from the reference, by {tested_by(report)}.",
    )
    too_small = Card(
        "Slices too small", number(small), note=f"{report.min_rows} rows are needed for a verdict."
    )
    cards([ratio, apart, _outside(report), beyond, too_small], min_column_width=175)


def _apart(found: BiasSlices, kind: str, label: str, value: str) -> Card:
    """How far the slices are apart; with the verdict where the ethical limit is of this kind."""
    report = found.report
    if value == NOTHING:
        note = (
            "Undefined for this metric." if report.lowest_label else "Fewer than two slices have enough rows."
        )
    else:
        note = f"{report.lowest_label} against {report.highest_label}."
    if report.limit is None or report.limit.kind != kind:
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
    found = report.tally
    note = f"{found.unsure} cannot be told." if found.unsure else "All others are within it."
    return Card(title, f"{found.outside} of {found.judged}", note=note)


def slices_chart(found: BiasSlices, key: str) -> str | None:
    """Draw the slices; give the label of the one that is clicked."""
    report = found.report
    drawn = (*report.slices, *report.pooled)
    if len(drawn) > MOST_DRAWN:
        st.caption(f"The {MOST_DRAWN} slices with the most rows are drawn; the table holds all {len(drawn)}.")
        names = {line.label for line in sorted(drawn, key=lambda line: -line.rows)[:MOST_DRAWN]}
        drawn = tuple(line for line in drawn if line.label in names)
    by = " and ".join(humanise(name).lower() for name in found.by)
    return slice_figure(
        [mark_of(line, line.verdict) for line in drawn],
        value_title=report.metric.title,
        alt=f"{report.metric.title} by {by}, with 95 % intervals and verdicts",
        lines=chart_lines(report, drawn),
        formats=axis_format(report.metric, _largest(report)),
        key=key,
    )


def chart_lines(report: SliceReport, drawn: Sequence[SliceFigures]) -> list[Threshold]:
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
    highest = max((line.high for line in drawn if line.high is not None), default=base)
    lowest = min((line.low for line in drawn if line.low is not None), default=base)
    if ends[0] > 0 and (report.metric.direction == "higher" or ends[0] >= lowest):
        lines.append(Threshold(f"Limit {level(report.metric, ends[0])}", ends[0], "bad"))
    if ends[1] <= highest or report.metric.direction != "higher":
        lines.append(Threshold(f"Limit {level(report.metric, ends[1])}", ends[1], "bad"))
    return lines


def slices_table(found: BiasSlices, key: str) -> str | None:
    """Draw the table of slices with its download; give the label of the one that is clicked."""
    report, counted = found.report, found.counted
    share, digits = report.metric.is_share, places(_largest(report))
    kind: Kind = "percent" if share else "number"
    decimals = 1 if share else digits
    metric = report.metric
    columns: list[Column[SliceFigures]] = [
        Column("label", "Slice", strong=True, width=200),
        Column("n", counted, "number", phone=False, width=112),
        Column("value", report.metric.title, kind, decimals, width=120),
        Column(
            lambda line: interval_words(metric, line.value, line.interval),
            "95% interval",
            phone=False,
            width=126,
        ),
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
            lambda line: chance(line.adjusted_p),
            "p corrected",
            phone=False,
            width=98,
            help=f"How often chance alone does this, by {tested_by(report)}.",
        ),
        Column(_shown, "Verdict", "status"),
        Column("note", "Why", phone=False, width=420),
    ]
    alt = "All slices with their verdicts"
    lines = (*report.slices, *report.pooled)
    line = live_table(lines, columns, key=key, select=True, height=540, alt=alt)
    titled = {**_CSV, "n": counted, "value": metric.title}
    download_csv(lambda: [_told(line) for line in lines], titled, name="bias-slices")
    return None if line is None else line.label


def _shown(line: SliceFigures) -> str:
    return "too_small" if line.too_small else line.verdict or "not_judged"


def _told(line: SliceFigures) -> dict[str, object]:
    """A slice as its file tells it."""
    told = {field: getattr(line, field) for field in _CSV}
    return told | ({"value": "undefined"} if line.value is None else {})


def limit_sentence(found: BiasSlices) -> str:
    """Say which limit the slices were held to, and what came out."""
    if found.undeclared:
        return f"Of {found.batches.titled(found.positive)}: {found.undeclared}. {_held(found)}"
    return _held(found)


def _held(found: BiasSlices) -> str:
    if found.limit_note:
        return f"Nobody can tell: {found.limit_note}."
    if found.rule is None:
        return "No limit is set for this metric, so nothing is judged."
    return f"Limit: {found.rule}. {found.report.note}"


def rows_sentence(found: BiasSlices) -> str:
    """Say how many rows the slices are made of, and the metric over all of them."""
    rows = sum(line.rows for line in found.report.slices)
    report = found.report
    everyone = f"{report.metric.title} of all: {level(report.metric, report.overall_value)}"
    many = f"{count(rows, 'prediction')} in {count(len(report.slices), 'slice')}"
    return " ".join([f"{many}. {everyone}.", *found.unlike])


def _largest(report: SliceReport) -> float:
    return max((abs(line.value) for line in report.slices if line.value is not None), default=1.0)


def fairness_panel(measures: Sequence[FairnessMeasure]) -> None:
    """Draw the measures one below the other, with the slices each lies between."""
    with panel(
        "Apart by the usual measures", "As fairlearn defines them, between the slices with enough rows."
    ):
        st.html(f'<div class="gp-measures">{"".join(_measure(each) for each in measures)}</div>{_STYLE}')
        notes = [f"{each.definition.title}. {' '.join(each.definition.notes)}" for each in measures]
        figure_help(notes, title="How these are counted")


def _measure(each: FairnessMeasure) -> str:
    name = each.definition.id
    if each.value is None:
        value, note = "undefined", _why_undefined(each)
    elif name.endswith("difference"):
        value, note = f"{number(100 * each.value, 1)} points", _between(each)
    else:
        value, note = number(each.value, 2), _between(each)
    pill = f" {pill_html(each.verdict)}" if each.verdict else ""
    return (
        f"<div><span>{escape_html(each.definition.title)}{pill}</span><b>{escape_html(value)}</b>"
        f"<p>{escape_html(note)}</p></div>"
    )


def _between(each: FairnessMeasure) -> str:
    rate = (each.metric or "").replace("_", " ")
    left = f"; {each.left_out} left out" if each.left_out else ""
    return f"{each.low_label} against {each.high_label} ({rate}){left}"


def _why_undefined(each: FairnessMeasure) -> str:
    return f"Fewer than two slices have enough rows, or a rate is undefined; {each.left_out} left out"
