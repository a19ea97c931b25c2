"""Places for the nodes of a graph that runs from left to right: columns, then an order with few crossings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

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
