"""Business KPIs: what an initiative promised at scoping, and what was achieved of it since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from operator import attrgetter
from typing import Annotated

from pydantic import BeforeValidator, Field

from core.connectors.csv_files import MOST_BYTES, read_observations
from core.domain.chain import Fact
from core.domain.commands import Command, Day, FileName, Words, slug
from core.domain.errors import BadInput, NotFound
from core.domain.facts import measured as facts
from core.domain.facts.measured import BusinessKpiObservation
from core.domain.facts.process import Initiative
from core.domain.facts.recorded import Signed, entry_of, named
from core.domain.given import InitiativeId, NamedInitiative, Shown, TextOf, option
from core.domain.models.business_kpis import Achieved, Observation, Promise, SetBusinessKpi, standing_of
from core.domain.moment import Moment
from core.lake import directory
from core.lake.facts import history, latest, newest, newest_of
from core.lake.models import current_version
from core.services.case import Case, begin, registered
from core.services.governance import Governance
from core.services.measured.decay import decay_report

KpiId = Annotated[str, Field(description="The KPI's id, as 'business-kpi show' gives it.")]
Note = Annotated[Words, Field(description="A note; the reason where it corrects something.")]
_REASON = 10


def _decoded(content: object) -> object:
    """The text of a file that comes as bytes."""
    if not isinstance(content, bytes):
        return content
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8; save it as CSV UTF-8") from None


class ObserveBusinessKpi(Command, may="observe_business_kpi"):
    """Record what was achieved on a day, or correct or withdraw it."""

    initiative: InitiativeId
    kpi: KpiId
    observed_on: Annotated[Day, Field(description="Day of the observation, like 2026-03-31."), option("--on")]
    value: Annotated[
        float | None,
        Field(allow_inf_nan=False, description="What was achieved; none withdraws the day's value."),
    ] = None
    note: Note = ""


class ImportObservations(Command, may="observe_business_kpi"):
    """Record many observations from CSV, all or none."""

    text: Annotated[
        str,
        BeforeValidator(_decoded),
        Field(title="Many at once: CSV", description="CSV with the columns date, value and perhaps note."),
        TextOf(most_bytes=MOST_BYTES),
        Shown(help="Columns date, value, perhaps note.", endings=("csv",)),
    ]
    initiative: NamedInitiative
    kpi: KpiId
    name: FileName = "observations.csv"
    note: Annotated[Note, Field(title="Reason, where lines correct what is on record")] = ""


@dataclass(frozen=True)
class Promised:
    """The id of a KPI; where a revision of its promise waits for somebody to agree, the proposal's name."""

    kpi: str
    proposal: str = ""


def set_business_kpi(governance: Governance, command: SetBusinessKpi) -> Promised:
    """Put a KPI's promise on record; a revision of it is proposed, and what was promised before stays."""
    case = begin(governance, command)
    known, promise = _promise(case, command)
    if known is None:
        return Promised(case.put("business_kpi_promised", promise).kpi)
    was, now = (f"{one.target:g} {one.unit} by {one.target_on}" for one in (known, promise))
    said = f"{promise.name} of {case.initiative.name}: {was} becomes {now}. {command.reason}"
    reviewers = case.rules.roles.allowed_roles("review_policy")
    return Promised(promise.kpi, case.propose("set_business_kpi", promise.initiative, [said], reviewers))


def revised_promise(case: Case, asked: SetBusinessKpi) -> Fact:
    """The entry that revises a promise once somebody else has agreed."""
    return entry_of("business_kpi_revised", _promise(case, asked)[1])


def _promise(case: Case, command: SetBusinessKpi) -> tuple[facts.BusinessKpi | None, facts.BusinessKpi]:
    """What is promised by now, and what a command promises."""
    initiative, kpi = case.initiative.initiative, slug(command.name)
    _refuse_odd(command)
    known = latest(case.governance.store, facts.BusinessKpi, case.moment, initiative, kpi=kpi)
    if known and len(command.reason) < _REASON:
        raise BadInput(
            f"'{command.name}' is promised already, and a revision says why",
            where="reason",
            remedy="Give the reason; what was promised before stays on record.",
        )
    return known, facts.BusinessKpi(kpi=kpi, **command.model_dump(exclude={"actor", "at"}))


