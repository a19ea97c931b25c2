"""Commands on prediction batches: add a file, list what is there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from core.domain.errors import BadInput
from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Initiative, Json, Person, Store, Version
from core.entrypoints.reports.printing import minute, say, show_json, show_table

INCOMING = "incoming"

predictions = typer.Typer(help="Predictions of model versions.")


@predictions.command("add")
def add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8), Parquet or Arrow.")],
    model_version: Annotated[
        str, typer.Option("--model-version", help="INITIATIVE/VERSION.", metavar="ID")
    ] = "",
    role: Annotated[
        str, typer.Option("--role", "--part", help="reference (validated) or analysis (production).")
    ] = "",
    initiative: Annotated[str, typer.Option("--initiative", help="In place of --model-version.")] = "",
    version: Annotated[str, typer.Option("--version", help="In place of --model-version.")] = "",
    task: Annotated[
        str, typer.Option("--task", help="binary, regression or multiclass; as registered by default.")
    ] = "",
    prediction: Annotated[str, typer.Option("--prediction", help="Column of the prediction.")] = "",
    score: Annotated[
        list[str] | None,
        typer.Option("--score", help="Column of the score; CLASS=COLUMN, repeated, for multiclass."),
    ] = None,
    target: Annotated[str, typer.Option("--target", help="Column of the true label.")] = "",
    row_id: Annotated[str, typer.Option("--id", help="Column of the row's id; else rows are numbered.")] = "",
    timestamp: Annotated[str, typer.Option("--timestamp", help="Column of the time.")] = "",
    feature: Annotated[
        list[str] | None, typer.Option("--feature", help="Column to keep; repeat. All by default.")
    ] = None,
    sensitive: Annotated[
        list[str] | None, typer.Option("--sensitive", help="Sensitive column; repeat.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--class", help="Label that may occur; repeat, the negative first.")
    ] = None,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Add a file of predictions; which column is what is named once and kept for the version."""
    initiative, version = _model_version(model_version, initiative, version)
    values: dict[str, Any] = {
        "initiative": initiative,
        "version": version,
        "part": role,
        "name": file.name,
        "task": task or None,
        "prediction": prediction,
        "target": target,
        "row_id": row_id,
        "timestamp": timestamp,
        "scores": score or (),
        "features": feature or (),
        "sensitive": sensitive or (),
        "classes": label or (),
    }
    with options.reach(context, store, person) as caller:
        incoming = options.settings_for(context, store).store / INCOMING
        copy = incoming / f"{uuid4().hex}{file.suffix.lower()}"
        try:
            _lay(file, copy)
            result = caller.call("add_predictions", {**values, "incoming": copy.name})
        finally:
            copy.unlink(missing_ok=True)
            if incoming.is_dir() and not any(incoming.iterdir()):
                shutil.rmtree(incoming)
    if as_json:
        show_json(result)
        return
    say(f"{result['rows']:,} rows are on record as {role} of {initiative} version {version}.")
    for warning in result["warnings"]:
        say(f"Note: {warning}")


@predictions.command("list")
def list_batches(
    context: typer.Context,
    initiative: Initiative,
    version: Version = "",
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """List a version's batches with their notes, and the columns that are kept for the next file."""
    values = {"initiative": initiative, "version": version, "as_of": as_of}
    options.report(
        context, "list_prediction_batches", values, _show, store=store, person=person, as_json=as_json
    )


def _model_version(both: str, initiative: str, version: str) -> tuple[str, str]:
    if both:
        initiative, _, version = both.rpartition("/")
    if not (initiative and version):
        raise BadInput(
            "no model version is named",
            where="--model-version",
            remedy="Write it like --model-version card-limit-advice/1.",
        )
    return initiative, version


def _lay(file: Path, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(file, copy)
    except OSError as error:
        raise BadInput(
            f"the file cannot be read: {error.strerror or error}", where=str(file), remedy="Check the path."
        ) from error


def _show(result: Any) -> None:
    headings = ("Added", "Role", "Rows", "With outcome", "File", "Notes")
    lines = [
        (
            minute(batch["recorded_at"]),
            batch["part"],
            f"{batch['rows']:,}",
            f"{batch['labelled']:,}",
            batch["source_name"],
            " ".join(batch["warnings"]),
        )
        for batch in result["batches"]
    ]
    show_table(headings, lines, right=(2, 3))
    mapping = result["mapping"]
    if mapping is None:
        say("No columns are kept for this version yet.")
        return
    named = {"id": "row_id", "time": "timestamp", "prediction": "prediction", "target": "target"}
    words = [f"{title} '{mapping[field]}'" for title, field in named.items() if mapping[field]]
    words += [f"score{' of ' + label if label else ''} '{name}'" for label, name in mapping["scores"].items()]
    say(f"Kept columns: {', '.join(words)}; {len(mapping['features']):,} features.")
    if mapping["sensitive"]:
        say(f"Sensitive: {', '.join(mapping['sensitive'])}.")
