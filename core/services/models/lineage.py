"""Which team uses which data, how, in which models, for which business process; and what bad data reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Annotated

from pydantic import Field

from core.domain.errors import NotFound
from core.domain.facts.models import BusinessProcess, DataMark, DataSource, DataUpstream, DataUse
from core.domain.facts.recorded import Names, Signed, named
from core.domain.given import option
from core.domain.models.lineage import HOW, Edge, Graph, Node, Source, bad_above
from core.domain.moment import Moment
from core.lake import directory
from core.lake.facts import history, newest
from core.lake.models import versions_in_use
from core.lake.store import Store
from core.services.case import registered
from core.services.governance import Governance


@dataclass(frozen=True, kw_only=True)
class SourceLine(DataSource):
    """Data as people read it; `roots` are the bad sources in or above it: a bad one is a root of its own."""

    bad: bool
    bad_reason: str
    marked_at: datetime | None
    marked_by: str | None
    roots: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MarkLine(Signed, DataMark):
    """A mark on data, or that it was cleared, as people read it."""


@dataclass(frozen=True)
class UpstreamLine:
    """What data is made of; `name` is that of the data at the other end."""

    source: str
    upstream: str
    how: str
    columns: tuple[str, ...]
    name: str


@dataclass(frozen=True)
class SourceSheet:
    """A data source: what it is made of, what is made of it, who uses it, and its marks, newest first."""

    source: SourceLine
    upstream: list[UpstreamLine]
    downstream: list[UpstreamLine]
    uses: list[UseLine]
    marks: list[MarkLine]


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
    sources: tuple[SourceLine, ...]
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
    sources = tuple(one for one in whole.sources if f"source:{one.source}" in kept)
    warnings = tuple(one for one in whole.warnings() if f"source:{one.source}" in kept)
    return Lineage(graph, lines, sources, warnings, whole.choices)


def bad_data_of(governance: Governance, moment: Moment, *, initiative: str) -> tuple[BadData, ...]:
    """Bad sources in or above the data that an initiative's current version or challengers use."""
    lines = data_of(governance, moment, initiative=initiative)
    roots = {root for line in lines if line.counts for root in line.roots}
    whole = _Whole(governance, moment, past=False) if roots else None
    return tuple(one for one in whole.warnings() if one.source in roots) if whole else ()


def data_of(governance: Governance, moment: Moment, *, initiative: str) -> tuple[UseLine, ...]:
    """Every recorded use of data by one initiative, of all its versions."""
    registered(governance, initiative, moment)
    used = uses(governance.store, moment, initiative)
    if not used:
        return ()
    serving = newest(governance.store, BusinessProcess, moment, initiative)
    return _lines(governance, moment, used, serving, _sources(governance.store, moment), initiative)


def source_sheet(governance: Governance, moment: Moment, *, source: Source) -> SourceSheet:
    """Show a data source: what it is made of, what is made of it, who uses it."""
    found, store = lineage(governance, moment, source=source, past=True), governance.store
    names, people = {one.source: one.name for one in found.sources}, directory.names(store, moment)
    above = [one for one in upstreams(store, moment) if source in (one.source, one.upstream)]
    marks = [mark for mark in history(store, DataMark, moment) if mark.source == source]
    return SourceSheet(
        next(one for one in found.sources if one.source == source),
        [_upstream(one, names[one.upstream]) for one in above if one.source == source],
        [_upstream(one, names[one.source]) for one in above if one.upstream == source],
        [line for line in found.lines if line.source == source],
        [named(MarkLine, mark, people) for mark in reversed(marks)],
    )


def upstreams(store: Store, moment: Moment) -> list[DataUpstream]:
    """Which source is made from which, as it holds."""
    held = [one for one in newest(store, DataUpstream, moment) if one.holds]
    return sorted(held, key=lambda one: (one.source, one.upstream))


def uses(store: Store, moment: Moment, initiative: str = "") -> list[DataUse]:
    """Uses of data that hold, of one initiative or of all."""
    return [use for use in newest(store, DataUse, moment, initiative) if use.holds]


def spoiled(store: Store, moment: Moment) -> dict[str, tuple[str, ...]]:
    """Source -> the bad sources in or above it; without those that have none."""
    bad = [mark.source for mark in newest(store, DataMark, moment) if mark.bad]
    return bad_above([(one.upstream, one.source) for one in upstreams(store, moment)], bad) if bad else {}


