"""Explaining a model version: SHAP in a worker, or attributions made elsewhere; the result on record."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Annotated, Any, Literal

from pydantic import Field

from core.analytics.explanations.attributions import ranked
from core.analytics.explanations.models import ADDITIVITY_TOLERANCE
from core.analytics.job_specs import ExplainSpec
from core.connectors.model_files import recognise_model
from core.connectors.workers import Progress, run_worker
from core.domain.commands import Command, FileName
from core.domain.errors import BadInput, NotFound
from core.domain.facts.measured import Attribution, Explanation, PredictionBatch
from core.domain.facts.models import ModelFile
from core.domain.facts.recorded import entry_of
from core.domain.given import InitiativeId, Laid, NamedInitiative, Texts, VersionId, option
from core.domain.models.column_mapping import SCORE, features_of
from core.domain.moment import Moment
from core.domain.policy.checks import CheckResult
from core.ground import LEFT_OUT, Verdict, aside
from core.lake.facts import in_full
from core.lake.monitoring import attributions as lake
from core.lake.monitoring.readings import require_batches
from core.lake.predictions.batches import text_columns, weight_of
from core.lake.record.entries import digest_of, keep_file
from core.services.case import Case, begin, registered
from core.services.governance import Governance
from core.services.measured.predictions import require_version

CHECK = "attributions_present"
VALID_DAYS = 365
ENOUGH_ROWS = 500
SAMPLE_ROWS = 5_000
DERIVED_TOLERANCE = 1e-4
"""Scores in batches are often rounded; a raw score worked out from one may miss the sum by this much."""
_SCALES = {"binary": ("log_odds", "probability", "raw"), "regression": ("output", "log", "raw")}
"""Scales that a task's attributions may be on, the usual one first; `raw` alone for others."""
Part = Annotated[
    Literal["", "analysis", "reference"],
    Field(description="analysis or reference; analysis where there is any."),
]


class KeepModel(Command, may="explain_model"):
    """Keep the model file of a version, so that its predictions can be explained."""

    file: Annotated[Path, Field(description="LightGBM text, XGBoost JSON, skops or ONNX."), Laid()]
    initiative: NamedInitiative
    version: VersionId = ""
    name: FileName = ""
    features: Annotated[
        Texts,
        Field(description="Where the file names none: in training's order."),
        option("--feature"),
    ] = ()


class ExplainVersion(Command, may="explain_model"):
    """Explain a version by its kept model file; takes 5 seconds and more, Ctrl-C stops it."""

    initiative: InitiativeId
    version: VersionId = ""
    part: Part = ""
    rows: Annotated[int, Field(ge=1, le=1_000_000, description="Rows to sample.")] = SAMPLE_ROWS
    row: Annotated[Texts, Field(description="A row that must be among them.")] = ()
    outcome: Annotated[str, Field(description="Class to explain, of several.")] = ""


class RecordExplanation(Command, may="explain_model"):
    """Put contributions that a worker computed on record: its file and its figures."""

    initiative: str
    version: str
    batch_sha256: str
    part: Literal["analysis", "reference"]
    model_sha256: str
    file: Path
    outcome: str = ""
    asked: tuple[str, ...] = ()
    figures: dict[str, Any]


