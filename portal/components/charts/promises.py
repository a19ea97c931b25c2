"""Promised against achieved: the line of a business KPI, its observations, and the model's performance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from portal.components.canvas import (
    ACCENT,
    BAD,
    DAY,
    FINE_FORMATS,
    GOOD,
    QUIET,
    SECOND,
    Unit,
    by_name,
    draw,
    drawing,
    hints,
    level,
    loose,
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
