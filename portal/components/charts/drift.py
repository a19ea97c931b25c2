"""Drift of a model's inputs: features by chunk as a heat map, and one feature's distances over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from portal.components.charts.canvas import (
    ACCENT,
    BAD,
    INK,
    QUIET,
    Threshold,
    axis,
    draw,
    finish,
    threshold_layers,
    top_legend,
)

STATES = ("Within", "Alert", "Cannot tell")
"""What a cell may say; the nearer to its threshold, the deeper its colour."""
_COLOURS = (ACCENT, BAD, QUIET)


@dataclass(frozen=True)
class DriftCell:
    """A feature in a chunk: `chunk` as shown, `when` in full, `level` the distance over its threshold."""

    feature: str
    chunk: str
    when: str
    distance: float | None
    level: float | None
    state: str


@dataclass(frozen=True)
class DriftPoint:
    """A chunk along one feature: `at` as shown, `when` in full; of the `Reference` or `In use`."""

    at: str
    when: str
    part: str
    distance: float | None
    alert: bool


def drift_map(
    cells: Sequence[DriftCell], *, order: tuple[str, ...], chunks: tuple[str, ...], alt: str, key: str
) -> str | None:
    """Draw one row a feature and one column a chunk; a click gives the feature.

    Parameters
    ----------
    cells
        One a feature and chunk.
    order, chunks
        Features from top to bottom, chunks from left to right.
    alt
        One sentence for people who do not see the chart.
    key
        A name that no other chart of the page has.
    """
    shown = [{**asdict(cell), "mark": "▲" if cell.state == STATES[1] else ""} for cell in cells]
    picked = draw(shown, _map_spec(order, chunks), alt=alt, key=key, picks=("feature",))
    return picked[0] if picked else None


@lru_cache(maxsize=64)
def _map_spec(order: tuple[str, ...], chunks: tuple[str, ...]) -> str:
    import altair as alt

    x = alt.X(
        "chunk:N",
        sort=list(chunks),
        title=None,
        axis=alt.Axis(labelAngle=0, labelOverlap="greedy", domain=False, ticks=False, labelPadding=6),
        scale=alt.Scale(paddingInner=0.08, paddingOuter=0.0),
    )
    y = alt.Y(
        "feature:N",
        sort=list(order),
        title=None,
        axis=alt.Axis(domain=False, ticks=False, labelLimit=190, labelPadding=8, grid=False),
        scale=alt.Scale(paddingInner=0.14, paddingOuter=0.0),
    )
    colour = alt.Color(
        "state:N", scale=alt.Scale(domain=list(STATES), range=list(_COLOURS)), legend=top_legend(3)
    )
    strength = alt.FillOpacity(
        "level:Q", scale=alt.Scale(domain=[0, 1, 2], range=[0.06, 0.5, 0.85], clamp=True), legend=None
    )
    hints = [
        alt.Tooltip("feature:N", title="Feature"),
        alt.Tooltip("when:N", title="Chunk"),
        alt.Tooltip("distance:Q", title="Distance", format=".4f"),
        alt.Tooltip("level:Q", title="Times its threshold", format=".2f"),
        alt.Tooltip("state:N", title="State"),
    ]
    base = alt.Chart().encode(x=x, y=y, tooltip=hints)
    cells = base.mark_rect(cornerRadius=2).encode(color=colour, fillOpacity=strength)
    marks = base.mark_text(fontSize=9, color=INK).encode(text="mark:N")
    cells = cells.add_params(alt.selection_point(name="picked", fields=["feature"]))
    return finish(alt.layer(cells, marks).properties(height=alt.Step(26)))


def drift_lines(
    points: Sequence[DriftPoint], *, title: str, alt: str, threshold: Threshold | None = None
) -> None:
    """Draw one feature's distances chunk by chunk, the reference's in grey, with threshold and alerts.

    Parameters
    ----------
    points
        One a chunk in its order.
    title
        What the distance is called.
    alt
        One sentence for people who do not see the chart.
    threshold
        The level from which a chunk alerts.
    """
    shown = [
        {**asdict(point), "place": place, "marked": point.distance if point.alert else None}
        for place, point in enumerate(points)
    ]
    labels = tuple(point.at for point in points)
    draw(shown, _lines_spec(title, threshold, labels), alt=alt, height=300)


@lru_cache(maxsize=128)
def _lines_spec(title: str, threshold: Threshold | None, labels: tuple[str, ...]) -> str:
    import json

    import altair as alt

    names = ["Reference", "In use", "Alert"]
    colours = alt.Scale(domain=names, range=[QUIET, ACCENT, BAD])
    shapes = alt.Scale(domain=names, range=["circle", "circle", "triangle-up"])
    words = f"{json.dumps(list(labels))}[datum.value]"
    x: Any = alt.X(
        "place:Q",
        title=None,
        axis=alt.Axis(labelExpr=words, tickMinStep=1, grid=False, labelOverlap="greedy", labelFlush=False),
        scale=alt.Scale(nice=False, padding=14),
    )
    y = alt.Y("distance:Q", title=title, axis=axis("number"), scale=alt.Scale(zero=True, padding=12))
    hints = [
        alt.Tooltip("when:N", title="Chunk"),
        alt.Tooltip("part:N", title="Part"),
        alt.Tooltip("distance:Q", title=title, format=",.4~g"),
    ]
    base = alt.Chart().encode(x=x, tooltip=hints)
    looks = {
        "color": alt.Color("series:N", scale=colours, legend=top_legend()),
        "shape": alt.Shape("series:N", scale=shapes, legend=top_legend()),
    }
    line = base.mark_line(strokeWidth=2.0).encode(y=y, color=alt.Color("part:N", scale=colours, legend=None))
    dots = base.transform_calculate(series="datum.part").mark_point(filled=True, size=34, opacity=1)
    marks = base.transform_calculate(series="'Alert'").mark_point(filled=True, size=110, opacity=1)
    dots = dots.encode(y=y, **looks)
    alerts = marks.encode(y=alt.Y("marked:Q", title=title), **looks)
    lines = threshold_layers((threshold,) if threshold else (), "number", title=title)
    return finish(alt.layer(*lines, line, dots, alerts))
