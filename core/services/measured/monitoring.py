"""Monitoring: decay estimated anew by a worker and put on record, and outcomes that came later."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from operator import attrgetter
from pathlib import Path
from threading import Event
from typing import Annotated

from pydantic import Field

from core.analytics.decay.estimates import NANNYML, EstimatedChunk
from core.analytics.decay.fit import FORMAT, read_fit
from core.analytics.job_specs import EstimateSpec, Period
from core.connectors.prediction_files import open_predictions
from core.connectors.workers import Progress, run_worker
from core.domain.chain import canonical
from core.domain.commands import Command, FileName
from core.domain.errors import BadInput, Conflict
from core.domain.facts.measured import (
    ColumnMapping,
    DecayChunk,
    DecayFit,
    DecayRun,
    PredictionBatch,
    PredictionOutcomes,
)
from core.domain.facts.recorded import entry_of
from core.domain.given import InitiativeId, Laid, VersionId, option
from core.domain.models import column_mapping as mappings
from core.lake.facts import latest
from core.lake.monitoring import readings as lake
from core.lake.monitoring.decay_inputs import columns_of_batches
from core.lake.predictions.batches import OutcomeFile, weight_of, write_outcomes
from core.lake.record.entries import StoredFile, keep_content
from core.lake.store import Store, require_going
from core.services.case import Case, begin
from core.services.governance import Governance
from core.services.jobs import JobControl, start_job
from core.services.measured.decay import CROSSED
from core.services.measured.predictions import require_version

CANONICAL = ("row_id", "timestamp", "y_pred", "y_true", "y_score")
CHUNK_ROWS = 5000
ENOUGH_OUTCOMES = 0.5
"""Share of a chunk's rows whose outcome must be known before its realised value goes on record.

A few early outcomes are of other rows than the rest, and their noise is not that of the thresholds.
"""
MOST_BY = 6
"""Sensitive features that get estimates of their own unless some are named."""
REFRESH = "refresh_monitoring"
_NAME = "estimates"
_OF_CHUNK = tuple({one.name for one in fields(DecayChunk)} & set(EstimatedChunk.__slots__))


def _crossed(typed: Sequence[str]) -> list[list[str]]:
    return [one.split("+") for one in typed if one != "none"]


def worth_of(typed: Sequence[str]) -> list[list[float]]:
    """What outcomes are worth, as people write it: lines parted by semicolons, cells by commas.

    Raises
    ------
    BadInput
        It is no table of numbers.
    """
    lines = [line for text in typed if text for line in text.split(";")]
    try:
        return [[float(cell) for cell in line.split(",")] for line in lines]
    except ValueError as problem:
        raise BadInput(
            f"'{';'.join(typed)[:60]}' is no table of numbers",
            where="--worth",
            remedy="Write it like 1,-5;-3,10.",
        ) from problem


Worth = Annotated[
    tuple[tuple[float, ...], ...],
    Field(description="What outcomes are worth, '1,-5;-3,10' for TN,FP;FN,TP."),
    option("--worth", read=worth_of),
]


class RefreshMonitoring(Command, may="refresh_monitoring"):
    """Estimate performance from the prediction batches; a first time takes 10 seconds and more.

    Without --by each sensitive feature gets estimates of its own. Ctrl-C stops it, and nothing is recorded.
    """

    initiative: InitiativeId
    version: VersionId = ""
    chunk_size: Annotated[
        int | None, Field(ge=2, le=1_000_000, description="Rows a chunk; 5,000 where nothing is said.")
    ] = None
    period: Annotated[
        Period | None, Field(description="Chunks by day, week, month, quarter or year instead.")
    ] = None
    by: Annotated[
        tuple[tuple[str, ...], ...] | None,
        Field(
            description="Feature to divide people by, or several crossed: sex+race. Repeat; 'none' for none."
        ),
        option(read=_crossed),
    ] = None
    metrics: Annotated[
        tuple[str, ...],
        Field(description="Only this metric; repeat. All that can be, else."),
        option("--metric"),
    ] = ()
    business_value: Worth = ()
    refit: Annotated[bool, Field(description="Let NannyML learn anew.")] = False
    unadapted: Annotated[
        bool, Field(description="Leave out estimates adapted to the inputs of each of the newest 60 chunks.")
    ] = False


def refresh_monitoring(
    governance: Governance,
    command: RefreshMonitoring,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Event | None = None,
) -> int:
    """Estimate in a worker process, record the chunks, and return how many there are.

    NannyML learns from a reference once for each rule of chunks, which takes 10 seconds and more; what it
    learned is kept, and the next refresh only estimates.

    Raises
    ------
    BadInput
        A part of the batches is lacking, or NannyML would answer wrongly on them. Nothing is stored.
    GovernanceError
        The worker was cancelled, or ended by itself.
    """
    case = begin(governance, command)
    store = governance.store
    about = (case.initiative.initiative, command.version)
    parts = _parts(case, command)
    spec = _spec(case, command, parts)
    key = _fit_key(spec, parts)
    known = lake.kept_fit(store, *about, key, case.moment)
    if known is not None and not command.refit:
        spec = spec.model_copy(update={"fitted": known})
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "job"
        result = run_worker("estimate", spec, work, on_progress=on_progress, cancelled=cancelled)
        chunks = lake.read_estimates(store, result.files[_NAME])
        fit_file = result.files[f"{_NAME}.fit"]
        rested_on = [batch.sha256 for batches in parts.values() for batch in batches]
        recorded = RecordEstimates(
            actor=command.actor,
            at=command.at,
            initiative=command.initiative,
            version=command.version,
            chunks=tuple(chunks),
            run=decay_run(*about, spec, fit_file, chunks, rested_on),
            fit_key=key,
            fit_file=fit_file if spec.fitted is None else None,
            slices_file=result.files[f"{_NAME}.slices"] if spec.by else None,
        )
        record_estimates(governance, recorded)
    return len(chunks)


def start_refresh(governance: Governance, command: RefreshMonitoring) -> str:
    """Start a refresh beside the pages and return the job's id; see `core.services.jobs`.

    Raises
    ------
    Forbidden, NotFound
        The actor may not; no such initiative. Any other refusal is the job's outcome.
    """
    case = begin(governance, command)
    initiative = case.initiative.initiative

    def work(control: JobControl) -> str:
        found = refresh_monitoring(
            governance, command, on_progress=control.follow, cancelled=control.cancelled
        )
        return f"{found:,} estimates are on record."

    return start_job(REFRESH, refresh_subject(initiative, command.version), work, command.actor)


def refresh_subject(initiative: str, version: str) -> str:
    """The subject of a version's refresh among the jobs."""
    return f"{initiative}/{version}"


