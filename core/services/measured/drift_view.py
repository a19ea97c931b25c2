"""What the page on drift and data shows of a version, and the measurement started from it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from core.domain.errors import NotFound
from core.domain.moment import Moment
from core.lake.monitoring import drift_records as records
from core.services.governance import Governance
from core.services.jobs import JobControl, start_job
from core.services.lookups import require_initiative
from core.services.measured.data_quality import (
    MeasureDataQuality,
    QualityReport,
    measure_data_quality,
    quality_report,
)
from core.services.measured.drift import (
    DriftReport,
    MeasureDrift,
    compared_batches,
    drift_report,
    measure_drift,
)

KIND = "measure_drift"


@dataclass(frozen=True)
class DriftView:
    """Drift and data quality of a version, each None until it is measured.

    `lacking` says what keeps it from being measured, or nothing.
    """

    initiative: str
    version: str
    drift: DriftReport | None
    quality: QualityReport | None
    lacking: str
    max_alert_share: float


def drift_view(governance: Governance, moment: Moment, *, initiative: str, version: str) -> DriftView:
    """Everything the page shows of a version."""
    require_initiative(governance, initiative, moment)
    about = {"initiative": initiative, "version": version}
    drift = quality = None
    lacking = ""
    try:
        drift = drift_report(governance, moment, **about)
    except NotFound:
        lacking = _lacking(governance, moment, initiative, version)
    with suppress(NotFound):
        quality = quality_report(governance, moment, **about)
    limit = governance.data_quality.drift.max_alert_share
    return DriftView(initiative, version, drift, quality, lacking, limit)


def most_drifted(governance: Governance, moment: Moment) -> tuple[str, str] | None:
    """Initiative and version whose inputs drifted most, those with attributions first; None without any."""
    return records.most_drifted(governance.store, moment, governance.data_quality.drift.method)


def start_measuring(governance: Governance, command: MeasureDrift) -> str:
    """Measure drift and data quality beside the pages, and return the job's id."""
    governance.roles.require(command.actor, command.may)

    def work(control: JobControl) -> str:
        def step(share: float, sentence: str) -> None:
            control.raise_if_cancelled()
            control.report(0.85 * share, sentence)

        def second_step(share: float, sentence: str) -> None:
            control.raise_if_cancelled()
            control.report(0.85 + 0.15 * share, sentence)

        features = measure_drift(governance, command, step=step)
        about = command.model_dump(include={"at", "initiative", "version"})
        quality = MeasureDataQuality(actor=command.actor, **about)
        columns = measure_data_quality(governance, quality, step=second_step)
        return f"{features:,} features are compared and {columns:,} columns judged."

    return start_job(KIND, f"{command.initiative}/{command.version}", work, command.actor)


def _lacking(governance: Governance, moment: Moment, initiative: str, version: str) -> str:
    try:
        compared_batches(governance, initiative, version, moment)
    except NotFound as problem:
        return str(problem)
    return ""
