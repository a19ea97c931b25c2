"""Horizontal bars: signed attributions, and standings with intervals."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from portal.components.charts.canvas import (
    ACCENT,
    FINE_FORMATS,
    INK,
    QUIET,
    SECOND,
    Rows,
    Unit,
    as_rows,
    axis,
    draw,
    finish,
    name_axis,
    top_legend,
)


def attribution_bars(
    rows: Rows,
    *,
    value_title: str,
    alt: str,
    up: str = "Raises the score",
    down: str = "Lowers the score",
    key: str | None = None,
) -> None:
    """Draw signed contributions, one bar a feature, with the figure at its end.

    Parameters
    ----------
    rows
        One row a feature, strongest first, with `label` (str) and `value` (float, signed).
    value_title
        Unit of the contributions: `Contribution to the score (log odds)`.
    alt
        One sentence for people who do not see the chart.
    up, down
        Words of the legend for positive and negative values.
    key
        Name of the chart on its page.
    """
    shown = [
        {
            "label": str(row["label"]),
            "value": float(row["value"]),
            "way": up if row["value"] >= 0 else down,
            "words": f"{'▲' if row['value'] >= 0 else '▼'} {row['value']:+.3g}".replace("-", "−"),
        }
        for row in as_rows(rows)
    ]
    draw(shown, _signed_spec(value_title, _order(shown), up, down), alt=alt, key=key)


@lru_cache(maxsize=256)
def _signed_spec(title: str, order: tuple[str, ...], up: str, down: str) -> str:
    import altair as alt

    y = name_axis("label", order)
    x = alt.X("value:Q", title=title, axis=axis("number", grid=True), scale=alt.Scale(padding=46))
    colour = alt.Color(
        "way:N", scale=alt.Scale(domain=[up, down], range=[ACCENT, SECOND]), legend=top_legend(2)
    )
    hints = [alt.Tooltip("label:N", title="Feature"), alt.Tooltip("value:Q", title=title, format="+.4~g")]
    base = alt.Chart().encode(y=y, x=x, tooltip=hints)
    bars = base.mark_bar(height=13, cornerRadiusEnd=3).encode(color=colour)
    raised = base.transform_filter("datum.value >= 0").mark_text(align="left", dx=5, fontSize=11, color=INK)
    lowered = base.transform_filter("datum.value < 0").mark_text(align="right", dx=-5, fontSize=11, color=INK)
    return finish(
        alt.layer(bars, raised.encode(text="words:N"), lowered.encode(text="words:N")).properties(
            height=alt.Step(25)
        )
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
