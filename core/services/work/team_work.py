"""One team's open work with what to do next and who acts, and its figures held against their targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import Field

from core.analytics.intervals import Interval, wilson_interval
from core.analytics.kpi_values import KpiValue, TeamTally, ratio_kpi
from core.connectors.config_files import Rules
from core.domain.errors import NotFound
from core.domain.facts.record import Deputy, Membership
from core.domain.facts.recorded import Signed, named
from core.domain.given import option
from core.domain.moment import Moment
from core.domain.policy.checks import CHECKS, CheckTally
from core.domain.process.facts import InventoryLine
from core.domain.process.kpis import KpiDefinition
from core.domain.work.work import MOVABLE, Place, Task, TaskState
from core.lake import directory, facts
from core.lake.process.inventory import inventory_lines
from core.lake.process.kpis import checks_of_team, deadlines, first_tries
from core.lake.record.entries import owning_teams
from core.services.governance import Governance
from core.services.work.hand_offs import HandOff, hand_offs
from core.services.work.routing import Cast, cast_of
from core.services.work.tasks import open_tasks


@dataclass(frozen=True)
class Load:
    """Open tasks of a person by due day; `shared` could be theirs and nobody has taken them."""

    person: str
    name: str
    team: str
    overdue: int
    this_week: int
    this_month: int
    later: int
    shared: int

    @property
    def own(self) -> int:
        """All that is theirs."""
        return self.overdue + self.this_week + self.this_month + self.later


def loads(governance: Governance, moment: Moment, *, team: str = "") -> tuple[Load, ...]:
    """Open tasks of each person by due day, the most overdue first; people with nothing to do included."""
    cast = cast_of(governance, moment)
    return loads_of(open_tasks(governance, moment, cast=cast), cast, moment, team=team)


def loads_of(tasks: Sequence[Task], cast: Cast, moment: Moment, *, team: str = "") -> tuple[Load, ...]:
    """Count tasks per person: overdue, due within 7 days, within 30 days, later."""
    counts = {person.id: [0, 0, 0, 0, 0] for person in cast.people if team in ("", person.team)}
    for task in tasks:
        days = (task.due_on - moment.day).days
        place = 0 if days < 0 else 1 if days <= 7 else 2 if days <= 30 else 3
        for person in task.doers:
            if person in counts:
                counts[person][place if task.owner else 4] += 1
    found = [
        Load(person, cast.name(person), known.team, *tally)
        for person, tally in counts.items()
        if (known := cast.find(person)) is not None
    ]
    return tuple(sorted(found, key=lambda load: (-load.overdue, -load.this_week, -load.own, load.name)))


@dataclass(frozen=True)
class WorkItem:
    """Something to do on a team's initiative: by when, who acts, and how.

    `due_on` of an expiring proof is the day on which it expires. `days` counts from the moment's day to
    `due_on`; negative = late. `independent`: somebody who neither owns nor builds it has to do it. `taken`
    is False while several could do it and nobody has it.
    """

    key: str
    initiative: str
    name: str
    what: str
    state: TaskState
    due_on: date
    days: int
    acts: str
    remedy: str
    independent: bool
    taken: bool
    place: Place


@dataclass(frozen=True)
class TeamFigure:
    """A rate of a team against the KPI's target, with its interval (None where nothing was counted)."""

    definition: KpiDefinition
    value: KpiValue
    interval: Interval | None

    @property
    def note(self) -> str:
        """What it was counted from, and how sure it is."""
        if self.interval is None:
            return self.value.note
        span = f"Interval {self.interval.low:.0%} to {self.interval.high:.0%}"
        counted = f"{self.value.numerator:,.0f} of {self.value.n:,} in {self.definition.window_days} days"
        return f"{span}, {counted}. {self.value.note}".rstrip()


@dataclass(frozen=True)
class TeamSheet:
    """All that a team lead asks of one team.

    `loads` are the team's people by what is open for them, on other teams' initiatives too; `changes` say who
    left the house, and who acts for whom.
    """

    team: str
    first_tries: TeamFigure
    deadlines: TeamFigure
    work: tuple[WorkItem, ...]
    checks: tuple[CheckTally, ...]
    initiatives: tuple[InventoryLine, ...]
    loads: tuple[Load, ...]
    hand_offs: tuple[HandOff, ...]
    changes: tuple[str, ...]

    @property
    def waiting(self) -> tuple[HandOff, ...]:
        """Offers to the team or by it that nobody has answered."""
        return tuple(one for one in self.hand_offs if not one.answer)

    @property
    def late(self) -> tuple[WorkItem, ...]:
        """Overdue work, the longest overdue first."""
        return tuple(item for item in self.work if item.state == "overdue")

    @property
    def ahead(self) -> tuple[WorkItem, ...]:
        """Work that is open and not yet due, the next due first."""
        return tuple(item for item in self.work if item.state not in ("overdue", "expiring"))

    @property
    def reviews(self) -> int:
        """Open work, late or not, that somebody independent of the initiative has to prove."""
        return sum(item.independent for item in (*self.late, *self.ahead))


@dataclass(frozen=True, kw_only=True)
class DeputyLine(Signed, Deputy):
    """A deputy as people read it."""

    person_name: str
    deputy_name: str


