"""The weakest slices as people read them: what was searched, the chart, the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.slices.report import beyond_chance
from core.services.measured import weak_slices
from portal.components.canvas import Threshold
from portal.components.cards import Card, cards
from portal.components.charts.slices import WEAK_LOOKS, slice_figure
from portal.components.page import empty_state, panel
from portal.components.slices import inputs
from portal.components.slices.filters import Subject, drill_into, path_line
from portal.components.slices.words import (
    axis_format,
    chance,
    interval_words,
    level,
    mark_of,
    metric_notes,
    signed,
)
from portal.components.tables import Column, download_csv, figure_help, live_table
from portal.components.text import count, humanise, number

if TYPE_CHECKING:
    from core.analytics.slices.search import WeakSlice
    from core.services.measured.weak_slices import WeakSlices

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
    return ", ".join(name.replace("_", " ") for name, _ in one.keys)


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
