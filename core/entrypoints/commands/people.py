"""Commands on the directory of people."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.entrypoints.commands import options
from core.entrypoints.commands.options import Json, Person, Store
from core.entrypoints.reports import figures as reports
from core.entrypoints.reports.printing import say

people = typer.Typer(help="The directory of people.")


@people.command("list")
def list_people(
    context: typer.Context, store: Store = None, person: Person = None, as_json: Json = False
) -> None:
    """List the people who can own, build or act."""
    options.report(
        context, "list_people", {}, reports.show_people, store=store, person=person, as_json=as_json
    )


@people.command("add")
def add_person(
    context: typer.Context,
    new: Annotated[str, typer.Argument(metavar="ID", help="Lower-case id, such as ada.lovelace.")],
    name: Annotated[str, typer.Option("--name", help="What they are called.")],
    role: Annotated[list[str], typer.Option("--role", help="A role by id; repeat for more.")],
    team: Annotated[str, typer.Option("--team", help="Their team.")] = "",
    title: Annotated[str, typer.Option("--title", help="What they are.")] = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Add somebody to the directory, or replace what is known of them."""
    values = {"person": new, "name": name, "team": team, "title": title, "roles": role}

    def told(result: Any) -> None:
        say(f"{result['name']} ({result['id']}) is in the directory.")

    options.report(context, "add_person", values, told, store=store, person=person, as_json=as_json)
