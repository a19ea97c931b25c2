"""Commands on the policy: check, draft, compare, preview, review, publish; the schema for editors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from core.connectors.settings import read_settings
from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Json, Person, Store
from core.entrypoints.reports import policy as reports_policy
from core.entrypoints.reports.printing import say, show_json

policy = typer.Typer(help="The policy that decides.")

PolicyFile = Annotated[Path, typer.Argument(help="The policy file.")]
DraftName = Annotated[str, typer.Argument(metavar="DRAFT", help="Its name, such as P1.")]
Wanted = Annotated[str, typer.Argument(metavar="DRAFT|FILE", help="A draft such as P1, or a policy file.")]


@policy.command("check")
def check_policy(file: PolicyFile, as_json: Json = False) -> None:
    """Check a policy file: exit code 0, or 2 with every fault and its line."""
    from core.connectors.config_files import read_roles
    from core.connectors.policy_file import read_policy

    found, _ = read_policy(file, read_roles(read_settings().config / "roles.yaml"))
    if as_json:
        show_json({"version": found.version, "title": found.title, "measures": len(found.measures)})
    else:
        say(
            f"{file} is sound: version {found.version}, {len(found.questions)} questions, "
            f"{len(found.classes)} classes, {len(found.measures)} measures, {len(found.gates)} gates."
        )


@policy.command("draft")
def draft(
    context: typer.Context,
    file: PolicyFile,
    note: Annotated[str, typer.Option("--note", help="Why it is to change.")] = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Put a draft on record; a wrong one is refused with every fault and its line."""

    def told(result: Any) -> None:
        say(f"Draft {result['draft']} is on record. Compare, preview, and let somebody else review it.")

    values = {"text": _text(file), "name": file.name, "note": note}
    options.report(context, "draft_policy", values, told, store=store, person=person, as_json=as_json)


@policy.command("drafts")
def drafts(
    context: typer.Context,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """List the drafts, newest first."""
    options.report(
        context,
        "list_policy_drafts",
        {"as_of": as_of},
        reports_policy.show_drafts,
        store=store,
        person=person,
        as_json=as_json,
    )


@policy.command("compare")
def compare(
    context: typer.Context,
    wanted: Wanted,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Compare a draft or a file with the policy in force, cell by cell."""
    options.report(
        context,
        "compare_policy",
        {**_draft_or_text(wanted), "as_of": as_of},
        reports_policy.show_comparison,
        store=store,
        person=person,
        as_json=as_json,
    )


@policy.command("preview")
def preview(
    context: typer.Context,
    wanted: Wanted,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Show what a draft or a file would change over the whole inventory."""
    options.report(
        context,
        "preview_policy",
        {**_draft_or_text(wanted), "as_of": as_of},
        reports_policy.show_preview,
        store=store,
        person=person,
        as_json=as_json,
    )


@policy.command("review")
def review(
    context: typer.Context,
    name: DraftName,
    outcome: Annotated[str, typer.Option("--outcome", help="approved or rejected.")],
    note: Annotated[str, typer.Option("--note", help="Why; it stays on record.")],
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Approve or reject a draft that somebody else made."""
    values = {"draft": name, "outcome": outcome, "note": note}

    def told(result: Any) -> None:
        say(f"Draft {result['draft']} is {result['outcome']}.")

    options.report(context, "review_policy", values, told, store=store, person=person, as_json=as_json)


@policy.command("publish")
def publish(
    context: typer.Context,
    name: DraftName,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Put an approved draft in force; it never changes from then on."""

    def told(result: Any) -> None:
        say(f"Policy version {result['version']} is in force.")

    options.report(
        context, "publish_policy", {"draft": name}, told, store=store, person=person, as_json=as_json
    )


def _text(file: Path) -> str:
    from core.connectors.yaml_lines import read_text

    return read_text(file, str(file))


def _draft_or_text(wanted: str) -> dict[str, str]:
    """A draft's name, or else the text of a file."""
    return {"draft": wanted} if re.fullmatch(r"P\d+", wanted) else {"text": _text(Path(wanted))}


@policy.command("schema")
def schema() -> None:
    """Print the JSON Schema of a policy file, for editors."""
    from core.connectors.policy_file import policy_schema

    show_json(policy_schema())
