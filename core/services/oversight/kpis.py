"""Governance in figures: KPIs with their course, the leaderboard, the heat map, and what needs attention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from core.analytics.kpi_values import (
    KpiValue,
    Standing,
    StandingMeasure,
    count_kpi,
    median_kpi,
    ratio_kpi,
    standings,
)
from core.domain.moment import Moment
from core.domain.policy.kpis import KpiDefinition
from core.domain.policy.policy import Policy
from core.domain.process.facts import RequirementLine
from core.lake.memory import remembered
from core.lake.process import inventory as lake
from core.lake.process.inventory import FIGURES, Counted, Figure, Share
from core.lake.record.entries import store_kind
from core.services.governance import Governance
from core.services.work.raci_view import training_tally
from core.services.work.team_work import team_tallies

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
    governance = governance.whole  # one figure has one value, whoever reads it
    points = [*_month_ends(governance, moment, months), moment]
    figures = [(point.day, _figures(governance, point)) for point in points]
    return tuple(_reading(kpi, figures) for kpi in governance.rules(moment).kpis.kpis)


def _reading(kpi: KpiDefinition, figures: Sequence[tuple[date, Mapping[str, Figure]]]) -> KpiReading:
    course: list[tuple[date, float | None]] = []
    value = None
    for day, figure in figures:
        if kpi.id not in figure:  # the configuration of that day had no such KPI
            course.append((day, None))
            continue
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
    lines = [
        line
        for line in lake.inventory_lines(governance.store, policy, moment, live_gates)
        if not line.retired
    ]
    trained = training_tally(governance, moment)
    counted = Counted(governance.store, policy, moment, live_gates, lines, trained)
    return {
        kpi.id: FIGURES[kpi.id](counted, kpi.window_days or 90) for kpi in governance.rules(moment).kpis.kpis
    }


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


def team_standings(
    governance: Governance, moment: Moment, *, measure: StandingMeasure = "first_time_pass_rate"
) -> tuple[Standing, ...]:
    """Rank the teams over the leaderboard's window by what their record shows at the least."""
    board = governance.rules(moment).leaderboard
    tallies = team_tallies(governance.whole, moment)
    return standings(tallies, measure, minimum=board.minimum, confidence=board.confidence)


Attention = Literal["overdue", "failed", "expiring"]
_DOING = {
    "missing": "is missing",
    "failed": "failed its check",
    "cannot_tell": "cannot be told by its check",
    "expiring": "expires soon",
}


@dataclass(frozen=True)
class HeatCell:
    """A cell of class x consideration: requirements asked of all initiatives of the class, and satisfied.

    `share` is None where nothing is asked: that is not zero.
    """

    class_id: str
    class_title: str
    consideration: str
    consideration_title: str
    rung: int
    asked: int
    satisfied: int
    overdue: int

    @property
    def share(self) -> float | None:
        """Satisfied over asked, 0.0 to 1.0."""
        return self.satisfied / self.asked if self.asked else None


@dataclass(frozen=True)
class AttentionItem:
    """Something off, why, and who acts; the worst comes first."""

    initiative: str
    name: str
    class_title: str
    team: str
    what: str
    state: Attention
    acts: str
    due_on: date
    days: int


def heat_map(governance: Governance, moment: Moment) -> tuple[HeatCell, ...]:
    """Share of requirements satisfied per class and consideration, strictest class last."""
    policy = governance.policy(moment)
    lines = lake.requirement_lines(governance.store, policy, moment)
    asked = Counter((line.class_id, line.consideration) for line in lines)
    satisfied = Counter((line.class_id, line.consideration) for line in lines if line.satisfied)
    overdue = Counter((line.class_id, line.consideration) for line in lines if line.overdue)
    return tuple(
        HeatCell(
            risk_class.id,
            risk_class.title,
            ladder.id,
            ladder.title,
            policy.matrix[risk_class.id][ladder.id],
            asked[risk_class.id, ladder.id],
            satisfied[risk_class.id, ladder.id],
            overdue[risk_class.id, ladder.id],
        )
        for risk_class in policy.classes
        for ladder in policy.considerations
    )


def attention(
    governance: Governance, moment: Moment, *, most: int = 8, team: str = ""
) -> tuple[AttentionItem, ...]:
    """What is overdue, failed or about to expire: strictest class first, then the longest overdue."""
    policy = governance.policy(moment)
    items = [
        _item(governance, policy, moment, line)
        for line in lake.requirement_lines(governance.store, policy, moment)
        if (line.overdue or line.status in ("failed", "expiring")) and team in ("", line.team)
    ]
    order = {"overdue": 0, "failed": 1, "expiring": 2}
    ranks = {risk_class.title: rank for rank, risk_class in enumerate(policy.classes)}
    items.sort(
        key=lambda item: (order[item.state], -ranks[item.class_title], -item.days, item.name, item.what)
    )
    return tuple(items[:most] if most else items)


def _item(governance: Governance, policy: Policy, moment: Moment, line: RequirementLine) -> AttentionItem:
    measure = policy.measures[line.requirement.partition(":")[0]]
    state, days = _standing(line, moment)
    return AttentionItem(
        initiative=line.initiative,
        name=line.name,
        class_title=policy.class_title(line.class_id),
        team=line.team,
        what=f"{measure.title} {_DOING[line.status]}",
        state=state,
        acts=f"{governance.rules(moment).roles.title(measure.responsible)}, for {line.owner_name}",
        due_on=line.due_on,
        days=days,
    )


def _standing(line: RequirementLine, moment: Moment) -> tuple[Attention, int]:
    """What is off, and for how many days, or in how many."""
    if line.overdue:
        return "overdue", (moment.day - line.due_on).days
    if line.expires_on is None or line.status == "failed":
        return "failed", 0
    return "expiring", (line.expires_on - moment.day).days
