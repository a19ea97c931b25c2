"""The command that estimates the performance of a model version anew."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.entrypoints.commands import options
from core.entrypoints.commands.options import Initiative, Json, Person, Store, Version
from core.entrypoints.printing import say

monitoring = typer.Typer(help="Estimates of performance decay.")


@monitoring.callback()
def _group() -> None:
    """Keep `refresh` a command of its own name while it is the only one."""


@monitoring.command("refresh")
def refresh(
    context: typer.Context,
    initiative: Initiative,
    version: Version = "",
    chunk_size: Annotated[int, typer.Option("--chunk-size", help="Rows a chunk.")] = 5000,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Estimate performance from the prediction batches; takes 10 seconds and more, Ctrl-C stops it."""
    values = {"initiative": initiative, "version": version, "chunk_size": chunk_size}

    def told(result: Any) -> None:
        say(f"{result['chunks']:,} estimates of {initiative} version {result['version']} are on record.")

    options.report(context, "refresh_monitoring", values, told, store=store, person=person, as_json=as_json)
