"""One figure over time with its target."""

from __future__ import annotations

from functools import cache
from typing import Any

from portal.components.charts.canvas import (
    ACCENT,
    FINE_FORMATS,
    Rows,
    Threshold,
    Unit,
    as_rows,
    axis,
    draw,
    finish,
    threshold_layers,
)


def trend_chart(
    rows: Rows,
    *,
    value_title: str,
    alt: str,
    target: Threshold | None = None,
    unit: Unit = "percent",
    key: str | None = None,
    height: int = 220,
) -> None:
    """Draw one figure over time, with its target as a labelled line.

    Parameters
    ----------
    rows
        One row a time, with `at` (date or datetime) and `value` (float or None).
    value_title
        What is measured.
    alt
        One sentence for people who do not see the chart.
    target
        Labelled line.
    unit
        `percent` for shares 0..1, `number` for anything else.
    key
        Name of the chart on its page.
    height
        Pixels.
    """
    shown = [{"at": row["at"], "value": row.get("value")} for row in as_rows(rows)]
    draw(shown, _spec(value_title, target, unit), alt=alt, key=key, height=height)


@cache
def _spec(title: str, target: Threshold | None, unit: Unit) -> str:
    import altair as alt

    hints: list[Any] = [
        alt.Tooltip("at:T", title="Day", format="%-d %b %Y"),
        alt.Tooltip("value:Q", title=title, format=FINE_FORMATS[unit]),
    ]
    x = alt.X("at:T", title=None, axis=alt.Axis(labelFlush=False, grid=False, tickCount=6))
    y = alt.Y("value:Q", title=title, axis=axis(unit), scale=alt.Scale(zero=False, padding=10))
    base = alt.Chart().encode(x=x, y=y, tooltip=hints)
    line = base.mark_line(strokeWidth=2.2, color=ACCENT)
    dots = base.mark_point(filled=True, size=34, opacity=1, color=ACCENT)
    lines = threshold_layers((target,) if target else (), unit, title=title)
    return finish(alt.layer(*lines, line, dots))
