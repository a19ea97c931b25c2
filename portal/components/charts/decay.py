"""Decay of one model: estimated performance with its band, what was realised, thresholds and alerts."""

from __future__ import annotations

from functools import cache
from typing import Any

from portal.components.charts.canvas import (
    ACCENT,
    BAD,
    FINE_FORMATS,
    SECOND,
    Rows,
    Threshold,
    Unit,
    as_rows,
    axis,
    draw,
    finish,
    is_time,
    threshold_layers,
    top_legend,
)


def decay_chart(
    rows: Rows,
    *,
    metric_title: str,
    alt: str,
    thresholds: tuple[Threshold, ...] = (),
    unit: Unit = "number",
    key: str | None = None,
    height: int = 300,
) -> None:
    """Draw estimates over time with their band, realised values beside them, and chunks that raised an alert.

    Parameters
    ----------
    rows
        One row a chunk in order of time, with `at` (datetime or date, or the chunk's name as str),
        `estimate`, `low`, `high` (float or None), `realised` (float or None when the outcome is not known
        yet) and `alert` (bool).
    metric_title
        What is estimated: `Accuracy`.
    alt
        One sentence for people who do not see the chart.
    thresholds
        Labelled lines.
    unit
        `percent` for shares 0..1, `number` for anything else.
    key
        Name of the chart on its page.
    height
        Pixels.
    """
    shown = [
        {
            "at": row["at"],
            "estimate": row.get("estimate"),
            "low": row.get("low"),
            "high": row.get("high"),
            "realised": row.get("realised"),
            "alert": _alert_place(row),
        }
        for row in as_rows(rows)
    ]
    spec = _spec(metric_title, tuple(thresholds), unit, is_time(shown, "at"))
    draw(shown, spec, alt=alt, key=key, height=height)


def _alert_place(row: dict[str, Any]) -> Any:
    """Place of the alert mark: on the estimate, or on the realised value where there is no estimate."""
    if not row.get("alert"):
        return None
    return row.get("realised") if row.get("estimate") is None else row.get("estimate")


@cache
def _spec(title: str, thresholds: tuple[Threshold, ...], unit: Unit, timed: bool) -> str:
    import altair as alt

    x: Any = (
        alt.X("at:T", title=None, axis=alt.Axis(labelFlush=False, grid=False, tickCount=6))
        if timed
        else alt.X(
            "at:N", sort=None, title=None, axis=alt.Axis(labelAngle=0, labelOverlap="greedy", grid=False)
        )
    )
    names = ["Estimated, with band", "Realised", "Alert"]
    colours = alt.Scale(domain=names, range=[ACCENT, SECOND, BAD])
    shapes = alt.Scale(domain=names, range=["square", "circle", "triangle-up"])
    hints = [
        alt.Tooltip("at:T", title="From", format="%-d %b %Y")
        if timed
        else alt.Tooltip("at:N", title="Chunk"),
        *(
            alt.Tooltip(f"{field}:Q", title=words, format=FINE_FORMATS[unit])
            for field, words in (
                ("estimate", f"{title}, estimated"),
                ("low", "Band from"),
                ("high", "Band to"),
                ("realised", f"{title}, realised"),
            )
        ),
    ]
    base = alt.Chart().encode(x=x, tooltip=hints)

    def level(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title=title, axis=axis(unit), scale=alt.Scale(zero=False, padding=12))

    def dots(field: str, name: str, size: int) -> Any:
        marks = base.transform_calculate(series=f"'{name}'").mark_point(filled=True, size=size, opacity=1)
        return marks.encode(
            y=level(field),
            color=alt.Color("series:N", scale=colours, legend=top_legend()),
            shape=alt.Shape("series:N", scale=shapes, legend=top_legend()),
        )

    band = base.mark_area(opacity=0.16, color=ACCENT, interpolate="monotone").encode(
        y=level("low"), y2="high:Q"
    )
    line = base.mark_line(strokeWidth=2.2, color=ACCENT, interpolate="monotone").encode(y=level("estimate"))
    truth = base.mark_line(strokeWidth=1.8, color=SECOND).encode(y=level("realised"))
    lines = threshold_layers(thresholds, unit, title=title)
    marks = [dots("realised", names[1], 34), dots("estimate", names[0], 22), dots("alert", names[2], 120)]
    return finish(alt.layer(band, *lines, truth, line, *marks))
