"""Explaining a model version: SHAP in a worker, or attributions made elsewhere; the result on record."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from core.analytics.explanations.models import ADDITIVITY_TOLERANCE
from core.analytics.explanations.steps import ranked
from core.analytics.job_specs import ExplainSpec
from core.connectors.model_files import recognise_model
from core.connectors.workers import Progress, run_worker
from core.domain.chain import Fact
from core.domain.commands import Command
from core.domain.errors import BadInput, NotFound
from core.domain.given import InitiativeId, Laid, NamedInitiative, Texts, VersionId, option
from core.domain.moment import Moment
from core.domain.process.checks import CheckResult
from core.domain.verdict import Verdict
from core.lake.monitoring import attribution_files as lake
from core.lake.predictions.batch_facts import text_columns
from core.services.governance import Governance
from core.services.lookups import require_initiative
from core.services.measured.explanation_files import (
    DERIVED_TOLERANCE,
    ExplainedBatch,
    batch_to_explain,
    check_upload,
    measured_gap,
    refuse_other_model,
)

CHECK = "attributions_present"
VALID_DAYS = 365
ENOUGH_ROWS = 500
SAMPLE_ROWS = 5_000
Part = Annotated[
    Literal["", "analysis", "reference"],
    Field(description="analysis or reference; analysis where there is any."),
]


class KeepModel(Command):
    """Keep the model file of a version, so that its predictions can be explained."""

    may: ClassVar[str] = "explain_model"

    file: Annotated[Path, Field(description="LightGBM text, XGBoost JSON, skops or ONNX."), Laid()]
    initiative: NamedInitiative
    version: VersionId = ""
    name: str = ""
    features: Annotated[
        Texts,
        Field(description="Where the file names none: in training's order."),
        option("--feature"),
    ] = ()


class ExplainVersion(Command):
    """Explain a version by its kept model file; takes 5 seconds and more, Ctrl-C stops it."""

    may: ClassVar[str] = "explain_model"

    initiative: InitiativeId
    version: VersionId = ""
    part: Part = ""
    rows: Annotated[int, Field(ge=1, le=1_000_000, description="Rows to sample.")] = SAMPLE_ROWS
    row: Annotated[Texts, Field(description="A row that must be among them.")] = ()
    outcome: Annotated[str, Field(description="Class to explain, of several.")] = ""


class RecordExplanation(Command):
    """Put contributions that a worker computed on record: its file and its figures."""

    may: ClassVar[str] = "explain_model"

    initiative: str
    version: str
    batch_sha256: str
    part: Literal["analysis", "reference"]
    model_sha256: str
    file: Path
    outcome: str = ""
    asked: tuple[str, ...] = ()
    figures: dict[str, Any]


class AddAttributions(Command):
    """Add attributions that were made elsewhere."""

    may: ClassVar[str] = "explain_model"

    file: Annotated[Path, Field(description="Parquet: row_id and a column a feature."), Laid()]
    initiative: NamedInitiative
    version: VersionId = ""
    name: str = ""
    part: Part = ""
    base_value: Annotated[
        float | None, Field(allow_inf_nan=False, description="Score before any feature is known.")
    ] = None
    scale: Annotated[
        Literal["", "log_odds", "probability", "output", "log", "raw"],
        Field(description="log_odds, probability, output, log or raw."),
    ] = ""
    method: Annotated[str, Field(max_length=100, description="How they were made.")] = ""
    outcome: Annotated[str, Field(max_length=100, description="Class that they explain, of several.")] = ""
    unused: Annotated[Texts, Field(description="Column that the model does not use; repeat.")] = ()


def keep_model(governance: Governance, command: KeepModel) -> str:
    """Keep a model file in a safe format by its digest, and return the digest.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative or version; the file is a pickle, of an unknown format, too
        large, or not the artifact that the version registered. Nothing is stored.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    require_initiative(governance, command.initiative, moment)
    found = recognise_model(command.file, name=command.name)
    sha256 = lake.digest_of(command.file)
    refuse_other_model(governance, command.initiative, command.version, sha256, moment)
    stored = lake.keep_model(governance.store, command.file)
    row = {
        **command.model_dump(include={"initiative", "version", "features"}),
        "path": stored.path,
        "sha256": stored.sha256,
        "bytes": stored.size,
        "format": found.format,
    }
    fact = Fact("model_file_kept", f"{command.initiative}/{command.version}", "model_file", (row,))
    governance.store.append([fact], actor=command.actor.id, at=command.at)
    return stored.sha256


