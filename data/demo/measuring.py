"""What is measured of predictions in the demo: attributions, explanations, drift and data quality."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from random import Random

from core.services.measured.explanations import (
    CHECK,
    RecordExplanation,
    batch_to_explain,
    record_explanation,
)
from data.demo.batches import CHUNK, Batches
from data.demo.example_datasets import dataset_recipes
from data.demo.plans import InitiativePlan, VersionPlan
from data.demo.world import World

_ROWS = 1500
_CANONICAL = ("row_id", "timestamp", "y_true", "y_pred", "y_score")


def upload_attributions(
    world: World, plan: InitiativePlan, version: VersionPlan, known: Batches, at: datetime
) -> None:
    """The builder uploads what each feature adds to the log odds of some of the newest predictions."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "attributions.parquet"
        base = _write(plan, version, known, file)
        world.give(
            plan.crew.builder,
            at,
            "add_attributions",
            file,
            initiative=plan.key,
            version=version.label,
            part="analysis",
            method="Simulated for the demo",
            scale="log_odds",
            base_value=base,
        )


def _write(plan: InitiativePlan, version: VersionPlan, known: Batches, file: Path) -> float:
    """Share each row's distance from the mean log odds among the features; return that mean."""
    import polars as pl

    odds = (pl.col("y_score") / (1 - pl.col("y_score"))).log()
    rows = pl.read_parquet(known.analysis[0]).head(_ROWS)
    features = [name for name in rows.columns if name not in _CANONICAL and not name.startswith("y_score")]
    base = float(rows.select(odds.mean()).item())
    rng = Random(f"{plan.seed}/{plan.key}/{version.label}/attributions")
    weights = sorted((rng.uniform(0.2, 1.0) for _ in features), reverse=True)
    shares = [weight / sum(weights) for weight in weights]
    parts = [((odds - base) * share).alias(name) for name, share in zip(features, shares, strict=True)]
    rows.select(pl.col("row_id"), *parts).write_parquet(file)
    return base


def explain(world: World, plan: InitiativePlan, version: VersionPlan, at: datetime) -> None:
    """The builder keeps the model file, and records the contributions that the workshop computed."""
    assert world.shelf.workshop is not None  # planned only with a workshop
    governance, builder = world.governance, plan.crew.builder
    named = {"initiative": plan.key, "version": version.label}
    model = world.shelf.workshop.second_version().model
    sha256 = world.give(builder, at, "keep_model", model, **named)["sha256"]
    contributions, figures = world.shelf.workshop.contributions()
    batch = batch_to_explain(governance, plan.key, version.label, "analysis", governance.present(at))
    command = RecordExplanation.model_validate(
        {
            **named,
            "actor": builder,
            "at": at,
            "batch_sha256": batch.sha256,
            "part": "analysis",
            "model_sha256": sha256,
            "file": contributions,
            "figures": figures,
        }
    )
    record_explanation(governance, command)
    world.do(builder, at, "run_checks", initiative=plan.key, checks=(CHECK,))


def measure_inputs(world: World, plan: InitiativePlan, version: VersionPlan, at: datetime) -> None:
    """Production compares the inputs with the reference, in the chunks of the estimates."""
    recipe = dataset_recipes().get(plan.recipe.dataset)
    about = {"initiative": plan.key, "version": version.label}
    chunk_rows = recipe.chunk_size if recipe else CHUNK
    world.do(plan.crew.by_role["production"], at, "measure_drift", **about, chunk_rows=chunk_rows)
