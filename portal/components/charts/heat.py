"""The heat map: how much of what is asked is met, by class and consideration, as number, shape and colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING

from portal.components.charts.canvas import (
    BAD,
    GOOD,
    INK,
    WATCH,
    by_name,
    draw,
    drawing,
    hints,
    name_axis,
    top_legend,
)

if TYPE_CHECKING:
    import altair as alt

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
    order = tuple(dict.fromkeys(cell.row for cell in cells))
    spec = _grid(tuple(columns), order, row_title, counted)
    draw([_shown(cell) for cell in cells], spec, alt=alt, key=key)


@drawing
def _grid(columns: tuple[str, ...], rows: tuple[str, ...], row_title: str, counted: str) -> alt.TopLevelMixin:
    import altair as alt

    heads = alt.Axis(orient="top", labelAngle=0, domain=False, ticks=False, labelLimit=110, labelPadding=8)
    gaps = alt.Scale(paddingInner=0.045, paddingOuter=0.0)
    told = hints(
        ("row:N", row_title),
        ("column:N", "Class"),
        ("share:Q", "Met", ".0%"),
        ("met:Q", f"{counted} met"),
        ("asked:Q", f"{counted} counted"),
    )
    base = alt.Chart().encode(
        x=alt.X("column:N", sort=list(columns), title=None, axis=heads, scale=gaps),
        y=name_axis(
            "row", rows, alt.Scale(paddingInner=0.12, paddingOuter=0.0), domain=False, labelPadding=8
        ),
        tooltip=told,
    )
    strength = alt.Scale(domain=[0, 0.75, 1], range=[0.5, 0.3, 0.16])
    cells = (
        base.transform_filter("isValid(datum.state)")
        .mark_rect(cornerRadius=4)
        .encode(
            color=alt.Color("state:N", scale=by_name(_STATES), legend=top_legend()),
            fillOpacity=alt.FillOpacity("share:Q", scale=strength, legend=None),
        )
    )
    words = base.mark_text(fontSize=12, fontWeight=500, color=INK).encode(text="words:N")
    return alt.layer(cells, words).properties(height=alt.Step(42))


def _shown(cell: Cell) -> dict[str, object]:
    state, words = None, "–"
    if cell.share is not None:
        step = 0 if cell.share >= TARGET else 1 if cell.share >= NEAR else 2
        state = list(_STATES)[step]
        shown = floor(cell.share * 100 + 1e-9)  # rounded down: never shown as reached when it is not
        words = f"{'●◆▲'[step]}  {shown}%"
    return {**vars(cell), "state": state, "words": words}
