"""Adding batches of predictions to a model version: the file is judged whole before anything is kept."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Annotated, Literal

from pydantic import Field, model_validator

from core.connectors.prediction_files import PredictionSource, columns_of_file, open_predictions
from core.domain.chain import canonical
from core.domain.commands import Command, FileName, Words
from core.domain.errors import BadInput, Busy, Conflict, NotFound, unreadable
from core.domain.facts import measured as facts
from core.domain.facts.measured import BatchIntake, BatchReading, BatchWithdrawal, DataPurge, PredictionBatch
from core.domain.facts.process import CheckRun
from core.domain.facts.recorded import Names, Signed, but, entry_of, named, says_the_same
from core.domain.given import (
    InitiativeId,
    Join,
    Kinds,
    Laid,
    Missing,
    OrCurrent,
    Shown,
    VersionId,
    Weight,
    Zone,
    option,
)
from core.domain.life_cycles import BATCH
from core.domain.models.column_mapping import (
    PREDICTED,
    ROW_ID,
    SCORE,
    TIMESTAMP,
    TRUE,
    ColumnMapping,
    Kind,
    column_mapping,
    declared_kinds,
    declared_orders,
    favourable_of,
    kept_mapping,
    kinds_of,
    mapping_to_keep,
    merge_mapping,
    read_otherwise,
)
from core.domain.models.model_versions import Version
from core.domain.moment import Moment
from core.domain.policy.checks import LOOK_AT_PREDICTIONS
from core.ground import Task, aside, with_values
from core.lake import directory
from core.lake.facts import in_full, latest
from core.lake.models import versions
from core.lake.monitoring import readings as monitoring
from core.lake.predictions.batches import RegisteredVersion, intakes, refuse_weights, registered_versions
from core.lake.predictions.intake import GivenFile, Intake, take_in
from core.lake.predictions.intake_columns import KNOWN_WORDS
from core.lake.predictions.intake_rules import IntakeRules
from core.lake.record.entries import keep_batch
from core.lake.store import require_going
from core.services.case import Case, begin, registered
from core.services.governance import Governance
from core.services.jobs import JobControl, jobs_of, start_job

ADDING = "add_predictions"
"""Kind of the job that takes a file in."""
Part = Literal["reference", "analysis"]
_MAPPED = ("prediction", "target", "row_id", "timestamp", "scores", "features", "sensitive", "classes")


class AddPredictions(Command, may="add_predictions"):
    """Add a file of predictions; which column is what is named once and kept for the version."""

    file: Annotated[Path, Field(description="CSV (UTF-8), Parquet or Arrow."), Laid()]
    model_version: Annotated[str, Field(description="INITIATIVE/VERSION."), option(metavar="ID")] = ""
    part: Annotated[
        Part, Field(description="reference (validated) or analysis (production)."), option("--role", "--part")
    ]
    initiative: Annotated[str, Field(description="In place of --model-version.")] = ""
    version: Annotated[str, Field(description="In place of --model-version.")] = ""
    name: FileName = ""
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
    favourable: Annotated[
        tuple[str, ...],
        Field(description="Outcome that is good to get; repeat. Or: neither. Said once a version."),
    ] = ()
    kinds: Kinds = ()
    missing: Missing = ()
    join: Join = ()
    zone: Zone = ""
    weight: Weight = ""

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


class WithdrawPredictions(Command, may="add_predictions"):
    """Take a batch out of every figure from now on; it stays on record, and earlier days still show it."""

    initiative: InitiativeId
    version: Annotated[
        str,
        Field(description="Model version; the current one where none is named."),
        OrCurrent(),
        option("--model-version", "--version"),
    ] = ""
    batch: Annotated[
        str,
        Field(min_length=8, title="Batch", description="Its sha256, or how it begins."),
    ]
    reason: Annotated[
        Words,
        Field(min_length=20, title="Why", description="Why it counts no more; at least 20 characters."),
        Shown(lines=True),
    ]


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
    kept: bool
    mapping: ColumnMapping


@dataclass(frozen=True, kw_only=True)
class WithdrawalLine(Signed, BatchWithdrawal):
    """How a batch was withdrawn, with who did it."""


@dataclass(frozen=True, kw_only=True)
class PurgeLine(Signed, DataPurge):
    """How the rows of a batch went, with who did it."""


@dataclass(frozen=True, kw_only=True)
class BatchLine(PredictionBatch):
    """A batch with the file it came from, and what was odd about it; None where that was not kept yet.

    `amended` says what was declared of its values since, and why; `withdrawn` why it counts no more, `purged`
    that its rows are gone.
    """

    source_name: str | None = None
    source_kind: str | None = None
    source_bytes: int | None = None
    numbered: bool | None = None
    warnings: tuple[str, ...] = ()
    amended: str = ""
    withdrawn: WithdrawalLine | None = None
    purged: PurgeLine | None = None


@dataclass(frozen=True)
class BatchesView:
    """A version's batches, newest first, those withdrawn too, the kept mapping, and the favourable outcomes.

    `favourable` is empty where neither is better than another, and None where nobody said; then `proposed` is
    what was declared last of another version, which counts for this one once somebody takes it over.
    """

    initiative: str
    version: str
    batches: tuple[BatchLine, ...]
    mapping: ColumnMapping | None
    kinds: Mapping[str, str]
    favourable: tuple[str, ...] | None = None
    proposed: facts.FavourableOutcome | None = None


def add_predictions(
    governance: Governance, command: AddPredictions, *, cancelled: Event | None = None
) -> AddedBatch:
    """Judge a file as a whole, keep it by its digest, register it, and tell what was odd.

    Without names of columns the kept ones count, and where none are kept the file has the store's own
    (`row_id`, `timestamp`, `y_score`, `y_pred`, `y_true`). Until it is on record it can be stopped by setting
    `cancelled`, or by closing the store.

    Raises
    ------
    NotFound, BadInput
        No such initiative or version; the file is refused, and nothing is stored.
    Conflict
        The same batch was added before.
    Cancelled
        It was stopped; nothing is stored.
    """
    case = begin(governance, command)
    stopped = [event for event in (governance.store.stopping, cancelled) if event]
    known = require_version(governance, command.initiative, command.version, case.moment)
    fact = mapping_on_record(governance, known.initiative, known.version, case.moment)
    before = intakes(governance.store, known.initiative, known.version, case.moment)
    source_sha256 = _digest_once(command, before)
    with governance.store.workroom() as work:
        name = command.name or command.file.name
        source = open_predictions(command.file, name, work, lambda: require_going(*stopped))
        mapping = _mapping(command, task_of(known), kept_mapping(fact) if fact else None, source.columns)
        mapping, kinds = _declared(command, mapping, source.columns, fact, bool(before))
        rules = replace(_rules(case, command, kinds, before), cancelled=cancelled)
        rules = replace(rules, least_rows=least_rows(case, mapping.task))
        given = GivenFile(source.file, source.name, source.columns, source.kind == "csv", source.rows)
        intake = take_in(governance.store, given, mapping, rules, work)
        refuse_weights(governance.store, intake.file, intake.mapping.weight, source.name)
        declared = _favourable(case, command, intake.mapping)
        intake = replace(intake, warnings=(*intake.warnings, *_unknown(declared, intake.mapping)))
        require_going(*stopped)
        _record(case, command, source, intake, fact, source_sha256, declared)
    warnings = tuple(map(with_values, intake.warnings))
    return AddedBatch(intake.facts.rows, intake.facts.labelled, warnings, intake.mapping)


def mapping_on_record(
    governance: Governance, initiative: str, version: str, moment: Moment
) -> facts.ColumnMapping | None:
    """The mapping that is kept of a version, with the values that stand beside the record."""
    fact = latest(governance.store, facts.ColumnMapping, moment, initiative, version=version)
    return in_full(governance.store, [fact])[0] if fact else None


def least_rows(case: Case, task: Task) -> int:
    """Rows from which a group may be told of to everybody."""
    return case.governance.position(case.moment).limit_for(case.initiative.domain, task).min_rows


def classes_said(case: Case, initiative: str, version: str, now: Iterable[str] = ()) -> frozenset[str]:
    """Classes that somebody named, or that many rows had: the record has them."""
    fact = latest(case.governance.store, facts.ColumnMapping, case.moment, initiative, version=version)
    return frozenset((*now, *(fact.classes if fact else ())))


def mapping_to_record(fact: facts.ColumnMapping, rare: Container[str]) -> facts.ColumnMapping:
    """A mapping as it goes on record: values that were found in a file are marked, and stay beside it."""
    reading = json.loads(fact.reading or "{}")
    told = {name: [_marked(entry) for entry in reading[name]] for name in reading if name in _FOUND}
    classes = tuple(aside(label) if label in rare else label for label in fact.classes)
    return but(fact, classes=classes, reading=canonical({**reading, **told}) if reading else "", beside="")


_FOUND = ("missing", "joined")


def _marked(entry: str) -> str:
    """`COLUMN=VALUE` with the value marked, unless it is a word for no value."""
    column, _, value = entry.partition("=")
    return f"{column}={aside(value)}" if value and value.lower() not in KNOWN_WORDS else entry


def start_adding(governance: Governance, command: AddPredictions) -> str:
    """Take a file in beside the pages, and return the job's id; stopped, it leaves nothing.

    The file becomes the job's, which removes it.

    Raises
    ------
    Forbidden, NotFound, Conflict
        The actor may not; no such initiative; a file is being added to the version just now.
    """
    case = begin(governance, command)
    subject = f"{case.initiative.initiative}/{command.version}"
    if any(job.kind == ADDING and job.state == "running" for job in jobs_of(subject)):
        command.file.unlink(missing_ok=True)
        raise Busy("a file is being added to this version", where=subject, remedy="Wait until it is done.")

    def work(control: JobControl) -> str:
        control.report(0.0, f"Checking {command.name}.")
        try:
            added = add_predictions(governance, command, cancelled=control.cancelled)
        finally:
            command.file.unlink(missing_ok=True)
        said = f"{added.rows:,} rows of {command.name} are on record, {added.labelled:,} with a true outcome."
        odd = len(added.warnings)
        return f"{said} {odd} {'note says' if odd == 1 else 'notes say'} what was odd." if odd else said

    return start_job(ADDING, subject, work, command.actor)


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
    kept = latest(governance.store, facts.ColumnMapping, moment, initiative, version=version)
    with tempfile.TemporaryDirectory() as folder:
        columns = columns_of_file(file, name, Path(folder)).columns
    return FilePreview(
        columns, kept is not None, kept_mapping(kept) if kept else _guess(columns, task_of(known))
    )


def prediction_batches(
    governance: Governance, moment: Moment, *, initiative: InitiativeId, version: VersionId = ""
) -> BatchesView:
    """List a version's batches with their notes, and the columns that are kept for the next file."""
    require_version(governance, initiative, version, moment)
    store = governance.store
    sees = governance.reader.sees_small_groups(initiative)
    read = {one.sha256: one for one in monitoring.readings(store, initiative, version, moment).values()}
    came = {one.sha256: one for one in intakes(store, initiative, version, moment)}
    if sees:
        read = {one.sha256: one for one in in_full(store, read.values())}
        came = {one.sha256: one for one in in_full(store, came.values())}
    people = directory.names(store, moment)
    withdrawn = monitoring.withdrawals(store, initiative, version, moment)
    gone = {key: named(WithdrawalLine, one, people) for key, one in withdrawn.items()}
    rowless = {
        key: named(PurgeLine, one, people)
        for key, one in monitoring.purges(store, initiative, version, moment).items()
    }
    batches = tuple(
        _line(batch, read.get(batch.sha256), came, gone, rowless)
        for batch in reversed(monitoring.batches(store, initiative, version, moment, withdrawn=True))
    )
    kept = latest(store, facts.ColumnMapping, moment, initiative, version=version)
    kept = mapping_on_record(governance, initiative, version, moment) if sees else kept
    kinds = kinds_of(kept)
    declared = latest(store, facts.FavourableOutcome, moment, initiative, version=version)
    good = declared.favourable if declared else None
    others = latest(store, facts.FavourableOutcome, moment, initiative) if declared is None else None
    mapping = kept_mapping(kept) if kept else None
    return BatchesView(initiative, version, batches, mapping, kinds, good, others)


