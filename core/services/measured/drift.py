"""Drift of a version's inputs: measured beside the pages, put on record, ranked by what matters, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from core.analytics.drift.methods import RECONSTRUCTION
from core.analytics.job_specs import Gap
from core.domain.commands import Command
from core.domain.errors import BadInput, NotFound
from core.domain.facts.measured import ColumnMapping, DriftFeature, DriftRun, PredictionBatch
from core.domain.facts.recorded import entry_of
from core.domain.given import InitiativeId, VersionId
from core.domain.models.column_mapping import (
    PREDICTED,
    TRUE,
    is_canonical,
    kept_mapping,
    kinds_of,
    orders_of,
    role_title,
    score_column,
)
from core.domain.models.data_quality import DriftLimits
from core.domain.moment import Moment
from core.domain.policy.checks import CheckResult, cannot_tell, no_predictions
from core.ground import Verdict, in_words
from core.lake.facts import latest
from core.lake.monitoring import drift as lake
from core.lake.monitoring import readings as monitoring
from core.lake.monitoring.drift_counts import ABSENT, BatchFile, Chunking, DriftRows
from core.lake.predictions.batches import weight_of
from core.services.case import begin, registered
from core.services.governance import Governance
from core.services.jobs import JobControl, start_job
from core.services.measured.data_quality import (
    MeasureDataQuality,
    QualityReport,
    measure_data_quality,
    quality_report,
)

KIND = "measure_drift"
BY_ORDER = "kolmogorov_smirnov"
"""The method that decides on columns whose values have an order."""
USUAL_CHUNK_ROWS = 5_000
_USUAL_CHUNKS = 10
Step = Callable[[float, str], None]


class MeasureDrift(Command, may="refresh_monitoring"):
    """Compare every feature of a version's analysis rows with its reference, chunk by chunk."""

    initiative: InitiativeId
    version: VersionId = ""
    chunk_rows: Annotated[
        int, Field(ge=0, le=1_000_000, description="Rows a chunk when measuring; 0 chooses.")
    ] = 0
    period: Annotated[
        Literal["", "day", "week", "month", "quarter", "year"],
        Field(description="day, week, month, quarter or year, in place of rows."),
    ] = ""


@dataclass(frozen=True)
class DriftChunk:
    """A chunk: `name` is its rows or its first day; times are ISO texts in UTC, empty without times."""

    part: str
    name: str
    rows: int
    started_at: str
    ended_at: str


@dataclass(frozen=True)
class Distances:
    """What a method found along the chunks; as in `MethodDrift`.

    `thresholds` and `lower_thresholds` have one a chunk; the latter are empty for a method of one side.
    """

    distances: tuple[float | None, ...]
    threshold: float | None
    alerts: tuple[bool | None, ...]
    p_values: tuple[float | None, ...]
    thresholds: tuple[float | None, ...]
    lower_thresholds: tuple[float | None, ...]
    left_out: tuple[float | None, ...]

    @property
    def comparable(self) -> tuple[float | None, ...]:
        """Distances that were held to the thresholds: of a reference chunk from the reference without it."""
        return (*self.left_out, *self.distances[len(self.left_out) :])


@dataclass(frozen=True)
class FeatureDrift:
    """The drift of a feature, or of a score, prediction or outcome, by how much it matters.

    Attributes
    ----------
    title
        The feature; of a score, prediction or outcome what it is, and the name of its column.
    share
        Share of the model's attribution; None where none is on record, 0 where the model does not use it.
    drift
        Mean distance of the analysis chunks by the leading method.
    importance
        `drift` times `share`; `drift` alone where no attribution is on record. What ranks.
    newest, threshold, alerts, newest_alert
        By the leading method: the newest chunk, the limit, alerting analysis chunks, and whether the newest
        is one of them (None = cannot tell).
    methods
        Method -> distances, threshold, alerts and p-values along the chunks.
    """

    feature: str
    title: str
    kind: str
    share: float | None
    drift: float | None
    importance: float | None
    newest: float | None
    threshold: float | None
    alerts: int
    newest_alert: bool | None
    methods: Mapping[str, Distances]


