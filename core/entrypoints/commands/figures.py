"""Commands that read figures: KPIs and standings."""

from __future__ import annotations

from typing import Annotated

import typer

from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Json, Person, Store
from core.entrypoints.reports import figures as reports


def kpis(
    context: typer.Context,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Show the governance KPIs with their targets."""
    options.report(
        context,
        "governance_kpis",
        {"as_of": as_of},
        reports.show_kpis,
        store=store,
        person=person,
        as_json=as_json,
    )


def standings(
    context: typer.Context,
    measure: Annotated[
        str, typer.Option("--by", help="first_time_pass_rate or deadlines_met_rate.")
    ] = "first_time_pass_rate",
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Show the teams' leaderboard."""
    values = {"measure": measure, "as_of": as_of}
    options.report(
        context, "team_standings", values, reports.show_standings, store=store, person=person, as_json=as_json
    )
