"""The explanation of the model that is trained for the demo: its file kept, its scores attributed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from core.domain.commands import RunChecks
from core.services.measured.explanation_files import batch_to_explain
from core.services.measured.explanations import (
    CHECK,
    KeepModel,
    RecordExplanation,
    keep_model,
    record_explanation,
)
from core.services.process.checks import run_checks

if TYPE_CHECKING:
    from data.demo.acts import World
    from data.demo.plans import InitiativePlan, VersionPlan


def keep_and_explain(world: World, plan: InitiativePlan, version: VersionPlan, at: datetime) -> None:
    """The builder keeps the model file, and records the contributions that the workshop computed."""
    assert world.shelf.workshop is not None  # planned only with a workshop
    governance, origin = world.governance, {"actor": plan.crew.builder, "at": at}
    named = {"initiative": plan.key, "version": version.label}
    model = world.shelf.workshop.second_version().model
    sha256 = keep_model(governance, KeepModel.model_validate({**origin, **named, "file": model}))
    contributions, figures = world.shelf.workshop.contributions()
    batch = batch_to_explain(governance, plan.key, version.label, "analysis", governance.present(at))
    command = RecordExplanation.model_validate(
        {
            **origin,
            **named,
            "batch_sha256": batch.batch.sha256,
            "part": "analysis",
            "model_sha256": sha256,
            "file": contributions,
            "figures": figures,
        }
    )
    record_explanation(governance, command)
    checks = RunChecks(actor=plan.crew.builder, at=at, initiative=plan.key, checks=(CHECK,))
    run_checks(governance, checks)
