"""Horizontal bars with intervals: standings, and attributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.components.charts.canvas import (
    ACCENT,
    FINE_FORMATS,
    FORMATS,
    QUIET,
    Spec,
    Unit,
    channel,
    fixed,
    hints,
    layer,
    names_down,
    plot,
    points,
    values,
    where,
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
    fine = FINE_FORMATS[unit]
    base = {
        "y": names_down("label", list(dict.fromkeys(bar.label for bar in bars))),
        "tooltip": hints(
            ("label:N", "Name"),
            ("value:Q", value_title, fine),
            ("low:Q", "Interval from", fine),
            ("high:Q", "Interval to", fine),
            ("rows:Q", "Counted from", ","),
        ),
    }
    whole: Spec | None = {"domain": [0, 1]} if unit == "percent" else None
    x = values("value", value_title, FORMATS[unit], scale=whole, grid=True)
    span = {"x": channel("low:Q", title=value_title), "x2": channel("high")}
    marked = any(bar.highlight for bar in bars)
    fill = where("datum.highlight", 0.85, 0.32) if marked else fixed(0.5)
    layers = [
        layer("bar", {**base, "x": x, "fillOpacity": fill}, color=ACCENT, cornerRadiusEnd=3, height=14),
        layer("rule", {**base, **span}, color=QUIET, strokeWidth=1.6),
        points({**base, "x": x}, 46, color=ACCENT),
    ]
    plot(bars, layers, alt=alt, key=key, step=27)
