"""Governance in figures: KPIs with their course, the leaderboard, the heat map, and what needs attention."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import ceil
from typing import Literal, TypedDict

from core.analytics.kpi_values import (
    KpiDirection,
    KpiValue,
    Standing,
    StandingMeasure,
    count_kpi,
    median_kpi,
    ratio_kpi,
    standings,
)
from core.domain.errors import NotFound
from core.domain.moment import Moment
from core.domain.policy.checks import CHECKS
from core.domain.policy.policy import Policy
from core.domain.process.facts import RequirementLine
from core.domain.process.kpis import Case, Figure, KpiDefinition, Share
from core.domain.process.kpis import TrainedPerson as Trained
from core.lake.memory import remembered
from core.lake.process.inventory import requirement_lines
from core.lake.process.kpis import READ, Counted
from core.lake.record.entries import store_kind
from core.services.governance import Governance
from core.services.work.raci_view import trained_people
from core.services.work.team_work import team_tallies

MONTHS = 12
MOST_NAMED = 3


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


class _Told(TypedDict):
    direction: KpiDirection
    target: float
    earlier: float | None


def _value(kpi: KpiDefinition, figure: Figure, earlier: float | None) -> KpiValue:
    told: _Told = {"direction": kpi.direction, "target": kpi.target, "earlier": earlier}
    match figure:
        case Share(part, whole):
            return ratio_kpi(part, whole, minimum=kpi.minimum, **told)
        case int(count):
            return count_kpi(count, **told)
        case values:
            return median_kpi(values, minimum=kpi.minimum, **told)


@remembered(room=256)
def _figures(governance: Governance, moment: Moment) -> Mapping[str, Figure]:
    """All figures at a moment. What was on record at a month's end never changes, so it is counted once."""
    return {
        kpi.id: kpi.figure(kpi.counted(cases_of(governance, moment, kpi)))
        for kpi in governance.rules(moment).kpis.kpis
    }


def cases_of(governance: Governance, moment: Moment, kpi: KpiDefinition) -> Sequence[Case]:
    """All cases of the kind that a KPI counts, as this reader's store holds them."""
    if kpi.of == "people":
        return [
            Trained("", one.person.name, one.person.team, "", "", one.person.name, one.current)
            for one in trained_people(governance, moment)
        ]
    policy, live_gates = governance.policy(moment), governance.live_gates(moment)
    return READ[kpi.of](Counted(governance.store, policy, moment, live_gates), kpi.window_days or 90)


Breakdown = Literal["team", "class", "domain", "owner"]
_COLUMN: Mapping[Breakdown, str] = {
    "team": "team",
    "class": "class_id",
    "domain": "domain",
    "owner": "owner_name",
}


_OF_MANY: tuple[Breakdown, ...] = ("team", "class")
"""Parts with one value for all; an owner or a domain may have one use case alone, which may be closed."""


@dataclass(frozen=True)
class Part:
    """A KPI of one team, class, domain or owner, and how much of the whole gap lies there."""

    title: str
    value: KpiValue
    amiss: float


@dataclass(frozen=True)
class Contributor:
    """An initiative (or a person) that makes the gap: by how much, and what is amiss there in words."""

    initiative: str
    name: str
    team: str
    class_title: str
    owner_name: str
    amiss: float
    what: tuple[str, ...]


@dataclass(frozen=True)
class KpiSheet:
    """A KPI with who and what makes its gap, and what it takes to close it.

    Attributes
    ----------
    amiss
        All that is not as it should be: cases, or days of a median beyond the target.
    needed
        The fewest cases that, mended, would bring it to its target; None where that cannot be said.
    recovers_on
        When it reaches its target at the pace of the last three months; None where not within a year.
    parts
        Broken down, the largest part of the gap first; by owner or domain of what the reader may open.
    contributors
        Those that the reader may open, the largest first; `unread` is what lies in others.
    """

    reading: KpiReading
    by: Breakdown
    owner: str
    amiss: float
    needed: int | None
    recovers_on: date | None
    parts: tuple[Part, ...]
    contributors: tuple[Contributor, ...]
    unread: float


