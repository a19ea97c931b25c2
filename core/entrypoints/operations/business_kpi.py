"""Operations on business KPIs: promise, observe, import, show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from core.domain.commands import make
from core.domain.errors import BadInput
from core.entrypoints.operations import parameters as given
from core.entrypoints.operations import results
from core.entrypoints.operations.operation import Call, Operation
from core.entrypoints.operations.parameters import AsOf
from core.services.measured.business_kpi import (
    ImportObservations,
    ObserveBusinessKpi,
    SetBusinessKpi,
    import_observations,
    observe_business_kpi,
    set_business_kpi,
)
from core.services.measured.business_kpi_view import (
    BusinessKpi,
    business_kpis,
    model_performance,
    promised_kpis,
)
from core.services.plain import plain


class KpiToPromise(given.Parameters):
    """A business KPI with baseline and target; the same name again revises it, with the reason."""

    initiative: str
    name: str
    unit: str = ""
    direction: Literal["up", "down"]
    baseline: float
    baseline_on: str
    target: float
    target_on: str
    source: str = ""
    reason: str = ""


class KpiObserved(given.Parameters):
    """What a KPI achieved on a day; without a value what was recorded for the day is withdrawn."""

    initiative: str
    kpi: str
    observed_on: str
    value: float | None = None
    note: str = ""


class KpiFile(given.Parameters):
    """Observations in CSV, as text, and the file's name for messages."""

    initiative: str
    kpi: str
    text: str
    name: str = "observations.csv"
    note: str = ""


class KpisToRead(given.Parameters):
    """The KPIs of an initiative, or of all where none is named."""

    initiative: str = ""
    as_of: AsOf = ""


def _promise(call: Call, asked: KpiToPromise) -> Any:
    days = {name: _day(getattr(asked, name), name) for name in ("baseline_on", "target_on")}
    command = make(SetBusinessKpi, **call.origin, **{**asked.model_dump(), **days})
    return {"initiative": asked.initiative, "kpi": set_business_kpi(call.governance, command)}


def _observe(call: Call, asked: KpiObserved) -> Any:
    day = _day(asked.observed_on, "day")
    observe_business_kpi(
        call.governance,
        make(ObserveBusinessKpi, **call.origin, **{**asked.model_dump(), "observed_on": day}),
    )
    return asked.model_dump()


def _import(call: Call, asked: KpiFile) -> Any:
    values = asked.model_dump(exclude={"text"})
    command = make(ImportObservations, **call.origin, **values, content=asked.text.encode())
    return {**values, "observations": import_observations(call.governance, command)}


def _read(call: Call, asked: KpisToRead) -> Any:
    moment = call.moment(asked.as_of)
    found: dict[str, Any] = {"moment": results.moment_result(moment)}
    if not asked.initiative:
        return {**found, "kpis": plain(promised_kpis(call.governance, moment))}
    kpis = business_kpis(call.governance, moment, initiative=asked.initiative)
    performance = model_performance(call.governance, moment, initiative=asked.initiative)
    return {**found, "kpis": [_in_full(kpi) for kpi in kpis], "model": plain(performance)}


def _in_full(kpi: BusinessKpi) -> dict[str, Any]:
    """A KPI with what was promised for the day of each observation."""
    found: dict[str, Any] = plain(kpi)
    for line, day in zip(found["observations"], kpi.observations, strict=True):
        line["promised"] = kpi.promise.promised_on(day.observed_on)
    return found


def _day(text: str, field: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise BadInput(
            f"'{text[:40]}' is no day", where=field.replace("_", " "), remedy="Write it like 2026-03-31."
        ) from None


OPERATIONS: Mapping[str, Operation] = {
    "set_business_kpi": Operation(KpiToPromise, _promise),
    "observe_business_kpi": Operation(KpiObserved, _observe),
    "import_observations": Operation(KpiFile, _import),
    "business_kpis": Operation(KpisToRead, _read),
}
