"""Decay of a model version: its newest estimates with thresholds and trust, by chunk and by subpopulation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import get_args

from core.analytics.decay.estimates import ADAPTED, NANNYML, Method, Preference, preferred, procedure_of
from core.analytics.decay.metrics import DECAY_METRICS, DecayMetric, decay_metric, is_beyond_worse_side
from core.analytics.decay.trust import (
    EstimateTrust,
    History,
    ModelTrust,
    TrustReason,
    estimate_trust,
    model_trust,
    worse_threshold,
)
from core.analytics.job_specs import Gap, Period
from core.domain.errors import NotFound
from core.domain.facts.measured import Attribution, DecayChunk, DecayRun, PredictionBatch
from core.domain.moment import Moment
from core.domain.policy.checks import (
    CheckResult,
    ChunkAge,
    DecayReading,
    aged,
    check_decay,
    no_predictions,
)
from core.ground import Task, VerdictName, in_words
from core.lake.facts import latest
from core.lake.monitoring import readings as lake
from core.services.case import registered
from core.services.governance import Governance

LEADING_METRIC: dict[Task, str] = {"binary": "roc_auc", "multiclass": "roc_auc", "regression": "mae"}
"""The metric whose alert counts for the decay check, per task."""
SHOWN_FIRST = tuple(dict.fromkeys((*LEADING_METRIC.values(), *DECAY_METRICS)))
"""What is shown unless somebody chooses: the first of these that the newest refresh estimated."""
CROSSED = " × "


@dataclass(frozen=True)
class DecayReport:
    """Estimated and realised performance of a version, chunk by chunk, for one metric.

    `leading` is the id of the metric shown unless another is chosen. `run` says how the estimates came
    about; None for estimates from before that was kept. `gaps` are days without rows, of whole periods by
    which chunks are made, or of months. `age` is that of the newest chunk after the reference. `adapted` are
    estimates of the newest chunks by a calibration adapted to their inputs.
    """

    initiative: str
    version: str
    task: Task
    metric: DecayMetric
    leading: str
    metrics: tuple[DecayMetric, ...]
    estimates: Mapping[str, tuple[DecayChunk, ...]]
    run: DecayRun | None
    gaps: tuple[Gap, ...] = ()
    age: ChunkAge | None = None
    adapted: Mapping[str, tuple[DecayChunk, ...]] = field(default_factory=dict)

    @cached_property
    def adapted_to(self) -> Mapping[int, DecayChunk]:
        """By number of the chunk after the reference, what is estimated of it when adapted to its inputs."""
        return {chunk.chunk: chunk for chunk in self.adapted.get(self.metric.id, ())}

    @cached_property
    def preference(self) -> Preference | None:
        """Which of the two to believe; None where nothing was adapted."""
        return preferred(self.analysis, self.adapted.get(self.metric.id, ()))

    @property
    def chunks(self) -> tuple[DecayChunk, ...]:
        """The chunks of the metric, reference first."""
        return self.estimates[self.metric.id]

    @property
    def along(self) -> tuple[DecayChunk, ...]:
        """The chunks, and one without rows in the place of each gap."""
        return lake.with_gaps(self.chunks, self.gaps)

    @property
    def analysis(self) -> tuple[DecayChunk, ...]:
        """The chunks after the reference."""
        return tuple(chunk for chunk in self.chunks if chunk.part == "analysis")

    @property
    def alerts(self) -> int:
        """Analysis chunks whose estimate is beyond a threshold on either side: NannyML's own alert."""
        return sum(chunk.alert for chunk in self.analysis)

    @property
    def worse(self) -> int:
        """Analysis chunks whose estimate is beyond the threshold on the worse side."""
        return sum(chunk.worse for chunk in self.analysis)

    @property
    def realised_worse(self) -> int:
        """Analysis chunks of which that came true."""
        return sum(map(self.came_worse, self.analysis))

    @property
    def known(self) -> int:
        """Analysis chunks with enough outcomes for a realised value."""
        return sum(chunk.realised is not None for chunk in self.analysis)

    def came_worse(self, chunk: DecayChunk) -> bool:
        """Whether a chunk after the reference came true beyond the threshold on the worse side."""
        limits = (chunk.lower_threshold, chunk.upper_threshold)
        return chunk.part == "analysis" and is_beyond_worse_side(chunk.metric, chunk.realised, *limits)

    @property
    def thresholds(self) -> tuple[float | None, float | None]:
        """Lower and upper; None where the metric cannot go beyond."""
        return self.chunks[-1].lower_threshold, self.chunks[-1].upper_threshold

    @property
    def procedure(self) -> str:
        """By what the estimates are made."""
        return procedure_of(self.task)

    @property
    def unestimated(self) -> DecayMetric | None:
        """The metric that the decay check looks at, where the newest refresh left it out."""
        checked = decay_metric(LEADING_METRIC[self.task])
        return None if checked in self.metrics else checked

    @cached_property
    def trust(self) -> EstimateTrust:
        """Estimates of this metric held against what came true."""
        return estimate_trust(self.chunks, self.metric.direction)

    def record_of(self, metric: str) -> EstimateTrust:
        """Estimates of a metric that was estimated, held against what came true."""
        return estimate_trust(self.estimates[metric], decay_metric(metric).direction)

    @cached_property
    def judgement(self) -> ModelTrust:
        """The one judgement of the model's estimates, over all metrics that were estimated."""
        return _judgement(self.task, self.estimates, self.run)

    @property
    def reasons(self) -> tuple[TrustReason, ...]:
        """What speaks for and against the estimates."""
        return self.judgement.reasons

    @property
    def trusted(self) -> VerdictName:
        """What the reasons come to: fail where one fails, cannot tell where one cannot."""
        return self.judgement.verdict

    @property
    def by_choices(self) -> tuple[str, ...]:
        """The features, or crossed features, by which the estimates were divided."""
        return self.run.slices_by or () if self.run else ()


