"""Refreshing the decay estimates of a model version: a worker estimates, the result goes on record."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from threading import Event
from typing import Annotated, Any, ClassVar

from pydantic import Field

from core.analytics.decay.fit import FORMAT
from core.analytics.job_specs import EstimateSpec, Period
from core.connectors.workers import Progress, run_worker
from core.domain.chain import canonical
from core.domain.commands import Command
from core.domain.errors import BadInput
from core.domain.facts.measured import ColumnMapping, PredictionBatch
from core.domain.given import InitiativeId, VersionId, option
from core.domain.moment import Moment
from core.lake.facts import latest
from core.lake.monitoring import readings as lake
from core.lake.monitoring.decay_outcomes import outcomes
from core.lake.monitoring.decay_records import kept_fit
from core.lake.monitoring.decay_settings import columns_of_batches
from core.lake.monitoring.worker_results import read_result
from core.services.governance import Governance
from core.services.jobs import JobControl, start_job
from core.services.lookups import require_initiative
from core.services.measured.monitoring import RecordEstimates, record_estimates

CANONICAL = ("row_id", "timestamp", "y_pred", "y_true", "y_score")
CHUNK_ROWS = 5000
MOST_BY = 6
"""Sensitive features that get estimates of their own unless some are named."""
REFRESH = "refresh_monitoring"
_NAME = "estimates"


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


class RefreshMonitoring(Command):
    """Estimate performance from the prediction batches; a first time takes 10 seconds and more.

    Without --by each sensitive feature gets estimates of its own. Ctrl-C stops it, and nothing is recorded.
    """

    may: ClassVar[str] = "refresh_monitoring"

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
    business_value: Annotated[
        tuple[tuple[float, ...], ...],
        Field(description="What outcomes are worth, '1,-5;-3,10' for TN,FP;FN,TP."),
        option("--worth", read=worth_of),
    ] = ()
    refit: Annotated[bool, Field(description="Let NannyML learn anew.")] = False


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
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    require_initiative(governance, command.initiative, moment)
    parts = _parts(governance, command, moment)
    spec = _spec(governance, command, moment, parts)
    key = _fit_key(spec, parts)
    known = kept_fit(governance.store, command.initiative, command.version, key, moment)
    if known is not None and not command.refit:
        spec = spec.model_copy(update={"fitted": known})
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "job"
        result = run_worker("estimate", spec, work, on_progress=on_progress, cancelled=cancelled)
        rows = read_result(governance.store, result.files[_NAME])
        fit_file = result.files[f"{_NAME}.fit"]
        run = run_facts(spec, fit_file, rows)
        run["batches"] = [batch.sha256 for batches in parts.values() for batch in batches]
        recorded = RecordEstimates(
            actor=command.actor,
            at=command.at,
            initiative=command.initiative,
            version=command.version,
            chunks=tuple({**row, "part": row["period"]} for row in rows),
            run=run,
            fit_key=key,
            fit_file=fit_file if spec.fitted is None else None,
            slices_file=result.files[f"{_NAME}.slices"] if spec.by else None,
        )
        record_estimates(governance, recorded)
    return len(rows)


def start_refresh(governance: Governance, command: RefreshMonitoring) -> str:
    """Start a refresh beside the pages and return the job's id; see `core.services.jobs`.

    Raises
    ------
    Forbidden, NotFound
        The actor may not; no such initiative. Any other refusal is the job's outcome.
    """
    governance.roles.require(command.actor, command.may)
    require_initiative(governance, command.initiative, governance.present(command.at))

    def work(control: JobControl) -> str:
        found = refresh_monitoring(
            governance, command, on_progress=control.follow, cancelled=control.cancelled
        )
        return f"{found:,} estimates are on record."

    return start_job(REFRESH, refresh_subject(command.initiative, command.version), work, command.actor)


def refresh_subject(initiative: str, version: str) -> str:
    """The subject of a version's refresh among the jobs."""
    return f"{initiative}/{version}"


def run_facts(spec: EstimateSpec, fit_file: Path, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How estimates came about, as the record keeps it.

    Parameters
    ----------
    spec, fit_file, rows
        What was asked, the fit that the worker left, and its estimates.
    """
    text = fit_file.read_bytes()
    fit = json.loads(text)
    first = rows[0]["metric"] if rows else ""
    analysis = [row for row in rows if row["metric"] == first and row["period"] == "analysis"]
    whole = fit["whole"]
    chosen = {"metrics": list(spec.metrics), "by": [list(one) for one in spec.by]}
    worth = {"business_value": [list(line) for line in spec.business_value]}
    return {
        "task": spec.task,
        "chunking": spec.chunking,
        "settings": canonical({**chosen, **worth}),
        "reference_rows": fit["reference_rows"],
        "reference_chunks": fit["reference_chunks"],
        "analysis_rows": sum(row["rows"] for row in analysis),
        "labelled_rows": sum(row["labelled_rows"] for row in analysis),
        "calibrated": any(one is not None for one in whole["calibrators"]),
        "calibration_error": whole["calibration_error"],
        "raw_calibration_error": whole["raw_calibration_error"],
        "batches": [],
        "fit_sha256": hashlib.sha256(text).hexdigest(),
        "slices_by": [" × ".join(one) for one in spec.by],
    }


Parts = Mapping[str, Sequence[PredictionBatch]]


def _parts(governance: Governance, command: RefreshMonitoring, moment: Moment) -> Parts:
    """Batches of the reference and of the analysis, in the order of their rows."""
    known = lake.batches(governance.store, command.initiative, command.version, moment)
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


def _spec(governance: Governance, command: RefreshMonitoring, moment: Moment, parts: Parts) -> EstimateSpec:
    newest = parts["reference"][-1]
    paths = {part: tuple(Path(batch.path) for batch in batches) for part, batches in parts.items()}
    features: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    if newest.task == "regression":
        initiative, version = command.initiative, command.version
        kept = latest(governance.store, ColumnMapping, moment, initiative, version=version)
        features, words = _features(governance, paths, kept.features if kept else ())
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
        outcomes=tuple(
            Path(row["path"])
            for row in outcomes(governance.store, command.initiative, command.version, moment)
        ),
    )


def _features(
    governance: Governance, paths: Mapping[str, tuple[Path, ...]], named: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The model's inputs that both parts have as numbers or words, and those of them that hold words."""
    kinds = columns_of_batches(governance.store, paths["reference"])
    later = columns_of_batches(governance.store, paths["analysis"])
    usable = [name for name in kinds if name in later and kinds[name] in ("number", "word")]
    chosen = [name for name in usable if name not in CANONICAL and (not named or name in named)]
    return tuple(chosen), tuple(name for name in chosen if kinds[name] == "word")


def _by(command: RefreshMonitoring, parts: Parts) -> tuple[tuple[str, ...], ...]:
    if command.by is not None:
        return command.by
    everywhere = [set(batch.columns) for batches in parts.values() for batch in batches]
    sensitive = dict.fromkeys(name for batch in parts["reference"] for name in batch.sensitive)
    return tuple((name,) for name in sensitive if all(name in one for one in everywhere))[:MOST_BY]


def _fit_key(spec: EstimateSpec, parts: Parts) -> str:
    """Names what a fit depends on: the reference, the rule of the chunks, and what is asked."""
    asked = spec.model_dump(mode="json", exclude={"name", "reference", "analysis", "fitted", "outcomes"})
    files = [batch.sha256 for batch in parts["reference"]]
    return hashlib.sha256(canonical({"format": FORMAT, "reference": files, **asked}).encode()).hexdigest()
