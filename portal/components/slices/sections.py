"""The three looks at bias slices: by choice, the weakest ones, and two versions side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.services.measured import bias, slice_versions, weak_slices
from portal.components.figure_help import figure_help
from portal.components.page import empty_state, panel
from portal.components.slices import inputs
from portal.components.slices import version_view as slice_version_view
from portal.components.slices import view as slice_view
from portal.components.slices import weak_view as slice_weak_view
from portal.components.slices.cuts import cuts_box, tests_box
from portal.components.slices.fairness import fairness_panel
from portal.components.slices.filters import drill_into, filter_box, fixed_features, path_line
from portal.components.slices.words import report_notes
from portal.components.text import humanise
from portal.components.url_inputs import url_value

if TYPE_CHECKING:
    from core.analytics.slices.rows import Condition
    from core.services.measured.bias import SliceChoices
    from core.services.measured.decay_view import MonitoredVersion
    from portal.components.desk import Desk

Conditions = Sequence["Condition"]
_ICON = ":material/balance:"


def draw_slices(desk: Desk, known: MonitoredVersion, choices: SliceChoices, conditions: Conditions) -> None:
    """Draw the slices that the address names."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        by = inputs.features_input(choices, fixed_features(conditions))
        metric = inputs.metric_input(choices)
        asked = _common_inputs(desk, known, choices, conditions, by)
    path_line(conditions)
    if not by:
        empty_state("Choose at least one feature to slice by.", icon=_ICON)
        return
    asked |= {"by": by, "metric": metric, "reference": url_value("against", "best")}
    found = desk.ask(bias.bias_slices, **asked)
    slice_view.slice_cards(found)
    key = "-".join([*by, *(each.text for each in conditions)])
    names = " and ".join(humanise(name).lower() for name in by)
    wide, narrow = st.columns([5, 3]) if found.fairness else (st.container(), None)
    title = f"{found.report.metric.title} by {names}"
    with wide, panel(title, slice_view.limit_sentence(found)):
        inputs.reference_input(found.report)
        clicked = slice_view.slices_chart(found, f"chart-{key}")
        figure_help(report_notes(found.report))
    if narrow is not None:
        with narrow:
            fairness_panel(found.fairness)
    with panel("Slices", slice_view.rows_sentence(found)):
        clicked = slice_view.slices_table(found.report, f"slices-{key}", "bias-slices") or clicked
    _drill(choices, conditions, {line.label: line.keys for line in found.report.slices}, clicked, metric)


def draw_weakest(desk: Desk, known: MonitoredVersion, choices: SliceChoices, conditions: Conditions) -> None:
    """Draw the weakest slices over all intersections."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        metric = inputs.metric_input(choices, default=weak_slices.QUALITY_METRIC[choices.batches.task])
        most = weak_slices.most_features(metric)
        among = inputs.among_input(choices, fixed_features(conditions), most)
        depth = inputs.depth_input()
        asked = _common_inputs(desk, known, choices, conditions, among or _names(choices))
    path_line(conditions)
    del asked["correction"]
    free = tuple(name for name in _names(choices) if name not in fixed_features(conditions))[:most]
    if not free:
        empty_state("Every feature is fixed by the filter, so there is nothing to search.", icon=_ICON)
        return
    asked |= {"by": among or free, "metric": metric, "max_conditions": depth}
    with st.spinner("Searching all intersections.", show_time=True):
        found = desk.ask(weak_slices.find_weakest, **asked)
    slice_weak_view.weak_cards(found)
    if not found.found.slices:
        empty_state(f"No slice has the {found.found.min_rows} rows that are needed.", icon=_ICON)
        return
    key = "-".join([metric, str(depth), *asked["by"], *asked["where"]])
    caption = "Weakest first, by the end of the interval that is nearest to good. Click one to look inside."
    with panel("Where is the model weakest?", caption):
        clicked = slice_weak_view.weak_chart(found, f"weak-{key}")
        figure_help(slice_weak_view.weak_notes(found))
    with panel("The same as a table"):
        clicked = slice_weak_view.weak_table(found, f"weak-table-{key}") or clicked
    keys = {one.counts.label: one.counts.keys for one in found.found.slices}
    _drill(choices, conditions, keys, clicked, metric)


def draw_versions(
    desk: Desk,
    known: MonitoredVersion,
    choices: SliceChoices,
    conditions: Conditions,
    versions: Sequence[MonitoredVersion],
) -> None:
    """Draw the slices of two versions side by side."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        other = slice_version_view.other_input(versions, known)
        by = inputs.features_input(choices, fixed_features(conditions), width=250)
        metric = inputs.metric_input(choices)
        asked = _common_inputs(desk, known, choices, conditions, by)
    path_line(conditions)
    if not other:
        empty_state("No other version of this initiative has predictions.", icon=_ICON)
        return
    if not by:
        empty_state("Choose at least one feature to slice by.", icon=_ICON)
        return
    found = desk.ask(slice_versions.compare_versions, other=other, by=by, metric=metric, **asked)
    slice_version_view.version_cards(found)
    key = "-".join([other, *by, *asked["where"]])
    names = " and ".join(humanise(name).lower() for name in by)
    with panel(f"{found.now.report.metric.title} by {names}", "The line joins the two versions of a slice."):
        clicked = slice_version_view.version_chart(found, f"pairs-{key}")
        figure_help(slice_version_view.version_notes(found))
    with panel("The same as a table"):
        clicked = slice_version_view.version_table(found, f"pairs-table-{key}") or clicked
    lines = [line for each in found.changes for line in (each.now or each.other,) if line is not None]
    _drill(choices, conditions, {line.label: line.keys for line in lines}, clicked, metric)


def _common_inputs(
    desk: Desk,
    known: MonitoredVersion,
    choices: SliceChoices,
    conditions: Conditions,
    by: Sequence[str],
) -> dict[str, Any]:
    """Draw the choices that all looks share; give what the services take."""
    positive = inputs.outcome_input(choices)
    inputs.part_input(choices)
    version = {"initiative": known.initiative, "version": known.version}
    part = inputs.part_of(choices.parts)

    def values(feature: str) -> Sequence[str]:
        return desk.ask(
            bias.slice_values, **version, part=part, feature=feature, cuts=inputs.rows_asked()["cuts"]
        )

    filter_box(choices, conditions, values)
    cuts_box(choices, by)
    tests_box(choices)
    return {**version, "part": part, "positive": positive, **inputs.rows_asked()}


def _names(choices: SliceChoices) -> tuple[str, ...]:
    return tuple(feature.name for feature in choices.features)


def _drill(
    choices: SliceChoices,
    conditions: Conditions,
    keys: dict[str, tuple[tuple[str, str], ...]],
    clicked: str | None,
    metric: str,
) -> None:
    if clicked and clicked in keys:
        drill_into(choices, conditions, keys[clicked], metric)
