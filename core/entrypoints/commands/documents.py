"""Writing a document to a file or to the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from core.domain.errors import BadInput
from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Initiative, Json, Person, Store
from core.entrypoints.reports.printing import say, show_json


def document(
    context: typer.Context,
    initiative: Initiative,
    kind: Annotated[str, typer.Option("--kind", help="card or technical.")] = "card",
    form: Annotated[str, typer.Option("--format", help="html or md.")] = "md",
    version: options.Version = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="File or folder to write to; else it is printed.")
    ] = None,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Write a model card or technical file from the record."""
    values = {"initiative": initiative, "kind": kind, "form": form, "version": version, "as_of": as_of}
    with options.reach(context, store, person) as caller:
        result = caller.call("write_document", values)
    if out is not None:
        place = out / result["file_name"] if out.is_dir() else out
        _write(place, result["content"])
        said = f"{result['title']} is written to {place}; {len(result['missing'])} things are missing."
        show_json({**result, "written_to": str(place)}) if as_json else say(said)
    elif as_json:
        show_json(result)
    else:
        sys.stdout.write(result["content"])


def _write(place: Path, content: str) -> None:
    try:
        place.write_text(content, encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"the document cannot be written: {error.strerror}",
            where=str(place),
            remedy="Name another place.",
        ) from error
