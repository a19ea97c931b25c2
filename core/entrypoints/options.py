"""Options that the commands share, and the one way to run an operation and print its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from core.connectors.settings import Settings, read_settings
from core.entrypoints.client import Caller, open_caller
from core.entrypoints.reports.printing import show_json
from core.services.plain import Result

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
SHARED: Mapping[str, tuple[object, object]] = {
    "folder": (Store, None),
    "acting": (Person, None),
    "as_json": (Json, False),
}
"""Parameter of every command -> what is typed, and its default."""


def remember(context: typer.Context, store: Path | None, person: str | None) -> None:
    """Keep what was given before the command's name."""
    context.obj = {"store": store, "person": person}


@dataclass(frozen=True)
class Asker:
    """Who asks, of which store, and how it is printed; what is not said here was said before the command."""

    context: typer.Context
    store: Path | None = None
    person: str | None = None
    as_json: bool = False

    @property
    def settings(self) -> Settings:
        """The settings, with the store that was named on the command line."""
        return read_settings(store=self.store or (self.context.obj or {}).get("store"))

    @contextmanager
    def reach(self) -> Iterator[Caller]:
        """Reach the store in the name of the acting person."""
        named = self.person if self.person is not None else (self.context.obj or {}).get("person")
        with open_caller(self.settings, named or "") as caller:
            yield caller

    def report(self, name: str, parameters: Mapping[str, object], show: Callable[[Result], None]) -> Result:
        """Run an operation and print its result, for people or for programs."""
        with self.reach() as caller:
            result = caller.call(name, parameters)
        if self.as_json:
            show_json(result)
        else:
            show(result)
        return result
