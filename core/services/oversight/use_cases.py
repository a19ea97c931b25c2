"""The use cases of oversight: governance KPIs and the teams' leaderboard."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from core.analytics.kpi_values import StandingMeasure
from core.domain.given import option
from core.domain.moment import Moment
from core.services.governance import Governance
from core.services.oversight.kpis import governance_kpis, team_standings
from core.services.plain import Result, plain
from core.services.use_case import Line, asks


def read_kpis(governance: Governance, moment: Moment) -> Result:
    """Show the governance KPIs with their targets."""
    readings = governance_kpis(governance, moment)
    return {"kpis": [{**plain(r.definition), **plain(r.value), "course": r.course} for r in readings]}


def read_standings(
    governance: Governance,
    moment: Moment,
    *,
    measure: Annotated[
        StandingMeasure,
        Field(description="first_time_pass_rate, deadlines_met_rate or self_service_rate."),
        option("--by"),
    ] = "first_time_pass_rate",
) -> Result:
    """Show the teams' leaderboard."""
    found = team_standings(governance, moment, measure=measure)
    return {"window_days": governance.rules(moment).leaderboard.window_days, "standings": found}


USE_CASES = (
    asks(read_kpis, Line("kpis"), may="read_figures", name="governance_kpis", route="GET /kpis"),
    asks(
        read_standings, Line("standings"), may="read_figures", name="team_standings", route="GET /standings"
    ),
)
