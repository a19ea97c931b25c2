"""Commands on documents: model card and technical file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from core.domain.errors import BadInput
from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Initiative, Json, Person, Store
from core.entrypoints.reports.printing import minute, say, show_json

Kind = Annotated[str, typer.Option("--kind", help="card or technical.")]


def document(
    context: typer.Context,
    initiative: Initiative,
    kind: Kind = "card",
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


def document_text(
    context: typer.Context,
    initiative: Initiative,
    section: Annotated[str, typer.Argument(help="The section, such as limits.")],
    text: Annotated[str, typer.Option("--text", help="What to write; empty takes back what stands there.")],
    kind: Kind = "card",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Write beside the generated text of a section, in your name."""

    def told(result: Any) -> None:
        say(f"It stands beside the section {result['section']}; earlier wordings are kept.")

    values = {"initiative": initiative, "kind": kind, "section": section, "text": text}
    options.report(context, "write_document_text", values, told, store=store, person=person, as_json=as_json)


def document_notes(
    context: typer.Context,
    initiative: Initiative,
    section: Annotated[str, typer.Argument(help="The section, such as limits.")],
    kind: Kind = "card",
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """List what people wrote beside a section, newest first."""

    def told(result: Any) -> None:
        for note in result["notes"]:
            say(f"{minute(note['at'])} {note['author']}: {note['text'] or '(taken back)'}")
        if not result["notes"]:
            say("Nobody has written beside this section.")

    values = {"initiative": initiative, "kind": kind, "section": section, "as_of": as_of}
    options.report(context, "read_document_notes", values, told, store=store, person=person, as_json=as_json)


def _write(place: Path, content: str) -> None:
    try:
        place.write_text(content, encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"the document cannot be written: {error.strerror}",
            where=str(place),
            remedy="Name another place.",
        ) from error
