"""Decay of a model version as people read it: titled metric, named chunks, thresholds, and trust."""

from __future__ import annotations

from dataclasses import dataclass

from core.analytics.decay.metrics import (
    DECAY_METRICS,
    DecayMetric,
    EstimateTrust,
    decay_metric,
    estimate_trust,
    is_beyond_worse_side,
)
from core.analytics.decay.trust import TrustReason, joint_verdict, trust_reasons
from core.domain.errors import NotFound
from core.domain.facts.measured import DecayChunk, DecayRun
from core.domain.facts.recorded import values_of
from core.domain.moment import Moment
from core.ground.figure import VerdictName
from core.lake.monitoring.decay_records import newest_run
from core.lake.monitoring.decay_states import decay_states
from core.services.governance import Governance
from core.services.lookups import registered
from core.services.measured.monitoring import LEADING_METRIC, SHOWN_FIRST, decay_report, modelled


@dataclass(frozen=True)
class MonitoredVersion:
    """A model version with predictions; `estimated` when its performance has been estimated.

    `worse`: the newest chunk's estimate of the metric shown first is beyond the threshold on the worse side.
    """

    initiative: str
    name: str
    version: str
    task: str
    rows: int
    estimated: bool
    worse: bool


@dataclass(frozen=True)
class DecayView:
    """Decay of a version for one metric; `leading` is the id of the one shown unless another is chosen.

    `unestimated` is the metric that the decay check looks at, where the newest refresh left it out.

    `thresholds` are (lower, upper), None where the metric cannot go beyond. `different`, `worse` and
    `realised_worse` count analysis chunks; the last one counts what came true, not estimates. `run` says
    how the estimates came about; None for estimates from before that was kept.
    """

    metric: DecayMetric
    leading: str
    unestimated: DecayMetric | None
    metrics: tuple[DecayMetric, ...]
    chunks: tuple[DecayChunk, ...]
    thresholds: tuple[float | None, float | None]
    analysis: int
    different: int
    worse: int
    realised_worse: int
    trust: EstimateTrust
    reasons: tuple[TrustReason, ...]
    run: DecayRun | None

    @property
    def trusted(self) -> VerdictName:
        """What the reasons come to: fail where one fails, cannot tell where one cannot."""
        return joint_verdict(self.reasons)


def monitored_versions(governance: Governance, moment: Moment) -> tuple[MonitoredVersion, ...]:
    """Model versions with predictions, by initiative name; the current version first, then newest."""
    states = {
        (row["initiative"], row["version"]): row["worse"]
        for row in decay_states(governance.store, moment, SHOWN_FIRST)
    }
    return tuple(
        MonitoredVersion(
            row["initiative"],
            row["name"],
            row["version"],
            row["task"],
            row["rows"],
            (row["initiative"], row["version"]) in states,
            states.get((row["initiative"], row["version"]), False),
        )
        for row in modelled(governance, moment)
    )


def largest_version(governance: Governance, moment: Moment) -> MonitoredVersion | None:
    """The version with the most predictions, the newer of two alike: the one where slices say most."""
    return max(monitored_versions(governance, moment), key=lambda known: known.rows, default=None)


def find_version(
    governance: Governance, moment: Moment, *, initiative: str = "", version: str = ""
) -> MonitoredVersion | None:
    """The version asked for (where only the initiative is named the current one, else the newest).

    Where no initiative is named, the first whose version, so chosen, is estimated worse, else one that is
    estimated, else any; None where nothing has predictions.

    Raises
    ------
    NotFound
        No such initiative; it has no predictions; or it has none for this version.
    """
    known = monitored_versions(governance, moment)
    if not initiative:
        newest = {one.initiative: one for one in reversed(known)}.values()
        first = max(reversed(newest), key=lambda one: (one.worse, one.estimated), default=None)
        if first is None or not version:
            return first
        initiative = first.initiative
    named = registered(governance, initiative, moment).name
    found = [one for one in known if one.initiative == initiative and version in ("", one.version)]
    if not found:
        what = f"version '{version[:20]}' of {named}" if version else named
        raise NotFound(f"{what} has no predictions", remedy="Add predictions, or choose another model.")
    return found[0]


def decay_view(
    governance: Governance, moment: Moment, *, initiative: str, version: str, metric: str = ""
) -> DecayView:
    """Read the newest estimates of a version for one metric, by default as `decay_report`.

    Raises
    ------
    NotFound
        No such initiative, no estimates, or none of this metric.
    """
    report = decay_report(governance, moment, initiative=initiative, version=version)
    leading, checked = report.metric, LEADING_METRIC[report.task]
    order = [*DECAY_METRICS]
    known = sorted(report.metrics, key=lambda one: order.index(one) if one in order else len(order))
    metrics = tuple(decay_metric(one) for one in known)
    if metric and metric not in report.metrics:
        titles = ", ".join(known.title for known in metrics)
        raise NotFound(f"there are no estimates of '{metric[:40]}'", remedy=f"Choose one of: {titles}.")
    if metric and metric != report.metric:
        report = decay_report(governance, moment, initiative=initiative, version=version, metric=metric)
    definition = decay_metric(report.metric)
    analysis = [chunk for chunk in report.chunks if chunk.part == "analysis"]
    thresholds = report.chunks[-1].lower_threshold, report.chunks[-1].upper_threshold
    values = [values_of(chunk) for chunk in report.chunks]
    trust = estimate_trust(values, definition.direction)
    run = newest_run(governance.store, initiative, version, moment)
    reasons = trust_reasons(
        trust,
        values,
        calibration_error=run.calibration_error if run else None,
        classifies=report.task != "regression",
    )
    return DecayView(
        definition,
        leading,
        None if checked in report.metrics else decay_metric(checked),
        metrics,
        report.chunks,
        thresholds,
        len(analysis),
        report.alerts,
        report.worse,
        sum(is_beyond_worse_side(definition.id, chunk.realised, *thresholds) for chunk in analysis),
        trust,
        reasons,
        run,
    )
