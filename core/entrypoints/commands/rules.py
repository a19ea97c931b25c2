"""Checking files of rules without a store, and their schema for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.connectors.settings import read_settings
from core.entrypoints.commands.options import Json
from core.entrypoints.reports.printing import say, show_json


def check_policy(
    file: Annotated[Path, typer.Argument(help="The policy file.")], as_json: Json = False
) -> None:
    """Check a policy file: exit code 0, or 2 with every fault and its line."""
    from core.connectors.config_files import read_config, read_policy
    from core.domain.actors import Roles

    found, _ = read_policy(file, read_config(read_settings().config / "roles.yaml", Roles))
    if as_json:
        show_json({"version": found.version, "title": found.title, "measures": len(found.measures)})
    else:
        say(
            f"{file} is sound: version {found.version}, {len(found.questions)} questions, "
            f"{len(found.classes)} classes, {len(found.measures)} measures, {len(found.gates)} gates."
        )


def policy_schema() -> None:
    """Print the JSON Schema of a policy file, for editors."""
    from core.connectors.config_files import policy_schema

    show_json(policy_schema())


def check_ethics(
    file: Annotated[Path, typer.Argument(help="The file of the position.")], as_json: Json = False
) -> None:
    """Check a position against the policy file: exit code 0, or 2 with every fault and its line."""
    from core.connectors.config_files import read_config, read_ethics, read_policy
    from core.domain.actors import Roles

    config = read_settings().config
    policy, _ = read_policy(config / "policy.yaml", read_config(config / "roles.yaml", Roles))
    found, _ = read_ethics(file, policy)
    if as_json:
        show_json({"version": found.version, "title": found.title, "domains": len(found.domains)})
    else:
        levels = len(found.transparency.levels)
        say(
            f"{file} is sound: version {found.version}, all five questions answered, "
            f"{levels} levels of transparency, limits for {len(found.domains)} domains."
        )
