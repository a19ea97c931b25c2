"""Horizontal bars with intervals (standings, attributions), and the heat map of what is met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import floor
from typing import TYPE_CHECKING

from portal.components.canvas import (
    ACCENT,
    BAD,
    DAY,
    FINE_FORMATS,
    GOOD,
    INK,
    QUIET,
    SECOND,
    WATCH,
    Unit,
    axis,
    by_name,
    draw,
    drawing,
    hints,
    level,
    loose,
    name_axis,
    time_axis,
    top_legend,
)

if TYPE_CHECKING:
    import altair as alt

    from core.services.measured.business_kpi import PerformancePoint


Days = tuple[date, date]
PALE = "#9aa5b8"
_SERIES = {"Promised": QUIET, "Promised before": PALE, "Achieved": ACCENT}
_PERFORMANCE = {"Estimated": ACCENT, "Realised": SECOND, "Worse": BAD}
_SHAPES = dict(zip(_PERFORMANCE, ("square", "circle", "triangle-up"), strict=True))


@dataclass(frozen=True)
class KpiPoint:
    """A day of a business KPI: an end of the promised line, of one revised since, or what was achieved.

    `line` tells revised promises apart, `due` is what was promised for the day of an observation.
    """

    at: date
    promised: float | None = None
    before: float | None = None
    line: str | None = None
    achieved: float | None = None
    due: float | None = None
    note: str | None = None


def promise_chart(
    rows: Sequence[KpiPoint], *, title: str, days: Days, target: float, alt: str, key: str
) -> None:
    """Draw what was promised as a dashed line and what was achieved as a line with dots.

    Parameters
    ----------
    rows
        Ends of the lines, and observations.
    title
        The KPI with its unit.
    days
        First and last day of the axis.
    target
        The target; drawn as a labelled line.
    alt
        One sentence for people who do not see the chart.
    key
        A name that no other chart of the page has.
    """
    spec = _promise(title, days, target, any(row.before is not None for row in rows))
    draw(rows, spec, alt=alt, key=key, height=340)


@drawing
def _promise(title: str, days: Days, target: float, revised: bool) -> alt.TopLevelMixin:
    import altair as alt

    looks = {name: look for name, look in _SERIES.items() if revised or name != "Promised before"}

    def y(field: str) -> alt.Y:
        return level(field, title, "number", loose(16), minExtent=52)

    def series(field: str, name: str) -> alt.Chart:
        colour = alt.Color("series:N", scale=by_name(looks), legend=top_legend(2))
        base = alt.Chart().encode(x=time_axis(days=days), y=y(field), color=colour)
        return base.transform_filter(f"isValid(datum.{field})").transform_calculate(series=f"'{name}'")

    told = hints(
        ("at:T", "Day", DAY),
        ("achieved:Q", "Achieved", ",.4~g"),
        ("due:Q", "Promised for the day", ",.4~g"),
        ("note:N", "Note"),
    )
    before = series("before", "Promised before").mark_line(strokeDash=[2, 4], strokeWidth=1.6)
    promised = series("promised", "Promised").mark_line(strokeDash=[6, 4], strokeWidth=2)
    achieved = series("achieved", "Achieved")
    goal = alt.Chart(alt.InlineData(values=[{"level": target, "words": f"Target {target:,.4g}"}]))
    goal = goal.encode(y=y("level"))
    words = goal.mark_text(align="left", baseline="bottom", dx=4, dy=-3, fontSize=11, color=GOOD)
    return alt.layer(
        *([before.encode(detail="line:N")] if revised else []),
        promised,
        goal.mark_rule(strokeWidth=1.2, color=GOOD),
        words.encode(x=alt.value(0), text="words:N"),
        achieved.mark_line(strokeWidth=2.4),
        achieved.mark_point(filled=True, size=58, opacity=1).encode(tooltip=told),
    )


def course_chart(
    course: Sequence[tuple[date, float | None]], *, target: float, unit: Unit, alt: str, key: str
) -> None:
    """Draw the way a KPI went, month by month, beside its target."""
    rows = [{"at": at, "value": value} for at, value in course]
    draw(rows, _course(target, unit), alt=alt, key=key, height=230)


@drawing
def _course(target: float, unit: Unit) -> alt.TopLevelMixin:
    import altair as alt

    fine = FINE_FORMATS[unit]

    def y(field: str) -> alt.Y:
        return level(field, "", unit, loose(14), tickCount=5)

    told = hints(("at:T", "At the end of", DAY), ("value:Q", "Value", fine))
    base = alt.Chart().encode(x=time_axis(), y=y("value"), tooltip=told)
    goal = alt.Chart(alt.InlineData(values=[{"level": target, "words": "Target"}])).encode(y=y("level"))
    words = goal.mark_text(align="left", baseline="bottom", dx=4, dy=-3, fontSize=11, color=GOOD)
    return alt.layer(
        goal.mark_rule(strokeWidth=1.2, color=GOOD),
        words.encode(x=alt.value(0), text="words:N"),
        base.mark_line(strokeWidth=2.4, color=ACCENT),
        base.mark_point(filled=True, size=58, opacity=1, color=ACCENT),
    )


def performance_chart(
    rows: Sequence[PerformancePoint], *, title: str, days: Days, unit: Unit, alt: str, key: str
) -> None:
    """Draw the model's estimated and realised performance on the days of the KPI above it."""
    shown = [
        {
            "at": row.at,
            "estimate": row.estimate,
            "realised": row.realised,
            "alert": row.estimate if row.worse else None,
            "came_worse": row.realised if row.realised_worse else None,
        }
        for row in rows
    ]
    draw(shown, _performance(title, days, unit), alt=alt, key=key, height=190)


@drawing
def _performance(title: str, days: Days, unit: Unit) -> alt.TopLevelMixin:
    import altair as alt

    fine, legend = FINE_FORMATS[unit], top_legend(2)
    told = hints(("estimate:Q", "Estimated", fine), ("realised:Q", "Realised", fine), timed=True)
    base = alt.Chart().encode(x=time_axis(days=days), tooltip=told)

    def y(field: str) -> alt.Y:
        return level(field, title, unit, loose(10), tickCount=4, minExtent=52)

    def dots(field: str, name: str, size: int) -> alt.Chart:
        named = base.transform_filter(f"isValid(datum.{field})").transform_calculate(series=f"'{name}'")
        marks: alt.Chart = named.mark_point(filled=True, size=size, opacity=1)
        return marks.encode(
            y=y(field),
            color=alt.Color("series:N", scale=by_name(_PERFORMANCE), legend=legend),
            shape=alt.Shape("series:N", scale=by_name(_SHAPES), legend=legend),
        )

    return alt.layer(
        base.mark_line(strokeWidth=2, color=ACCENT).encode(y=y("estimate")),
        dots("realised", "Realised", 32),
        dots("estimate", "Estimated", 22),
        dots("alert", "Worse", 100),
        dots("came_worse", "Worse", 100),
    )


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
