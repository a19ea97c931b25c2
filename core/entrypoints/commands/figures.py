"""Commands that read figures: slices, decay, KPIs, standings, the record."""

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


def record(
    context: typer.Context,
    initiative: Annotated[str, typer.Option("--initiative", help="Only this initiative.")] = "",
    action: Annotated[str, typer.Option("--action", help="Only this kind of entry.")] = "",
    actor: Annotated[str, typer.Option("--actor", help="Only entries by this person.")] = "",
    most: Annotated[int, typer.Option("--most", min=1, max=10_000, help="How many entries.")] = 50,
    skip: Annotated[int, typer.Option("--skip", min=0, help="How many of the newest to leave out.")] = 0,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Show entries of the record, newest first."""
    values = {"initiative": initiative, "action": action, "actor": actor, "most": most, "skip": skip}
    options.report(
        context,
        "read_record",
        {**values, "as_of": as_of},
        reports.show_record,
        store=store,
        person=person,
        as_json=as_json,
    )