def _line(
    batch: PredictionBatch,
    read: BatchReading | None,
    came: Mapping[str, BatchIntake],
    gone: Mapping[tuple[str, str], WithdrawalLine],
    rowless: Mapping[tuple[str, str], PurgeLine],
) -> BatchLine:
    told = ("source_name", "source_kind", "source_bytes", "numbered", "warnings")
    sha256 = read.batch if read else batch.sha256
    intake = came.get(sha256)
    more = {name: getattr(intake, name) for name in told if intake}
    more |= {"warnings": read.warnings, "amended": read.amended} if read else {}
    key = (batch.part, sha256)
    return named(BatchLine, batch, Names({}, {}), withdrawn=gone.get(key), purged=rowless.get(key), **more)


def withdraw_predictions(governance: Governance, command: WithdrawPredictions) -> BatchWithdrawal:
    """Put on record that a batch counts no more.

    Raises
    ------
    NotFound, BadInput
        No such version or batch; several batches begin so.
    Conflict
        It was withdrawn before.
    Forbidden
        A check has judged it, and who asks owns or builds the initiative.
    """
    case = begin(governance, command)
    of = (governance.store, command.initiative, command.version, case.moment)
    require_version(governance, *of[1:])
    batch = _batch_named(monitoring.batches(*of, withdrawn=True), command.batch)
    came = {one.sha256: one.batch for one in monitoring.readings(*of).values()}
    sha256 = came.get(batch.sha256, batch.sha256)
    before = monitoring.withdrawals(*of).get((batch.part, sha256))
    fact = BatchWithdrawal(
        initiative=batch.initiative,
        version=batch.version,
        part=batch.part,
        sha256=sha256,
        reason=command.reason,
    )
    step = BATCH.to("withdrawn")
    case.permit(step, before or fact, state="withdrawn" if before else "in use")
    runs = [run for run in case.history(CheckRun) if run.version == batch.version and run.seq > batch.seq]
    if any(run.check_id in LOOK_AT_PREDICTIONS for run in runs):
        case.require_independent("withdraw judged predictions of")
    return case.put(step.action, fact, unless_changed=True)


