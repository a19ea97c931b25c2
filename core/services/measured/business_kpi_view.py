"""Business KPIs as people read them: promise, observations and standing, of one initiative or of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core.domain.errors import NotFound
from core.domain.models.business_kpis import Achieved, Observation, Promise, standing_of
from core.domain.moment import Moment
from core.lake.models.versions import current_version
from core.lake.monitoring import business_kpi as lake
from core.services.governance import Governance
from core.services.lookups import require_initiative
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


@dataclass(frozen=True)
class BusinessKpi:
    """A KPI in full: promise as it stands, its revisions oldest first, observations, and standing."""

    initiative: str
    promise: Promise
    source: str
    revisions: tuple[Mapping[str, Any], ...]
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
    rows = lake.initiative_names(governance.store, moment)
    return {row["initiative"]: f"{row['name']} ({row['team']})" for row in rows}


def business_kpis(governance: Governance, moment: Moment, *, initiative: str) -> tuple[BusinessKpi, ...]:
    """The KPIs of an initiative with their history, in the order of their first promise.

    Raises
    ------
    NotFound
        No such initiative.
    """
    require_initiative(governance, initiative, moment)
    rows = lake.promises(governance.store, initiative, moment)
    seen = lake.observations(governance.store, initiative, moment)
    kpis = dict.fromkeys(row["kpi"] for row in rows)
    return tuple(
        _kpi(
            initiative,
            [row for row in rows if row["kpi"] == kpi],
            [row for row in seen if row["kpi"] == kpi],
            moment,
        )
        for kpi in kpis
    )


def _kpi(
    initiative: str, rows: Sequence[Mapping[str, Any]], seen: Sequence[Mapping[str, Any]], moment: Moment
) -> BusinessKpi:
    promise = promise_of(rows[-1])
    days = tuple(
        ObservedDay(
            date.fromisoformat(row["observed_on"]),
            row["value"],
            row["note"],
            row["actor_name"],
            row["recorded_at"],
            bool(row["counts"]),
        )
        for row in seen
    )
    counting = [Observation(d.observed_on, d.value) for d in days if d.counts and d.value is not None]
    achieved = standing_of(promise, counting, moment.day)
    return BusinessKpi(initiative, promise, rows[-1]["source"], tuple(rows), days, achieved)


def promise_of(row: Mapping[str, Any]) -> Promise:
    """A promise as recorded."""
    return Promise(
        row["kpi"],
        row["name"],
        row["unit"],
        row["direction"],
        row["baseline"],
        date.fromisoformat(row["baseline_on"]),
        row["target"],
        date.fromisoformat(row["target_on"]),
    )


def promised_kpis(governance: Governance, moment: Moment) -> tuple[KpiLine, ...]:
    """The KPIs of all initiatives, by the initiative's name."""
    store = governance.store
    seen: dict[tuple[str, str], list[Observation]] = {}
    for row in lake.counting_observations(store, moment):
        one = Observation(date.fromisoformat(row["observed_on"]), row["value"])
        seen.setdefault((row["initiative"], row["kpi"]), []).append(one)
    lines = []
    for row in lake.promised_initiatives(store, moment):
        own = seen.get((row["initiative"], row["kpi"]), [])
        promise = promise_of(row)
        achieved = standing_of(promise, own, moment.day)
        course = tuple(one.value for one in own)
        lines.append(KpiLine(row["initiative"], row["title"], row["team"], promise, achieved, course))
    return tuple(lines)


def model_performance(
    governance: Governance, moment: Moment, *, initiative: str, version: str = ""
) -> ModelPerformance | None:
    """Estimated performance of the current version where its chunks have times; None where there is none.

    Raises
    ------
    NotFound
        No such initiative.
    """
    require_initiative(governance, initiative, moment)
    newest = current_version(governance.store, initiative, moment)
    chosen = version or (newest.version if newest else "")
    if not chosen:
        return None
    try:
        report = decay_report(governance, moment, initiative=initiative, version=chosen)
    except NotFound:
        return None
    points = tuple(
        PerformancePoint(row["started_at"], row["estimate"], row["realised"], bool(row["worse"]))
        for row in report.chunks
        if row["started_at"] is not None
    )
    return ModelPerformance(chosen, report.metric, points) if points else None