@dataclass(frozen=True)
class DriftReport:
    """The newest measurement of a version's drift, features that matter most first.

    `outputs` are the score, the prediction and the outcome, which no attribution speaks of, and all inputs
    together.
    """

    initiative: str
    version: str
    measured_at: datetime
    method: str
    chunk_rows: int
    period: str
    reference_chunks: int
    chunks: tuple[DriftChunk, ...]
    features: tuple[FeatureDrift, ...]
    attributed: bool
    skipped: tuple[str, ...]
    stale: str
    check: CheckResult
    gaps: tuple[Gap, ...] = ()
    outputs: tuple[FeatureDrift, ...] = ()

    @property
    def lines(self) -> tuple[FeatureDrift, ...]:
        """Features, then outputs."""
        return self.features + self.outputs

    @property
    def alerting(self) -> tuple[FeatureDrift, ...]:
        """Features that alert in the newest chunk."""
        return tuple(feature for feature in self.features if feature.newest_alert)


def measure_drift(governance: Governance, command: MeasureDrift, *, step: Step | None = None) -> int:
    """Measure drift, put it on record, and return how many features were compared.

    Parameters
    ----------
    step
        Told the share done and what is at work; what it raises ends the work, and nothing is recorded.
    """
    case = begin(governance, command)

    about = (case.initiative.initiative, command.version)
    batches = compared_batches(governance, *about, case.moment)
    chunking = _chunking(command, batches)
    files = [BatchFile(batch.path, batch.part, batch.rows) for batch in batches]
    kept = latest(governance.store, ColumnMapping, case.moment, about[0], version=about[1])
    orders = orders_of(kept_mapping(kept), kinds_of(kept)) if kept else {}
    weight = weight_of(governance.store, *about, case.moment)
    rows = DriftRows(governance.store.cursor(), files, chunking, orders, weight)
    least = case.rules.data_quality.drift.min_reference_chunks
    if rows.reference_chunks < least:
        raise BadInput(
            f"the reference makes {rows.reference_chunks} chunk, and thresholds need {least} or more",
            where=command.initiative,
            remedy="Choose smaller chunks.",
        )
    classes = batches[0].task != "regression"
    found = lake.measure(rows, step or (lambda share, what: None), classes=classes)
    run = lake.run_of(*about, chunking, rows.chunks, [batch.sha256 for batch in batches], found.skipped)
    entries = [entry_of("drift_measured", run)]
    if found.methods:
        features = [
            DriftFeature(initiative=about[0], version=about[1], **asdict(one)) for one in found.methods
        ]
        entries.append(entry_of("features_compared", *features))
    case.append(entries)
    return len(
        {one.feature for one in found.methods if one.kind != "inputs" and not is_canonical(one.feature)}
    )


def start_measuring(governance: Governance, command: MeasureDrift) -> str:
    """Measure drift and data quality beside the pages, and return the job's id."""
    governance.require(command)

    def work(control: JobControl) -> str:
        def within(start: float, width: float) -> Step:
            def step(share: float, sentence: str) -> None:
                control.raise_if_cancelled()
                control.report(start + width * share, sentence)

            return step

        features = measure_drift(governance, command, step=within(0.0, 0.85))
        about = command.model_dump(include={"at", "initiative", "version"})
        quality = MeasureDataQuality(actor=command.actor, **about)
        columns = measure_data_quality(governance, quality, step=within(0.85, 0.15))
        return f"{features:,} features are compared and {columns:,} columns judged."

    return start_job(KIND, f"{command.initiative}/{command.version}", work, command.actor)


def drift_report(governance: Governance, moment: Moment, *, initiative: str, version: str) -> DriftReport:
    """The newest measurement of a version, its features ranked by drift times attribution.

    Raises
    ------
    NotFound
        No such initiative, or nothing was measured yet.
    """
    registered(governance, initiative, moment)
    run = monitoring.require_run(governance.store, DriftRun, initiative, version, moment, "drift")
    method = governance.rules(moment).data_quality.drift.method
    shares = attribution_shares(governance, initiative, version, moment)
    of: dict[str, dict[str, DriftFeature]] = {}
    for row in monitoring.lines_of(governance.store, run, DriftFeature, moment):
        of.setdefault(row.feature, {})[row.method] = row
    titles = _titles(governance, initiative, version, moment)
    lines = [_ranked(methods, run.reference_chunks, shares, method, titles) for methods in of.values()]
    features = [one for one in lines if _is_input(one)]
    features.sort(key=lambda one: (-(one.importance or 0.0), -(one.drift or 0.0), one.feature))
    return DriftReport(
        initiative,
        version,
        run.recorded_at,
        method,
        run.chunk_rows,
        run.period,
        run.reference_chunks,
        _chunks(run),
        tuple(features),
        bool(shares),
        run.skipped,
        stale_because(governance, run, moment) or _outcomes_since(governance, run, moment),
        check_drift(governance, initiative, version, moment),
        _gaps(governance, run, moment),
        tuple(one for one in lines if not _is_input(one)),
    )


