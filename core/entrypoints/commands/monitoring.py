"""The commands that show how a model decays, and that estimate its performance anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from core.domain.errors import BadInput
from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Initiative, Json, Person, Store, Version
from core.entrypoints.commands.predictions import INCOMING
from core.entrypoints.commands.predictions import _lay as lay_file
from core.entrypoints.reports.decay import show_decay
from core.entrypoints.reports.printing import say, show_json

monitoring = typer.Typer(help="Estimates of performance decay.")
_CROSSES = "+"


@monitoring.callback()
def _group() -> None:
    """Refresh estimates, and add outcomes that came later."""


@monitoring.command("refresh")
def refresh(
    context: typer.Context,
    initiative: Initiative,
    version: Version = "",
    chunk_size: Annotated[
        int | None, typer.Option("--chunk-size", min=2, help="Rows a chunk; 5,000 where nothing is said.")
    ] = None,
    period: Annotated[
        str | None, typer.Option("--period", help="Chunks by day, week, month, quarter or year instead.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by", help="Feature to divide people by, or several crossed: sex+race. Repeat; 'none' for none."
        ),
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option("--metric", help="Only this metric; repeat. All that can be, else.")
    ] = None,
    worth: Annotated[
        str,
        typer.Option("--worth", help="What outcomes are worth, '1,-5;-3,10' for TN,FP;FN,TP."),
    ] = "",
    refit: Annotated[bool, typer.Option("--refit", help="Let NannyML learn anew.")] = False,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Estimate performance from the prediction batches; a first time takes 10 seconds and more.

    Without --by each sensitive feature gets estimates of its own. Ctrl-C stops it, and nothing is recorded.
    """
    crossed = None if by is None else [one.split(_CROSSES) for one in by if one != "none"]
    values = {
        "initiative": initiative,
        "version": version,
        "chunk_size": chunk_size,
        "period": period,
        "by": crossed,
        "metrics": metric or [],
        "business_value": _worth(worth),
        "refit": refit,
    }

    def told(result: Any) -> None:
        say(f"{result['chunks']:,} estimates of {initiative} version {result['version']} are on record.")

    options.report(context, "refresh_monitoring", values, told, store=store, person=person, as_json=as_json)


@monitoring.command("outcomes")
def outcomes(
    context: typer.Context,
    initiative: Initiative,
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8), Parquet or Arrow with ids and outcomes.")],
    version: Version = "",
    row_id: Annotated[str, typer.Option("--id", help="Column of the row's id; as kept by default.")] = "",
    target: Annotated[str, typer.Option("--target", help="Column of the outcome; as kept by default.")] = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Add true outcomes that came after the predictions; the next refresh holds estimates against them."""
    values = {"initiative": initiative, "version": version, "row_id": row_id, "target": target}
    with options.reach(context, store, person) as caller:
        incoming = options.settings_for(context, store).store / INCOMING
        copy = incoming / f"{uuid4().hex}{file.suffix.lower()}"
        try:
            lay_file(file, copy)
            result = caller.call("add_outcomes", {**values, "name": file.name, "incoming": copy.name})
        finally:
            copy.unlink(missing_ok=True)
            if incoming.is_dir() and not any(incoming.iterdir()):
                incoming.rmdir()
    if as_json:
        show_json(result)
    else:
        say(f"{result['rows']:,} outcomes of {initiative} version {result['version']} are on record.")


def _worth(text: str) -> list[list[float]]:
    if not text:
        return []
    try:
        return [[float(cell) for cell in line.split(",")] for line in text.split(";")]
    except ValueError as problem:
        raise BadInput(
            f"'{text[:60]}' is no table of numbers", where="--worth", remedy="Write it like 1,-5;-3,10."
        ) from problem


def decay(
    context: typer.Context,
    initiative: Initiative,
    version: Version = "",
    metric: Annotated[
        str, typer.Option("--metric", help="Metric; the leading one where none is named.")
    ] = "",
    by: Annotated[
        list[str] | None,
        typer.Option("--by", help="Feature to divide people by; repeat to cross several."),
    ] = None,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Show estimated performance chunk by chunk, with what was realised; by group with --by."""
    crossed = [feature for one in by or [] for feature in one.split(_CROSSES)]
    values = {
        "initiative": initiative,
        "version": version,
        "metric": metric,
        "by": crossed,
        "as_of": as_of,
    }
    options.report(context, "decay_report", values, show_decay, store=store, person=person, as_json=as_json)