def decay_run(
    initiative: str,
    version: str,
    spec: EstimateSpec,
    fit_file: Path,
    chunks: Sequence[EstimatedChunk],
    batches: Sequence[str] = (),
) -> DecayRun:
    """How estimates came about: what was asked, the fit that the worker left, and what they rest on."""
    fit = read_fit(fit_file)
    analysis = [
        one for one in chunks if (one.metric, one.part, one.method) == (chunks[0].metric, "analysis", NANNYML)
    ]
    settings = {"metrics": spec.metrics, "by": spec.by, "business_value": spec.business_value}
    return DecayRun(
        initiative=initiative,
        version=version,
        task=spec.task,
        chunking=spec.chunking,
        settings=canonical(settings),
        reference_rows=fit.reference_rows,
        reference_chunks=fit.reference_chunks,
        analysis_rows=sum(chunk.rows for chunk in analysis),
        labelled_rows=sum(chunk.labelled_rows for chunk in analysis),
        calibrated=any(one is not None for one in fit.whole.calibrators),
        calibration_error=fit.whole.calibration_error,
        raw_calibration_error=fit.whole.raw_calibration_error,
        batches=tuple(batches),
        fit_sha256=hashlib.sha256(fit_file.read_bytes()).hexdigest(),
        slices_by=tuple(CROSSED.join(one) for one in spec.by),
    )


class RecordEstimates(Command, may="refresh_monitoring"):
    """Put estimated performance per chunk on record; computed by a worker, one row per metric and chunk.

    `run` says how the estimates came about. `fit_file` is what NannyML learned, kept under `fit_key` for the
    next refresh, and `slices_file` the estimates of subpopulations.
    """

    initiative: str
    version: str
    chunks: tuple[EstimatedChunk, ...]
    run: DecayRun | None = None
    fit_key: str = ""
    fit_file: Path | None = None
    slices_file: Path | None = None


