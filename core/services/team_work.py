"""One team's open work with what to do next, and its figures held against their targets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from core.analytics.intervals import Interval, wilson_interval
from core.analytics.kpi_values import KpiValue, ratio_kpi
from core.domain.checks import CHECKS
from core.domain.errors import NotFound
from core.domain.gates import finding_for
from core.domain.kpis import KpiDefinition
from core.domain.moment import Moment
from core.domain.policy import Policy
from core.domain.requirements import RequirementState, Status, requirement_states
from core.lake import governance_figures as lake_figures
from core.lake import initiatives as lake
from core.lake import inventory as lake_inventory
from core.lake.record_choices import owning_teams
from core.services.governance import Governance
from core.services.teams import team_tallies

DUE_SOON_DAYS = 14
WorkState = Literal["overdue", "failed", "cannot_tell", "due_soon", "expiring", "waiting"]


@dataclass(frozen=True)
class WorkItem:
    """Something a team has to do: by when, who acts, and how.

    `due_on` of an expiring proof is the day on which it expires. `days` counts from the moment's day to
    `due_on`; negative = late. `independent`: somebody who neither owns nor builds it has to prove it.
    """

    initiative: str
    name: str
    what: str
    state: WorkState
    due_on: date
    days: int
    acts: str
    remedy: str
    independent: bool


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

    `checks` holds per check: `title`, `looks_at`, first tries, their passes and `rate` (None where nothing
    was tried), and the verdicts of the latest runs.
    """

    team: str
    first_tries: TeamFigure
    deadlines: TeamFigure
    work: tuple[WorkItem, ...]
    checks: list[dict[str, Any]]
    initiatives: list[dict[str, Any]]

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


def team_names(governance: Governance, moment: Moment) -> tuple[str, ...]:
    """Teams that have initiatives, by name."""
    return tuple(owning_teams(governance.store, moment))


def choose_team(governance: Governance, moment: Moment, *, wanted: str, own: str) -> str:
    """The team to show: the one wanted, else the reader's own, else the first; empty where there is none.

    Raises
    ------
    NotFound
        The team wanted has no initiative.
    """
    known = team_names(governance, moment)
    if wanted and wanted not in known:
        raise NotFound(f"no team '{wanted[:60]}' has an initiative", remedy="Open your own team, or another.")
    return wanted or (own if own in known else next(iter(known), ""))


def team_sheet(governance: Governance, moment: Moment, *, team: str) -> TeamSheet:
    """Read a team's figures, open work by due date, checks by kind, and initiatives.

    Raises
    ------
    NotFound
        No initiative belonged to such a team at the moment.
    """
    policy, store = governance.policy(moment), governance.store
    own = [row for row in lake_inventory.inventory_rows(store, policy, moment) if row["team"] == team]
    if not own:
        raise NotFound(f"no team '{team[:60]}' has an initiative", remedy="Choose a team from the list.")
    work = sorted(
        (item for row in own for item in _items(governance, policy, moment, row)),
        key=lambda item: (item.due_on, item.name, item.what),
    )
    tally = next(known for known in team_tallies(governance, moment) if known.team == team)
    checks = lake_figures.checks_of_team(store, moment, team, governance.leaderboard.window_days)
    return TeamSheet(
        team,
        _figure(governance, "first_time_pass_rate", tally.first_try_passes, tally.first_tries),
        _figure(governance, "deadlines_met", tally.on_time, tally.due),
        tuple(work),
        _checks(checks),
        [_with_gate(policy, row) for row in own],
    )


def _figure(governance: Governance, kpi_id: str, part: int, whole: int) -> TeamFigure:
    kpi, board = governance.kpis.find(kpi_id), governance.leaderboard
    value = ratio_kpi(part, whole, direction=kpi.direction, target=kpi.target, minimum=board.minimum)
    return TeamFigure(kpi, value, wilson_interval(part, whole, board.confidence))


def _items(governance: Governance, policy: Policy, moment: Moment, row: dict[str, Any]) -> list[WorkItem]:
    facts = lake.initiative_facts(governance.store, row["initiative"], moment)
    assert facts is not None  # the inventory lists registered initiatives only
    items = []
    for state in requirement_states(policy, facts, moment.day):
        finding = finding_for(policy, state, facts, moment.day)
        if finding is not None:
            measure = state.requirement.measure
            due_on = state.expires_on if state.status is Status.EXPIRING else state.due_on
            assert due_on is not None  # what expires has a day
            role = governance.roles.title(measure.responsible)
            item = WorkItem(
                initiative=row["initiative"],
                name=row["name"],
                what=measure.title,
                state=_state(state, moment.day),
                due_on=due_on,
                days=(due_on - moment.day).days,
                acts=role if measure.independent else f"{role}, for {row['owner_name']}",
                remedy=finding.remedy,
                independent=measure.independent,
            )
            items.append(item)
    return items


def _state(state: RequirementState, day: date) -> WorkState:
    if state.overdue:
        return "overdue"
    match state.status:
        case Status.FAILED:
            return "failed"
        case Status.CANNOT_TELL:
            return "cannot_tell"
        case Status.EXPIRING:
            return "expiring"
    return "due_soon" if (state.due_on - day).days <= DUE_SOON_DAYS else "waiting"


def _checks(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            **row,
            "title": CHECKS[row["check_id"]].title,
            "looks_at": CHECKS[row["check_id"]].looks_at,
            "rate": row["passes"] / row["first_tries"] if row["first_tries"] else None,
        }
        for row in rows
        if row["check_id"] in CHECKS
    ]


def _with_gate(policy: Policy, row: dict[str, Any]) -> dict[str, Any]:
    titles = {gate.id: gate.title for gate in policy.gates}
    share = row["satisfied"] / row["asked"] if row["asked"] else None
    return {**row, "share": share, "next_gate_title": titles.get(row["next_gate"], "All gates passed")}