def _batch_named(known: Sequence[PredictionBatch], named: str) -> PredictionBatch:
    found = [batch for batch in known if batch.sha256.startswith(named)]
    if not found:
        raise NotFound(
            f"this version has no batch '{named[:20]}'", remedy="'governance predictions list' names them."
        )
    if len(found) > 1:
        raise BadInput(f"{len(found)} batches begin with '{named[:20]}'", remedy="Name more of its sha256.")
    return found[0]


def versions_with_batches(governance: Governance, moment: Moment) -> tuple[RegisteredVersion, ...]:
    """Every registered model version, by its initiative's name, newest first."""
    return registered_versions(governance.store, moment)


def task_of(known: Version) -> Task:
    """What a version predicts as rows.

    Raises
    ------
    BadInput
        It predicts nothing as rows.
    """
    if known.task is None:
        what = "it predicts nothing as rows; it is judged by cases"
        remedy = "Register a version that says what it predicts, or submit the evidence of its kind."
        raise BadInput(what, where=f"version {known.version}", remedy=remedy)
    return known.task


def require_version(governance: Governance, initiative: str, version: str, moment: Moment) -> Version:
    """What is registered of a model version."""
    registered(governance, initiative, moment)
    for known in versions(governance.store, initiative, moment):
        if known.version == version:
            return known
    raise NotFound(f"{initiative} has no version '{version[:20]}'", remedy="Register the version first.")


