"""Recording data sources, what they are made of, who uses them, and warnings about bad data."""

from __future__ import annotations

from typing import Any

from core.domain.chain import Fact
from core.domain.commands import Command, slug
from core.domain.errors import BadInput, Conflict, NotFound
from core.domain.models.lineage import (
    ClearData,
    EndDataUse,
    EndUpstream,
    MarkDataBad,
    RecordDataSource,
    RecordDataUse,
    RecordProcesses,
    RecordUpstream,
    circle,
)
from core.domain.moment import Moment
from core.lake.models import lineage as lake
from core.services.governance import Governance
from core.services.lookups import require_initiative
from core.services.models.versions import require_version


def record_data_source(governance: Governance, command: RecordDataSource) -> str:
    """Record a data source, or what has changed about it, and return its id.

    Raises
    ------
    Forbidden, BadInput
        The actor may not; the name holds no letter or digit; nothing would change.
    """
    governance.roles.require(command.actor, command.may)
    source = command.source or slug(command.name)
    if not source:
        raise BadInput(
            f"'{command.name}' holds no letter or digit",
            where="name",
            remedy="Give a name that can be typed.",
        )
    known = lake.source(governance.store, source, governance.present(command.at))
    team = command.team or command.actor.team
    if not team:
        raise BadInput("team is missing", where="record data source", remedy="Nothing was stored; mend it.")
    row = {**command.model_dump(exclude={"actor", "at"}), "source": source, "team": team}
    if known is not None and all(known[field] == value for field, value in row.items()):
        raise BadInput("nothing would change", where=source, remedy="Give a field another value.")
    action = "data_source_changed" if known else "data_source_recorded"
    _append(governance, command, Fact(action, _subject(source), "data_source", (row,)))
    return source


def record_upstream(governance: Governance, command: RecordUpstream) -> None:
    """Record that a source is made from another one.

    Raises
    ------
    Forbidden, NotFound
        The actor may not; one of the sources is not recorded.
    BadInput
        It would be made from itself, directly or by way of others.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    for source in (command.source, command.upstream):
        require_source(governance, source, moment)
    above: dict[str, list[str]] = {}
    for row in lake.upstreams(governance.store, moment):
        above.setdefault(row["source"], []).append(row["upstream"])
    way = circle(above, command.source, command.upstream)
    if way:
        raise BadInput(
            f"{command.source} would be made from itself, by way of {' ← '.join((command.source, *way))}",
            where="upstream",
            remedy="Record what it is really made from, or end the step that is wrong first.",
        )
    row = {**command.model_dump(exclude={"actor", "at"}), "holds": True}
    fact = Fact("data_upstream_recorded", _subject(command.source), "data_upstream", (row,))
    _append(governance, command, fact)


def end_upstream(governance: Governance, command: EndUpstream) -> None:
    """Record that a source is no longer made from another one; the history stays.

    Raises
    ------
    Forbidden, NotFound
        The actor may not; it is not made from that one.
    """
    governance.roles.require(command.actor, command.may)
    known = lake.upstreams(governance.store, governance.present(command.at))
    found = [r for r in known if (r["source"], r["upstream"]) == (command.source, command.upstream)]
    if not found:
        raise NotFound(
            f"'{command.source[:60]}' is not made from '{command.upstream[:60]}'",
            remedy="The lineage lists what it is made from (governance lineage).",
        )
    row = {**found[0], "holds": False}
    fact = Fact("data_upstream_ended", _subject(command.source), "data_upstream", (row,))
    _append(governance, command, fact)


def record_data_use(governance: Governance, command: RecordDataUse) -> None:
    """Record that a model uses data, how, and which columns.

    Raises
    ------
    Forbidden, NotFound
        The actor may not; no such source, initiative or version.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    require_source(governance, command.source, moment)
    require_initiative(governance, command.initiative, moment)
    if command.version:
        require_version(governance, command.initiative, command.version, moment)
    row = {**command.model_dump(exclude={"actor", "at"}), "holds": True}
    _append(governance, command, Fact("data_use_recorded", command.initiative, "data_use", (row,)))


