"""Decay by subpopulation: who decays first, drawn on one scale, with every group in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from portal.components.charts.decay_groups import MOST_GROUPS, group_chart
from portal.components.page import panel
from portal.components.tables import Column, figure_help, live_table
from portal.components.text import count, escape, humanise, percent

if TYPE_CHECKING:
    from core.services.measured.decay_groups import DecayGroup, DecayGroups

_HELP = (
    "Way to the threshold: (usual level − estimate) / (usual level − worse threshold) of the group. 0 is "
    "its usual level (the mean of what came true on its reference rows), 100% its own threshold.",
    "Decays from: the first of two worse chunks in a row; one alone may be chance, as many are looked at.",
    "Calibrated on its own rows: the group has at least 2,000 reference rows, and 200 of each class. Else "
    "its estimates use the calibration of all rows, which may be wrong for it.",
    "Chunks are those of everyone, so that groups can be compared at the same moment. Fewer than 100 rows of "
    "a group in a chunk are not judged.",
    "Leaves out whether P(y|x) changed for the group alone; only outcomes can show that.",
)


def groups_panel(found: DecayGroups) -> None:
    """Say which group decays first, draw the way of each to its threshold, and list them all."""
    by = humanise(found.by).lower()
    title = f"{found.metric.title} by {by}: who decays first"
    with panel(title, _sentence(found)):
        told = [group for group in found.groups if group.judged]
        if told:
            alt = f"Way of each group to its worse threshold, chunk by chunk; {len(told)} groups."
            group_chart(_points(told[:MOST_GROUPS]), alt=alt, order=[g.label for g in told[:MOST_GROUPS]])
        if len(told) > MOST_GROUPS:
            st.caption(f"The {MOST_GROUPS} most urgent of {count(len(told), 'group')} are drawn.")
        _table(found)
        figure_help(_HELP)


def _sentence(found: DecayGroups) -> str:
    untold = f" About {count(found.untold, 'group')} nobody can tell." if found.untold else ""
    if not found.first:
        nearest = found.groups[0]
        near = ""
        if nearest.room_used is not None:
            near = f" {nearest.label} has gone furthest: {percent(nearest.room_used)} of the way."
        return f"No group has two worse chunks in a row.{near}{untold}"
    names = " and ".join(group.label for group in found.first)
    where = next(chunk for chunk in found.first[0].chunks if chunk.part == "analysis" and chunk.worse)
    when = f"{where.started_at.day} {where.started_at:%b %Y}" if where.started_at else f"row {where.name}"
    verb = "decays" if len(found.first) == 1 else "decay"
    return f"{names} {verb} first, from {when} on.{untold}"


def _points(groups: list[DecayGroup]) -> list[dict[str, Any]]:
    timed = all(chunk.started_at is not None for group in groups for chunk in group.chunks)
    return [
        {
            "at": chunk.started_at if timed else chunk.name,
            "group": group.label,
            "way": chunk.room_used,
            "estimate": chunk.estimate,
            "rows": chunk.rows,
            "worse": chunk.room_used if chunk.worse else None,
        }
        for group in groups
        for chunk in group.chunks
    ]


def _table(found: DecayGroups) -> None:
    kind: Any = found.metric.unit
    largest = max((abs(group.newest) for group in found.groups if group.newest is not None), default=0)
    digits = 1 if kind == "percent" or largest >= 10 else 3
    columns = [
        Column("label", humanise(found.by), strong=True, width=190),
        Column("rows", "Rows", "number", phone=False),
        Column("usual", "Usual", kind, digits, phone=False, width=90),
        Column("newest", "Newest", kind, digits, phone=False, width=90),
        Column("threshold", "Threshold", kind, digits, phone=False, width=100),
        Column("way", "Way to threshold", width=130),
        Column("worse", "Worse", width=110),
        Column("calibrated", "Calibrated on", phone=False, width=120),
    ]
    lines = [
        {
            **vars(group),
            "way": percent(group.room_used),
            "worse": f"{group.worse} of {group.judged}" if group.judged else "◆ Cannot tell",
            "calibrated": "its own rows" if group.calibrated == "own" else "all rows",
        }
        for group in found.groups
    ]
    alt = f"Groups by {escape(found.by)} with their estimates, the most urgent first."
    live_table(lines, columns, key="decay-groups", download="decay-groups", alt=alt)