def _upstream(one: DataUpstream, name: str) -> UpstreamLine:
    return UpstreamLine(one.source, one.upstream, one.how, one.columns, name)


def _sources(store: Store, moment: Moment) -> tuple[SourceLine, ...]:
    """All data sources by name."""
    marks = {mark.source: mark for mark in newest(store, DataMark, moment)}
    roots, names = spoiled(store, moment), directory.names(store, moment)
    lines = [
        _source(source, marks.get(source.source), roots.get(source.source, ()), names)
        for source in newest(store, DataSource, moment)
    ]
    return tuple(sorted(lines, key=lambda line: (line.name, line.source)))


def _source(source: DataSource, mark: DataMark | None, roots: tuple[str, ...], names: Names) -> SourceLine:
    return named(
        SourceLine,
        source,
        names,
        bad=bool(mark and mark.bad),
        bad_reason=mark.reason if mark and mark.bad else "",
        marked_at=mark.recorded_at if mark else None,
        marked_by=names[mark.actor] if mark else None,
        roots=roots,
    )


def _lines(
    governance: Governance,
    moment: Moment,
    used: Sequence[DataUse],
    serving: Sequence[BusinessProcess],
    sources: Sequence[SourceLine],
    initiative: str = "",
) -> tuple[UseLine, ...]:
    """Uses as people read them, by model."""
    store = governance.store
    models = directory.names(store, moment, (use.initiative for use in used)).initiatives
    live = versions_in_use(store, moment, governance.live_gates(moment), initiative)
    processes = {one.initiative: one.processes for one in serving}
    known = {one.source: one for one in sources}
    names = {one.source: one.name for one in sources}
    lines = [
        UseLine(
            use.source,
            known[use.source].name,
            known[use.source].team,
            known[use.source].personal_data,
            models[use.initiative][1],
            use.initiative,
            models[use.initiative][0],
            use.version,
            use.how,
            use.columns,
            processes.get(use.initiative, ()),
            not use.version or (use.initiative, use.version) in live,
            known[use.source].roots,
            tuple(names.get(root, root) for root in known[use.source].roots),
        )
        for use in used
    ]
    order = attrgetter("model", "initiative", "source_name", "how", "version")
    return tuple(sorted(lines, key=order))


class _Whole:
    """The whole lineage at a moment, read once."""

    def __init__(self, governance: Governance, moment: Moment, *, past: bool) -> None:
        store = governance.store
        self.sources = _sources(store, moment)
        self._names = {one.source: one.name for one in self.sources}
        known = set(self._names)
        self._upstreams = [one for one in upstreams(store, moment) if {one.source, one.upstream} <= known]
        serving = [one for one in newest(store, BusinessProcess, moment) if one.processes]
        self._processes = {one.initiative: one.processes for one in serving}
        self._serving = directory.names(store, moment, self._processes).initiatives
        lines = _lines(governance, moment, uses(store, moment), serving, self.sources)
        self.lines = tuple(line for line in lines if past or line.counts)
        self.graph = self._graph()
        self.choices = self._choices()

    def _graph(self) -> Graph:
        nodes = [
            Node(
                f"source:{one.source}",
                "source",
                one.name,
                one.team,
                "personal data" if one.personal_data else "",
                one.bad_reason,
                tuple(self._names[root] for root in one.roots if root != one.source),
            )
            for one in self.sources
        ]
        edges = [
            Edge(f"source:{one.upstream}", f"source:{one.source}", one.how or "is made from it")
            for one in self._upstreams
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
        found |= self._serving
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
        found = [
            self._warning(one, one.marked_at, one.marked_by or "")
            for one in self.sources
            if one.bad and one.marked_at
        ]
        return tuple(sorted(found, key=lambda one: one.marked_at, reverse=True))

    def _warning(self, bad: SourceLine, at: datetime, by: str) -> BadData:
        reached = [line for line in self.lines if line.counts and bad.source in line.roots]
        return BadData(
            bad.source,
            bad.name,
            bad.bad_reason,
            at,
            by,
            tuple(s.name for s in self.sources if bad.source in s.roots and s is not bad),
            tuple({line.initiative: (line.initiative, line.model) for line in reached}.values()),
            tuple(dict.fromkeys(process for line in reached for process in line.processes)),
        )


def _title(node: Node) -> str:
    return node.title.casefold()
