"""The heat map: how much of what is asked is met, by class and consideration, as number, shape and colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from portal.components.charts.canvas import (
    BAD,
    GOOD,
    INK,
    WATCH,
    Spec,
    by_name,
    channel,
    hints,
    layer,
    legend,
    names_down,
    plot,
)

TARGET, NEAR = 0.9, 0.75
"""Shares from which a cell is on target, or near it."""
_STATES = {f"≥ {TARGET:.0%}": GOOD, f"≥ {NEAR:.0%}": WATCH, f"< {NEAR:.0%}": BAD}


@dataclass(frozen=True)
class Cell:
    """How much of what is asked is met in one place; no share where nothing is asked."""

    row: str
    column: str
    met: int
    asked: int
    share: float | None


def heat_map(
    cells: Sequence[Cell],
    *,
    alt: str,
    columns: Sequence[str],
    key: str,
    row_title: str = "Consideration",
    counted: str = "Requirements",
) -> None:
    """Draw shares in a grid, each cell with its percentage and a shape.

    Parameters
    ----------
    cells
        In the order of their rows.
    alt
        One sentence for people who do not see the chart.
    columns
        The columns from left to right.
    key
        A name that no other chart of the page has.
    row_title, counted
        What a row is, and what is counted, in words for the hints.
    """
    base = {
        "x": channel("column:N", sort=list(columns), title=None, axis=_HEADS, scale=_gaps(0.045)),
        "y": names_down(
            "row", list(dict.fromkeys(cell.row for cell in cells)), _gaps(0.12), domain=False, labelPadding=8
        ),
        "tooltip": hints(
            ("row:N", row_title),
            ("column:N", "Class"),
            ("share:Q", "Met", ".0%"),
            ("met:Q", f"{counted} met"),
            ("asked:Q", f"{counted} counted"),
        ),
    }
    strength = {"domain": [0, 0.75, 1], "range": [0.5, 0.3, 0.16]}
    colours = {
        "color": by_name("state", _STATES, legend()),
        "fillOpacity": channel("share:Q", scale=strength, legend=None),
    }
    layers = [
        layer("rect", {**base, **colours}, only="state", cornerRadius=4),
        layer("text", {**base, "text": channel("words:N")}, color=INK, fontSize=12, fontWeight=500),
    ]
    plot([_shown(cell) for cell in cells], layers, alt=alt, key=key, step=42)


_HEADS: Spec = {
    "orient": "top",
    "labelAngle": 0,
    "domain": False,
    "ticks": False,
    "labelLimit": 110,
    "labelPadding": 8,
}


def _gaps(inner: float) -> Spec:
    return {"paddingInner": inner, "paddingOuter": 0.0}


def _shown(cell: Cell) -> Spec:
    state, words = None, "–"
    if cell.share is not None:
        step = 0 if cell.share >= TARGET else 1 if cell.share >= NEAR else 2
        state = list(_STATES)[step]
        shown = floor(cell.share * 100 + 1e-9)  # rounded down: never shown as reached when it is not
        words = f"{'●◆▲'[step]}  {shown}%"
    return {**vars(cell), "state": state, "words": words}
