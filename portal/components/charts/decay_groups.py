"""Groups on their way to their own threshold, on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from portal.components.charts.canvas import (
    ACCENT,
    BAD,
    MOST_POINTS,
    SECOND,
    Rows,
    Threshold,
    as_rows,
    draw,
    finish,
    is_time,
    threshold_layers,
    top_legend,
)

MOST_GROUPS = 6
"""Lines that can still be told apart."""
_COLOURS = (ACCENT, SECOND, "#178a8a", "#8a5cd6", "#b3487f", "#738096")
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3])


def group_chart(rows: Rows, *, alt: str, order: Sequence[str], height: int = 300) -> None:
    """Draw each group's way from its usual level (0) to its worse threshold (1), chunk by chunk.

    Parameters
    ----------
    rows
        One row a group and chunk: `at` (datetime or the chunk's name), `group` (str), `way` (float, None
        where nobody can tell), `estimate`, `rows`, and `worse` (the way again where the chunk is worse).
    alt
        One sentence for people who do not see the chart.
    order
        The groups, the most urgent first; at most `MOST_GROUPS`.
    height
        Pixels.
    """
    shown = as_rows(rows, limit=10 * MOST_POINTS)
    latest = MOST_POINTS // max(1, len(order))
    kept = [row for group in order for row in [r for r in shown if r["group"] == group][-latest:]]
    spec = _spec(tuple(order), is_time(kept, "at"))
    draw(kept, spec, alt=alt, height=height)


@lru_cache(maxsize=64)
def _spec(order: tuple[str, ...], timed: bool) -> str:
    import altair as alt

    x: Any = (
        alt.X("at:T", title=None, axis=alt.Axis(labelFlush=False, grid=False, tickCount=6))
        if timed
        else alt.X(
            "at:N", sort=None, title=None, axis=alt.Axis(labelAngle=0, labelOverlap="greedy", grid=False)
        )
    )
    title = "Way to the threshold"
    level = alt.Axis(format=".0%", labelFlush=False, tickCount=5)
    scale = alt.Scale(zero=True, padding=12)
    legend = top_legend()
    domain = list(order)
    colours = alt.Scale(domain=domain, range=list(_COLOURS[: len(domain)]))
    dashes = alt.Scale(domain=domain, range=[list(dash) for dash in _DASHES[: len(domain)]])
    hints = [
        alt.Tooltip("group:N", title="Group"),
        alt.Tooltip("at:T", title="From", format="%-d %b %Y")
        if timed
        else alt.Tooltip("at:N", title="Chunk"),
        alt.Tooltip("way:Q", title=title, format=".0%"),
        alt.Tooltip("estimate:Q", title="Estimated", format=",.4~g"),
        alt.Tooltip("rows:Q", title="Rows", format=","),
    ]
    base = alt.Chart().encode(x=x, tooltip=hints)
    lines = base.mark_line(strokeWidth=2.1).encode(
        y=alt.Y("way:Q", title=title, axis=level, scale=scale),
        color=alt.Color("group:N", scale=colours, legend=legend),
        strokeDash=alt.StrokeDash("group:N", scale=dashes, legend=legend),
    )
    worse = base.mark_point(filled=True, size=95, opacity=1, shape="triangle-up", color=BAD).encode(
        y=alt.Y("worse:Q", title=title)
    )
    line = threshold_layers((Threshold("Worse beyond its own threshold", 1.0),), "percent", title=title)
    return finish(alt.layer(*line, lines, worse))