def end_data_use(governance: Governance, command: EndDataUse) -> None:
    """Record that a model no longer uses data in this way; the history stays.

    Raises
    ------
    Forbidden, NotFound
        The actor may not; there is no such use.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    wanted = (command.source, command.version, command.how)
    known = lake.uses(governance.store, moment, command.initiative)
    found = [row for row in known if (row["source"], row["version"], row["how"]) == wanted]
    if not found or not command.initiative:
        of = f"version '{command.version[:20]}' of " if command.version else ""
        raise NotFound(
            f"no {command.how} with '{command.source[:60]}' is recorded for {of}'{command.initiative[:60]}'",
            remedy="The lineage lists the uses (governance lineage).",
        )
    columns = governance.store.columns["data_use"]
    row = {**{column: found[0].get(column) for column in columns}, "holds": False}
    _append(governance, command, Fact("data_use_ended", command.initiative, "data_use", (row,)))


def mark_data_bad(governance: Governance, command: MarkDataBad) -> tuple[str, ...]:
    """Warn everybody downstream that data is bad; return the initiatives that use it or what is made of it.

    Raises
    ------
    Forbidden, NotFound
        The actor may not; no such source.
    Conflict
        It is marked as bad already.
    """
    governance.roles.require(command.actor, command.may)
    known = require_source(governance, command.source, governance.present(command.at))
    if known["bad"]:
        raise Conflict(
            f"'{command.source}' is marked as bad already",
            where=f"since {known['marked_at']:%Y-%m-%d}, by {known['marked_by']}",
            remedy="Clear it first if there is another reason now.",
        )
    _mark(governance, command, bad=True)
    after = governance.present(command.at)
    rows = lake.spoiled_models(governance.store, after)
    return tuple(row["initiative"] for row in rows if command.source in row["roots"])


def clear_data(governance: Governance, command: ClearData) -> None:
    """Take the warning back.

    Raises
    ------
    Forbidden, NotFound
        The actor may not; no such source.
    Conflict
        It is not marked as bad.
    """
    governance.roles.require(command.actor, command.may)
    known = require_source(governance, command.source, governance.present(command.at))
    if not known["bad"]:
        raise Conflict(f"'{command.source}' is not marked as bad", remedy="Nothing is to be done.")
    _mark(governance, command, bad=False)


def record_processes(governance: Governance, command: RecordProcesses) -> None:
    """Record which business processes an initiative serves; the list replaces the one before.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative; nothing would change.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    require_initiative(governance, command.initiative, moment)
    wanted = list(dict.fromkeys(command.processes))
    known = {row["initiative"]: row["processes"] for row in lake.processes(governance.store, moment)}
    if known.get(command.initiative, []) == wanted:
        raise BadInput("nothing would change", where=command.initiative, remedy="Name another process.")
    row = {"initiative": command.initiative, "processes": wanted}
    fact = Fact("business_processes_recorded", command.initiative, "business_process", (row,))
    _append(governance, command, fact)


def require_source(governance: Governance, source: str, moment: Moment) -> dict[str, Any]:
    """A data source as recorded last.

    Raises
    ------
    NotFound
        There was no such source at the moment.
    """
    known = lake.source(governance.store, source, moment)
    if known is None:
        raise NotFound(
            f"no data source '{source[:60]}' is recorded",
            where=f"as of {moment.day}",
            remedy="The lineage lists them (governance data list).",
        )
    return known


def _mark(governance: Governance, command: MarkDataBad | ClearData, *, bad: bool) -> None:
    row = {"source": command.source, "bad": bad, "reason": command.reason}
    action = "data_marked_bad" if bad else "data_cleared"
    _append(governance, command, Fact(action, _subject(command.source), "data_mark", (row,)))


def _append(governance: Governance, command: Command, fact: Fact) -> None:
    columns = governance.store.columns[fact.table]
    rows = tuple({column: row.get(column) for column in columns} for row in fact.rows)
    kept = Fact(fact.action, fact.subject, fact.table, rows, fact.first)
    governance.store.append([kept], actor=command.actor.id, at=command.at)


def _subject(source: str) -> str:
    """Apart from initiatives, which stand in the record by their id alone."""
    return f"data:{source}"
