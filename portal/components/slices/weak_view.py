"""The weakest slices as people read them: what was searched, the chart, the table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.slices.metrics import metric
from core.analytics.slices.report import beyond_chance
from core.ground import in_words
from core.services.measured import weak_slices
from core.services.measured import weak_slices as curves
from portal.components.canvas import Threshold
from portal.components.cards import Card, cards
from portal.components.charts.slices import WEAK_LOOKS, CurveMark, curves_figure, slice_figure
from portal.components.page import empty_state, panel
from portal.components.slices import inputs
from portal.components.slices.filters import (
    Subject,
    axis_format,
    chance,
    drill_into,
    interval_words,
    level,
    mark_of,
    metric_notes,
    path_line,
    signed,
)
from portal.components.tables import Column, download_csv, figure_help, live_table, plain_table
from portal.components.text import count, humanise, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.analytics.slices.curves import CalibrationBin, GroupCurves
    from core.analytics.slices.search import WeakSlice
    from core.services.measured.weak_slices import ScoreCurves, WeakSlices


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
    titled = found.batches.titled(found.positive)
    left, right = st.columns(2)
    with left, panel(f"ROC curves by {names}", _withheld(found)):
        curves_figure(_roc(drawn), titles=_ROC, alt=f"ROC curves of {titled} by {names}")
    with (
        right,
        panel(f"Calibration by {names}", "Above the diagonal, scores are too low; below it, too high."),
    ):
        alt = f"Calibration of the scores of {titled} by {names}, with 95 % intervals"
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
    of = f"Scores of {found.batches.titled(found.positive)}."
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


_CONFIDENCE = 0.95
_ASKED = {
    "value": ("Where is the model weakest?", "Weakest"),
    "gap": ("Where is the gap by {groups} widest?", "Widest"),
    "decay": ("Where has it fallen most since the reference?", "Deepest"),
}
_CSV = {
    "label": "Slice",
    "between": "Worse, and against",
    "n": "Rows that count",
    "value": "Value",
    "low": "Interval from",
    "high": "Interval to",
    "gap": "Difference to all",
    "p_value": "p",
    "adjusted_p": "p corrected",
}


def draw_weakest(subject: Subject) -> None:
    """Draw the weakest slices over all intersections."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        metric = inputs.metric_input(
            subject.choices, default=weak_slices.QUALITY_METRIC[subject.choices.batches.task]
        )
        of, between = inputs.sought_input(subject)
        most = weak_slices.most_features(metric)
        among = inputs.among_input(subject, most)
        depth = inputs.depth_input()
        names = tuple(feature.name for feature in subject.choices.features if feature.name != between)
        asked = inputs.common_inputs(subject, among or names)
    path_line(subject)
    by = tuple(name for name in among or subject.free[:most] if name != between)
    if not by:
        empty_state("Every feature is fixed by the filter, so there is nothing to search.", icon=inputs.ICON)
        return
    with st.spinner("Searching all intersections.", show_time=True):
        found = subject.desk.ask(
            weak_slices.find_weakest,
            **vars(asked),
            by=by,
            metric=metric,
            max_conditions=depth,
            of=of,
            between=between,
        )
    weak_cards(found)
    if not found.found.slices:
        empty_state(f"No slice has the {found.found.min_rows} rows that are needed.", icon=inputs.ICON)
        return
    key = "-".join([metric, of, between, str(depth), *by, *asked.where])
    title, what = _ASKED[of]
    caption = f"{what} first, by the end of the interval that is nearest to good. Click one to look inside."
    with panel(title.format(groups=humanise(between).lower()), caption):
        clicked = weak_chart(found, f"weak-{key}")
        figure_help(weak_notes(found))
    with panel("The same as a table"):
        clicked = weak_table(found, f"weak-table-{key}") or clicked
    drill_into(subject, found.found.slices, clicked, metric)


