"""Which team uses which data, how, in which models, for which business process; and what bad data reaches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from core.domain.errors import NotFound
from core.domain.given import option
from core.domain.models.lineage import HOW, Edge, Graph, Node, Source
from core.domain.moment import Moment
from core.lake.models import lineage as lake
from core.lake.process import initiatives as lake_initiatives
from core.services.governance import Governance
from core.services.lookups import require_initiative

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class UseLine:
    """One use of data by a model, as a line of the table.

    `counts` is false for versions that are superseded or retired. `roots` are the bad sources in or above the
    data, `bad` their names.
    """

    source: str
    source_name: str
    owner: str
    personal_data: bool
    team: str
    initiative: str
    model: str
    version: str
    how: str
    columns: tuple[str, ...]
    processes: tuple[str, ...]
    counts: bool
    roots: tuple[str, ...]
    bad: tuple[str, ...]


@dataclass(frozen=True)
class BadData:
    """A source that is marked as bad, and all that is downstream of it."""

    source: str
    name: str
    reason: str
    marked_at: datetime
    marked_by: str
    sources: tuple[str, ...]
    initiatives: tuple[tuple[str, str], ...]
    processes: tuple[str, ...]


@dataclass(frozen=True)
class Choices:
    """What the lineage can be filtered by: id -> words on screen."""

    teams: dict[str, str]
    sources: dict[str, str]
    models: dict[str, str]
    processes: dict[str, str]


@dataclass(frozen=True)
class Lineage:
    """The lineage that the filters let through, as a graph and as lines; the warnings are those of it."""

    graph: Graph
    lines: tuple[UseLine, ...]
    sources: Rows
    warnings: tuple[BadData, ...]
    choices: Choices


def lineage(
    governance: Governance,
    moment: Moment,
    *,
    team: Annotated[str, Field(description="What a team owns, and its lineage.")] = "",
    source: Annotated[str, Field(description="A data source, and its lineage."), option("--data")] = "",
    model: Annotated[str, Field(description="An initiative, and its lineage.")] = "",
    process: Annotated[str, Field(description="A business process, and its lineage.")] = "",
    past: Annotated[bool, Field(description="Uses of superseded and retired versions too.")] = False,
) -> Lineage:
    """Show which team uses which data, how, in which models, for which business process.

    Parameters
    ----------
    team, source, model, process
        A filter keeps what it names with everything up- and downstream of it; several filters keep what all
        of them keep. `team` names what the team owns: data and models.

    Raises
    ------
    NotFound
        A filter names nothing that is recorded.
    """
    whole = _Whole(governance, moment, past=past)
    graph = whole.graph
    for wanted, kind, known in (
        (source, "source", whole.choices.sources),
        (model, "model", whole.choices.models),
        (process, "process", whole.choices.processes),
        (team, "team", whole.choices.teams),
    ):
        if wanted:
            if wanted not in known:
                raise NotFound(
                    f"the lineage holds no {kind} '{wanted[:60]}'", remedy="Choose one of the list."
                )
            graph = graph.only(
                {node.id for node in whole.graph.around(whole.seeds(kind, wanted)).nodes}
                & {node.id for node in graph.nodes}
            )
    kept = {node.id for node in graph.nodes}
    lines = tuple(
        line for line in whole.lines if {f"source:{line.source}", f"model:{line.initiative}"} <= kept
    )
    rows = [row for row in whole.sources if f"source:{row['source']}" in kept]
    warnings = tuple(one for one in whole.warnings() if f"source:{one.source}" in kept)
    return Lineage(graph, lines, rows, warnings, whole.choices)


def bad_data_of(governance: Governance, moment: Moment, *, initiative: str) -> tuple[BadData, ...]:
    """Bad sources in or above the data that an initiative's current version or challengers use.

    Raises
    ------
    NotFound
        No such initiative.
    """
    require_initiative(governance, initiative, moment)
    rows = lake.uses(governance.store, moment, initiative)
    if not any(row["roots"] for row in rows):
        return ()
    states = lake_initiatives.versions(governance.store, initiative, moment)
    counting = {row["version"] for row in states if row["state"] in ("champion", "challenger")} | {""}
    roots = {root for row in rows if row["version"] in counting for root in row["roots"]}
    whole = _Whole(governance, moment, past=False) if roots else None
    return tuple(one for one in whole.warnings() if one.source in roots) if whole else ()


def data_of(governance: Governance, moment: Moment, *, initiative: str) -> tuple[UseLine, ...]:
    """Every recorded use of data by one initiative, of all its versions.

    Raises
    ------
    NotFound
        No such initiative.
    """
    require_initiative(governance, initiative, moment)
    rows = lake.uses(governance.store, moment, initiative)
    states = lake_initiatives.versions(governance.store, initiative, moment)
    live = {row["version"] for row in states if row["state"] in ("champion", "challenger")} | {""}
    names = {row["source"]: row["name"] for row in lake.sources(governance.store, moment)} if rows else {}
    return tuple(_line(row, row["version"] in live, names) for row in rows)


def source_sheet(governance: Governance, moment: Moment, *, source: Source) -> dict[str, Any]:
    """Show a data source: what it is made of, what is made of it, who uses it.

    Raises
    ------
    NotFound
        No such source.
    """
    found = lineage(governance, moment, source=source, past=True)
    row = next(row for row in found.sources if row["source"] == source)
    names = {row["source"]: row["name"] for row in found.sources}
    edges = lake.upstreams(governance.store, moment)
    return {
        "source": row,
        "upstream": [{**edge, "name": names[edge["upstream"]]} for edge in edges if edge["source"] == source],
        "downstream": [
            {**edge, "name": names[edge["source"]]} for edge in edges if edge["upstream"] == source
        ],
        "uses": [line for line in found.lines if line.source == source],
        "marks": lake.mark_history(governance.store, source, moment),
    }


class _Whole:
    """The whole lineage at a moment, read once."""

    def __init__(self, governance: Governance, moment: Moment, *, past: bool) -> None:
        store = governance.store
        self.sources = lake.sources(store, moment)
        self._names = {row["source"]: row["name"] for row in self.sources}
        self._upstreams = [
            row
            for row in lake.upstreams(store, moment)
            if {row["source"], row["upstream"]} <= set(self._names)
        ]
        self._serving = lake.processes(store, moment)
        self._processes = {row["initiative"]: row["processes"] for row in self._serving}
        states = lake.version_states(store, moment)
        lines = [_line(row, _counts(row, states), self._names) for row in lake.uses(store, moment)]
        self.lines = tuple(line for line in lines if past or line.counts)
        self.graph = self._graph()
        self.choices = self._choices()

    def _graph(self) -> Graph:
        nodes = [
            Node(
                f"source:{row['source']}",
                "source",
                row["name"],
                row["team"],
                "personal data" if row["personal_data"] else "",
                row["bad_reason"],
                tuple(self._names[root] for root in row["roots"] if root != row["source"]),
            )
            for row in self.sources
        ]
        edges = [
            Edge(f"source:{row['upstream']}", f"source:{row['source']}", row["how"] or "is made from it")
            for row in self._upstreams
        ]
        of_model: dict[str, list[UseLine]] = {}
        for line in self.lines:
            of_model.setdefault(line.initiative, []).append(line)
        spoiled: dict[str, tuple[str, ...]] = {}
        for initiative, (title, team) in self._models().items():
            lines = of_model.get(initiative, [])
            roots = tuple(dict.fromkeys(name for line in lines if line.counts for name in line.bad))
            nodes.append(Node(f"model:{initiative}", "model", title, team, affected=roots))
            ways: dict[str, dict[str, None]] = {}
            for line in lines:
                ways.setdefault(line.source, {})[HOW.get(line.how, line.how)] = None
            edges += [Edge(f"source:{s}", f"model:{initiative}", ", ".join(how)) for s, how in ways.items()]
            for process in self._processes.get(initiative, ()):
                edges.append(Edge(f"model:{initiative}", f"process:{process}", "serves it"))
                spoiled[process] = tuple(dict.fromkeys((*spoiled.get(process, ()), *roots)))
        nodes += [
            Node(f"process:{process}", "process", process, "", affected=roots)
            for process, roots in spoiled.items()
        ]
        return Graph(tuple(nodes), tuple(edges))

    def _models(self) -> dict[str, tuple[str, str]]:
        """Models that use data or serve a process: id -> name and team, by name."""
        found = {line.initiative: (line.model, line.team) for line in self.lines}
        found |= {row["initiative"]: (row["model"], row["team"]) for row in self._serving}
        return dict(sorted(found.items(), key=lambda one: (one[1][0].casefold(), one[0])))

    def _choices(self) -> Choices:
        teams = sorted({node.team for node in self.graph.nodes if node.team})
        return Choices(
            {team: team for team in teams},
            dict(self._names),
            {initiative: title for initiative, (title, _) in self._models().items()},
            {n.title: n.title for n in sorted(self.graph.nodes, key=_title) if n.kind == "process"},
        )

    def seeds(self, kind: str, wanted: str) -> list[str]:
        """The nodes that a filter names."""
        if kind == "team":
            return [node.id for node in self.graph.nodes if node.team == wanted]
        return [f"{kind}:{wanted}"]

    def warnings(self) -> tuple[BadData, ...]:
        """Bad sources, newest warning first, each with what is downstream of it."""
        found = [self._warning(row) for row in self.sources if row["bad"]]
        return tuple(sorted(found, key=lambda one: one.marked_at, reverse=True))

    def _warning(self, row: dict[str, Any]) -> BadData:
        source, name = row["source"], row["name"]
        reached = [line for line in self.lines if line.counts and source in line.roots]
        return BadData(
            source,
            name,
            row["bad_reason"],
            row["marked_at"],
            row["marked_by"],
            tuple(r["name"] for r in self.sources if source in r["roots"] and r["source"] != source),
            tuple({line.initiative: (line.initiative, line.model) for line in reached}.values()),
            tuple(dict.fromkeys(process for line in reached for process in line.processes)),
        )


def _title(node: Node) -> str:
    return node.title.casefold()


def _counts(row: dict[str, Any], states: dict[tuple[str, str], str]) -> bool:
    version = row["version"]
    if version in ("", row["current_version"]):
        return True
    return states.get((row["initiative"], version)) == "challenger"


def _line(row: dict[str, Any], counts: bool, names: dict[str, str]) -> UseLine:
    return UseLine(
        row["source"],
        row["source_name"],
        row["owner"],
        row["personal_data"],
        row["team"],
        row["initiative"],
        row["model"],
        row["version"],
        row["how"],
        tuple(row["columns"] or ()),
        tuple(row["processes"]),
        counts,
        tuple(row["roots"]),
        tuple(names.get(root, root) for root in row["roots"]),
    )
