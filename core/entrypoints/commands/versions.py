"""Commands on model versions: add, amend, promote, retire, list, compare."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.domain.errors import BadInput
from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Initiative, Json, Person, Store
from core.entrypoints.reports import versions as reports
from core.entrypoints.reports.printing import say

version = typer.Typer(help="Model versions.")

Label = Annotated[str, typer.Argument(metavar="VERSION", help="Its label, such as 2.")]
Artifact = Annotated[str, typer.Option("--artifact", help="Address of the model file.")]
ArtifactDigest = Annotated[str, typer.Option("--artifact-sha256", help="Its sha256.")]
Data = Annotated[str, typer.Option("--data", help="Address of the training data.")]
DataDigest = Annotated[str, typer.Option("--data-sha256", help="Its sha256.")]
DataKind = Annotated[str, typer.Option("--data-kind", help="full or sample: what lies there.")]
Code = Annotated[str, typer.Option("--code", help="Address of the code.")]
CodeCommit = Annotated[str, typer.Option("--commit", help="Its full commit.")]
Environment = Annotated[str, typer.Option("--environment", help="Address of the lock file.")]
EnvironmentDigest = Annotated[str, typer.Option("--environment-sha256", help="Lock file's sha256.")]
Image = Annotated[str, typer.Option("--image", help="Address of the image of the machine.")]
ImageDigest = Annotated[str, typer.Option("--image-sha256", help="Its sha256.")]
Snapshot = Annotated[str, typer.Option("--metrics", help="Address of the snapshot of the metrics.")]
SnapshotDigest = Annotated[str, typer.Option("--metrics-sha256", help="Its sha256.")]
Metric = Annotated[list[str] | None, typer.Option("--metric", help="NAME=VALUE; repeat for more.")]
Notes = Annotated[str, typer.Option("--notes", help="What changed, and why.")]
Why = Annotated[str, typer.Option("--reason", help="Why, in a sentence; it stays on record.")]


@version.command("add")
def add_version(
    context: typer.Context,
    initiative: Initiative,
    label: Label,
    algorithm: Annotated[str, typer.Option("--algorithm", help="What was trained, in words.")],
    task: Annotated[str, typer.Option("--task", help="binary, regression or multiclass.")],
    challenger: Annotated[
        bool, typer.Option("--challenger", help="Beside the current version, until it is promoted.")
    ] = False,
    artifact: Artifact = "",
    artifact_sha256: ArtifactDigest = "",
    data: Data = "",
    data_sha256: DataDigest = "",
    data_kind: DataKind = "",
    code: Code = "",
    commit: CodeCommit = "",
    environment: Environment = "",
    environment_sha256: EnvironmentDigest = "",
    image: Image = "",
    image_sha256: ImageDigest = "",
    snapshot: Snapshot = "",
    metrics_sha256: SnapshotDigest = "",
    metric: Metric = None,
    notes: Notes = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Register a model version with links to what it was made of; it becomes the current one."""
    values = {
        "initiative": initiative,
        "version": label,
        "role": "challenger" if challenger else "champion",
        "algorithm": algorithm,
        "task": task,
        "notes": notes,
        "artifact_uri": artifact,
        "artifact_sha256": artifact_sha256,
        "data_uri": data,
        "data_sha256": data_sha256,
        "data_kind": data_kind,
        "code_uri": code,
        "code_commit": commit,
        "environment_uri": environment,
        "environment_sha256": environment_sha256,
        "image_uri": image,
        "image_sha256": image_sha256,
        "metrics_uri": snapshot,
        "metrics_sha256": metrics_sha256,
        "metrics": _metrics(metric or []),
    }

    def told(result: Any) -> None:
        beside = " as a challenger" if challenger else ""
        say(f"Version {result['version']} of {result['initiative']} is on record{beside}.")

    options.report(
        context, "register_model_version", values, told, store=store, person=person, as_json=as_json
    )


