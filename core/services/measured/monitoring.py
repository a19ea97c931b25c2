"""Performance-decay estimates and attributions: recorded by a refresh, read by checks and pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from core.analytics.decay.metrics import DECAY_METRICS
from core.domain.chain import Fact
from core.domain.commands import Command
from core.domain.errors import BadInput, NotFound
from core.domain.facts.measured import Attribution, DecayChunk
from core.domain.moment import Moment
from core.domain.process.checks import CheckResult, check_decay, no_predictions
from core.lake.monitoring import readings as lake
from core.lake.monitoring.decay_records import keep_content
from core.services.governance import Governance
from core.services.lookups import require_initiative

LEADING_METRIC = {"binary": "roc_auc", "multiclass": "roc_auc", "regression": "mae"}
"""The metric whose alert counts for the decay check, per task."""
SHOWN_FIRST = tuple(dict.fromkeys((*LEADING_METRIC.values(), *DECAY_METRICS)))
"""What is shown unless somebody chooses: the first of these that the newest refresh estimated."""


class RecordEstimates(Command):
    """Put estimated performance per chunk on record; computed by a worker, one row per metric and chunk.

    `run` says how the estimates came about (columns of `decay_run`). `fit_file` is what NannyML learned, kept
    under `fit_key` for the next refresh, and `slices_file` the estimates of subpopulations.
    """

    may: ClassVar[str] = "refresh_monitoring"

    initiative: str
    version: str
    chunks: tuple[dict[str, Any], ...]
    run: dict[str, Any] | None = None
    fit_key: str = ""
    fit_file: Path | None = None
    slices_file: Path | None = None


@dataclass(frozen=True)
class DecayReport:
    """Estimated and realised performance of a version, chunk by chunk, for one metric.

    `estimate_error` is the mean absolute difference between estimate and realised value over the analysis
    chunks where targets came (None where none came): how far past estimates were off.
    """

    initiative: str
    version: str
    task: str
    metric: str
    metrics: tuple[str, ...]
    chunks: tuple[DecayChunk, ...]
    alerts: int
    worse: int
    estimate_error: float | None


def record_estimates(governance: Governance, command: RecordEstimates) -> None:
    """Record a refresh of the decay estimates; the newest refresh counts.

    Raises
    ------
    BadInput
        There is no chunk.
    """
    governance.roles.require(command.actor, command.may)
    require_initiative(governance, command.initiative, governance.present(command.at))
    if not command.chunks:
        raise BadInput("there is no chunk to record", where=command.initiative, remedy="Refresh again.")
    store = governance.store
    subject = {"initiative": command.initiative, "version": command.version}
    name = f"{command.initiative}/{command.version}"
    facts = []
    if command.fit_file is not None:
        kept = keep_content(store, command.fit_file)
        row = {**subject, "fit_key": command.fit_key, "path": kept.path, "sha256": kept.sha256}
        facts.append(Fact("decay_fitted", name, "decay_fit", ({**row, "bytes": kept.size},)))
    if command.run:
        run = {**dict.fromkeys(store.columns["decay_run"]), **command.run, **subject}
        if command.slices_file is not None:
            slices = keep_content(store, command.slices_file)
            run |= {"slices_path": slices.path, "slices_sha256": slices.sha256}
        facts.append(Fact("decay_estimated", name, "decay_run", (run,)))
    columns = store.columns["decay_chunk"]
    rows = tuple({column: {**chunk, **subject}.get(column) for column in columns} for chunk in command.chunks)
    facts.append(Fact("monitoring_refreshed", name, "decay_chunk", rows))
    store.append(facts, actor=command.actor.id, at=command.at)


def shown_metric(estimated: Iterable[str]) -> str:
    """Of metrics that were estimated, at least one, the one that is shown unless somebody chooses."""
    places = {metric: place for place, metric in enumerate(SHOWN_FIRST)}
    return min(estimated, key=lambda metric: (places.get(metric, len(places)), metric))


def decay_report(
    governance: Governance, moment: Moment, *, initiative: str, version: str, metric: str = ""
) -> DecayReport:
    """Read the newest estimates of a version for one metric, by default the first of `SHOWN_FIRST`.

    Raises
    ------
    NotFound
        No such initiative, no estimates, or none of this metric.
    """
    require_initiative(governance, initiative, moment)
    rows = lake.decay_chunks(governance.store, initiative, version, moment)
    if not rows:
        raise NotFound(
            f"version '{version[:20]}' of {initiative} has no estimates",
            remedy="Refresh its monitoring first.",
        )
    task = lake.batches(governance.store, initiative, version, moment)[-1].task
    metrics = tuple(dict.fromkeys(row.metric for row in rows))
    chosen = metric or shown_metric(metrics)
    if chosen not in metrics:
        raise NotFound(
            f"no estimates of '{chosen[:40]}'", where=initiative, remedy=f"Use: {', '.join(metrics)}."
        )
    chunks = tuple(row for row in rows if row.metric == chosen)
    analysis = [row for row in chunks if row.part == "analysis"]
    return DecayReport(
        initiative,
        version,
        task,
        chosen,
        metrics,
        chunks,
        sum(bool(row.alert) for row in analysis),
        sum(bool(row.worse) for row in analysis),
        _estimate_error(analysis),
    )


def check_decay_alert(governance: Governance, initiative: str, version: str, moment: Moment) -> CheckResult:
    """Hold the newest estimate of the leading metric to its thresholds; no other metric stands in for it."""
    batches = lake.batches(governance.store, initiative, version, moment)
    if not batches:
        return no_predictions("decay_alert")
    leading = LEADING_METRIC[batches[-1].task]
    rows = lake.decay_chunks(governance.store, initiative, version, moment, leading)
    worse = [bool(row.worse) for row in rows if row.part == "analysis"]
    return check_decay(DECAY_METRICS[leading].title, worse)


def attributions(
    governance: Governance, moment: Moment, *, initiative: str, version: str
) -> tuple[Attribution, ...]:
    """Attribution per feature from the newest explanation, strongest first; empty where there is none."""
    require_initiative(governance, initiative, moment)
    return lake.attributions(governance.store, initiative, version, moment)


def modelled(governance: Governance, moment: Moment) -> list[dict[str, Any]]:
    """Initiatives and versions that have prediction batches."""
    return lake.modelled_initiatives(governance.store, moment)


def _estimate_error(chunks: Sequence[DecayChunk]) -> float | None:
    errors = [abs(chunk.gap) for chunk in chunks if chunk.gap is not None]
    return sum(errors) / len(errors) if errors else None