def _mapping(
    command: AddPredictions, task: Task, kept: ColumnMapping | None, columns: Sequence[str]
) -> ColumnMapping:
    given = command.model_dump(include=set(_MAPPED))
    named = {name: value for name, value in given.items() if value}
    own = PREDICTED in columns and (
        kept is None or kept.prediction == PREDICTED or kept.prediction not in columns
    )
    if own and not set(named) - {"sensitive", "classes"}:
        return _own_names(command, task, columns, kept)
    if kept is None and not command.prediction:
        raise BadInput(
            "no columns are named, and none are kept for this version",
            where=command.name or command.file.name,
            remedy="Name the prediction, score, target, id and time once; the next file needs no names.",
        )
    if command.task or kept is None:
        named["task"] = command.task or task
    return merge_mapping(kept, named)


def _declared(
    command: AddPredictions,
    mapping: ColumnMapping,
    columns: Sequence[str],
    fact: facts.ColumnMapping | None,
    others: bool,
) -> tuple[ColumnMapping, dict[str, Kind]]:
    """The mapping with what is declared of its values, and the kinds known; other batches are read so too."""
    known = kinds_of(fact)
    declared = declared_kinds(command.kinds, mapping)
    own = {name: kind for name, kind in declared.items() if known.get(name) != kind}
    told = command.model_dump(include={"missing", "join", "zone", "weight"})
    wanted = read_otherwise(mapping, columns, kinds=own, orders=declared_orders(command.kinds), **told)
    if others and (wanted != mapping or own):
        raise Conflict(
            "this version's earlier batches are read otherwise",
            where=command.name or command.file.name,
            remedy="Declare it for all of them with 'governance mapping amend', then add the file.",
        )
    return wanted, {**known, **declared}


