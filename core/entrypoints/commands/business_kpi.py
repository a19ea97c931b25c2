"""Commands on business KPIs: what was promised at scoping, and what was achieved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.domain.errors import BadInput
from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Initiative, Json, Person, Store
from core.entrypoints.reports import explain as reports
from core.entrypoints.reports.printing import say

business_kpi = typer.Typer(help="Business KPIs: promised at scoping, achieved since.")
Kpi = Annotated[str, typer.Option("--kpi", help="The KPI's id, as 'business-kpi show' gives it.")]
Note = Annotated[str, typer.Option("--note", help="A note; the reason where it corrects something.")]


@business_kpi.command("set")
def promise(
    context: typer.Context,
    initiative: Initiative,
    name: Annotated[str, typer.Option("--name", help="What is measured; the same name again revises it.")],
    direction: Annotated[str, typer.Option("--direction", help="up or down: which way is better.")],
    baseline: Annotated[float, typer.Option("--baseline", help="Value before.")],
    baseline_on: Annotated[str, typer.Option("--baseline-on", help="Its day, like 2026-03-31.")],
    target: Annotated[float, typer.Option("--target", help="Value promised.")],
    target_on: Annotated[str, typer.Option("--by", help="By which day, like 2026-12-31.")],
    unit: Annotated[str, typer.Option("--unit", help="Unit, such as % or days.")] = "",
    source: Annotated[str, typer.Option("--source", help="Where the figure comes from.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why it is revised.")] = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Promise a business KPI, or revise what was promised."""
    values: dict[str, Any] = {"initiative": initiative, "name": name, "unit": unit, "direction": direction}
    values |= {"baseline": baseline, "baseline_on": baseline_on, "target": target, "target_on": target_on}
    values |= {"source": source, "reason": reason}

    def told(result: Any) -> None:
        say(f"Promised as {result['kpi']} of {initiative}.")

    options.report(context, "set_business_kpi", values, told, store=store, person=person, as_json=as_json)


@business_kpi.command("observe")
def observe(
    context: typer.Context,
    initiative: Initiative,
    kpi: Kpi,
    day: Annotated[str, typer.Option("--on", help="Day of the observation, like 2026-03-31.")],
    value: Annotated[
        float | None, typer.Option("--value", help="What was achieved; none withdraws the day's value.")
    ] = None,
    note: Note = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Record what was achieved on a day, or correct or withdraw it."""
    values: dict[str, Any] = {
        "initiative": initiative,
        "kpi": kpi,
        "observed_on": day,
        "value": value,
        "note": note,
    }

    def told(result: Any) -> None:
        what = "Withdrawn" if result["value"] is None else f"{result['value']:g} is on record"
        say(f"{what} for {result['observed_on']}.")

    options.report(context, "observe_business_kpi", values, told, store=store, person=person, as_json=as_json)


@business_kpi.command("import")
def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV with the columns date, value and perhaps note.")],
    initiative: Annotated[str, typer.Option("--initiative", help="The initiative's id.")],
    kpi: Kpi,
    note: Note = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Record many observations from CSV, all or none."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadInput(f"'{file.name[:80]}' cannot be read", remedy="Give the path of a CSV file.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"'{file.name[:80]}' is not UTF-8", remedy="Save it as CSV UTF-8.") from error
    values: dict[str, Any] = {
        "initiative": initiative,
        "kpi": kpi,
        "text": text,
        "name": file.name,
        "note": note,
    }

    def told(result: Any) -> None:
        say(f"{result['observations']:,} observations are on record.")

    options.report(context, "import_observations", values, told, store=store, person=person, as_json=as_json)


@business_kpi.command("show")
def show(
    context: typer.Context,
    initiative: Initiative,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Show what an initiative promised and achieved, corrections included."""
    values: dict[str, Any] = {"initiative": initiative, "as_of": as_of}
    options.report(
        context,
        "business_kpis",
        values,
        reports.show_kpis_in_full,
        store=store,
        person=person,
        as_json=as_json,
    )


@business_kpi.command("list")
def list_kpis(
    context: typer.Context,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """List the business KPIs of all initiatives."""
    options.report(
        context,
        "business_kpis",
        {"as_of": as_of},
        reports.show_kpi_list,
        store=store,
        person=person,
        as_json=as_json,
    )
