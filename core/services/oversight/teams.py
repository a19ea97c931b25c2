"""Teams: their tallies, and the leaderboards made of them."""

from __future__ import annotations

from core.analytics.standings import Standing, StandingMeasure, TeamTally, standings
from core.domain.moment import Moment
from core.lake.process import governance_figures as lake
from core.lake.process import inventory as lake_inventory
from core.services.governance import Governance


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
    rows = lake_inventory.inventory_rows(governance.store, policy, moment, governance.live_gates(moment))
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
