"""Commands on the policy: check a file, put it in force, write the schema for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.connectors.settings import read_settings
from core.entrypoints.commands import options
from core.entrypoints.commands.options import Json, Person, Store
from core.entrypoints.printing import say, show_json

policy = typer.Typer(help="The policy that decides.")

PolicyFile = Annotated[Path, typer.Argument(help="The policy file.")]


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


@policy.command("publish")
def publish(
    context: typer.Context,
    file: PolicyFile,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Put a policy in force; a wrong one is refused and the old one stays."""

    def told(result: Any) -> None:
        say(f"Policy version {result['version']} is in force.")

    from core.connectors.yaml_lines import read_text

    values = {"text": read_text(file, str(file)), "name": file.name}
    options.report(context, "publish_policy", values, told, store=store, person=person, as_json=as_json)


@policy.command("schema")
def schema() -> None:
    """Print the JSON Schema of a policy file, for editors."""
    from core.connectors.policy_file import policy_schema

    show_json(policy_schema())
