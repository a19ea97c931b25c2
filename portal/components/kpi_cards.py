"""Governance KPIs as a wall of cards: figure, target, change since last month, course."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portal.components.cards import Card, cards
from portal.components.text import count, number, percent, points

if TYPE_CHECKING:
    from core.domain.policy.kpis import KpiDefinition
    from core.services.oversight.kpis import KpiReading


def kpi_cards(readings: Sequence[KpiReading]) -> None:
    """Show KPI readings, four in a row on a wide screen, two on a phone."""
    cards([_card(reading) for reading in readings], min_column_width=195)


def _card(reading: KpiReading) -> Card:
    kpi, value = reading.definition, reading.value
    past = [level for _, level in reading.course if level is not None]
    bound = "at least" if kpi.direction == "higher" else "at most"
    change = _as_shown(kpi, value.change)
    counted = f"{value.numerator:,.0f} of {value.n:,}" if value.numerator is not None else ""
    return Card(
        label=kpi.title,
        value=_level(kpi, value.value),
        status=value.status,
        target=f"{bound} {_level(kpi, kpi.target)}",
        trend=_change(kpi, change),
        direction=0 if not change else (1 if change > 0 else -1),
        better={"better": True, "worse": False}.get(value.trend) if change else None,
        series=past,
        target_value=kpi.target,
        note=value.note or counted,
    )


def _level(kpi: KpiDefinition, value: float | None) -> str:
    if value is None:
        return number(None)
    if kpi.unit == "share":
        return percent(value)
    return count(round(value), "day") if kpi.unit == "days" else number(value)


def _as_shown(kpi: KpiDefinition, change: float | None) -> float | None:
    """A change rounded as it is written: what reads as nothing is nothing."""
    return None if change is None else round(change, 3 if kpi.unit == "share" else 0)


def _change(kpi: KpiDefinition, change: float | None) -> str:
    if change is None:
        return ""
    if change == 0:
        return "unchanged since last month"
    words = points(change) if kpi.unit == "share" else f"{change:+,.0f}".replace("-", "−")
    return f"{words} since last month"
