"""Adding batches of predictions to a model version: the file is judged whole before anything is kept."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import Field, StringConstraints, model_validator

from core.connectors.prediction_files import PredictionSource, columns_of_file, open_predictions
from core.domain.chain import Fact
from core.domain.commands import Command
from core.domain.errors import BadInput, Conflict, NotFound, unreadable
from core.domain.facts.recorded import values_of
from core.domain.given import InitiativeId, Laid, VersionId, option
from core.domain.models.column_mapping import (
    PREDICTED,
    ROW_ID,
    SCORE,
    TIMESTAMP,
    TRUE,
    ColumnMapping,
    column_mapping,
    merge_mapping,
)
from core.domain.models.model_versions import Version
from core.domain.moment import Moment
from core.ground.figure import Task
from core.lake.models.versions import versions
from core.lake.monitoring import readings as monitoring
from core.lake.predictions.column_mappings import intakes, kept_mapping, mapping_row, registered_versions
from core.lake.predictions.intake import GivenFile, Intake, take_in
from core.lake.predictions.intake_columns import Kind
from core.lake.predictions.intake_whole import IntakeRules
from core.lake.record.files import keep_batch
from core.services.governance import Governance
from core.services.lookups import require_initiative

Part = Literal["reference", "analysis"]
_MAPPED = ("prediction", "target", "row_id", "timestamp", "scores", "features", "sensitive", "classes")


class AddPredictions(Command):
    """Add a file of predictions; which column is what is named once and kept for the version."""

    may: ClassVar[str] = "add_predictions"

    file: Annotated[Path, Field(description="CSV (UTF-8), Parquet or Arrow."), Laid()]
    model_version: Annotated[str, Field(description="INITIATIVE/VERSION."), option(metavar="ID")] = ""
    part: Annotated[
        Part, Field(description="reference (validated) or analysis (production)."), option("--role", "--part")
    ]
    initiative: Annotated[str, Field(description="In place of --model-version.")] = ""
    version: Annotated[str, Field(description="In place of --model-version.")] = ""
    name: Annotated[str, StringConstraints(max_length=200)] = ""
    task: Annotated[
        Task | None, Field(description="binary, regression or multiclass; as registered by default.")
    ] = None
    prediction: Annotated[str, Field(description="Column of the prediction.")] = ""
    scores: Annotated[
        tuple[str, ...],
        Field(description="Column of the score; CLASS=COLUMN, repeated, for multiclass."),
        option("--score"),
    ] = ()
    target: Annotated[str, Field(description="Column of the true label.")] = ""
    row_id: Annotated[
        str, Field(description="Column of the row's id; else rows are numbered."), option("--id")
    ] = ""
    timestamp: Annotated[str, Field(description="Column of the time.")] = ""
    features: Annotated[
        tuple[str, ...], Field(description="Column to keep; repeat. All by default."), option("--feature")
    ] = ()
    sensitive: Annotated[tuple[str, ...], Field(description="Sensitive column; repeat.")] = ()
    classes: Annotated[
        tuple[str, ...],
        Field(description="Label that may occur; repeat, the negative first."),
        option("--class"),
    ] = ()

    @model_validator(mode="before")
    @classmethod
    def _in_one(cls, given: Mapping[str, object]) -> Mapping[str, object]:
        """Take the initiative and the version apart where they are given in one."""
        both = given.get("model_version")
        if both:
            initiative, _, version = str(both).rpartition("/")
            given = {**given, "initiative": initiative, "version": version}
        if not (given.get("initiative") and given.get("version")):
            raise BadInput(
                "no model version is named",
                where="--model-version",
                remedy="Write it like --model-version card-limit-advice/1.",
            )
        return given


@dataclass(frozen=True)
class AddedBatch:
    """A batch that is on record: its rows, what is odd about it, and the mapping that is kept."""

    rows: int
    labelled: int
    warnings: tuple[str, ...]
    mapping: ColumnMapping


@dataclass(frozen=True)
class FilePreview:
    """A file's columns, and the mapping that is kept for the version or that the names suggest."""

    columns: tuple[str, ...]
    task: Task
    kept: bool
    mapping: Mapping[str, Any]


@dataclass(frozen=True)
class BatchesView:
    """A version's batches, newest first, each with its warnings, and the kept mapping."""

    initiative: str
    version: str
    batches: tuple[Mapping[str, Any], ...]
    mapping: ColumnMapping | None
    kinds: Mapping[str, str]


