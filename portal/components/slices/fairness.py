"""How far apart all slices are, by the measures of the field; each with its help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from portal.components.figure_help import figure_help
from portal.components.page import panel
from portal.components.pills import pill_html
from portal.components.text import escape_html, number

if TYPE_CHECKING:
    from core.analytics.slices.fairness import FairnessMeasure


def fairness_panel(measures: Sequence[FairnessMeasure]) -> None:
    """Draw the measures one below the other, with the slices each lies between."""
    with panel(
        "Apart by the usual measures", "As fairlearn defines them, between the slices with enough rows."
    ):
        st.html(f'<div class="gp-measures">{"".join(_measure(each) for each in measures)}</div>{_STYLE}')
        notes = [f"{each.definition.title}. {' '.join(each.definition.notes)}" for each in measures]
        figure_help(notes, title="How these are counted")


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