def _is_input(line: DriftFeature | FeatureDrift) -> bool:
    """Whether it is one feature, not an output nor all inputs together."""
    return line.kind != "inputs" and not is_canonical(line.feature)


def _titles(governance: Governance, initiative: str, version: str, moment: Moment) -> dict[str, str]:
    """What each score, prediction and outcome is called: what it is, and the name of its column."""
    kept = latest(governance.store, ColumnMapping, moment, initiative, version=version)
    assert kept is not None  # batches that were measured have a mapping
    mapping = kept_mapping(kept)
    named = {PREDICTED: mapping.prediction, TRUE: mapping.target}
    named |= {score_column(label): name for label, name in mapping.scores.items()}
    titles = {
        column: role_title(column) + (f" '{in_words(name)}'" if name not in ("", column) else "")
        for column, name in named.items()
    }
    return {**titles, "inputs": "all inputs together"}


def _gaps(governance: Governance, run: DriftRun, moment: Moment) -> tuple[Gap, ...]:
    """Where the batches that were compared have no rows."""
    known = monitoring.batches(governance.store, run.initiative, run.version, moment)
    compared = [batch for batch in known if batch.sha256 in run.batches]
    return monitoring.gaps(governance.store, compared, run.period or "month")


def compared_batches(
    governance: Governance, initiative: str, version: str, moment: Moment
) -> tuple[PredictionBatch, ...]:
    """The newest reference and all analysis batches of a version, oldest first.

    Raises
    ------
    NotFound
        One of the two parts is lacking.
    """
    about = (governance.store, initiative, version, moment)
    remedy = "Comparing needs both: add it with 'governance predictions add'."
    reference = monitoring.require_batches(*about, "reference", remedy)[-1:]
    return reference + monitoring.require_batches(*about, "analysis", remedy)


