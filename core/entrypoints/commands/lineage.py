"""Commands on data and its lineage."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Initiative, Json, Person, Store
from core.entrypoints.reports import lineage as reports
from core.entrypoints.reports.printing import say

data = typer.Typer(help="Data sources, their use, and warnings about them.")

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="The source's id, as 'data list' shows it.")]
Columns = Annotated[list[str] | None, typer.Option("--column", help="A column; repeat for more.")]
How = Annotated[str, typer.Option("--how", help="training, validation, scoring, monitoring or feedback.")]
OfVersion = Annotated[str, typer.Option("--version", help="Model version; all where none is named.")]
Why = Annotated[str, typer.Option("--reason", help="Why, in a sentence; it stays on record.")]


@data.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is called.")],
    personal_data: Annotated[
        bool, typer.Option("--personal-data/--no-personal-data", help="Whether it is about people.")
    ],
    source: Annotated[str, typer.Option("--id", help="Its id; made from the name where none is given.")] = "",
    team: Annotated[str, typer.Option("--team", help="Who owns it; the acting person's team else.")] = "",
    description: Annotated[str, typer.Option("--description", help="What is in it.")] = "",
    location: Annotated[str, typer.Option("--location", help="Where it lies.")] = "",
    quality: Annotated[str, typer.Option("--quality", help="What is known of its quality.")] = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Record a data source, or what has changed about it."""
    values = {
        "source": source,
        "name": name,
        "personal_data": personal_data,
        "team": team,
        "description": description,
        "location": location,
        "quality": quality,
    }

    def told(result: Any) -> None:
        say(f"{name} is on record as {result['source']}.")

    options.report(context, "record_data_source", values, told, store=store, person=person, as_json=as_json)


@data.command("upstream")
def upstream(
    context: typer.Context,
    source: Source,
    origin: Annotated[str, typer.Argument(metavar="UPSTREAM", help="The source it is made from.")],
    how: Annotated[str, typer.Option("--how", help="How it is made from it, in words.")] = "",
    column: Columns = None,
    end: Annotated[bool, typer.Option("--end", help="It is no longer made from it.")] = False,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Record that a source is made from another one, or no longer is."""

    def told(result: Any) -> None:
        say(f"{source} is {'no longer ' if end else ''}made from {origin}.")

    values: dict[str, Any] = {"source": source, "upstream": origin}
    values |= {} if end else {"how": how, "columns": column or ()}
    name = "end_data_upstream" if end else "record_data_upstream"
    options.report(context, name, values, told, store=store, person=person, as_json=as_json)


@data.command("use")
def use(
    context: typer.Context,
    source: Source,
    initiative: Initiative,
    how: How,
    version: OfVersion = "",
    column: Columns = None,
    end: Annotated[bool, typer.Option("--end", help="This use is over.")] = False,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Record that a model uses data, or no longer does."""

    def told(result: Any) -> None:
        say(f"{initiative} {'no longer uses' if end else 'uses'} {source} for {how}.")

    values: dict[str, Any] = {"source": source, "initiative": initiative, "version": version, "how": how}
    values |= {} if end else {"columns": column or ()}
    name = "end_data_use" if end else "record_data_use"
    options.report(context, name, values, told, store=store, person=person, as_json=as_json)


@data.command("serves")
def serves(
    context: typer.Context,
    initiative: Initiative,
    process: Annotated[
        list[str] | None, typer.Option("--process", help="A business process; repeat for more.")
    ] = None,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Record which business processes an initiative serves; the list replaces the one before."""

    def told(result: Any) -> None:
        say(f"{initiative} serves {', '.join(result['processes']) or 'no business process'}.")

    values = {"initiative": initiative, "processes": process or ()}
    options.report(
        context, "record_business_processes", values, told, store=store, person=person, as_json=as_json
    )


@data.command("bad")
def bad(
    context: typer.Context,
    source: Source,
    reason: Why,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Mark data as bad, and see which initiatives that reaches."""

    def told(result: Any) -> None:
        reached = result["initiatives"]
        say(f"{source} is marked as bad. It reaches {len(reached)} initiatives{': ' if reached else '.'}")
        for initiative in reached:
            say(f"  {initiative}")

    values = {"source": source, "reason": reason}
    options.report(context, "mark_data_bad", values, told, store=store, person=person, as_json=as_json)


@data.command("clear")
def clear(
    context: typer.Context,
    source: Source,
    reason: Why,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Take the warning about data back."""

    def told(result: Any) -> None:
        say(f"{source} is no longer marked as bad.")

    values = {"source": source, "reason": reason}
    options.report(context, "clear_data", values, told, store=store, person=person, as_json=as_json)


@data.command("list")
def list_sources(
    context: typer.Context,
    team: Annotated[str, typer.Option("--team", help="Only what has to do with this team.")] = "",
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """List the data sources."""
    values = {"team": team, "as_of": as_of}
    options.report(
        context, "read_lineage", values, reports.show_sources, store=store, person=person, as_json=as_json
    )


@data.command("show")
def show(
    context: typer.Context,
    source: Source,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Show a data source: what it is made of, what is made of it, who uses it."""
    values = {"source": source, "as_of": as_of}
    options.report(
        context, "show_data_source", values, reports.show_source, store=store, person=person, as_json=as_json
    )


def lineage(
    context: typer.Context,
    team: Annotated[str, typer.Option("--team", help="What a team owns, and its lineage.")] = "",
    source: Annotated[str, typer.Option("--data", help="A data source, and its lineage.")] = "",
    model: Annotated[str, typer.Option("--model", help="An initiative, and its lineage.")] = "",
    process: Annotated[str, typer.Option("--process", help="A business process, and its lineage.")] = "",
    past: Annotated[
        bool, typer.Option("--past", help="Uses of superseded and retired versions too.")
    ] = False,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Show which team uses which data, how, in which models, for which business process."""
    values = {"team": team, "source": source, "model": model, "process": process, "past": past}
    options.report(
        context,
        "read_lineage",
        {**values, "as_of": as_of},
        reports.show_lineage,
        store=store,
        person=person,
        as_json=as_json,
    )