def add_predictions(governance: Governance, command: AddPredictions) -> AddedBatch:
    """Judge a file as a whole, keep it by its digest, register it, and tell what was odd.

    Without names of columns the kept ones count, and where none are kept the file has the store's own
    (`row_id`, `timestamp`, `y_score`, `y_pred`, `y_true`).

    Raises
    ------
    NotFound, BadInput
        No such initiative or version; the file is refused, and nothing is stored.
    Conflict
        The same batch was added before.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    known = require_version(governance, command.initiative, command.version, moment)
    kept = kept_mapping(governance.store, command.initiative, command.version, moment)
    source_sha256 = _digest_once(governance, command, moment)
    with tempfile.TemporaryDirectory(dir=governance.store.folder) as folder:
        work = Path(folder)
        source = open_predictions(command.file, command.name or command.file.name, work)
        mapping = _mapping(command, known.task, kept, source.columns)
        rules = _rules(governance, command, moment, dict(kept[1]) if kept else {})
        given = GivenFile(source.file, source.name, source.columns, source.kind == "csv", source.rows)
        intake = take_in(governance.store, given, mapping, rules, work)
        _record(governance, command, source, intake, kept, source_sha256)
    return AddedBatch(intake.facts.rows, intake.facts.labelled, intake.warnings, intake.mapping)


def preview_file(
    governance: Governance, moment: Moment, *, initiative: str, version: str, file: Path, name: str
) -> FilePreview:
    """Look at a file's columns, and suggest which is what: as kept for the version, or by their names.

    Raises
    ------
    NotFound, BadInput
        No such version; the file is no CSV, Parquet or Arrow file that can be read.
    """
    known = require_version(governance, initiative, version, moment)
    kept = kept_mapping(governance.store, initiative, version, moment)
    with tempfile.TemporaryDirectory() as folder:
        columns = columns_of_file(file, name, Path(folder)).columns
    task = kept[0].task if kept else known.task
    if kept is not None:
        return FilePreview(columns, task, True, kept[0].model_dump())
    return FilePreview(columns, task, False, _guess(columns, task))


def prediction_batches(
    governance: Governance, moment: Moment, *, initiative: InitiativeId, version: VersionId = ""
) -> BatchesView:
    """List a version's batches with their notes, and the columns that are kept for the next file.

    Raises
    ------
    NotFound
        No such initiative or version.
    """
    require_version(governance, initiative, version, moment)
    store = governance.store
    came = {row["sha256"]: row for row in intakes(store, initiative, version, moment)}
    batches = []
    for row in reversed(monitoring.batches(store, initiative, version, moment)):
        intake = came.get(row.sha256, {})
        more = {name: intake.get(name) for name in ("source_name", "source_kind", "source_bytes", "numbered")}
        batch = {**values_of(row), **more, "warnings": tuple(intake.get("warnings") or ())}
        batches.append({name: value for name, value in batch.items() if name != "path"})
    kept = kept_mapping(store, initiative, version, moment)
    mapping, kinds = kept if kept else (None, {})
    return BatchesView(initiative, version, tuple(batches), mapping, kinds)


@dataclass(frozen=True)
class RegisteredVersion:
    """A model version to which predictions may be added; `batches` counts those that are there."""

    initiative: str
    name: str
    version: str
    task: str
    batches: int


def versions_with_batches(governance: Governance, moment: Moment) -> tuple[RegisteredVersion, ...]:
    """Every registered model version, by its initiative's name, newest first."""
    return tuple(RegisteredVersion(**row) for row in registered_versions(governance.store, moment))


def require_version(governance: Governance, initiative: str, version: str, moment: Moment) -> Version:
    """What is registered of a model version.

    Raises
    ------
    NotFound
        There was no such initiative or version at the moment.
    """
    require_initiative(governance, initiative, moment)
    for known in versions(governance.store, initiative, moment):
        if known.version == version:
            return known
    raise NotFound(f"{initiative} has no version '{version[:20]}'", remedy="Register the version first.")


def _mapping(
    command: AddPredictions,
    task: str,
    kept: tuple[ColumnMapping, dict[str, str]] | None,
    columns: Sequence[str],
) -> ColumnMapping:
    given = command.model_dump(include=set(_MAPPED))
    named = {name: value for name, value in given.items() if value}
    own = PREDICTED in columns and (
        kept is None or kept[0].prediction == PREDICTED or kept[0].prediction not in columns
    )
    if own and not set(named) - {"sensitive", "classes"}:
        return _own_names(command, task, columns, kept[0] if kept else None)
    if kept is None and not command.prediction:
        raise BadInput(
            "no columns are named, and none are kept for this version",
            where=command.name or command.file.name,
            remedy="Name the prediction, score, target, id and time once; the next file needs no names.",
        )
    if command.task or kept is None:
        named["task"] = command.task or task
    return merge_mapping(kept[0] if kept else None, named)


def _own_names(
    command: AddPredictions, task: str, columns: Sequence[str], kept: ColumnMapping | None
) -> ColumnMapping:
    """A file whose columns have the store's names already."""
    chosen = command.task or (kept.task if kept else task)
    scores: tuple[str, ...] = ()
    if chosen == "binary":
        scores = (SCORE,)
    elif chosen == "multiclass":
        scores = tuple(f"{c.removeprefix(SCORE + '_')}={c}" for c in columns if c.startswith(f"{SCORE}_"))
    present = {name: name if name in columns else "" for name in (TRUE, ROW_ID, TIMESTAMP)}
    return column_mapping(
        task=chosen,
        prediction=PREDICTED,
        scores=scores,
        target=present[TRUE],
        row_id=present[ROW_ID],
        timestamp=present[TIMESTAMP],
        features=kept.features if kept else (),
        sensitive=command.sensitive or (kept.sensitive if kept else ()),
        classes=(command.classes or (kept.classes if kept else ())) if chosen == "multiclass" else (),
    )


