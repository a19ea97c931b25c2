"""Commands on initiatives: register, list, show, evidence, versions, checks, gates, overrides."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated, Any

import typer

from core.domain.errors import BadInput, GovernanceError
from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Initiative, Json, Person, Store
from core.entrypoints.reports import figures as reports
from core.entrypoints.reports.printing import clean, complain, say, show_json

EVIDENCE_BYTES = 25 * 1024 * 1024
OPEN, BLOCKED, BROKEN = 0, 1, 2

evidence = typer.Typer(help="Evidence for what is required.")


def list_initiatives(
    context: typer.Context,
    search: Annotated[str, typer.Argument(help="Words in the name, id, purpose, owner or team.")] = "",
    risk_class: Annotated[
        list[str] | None, typer.Option("--class", help="Risk class; repeat for more.")
    ] = None,
    team: Annotated[list[str] | None, typer.Option("--team", help="Team; repeat for more.")] = None,
    domain: Annotated[list[str] | None, typer.Option("--domain", help="Domain; repeat for more.")] = None,
    status: Annotated[str, typer.Option("--status", help="live, in_progress, overdue or failing.")] = "",
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """List initiatives with their status."""
    filters = {"search": search, "classes": risk_class or (), "teams": team or (), "domains": domain or ()}
    values = {**filters, "status": status, "as_of": as_of}
    options.report(
        context,
        "list_initiatives",
        values,
        reports.show_inventory,
        store=store,
        person=person,
        as_json=as_json,
    )


def show(
    context: typer.Context,
    initiative: Initiative,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Show an initiative: class, requirements, gates, versions, evidence."""
    values = {"initiative": initiative, "as_of": as_of}
    options.report(
        context, "show_initiative", values, reports.show_sheet, store=store, person=person, as_json=as_json
    )


def override(
    context: typer.Context,
    initiative: Initiative,
    class_id: Annotated[str, typer.Argument(metavar="CLASS", help="low, moderate, high or very_high.")],
    justification: Annotated[str, typer.Option("--justification", help="Why, in a sentence or two.")],
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Put an initiative into another class than its answers lead to."""
    values = {"initiative": initiative, "class_id": class_id, "justification": justification}

    def told(result: Any) -> None:
        say(f"{result['initiative']} is now in class {result['class_title']}.")

    options.report(
        context, "override_classification", values, told, store=store, person=person, as_json=as_json
    )


@evidence.command("add")
def add_evidence(
    context: typer.Context,
    initiative: Initiative,
    measure: Annotated[str, typer.Argument(help="The measure, as 'governance show' lists it.")],
    title: Annotated[str, typer.Option("--title", help="What the evidence is.")],
    link: Annotated[str, typer.Option("--link", help="Where it lies.")] = "",
    file: Annotated[Path | None, typer.Option("--file", help="A file to keep by its digest.")] = None,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Submit evidence for a measure: a link or a file."""
    values: dict[str, Any] = {"initiative": initiative, "measure": measure, "title": title, "link": link}
    if file is not None:
        values |= {"file_name": file.name, "content_base64": base64.b64encode(_content(file)).decode()}

    def told(result: Any) -> None:
        digest = f", kept as sha256 {result['sha256']}" if result["sha256"] else ""
        say(f"Evidence for {result['measure']} of {result['initiative']} is on record{digest}.")

    options.report(context, "submit_evidence", values, told, store=store, person=person, as_json=as_json)


def _content(file: Path) -> bytes:
    try:
        if file.stat().st_size > EVIDENCE_BYTES:
            raise BadInput(
                "the file is larger than 25 MiB",
                where=str(file),
                remedy="Put it where it belongs; submit a link.",
            )
        return file.read_bytes()
    except OSError as error:
        raise BadInput(
            f"the file cannot be read: {error.strerror}", where=str(file), remedy="Check the path."
        ) from error


def check(
    context: typer.Context,
    initiative: Initiative,
    only: Annotated[list[str] | None, typer.Option("--only", help="A check by id; repeat for more.")] = None,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Run the automatic checks; exit code 1 where one fails or cannot tell."""
    values = {"initiative": initiative, "checks": only or ()}
    result = options.report(
        context, "run_checks", values, reports.show_checks, store=store, person=person, as_json=as_json
    )
    if any(found["verdict"] != "pass" for found in result["checks"]):
        raise typer.Exit(1)


def decide(
    context: typer.Context,
    initiative: Initiative,
    gate: Annotated[str, typer.Option("--gate", help="The gate, such as deployment.")],
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Ask whether a gate is open: exit code 0 open, 1 blocked, 2 could not be decided.

    The answer goes on record; with --as-of nothing is recorded.
    """
    values = {"initiative": initiative, "gate": gate} | ({"as_of": as_of} if as_of else {})
    name = "ask_gate" if as_of else "decide_gate"
    try:
        result = options.report(
            context, name, values, reports.show_decision, store=store, person=person, as_json=as_json
        )
        outcome, decided = result["outcome"], result["decided"]
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except Exception as error:  # any doubt closes the gate
        _shut(error, as_json=as_json)
        raise typer.Exit(BROKEN) from error
    if not decided:
        raise typer.Exit(BROKEN)
    raise typer.Exit(OPEN if outcome == "open" else BLOCKED)


def _shut(error: Exception, *, as_json: bool) -> None:
    problem = error if isinstance(error, GovernanceError) else unexpected(error)
    if as_json:
        parts = {"what": problem.what, "where": problem.where, "remedy": problem.remedy}
        show_json({"outcome": "blocked", "decided": False, "error": parts})
    else:
        say("blocked: the gate could not be decided")
    complain(f"governance: {problem}")


def unexpected(error: BaseException) -> GovernanceError:
    """One sentence for an error that nobody foresaw."""
    return GovernanceError(
        f"something went wrong that should not: {type(error).__name__}: {clean(error)[:200]}",
        remedy="Please report this with the command you gave.",
    )
