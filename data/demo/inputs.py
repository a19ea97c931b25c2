"""Drift and data quality in the demo: measured when a version's monitoring is refreshed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from core.domain.commands import make
from core.services.measured.data_quality import MeasureDataQuality, measure_data_quality
from core.services.measured.drift import MeasureDrift, measure_drift
from data.demo.batches import CHUNK
from data.demo.example_recipes import RECIPES

if TYPE_CHECKING:
    from data.demo.acts import World
    from data.demo.plans import InitiativePlan, VersionPlan


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
