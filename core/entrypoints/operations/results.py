"""Results as plain JSON values: the same for the command line and for the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.services.plain import plain

if TYPE_CHECKING:
    from core.domain.moment import Moment
    from core.services.oversight.kpis import KpiReading


def moment_result(moment: Moment) -> dict[str, Any]:
    """The point from which the record was read."""
    return {"seq": moment.seq, "at": moment.at}


def kpi_result(reading: KpiReading) -> dict[str, Any]:
    """A KPI with its course as pairs of day and value."""
    value = plain(reading.value)
    return {**plain(reading.definition), **value, "course": reading.course}
