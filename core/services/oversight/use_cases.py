"""The use cases of oversight: governance KPIs and the teams' leaderboard."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from core.analytics.kpi_values import StandingMeasure
from core.domain.given import argument, option
from core.domain.moment import Moment
from core.ground import Result, plain
from core.services.governance import Governance
from core.services.oversight.kpis import Breakdown, governance_kpis, kpi_sheet, team_standings
from core.services.use_case import Line, asks


def read_kpis(governance: Governance, moment: Moment) -> Result:
    """Show the governance KPIs with their targets."""
    readings = governance_kpis(governance, moment)
    return {"kpis": [{**plain(r.definition), **plain(r.value), "course": r.course} for r in readings]}


def read_kpi(
    governance: Governance,
    moment: Moment,
    *,
    kpi: Annotated[str, Field(description="The KPI, as 'kpis' says."), argument("KPI")],
    by: Annotated[
        Breakdown, Field(description="Broken down by team, class, domain or owner."), option("--by")
    ] = "team",
) -> Result:
    """Show who and what makes a KPI's gap, and what it takes to close it."""
    sheet = kpi_sheet(governance, moment, kpi=kpi, by=by)
    kept = {name: value for name, value in plain(sheet).items() if name != "reading"}
    return {**plain(sheet.reading.definition), **plain(sheet.reading.value), **kept}


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
    asks(read_kpi, Line("kpi show"), may="read_figures", name="governance_kpi", route="GET /kpis/{kpi}"),
    asks(
        read_standings, Line("standings"), may="read_figures", name="team_standings", route="GET /standings"
    ),
)
