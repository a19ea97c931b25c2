"""Horizontal bars with intervals: standings, and attributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.components.charts.canvas import (
    ACCENT,
    FINE_FORMATS,
    QUIET,
    Unit,
    axis,
    draw,
    drawing,
    hints,
    name_axis,
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
