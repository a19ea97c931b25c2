"""Business KPIs as people read them: promise, observations and standing, of one initiative or of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from operator import attrgetter

from core.domain.errors import NotFound
from core.domain.facts import measured as facts
from core.domain.facts.measured import BusinessKpiObservation
from core.domain.facts.process import Initiative
from core.domain.facts.recorded import Signed, named
from core.domain.models.business_kpis import Achieved, Observation, Promise, standing_of
from core.domain.moment import Moment
from core.lake import directory
from core.lake.facts import history, newest, newest_of
from core.lake.models.versions import current_version
from core.services.governance import Governance
from core.services.lookups import registered
from core.services.measured.monitoring import decay_report


@dataclass(frozen=True)
class ObservedDay:
    """An observation with who recorded it when; `counts` is False for what was corrected since."""

    observed_on: date
    value: float | None
    note: str
    actor_name: str
    recorded_at: datetime
    counts: bool


@dataclass(frozen=True)
class PerformancePoint:
    """Estimated performance of the model in one chunk: its time, estimate and realised value."""

    at: datetime
    estimate: float | None
    realised: float | None
    worse: bool


@dataclass(frozen=True, kw_only=True)
class Revision(Signed, facts.BusinessKpi):
    """A promise as recorded, with who made it."""


@dataclass(frozen=True)
class BusinessKpi:
    """A KPI in full: promise as it stands, its revisions oldest first, observations, and standing."""

    initiative: str
    promise: Promise
    source: str
    revisions: tuple[Revision, ...]
    observations: tuple[ObservedDay, ...]
    achieved: Achieved


@dataclass(frozen=True)
class ModelPerformance:
    """Estimated performance of the current version, to look at beside a KPI."""

    version: str
    metric: str
    points: tuple[PerformancePoint, ...]


@dataclass(frozen=True)
class KpiLine:
    """A KPI in the list of all initiatives."""

    initiative: str
    title: str
    team: str
    promise: Promise
    achieved: Achieved
    course: tuple[float, ...]


def initiative_names(governance: Governance, moment: Moment) -> dict[str, str]:
    """Initiatives by id, with name and team, in the order of their names."""
    known = sorted(newest(governance.store, Initiative, moment), key=attrgetter("name"))
    return {one.initiative: f"{one.name} ({one.team})" for one in known}


def business_kpis(governance: Governance, moment: Moment, *, initiative: str) -> tuple[BusinessKpi, ...]:
    """The KPIs of an initiative with their history, in the order of their first promise."""
    store = governance.store
    registered(governance, initiative, moment)
    names = directory.names(store, moment)
    revisions: dict[str, list[Revision]] = {}
    for fact in history(store, facts.BusinessKpi, moment, initiative):
        revisions.setdefault(fact.kpi, []).append(named(Revision, fact, names))
    seen = history(store, BusinessKpiObservation, moment, initiative)
    last = {one for one in newest_of(seen) if one.value is not None}
    days: dict[str, list[ObservedDay]] = {}
    for one in sorted(seen, key=attrgetter("observed_on")):
        day = ObservedDay(
            one.observed_on, one.value, one.note, names[one.actor], one.recorded_at, counts=one in last
        )
        days.setdefault(one.kpi, []).append(day)
    return tuple(_kpi(promises, days.get(kpi, []), moment) for kpi, promises in revisions.items())


def _kpi(revisions: Sequence[Revision], days: Sequence[ObservedDay], moment: Moment) -> BusinessKpi:
    newest, promise = revisions[-1], promise_of(revisions[-1])
    counting = [Observation(d.observed_on, d.value) for d in days if d.counts and d.value is not None]
    achieved = standing_of(promise, counting, moment.day)
    return BusinessKpi(newest.initiative, promise, newest.source, tuple(revisions), tuple(days), achieved)


def promise_of(fact: facts.BusinessKpi) -> Promise:
    """What is promised, as recorded."""
    return Promise(**{field.name: getattr(fact, field.name) for field in fields(Promise)})


def promised_kpis(governance: Governance, moment: Moment) -> tuple[KpiLine, ...]:
    """The KPIs of all initiatives, by the initiative's name."""
    store = governance.store
    seen: dict[tuple[str, str], list[Observation]] = {}
    for one in sorted(newest(store, BusinessKpiObservation, moment), key=attrgetter("observed_on")):
        if one.value is not None:
            seen.setdefault((one.initiative, one.kpi), []).append(Observation(one.observed_on, one.value))
    promises = newest(store, facts.BusinessKpi, moment)
    names = directory.names(store, moment, (fact.initiative for fact in promises))
    lines = []
    for fact in promises:
        own, promise = seen.get((fact.initiative, fact.kpi), []), promise_of(fact)
        achieved = standing_of(promise, own, moment.day)
        course = tuple(one.value for one in own)
        lines.append(KpiLine(fact.initiative, *names.initiatives[fact.initiative], promise, achieved, course))
    return tuple(sorted(lines, key=lambda line: (line.title, line.promise.name)))


def model_performance(
    governance: Governance, moment: Moment, *, initiative: str, version: str = ""
) -> ModelPerformance | None:
    """Estimated performance of the current version where its chunks have times; None where there is none."""
    registered(governance, initiative, moment)
    current = current_version(governance.store, initiative, moment)
    chosen = version or (current.version if current else "")
    if not chosen:
        return None
    try:
        report = decay_report(governance, moment, initiative=initiative, version=chosen)
    except NotFound:
        return None
    points = tuple(
        PerformancePoint(chunk.started_at, chunk.estimate, chunk.realised, chunk.worse)
        for chunk in report.chunks
        if chunk.started_at is not None
    )
    return ModelPerformance(chosen, report.metric, points) if points else None
