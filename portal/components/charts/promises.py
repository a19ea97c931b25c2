"""Promised against achieved: the line of a business KPI, its observations, and the model's performance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from portal.components.charts.canvas import (
    ACCENT,
    BAD,
    FINE_FORMATS,
    FORMATS,
    GOOD,
    QUIET,
    SECOND,
    Unit,
    draw,
    finish,
    top_legend,
)

Row = Mapping[str, Any]
Days = tuple[date, date]
PALE = "#9aa5b8"
_SERIES = ("Promised", "Promised before", "Achieved")


def promise_chart(rows: Sequence[Row], *, title: str, days: Days, target: float, alt: str, key: str) -> None:
    """Draw what was promised as a dashed line and what was achieved as a line with dots.

    Parameters
    ----------
    rows
        `at` (day), `promised` or `before` (ends of the lines, the latter of a promise revised since, with
        `line` to tell several apart), or `achieved` with `due` (what was promised for that day).
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
    names = ("at", "promised", "before", "line", "achieved", "due", "note")
    shown = [{name: row.get(name) for name in names} for row in rows]
    revised = any(row["before"] is not None for row in shown)
    draw(shown, _promise_spec(title, days, target, revised), alt=alt, key=key, height=340)


@lru_cache(maxsize=128)
def _promise_spec(title: str, days: Days, target: float, revised: bool) -> str:
    import altair as alt

    looks = dict(zip(_SERIES, (QUIET, PALE, ACCENT), strict=True))
    shown = [name for name in _SERIES if revised or name != _SERIES[1]]
    colours = alt.Scale(domain=shown, range=[looks[name] for name in shown])
    x = _time("at", days)
    y = {"title": title, "scale": alt.Scale(zero=False, padding=16), "axis": _values("number")}
    hints = [
        alt.Tooltip("at:T", title="Day", format="%-d %b %Y"),
        alt.Tooltip("achieved:Q", title="Achieved", format=",.4~g"),
        alt.Tooltip("due:Q", title="Promised for the day", format=",.4~g"),
        alt.Tooltip("note:N", title="Note"),
    ]

    def series(field: str, name: str) -> Any:
        return (
            alt.Chart()
            .transform_filter(f"isValid(datum.{field})")
            .transform_calculate(series=f"'{name}'")
            .encode(
                x=x,
                y=alt.Y(f"{field}:Q", **y),
                color=alt.Color("series:N", scale=colours, legend=top_legend(2)),
            )
        )

    before = (
        series("before", _SERIES[1]).mark_line(strokeDash=[2, 4], strokeWidth=1.6).encode(detail="line:N")
    )
    promised = series("promised", _SERIES[0]).mark_line(strokeDash=[6, 4], strokeWidth=2)
    line = series("achieved", _SERIES[2]).mark_line(strokeWidth=2.4)
    dots = series("achieved", _SERIES[2]).mark_point(filled=True, size=58, opacity=1).encode(tooltip=hints)
    goal = alt.Chart(alt.InlineData(values=[{"level": target, "words": f"Target {target:,.4g}"}]))
    rule = goal.mark_rule(strokeWidth=1.2, color=GOOD).encode(y=alt.Y("level:Q", **y))
    words = goal.mark_text(align="left", baseline="bottom", dx=4, dy=-3, fontSize=11, color=GOOD).encode(
        y=alt.Y("level:Q", **y), x=alt.value(0), text="words:N"
    )
    lines = [before, promised] if revised else [promised]
    return finish(alt.layer(*lines, rule, words, line, dots))


def performance_chart(rows: Sequence[Row], *, title: str, days: Days, unit: Unit, alt: str, key: str) -> None:
    """Draw the model's estimated and realised performance on the days of the KPI above it.

    Parameters
    ----------
    rows
        One row a chunk with `at`, `estimate`, `realised` (or None) and `worse` (bool).
    title
        The metric.
    days
        First and last day of the axis, those of the KPI's chart.
    unit
        `percent` for shares 0..1, `number` for anything else.
    alt
        One sentence for people who do not see the chart.
    key
        A name that no other chart of the page has.
    """
    shown = [
        {
            "at": row["at"],
            "estimate": row["estimate"],
            "realised": row["realised"],
            "alert": row["estimate"] if row["worse"] else None,
        }
        for row in rows
    ]
    draw(shown, _performance_spec(title, days, unit), alt=alt, key=key, height=190)


@lru_cache(maxsize=128)
def _performance_spec(title: str, days: Days, unit: Unit) -> str:
    import altair as alt

    names = ["Estimated", "Realised", "Estimated worse"]
    colours = alt.Scale(domain=names, range=[ACCENT, SECOND, BAD])
    shapes = alt.Scale(domain=names, range=["square", "circle", "triangle-up"])
    hints = [
        alt.Tooltip("at:T", title="From", format="%-d %b %Y"),
        alt.Tooltip("estimate:Q", title="Estimated", format=FINE_FORMATS[unit]),
        alt.Tooltip("realised:Q", title="Realised", format=FINE_FORMATS[unit]),
    ]
    base = alt.Chart().encode(x=_time("at", days), tooltip=hints)
    y = {"title": title, "scale": alt.Scale(zero=False, padding=10), "axis": _values(unit, ticks=4)}

    def dots(field: str, name: str, size: int) -> Any:
        marks = base.transform_filter(f"isValid(datum.{field})").transform_calculate(series=f"'{name}'")
        return marks.mark_point(filled=True, size=size, opacity=1).encode(
            y=alt.Y(f"{field}:Q", **y),
            color=alt.Color("series:N", scale=colours, legend=top_legend(2)),
            shape=alt.Shape("series:N", scale=shapes, legend=top_legend(2)),
        )

    line = base.mark_line(strokeWidth=2, color=ACCENT).encode(y=alt.Y("estimate:Q", **y))
    marks = [dots("realised", names[1], 32), dots("estimate", names[0], 22), dots("alert", names[2], 100)]
    return finish(alt.layer(line, *marks))


def _time(field: str, days: Days) -> Any:
    import altair as alt

    ends = [alt.DateTime(year=day.year, month=day.month, date=day.day) for day in days]
    return alt.X(
        f"{field}:T",
        title=None,
        scale=alt.Scale(domain=ends),
        axis=alt.Axis(labelFlush=False, grid=False, tickCount=6),
    )


def _values(unit: Unit, ticks: int = 5) -> Any:
    import altair as alt

    return alt.Axis(format=FORMATS[unit], labelFlush=False, tickCount=ticks, minExtent=52)
