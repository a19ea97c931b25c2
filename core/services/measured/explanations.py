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
from core.domain.commands import Command
from core.domain.errors import BadInput, NotFound
from core.domain.facts.measured import Attribution, Explanation
from core.domain.facts.models import ModelFile
from core.domain.facts.recorded import entry_of
from core.domain.given import InitiativeId, Laid, NamedInitiative, Texts, VersionId, option
from core.domain.moment import Moment
from core.domain.process.checks import CheckResult
from core.domain.verdict import Verdict
from core.lake.monitoring import attribution_files as lake
from core.lake.predictions.batches import text_columns
from core.services.case import Case, begin
from core.services.governance import Governance
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
    NotFound, BadInput
        No such initiative or version; the file is a pickle, of an unknown format, too large, or not the
        artifact that the version registered. Nothing is stored.
    """
    case = begin(governance, command)
    initiative = case.initiative.initiative
    found = recognise_model(command.file, name=command.name)
    sha256 = lake.digest_of(command.file)
    refuse_other_model(governance, initiative, command.version, sha256, case.moment)
    stored = lake.keep_model(governance.store, command.file)
    kept = ModelFile(
        **command.model_dump(include={"initiative", "version", "features"}),
        path=stored.path,
        sha256=stored.sha256,
        bytes=stored.size,
        format=found.format,
    )
    case.put("model_file_kept", kept)
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
    NotFound, BadInput
        No such initiative, batch or row; no model file is kept, or the worker refused it. Nothing is stored.
    GovernanceError
        The worker was cancelled, or ended by itself.
    """
    case = begin(governance, command)
    moment = case.moment
    batch = batch_to_explain(governance, command.initiative, command.version, command.part, moment)
    model = lake.newest_model_file(governance.store, command.initiative, command.version, moment)
    if model is None:
        raise NotFound(
            f"no model file of version '{command.version[:20]}' is kept",
            where=command.initiative,
            remedy="Give one, or upload attributions made elsewhere.",
        )
    recognise_model(Path(model.path))
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
            "model_sha256": model.sha256,
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
    kept = before.fact.asked if before and before.fact.batch_sha256 == batch.batch.sha256 else ()
    return tuple(dict.fromkeys((*kept, *command.row)))


def _explain_spec(
    governance: Governance,
    command: ExplainVersion,
    batch: ExplainedBatch,
    model: ModelFile,
    asked: tuple[str, ...],
) -> ExplainSpec:
    """What the worker is asked to do."""
    texts = text_columns(governance.store, batch.path)
    return ExplainSpec(
        model=Path(model.path),
        format=model.format,
        rows=batch.path,
        features=model.features,
        categorical_features=tuple(name for name in batch.features if name in texts),
        row_ids=asked,
        outcome=command.outcome,
        sample_rows=command.rows,
    )


def record_explanation(governance: Governance, command: RecordExplanation) -> None:
    """Keep contributions by their digest, and record them with their global summary; the newest counts.

    Raises
    ------
    BadInput
        The contributions do not add up.
    """
    case = begin(governance, command)
    initiative, figures = case.initiative.initiative, command.figures
    if not float(figures["additivity_gap"]) <= ADDITIVITY_TOLERANCE:
        raise BadInput(
            "the contributions do not add up to the score",
            where=initiative,
            remedy="Check the order of the features, and explain again.",
        )
    measured = ("method", "rows", "scale", "base_value", "additivity_gap", "rounding_gap")
    given = {"part", "version", "batch_sha256", "model_sha256", "outcome", "asked"}
    stored = lake.keep_attributions(governance.store, command.file)
    fact = Explanation(
        initiative=initiative,
        **command.model_dump(include=given),
        origin="computed",
        path=stored.path,
        sha256=stored.sha256,
        features=tuple(figures["features"]),
        **{name: figures[name] for name in measured},
    )
    _append(case, fact)


def add_attributions(governance: Governance, command: AddAttributions) -> int:
    """Check attributions made elsewhere as a whole, record them, and return how many rows they explain.

    By default they add up to log odds for a binary model, and to the prediction itself for a regression.

    Raises
    ------
    NotFound, BadInput
        No such initiative or batch; columns, ids, numbers or sums are wrong. Nothing is stored.
    """
    case = begin(governance, command)
    moment = case.moment
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
        model_features=model.features if model else (),
    )
    with tempfile.TemporaryDirectory() as folder:
        canonical = Path(folder) / "attributions.parquet"
        lake.write_canonical_attributions(
            governance.store, command.file, upload.columns, canonical, batch.path, upload.raw
        )
        gap = measured_gap(governance, canonical, upload)
        stored = lake.keep_attributions(governance.store, canonical)
    fact = Explanation(
        **command.model_dump(include={"initiative", "version", "outcome"}),
        origin="uploaded",
        method=command.method or "made elsewhere",
        part=batch.batch.part,
        batch_sha256=batch.batch.sha256,
        model_sha256=model.sha256 if model else "",
        path=stored.path,
        sha256=stored.sha256,
        rows=upload.rows,
        features=upload.columns.features,
        scale=upload.scale,
        asked=(),
        base_value=upload.base_value,
        additivity_gap=gap,
    )
    _append(case, fact)
    return upload.rows


def _append(case: Case, fact: Explanation) -> None:
    """Record an explanation, whose file is kept, together with its summary."""
    store = case.governance.store
    summary = [
        Attribution(
            initiative=fact.initiative,
            version=fact.version,
            feature=one.feature,
            place=one.rank,
            mean_absolute=one.mean_absolute,
            mean_signed=one.mean_signed,
            share=one.share,
            sample_rows=fact.rows,
        )
        for one in ranked(lake.feature_means(store, store.folder / fact.path, fact.features))
    ]
    case.append([entry_of("attributions_kept", fact), entry_of("model_explained", *summary)])


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
    fact, batch = found.fact, found.batch
    rows, enough = fact.rows, min(ENOUGH_ROWS, batch.rows if batch else ENOUGH_ROWS)
    days = (moment.day - fact.recorded_at.date()).days

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
    gap = fact.additivity_gap
    if gap is None:
        return result(
            Verdict.CANNOT_TELL,
            "the attributions come without a base value, so nobody can tell whether they add up",
            "Upload them with the base value, or explain the model here.",
        )
    allowed = ADDITIVITY_TOLERANCE if fact.origin == "computed" else DERIVED_TOLERANCE
    if gap > allowed:
        return result(Verdict.FAIL, f"the attributions miss the score by {gap:.2g}", "Explain it again.")
    return result(
        Verdict.PASS, f"{rows:,} scores are attributed, and every sum meets its score within {gap:.1g}"
    )
