"""ROC and calibration curves by group as people read them: two charts, and the rows behind them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.slices.metrics import metric
from core.services.measured import curves
from portal.components.charts.slices import CurveMark, curves_figure
from portal.components.page import empty_state, panel
from portal.components.slices import inputs
from portal.components.slices.filters import Subject, path_line
from portal.components.slices.words import interval_words, level
from portal.components.tables import Column, download_csv, figure_help, plain_table
from portal.components.text import count, humanise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.analytics.slices.curves import CalibrationBin, GroupCurves
    from core.services.measured.curves import ScoreCurves

MOST_DRAWN = 9
_ROC = ("False positive rate", "True positive rate")
_SCORES = ("Mean score", "Share positive")
_POINTS = {
    "group": "Group",
    "threshold": "Scores from",
    "false_positive_rate": "False positive rate",
    "true_positive_rate": "True positive rate",
}
_NOTES = (
    "ROC: for each threshold, the share of positive rows above it over that of negative rows above it; the "
    "diagonal is chance. The area is of all thresholds, its 95% interval DeLong's on the logit scale, with "
    "Newcombe's beside it where few rows tell.",
    "Calibration: ten equally wide bins of the score; on the diagonal a score of 30% comes true in 30%. "
    "Intervals: 95%, Clopper and Pearson's where fewer than 30 are positive or negative, else Wilson's.",
    "Groups that differ in how often the outcome comes true cannot be alike in both, whatever the model "
    "(Chouldechova 2017; Kleinberg, Mullainathan and Raghavan 2016).",
    "Leaves out: rows without a label or a score; which threshold is in use.",
)


def draw_curves(subject: Subject) -> None:
    """Draw the curves of the groups that the address names."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        by = inputs.features_input(subject)
        asked = inputs.common_inputs(subject, by)
    path_line(subject)
    if not by:
        empty_state("Choose at least one feature to group by.", icon=inputs.ICON)
        return
    found = subject.desk.ask(curves.score_curves, **vars(asked), by=by)
    told = [group for group in found.groups if group.n >= found.min_rows]
    names = " and ".join(humanise(name).lower() for name in by)
    drawn = sorted(told, key=lambda group: -group.n)[:MOST_DRAWN]
    if len(told) > len(drawn):
        st.caption(f"Everyone and the {len(drawn) - 1} largest groups are drawn; the tables hold all.")
    left, right = st.columns(2)
    with left, panel(f"ROC curves by {names}", _withheld(found)):
        curves_figure(_roc(drawn), titles=_ROC, alt=f"ROC curves of outcome {found.positive} by {names}")
    with (
        right,
        panel(f"Calibration by {names}", "Above the diagonal, scores are too low; below it, too high."),
    ):
        alt = f"Calibration of the scores of outcome {found.positive} by {names}, with 95 % intervals"
        curves_figure(_calibration(drawn), titles=_SCORES, alt=alt)
    with panel("Groups", f"{count(len(found.groups) - 1, 'group')}, and everyone."):
        plain_table(found.groups, _GROUPS)
        download_csv(lambda: _points(found), _POINTS, name="roc-curves")
        figure_help(_NOTES)
    with panel("Calibration by bin"):
        lines = [_Bin(group.label, one) for group in found.groups for one in group.calibration]
        plain_table(lines, _BINS, download="calibration")


def _withheld(found: ScoreCurves) -> str:
    """Say what the curves are of, and whose are withheld."""
    of = f"Scores of outcome {found.positive}."
    if not found.withheld:
        return of
    few = ", ".join(found.withheld[:5]) + (" and others" if len(found.withheld) > 5 else "")
    return f"{of} Withheld, with fewer than {found.min_rows} rows: {few}."


def _roc(groups: Sequence[GroupCurves]) -> list[CurveMark]:
    return [
        CurveMark(group.label, point.false_positive_rate, point.true_positive_rate)
        for group in groups
        for point in group.roc
    ]


def _calibration(groups: Sequence[GroupCurves]) -> list[CurveMark]:
    return [
        CurveMark(group.label, one.mean_score, one.share, one.interval.low, one.interval.high, one.n)
        for group in groups
        for one in group.calibration
    ]


def _points(found: ScoreCurves) -> list[dict[str, object]]:
    """The points of all ROC curves as their file tells them."""
    return [{"group": group.label, **asdict(point)} for group in found.groups for point in group.roc]


@dataclass(frozen=True)
class _Bin:
    """A bin of a group's scores as a line of the table."""

    group: str
    bin: CalibrationBin


_AREA = metric("roc_auc")
_GROUPS: list[Column[GroupCurves]] = [
    Column("label", "Group", strong=True),
    Column("n", "Rows", "number"),
    Column("positives", "Positive", "number", phone=False),
    Column(lambda group: level(_AREA, group.area), _AREA.title),
    Column(lambda group: interval_words(_AREA, group.area, group.interval), "95% interval", phone=False),
    Column("note", "Note", phone=False),
]
_BINS: list[Column[_Bin]] = [
    Column("group", "Group", strong=True),
    Column(lambda one: f"{one.bin.low:.1f} to {one.bin.high:.1f}", "Scores"),
    Column(lambda one: one.bin.n, "Rows", "number"),
    Column(lambda one: one.bin.positives, "Positive", "number", phone=False),
    Column(lambda one: one.bin.mean_score, "Mean score", "percent", 1),
    Column(lambda one: one.bin.share, "Share positive", "percent", 1),
    Column(lambda one: one.bin.interval.low, "Interval from", "percent", 1, phone=False),
    Column(lambda one: one.bin.interval.high, "Interval to", "percent", 1, phone=False),
]
