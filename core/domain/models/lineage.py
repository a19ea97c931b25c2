"""Data, what it is made of, the models that use it, and the business processes that those serve."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from core.domain.commands import Command, Name, Words
from core.domain.given import InitiativeId, Shown, argument, option

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
Source = Annotated[str, Field(description="The source's id, as 'data list' shows it."), argument("SOURCE")]
Upstream = Annotated[str, Field(description="The source it is made from."), argument("UPSTREAM")]
ColumnNames = Annotated[
    tuple[Annotated[str, StringConstraints(min_length=1, max_length=100)], ...],
    Field(description="A column; repeat for more."),
    option("--column"),
]
OfVersion = Annotated[str, Field(description="Model version; all where none is named.")]
UsedFor = Annotated[How, Field(description="training, validation, scoring, monitoring or feedback.")]
Reason = Annotated[Words, Field(min_length=10, description="Why, in a sentence; it stays on record.")]
_READ_BY_ALL = Shown(help="At least 10 characters; everybody downstream reads it.", lines=True)


class RecordDataSource(Command, may="record_lineage"):
    """Record a data source, or what has changed about it."""

    name: Annotated[Name, Field(title="Name", description="What it is called."), argument()]
    personal_data: Annotated[
        bool,
        Field(title="Personal data", description="Whether it is about people."),
        option("--personal-data/--no-personal-data"),
    ]
    source: Annotated[
        SourceId | Literal[""],
        Field(description="Its id; made from the name where none is given."),
        option("--id"),
    ] = ""
    team: Annotated[
        Name | None, Field(title="Owning team", description="Who owns it; the acting person's team else.")
    ] = None
    description: Annotated[
        Words, Field(title="What is in it", description="What is in it."), Shown(lines=True)
    ] = ""
    location: Annotated[Words, Field(max_length=500, title="Where it lies", description="Where it lies.")] = (
        ""
    )
    quality: Annotated[
        Words,
        Field(title="What is known of its quality", description="What is known of its quality."),
        Shown(lines=True),
    ] = ""


class RecordUpstream(Command, may="record_lineage"):
    """Record that a source is made from another one, how, and which columns come from there."""

    source: Source
    upstream: Upstream
    how: Annotated[Words, Field(description="How it is made from it, in words.")] = ""
    columns: ColumnNames = ()


class EndUpstream(Command, may="record_lineage"):
    """Record that a source is no longer made from another one."""

    source: Source
    upstream: Upstream


class RecordDataUse(Command, may="record_lineage"):
    """Record that a model uses data: which version (empty: all), how, and which columns."""

    source: Source
    initiative: InitiativeId
    version: OfVersion = ""
    how: UsedFor
    columns: ColumnNames = ()


class EndDataUse(Command, may="record_lineage"):
    """Record that a model no longer uses data in this way."""

    source: Source
    initiative: InitiativeId
    version: OfVersion = ""
    how: UsedFor


class MarkDataBad(Command, may="mark_data"):
    """Mark data as bad, and see which initiatives that reaches."""

    source: Source
    reason: Annotated[Reason, Field(title="What is wrong with it"), _READ_BY_ALL]


class ClearData(Command, may="mark_data"):
    """Take the warning about data back."""

    source: Source
    reason: Annotated[Reason, Field(title="What was done about it"), _READ_BY_ALL]


class RecordProcesses(Command, may="record_lineage"):
    """Record which business processes an initiative serves; the list replaces the one before."""

    initiative: InitiativeId
    processes: Annotated[
        tuple[Name, ...],
        Field(title="Business processes that it serves", description="A business process; repeat for more."),
        option("--process"),
        Shown(help="All of them. One a line, or separated by commas."),
    ] = ()


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


def bad_above(edges: Iterable[tuple[str, str]], bad: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The bad sources in or above each source; `edges` lead from a source to what is made of it.

    Examples
    --------
    >>> bad_above([("raw", "clean"), ("clean", "weekly")], ["raw"])["weekly"]
    ('raw',)
    """
    made: dict[str, list[str]] = {}
    for above, source in edges:
        made.setdefault(above, []).append(source)
    found: dict[str, tuple[str, ...]] = {}
    for root in sorted(bad):
        for source in reached(made, [root]):
            found[source] = (*found.get(source, ()), root)
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