def _own_names(
    command: AddPredictions, task: str, columns: Sequence[str], kept: ColumnMapping | None
) -> ColumnMapping:
    """A file whose columns have the store's names already."""
    chosen = command.task or (kept.task if kept else task)
    scores: tuple[str, ...] = ()
    if chosen == "binary":
        scores = (SCORE,) if SCORE in columns else ()
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
        classes=command.classes or (kept.classes if kept else ()),
        **kept.model_dump(include={"missing", "joined", "zone", "orders", "weight"}) if kept else {},
    )


def _rules(
    case: Case, command: AddPredictions, kinds: Mapping[str, Kind], before: Sequence[BatchIntake]
) -> IntakeRules:
    store = case.governance.store
    read = monitoring.readings(store, command.initiative, command.version, case.moment)
    numbered = {
        read[one.sha256].sha256 if one.sha256 in read else one.sha256 for one in before if one.numbered
    }
    names = {one.sha256: one.source_name for one in before}
    names |= {read[one].sha256: names.get(one, "") for one in read}
    earlier = monitoring.batches(store, command.initiative, command.version, case.moment)
    return IntakeRules(
        part=command.part,
        min_reference_rows=case.rules.data_quality.intake.min_reference_rows,
        now=command.at,
        known_kinds=kinds,
        earlier=tuple(batch.path for batch in earlier if batch.sha256 not in numbered),
        batches=tuple(batch.path for batch in earlier),
        before=tuple((batch, names.get(batch.sha256, "")) for batch in earlier),
    )


