"""Options that the commands share, and the one way to run an operation and print its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from core.connectors.settings import Settings, read_settings
from core.entrypoints.client import Caller, open_caller
from core.entrypoints.reports.printing import show_json

Store = Annotated[Path | None, typer.Option("--store", help="Folder of the store.", show_default=False)]
Person = Annotated[
    str | None,
    typer.Option("--as", help="Who acts: a person's id, or a persona of the demo.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
AsOf = Annotated[
    str,
    typer.Option(
        "--as-of", help="Read as it stood at the end of a UTC day, or at a UTC time.", metavar="DAY"
    ),
]
Initiative = Annotated[str, typer.Argument(help="The initiative's id, as 'governance list' shows it.")]
Version = Annotated[
    str, typer.Option("--version", help="Model version; the current one where none is named.")
]


def remember(context: typer.Context, store: Path | None, person: str | None) -> None:
    """Keep what was given before the command's name."""
    context.obj = {"store": store, "person": person}


def settings_for(context: typer.Context, store: Path | None) -> Settings:
    """The settings, with the store that was named on the command line."""
    return read_settings(store=store or (context.obj or {}).get("store"))


@contextmanager
def reach(context: typer.Context, store: Path | None, person: str | None) -> Iterator[Caller]:
    """Reach the store in the name of the acting person."""
    named = person if person is not None else (context.obj or {}).get("person")
    with open_caller(settings_for(context, store), named or "") as caller:
        yield caller


def report(
    context: typer.Context,
    name: str,
    parameters: Mapping[str, Any],
    show: Callable[[Any], None],
    *,
    store: Path | None,
    person: str | None,
    as_json: bool,
) -> Any:
    """Run an operation and print its result, for people or for programs."""
    with reach(context, store, person) as caller:
        result = caller.call(name, parameters)
    if as_json:
        show_json(result)
    else:
        show(result)
    return result