def record_estimates(governance: Governance, command: RecordEstimates) -> None:
    """Record a refresh of the decay estimates; the newest refresh counts.

    A realised value is recorded where at least half of the chunk's rows have an outcome.

    Raises
    ------
    BadInput
        There is no chunk.
    """
    case = begin(governance, command)
    initiative, version = case.initiative.initiative, command.version
    if not command.chunks:
        raise BadInput("there is no chunk to record", where=command.initiative, remedy="Refresh again.")
    entries = []
    if command.fit_file is not None:
        fit = _kept(governance.store, command.fit_file)
        kept = DecayFit(
            initiative=initiative,
            version=version,
            fit_key=command.fit_key,
            path=fit.path,
            sha256=fit.sha256,
            bytes=fit.size,
        )
        entries.append(entry_of("decay_fitted", kept))
    if command.run:
        run = command.run
        if command.slices_file is not None:
            slices = _kept(governance.store, command.slices_file)
            run = replace(run, slices_path=slices.path, slices_sha256=slices.sha256)
        entries.append(entry_of("decay_estimated", run))
    chunks = (_recorded(initiative, version, chunk) for chunk in command.chunks)
    entries.append(entry_of("monitoring_refreshed", *chunks))
    case.append(entries)


def _recorded(initiative: str, version: str, chunk: EstimatedChunk) -> DecayChunk:
    known = chunk if chunk.labelled_rows >= ENOUGH_OUTCOMES * chunk.rows else replace(chunk, realised=None)
    return DecayChunk(
        initiative=initiative, version=version, **{name: getattr(known, name) for name in _OF_CHUNK}
    )


def _kept(store: Store, file: Path) -> StoredFile:
    return keep_content(store, file.read_bytes(), "decay", file.suffix)


Parts = Mapping[str, Sequence[PredictionBatch]]


def _parts(case: Case, command: RefreshMonitoring) -> Parts:
    """Batches of the reference and of the analysis, in the order of their rows."""
    known = lake.batches(case.governance.store, command.initiative, command.version, case.moment)
    found = {}
    for part in ("reference", "analysis"):
        batches = [batch for batch in known if batch.part == part]
        if not batches:
            raise BadInput(
                f"version '{command.version[:20]}' has no {part} batch",
                where=command.initiative,
                remedy="Estimates need both: add it with 'governance predictions add'.",
            )
        if all(batch.first_at for batch in batches):
            batches.sort(key=attrgetter("first_at"))
        found[part] = batches
    return found


def _spec(case: Case, command: RefreshMonitoring, parts: Parts) -> EstimateSpec:
    newest = parts["reference"][-1]
    of = (case.governance.store, command.initiative, command.version, case.moment)
    paths = {part: tuple(Path(batch.path) for batch in batches) for part, batches in parts.items()}
    kept = latest(case.governance.store, ColumnMapping, case.moment, of[1], version=of[2])
    if weight := weight_of(*of):
        raise BadInput(
            "estimates of weighted rows are not worked out",
            where=f"weight '{weight}'",
            remedy="Rates of groups are: look at the bias slices.",
        )
    features, words = _features(case.governance.store, paths, kept.features if kept else ())
    return EstimateSpec(
        name=_NAME,
        task=newest.task,
        reference=paths["reference"],
        analysis=paths["analysis"],
        chunk_size=None if command.period else command.chunk_size or CHUNK_ROWS,
        period=command.period,
        metrics=command.metrics,
        classes=newest.classes if newest.task == "multiclass" else (),
        features=features,
        categorical_features=words,
        by=_by(command, parts),
        business_value=command.business_value,
        adapt=not command.unadapted,
    )


