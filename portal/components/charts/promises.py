"""Promised against achieved: the line of a business KPI, its observations, and the model's performance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from portal.components.charts.canvas import (
    ACCENT,
    BAD,
    DAY,
    FINE_FORMATS,
    FORMATS,
    GOOD,
    QUIET,
    SECOND,
    Spec,
    Unit,
    along_time,
    by_name,
    channel,
    fixed,
    hints,
    layer,
    legend,
    loose,
    plot,
    points,
    values,
)

if TYPE_CHECKING:
    from core.services.measured.business_kpi import PerformancePoint

Days = tuple[date, date]
PALE = "#9aa5b8"
_SERIES = {"Promised": QUIET, "Promised before": PALE, "Achieved": ACCENT}
_PERFORMANCE = {"Estimated": ACCENT, "Realised": SECOND, "Estimated worse": BAD}
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
    revised = any(row.before is not None for row in rows)
    looks = {name: look for name, look in _SERIES.items() if revised or name != "Promised before"}
    colour = by_name("series", looks, legend(2))

    def series(mark: str, field: str, name: str, channels: Spec | None = None, **look: Any) -> Spec:
        place = {"x": along_time(days=days), "y": _level(field, title, "number", 16), "color": colour}
        return layer(mark, {**place, **(channels or {})}, only=field, series=f"'{name}'", **look)

    told = hints(
        ("at:T", "Day", DAY),
        ("achieved:Q", "Achieved", ",.4~g"),
        ("due:Q", "Promised for the day", ",.4~g"),
        ("note:N", "Note"),
    )
    before = {"strokeDash": [2, 4], "strokeWidth": 1.6}
    earlier = series("line", "before", "Promised before", {"detail": channel("line:N")}, **before)
    goal = [{"level": target, "words": f"Target {target:,.4g}"}]
    y = {"y": _level("level", title, "number", 16)}
    words = {**y, "x": fixed(0), "text": channel("words:N")}
    layers = [
        *([earlier] if revised else []),
        series("line", "promised", "Promised", strokeDash=[6, 4], strokeWidth=2),
        layer("rule", y, rows=goal, color=GOOD, strokeWidth=1.2),
        layer(
            "text", words, rows=goal, color=GOOD, align="left", baseline="bottom", dx=4, dy=-3, fontSize=11
        ),
        series("line", "achieved", "Achieved", strokeWidth=2.4),
        series("point", "achieved", "Achieved", {"tooltip": told}, filled=True, opacity=1, size=58),
    ]
    plot(rows, layers, alt=alt, key=key, height=340)


def performance_chart(
    rows: Sequence[PerformancePoint], *, title: str, days: Days, unit: Unit, alt: str, key: str
) -> None:
    """Draw the model's estimated and realised performance on the days of the KPI above it."""
    told = hints(
        ("at:T", "From", DAY),
        ("estimate:Q", "Estimated", FINE_FORMATS[unit]),
        ("realised:Q", "Realised", FINE_FORMATS[unit]),
    )
    base = {"x": along_time(days=days), "tooltip": told}

    def dots(field: str, name: str, size: int) -> Spec:
        looks = {
            "color": by_name("series", _PERFORMANCE, legend(2)),
            "shape": by_name("series", _SHAPES, legend(2)),
        }
        place = {**base, "y": _level(field, title, unit, 10, 4), **looks}
        return points(place, size, only=field, series=f"'{name}'")

    line = {**base, "y": _level("estimate", title, unit, 10, 4)}
    layers = [
        layer("line", line, color=ACCENT, strokeWidth=2),
        dots("realised", "Realised", 32),
        dots("estimate", "Estimated", 22),
        dots("alert", "Estimated worse", 100),
    ]
    shown = [
        {
            "at": row.at,
            "estimate": row.estimate,
            "realised": row.realised,
            "alert": row.estimate if row.worse else None,
        }
        for row in rows
    ]
    plot(shown, layers, alt=alt, key=key, height=190)


def _level(field: str, title: str, unit: Unit, room: int, ticks: int = 5) -> Spec:
    return values(field, title, FORMATS[unit], scale=loose(room), tickCount=ticks, minExtent=52)