def decay_report(
    governance: Governance, moment: Moment, *, initiative: str, version: str, metric: str = ""
) -> DecayReport:
    """Read the newest estimates of a version for one metric, by default the first of `SHOWN_FIRST`.

    Raises
    ------
    NotFound
        No such initiative, no estimates, or none of this metric.
    """
    registered(governance, initiative, moment)
    store = governance.store
    estimates = _estimates(governance, initiative, version, moment)
    if not estimates:
        raise NotFound(
            f"version '{version[:20]}' of {initiative} has no estimates",
            remedy="Refresh its monitoring first.",
        )
    leading = shown_metric(estimates)
    chosen = metric or leading
    if chosen not in estimates:
        raise NotFound(
            f"there are no estimates of '{chosen[:40]}'",
            where=initiative,
            remedy=f"Use: {', '.join(estimates)}.",
        )
    there = lake.batches(store, initiative, version, moment)
    batches = there or lake.batches(store, initiative, version, moment, withdrawn=True)  # rows may be purged
    run = _run_of(governance, estimates[chosen][0], moment)
    later = [chunk for chunk in estimates[chosen] if chunk.part == "analysis"]
    period = run.chunking if run and run.chunking in get_args(Period) else "month"
    return DecayReport(
        initiative,
        version,
        batches[-1].task,
        decay_metric(chosen),
        leading,
        tuple(decay_metric(one) for one in sorted(estimates, key=_place)),
        estimates,
        run,
        lake.gaps(store, there, period),
        _age(governance, batches, later, moment) if later else None,
        _estimates(governance, initiative, version, moment, ADAPTED),
    )


def _estimates(
    governance: Governance, initiative: str, version: str, moment: Moment, method: Method = NANNYML
) -> dict[str, tuple[DecayChunk, ...]]:
    """Chunks of the newest refresh by metric, reference first."""
    found: dict[str, list[DecayChunk]] = {}
    for chunk in lake.decay_chunks(governance.store, initiative, version, moment):
        if chunk.method == method:
            found.setdefault(chunk.metric, []).append(chunk)
    return {metric: tuple(chunks) for metric, chunks in found.items()}


def _run_of(governance: Governance, chunk: DecayChunk, moment: Moment) -> DecayRun | None:
    """Recorded right before its chunks; chunks without one are from before this was kept."""
    of = (chunk.initiative, chunk.version, chunk.seq - 1)
    return latest(governance.store, DecayRun, moment, of[0], version=of[1], seq=of[2])


def _judgement(
    task: Task, estimates: Mapping[str, tuple[DecayChunk, ...]], run: DecayRun | None
) -> ModelTrust:
    leading = LEADING_METRIC[task]
    metrics = [metric for metric in map(decay_metric, estimates) if not metric.adds_up]
    return model_trust(
        [History(metric.id, metric.direction, estimates[metric.id]) for metric in metrics],
        checked=leading if leading in estimates else shown_metric(estimates),
        calibration_error=run.calibration_error if run else None,
        reference_rows=run.reference_rows if run else None,
        classifies=task != "regression",
    )


def shown_metric(estimated: Iterable[str]) -> str:
    """Of metrics that were estimated, at least one, the one that is shown unless somebody chooses."""
    places = {metric: place for place, metric in enumerate(SHOWN_FIRST)}
    return min(estimated, key=lambda metric: (places.get(metric, len(places)), metric))


def _place(metric: str) -> int:
    order = [*DECAY_METRICS]
    return order.index(metric) if metric in order else len(order)


