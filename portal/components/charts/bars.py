"""Horizontal bars: signed attributions, and standings with intervals."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from portal.components.charts.canvas import (
    ACCENT,
    FINE_FORMATS,
    QUIET,
    Rows,
    Unit,
    as_rows,
    axis,
    draw,
    finish,
    name_axis,
)


def interval_bars(
    rows: Rows,
    *,
    value_title: str,
    alt: str,
    unit: Unit = "percent",
    key: str | None = None,
    select: bool = False,
) -> str | None:
    """Draw one bar a name with the interval of its value, for leaderboards; a click returns the name.

    Parameters
    ----------
    rows
        One row a name, best first, with `label` (str), `value` (float or None), `low`, `high` (float or
        None, ends of the interval), `rows` (int, what it is counted from) and `highlight` (bool, optional:
        the reader's own team).
    value_title
        What is measured.
    alt
        One sentence for people who do not see the chart.
    unit
        `percent` for shares 0..1, `number` for anything else.
    key
        Name of the chart on its page; needed with `select`.
    select
        True lets people click a bar.
    """
    shown = [
        {
            "label": str(row["label"]),
            "value": row.get("value"),
            "low": row.get("low"),
            "high": row.get("high"),
            "rows": row.get("rows"),
            "highlight": bool(row.get("highlight", False)),
        }
        for row in as_rows(rows)
    ]
    spec = _interval_spec(value_title, _order(shown), unit, any(row["highlight"] for row in shown), select)
    picked = draw(shown, spec, alt=alt, key=key, picks=("label",) if select else ())
    return picked[0] if picked else None


@lru_cache(maxsize=256)
def _interval_spec(title: str, order: tuple[str, ...], unit: Unit, marked: bool, select: bool) -> str:
    import altair as alt

    y = name_axis("label", order)
    domain: Any = alt.Scale(domain=[0, 1]) if unit == "percent" else alt.Undefined
    x = alt.X("value:Q", title=title, axis=axis(unit, grid=True), scale=domain)
    hints = [
        alt.Tooltip("label:N", title="Name"),
        alt.Tooltip("value:Q", title=title, format=FINE_FORMATS[unit]),
        alt.Tooltip("low:Q", title="Interval from", format=FINE_FORMATS[unit]),
        alt.Tooltip("high:Q", title="Interval to", format=FINE_FORMATS[unit]),
        alt.Tooltip("rows:Q", title="Counted from", format=","),
    ]
    base = alt.Chart().encode(y=y, tooltip=hints)
    fill = alt.condition("datum.highlight", alt.value(0.85), alt.value(0.32)) if marked else alt.value(0.5)
    bars = base.mark_bar(height=14, cornerRadiusEnd=3, color=ACCENT).encode(x=x, fillOpacity=fill)
    spans = base.mark_rule(strokeWidth=1.6, color=QUIET).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    dots = base.mark_point(filled=True, size=46, opacity=1, color=ACCENT).encode(x=x)
    if select:
        bars = bars.add_params(alt.selection_point(name="picked", fields=["label"]))
    return finish(alt.layer(bars, spans, dots).properties(height=alt.Step(27)))


def _order(shown: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row["label"] for row in shown))