def _rules(
    governance: Governance, command: AddPredictions, moment: Moment, kinds: dict[str, str]
) -> IntakeRules:
    store = governance.store
    numbered = {
        row["sha256"]
        for row in intakes(store, command.initiative, command.version, moment)
        if row["numbered"]
    }
    earlier = [
        batch.path
        for batch in monitoring.batches(store, command.initiative, command.version, moment)
        if batch.sha256 not in numbered
    ]
    limits = governance.data_quality.intake
    return IntakeRules(
        part=command.part,
        min_reference_rows=limits.min_reference_rows,
        now=command.at,
        known_kinds=cast("dict[str, Kind]", kinds),
        earlier=tuple(earlier),
    )


def _record(
    governance: Governance,
    command: AddPredictions,
    source: PredictionSource,
    intake: Intake,
    kept: tuple[ColumnMapping, dict[str, str]] | None,
    source_sha256: str,
) -> None:
    store, facts, mapping = governance.store, intake.facts, intake.mapping
    stored = keep_batch(store, intake.file, command.initiative, command.version, command.part)
    about = {"initiative": command.initiative, "version": command.version, "part": command.part}
    batch = {
        **about,
        "task": mapping.task,
        "sensitive": mapping.sensitive,
        "classes": mapping.classes if mapping.task == "multiclass" else (),
        "path": stored.path,
        "sha256": stored.sha256,
        "rows": facts.rows,
        "labelled": facts.labelled,
        "first_at": facts.first_at,
        "last_at": facts.last_at,
        "columns": facts.columns,
    }
    came = {
        **about,
        "sha256": stored.sha256,
        "source_name": source.name,
        "source_kind": source.kind,
        "source_sha256": source_sha256,
        "source_bytes": command.file.stat().st_size,
        "numbered": intake.numbered,
        "warnings": intake.warnings,
    }
    subject = f"{command.initiative}/{command.version}"
    of_batch = f"{subject}/{command.part}/{stored.sha256[:16]}"
    facts_made = [
        Fact("predictions_added", of_batch, "prediction_batch", (batch,), first=True),
        Fact("prediction_file_checked", of_batch, "batch_intake", (came,)),
    ]
    wanted = _to_keep(mapping, kept)
    if kept is None or (wanted, dict(intake.kinds)) != (kept[0], kept[1]):
        row = mapping_row(command.initiative, command.version, wanted, {**intake.kinds})
        facts_made.append(Fact("columns_mapped", subject, "column_mapping", (row,)))
    store.append(facts_made, actor=command.actor.id, at=command.at)


def _to_keep(mapping: ColumnMapping, kept: tuple[ColumnMapping, dict[str, str]] | None) -> ColumnMapping:
    """The mapping for the next file; a target that this file only lacks is not forgotten."""
    if kept is not None and kept[0].target and not mapping.target:
        return mapping.model_copy(update={"target": kept[0].target})
    return mapping


def _digest_once(governance: Governance, command: AddPredictions, moment: Moment) -> str:
    """Digest of the user's file, which may come to a version once."""
    name = command.name or command.file.name
    try:
        with command.file.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(name, error) from error
    known = intakes(governance.store, command.initiative, command.version, moment)
    if sha256 in {row["source_sha256"] for row in known}:
        raise Conflict("this batch was added before", where=name, remedy="Nothing is to be done.")
    return sha256


_USUAL: Mapping[str, tuple[str, ...]] = {
    "row_id": ("row_id", "id", "customer_id", "case", "case_id", "key"),
    "timestamp": ("timestamp", "time", "datetime", "date", "scored_at", "created_at"),
    "prediction": ("y_pred", "prediction", "predicted", "predicted_label", "decision"),
    "target": ("y_true", "target", "label", "outcome", "actual", "truth"),
    "score": ("y_score", "y_pred_proba", "score", "probability", "predicted_probability", "proba"),
}
_SENSITIVE = (
    "sex",
    "gender",
    "race",
    "ethnicity",
    "age",
    "age_band",
    "disability",
    "nationality",
    "religion",
)


def _guess(columns: Sequence[str], task: Task) -> dict[str, Any]:
    by_name = {column.casefold(): column for column in reversed(columns)}

    def usual(role: str) -> str:
        return next((by_name[name] for name in _USUAL[role] if name in by_name), "")

    found: dict[str, Any] = {role: usual(role) for role in ("row_id", "timestamp", "prediction", "target")}
    found["scores"] = {}
    if task == "binary" and usual("score"):
        found["scores"] = {"": usual("score")}
    elif task == "multiclass":
        marks = ("y_score_", "y_pred_proba_", "proba_", "score_", "probability_")
        found["scores"] = {
            column[len(mark) :]: column for column in columns for mark in marks if column.startswith(mark)
        }
    found["sensitive"] = tuple(by_name[name] for name in _SENSITIVE if name in by_name)
    return found
