"""Teams: their tallies, and the leaderboards made of them."""

from __future__ import annotations

from core.analytics.standings import Standing, StandingMeasure, TeamTally, standings
from core.domain.moment import Moment
from core.lake.process import governance_figures as lake
from core.lake.process.inventory import inventory_lines
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
    tries = lake.first_tries(governance.store, moment, window)
    due = lake.deadlines(governance.store, policy, moment, window)
    teams = {
        line.team for line in inventory_lines(governance.store, policy, moment, governance.live_gates(moment))
    }
    return tuple(TeamTally(team, *tries.get(team, (0, 0)), *due.get(team, (0, 0))) for team in sorted(teams))
