"""The lineage: data on the left, models, and business processes on the right; what is bad stands out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from portal.components.canvas import ACCENT, BAD, INK, QUIET, WATCH, by_name, draw, drawing, hints
from portal.components.text import count

if TYPE_CHECKING:
    import altair as alt

    from core.domain.models.lineage import Edge, Graph, Node


SWEEPS = 6


def columns_of(nodes: Mapping[str, int], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Give every node a column, so that edges run to the right wherever the kinds allow it.

    Parameters
    ----------
    nodes
        Node -> its kind: 0 may be chained (data made from data), higher kinds each fill one column.
    edges
        (start, end); edges that close a circle are left out of account.

    Returns
    -------
    dict
        Node -> column, counted from 0 on the left. Nodes of kind 0 stand as near to what is made of them as
        they can, so that edges stay short.

    Examples
    --------
    >>> columns_of({"raw": 0, "clean": 0, "model": 1}, [("raw", "clean"), ("clean", "model")])
    {'raw': 0, 'clean': 1, 'model': 2}
    """
    below = {node: [end for start, end in edges if start == node and nodes[end] == 0] for node in nodes}
    height: dict[str, int] = {}

    def climb(node: str, on_way: frozenset[str]) -> int:
        if node not in height:
            ends = [end for end in below[node] if end not in on_way]
            height[node] = 1 + max((climb(end, on_way | {node}) for end in ends), default=-1)
        return height[node]

    deepest = max((climb(node, frozenset((node,))) for node, kind in nodes.items() if kind == 0), default=-1)
    kinds = sorted({kind for kind in nodes.values() if kind})
    return {
        node: deepest - height[node] if kind == 0 else deepest + 1 + kinds.index(kind)
        for node, kind in nodes.items()
    }


def places(
    nodes: Mapping[str, int], edges: Sequence[tuple[str, str]], *, gap: float = 1.0
) -> dict[str, tuple[int, float]]:
    """Give every node its column and its height, near to its neighbours and never over another node.

    Returns
    -------
    dict
        Node -> (column, height); heights start at 0 and are at least `gap` apart within a column.

    Notes
    -----
    Barycentres after Sugiyama et al. 1981, a fixed number of sweeps; the same graph gives the same picture.
    """
    column = columns_of(nodes, edges)
    order: dict[int, list[str]] = {}
    for node in nodes:
        order.setdefault(column[node], []).append(node)
    near: dict[str, list[str]] = {node: [] for node in nodes}
    for start, end in edges:
        near[start].append(end)
        near[end].append(start)
    height = {node: place * gap for line in order.values() for place, node in enumerate(line)}
    for sweep in range(SWEEPS):
        for at in sorted(order, reverse=bool(sweep % 2)):
            wish = {node: fmean([height[n] for n in near[node]] or [height[node]]) for node in order[at]}
            order[at].sort(key=lambda node: wish[node])
            height |= _apart(order[at], wish, gap)
    lowest = min(height.values(), default=0.0)
    return {node: (column[node], height[node] - lowest) for node in nodes}


def _apart(line: Sequence[str], wish: Mapping[str, float], gap: float) -> dict[str, float]:
    """Heights in the order of the line, each as near to its wish as the gap allows.

    Neighbours that push each other become one block, which stands at the mean of its wishes.
    """
    blocks: list[tuple[list[str], float]] = []  # nodes, and the height of the first
    for node in line:
        nodes, top = [node], wish[node]
        while blocks and blocks[-1][1] + len(blocks[-1][0]) * gap > top:
            nodes = blocks.pop()[0] + nodes
            top = fmean(wish[one] - place * gap for place, one in enumerate(nodes))
        blocks.append((nodes, top))
    return {node: top + place * gap for nodes, top in blocks for place, node in enumerate(nodes)}


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
