"""Cards with one figure each: value, target, trend, and the way it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

import streamlit as st

from portal.components.canvas import ACCENT, QUIET
from portal.components.pills import pill_html
from portal.components.text import escape_html

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Card:
    """One figure of a wall of cards.

    Attributes
    ----------
    label
        What is measured, in a few words.
    value
        The figure, ready to read: `72%`, `14`, `–`.
    status
        A key of `pills.LOOKS` (`on_target`, `off_target`, ...); empty shows no pill.
    target
        The target in words: `at least 85%`.
    trend
        Change in words: `+3 points in 30 days`. Empty shows none.
    direction
        1 = went up, -1 = went down, 0 = unchanged. Drawn as an arrow.
    better
        True = the change is for the better, False = for the worse, None = neither; sets the colour.
    series
        Past values, oldest first; drawn as a small line when there are at least two.
    target_value
        Target on the scale of `series`; drawn as a dashed line.
    note
        One line: why, and who acts.
    """

    label: str
    value: str
    status: str = ""
    target: str = ""
    trend: str = ""
    direction: int = 0
    better: bool | None = None
    series: Sequence[float] = field(default=())
    target_value: float | None = None
    note: str = ""


def cards(items: Sequence[Card], *, min_column_width: int = 160) -> None:
    """Show a wall of cards of equal height that wraps with the width of the page.

    Parameters
    ----------
    items
        The cards, in reading order.
    min_column_width
        Pixels a card needs before the wall takes another column; 150 on a phone.
    """
    body = "".join(_card_html(item) for item in items)
    st.html(f'<div class="gp-cards" style="--gp-min: {min_column_width:d}px">{body}</div>')


def _card_html(item: Card) -> str:
    label = f'<div class="gp-card-label">{escape_html(item.label)}</div>'
    return f'<div class="gp-card">{label}{"".join(parts_html(item))}</div>'


def parts_html(item: Card) -> list[str]:
    """What stands below a card's label."""
    foot = pill_html(item.status) if item.status else ""
    if item.target:
        foot += f"<span>target {escape_html(item.target)}</span>"
    return [
        f'<div class="gp-card-row"><span class="gp-card-value">{escape_html(item.value)}</span>',
        f"{sparkline_html(item.series, item.target_value)}</div>",
        f'<div class="gp-card-foot">{foot}</div>' if foot else "",
        _trend_html(item) if item.trend else "",
        f'<p class="gp-card-note">{escape_html(item.note)}</p>' if item.note else "",
    ]


def _trend_html(item: Card) -> str:
    arrow, spoken = {1: ("↑", "up"), -1: ("↓", "down")}.get(item.direction, ("→", "unchanged"))
    tone = {True: " gp-up-good", False: " gp-up-bad", None: ""}[item.better]
    return (
        f'<div class="gp-card-foot"><span class="gp-trend{tone}">'
        f'<span role="img" aria-label="{spoken}">{arrow}</span> {escape_html(item.trend)}</span></div>'
    )


def sparkline_html(series: Sequence[float], target: float | None = None) -> str:
    """Draw past values as a small line, oldest left, with the target dashed; nothing below two values.

    Parameters
    ----------
    series
        Values in order of time; any unit, scaled to fit.
    target
        A level on the same scale.
    """
    if len(series) < 2:
        return ""
    levels = [*series] if target is None else [*series, target]
    low, high = min(levels), max(levels)
    span = (high - low) or 1.0

    def height(value: float) -> float:
        return round(23 - 20 * (value - low) / span, 1) if high > low else 13.0

    step = 72 / (len(series) - 1)
    dots = [(round(2 + index * step, 1), height(value)) for index, value in enumerate(series)]
    path = "M" + "L".join(f"{x} {y}" for x, y in dots)
    level = (
        ""
        if target is None
        else (f'<path d="M0 {height(target)}H76" stroke="{QUIET}" stroke-dasharray="2.5 2.5"/>')
    )
    end_x, end_y = dots[-1]
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 76 26" fill="none">{level}'
        f'<path d="{path}" stroke="{ACCENT}" stroke-width="1.6" stroke-linejoin="round"/>'
        f'<circle cx="{end_x}" cy="{end_y}" r="2.3" fill="{ACCENT}"/></svg>'
    )
    return (
        f'<img class="gp-spark" src="data:image/svg+xml,{quote(drawing)}" '
        f'alt="trend of {len(series)} values, from {_ends(series)}"/>'
    )


def _ends(series: Sequence[float]) -> str:
    """Say in words where a series starts and ends, for people who do not see the line."""
    return f"{series[0]:.3g} to {series[-1]:.3g}"


def facts(items: Sequence[tuple[str, str]]) -> None:
    """Show labelled facts side by side; each item is (label, value). Empty values show a dash."""
    body = "".join(
        f"<div><dt>{escape_html(label)}</dt><dd>{escape_html(value) or '–'}</dd></div>"
        for label, value in items
    )
    st.html(f'<dl class="gp-facts">{body}</dl>')