def kpi_sheet(governance: Governance, moment: Moment, *, kpi: str, by: Breakdown = "team") -> KpiSheet:
    """Read one KPI with its parts and with what makes its gap.

    Raises
    ------
    NotFound
        The configuration of that day has no such KPI.
    """
    rules = governance.rules(moment)
    reading = next((one for one in governance_kpis(governance, moment) if one.definition.id == kpi), None)
    if reading is None:
        known = ", ".join(one.id for one in rules.kpis.kpis)
        raise NotFound(f"'{kpi[:60]}' is no KPI", remedy=f"Use one of: {known}.")
    asked, policy = reading.definition, governance.policy(moment)
    counted = asked.counted(cases_of(governance.whole, moment, asked))
    amiss = sum(map(asked.amiss, counted))
    readable = asked.counted(cases_of(governance, moment, asked))
    contributors = _contributors(asked, policy, readable)
    return KpiSheet(
        reading,
        by,
        rules.roles.title(asked.owner) if asked.owner else "",
        amiss,
        asked.needed(counted),
        _recovers_on(reading, moment),
        _parts(asked, policy, counted if by in _OF_MANY else readable, by),
        contributors,
        amiss - sum(one.amiss for one in contributors),
    )


def headline(governance: Governance, moment: Moment) -> str:
    """The whole in two sentences: how many KPIs are off their target, and where what is overdue lies."""
    readings = governance_kpis(governance, moment)
    off = sum(one.value.status == "off_target" for one in readings)
    told = f"{off} of {len(readings)} KPIs are off target." if off else "No KPI is off target."
    lines = requirement_lines(governance.whole.store, governance.policy(moment), moment)
    late = [line for line in lines if line.overdue]
    if not late:
        return f"{told} Nothing is overdue."
    most = Counter(line.initiative for line in late).most_common(MOST_NAMED)
    role, acts = Counter(line.responsible for line in late).most_common(1)[0]
    return (
        f"{told} {sum(number for _, number in most)} of {len(late)} overdue requirements lie in "
        f"{len(most)} use cases; {governance.rules(moment).roles.title(role)} acts on {acts}."
    )


def _parts(kpi: KpiDefinition, policy: Policy, counted: Iterable[Case], by: Breakdown) -> tuple[Part, ...]:
    grouped: dict[str, list[Case]] = defaultdict(list)
    for case in counted:
        grouped[getattr(case, _COLUMN[by])].append(case)
    titles = {risk_class.id: risk_class.title for risk_class in policy.classes} if by == "class" else {}
    parts = [
        Part(titles.get(key, key), _value(kpi, kpi.figure(cases), None), sum(map(kpi.amiss, cases)))
        for key, cases in grouped.items()
        if key
    ]
    return tuple(sorted(parts, key=lambda part: (-part.amiss, part.title)))


def _contributors(kpi: KpiDefinition, policy: Policy, counted: Iterable[Case]) -> tuple[Contributor, ...]:
    grouped: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in counted:
        if kpi.amiss(case) > 0:
            grouped[case.initiative, case.name].append(case)
    found = [
        Contributor(
            initiative,
            name,
            cases[0].team,
            policy.class_title(cases[0].class_id) if cases[0].class_id else "",
            cases[0].owner_name,
            sum(map(kpi.amiss, cases)),
            tuple(dict.fromkeys(filter(None, (_what(policy, case) for case in cases)))),
        )
        for (initiative, name), cases in grouped.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.amiss, one.name)))


def _what(policy: Policy, case: Case) -> str:
    """What is amiss in words, where a case is of a requirement or of a check."""
    if check := getattr(case, "check", ""):
        return CHECKS[check].title if check in CHECKS else check
    measure = getattr(case, "requirement", "").partition(":")[0]
    return policy.measures[measure].title if measure in policy.measures else ""


def _recovers_on(reading: KpiReading, moment: Moment) -> date | None:
    """The day at which the line through three months ago and now meets the target, within a year."""
    value, target = reading.value.value, reading.definition.target
    past = [(day, level) for day, level in reading.course[-4:-1] if level is not None]
    if reading.value.status != "off_target" or value is None or not past:
        return None
    (since, level), days = past[0], (moment.day - past[0][0]).days
    pace = (value - level) / days if days else 0.0
    wait = (target - value) / pace if pace else 0.0
    return moment.day + timedelta(days=ceil(wait)) if since < moment.day and 0 < wait <= 366 else None


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
    lines = requirement_lines(governance.store, policy, moment)
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
        for line in requirement_lines(governance.store, policy, moment)
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