@version.command("amend")
def amend_version(
    context: typer.Context,
    initiative: Initiative,
    label: Label,
    reason: Why,
    artifact: Artifact = "",
    artifact_sha256: ArtifactDigest = "",
    data: Data = "",
    data_sha256: DataDigest = "",
    data_kind: DataKind = "",
    code: Code = "",
    commit: CodeCommit = "",
    environment: Environment = "",
    environment_sha256: EnvironmentDigest = "",
    image: Image = "",
    image_sha256: ImageDigest = "",
    snapshot: Snapshot = "",
    metrics_sha256: SnapshotDigest = "",
    metric: Metric = None,
    notes: Notes = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Fill in what a version's registration left out, until it is approved."""
    values = {
        "initiative": initiative,
        "version": label,
        "reason": reason,
        "notes": notes,
        "artifact_uri": artifact,
        "artifact_sha256": artifact_sha256,
        "data_uri": data,
        "data_sha256": data_sha256,
        "data_kind": data_kind,
        "code_uri": code,
        "code_commit": commit,
        "environment_uri": environment,
        "environment_sha256": environment_sha256,
        "image_uri": image,
        "image_sha256": image_sha256,
        "metrics_uri": snapshot,
        "metrics_sha256": metrics_sha256,
        "metrics": _metrics(metric or []),
    }

    def told(result: Any) -> None:
        what = ", ".join(field.replace("_", " ") for field in result["changed"])
        say(f"Version {result['version']} of {result['initiative']} is amended: {what}.")

    options.report(context, "amend_model_version", values, told, store=store, person=person, as_json=as_json)


@version.command("promote")
def promote(
    context: typer.Context,
    initiative: Initiative,
    label: Label,
    reason: Why,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Make a challenger, or an earlier version, the current one."""

    def told(result: Any) -> None:
        say(f"Version {result['version']} is now the current version of {result['initiative']}.")

    values = {"initiative": initiative, "version": label, "reason": reason}
    options.report(context, "promote_version", values, told, store=store, person=person, as_json=as_json)


@version.command("retire")
def retire(
    context: typer.Context,
    initiative: Initiative,
    label: Label,
    reason: Why,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Take a version out of use; if it is the current one, none is until you promote one."""

    def told(result: Any) -> None:
        say(f"Version {result['version']} of {result['initiative']} is retired.")

    values = {"initiative": initiative, "version": label, "reason": reason}
    options.report(context, "retire_version", values, told, store=store, person=person, as_json=as_json)


@version.command("list")
def list_versions(
    context: typer.Context,
    initiative: Initiative,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """List the versions of an initiative, with what each is and how well it can be made again."""
    values = {"initiative": initiative, "as_of": as_of}
    options.report(
        context, "list_versions", values, reports.show_versions, store=store, person=person, as_json=as_json
    )


@version.command("compare")
def compare(
    context: typer.Context,
    initiative: Initiative,
    left: Annotated[str, typer.Argument(help="A version.")],
    right: Annotated[str, typer.Argument(help="Another version.")],
    by: Annotated[str, typer.Option("--by", help="Feature whose slices to compare.")] = "",
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Put two versions side by side: what they are made of, metrics, slices and decay."""
    values = {"initiative": initiative, "left": left, "right": right, "by": by, "as_of": as_of}
    options.report(
        context,
        "compare_versions",
        values,
        reports.show_comparison,
        store=store,
        person=person,
        as_json=as_json,
    )


def _metrics(given: list[str]) -> dict[str, float]:
    found = {}
    for name, texts in options.pairs(given, "--metric", "--metric roc_auc=0.84").items():
        try:
            found[name] = float(texts[-1])
        except ValueError:
            raise BadInput(
                f"'{texts[-1][:40]}' is not a number",
                where="--metric",
                remedy="Write it like --metric roc_auc=0.84.",
            ) from None
    return found
