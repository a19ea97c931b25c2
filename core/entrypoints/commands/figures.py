"""The command that reads the record."""

from __future__ import annotations

from typing import Annotated

import typer

from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Json, Person, Store
from core.entrypoints.reports import figures as reports


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
