"""Recording data sources, what they are made of, who uses them, and warnings about bad data."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from core.domain.commands import slug
from core.domain.errors import BadInput, NotFound
from core.domain.facts.models import BusinessProcess, DataMark, DataSource, DataUpstream, DataUse
from core.domain.facts.recorded import says_the_same
from core.domain.life_cycles import DATA_MARK
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
from core.lake.facts import latest
from core.services.case import Case, begin, registered
from core.services.governance import Governance
from core.services.models.lineage import spoiled, upstreams, uses
from core.services.models.versions import require_version


def record_data_source(governance: Governance, command: RecordDataSource) -> str:
    """Record a data source, or what has changed about it, and return its id."""
    case = begin(governance, command)
    source = command.source or slug(command.name)
    if not source:
        raise BadInput(
            f"'{command.name}' holds no letter or digit",
            where="name",
            remedy="Give a name that can be typed.",
        )
    known = latest(governance.store, DataSource, case.moment, source=source)
    team = command.team or command.actor.team
    if not team:
        raise BadInput("team is missing", where="record data source", remedy="Nothing was stored; mend it.")
    said = DataSource(**{**command.model_dump(exclude={"actor", "at"}), "source": source, "team": team})
    if known and says_the_same(known, said):
        raise BadInput("nothing would change", where=source, remedy="Give a field another value.")
    case.put("data_source_changed" if known else "data_source_recorded", said)
    return source


def record_upstream(governance: Governance, command: RecordUpstream) -> None:
    """Record that a source is made from another one.

    Raises
    ------
    NotFound
        One of the sources is not recorded.
    BadInput
        It would be made from itself, directly or by way of others.
    """
    case = begin(governance, command)
    for source in (command.source, command.upstream):
        require_source(governance, source, case.moment)
    above: dict[str, list[str]] = {}
    for one in upstreams(governance.store, case.moment):
        above.setdefault(one.source, []).append(one.upstream)
    way = circle(above, command.source, command.upstream)
    if way:
        raise BadInput(
            f"{command.source} would be made from itself, by way of {' ← '.join((command.source, *way))}",
            where="upstream",
            remedy="Record what it is really made from, or end the step that is wrong first.",
        )
    said = DataUpstream(**command.model_dump(exclude={"actor", "at"}), holds=True)
    case.put("data_upstream_recorded", said)


def end_upstream(governance: Governance, command: EndUpstream) -> None:
    """Record that a source is no longer made from another one; the history stays."""
    case = begin(governance, command)
    for known in upstreams(governance.store, case.moment):
        if (known.source, known.upstream) == (command.source, command.upstream):
            case.put("data_upstream_ended", replace(known, holds=False))
            return
    raise NotFound(
        f"'{command.source[:60]}' is not made from '{command.upstream[:60]}'",
        remedy="The lineage lists what it is made from (governance lineage).",
    )


def record_data_use(governance: Governance, command: RecordDataUse) -> None:
    """Record that a model uses data, how, and which columns."""
    case = begin(governance, command)
    require_source(governance, command.source, case.moment)
    registered(governance, command.initiative, case.moment)
    if command.version:
        require_version(governance, command.initiative, command.version, case.moment)
    case.put("data_use_recorded", DataUse(**command.model_dump(exclude={"actor", "at"}), holds=True))


def end_data_use(governance: Governance, command: EndDataUse) -> None:
    """Record that a model no longer uses data in this way; the history stays."""
    case = begin(governance, command)
    wanted = (command.source, command.version, command.how)
    known = uses(governance.store, case.moment, command.initiative) if command.initiative else []
    found = next((use for use in known if (use.source, use.version, use.how) == wanted), None)
    if found is None:
        of = f"version '{command.version[:20]}' of " if command.version else ""
        raise NotFound(
            f"no {command.how} with '{command.source[:60]}' is recorded for {of}'{command.initiative[:60]}'",
            remedy="The lineage lists the uses (governance lineage).",
        )
    case.put("data_use_ended", replace(found, holds=False))


def mark_data_bad(governance: Governance, command: MarkDataBad) -> tuple[str, ...]:
    """Warn everybody downstream that data is bad; return initiatives that use it or what is made of it."""
    case = begin(governance, command)
    _mark(case, command, "bad")
    store, after = governance.store, governance.present(command.at)
    reached = {source for source, roots in spoiled(store, after).items() if command.source in roots}
    return tuple(sorted({use.initiative for use in uses(store, after) if use.source in reached}))


def clear_data(governance: Governance, command: ClearData) -> None:
    """Take the warning back."""
    case = begin(governance, command)
    _mark(case, command, "sound")


def record_processes(governance: Governance, command: RecordProcesses) -> None:
    """Record which business processes an initiative serves; the list replaces the one before."""
    case = begin(governance, command)
    wanted = tuple(dict.fromkeys(command.processes))
    known = latest(governance.store, BusinessProcess, case.moment, case.initiative.initiative)
    if (known.processes if known else ()) == wanted:
        raise BadInput("nothing would change", where=command.initiative, remedy="Name another process.")
    served = BusinessProcess(initiative=command.initiative, processes=wanted)
    case.put("business_processes_recorded", served)


def require_source(governance: Governance, source: str, moment: Moment) -> DataSource:
    """A data source as recorded last."""
    known = latest(governance.store, DataSource, moment, source=source)
    if known is None:
        raise NotFound(
            f"no data source '{source[:60]}' is recorded",
            where=f"as of {moment.day}",
            remedy="The lineage lists them (governance data list).",
        )
    return known


def _mark(case: Case, command: MarkDataBad | ClearData, state: Literal["bad", "sound"]) -> None:
    source = require_source(case.governance, command.source, case.moment).source
    known = latest(case.governance.store, DataMark, case.moment, source=source)
    mark, step = known or DataMark(source=source, bad=False, reason=""), DATA_MARK.to(state)
    case.permit(step, mark, state="bad" if mark.bad else "sound")
    case.put(step.action, replace(mark, bad=state == "bad", reason=command.reason))
