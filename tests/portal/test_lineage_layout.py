"""The picture of the lineage: columns run to the right, boxes never lie over each other, circles end."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.components.charts.lineage import columns_of, places

names = st.sampled_from([f"s{i}" for i in range(7)] + [f"m{i}" for i in range(4)] + ["p0", "p1"])
edges = st.lists(st.tuples(names, names), max_size=30)
KINDS = {"s": 0, "m": 1, "p": 2}


def nodes_of(found: list[tuple[str, str]]) -> dict[str, int]:
    return {name: KINDS[name[0]] for edge in found for name in edge}


@settings(max_examples=200, deadline=None)
@given(edges)
def test_boxes_stay_apart_and_kinds_keep_their_columns(found: list[tuple[str, str]]) -> None:
    nodes = nodes_of(found)
    where = places(nodes, found)
    assert set(where) == set(nodes)
    for column in {column for column, _ in where.values()}:
        heights = sorted(height for at, height in where.values() if at == column)
        assert all(after - before > 0.999 for before, after in pairwise(heights))
        assert heights[0] >= 0
        assert len({nodes[name] for name, (at, _) in where.items() if at == column}) == 1


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=20))
def test_without_circles_every_edge_runs_to_the_right(pairs: list[tuple[int, int]]) -> None:
    found = [(f"s{a}", f"s{b}") for a, b in pairs if a < b] + [(f"s{a}", f"m{b}") for a, b in pairs]
    column = columns_of(nodes_of(found), found)
    assert all(column[start] < column[end] for start, end in found)


def test_the_same_graph_gives_the_same_picture_with_neighbours_side_by_side() -> None:
    found = [("s0", "m1"), ("s1", "m0"), ("m1", "p0"), ("m0", "p1")]
    nodes = {"s0": 0, "s1": 0, "m0": 1, "m1": 1, "p0": 2, "p1": 2}
    where = places(nodes, found)
    assert where == places(nodes, found)
    assert all(abs(where[start][1] - where[end][1]) < 0.5 for start, end in found)