def weak_cards(found: WeakSlices) -> None:
    """Draw what was searched, and the weakest slice beside everyone."""
    search = found.found
    metric, worst = search.metric, search.slices[0] if search.slices else None
    sure = sum(beyond_chance(one.adjusted_p, _CONFIDENCE) for one in search.slices)
    features, size = count(len(found.features), "feature"), f"{search.min_rows} rows"
    cards(
        [
            Card(
                "Weakest slice" if found.of == "value" else f"{_ASKED[found.of][1]} in",
                _shown(found, worst.value if worst else None),
                note=worst.label if worst else "No slice has enough rows.",
            ),
            Card(
                f"{metric.title} of all" if found.of == "value" else "Over all rows",
                _shown(found, search.overall.value),
                note=f"{search.overall.n:,} rows.",
            ),
            Card(
                "Beyond chance",
                f"{sure} of {len(search.slices)}",
                note="Corrected for all that was searched.",
            ),
            Card(
                "Intersections searched",
                number(search.searched),
                note=f"Of {features}; {search.judged:,} had {size} or more and were measured.",
            ),
        ],
        min_column_width=175,
    )


def _shown(found: WeakSlices, value: float | None) -> str:
    """A value of the metric, or a difference of two."""
    return (level if found.of == "value" else signed)(found.found.metric, value)


def _verdict(one: WeakSlice) -> str:
    return "sure" if beyond_chance(one.adjusted_p, _CONFIDENCE) else "chance"


def weak_chart(found: WeakSlices, key: str) -> str | None:
    """Draw the weakest slices beside everyone; give the label of the one that is clicked."""
    search = found.found
    base = search.overall.value
    lines = [] if base is None else [Threshold(f"All: {_shown(found, base)}", base, "quiet")]
    values = [abs(one.value) for one in search.slices if one.value is not None]
    return slice_figure(
        [mark_of(one, _verdict(one)) for one in search.slices],
        value_title=search.metric.title if found.of == "value" else f"Difference in {search.metric.name}",
        alt=f"The weakest slices by {search.metric.name}, with 95 % intervals for all searched",
        lines=lines,
        formats=axis_format(search.metric, max(values, default=1.0)),
        key=key,
        looks=WEAK_LOOKS,
    )


def weak_table(found: WeakSlices, key: str) -> str | None:
    """Draw the weakest slices as a table; give the label of the one that is clicked."""
    metric = found.found.metric
    gap: list[Column[WeakSlice]] = []
    if found.of == "gap":
        gap.append(Column(lambda one: " against ".join(one.between), "Groups", width=190))
    columns: list[Column[WeakSlice]] = [
        Column("label", "Slice", strong=True, width=320),
        Column(_features, "Features", phone=False, width=230),
        *gap,
        Column("n", "Rows that count", "number", phone=False, width=112),
        Column(lambda one: _shown(found, one.value), metric.title, width=110),
        Column(
            lambda one: interval_words(metric, one.value, one.interval),
            "95% interval",
            phone=False,
            width=126,
            help="Holds for all slices searched at once, as this one was chosen for being weak.",
        ),
        Column(
            lambda one: signed(metric, one.gap),
            "To all",
            width=110,
            help="The slice's value minus everyone's.",
        ),
        Column(
            lambda one: chance(one.adjusted_p),
            "p corrected",
            phone=False,
            width=98,
            help="Bonferroni, for all that was searched.",
        ),
    ]
    slices = found.found.slices
    one = live_table(slices, columns, key=key, select=True, alt="The weakest slices, weakest first")
    download_csv(slices, {**_CSV, "value": metric.title}, name="weakest-slices")
    return None if one is None else one.label


def _features(one: WeakSlice) -> str:
    return ", ".join(in_words(name) for name, _ in one.keys)


def weak_notes(found: WeakSlices) -> tuple[str, ...]:
    """How the search works, one sentence each."""
    search = found.found
    return (
        *metric_notes(search.metric),
        "Order: by the end of the interval nearest to good, so that a handful of bad rows does not lead.",
        "Left out of the list: slices no weaker than one with fewer of their conditions.",
        f"Not looked into: {search.too_small:,} slices under {search.min_rows} rows (nothing within them has "
        f"more), and {search.ruled_out:,} in which no slice can be weak enough for the list, by the bad rows "
        "they hold.",
        f"Correction: Bonferroni, for all {search.searched:,} intersections of values. Test: against all "
        "other rows.",
        "Leaves out: features that are not among those searched; why a slice is weak.",
    )
