"""What people and programs are told of the product: the help of every command, and `openapi.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from core.entrypoints.api import create_api
from core.entrypoints.cli import build
from core.services.governance import Governance
from core.services.record.identity import Door

_WIDE = 10_000
"""Columns of a terminal on which no line of help is broken."""


def words(governance: Governance) -> dict[str, str]:
    """The help of all commands in one file, and the description of the API."""
    api = create_api(Door(governance, "a token that is never asked for")).openapi()
    said = "\n".join(_helps(get_command(build()), None, "governance"))
    return {"help.txt": said, "openapi.json": json.dumps(api, indent=1, sort_keys=True) + "\n"}


def _helps(command: Any, parent: Any, name: str) -> Iterator[str]:
    """The help of a command and of those below it; columns do not count, words do."""
    wide = {**command.context_settings, "terminal_width": _WIDE, "max_content_width": _WIDE}
    context = command.context_class(command, info_name=name, parent=parent, **wide)
    yield re.sub(r"(?<=\S) {2,}", "  ", command.get_help(context)) + "\n"
    for below, one in getattr(command, "commands", {}).items():
        yield from _helps(one, context, below)
