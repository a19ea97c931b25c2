"""Governance KPIs at a moment, with their course over the months before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from core.analytics.kpi_values import KpiValue, count_kpi, median_kpi, ratio_kpi
from core.domain.moment import Moment
from core.domain.policy.kpis import KpiDefinition
from core.lake.memory import remembered
from core.lake.process.governance_figures import FIGURES, Counted, Figure, Share
from core.lake.process.inventory import inventory_lines
from core.lake.record.entries import store_kind
from core.services.governance import Governance
from core.services.work.training import training_tally

MONTHS = 12


@dataclass(frozen=True)
class KpiReading:
    """A KPI at a moment: its definition, value, and course (day, value or None), oldest first."""

    definition: KpiDefinition
    value: KpiValue
    course: tuple[tuple[date, float | None], ...]


def governance_kpis(
    governance: Governance, moment: Moment, *, months: int = MONTHS
) -> tuple[KpiReading, ...]:
    """Read all KPIs at a moment; change is against the end of the month before.

    The course is read from the record as it stood at each month's end, not from figures kept on the side.
    """
    points = [*_month_ends(governance, moment, months), moment]
    figures = [(point.day, _figures(governance, point)) for point in points]
    return tuple(_reading(kpi, figures) for kpi in governance.kpis.kpis)


def _reading(kpi: KpiDefinition, figures: Sequence[tuple[date, Mapping[str, Figure]]]) -> KpiReading:
    course: list[tuple[date, float | None]] = []
    value = None
    for day, figure in figures:
        earlier = course[-1][1] if course else None
        value = _value(kpi, figure[kpi.id], earlier)
        course.append((day, value.value))
    assert value is not None  # the moment itself is always a point
    return KpiReading(kpi, value, tuple(course))


def _value(kpi: KpiDefinition, figure: Figure, earlier: float | None) -> KpiValue:
    match figure:
        case Share(part, whole):
            return ratio_kpi(
                part, whole, direction=kpi.direction, target=kpi.target, earlier=earlier, minimum=kpi.minimum
            )
        case int(count):
            return count_kpi(count, direction=kpi.direction, target=kpi.target, earlier=earlier)
        case values:
            return median_kpi(
                values, direction=kpi.direction, target=kpi.target, earlier=earlier, minimum=kpi.minimum
            )


@remembered(room=256)
def _figures(governance: Governance, moment: Moment) -> Mapping[str, Figure]:
    """All figures at a moment. What was on record at a month's end never changes, so it is counted once."""
    policy, live_gates = governance.policy(moment), governance.live_gates(moment)
    lines = inventory_lines(governance.store, policy, moment, live_gates)
    trained = training_tally(governance, moment)
    counted = Counted(governance.store, policy, moment, live_gates, lines, trained)
    return {kpi.id: FIGURES[kpi.id](counted, kpi.window_days or 90) for kpi in governance.kpis.kpis}


def _month_ends(governance: Governance, moment: Moment, months: int) -> list[Moment]:
    """The last `months` month ends before the moment that the record reaches back to."""
    founded = store_kind(governance.store)
    if founded is None:
        return []
    ends: list[datetime] = []
    first_of_month = moment.day.replace(day=1)
    for _ in range(months):
        last_day = first_of_month - timedelta(days=1)
        ends.append(datetime.combine(last_day, time(23, 59, 59), tzinfo=UTC))
        first_of_month = last_day.replace(day=1)
    return [
        governance.moment(end) for end in reversed(ends) if end.replace(tzinfo=None) > founded.recorded_at
    ]