def deputies(
    governance: Governance,
    moment: Moment,
    *,
    person: Annotated[
        str, Field(description="Who acts, or for whom; empty lists all."), option("--person")
    ] = "",
) -> list[DeputyLine]:
    """List who acts for whom, now or later."""
    names = directory.names(governance.store, moment)
    here = {one.actor.id for one in directory.people_then(governance.store, moment) if one.actor.roles}
    return [
        named(DeputyLine, one, names, person_name=names[one.person], deputy_name=names[one.deputy])
        for one in facts.newest(governance.store, Deputy, moment)
        if one.until >= moment.day and {one.person, one.deputy} <= here
        if person in ("", one.person, one.deputy)
    ]


def team_changes(governance: Governance, moment: Moment, *, team: str) -> tuple[str, ...]:
    """Say who left a team and who has their work now, and who of it acts for whom, in sentences."""
    store, names = governance.store, directory.names(governance.store, moment)
    moves = facts.history(store, Membership, moment)
    team_of = {one.person: one.team for one in moves if not one.has_left}
    left = [one for one in facts.newest(store, Membership, moment) if one.has_left]
    acting = [
        one
        for one in deputies(governance, moment)
        if team in (team_of.get(one.person), team_of.get(one.deputy))
    ]
    return (
        *(
            f"{names[one.person]}: {names[one.heir]} has their work."
            for one in left
            if team_of.get(one.person) == team
        ),
        *(f"{one.deputy_name} acts for {one.person_name} until {one.until}: {one.reason}" for one in acting),
    )


def team_names(governance: Governance, moment: Moment) -> tuple[str, ...]:
    """Teams that have initiatives, by name."""
    return tuple(owning_teams(governance.store, moment))


def choose_team(governance: Governance, moment: Moment, *, wanted: str, own: str) -> str:
    """The team to show: the one wanted, else the reader's own, else the first; empty where there is none."""
    known = team_names(governance, moment)
    if wanted and wanted not in known:
        raise NotFound(f"no team '{wanted[:60]}' has an initiative", remedy="Open your own team, or another.")
    return wanted or (own if own in known else next(iter(known), ""))


def team_sheet(governance: Governance, moment: Moment, *, team: str) -> TeamSheet:
    """Read a team's figures, open work by due date, checks by kind, and initiatives."""
    policy, rules, store = governance.policy(moment), governance.rules(moment), governance.store
    lines = inventory_lines(store, policy, moment, governance.live_gates(moment))
    own = [line for line in lines if line.team == team]
    if not own:
        raise NotFound(f"no team '{team[:60]}' has an initiative", remedy="Choose a team from the list.")
    cast = cast_of(governance, moment)
    tasks = open_tasks(governance, moment, cast=cast)
    names = {line.initiative for line in own}
    work = [
        _item(governance, cast, moment, task)
        for task in tasks
        if task.kind in MOVABLE and task.initiative in names
    ]
    tally = next(known for known in team_tallies(governance, moment) if known.team == team)
    checks = checks_of_team(store, moment, team, rules.leaderboard.window_days)
    return TeamSheet(
        team,
        _figure(rules, "first_time_pass_rate", tally.first_try_passes, tally.first_tries),
        _figure(rules, "deadlines_met", tally.on_time, tally.due),
        tuple(work),
        tuple(check for check in checks if check.check_id in CHECKS),
        tuple(own),
        loads_of(tasks, cast, moment, team=team),
        hand_offs(governance, moment, team=team),
        team_changes(governance, moment, team=team),
    )


def _figure(rules: Rules, kpi_id: str, part: int, whole: int) -> TeamFigure:
    kpi, board = rules.kpis.find(kpi_id), rules.leaderboard
    value = ratio_kpi(part, whole, direction=kpi.direction, target=kpi.target, minimum=board.minimum)
    return TeamFigure(kpi, value, wilson_interval(part, whole, board.confidence))


def _item(governance: Governance, cast: Cast, moment: Moment, task: Task) -> WorkItem:
    return WorkItem(
        key=task.key,
        initiative=task.initiative,
        name=task.name,
        what=task.title,
        state=task.state,
        due_on=task.due_on,
        days=(task.due_on - moment.day).days,
        acts=_who(governance.rules(moment), cast, task),
        remedy=task.how,
        independent=task.independent,
        taken=bool(task.owner),
        place=task.place,
    )


def _who(rules: Rules, cast: Cast, task: Task) -> str:
    if task.owner:
        return cast.name(task.owner)
    role = rules.roles.title(task.role) if task.role else "the team"
    if not task.routes.responsible:
        return f"Nobody has the role {role}" if task.role else "Nobody is known"
    return f"{role}, nobody has it"


def team_tallies(governance: Governance, moment: Moment) -> tuple[TeamTally, ...]:
    """First tries and deadlines per team of the inventory, over the leaderboard's window."""
    policy = governance.policy(moment)
    window = governance.rules(moment).leaderboard.window_days
    tries = [one for one in first_tries(governance.store, policy, moment, window) if not one.light]
    due = deadlines(governance.store, policy, moment, window)
    lines = inventory_lines(governance.store, policy, moment, governance.live_gates(moment))
    tried = Counter(one.team for one in tries)
    passed = Counter(one.team for one in tries if one.verdict == "pass")
    fell = Counter((one.team, one.light) for one in due)
    met = Counter((one.team, one.light) for one in due if one.on_time)
    return tuple(
        TeamTally(
            team,
            tried[team],
            passed[team],
            fell[team, False],
            met[team, False],
            fell[team, True],
            met[team, True],
        )
        for team in sorted({line.team for line in lines})
    )
