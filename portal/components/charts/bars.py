"""Horizontal bars with intervals (standings, attributions), and the heat map of what is met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING

from portal.components.canvas import (
    ACCENT,
    BAD,
    FINE_FORMATS,
    GOOD,
    INK,
    QUIET,
    WATCH,
    Unit,
    axis,
    by_name,
    draw,
    drawing,
    hints,
    name_axis,
    top_legend,
)

if TYPE_CHECKING:
    import altair as alt


@dataclass(frozen=True)
class Bar:
    """A name with its value and the ends of its interval; `rows` is what it is counted from."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    rows: int | None = None
    highlight: bool = False


def interval_bars(
    bars: Sequence[Bar], *, value_title: str, alt: str, unit: Unit = "percent", key: str | None = None
) -> None:
    """Draw one bar a name, best first, with the interval of its value; those highlighted stand out."""
    order = tuple(dict.fromkeys(bar.label for bar in bars))
    draw(bars, _bars(value_title, order, unit, any(bar.highlight for bar in bars)), alt=alt, key=key)


@drawing
def _bars(title: str, order: tuple[str, ...], unit: Unit, marked: bool) -> alt.TopLevelMixin:
    import altair as alt

    fine = FINE_FORMATS[unit]
    told = hints(
        ("label:N", "Name"),
        ("value:Q", title, fine),
        ("low:Q", "Interval from", fine),
        ("high:Q", "Interval to", fine),
        ("rows:Q", "Counted from", ","),
    )
    whole = alt.Scale(domain=[0, 1]) if unit == "percent" else alt.Undefined
    x = alt.X("value:Q", title=title, axis=axis(unit, grid=True), scale=whole)
    base = alt.Chart().encode(y=name_axis("label", order), tooltip=told)
    fill = alt.condition("datum.highlight", alt.value(0.85), alt.value(0.32)) if marked else alt.value(0.5)
    bars = base.mark_bar(height=14, cornerRadiusEnd=3, color=ACCENT).encode(x=x, fillOpacity=fill)
    spans = base.mark_rule(strokeWidth=1.6, color=QUIET).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    dots = base.mark_point(filled=True, size=46, opacity=1, color=ACCENT).encode(x=x)
    return alt.layer(bars, spans, dots).properties(height=alt.Step(27))


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