class AddAttributions(Command, may="explain_model"):
    """Add attributions that were made elsewhere."""

    file: Annotated[Path, Field(description="Parquet: row_id and a column a feature."), Laid()]
    initiative: NamedInitiative
    version: VersionId = ""
    name: FileName = ""
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
    sha256 = digest_of(command.file)
    wanted = require_version(governance, initiative, command.version, case.moment).artifact_sha256
    if wanted and wanted != sha256:
        raise BadInput(
            f"this file is not the artifact of version {command.version}: its sha256 begins with "
            f"{sha256[:12]}, the registered one with {wanted[:12]}",
            where="model",
            remedy="Give the file that was registered, or register a new version.",
        )
    stored = keep_file(governance.store, command.file, "models")
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
    before = lake.newest_explanation(governance.store, command.initiative, command.version, moment)
    known = in_full(governance.store, [before.fact] if before else [])
    again = [row for one in known if one.batch_sha256 == batch.sha256 for row in one.asked]
    asked = tuple(dict.fromkeys(row for row in (*again, *command.row) if row != LEFT_OUT))
    spec = _explain_spec(governance, command, batch, model, asked)
    with tempfile.TemporaryDirectory() as folder:
        result = run_worker(
            "explain", spec, Path(folder) / "job", on_progress=on_progress, cancelled=cancelled
        )
        found = RecordExplanation(
            actor=command.actor,
            at=command.at,
            initiative=command.initiative,
            version=command.version,
            batch_sha256=batch.sha256,
            part=batch.part,
            model_sha256=model.sha256,
            outcome=command.outcome,
            asked=asked,
            file=result.files["contributions"],
            figures=result.figures,
        )
        record_explanation(governance, found)
    return int(result.figures["rows"])


def batch_to_explain(
    governance: Governance, initiative: str, version: str, part: str, moment: Moment
) -> PredictionBatch:
    """The newest batch of a part; without one, of the analysis, else of the reference."""
    registered(governance, initiative, moment)
    known = require_batches(governance.store, initiative, version, moment, part)
    return min(reversed(known), key=lambda batch: batch.part)  # analysis where there is any


def _explain_spec(
    governance: Governance,
    command: ExplainVersion,
    batch: PredictionBatch,
    model: ModelFile,
    asked: tuple[str, ...],
) -> ExplainSpec:
    """What the worker is asked to do."""
    texts = text_columns(governance.store, Path(batch.path))
    return ExplainSpec(
        model=Path(model.path),
        format=model.format,
        rows=Path(batch.path),
        features=model.features,
        categorical_features=tuple(name for name in features_of(batch.columns) if name in texts),
        row_ids=asked,
        outcome=command.outcome,
        sample_rows=command.rows,
    )