def explain_version(
    governance: Governance,
    command: ExplainVersion,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Event | None = None,
) -> int:
    """Explain in a worker process, record the attributions, and return how many rows; takes 5 s and more.

    Rows that the explanation before it was asked for by id stay among the explained ones.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative, batch or row; no model file is kept, or the worker refused it.
        Nothing is stored.
    GovernanceError
        The worker was cancelled, or ended by itself.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    batch = batch_to_explain(governance, command.initiative, command.version, command.part, moment)
    model = lake.newest_model_file(governance.store, command.initiative, command.version, moment)
    if model is None:
        raise NotFound(
            f"no model file of version '{command.version[:20]}' is kept",
            where=command.initiative,
            remedy="Give one, or upload attributions made elsewhere.",
        )
    recognise_model(Path(model["path"]))
    asked = _asked(governance, command, batch, moment)
    spec = _explain_spec(governance, command, batch, model, asked)
    with tempfile.TemporaryDirectory() as folder:
        result = run_worker(
            "explain", spec, Path(folder) / "job", on_progress=on_progress, cancelled=cancelled
        )
        given = {
            "initiative": command.initiative,
            "version": command.version,
            "batch_sha256": batch.batch.sha256,
            "part": batch.batch.part,
            "model_sha256": model["sha256"],
            "outcome": command.outcome,
            "asked": asked,
            "file": result.files["contributions"],
            "figures": result.figures,
        }
        record_explanation(governance, RecordExplanation(actor=command.actor, at=command.at, **given))
    return int(result.figures["rows"])


def _asked(
    governance: Governance, command: ExplainVersion, batch: ExplainedBatch, moment: Moment
) -> tuple[str, ...]:
    """Rows asked for now and, of the same batch, before."""
    before = lake.newest_explanation(governance.store, command.initiative, command.version, moment)
    kept = before["asked"] if before and before["batch_sha256"] == batch.batch.sha256 else ()
    return tuple(dict.fromkeys((*kept, *command.row)))


def _explain_spec(
    governance: Governance,
    command: ExplainVersion,
    batch: ExplainedBatch,
    model: dict[str, Any],
    asked: tuple[str, ...],
) -> ExplainSpec:
    """What the worker is asked to do."""
    texts = text_columns(governance.store, batch.path)
    return ExplainSpec(
        model=Path(model["path"]),
        format=model["format"],
        rows=batch.path,
        features=tuple(model["features"]),
        categorical_features=tuple(name for name in batch.features if name in texts),
        row_ids=asked,
        outcome=command.outcome,
        sample_rows=command.rows,
    )


def record_explanation(governance: Governance, command: RecordExplanation) -> None:
    """Keep contributions by their digest, and record them with their global summary; the newest counts.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative; the contributions do not add up.
    """
    governance.roles.require(command.actor, command.may)
    require_initiative(governance, command.initiative, governance.present(command.at))
    figures = command.figures
    if not float(figures["additivity_gap"]) <= ADDITIVITY_TOLERANCE:
        raise BadInput(
            "the contributions do not add up to the score",
            where=command.initiative,
            remedy="Check the order of the features, and explain again.",
        )
    row = {
        **command.model_dump(
            include={"initiative", "version", "part", "batch_sha256", "model_sha256", "outcome", "asked"}
        ),
        "origin": "computed",
        **{name: figures[name] for name in ("method", "rows", "scale", "base_value")},
        **{name: figures[name] for name in ("additivity_gap", "rounding_gap")},
    }
    _append(governance, command, command.file, tuple(figures["features"]), row)


def add_attributions(governance: Governance, command: AddAttributions) -> int:
    """Check attributions made elsewhere as a whole, record them, and return how many rows they explain.

    By default they add up to log odds for a binary model, and to the prediction itself for a regression.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative or batch; columns, ids, numbers or sums are wrong. Nothing is
        stored.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    batch = batch_to_explain(governance, command.initiative, command.version, command.part, moment)
    model = lake.newest_model_file(governance.store, command.initiative, command.version, moment)
    called = (command.name or command.file.name)[:80]
    upload = check_upload(
        governance,
        batch,
        command.file,
        called,
        scale=command.scale,
        base_value=command.base_value,
        unused=command.unused,
        model_features=tuple(model["features"]) if model else (),
    )
    with tempfile.TemporaryDirectory() as folder:
        canonical = Path(folder) / "attributions.parquet"
        lake.write_canonical_attributions(
            governance.store, command.file, upload.columns, canonical, batch.path, upload.raw
        )
        row = {
            **command.model_dump(include={"initiative", "version", "outcome"}),
            "origin": "uploaded",
            "asked": (),
            "method": command.method or "made elsewhere",
            "part": batch.batch.part,
            "batch_sha256": batch.batch.sha256,
            "model_sha256": model["sha256"] if model else "",
            "rows": upload.rows,
            "scale": upload.scale,
            "base_value": upload.base_value,
            "additivity_gap": measured_gap(governance, canonical, upload),
            "rounding_gap": None,
        }
        _append(governance, command, canonical, upload.columns.features, row)
    return upload.rows


