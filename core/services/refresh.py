"""Refreshing the decay estimates of a model version: NannyML in a worker, the result on record."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Annotated

from pydantic import Field

from core.analytics.job_specs import EstimateSpec
from core.connectors.workers import Progress, run_worker
from core.domain.commands import Command
from core.domain.errors import BadInput
from core.domain.moment import Moment
from core.lake import monitoring as lake
from core.lake.batch_facts import text_columns
from core.lake.worker_results import read_result
from core.services.governance import Governance
from core.services.lookups import require_initiative
from core.services.monitoring import RecordEstimates, record_estimates

CANONICAL = ("row_id", "timestamp", "y_pred", "y_true", "y_score")


class RefreshMonitoring(Command):
    """Estimate the performance of a version anew, in chunks of `chunk_size` rows."""

    initiative: str
    version: str
    chunk_size: Annotated[int, Field(ge=100, le=1_000_000)] = 5000


def refresh_monitoring(
    governance: Governance,
    command: RefreshMonitoring,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Event | None = None,
) -> int:
    """Estimate in a worker process, record the chunks, and return how many there are; takes 10 s and more.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative; a part of the batches is lacking, or NannyML would answer
        wrongly on them. Nothing is stored.
    GovernanceError
        The worker was cancelled, or ended by itself.
    """
    governance.roles.require(command.actor, "refresh_monitoring")
    moment = governance.moment(command.at)
    require_initiative(governance, command.initiative, moment)
    spec = _spec(governance, command, moment)
    with tempfile.TemporaryDirectory() as folder:
        result = run_worker(
            "estimate", spec, Path(folder) / "job", on_progress=on_progress, cancelled=cancelled
        )
        rows = read_result(governance.store, result.files[spec.name])
    chunks = tuple({**row, "part": row["period"]} for row in rows)
    given = {"initiative": command.initiative, "version": command.version, "chunks": chunks}
    record_estimates(governance, RecordEstimates(actor=command.actor, at=command.at, **given))
    return len(chunks)


def _spec(governance: Governance, command: RefreshMonitoring, moment: Moment) -> EstimateSpec:
    rows = lake.batches(governance.store, command.initiative, command.version, moment)
    newest = {row["part"]: row for row in rows}
    for part in ("reference", "analysis"):
        if part not in newest:
            raise BadInput(
                f"version '{command.version[:20]}' has no {part} batch",
                where=command.initiative,
                remedy="Estimates need both: add it with 'governance predictions add'.",
            )
    reference = newest["reference"]
    features = tuple(c for c in reference["columns"] if c not in CANONICAL and not c.startswith("y_score_"))
    texts = text_columns(governance.store, Path(reference["path"]))
    regression = reference["task"] == "regression"
    return EstimateSpec(
        name="estimates",
        task=reference["task"],
        reference=Path(reference["path"]),
        analysis=Path(newest["analysis"]["path"]),
        chunk_size=command.chunk_size,
        classes=tuple(reference["classes"]),
        features=features if regression else (),
        categorical_features=tuple(feature for feature in features if feature in texts) if regression else (),
    )
