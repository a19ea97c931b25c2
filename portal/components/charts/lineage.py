"""The lineage: data on the left, models, and business processes on the right; what is bad stands out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from portal.components.charts.canvas import ACCENT, BAD, INK, QUIET, WATCH, by_name, draw, drawing, hints
from portal.components.charts.layers import places
from portal.components.text import count

if TYPE_CHECKING:
    import altair as alt

    from core.domain.models.lineage import Edge, Graph, Node

MOST_NODES = 140
_KINDS = {"source": 0, "model": 1, "process": 2}
_HEADS = {"source": "Data", "model": "Models", "process": "Business processes"}
_BOX = 0.68
"""Width of a box, as a share of its column."""
_ROW = 46

_GROUND = "light-dark(#ffffff, #0d131c)"
"""Under the boxes, so that no edge runs through their words."""
_LOOKS = {"sound": ("", QUIET), "affected": ("◆ ", WATCH), "bad": ("▲ ", BAD)}


@dataclass(frozen=True)
class Mark:
    """A box, a point of an edge, or a head; `place` is the point's place on its edge."""

    kind: str
    node: str | None = None
    x: float = 0.0
    x2: float | None = None
    y: float = 0.0
    title: str | None = None
    under: str | None = None
    state: str | None = None
    what: str | None = None
    said: str | None = None
    edge: str | None = None
    place: int | None = None


def lineage_chart(graph: Graph, *, key: str) -> str | None:
    """Draw the graph of at most `MOST_NODES` nodes; a click on a box gives the id of its node."""
    where = places(
        {node.id: _KINDS[node.kind] for node in graph.nodes},
        [(edge.start, edge.end) for edge in graph.edges],
    )
    states = {node.id: node.state for node in graph.nodes}
    feeding = Counter(edge.end for edge in graph.edges)
    marks = [_box(node, where[node.id], feeding[node.id]) for node in graph.nodes]
    marks += [point for edge in graph.edges for point in _curve(edge, where, states)]
    marks += _heads(graph, where)
    columns = 1 + max((column for column, _ in where.values()), default=0)
    tallest = max((height for _, height in where.values()), default=0.0)
    spec = _spec(columns, round(tallest, 3))
    picked = draw(marks, spec, alt=_words(graph), key=key, picks=("node",))
    return picked[0] if picked and picked[0] != "None" else None


def _box(node: Node, place: tuple[int, float], feeding: int) -> Mark:
    column, height = place
    glyph = _LOOKS[node.state][0]
    under = " · ".join(part for part in (node.team, node.detail) if part)
    if node.kind == "process":
        under = count(feeding, "model")
    return Mark(
        "node",
        node.id,
        float(column),
        column + _BOX,
        height,
        title=f"{glyph}{node.title}",
        under=under,
        state=node.state,
        what=_HEADS[node.kind].removesuffix("s") if node.kind == "model" else _HEADS[node.kind],
        said=node.bad or (f"Bad above it: {', '.join(node.affected)}" if node.affected else "Sound"),
    )


def _curve(edge: Edge, where: dict[str, tuple[int, float]], states: Mapping[str, str]) -> list[Mark]:
    """Four points of a smooth line from box to box."""
    (left, top), (right, bottom) = where[edge.start], where[edge.end]
    start, end = left + _BOX, float(right)
    bend = max(0.12, (end - start) / 2)
    spoiled = states[edge.start] != "sound" and states[edge.end] != "sound"
    points = ((start, top), (start + bend, top), (end - bend, bottom), (end, bottom))
    name, state = f"{edge.start} {edge.end}", "affected" if spoiled else "sound"
    return [
        Mark("edge", x=x, y=y, state=state, said=edge.how, edge=name, place=place)
        for place, (x, y) in enumerate(points)
    ]


def _heads(graph: Graph, where: dict[str, tuple[int, float]]) -> list[Mark]:
    """The name of each kind above its first column."""
    first: dict[str, int] = {}
    for node in graph.nodes:
        column = where[node.id][0]
        first[node.kind] = min(first.get(node.kind, column), column)
    return [Mark("head", x=float(column), y=-0.95, title=_HEADS[kind]) for kind, column in first.items()]


def _words(graph: Graph) -> str:
    """The graph in one sentence."""
    amounts = [
        f"{sum(node.kind == kind for node in graph.nodes)} {title.lower()}" for kind, title in _HEADS.items()
    ]
    bad = sum(node.state == "bad" for node in graph.nodes)
    affected = sum(node.state == "affected" for node in graph.nodes)
    return (
        f"Lineage from data to models to business processes: {', '.join(amounts)}; {bad} marked as bad, "
        f"{affected} below them. The table holds the same."
    )


@drawing
def _spec(columns: int, tallest: float) -> alt.TopLevelMixin:
    import altair as alt

    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-0.02, columns - 1 + _BOX + 0.02], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[-1.3, tallest + 0.6], nice=False, reverse=True))
    looks = {state: colour for state, (_, colour) in _LOOKS.items()}
    colours = alt.Color("state:N", scale=by_name(looks), legend=None)
    told = hints(("title:N", "Name"), ("what:N", "Kind"), ("under:N", "More"), ("said:N", "State"))
    base = alt.Chart()
    edges = (
        base.transform_filter("datum.kind === 'edge'")
        .mark_line(interpolate="basis", strokeWidth=1.4)
        .encode(
            x=x,
            y=y,
            detail="edge:N",
            order="place:Q",
            color=colours,
            strokeOpacity=alt.condition("datum.state === 'sound'", alt.value(0.45), alt.value(0.95)),
            tooltip=hints(("said:N", "How")),
        )
    )
    picked = alt.selection_point(name="picked", fields=["node"])
    nodes = base.transform_filter("datum.kind === 'node'")
    boxes = (
        nodes.mark_rect(height=_ROW - 8, cornerRadius=5, strokeWidth=1.4, cursor="pointer")
        .encode(
            x=x,
            x2="x2:Q",
            y=y,
            stroke=colours,
            color=colours,
            fillOpacity=alt.condition("datum.state === 'sound'", alt.value(0.07), alt.value(0.16)),
            strokeOpacity=alt.condition("datum.state === 'sound'", alt.value(0.55), alt.value(1)),
            tooltip=told,
        )
        .add_params(picked)
    )
    grounds = nodes.mark_rect(height=_ROW - 8, cornerRadius=5, color=_GROUND, opacity=1).encode(
        x=x, x2="x2:Q", y=y
    )
    limit = alt.ExprRef(f"width * {_BOX / (columns - 1 + _BOX + 0.04):.4f} - 18")
    text: dict[str, Any] = {"align": "left", "dx": 9, "limit": limit, "cursor": "pointer"}
    names = nodes.mark_text(dy=-7, fontSize=12.5, fontWeight=600, color=INK, **text).encode(
        x=x, y=y, text="title:N", tooltip=told
    )
    owners = nodes.mark_text(dy=9, fontSize=11, color=QUIET, **text).encode(
        x=x, y=y, text="under:N", tooltip=told
    )
    heads = (
        base.transform_filter("datum.kind === 'head'")
        .mark_text(align="left", fontSize=12, fontWeight=600, color=ACCENT)
        .encode(x=x, y=y, text="title:N")
    )
    height = int((tallest + 1.9) * _ROW)
    return alt.layer(edges, grounds, boxes, names, owners, heads).properties(height=height)


def drawable(nodes: Sequence[Node]) -> bool:
    """Whether there are few enough nodes to read."""
    return 0 < len(nodes) <= MOST_NODES