def _append(
    governance: Governance,
    command: RecordExplanation | AddAttributions,
    file: Path,
    features: tuple[str, ...],
    row: dict[str, Any],
) -> None:
    """Keep the file, and record explanation and summary together."""
    stored = lake.keep_attributions(governance.store, file)
    row = {**row, "path": stored.path, "sha256": stored.sha256, "features": features}
    means = lake.feature_means(governance.store, governance.store.folder / stored.path, features)
    summary = tuple(
        {
            "initiative": command.initiative,
            "version": command.version,
            "feature": one.feature,
            "place": one.rank,
            "mean_absolute": one.mean_absolute,
            "mean_signed": one.mean_signed,
            "share": one.share,
            "sample_rows": row["rows"],
        }
        for one in ranked(means)
    )
    subject = f"{command.initiative}/{command.version}"
    facts = [
        Fact("attributions_kept", subject, "explanation", (row,)),
        Fact("model_explained", subject, "attribution", summary),
    ]
    governance.store.append(facts, actor=command.actor.id, at=command.at)


def check_attributions(governance: Governance, initiative: str, version: str, moment: Moment) -> CheckResult:
    """Hold a version to the rule: attributions of this version, fresh, on enough rows, that add up."""
    found = lake.newest_explanation(governance.store, initiative, version, moment)
    if found is None:
        return CheckResult(
            CHECK,
            Verdict.FAIL,
            "this version has no attributions",
            "Explain it, or upload attributions made elsewhere.",
            observed=0,
            limit=ENOUGH_ROWS,
        )
    rows, enough = int(found["rows"]), min(ENOUGH_ROWS, int(found["batch_rows"] or ENOUGH_ROWS))
    days = (moment.day - found["recorded_at"].date()).days

    def result(verdict: Verdict, message: str, remedy: str = "") -> CheckResult:
        return CheckResult(CHECK, verdict, message, remedy, observed=rows, limit=enough)

    if days > VALID_DAYS:
        return result(
            Verdict.FAIL, f"the attributions are {days} days old, more than {VALID_DAYS}", "Explain it again."
        )
    if rows < enough:
        return result(
            Verdict.CANNOT_TELL,
            f"the attributions cover {rows:,} rows, fewer than {enough:,}",
            "Explain more rows.",
        )
    gap = found["additivity_gap"]
    if gap is None:
        return result(
            Verdict.CANNOT_TELL,
            "the attributions come without a base value, so nobody can tell whether they add up",
            "Upload them with the base value, or explain the model here.",
        )
    allowed = ADDITIVITY_TOLERANCE if found["origin"] == "computed" else DERIVED_TOLERANCE
    if gap > allowed:
        return result(Verdict.FAIL, f"the attributions miss the score by {gap:.2g}", "Explain it again.")
    return result(
        Verdict.PASS, f"{rows:,} scores are attributed, and every sum meets its score within {gap:.1g}"
    )