def record_explanation(governance: Governance, command: RecordExplanation) -> None:
    """Keep contributions by their digest, and record them with their global summary; the newest counts."""
    case = begin(governance, command)
    initiative, figures = case.initiative.initiative, command.figures
    if not float(figures["additivity_gap"]) <= ADDITIVITY_TOLERANCE:
        raise BadInput(
            "the contributions do not add up to the score",
            where=initiative,
            remedy="Check the order of the features, and explain again.",
        )
    measured = ("method", "rows", "scale", "base_value", "additivity_gap", "rounding_gap")
    given = {"part", "version", "batch_sha256", "model_sha256", "outcome"}
    stored = keep_file(governance.store, command.file, "explanations", ".parquet")
    fact = Explanation(
        initiative=initiative,
        **command.model_dump(include=given),
        origin="computed",
        path=stored.path,
        sha256=stored.sha256,
        features=tuple(figures["features"]),
        asked=tuple(map(aside, command.asked)),
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
    weight = weight_of(governance.store, batch.initiative, batch.version, moment)
    upload = _checked(governance, command, batch, model.features if model else (), weight)
    with tempfile.TemporaryDirectory() as folder:
        canonical = Path(folder) / "attributions.parquet"
        lake.write_canonical_attributions(
            governance.store, command.file, upload.columns, canonical, Path(batch.path), upload.raw
        )
        gap = _measured_gap(governance, canonical, upload)
        stored = keep_file(governance.store, canonical, "explanations", ".parquet")
    fact = Explanation(
        **command.model_dump(include={"initiative", "version", "outcome"}),
        origin="uploaded",
        method=command.method or "made elsewhere",
        part=batch.part,
        batch_sha256=batch.sha256,
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


@dataclass(frozen=True)
class CheckedUpload:
    """An upload that may be kept: its columns, base value, where raw scores come from, and what it misses."""

    columns: lake.AttributionColumns
    rows: int
    base_value: float | None
    scale: str
    raw: str


def _checked(
    governance: Governance,
    command: AddAttributions,
    batch: PredictionBatch,
    model: tuple[str, ...],
    weight: str,
) -> CheckedUpload:
    """Hold an attribution file as a whole against the batch, and the features of the kept model if any."""
    called = (command.name or command.file.name)[:80]
    found = lake.read_columns(governance.store, command.file, called)
    _check_features(found.features, batch, model, command.unused, weight)
    faults = lake.find_faults(governance.store, command.file, found, Path(batch.path))
    _check_rows(faults, called)
    if len(faults.base_values) > 1:
        raise BadInput(
            f"column '{lake.BASE_VALUE}' holds several values",
            where="attributions",
            remedy="Give one base value.",
        )
    base = faults.base_values[0] if faults.base_values else command.base_value
    scored = batch.task != "binary" or SCORE in batch.columns
    allowed = _SCALES.get(batch.task, ("raw",)) if scored else ("raw",)
    scale = command.scale or allowed[0]
    if scale not in allowed:
        raise BadInput(
            f"a {batch.task} model has no scores in '{scale}'",
            where="scale",
            remedy=f"Use: {', '.join(allowed)}.",
        )
    raw = "given" if found.has_raw else scale if scale in ("log_odds", "probability", "output") else "none"
    return CheckedUpload(found, faults.rows, base, scale, raw)


def _check_features(
    features: tuple[str, ...],
    batch: PredictionBatch,
    model: tuple[str, ...],
    unused: tuple[str, ...],
    weight: str,
) -> None:
    left_out = {*unused, *batch.sensitive} - {*features} | {weight}
    wanted = model or tuple(name for name in features_of(batch.columns) if name not in left_out)
    strange = [name for name in features if name not in wanted]
    lacking = [name for name in wanted if name not in features]
    if strange:
        whose = "the model" if model else "the batch"
        raise BadInput(
            f"column '{strange[0][:60]}' is no feature of {whose}",
            where="attributions",
            remedy=f"Name the columns like the features: {', '.join(wanted)[:200]}.",
        )
    if lacking:
        hint = "" if model else ", or say that the model does not use it"
        raise BadInput(
            f"feature '{lacking[0][:60]}' has no contributions",
            where="attributions",
            remedy=f"Add its column{hint}.",
        )


def _check_rows(faults: lake.AttributionFaults, called: str) -> None:
    problem = ""
    if not faults.rows:
        problem = f"'{called}' has no rows"
    elif faults.bad_ids:
        problem = "there are rows without an id"
    elif faults.twice:
        problem = f"there are two rows '{faults.twice[0][:60]}'"
    elif faults.unknown:
        problem = f"the batch has no row '{faults.unknown[0][:60]}'"
    elif faults.bad_rows:
        problem = f"column '{faults.bad_column[:60]}' holds no number in row '{faults.bad_rows[0][:60]}'"
    if problem:
        raise BadInput(problem, where="attributions", remedy="Mend the file; nothing was stored.")


def _measured_gap(governance: Governance, file: Path, upload: CheckedUpload) -> float | None:
    """The largest |base + contributions - raw score| of a kept upload; None where it cannot be known."""
    if upload.base_value is None or upload.raw == "none":
        return None
    gap, row = lake.widest_gap(governance.store, file, upload.columns.features, upload.base_value)
    allowed = ADDITIVITY_TOLERANCE if upload.raw == "given" else DERIVED_TOLERANCE
    if not gap <= allowed:
        words = {
            "given": "its raw score",
            "log_odds": "the log odds of its score",
            "output": "its prediction",
        }
        raise BadInput(
            f"base value and contributions of row '{row[:60]}' miss {words.get(upload.raw, 'its score')} "
            f"by {gap:.3g}",
            where="attributions",
            remedy="Check base value and scale, or give a column 'raw_score'.",
        )
    return gap


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
        Verdict.PASS,
        f"{rows:,} scores are attributed, and every sum of SHAP values meets its score within {gap:.1g}",
    )