def _chunking(command: MeasureDrift, batches: Sequence[PredictionBatch]) -> Chunking:
    if command.period:
        return Chunking(period=command.period)
    if command.chunk_rows:
        return Chunking(rows=command.chunk_rows)
    reference = sum(batch.rows for batch in batches if batch.part == "reference")
    return Chunking(rows=max(1, min(USUAL_CHUNK_ROWS, reference // _USUAL_CHUNKS)))


def _leads(line: DriftFeature, method: str) -> bool:
    """Whether a method decides on its feature: of values with an order one that knows of it."""
    return line.method == (BY_ORDER if line.kind == "ordered" else method)


def _ranked(
    methods: Mapping[str, DriftFeature],
    reference_chunks: int,
    shares: Mapping[str, float],
    leading: str,
    titles: Mapping[str, str],
) -> FeatureDrift:
    lead = next((one for one in methods.values() if _leads(one, leading)), None) or methods[RECONSTRUCTION]
    after, alerts = lead.distances[reference_chunks:], lead.alerts[reference_chunks:]
    known = [distance for distance in after if distance is not None]
    drift = sum(known) / len(known) if known and lead.kind != "inputs" else None
    share = shares.get(lead.feature, 0.0) if shares and _is_input(lead) else None
    return FeatureDrift(
        lead.feature,
        titles[lead.feature] if not _is_input(lead) else lead.feature,
        lead.kind,
        share,
        drift,
        drift if drift is None or share is None else drift * share,
        after[-1] if after else None,
        lead.threshold,
        sum(bool(alert) for alert in alerts),
        alerts[-1] if alerts else None,
        {
            name: Distances(
                one.distances,
                one.threshold,
                one.alerts,
                one.p_values,
                one.thresholds or (one.threshold,) * len(one.distances),
                one.lower_thresholds or (),
                one.left_out or (),
            )
            for name, one in methods.items()
        },
    )


def _chunks(run: DriftRun) -> tuple[DriftChunk, ...]:
    lists = (run.parts, run.first_rows, run.last_rows, run.started_at, run.ended_at)
    found = []
    for part, first, last, started, ended in zip(*lists, strict=True):
        name = started[:10] if run.period else f"{first:,}–{last:,}"
        found.append(DriftChunk(part, name, last - first + 1, started, ended))
    return tuple(found)


@dataclass(frozen=True)
class MeasuredInputs:
    """Drift and data quality of a version, each None until it is measured.

    `lacking` says what keeps drift from being measured, or nothing.
    """

    drift: DriftReport | None
    quality: QualityReport | None
    lacking: str
    max_alert_share: float


def measured_inputs(
    governance: Governance, moment: Moment, *, initiative: str, version: str
) -> MeasuredInputs:
    """Everything the page shows of a version."""
    registered(governance, initiative, moment)
    about = {"initiative": initiative, "version": version}
    drift = quality = None
    lacking = ""
    try:
        drift = drift_report(governance, moment, **about)
    except NotFound:
        try:
            compared_batches(governance, initiative, version, moment)
        except NotFound as problem:
            lacking = str(problem)
    with suppress(NotFound):
        quality = quality_report(governance, moment, **about)
    return MeasuredInputs(
        drift, quality, lacking, governance.rules(moment).data_quality.drift.max_alert_share
    )


def most_drifted(governance: Governance, moment: Moment) -> tuple[str, str] | None:
    """Initiative and version whose inputs drifted most, those with attributions first; None without any."""
    return lake.most_drifted(governance.store, moment, governance.rules(moment).data_quality.drift.method)


def check_drift(governance: Governance, initiative: str, version: str, moment: Moment) -> CheckResult:
    """Hold the newest chunks' alerts to the limit: the share of the attribution that drifted features carry.

    Without attributions every feature carries the same. Old, outdated or small measurements cannot tell.
    """
    check, limits = "drift_alert", governance.rules(moment).data_quality.drift
    if not monitoring.batches(governance.store, initiative, version, moment):
        return no_predictions(check, monitoring.rows_gone(governance.store, initiative, version, moment))
    run = latest(governance.store, DriftRun, moment, initiative, version=version)
    if run is None:
        return cannot_tell(check, "the drift of this version's inputs has not been measured", "Measure it.")
    stale = stale_because(governance, run, moment)
    if stale:
        return cannot_tell(check, stale, "Measure it again.")
    spans = zip(run.parts, run.first_rows, run.last_rows, strict=True)
    newest = [last - first + 1 for part, first, last in spans if part == "analysis"][-limits.newest_chunks :]
    if len(newest) < limits.newest_chunks or min(newest) < limits.min_rows:
        least = f"{limits.newest_chunks} newest chunks of {limits.min_rows:,} rows or more"
        what = f"there are too few rows: it takes {least}"
        return cannot_tell(check, what, "Add predictions, measure again.")
    lines = monitoring.lines_of(governance.store, run, DriftFeature, moment)
    rows = [row for row in lines if row.method == RECONSTRUCTION or _leads(row, limits.method)]
    features = [row for row in rows if _is_input(row)]
    if not features:
        return cannot_tell(check, "no feature could be compared with the reference", "Look at the batches.")
    if any(row.thresholds is None for row in rows):
        why = "its thresholds are from chunks that are part of what they were compared with"
        return cannot_tell(check, why, "Measure it again.")
    shares = attribution_shares(governance, initiative, version, moment)
    result = _held_to_limit(features, _absent(run), shares, limits)
    titles = _titles(governance, initiative, version, moment)
    moved = [titles[row.feature] for row in rows if not _is_input(row) and row.alerts[-1]]
    told = f"; beside them drifted {', '.join(moved)}" if moved else ""
    since = _outcomes_since(governance, run, moment)
    by = f"by {_distances(features, limits.method)} (Bonferroni)"
    weight = weight_of(governance.store, initiative, version, moment)
    by += ", each row counted once whatever its weight" if weight else ""
    return replace(result, message="; ".join(filter(None, (result.message + told, by, since))))


def _distances(features: Sequence[DriftFeature], method: str) -> str:
    """By what features were held to chance: those with an order by their own distance."""
    ordered = {row.feature for row in features if row.kind == "ordered"}
    said = f"{_hyphened(method)} distances against random draws of the reference"
    own = f"{_hyphened(BY_ORDER)} distances of ordered columns against Kolmogorov's law"
    return " and ".join([said] * (len(ordered) < len(features)) + [own] * bool(ordered))


def _hyphened(method: str) -> str:
    return in_words(method).title().replace(" ", "-")


def _outcomes_since(governance: Governance, run: DriftRun, moment: Moment) -> str:
    """What a measurement leaves out of the drift of outcomes; that of inputs stays as it is."""
    since = monitoring.outcomes_since(governance.store, run, moment)
    return "outcomes came since drift was measured" if since else ""


def _absent(run: DriftRun) -> dict[str, str]:
    """Features that were not compared, each with the reason."""
    reasons = dict(one.rsplit(": ", 1) for one in run.skipped)
    return {name: why for name, why in reasons.items() if not is_canonical(name)}


def attribution_shares(
    governance: Governance, initiative: str, version: str, moment: Moment
) -> dict[str, float]:
    """Feature -> share of the model's attribution; empty where none is on record."""
    rows = monitoring.attributions(governance.store, initiative, version, moment)
    return {row.feature: row.share for row in rows}


def stale_because(governance: Governance, run: DriftRun, moment: Moment) -> str:
    """Why a measurement does not count any more, or nothing."""
    if monitoring.rests_on_withdrawn(governance.store, run, moment):
        return "predictions were withdrawn since drift was measured"
    if gone := monitoring.purged_since(governance.store, run, moment):
        return gone
    known = monitoring.batches(governance.store, run.initiative, run.version, moment)
    left = [batch for batch in known if batch.sha256 not in run.batches]
    compared = [one.seq for one in known if one.sha256 in run.batches and one.part == "reference"]
    if any(batch.part == "analysis" or batch.seq >= max(compared, default=0) for batch in left):
        return "predictions were added since drift was measured"
    return monitoring.aged(run, moment, governance.rules(moment).data_quality.drift.fresh_days)


def _held_to_limit(
    rows: Sequence[DriftFeature], absent: Mapping[str, str], shares: Mapping[str, float], limits: DriftLimits
) -> CheckResult:
    newest = {row.feature: row.alerts[-limits.newest_chunks :] for row in rows}
    used = shares or {name: 1.0 for name, why in absent.items() if why.startswith(ABSENT)}
    gone = [name for name in dict.fromkeys([*absent, *used]) if used.get(name) and name not in newest]
    every = [*newest, *gone]
    weights = {name: shares.get(name, 0.0) if shares else 1 / len(every) for name in every}
    alerting = sorted((name for name in newest if all(newest[name])), key=lambda name: -weights[name])
    untold = [name for name, alerts in newest.items() if None in alerts and False not in alerts]
    carried = sum(weights[name] for name in alerting)
    of_what = "the model's attribution" if shares else "the features"
    message = f"{len(alerting)} of {len(rows)} features drifted{_named(alerting)}"
    message += f"; they carry {carried:.0%} of {of_what}"
    if untold:
        message += f"; {len(untold)} cannot be told for lack of values or rows{_named(untold)}"
    if gone:
        message += f"; {len(gone)} could not be compared{_named(gone)}"
    limit = limits.max_alert_share
    verdict, remedy = Verdict.PASS, ""
    if carried > limit:
        verdict = Verdict.FAIL
        remedy = "Look at what changed, compare realised performance, and revalidate or retrain."
    elif carried + sum(weights[name] for name in (*untold, *gone)) > limit:
        verdict, remedy = Verdict.CANNOT_TELL, "Look why these values are missing, or choose larger chunks."
    return CheckResult("drift_alert", verdict, message, remedy, carried, limit)


def _named(names: Sequence[str]) -> str:
    return f" ({', '.join(map(in_words, names[:5]))})" if names else ""
