"""Two versions side by side as people read them: choice, cards, chart and table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.slices.report import beyond_chance, tested_by
from core.services.measured import bias
from portal.components.cards import Card, cards
from portal.components.charts.slices import PairMark, slice_pairs
from portal.components.page import empty_state, panel
from portal.components.slices import inputs
from portal.components.slices.filters import (
    Subject,
    axis_format,
    chance,
    drill_into,
    level,
    path_line,
    report_notes,
    signed,
)
from portal.components.tables import Column, download_csv, figure_help, live_table
from portal.components.text import NOTHING, humanise, number
from portal.components.url_inputs import url_choice

if TYPE_CHECKING:
    from core.analytics.slices.metrics import MetricDefinition
    from core.analytics.slices.report import SliceChange, SliceFigures, SliceReport
    from core.services.measured.bias import VersionsCompared
    from core.services.measured.slice_batches import MonitoredVersion

_CSV = {
    "label": "Slice",
    "now": "Value now",
    "then": "Value of the other version",
    "change": "Change",
    "p_value": "p",
    "adjusted_p": "p corrected",
    "move": "Direction",
}


def draw_versions(subject: Subject, versions: Sequence[MonitoredVersion]) -> None:
    """Draw the slices of two versions side by side."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        other = other_input(versions, subject.known)
        by = inputs.features_input(subject, width=250)
        metric = inputs.metric_input(subject.choices)
        asked = inputs.common_inputs(subject, by)
    path_line(subject)
    if not other:
        empty_state("No other version of this initiative has predictions.", icon=inputs.ICON)
        return
    if not by:
        empty_state("Choose at least one feature to slice by.", icon=inputs.ICON)
        return
    found = subject.desk.ask(
        bias.compare_versions,
        **vars(asked),
        by=by,
        other=other,
        metric=metric,
        correction=inputs.correction_asked(),
    )
    version_cards(found)
    key = "-".join([other, *by, *asked.where])
    names = " and ".join(humanise(name).lower() for name in by)
    with panel(f"{found.now.report.metric.title} by {names}", "The line joins the two versions of a slice."):
        clicked = version_chart(found, f"pairs-{key}")
        figure_help(version_notes(found))
    with panel("The same as a table"):
        clicked = version_table(found, f"pairs-table-{key}") or clicked
    lines = [line for each in found.changes for line in (each.now or each.other,) if line is not None]
    drill_into(subject, lines, clicked, metric)


def other_input(versions: Sequence[MonitoredVersion], known: MonitoredVersion) -> str:
    """Let people choose the version to compare with; empty where there is no other."""
    others = [
        one.version for one in versions if one.initiative == known.initiative and one.version != known.version
    ]
    if not others:
        return ""
    titles = {version: f"Version {version}" for version in others}
    return url_choice("Beside", titles, "other", default=others[0], width=120)


def version_cards(found: VersionsCompared) -> None:
    """Draw how many slices changed, and the metric of all under both."""
    now, then = found.now.report, found.other.report
    metric = now.metric
    cards(
        [
            Card("Better beyond chance", number(found.better), note=f"Slices, by {tested_by(now)}."),
            Card("Worse beyond chance", number(found.worse), note=f"Slices, by {tested_by(now)}."),
            Card(
                f"{metric.title} of all",
                level(metric, now.overall_value),
                note=f"{level(metric, then.overall_value)} in version {found.other.batches.version}.",
            ),
            Card(
                "Slices compared",
                number(sum(each.change is not None for each in found.changes)),
                note=f"Of {len(found.changes)}; the others are undefined or without rows in one version.",
            ),
        ],
        min_column_width=175,
    )


def _told(report: SliceReport, each: SliceChange) -> dict[str, object]:
    """A slice under both versions as the file tells it."""
    return {
        "label": each.label,
        "change": each.change,
        "p_value": each.p_value,
        "adjusted_p": each.adjusted_p,
        "now": each.now and each.now.value,
        "then": each.other and each.other.value,
        "move": _move(report, each),
    }


def _value(metric: MetricDefinition, line: SliceFigures | None) -> str:
    return "no row" if line is None else level(metric, line.value)


def _interval(metric: MetricDefinition, each: SliceChange) -> str:
    found = each.change_interval
    return f"{signed(metric, found.low)} to {signed(metric, found.high)}" if found else NOTHING


def _move(report: SliceReport, each: SliceChange) -> str:
    if each.better is None or not beyond_chance(each.adjusted_p, report.confidence):
        return "not beyond chance"
    return "better" if each.better else "worse"


def version_chart(found: VersionsCompared, key: str) -> str | None:
    """Draw both versions; give the label of the slice that is clicked."""
    names = f"Version {found.now.batches.version}", f"Version {found.other.batches.version}"
    return change_chart(found.changes, found.now.report, names, key)


def change_chart(
    changes: Sequence[SliceChange], report: SliceReport, names: tuple[str, str], key: str = ""
) -> str | None:
    """Draw the slices of the version looked at and of the other; with a key, give the one clicked."""
    metric, marks = report.metric, []
    for each in changes[:60]:
        then, now = (None if line is None else line.value for line in (each.other, each.now))
        for name, line in zip(names, (each.now, each.other), strict=True):
            if line is not None and line.value is not None:
                marks.append(
                    PairMark(
                        each.label, name, line.value, line.low, line.high, then, now, _move(report, each)
                    )
                )
    largest = max((abs(mark.value) for mark in marks), default=1.0)
    return slice_pairs(
        marks,
        names=names,
        value_title=metric.title,
        alt=f"{metric.title} by slice under two versions, with 95 % intervals",
        formats=axis_format(metric, largest),
        key=key,
    )


def version_table(found: VersionsCompared, key: str) -> str | None:
    """Draw both versions as a table; give the label of the slice that is clicked."""
    report, metric = found.now.report, found.now.report.metric
    columns: list[Column[SliceChange]] = [
        Column("label", "Slice", strong=True, width=240),
        Column(lambda each: _value(metric, each.now), f"Version {found.now.batches.version}", width=110),
        Column(lambda each: _value(metric, each.other), f"Version {found.other.batches.version}", width=110),
        Column(lambda each: signed(metric, each.change), "Change", width=110),
        Column(
            lambda each: _interval(metric, each),
            "95% interval",
            phone=False,
            width=150,
            help="Of the change.",
        ),
        Column(lambda each: chance(each.adjusted_p), "p corrected", phone=False, width=98),
        Column(lambda each: _move(report, each), "Direction", phone=False, width=140),
    ]
    alt = "Slices under two versions"
    each = live_table(found.changes, columns, key=key, select=True, height=540, alt=alt)
    titled = {**_CSV, "now": f"{metric.title} now", "then": f"{metric.title} of the other version"}
    download_csv(lambda: [_told(report, each) for each in found.changes], titled, name="versions-compared")
    return None if each is None else each.label


def version_notes(found: VersionsCompared) -> tuple[str, ...]:
    """What the comparison means, one sentence each."""
    return (
        "Change: the value under the version looked at minus that under the other; 0 means alike.",
        "Bands are those of the version looked at, so that a slice means the same rows in both.",
        "Leaves out: that both may have judged the same rows; intervals are then too wide, not too narrow.",
        *report_notes(found.now.report),
    )
