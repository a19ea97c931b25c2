"""Data, what it is made of, the models that use it, and the business processes that those serve."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from core.domain.commands import Command, Name, Words

How = Literal["training", "validation", "scoring", "monitoring", "feedback"]
HOW: Mapping[str, str] = {
    "training": "trains on it",
    "validation": "is tested on it",
    "scoring": "scores it",
    "monitoring": "is watched by it",
    "feedback": "learns outcomes from it",
}
"""The ways in which a model uses data, in words."""
SourceId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9\-]*$", max_length=60)]
ColumnNames = tuple[Annotated[str, StringConstraints(min_length=1, max_length=100)], ...]
Reason = Annotated[Words, Field(min_length=10)]


class RecordDataSource(Command):
    """Record a data source, or what has changed about it; without an id it is made from the name."""

    may: ClassVar[str] = "record_lineage"

    source: SourceId | Literal[""] = ""
    name: Name
    description: Words = ""
    team: Name
    personal_data: bool
    location: Annotated[Words, Field(max_length=500)] = ""
    quality: Words = ""


class RecordUpstream(Command):
    """Record that a source is made from another one, how, and which columns come from there."""

    may: ClassVar[str] = "record_lineage"

    source: str
    upstream: str
    how: Words = ""
    columns: ColumnNames = ()


class EndUpstream(Command):
    """Record that a source is no longer made from another one."""

    may: ClassVar[str] = "record_lineage"

    source: str
    upstream: str


class RecordDataUse(Command):
    """Record that a model uses data: which version (empty: all), how, and which columns."""

    may: ClassVar[str] = "record_lineage"

    source: str
    initiative: str
    version: str = ""
    how: How
    columns: ColumnNames = ()


class EndDataUse(Command):
    """Record that a model no longer uses data in this way."""

    may: ClassVar[str] = "record_lineage"

    source: str
    initiative: str
    version: str = ""
    how: How


class MarkDataBad(Command):
    """Warn everybody downstream that data is bad, and say why."""

    may: ClassVar[str] = "mark_data"

    source: str
    reason: Reason


class ClearData(Command):
    """Take the warning back, and say what was done."""

    may: ClassVar[str] = "mark_data"

    source: str
    reason: Reason


class RecordProcesses(Command):
    """Record which business processes an initiative serves; the list replaces the one before."""

    may: ClassVar[str] = "record_lineage"

    initiative: str
    processes: tuple[Name, ...]


Kind = Literal["source", "model", "process"]


@dataclass(frozen=True)
class Node:
    """Something in the lineage: a data source, a model (an initiative), or a business process.

    Attributes
    ----------
    team
        Who owns it; empty for a process.
    bad
        Why a source is marked as bad; empty elsewhere.
    affected
        Names of the bad sources upstream of it; a bad source itself is not affected by its own mark.
    """

    id: str
    kind: Kind
    title: str
    team: str
    detail: str = ""
    bad: str = ""
    affected: tuple[str, ...] = ()

    @property
    def state(self) -> Literal["bad", "affected", "sound"]:
        """How the node stands, worst first."""
        return "bad" if self.bad else "affected" if self.affected else "sound"


@dataclass(frozen=True)
class Edge:
    """From what is upstream to what is made of it or served by it; `how` in words."""

    start: str
    end: str
    how: str


@dataclass(frozen=True)
class Graph:
    """Nodes and the edges between them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def around(self, seeds: Collection[str]) -> Graph:
        """The seeds with all that is upstream and all that is downstream of them, whatever the circles."""
        forward, backward = neighbours(self.edges), neighbours(self.edges, backward=True)
        return self.only(reached(forward, seeds) | reached(backward, seeds))

    def only(self, kept: Collection[str]) -> Graph:
        """The graph of some of its nodes."""
        return Graph(
            tuple(node for node in self.nodes if node.id in kept),
            tuple(edge for edge in self.edges if edge.start in kept and edge.end in kept),
        )


def neighbours(edges: Iterable[Edge], *, backward: bool = False) -> dict[str, list[str]]:
    """For each node those that one edge leads to (or, backward, those that lead to it)."""
    found: dict[str, list[str]] = {}
    for edge in edges:
        start, end = (edge.end, edge.start) if backward else (edge.start, edge.end)
        found.setdefault(start, []).append(end)
    return found


def reached(neighbours: Mapping[str, Iterable[str]], seeds: Iterable[str]) -> set[str]:
    """The seeds and everything that can be reached from them; circles end it like any known node.

    Examples
    --------
    >>> sorted(reached({"a": ["b"], "b": ["a", "c"]}, ["a"]))
    ['a', 'b', 'c']
    """
    found: set[str] = set()
    waiting = list(seeds)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(neighbours.get(node, ()))
    return found


def circle(upstream: Mapping[str, Iterable[str]], source: str, wanted: str) -> tuple[str, ...]:
    """The way from `wanted` up to `source`, which would become a circle if `source` were made from it.

    Parameters
    ----------
    upstream
        Source -> what it is made from.
    source, wanted
        The source that is to be made from `wanted`.

    Returns
    -------
    tuple of str
        From `wanted` to `source`; empty where there is no such way.

    Examples
    --------
    >>> circle({"b": ["a"]}, "a", "b")
    ('b', 'a')
    """
    came_from: dict[str, str] = {wanted: ""}
    waiting = [wanted]
    while waiting:
        node = waiting.pop(0)
        if node == source:
            way = [node]
            while came_from[way[-1]]:
                way.append(came_from[way[-1]])
            return tuple(reversed(way))
        for above in upstream.get(node, ()):
            if above not in came_from:
                came_from[above] = node
                waiting.append(above)
    return ()