def _refuse_odd(command: SetBusinessKpi) -> None:
    if not slug(command.name):
        raise BadInput("the name has no letters", where="name", remedy="Name the KPI in words.")
    if command.target_on <= command.baseline_on:
        raise BadInput(
            "the target's day is not after the baseline's", where="target", remedy="Give a later day."
        )
    better = (
        command.target > command.baseline if command.direction == "up" else command.target < command.baseline
    )
    if not better:
        way = "above" if command.direction == "up" else "below"
        raise BadInput(
            f"the KPI is to go {command.direction}, and its target is not {way} its baseline",
            where="target",
            remedy="Check baseline, target and direction.",
        )


def observe_business_kpi(governance: Governance, command: ObserveBusinessKpi) -> None:
    """Put an observation, a correction or a withdrawal on record.

    Raises
    ------
    NotFound, BadInput
        No such initiative or KPI; the day is to come; a correction does not say why; there is nothing to
        withdraw.
    """
    case = begin(governance, command)
    known = _counting(case, command.kpi)
    day = command.observed_on
    _refuse_day(day, case.moment)
    if command.value is None and day not in known:
        raise BadInput(f"nothing was observed on {day}", where="value", remedy="Give a value.")
    if day in known and len(command.note) < _REASON:
        raise BadInput(
            f"{day} has a value already, and a correction says why",
            where="note",
            remedy="Give the reason; what was recorded before stays.",
        )
    action = "business_kpi_observed"
    if day in known:
        action = "business_kpi_withdrawn" if command.value is None else "business_kpi_corrected"
    case.put(action, BusinessKpiObservation(**command.model_dump(exclude={"actor", "at"})))


def import_observations(governance: Governance, command: ImportObservations) -> int:
    """Put the observations of a CSV file on record, all or none, and return how many are new or corrected.

    Lines that say what is on record already are left out.

    Raises
    ------
    NotFound, BadInput
        No such initiative or KPI; a line cannot be read or lies in the future; lines correct what is on
        record and nobody says why.
    """
    case = begin(governance, command)
    known = _counting(case, command.kpi)
    given = read_observations(command.text.encode(), command.name)
    for one in given:
        _refuse_day(one.observed_on, case.moment)
    changed = [one for one in given if known.get(one.observed_on) != one.value]
    corrected = [
        one for one in changed if one.observed_on in known and max(len(one.note), len(command.note)) < _REASON
    ]
    if corrected:
        raise BadInput(
            f"{len(corrected)} lines correct what is on record, {corrected[0].observed_on} first",
            where="observations",
            remedy="Say why, in the notes or for the whole import.",
        )
    seen = [
        BusinessKpiObservation(
            initiative=command.initiative,
            kpi=command.kpi,
            observed_on=one.observed_on,
            value=one.value,
            note=one.note or command.note,
        )
        for one in changed
    ]
    if seen:
        case.append([entry_of("business_kpi_imported", *seen)])
    return len(seen)


def _refuse_day(day: date, moment: Moment) -> None:
    if day > moment.day:
        raise BadInput(f"{day} is still to come", where="day", remedy="Record what has been observed.")


def _counting(case: Case, kpi: str) -> dict[date, float]:
    """What counts of a KPI that is promised, by day."""
    initiative = case.initiative.initiative
    known = dict.fromkeys(promise.kpi for promise in case.history(facts.BusinessKpi))
    if kpi not in known:
        has = f"It has: {', '.join(known)}." if known else "Promise it first."
        raise NotFound(f"{initiative} has no business KPI '{kpi[:60]}'", remedy=has)
    return {
        seen.observed_on: seen.value
        for seen in case.newest(BusinessKpiObservation)
        if seen.kpi == kpi and seen.value is not None
    }


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
    """Performance of the model in one chunk: its time, estimate and realised value, and which is worse."""

    at: datetime
    estimate: float | None
    realised: float | None
    worse: bool
    realised_worse: bool


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
        PerformancePoint(
            chunk.started_at, chunk.estimate, chunk.realised, chunk.worse, report.came_worse(chunk)
        )
        for chunk in report.chunks
        if chunk.started_at is not None
    )
    return ModelPerformance(chosen, report.metric.id, points) if points else None