def _record(
    case: Case,
    command: AddPredictions,
    source: PredictionSource,
    intake: Intake,
    kept: facts.ColumnMapping | None,
    source_sha256: str,
    declared: facts.FavourableOutcome | None,
) -> None:
    initiative, version, part = command.initiative, command.version, command.part
    found, mapping = intake.facts, intake.mapping
    stored = keep_batch(case.governance.store, intake.file, initiative, version, part)
    given = intake.given and keep_batch(case.governance.store, intake.given, initiative, version, "given")
    rare = intake.rare - classes_said(case, initiative, version, (*command.classes, *mapping.scores))
    batch = PredictionBatch(
        initiative=initiative,
        version=version,
        part=part,
        task=mapping.task,
        sensitive=mapping.sensitive,
        classes=mapping.classes if mapping.task == "multiclass" and not rare else (),
        path=stored.path,
        sha256=stored.sha256,
        **vars(found),
    )
    came = BatchIntake(
        initiative=initiative,
        version=version,
        part=part,
        sha256=stored.sha256,
        source_name=source.name,
        source_kind=source.kind,
        source_sha256=source_sha256,
        source_bytes=command.file.stat().st_size,
        numbered=intake.numbered,
        warnings=tuple(intake.warnings),
        given_path=given.path if given else "",
        given_sha256=given.sha256 if given else "",
        local_times=intake.local or None,
    )
    entries = [entry_of("predictions_added", batch, first=True), entry_of("prediction_file_checked", came)]
    # A target that this file only lacks is not forgotten.
    target = mapping.target or (kept.target if kept else "")
    wanted = mapping_to_keep(initiative, version, mapping.model_copy(update={"target": target}), intake.kinds)
    if kept is None or not says_the_same(but(kept, beside=""), wanted):
        entries.append(entry_of("columns_mapped", mapping_to_record(wanted, rare)))
    if declared is not None and not declared.seq:
        entries.append(entry_of("outcome_declared", declared))
    case.append(entries)


def require_amendable(case: Case, declared: facts.FavourableOutcome) -> None:
    """Refuse to change which outcome is good by those whose model is judged on it: it turns verdicts over."""
    known = latest(
        case.governance.store,
        facts.FavourableOutcome,
        case.moment,
        declared.initiative,
        version=declared.version,
    )
    if known and known.favourable != declared.favourable:
        case.require_independent("change the declared outcome of")


def _favourable(
    case: Case, command: AddPredictions, mapping: ColumnMapping
) -> facts.FavourableOutcome | None:
    """The outcomes on record, or those that the file comes with; None where nobody said."""
    store, initiative, version = case.governance.store, command.initiative, command.version
    known = latest(store, facts.FavourableOutcome, case.moment, initiative, version=version)
    if not command.favourable:
        return known
    named = favourable_of(command.favourable, mapping.task, mapping.labels)
    if known and known.favourable == named:
        return known
    declared = facts.FavourableOutcome(initiative=initiative, version=version, favourable=named)
    require_amendable(case, declared)
    return declared


def _unknown(declared: facts.FavourableOutcome | None, mapping: ColumnMapping) -> tuple[str, ...]:
    """What is odd about outcomes that were declared before anybody knew the predictions."""
    strange = [one for one in declared.favourable if one not in mapping.labels] if declared else []
    return tuple(
        f"outcome '{one}' is declared as favourable, and no prediction has it: declare it anew"
        for one in strange
    )


def _digest_once(command: AddPredictions, before: Sequence[BatchIntake]) -> str:
    """Digest of the user's file, which may come to a version once."""
    name = command.name or command.file.name
    try:
        with command.file.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(name, error) from error
    if sha256 in {one.source_sha256 for one in before}:
        remedy = "If it was withdrawn, add what is right as a file of its own; else nothing is to be done."
        raise Conflict("this batch was added before", where=name, remedy=remedy)
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


def _guess(columns: Sequence[str], task: Task) -> ColumnMapping:
    by_name = {column.casefold(): column for column in reversed(columns)}

    def usual(role: str) -> str:
        return next((by_name[name] for name in _USUAL[role] if name in by_name), "")

    scores: dict[str, str] = {}
    if task == "binary" and usual("score"):
        scores = {"": usual("score")}
    elif task == "multiclass":
        marks = ("y_score_", "y_pred_proba_", "proba_", "score_", "probability_")
        scores = {
            column[len(mark) :]: column for column in columns for mark in marks if column.startswith(mark)
        }
    return ColumnMapping(
        task=task,
        prediction=usual("prediction"),
        target=usual("target"),
        row_id=usual("row_id"),
        timestamp=usual("timestamp"),
        scores=scores,
        sensitive=tuple(by_name[name] for name in _SENSITIVE if name in by_name),
    )
