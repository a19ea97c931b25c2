"""Teams: the leaderboards, and one team's compliance work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.analytics.standings import Standing, StandingMeasure, TeamTally, standings
from core.domain.moment import Moment
from core.lake import governance_figures as lake
from core.lake import inventory as lake_inventory
from core.services.governance import Governance
from core.services.overview import AttentionItem, attention


@dataclass(frozen=True)
class TeamCompliance:
    """A team's work: its tallies, what is open, and its checks by kind.

    `checks` holds per check: first tries, first-try passes, and the verdicts of the latest runs.
    """

    team: str
    tally: TeamTally
    items: tuple[AttentionItem, ...]
    initiatives: list[dict[str, Any]]
    checks: list[dict[str, Any]]


def team_standings(
    governance: Governance, moment: Moment, *, measure: StandingMeasure = "first_time_pass_rate"
) -> tuple[Standing, ...]:
    """Rank the teams over the leaderboard's window by what their record shows at the least."""
    board = governance.leaderboard
    tallies = team_tallies(governance, moment)
    return standings(tallies, measure, minimum=board.minimum, confidence=board.confidence)


def team_tallies(governance: Governance, moment: Moment) -> tuple[TeamTally, ...]:
    """First tries and deadlines per team of the inventory, over the leaderboard's window."""
    policy = governance.policy(moment)
    window = governance.leaderboard.window_days
    tries = {row["team"]: row for row in lake.first_tries(governance.store, moment, window)}
    due = {row["team"]: row for row in lake.deadlines(governance.store, policy, moment, window)}
    rows = lake_inventory.inventory_rows(governance.store, policy, moment)
    return tuple(
        TeamTally(
            team,
            tries.get(team, {}).get("first_tries", 0),
            tries.get(team, {}).get("passes", 0),
            due.get(team, {}).get("due", 0),
            due.get(team, {}).get("on_time", 0),
        )
        for team in sorted({row["team"] for row in rows})
    )


def team_compliance(governance: Governance, moment: Moment, *, team: str) -> TeamCompliance:
    """One team's pass rates, open work and initiatives; all zeros for a team without initiatives."""
    tallies = {tally.team: tally for tally in team_tallies(governance, moment)}
    policy = governance.policy(moment)
    rows = lake_inventory.inventory_rows(governance.store, policy, moment)
    return TeamCompliance(
        team,
        tallies.get(team, TeamTally(team, 0, 0, 0, 0)),
        attention(governance, moment, most=0, team=team),
        [{**r, "class_title": policy.class_title(r["class_id"])} for r in rows if r["team"] == team],
        lake.checks_of_team(governance.store, moment, team, governance.leaderboard.window_days),
    )
