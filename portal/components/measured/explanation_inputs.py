"""Choices on the explanations page: which model, which prediction, which groups; all kept in the address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from portal.components.text import humanise, number, percent
from portal.components.url_inputs import set_url, url_choice, url_text, url_value

if TYPE_CHECKING:
    from core.lake.monitoring.attributions import NotableRow
    from core.services.measured.explanation_view import ExplainableVersion, ExplanationReport, GroupsApart

VIEW = ("feature", "row", "by", "first", "second")
KINDS = {"highest": "highest score", "lowest": "lowest score", "mistake": "mistake, far from the middle"}


def model_input(known: ExplainableVersion, versions: Sequence[ExplainableVersion]) -> None:
    """Let people choose another model or version; the view of this one is let go."""
    models = {}
    for one in versions:
        explained = any(v.explained for v in versions if v.initiative == one.initiative)
        models[one.initiative] = one.name + ("" if explained else " (not explained)")
    own = {
        one.version: one.version + ("" if one.explained else " (not explained)")
        for one in versions
        if one.initiative == known.initiative
    }
    left, right = st.columns([2, 1])
    with left:
        url_choice("Model", models, "id", default=known.initiative, clears=("version", *VIEW))
    with right:
        url_choice("Version, newest first", own, "version", default=known.version, clears=VIEW)


def feature_input(report: ExplanationReport) -> str:
    """Let people choose a feature; the strongest where none is named."""
    titles = {one.feature: f"{humanise(one.feature)}, {percent(one.share)} of all" for one in report.features}
    return url_choice("Feature, strongest first", titles, "feature", default=report.features[0].feature)


def follow_click(chart: str, clicked: str | None) -> None:
    """Go to the feature whose bar was clicked, once: a click that stands from before does not count again."""
    seen = st.session_state.get(f"clicked-{chart}")
    st.session_state[f"clicked-{chart}"] = clicked
    if clicked and clicked != seen:
        set_url(feature=clicked)
        st.rerun()


def row_input(notable: Sequence[NotableRow]) -> str:
    """Let people name a row, or take one that is worth a look; give its id."""
    default = notable[0].row_id if notable else ""
    left, right = st.columns([1, 1])
    titles: dict[str, str] = {}
    with left:
        for row in notable:
            score = "" if row.raw_score is None else f", score {number(row.raw_score, 2)}"
            titles.setdefault(row.row_id, f"{row.row_id}: {KINDS[row.kind]}{score}")
        chosen = url_value("row", default)
        if chosen not in titles:
            titles = {"": "Choose one of these", **titles}
        st.session_state["pick-row"] = chosen if chosen in titles else ""
        st.selectbox(
            "Worth a look",
            list(titles),
            key="pick-row",
            format_func=lambda one: titles[one],
            on_change=_row_to_address,
        )
    with right:
        typed = url_text("Or the id of a row", "row", placeholder="Row id")
    return typed.strip() or default


def _row_to_address() -> None:
    set_url(row=st.session_state["pick-row"])


def column_input(report: ExplanationReport) -> str:
    """Let people choose the column whose groups are held apart; sensitive ones stand first."""
    titles = {
        name: humanise(name) + (" (sensitive)" if name in report.sensitive else "") for name in report.groups
    }
    default = report.groups[0] if report.groups else ""
    return url_choice("Groups by", titles, "by", default=default, clears=("first", "second"))


def group_names() -> tuple[str, ...]:
    """The two groups in the address; nothing where it does not name both."""
    first, second = url_value("first"), url_value("second")
    return (first, second) if first and second and first != second else ()


def groups_input(found: GroupsApart) -> None:
    """Let people choose the two groups."""
    titles = {group.name: f"{group.name} ({group.rows:,} rows)" for group in found.groups}
    chosen = (found.gap.first.name, found.gap.second.name)
    for place, (column, label, param) in enumerate(
        zip(st.columns(2), ("First group", "Second group"), ("first", "second"), strict=True)
    ):
        st.session_state[f"group-{param}"] = chosen[place]
        with column:
            st.selectbox(
                label,
                list(titles),
                key=f"group-{param}",
                format_func=lambda one: titles[one],
                on_change=_groups_to_address,
            )


def _groups_to_address() -> None:
    set_url(first=st.session_state["group-first"], second=st.session_state["group-second"])