def check_decay_alert(governance: Governance, initiative: str, version: str, moment: Moment) -> CheckResult:
    """Hold the leading metric to its thresholds: what came true first, then newer estimates.

    An estimate speaks as far as its trust reaches: that of the model, over all metrics. No other metric
    stands in for the leading one. The estimate is the one adapted to the inputs where that is to be believed.
    A newest chunk older than the policy allows the class does not pass.
    """
    batches = lake.batches(governance.store, initiative, version, moment)
    if not batches:
        return no_predictions("decay_alert", lake.rows_gone(governance.store, initiative, version, moment))
    task = batches[-1].task
    metric = DECAY_METRICS[LEADING_METRIC[task]]
    estimates = _estimates(governance, initiative, version, moment)
    chunks = estimates.get(metric.id, ())
    later = [chunk for chunk in chunks if chunk.part == "analysis"]
    if not later:
        return check_decay(metric.title, metric.direction, None, None, "cannot_tell")
    known = [chunk for chunk in later if chunk.realised is not None]
    judgement = _judgement(task, estimates, _run_of(governance, later[0], moment))
    adapted = _estimates(governance, initiative, version, moment, ADAPTED).get(metric.id, ())
    believed = preferred(later, adapted)
    newest = adapted[-1] if believed and believed.method == ADAPTED else later[-1]
    found = check_decay(
        metric.title,
        metric.direction,
        _reading(known[-1], known[-1].realised, metric) if known else None,
        None if known[-1:] == later[-1:] else _reading(newest, newest.estimate, metric),
        judgement.verdict,
        said_against(judgement),
        procedure_of(task, newest.method),
    )
    return aged(found, _age(governance, batches, later, moment))


def _age(
    governance: Governance, batches: Sequence[PredictionBatch], later: Sequence[DecayChunk], moment: Moment
) -> ChunkAge:
    """How old the newest of these chunks is; without times, how long ago the newest batch was added."""
    ends = [chunk.ended_at for chunk in later if chunk.ended_at is not None]
    newest = max(ends) if ends else batches[-1].recorded_at
    class_id = registered(governance, batches[-1].initiative, moment).class_id
    allowed = governance.policy(moment).risk_class(class_id).newest_chunk_days
    day = newest.date()
    return ChunkAge(day, max(0, (moment.day - day).days), allowed, bool(ends))


def _reading(chunk: DecayChunk, value: float | None, metric: DecayMetric) -> DecayReading:
    return DecayReading(value, worse_threshold(chunk, metric.direction), chunk.name)


_AGAINST = {
    ("record", "fail"): "past estimates{of} were further off than the threshold is away",
    ("record", "cannot_tell"): "too few estimates could be held against outcomes",
    ("assumption", "fail"): "more chunks{of} came true outside the band than chance brings",
    ("assumption", "cannot_tell"): "too few outcomes are known to hold the band against",
    ("calibration", "fail"): "the probabilities are not calibrated",
    ("calibration", "cannot_tell"): "it cannot be told whether the probabilities are calibrated",
    ("thresholds", "cannot_tell"): "the thresholds rest on too few reference chunks",
    ("rows", "cannot_tell"): "the chunks are too small for the distance to the threshold",
}


def said_against(judgement: ModelTrust) -> str:
    """The first reason of the worst verdict in words, its metric named; empty where all pass."""
    reason = judgement.against
    if reason is None:
        return ""
    of = f" of {decay_metric(reason.metric).title}" if reason.metric else ""
    return _AGAINST[reason.id, reason.verdict].format(of=of)


_BELIEVE = {
    NANNYML: "Believe the estimate by NannyML",
    ADAPTED: "Believe the adapted estimate",
    "": "Believe either estimate",
}


def said_preference(report: DecayReport) -> str:
    """Which of two estimates to believe and why, in words; empty where nothing was adapted."""
    found = report.preference
    if found is None:
        return ""
    apart = f"a classifier tells inputs from the reference's at ROC AUC {found.separation or 0.5:.2f}"
    covered = said_covered(report.adapted[report.metric.id][-1])
    if found.nannyml is None or found.adapted is None:
        alike = "Believe either estimate, as inputs are like the reference's"
        return f"{alike}: {apart} in the middle chunk{covered}."
    if found.by == "outcomes":
        held = f"over {found.chunks} chunks with outcomes NannyML was off by {found.nannyml:.3g} on average"
        told = f"the adapted one by {found.adapted:.3g}"
    else:
        held = f"of reference rows held back, weighed like {found.chunks} chunks, NannyML put"
        held = f"{held} {100 * found.nannyml:.1f}% in the wrong cell"
        told = f"the adapted one {100 * found.adapted:.1f}%"
    return f"{_BELIEVE[found.method]}: {held}, {told}; {apart} in the middle chunk{covered}."


def said_covered(newest: DecayChunk) -> str:
    """How far the reference speaks for the newest chunk that was adapted; empty where nobody noted it."""
    rows = newest.effective_rows
    told = f"; for the newest chunk the reference counts as {rows:,.0f} effective rows (Kish)" if rows else ""
    gone = ", ".join(map(in_words, newest.uncovered or ()))
    return told + (f", and it no longer covers the values of {gone}" if gone else "")


def attributions(
    governance: Governance, moment: Moment, *, initiative: str, version: str
) -> tuple[Attribution, ...]:
    """Attribution per feature from the newest explanation, strongest first; empty where there is none."""
    registered(governance, initiative, moment)
    return lake.attributions(governance.store, initiative, version, moment)
