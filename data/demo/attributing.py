"""Attributions of simulated models: made elsewhere, as it were, and uploaded as a file that adds up."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from core.domain.commands import make
from core.services.measured.explanations import AddAttributions, add_attributions

if TYPE_CHECKING:
    from data.demo.acts import World
    from data.demo.batches import Batches
    from data.demo.plans import InitiativePlan, VersionPlan

_ROWS = 1500
_CANONICAL = ("row_id", "timestamp", "y_true", "y_pred", "y_score")


def upload_attributions(
    world: World, plan: InitiativePlan, version: VersionPlan, known: Batches, at: datetime
) -> None:
    """The builder uploads what each feature adds to the log odds of some of the newest predictions."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "attributions.parquet"
        base = _write(plan, version, known, file)
        command = make(
            AddAttributions,
            actor=plan.crew.builder,
            at=at,
            initiative=plan.key,
            version=version.label,
            file=file,
            name="attributions.parquet",
            part="analysis",
            method="Simulated for the demo",
            scale="log_odds",
            base_value=base,
        )
        add_attributions(world.governance, command)


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
