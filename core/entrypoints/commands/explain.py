"""Commands that explain: show an explanation, compute one, keep a model file, add attributions."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from typer.core import TyperGroup

from core.domain.errors import BadInput
from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Initiative, Json, Person, Store, Version
from core.entrypoints.operations.explain import INCOMING
from core.entrypoints.reports import explain as reports
from core.entrypoints.reports.printing import say

Part = Annotated[str, typer.Option("--part", help="analysis or reference; analysis where there is any.")]
Of = Annotated[str, typer.Option("--initiative", help="The initiative's id.")]


class ShowByDefault(TyperGroup):
    """`governance explain INITIATIVE` shows: a first word that is no command names an initiative."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `show` before the arguments where no command is named."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["show", *args]
        return super().parse_args(ctx, args)


explain = typer.Typer(
    cls=ShowByDefault, help="What scores come from: 'governance explain INITIATIVE', and how to get there."
)


@explain.command("show")
def show(
    context: typer.Context,
    initiative: Initiative,
    version: Version = "",
    row: Annotated[str, typer.Option("--row", help="Why this prediction: the row's id.")] = "",
    feature: Annotated[str, typer.Option("--feature", help="This feature along its values.")] = "",
    by: Annotated[str, typer.Option("--by", help="Column whose groups are held apart.")] = "",
    between: Annotated[
        tuple[str, str], typer.Option("--between", help="Two groups of that column; else the two largest.")
    ] = ("", ""),
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Show which features the scores of a version come from."""
    values: dict[str, Any] = {"initiative": initiative, "version": version, "row": row}
    values |= {"feature": feature, "by": by, "between": [one for one in between if one], "as_of": as_of}
    options.report(
        context,
        "explanation_report",
        values,
        reports.show_explanation,
        store=store,
        person=person,
        as_json=as_json,
    )


@explain.command("run")
def run(
    context: typer.Context,
    initiative: Initiative,
    version: Version = "",
    part: Part = "",
    rows: Annotated[int, typer.Option("--rows", help="Rows to sample.")] = 5000,
    row: Annotated[list[str] | None, typer.Option("--row", help="A row that must be among them.")] = None,
    outcome: Annotated[str, typer.Option("--outcome", help="Class to explain, of several.")] = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Explain a version by its kept model file; takes 5 seconds and more, Ctrl-C stops it."""
    values = {"initiative": initiative, "version": version, "part": part, "rows": rows}

    def told(result: Any) -> None:
        say(f"{result['rows']:,} scores of {initiative} version {result['version']} are explained.")

    options.report(
        context,
        "explain_version",
        {**values, "row": row or (), "outcome": outcome},
        told,
        store=store,
        person=person,
        as_json=as_json,
    )


@explain.command("model")
def model(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="LightGBM text, XGBoost JSON, skops or ONNX.")],
    initiative: Of,
    version: Version = "",
    feature: Annotated[
        list[str] | None, typer.Option("--feature", help="Where the file names none: in training's order.")
    ] = None,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Keep the model file of a version, so that its predictions can be explained."""
    values = {"initiative": initiative, "version": version, "features": feature or ()}

    def told(result: Any) -> None:
        say(f"The model of {initiative} version {result['version']} is kept, sha256 {result['sha256']}.")

    with _laid(context, store, file) as incoming:
        options.report(
            context,
            "keep_model",
            {**values, "incoming": incoming, "name": file.name},
            told,
            store=store,
            person=person,
            as_json=as_json,
        )


@explain.command("add")
def add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Parquet: row_id and a column a feature.")],
    initiative: Of,
    version: Version = "",
    part: Part = "",
    base_value: Annotated[
        float | None, typer.Option("--base-value", help="Score before any feature is known.")
    ] = None,
    scale: Annotated[str, typer.Option("--scale", help="log_odds, probability, output, log or raw.")] = "",
    method: Annotated[str, typer.Option("--method", help="How they were made.")] = "",
    outcome: Annotated[str, typer.Option("--outcome", help="Class that they explain, of several.")] = "",
    unused: Annotated[
        list[str] | None, typer.Option("--unused", help="Column that the model does not use; repeat.")
    ] = None,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Add attributions that were made elsewhere."""
    values: dict[str, Any] = {"initiative": initiative, "version": version, "part": part}
    values |= {"base_value": base_value}
    values |= {"scale": scale, "method": method, "outcome": outcome, "unused": unused or ()}

    def told(result: Any) -> None:
        say(f"Attributions of {result['rows']:,} rows of {initiative} version {result['version']} are kept.")

    with _laid(context, store, file) as incoming:
        options.report(
            context,
            "add_attributions",
            {**values, "incoming": incoming, "name": file.name},
            told,
            store=store,
            person=person,
            as_json=as_json,
        )


@contextmanager
def _laid(context: typer.Context, store: Path | None, file: Path) -> Iterator[str]:
    """Lay a copy of a file into the store's `incoming` folder, and remove it afterwards."""
    if not file.is_file():
        raise BadInput(f"there is no file '{file.name[:80]}'", remedy="Give the path of a file.")
    incoming = options.settings_for(context, store).store / INCOMING
    copy = incoming / f"{uuid4().hex}{file.suffix.lower()[:10]}"
    try:
        incoming.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
        yield copy.name
    finally:
        copy.unlink(missing_ok=True)
        if incoming.is_dir() and not any(incoming.iterdir()):
            incoming.rmdir()
