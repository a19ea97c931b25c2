"""Drift and data quality in the demo: measured when a version's monitoring is refreshed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from core.connectors.example_recipes import RECIPES
from core.domain.commands import make
from core.entrypoints.demo.batches import CHUNK
from core.services.measured.data_quality import MeasureDataQuality, measure_data_quality
from core.services.measured.drift import MeasureDrift, measure_drift

if TYPE_CHECKING:
    from core.entrypoints.demo.acts import World
    from core.entrypoints.demo.plans import InitiativePlan, VersionPlan


def measure_inputs(world: World, plan: InitiativePlan, version: VersionPlan, at: datetime) -> None:
    """Production compares the inputs with the reference, in the chunks of the estimates."""
    recipe = RECIPES.get(plan.recipe.dataset)
    about = {
        "actor": plan.crew.by_role["production"],
        "at": at,
        "initiative": plan.key,
        "version": version.label,
    }
    chunk_rows = recipe.chunk_size if recipe else CHUNK
    measure_drift(world.governance, make(MeasureDrift, **about, chunk_rows=chunk_rows))
    measure_data_quality(world.governance, make(MeasureDataQuality, **about))