def _features(
    store: Store, paths: Mapping[str, tuple[Path, ...]], named: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The model's inputs that both parts have as numbers or words, and those of them that hold words."""
    kinds = columns_of_batches(store, paths["reference"])
    later = columns_of_batches(store, paths["analysis"])
    usable = [name for name in kinds if name in later and kinds[name] in ("number", "word")]
    chosen = [name for name in usable if not _canonical(name) and (not named or name in named)]
    return tuple(chosen), tuple(name for name in chosen if kinds[name] == "word")


def _canonical(name: str) -> bool:
    return name in CANONICAL or name.startswith("y_score_")


def _by(command: RefreshMonitoring, parts: Parts) -> tuple[tuple[str, ...], ...]:
    if command.by is not None:
        return command.by
    everywhere = [set(batch.columns) for batches in parts.values() for batch in batches]
    sensitive = dict.fromkeys(name for batch in parts["reference"] for name in batch.sensitive)
    return tuple((name,) for name in sensitive if all(name in one for one in everywhere))[:MOST_BY]


def _fit_key(spec: EstimateSpec, parts: Parts) -> str:
    """Names what a fit depends on: the reference, the rule of the chunks, and what is asked."""
    free = {"name", "reference", "analysis", "fitted", "adapt"}
    if spec.task != "regression":
        free |= {"features", "categorical_features"}
    asked = spec.model_dump(mode="json", exclude=free)
    files = [batch.sha256 for batch in parts["reference"]]
    return hashlib.sha256(canonical({"format": FORMAT, "reference": files, **asked}).encode()).hexdigest()


class AddOutcomes(Command, may="add_predictions"):
    """Add true outcomes that came after the predictions: all that is read from now on has them."""

    initiative: InitiativeId
    version: VersionId = ""
    file: Annotated[Path, Field(description="CSV (UTF-8), Parquet or Arrow with ids and outcomes."), Laid()]
    name: FileName = ""
    row_id: Annotated[
        str, Field(description="Column of the row's id; as kept by default."), option("--id")
    ] = ""
    target: Annotated[str, Field(description="Column of the outcome; as kept by default.")] = ""


@dataclass(frozen=True)
class AddedOutcomes:
    """Outcomes that are on record now, and how many files of them the version has."""

    rows: int
    files: int


def add_outcomes(governance: Governance, command: AddOutcomes) -> AddedOutcomes:
    """Judge a file of outcomes as a whole, keep it by its digest, and register it.

    Rows are found by their id. A second outcome of a row takes the place of the first; both stay on record.
    Slices, checks and curves count them at once; drift and estimates when they are measured again.

    Raises
    ------
    NotFound, BadInput
        No such initiative or version; the file is refused, and nothing is stored.
    Conflict
        The same outcomes were added before.
    """
    case = begin(governance, command)
    store = governance.store
    require_version(governance, command.initiative, command.version, case.moment)
    of = (store, command.initiative, command.version, case.moment)
    batches = lake.batches(*of)
    if not batches:
        raise BadInput(
            f"version '{command.version[:20]}' has no predictions",
            where=command.initiative,
            remedy="Add the predictions first.",
        )
    kept = latest(store, ColumnMapping, case.moment, command.initiative, version=command.version)
    row_id = command.row_id or (kept.row_id if kept else "") or "row_id"
    target = command.target or (kept.target if kept else "") or "y_true"
    with store.workroom() as work:
        go_on = partial(require_going, store.stopping)
        source = open_predictions(command.file, command.name or command.file.name, work, go_on)
        csv, mapping = source.kind == "csv", _called(kept, batches[-1])
        given = OutcomeFile(source.file, source.name, csv, source.columns, row_id, target, mapping)
        part = work / "outcomes.parquet"
        rows, has = write_outcomes(store, given, [batch.path for batch in batches], part)
        stored = _kept(store, part)
    known: set[str] = set()
    came = {one.sha256: one.batch for one in lake.readings(*of).values()}

    def added(now: Case) -> PredictionOutcomes:
        known.update(one.sha256 for one in lake.outcomes(*of[:3], now.moment))
        if stored.sha256 in known:
            raise Conflict(
                "these outcomes were added before", where=source.name, remedy="Nothing is to be done."
            )
        return PredictionOutcomes(
            initiative=command.initiative,
            version=command.version,
            path=stored.path,
            sha256=stored.sha256,
            rows=rows,
            source_name=given.name,
            batches=tuple(came.get(batch.sha256, batch.sha256) for batch in batches if batch.path in has),
        )

    case.put_next("outcomes_added", added)
    lake.batches(*of[:3], governance.moment(command.at))  # joined here, so that no page waits for it
    return AddedOutcomes(rows, len(known) + 1)


def _called(kept: ColumnMapping | None, newest: PredictionBatch) -> mappings.ColumnMapping:
    """How the outcomes of a version are called."""
    if kept is not None:
        classes = newest.classes or kept.classes
        return mappings.kept_mapping(kept).model_copy(update={"classes": classes})
    return mappings.ColumnMapping(task=newest.task, prediction="y_pred", classes=newest.classes)
