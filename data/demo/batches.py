"""Simulated predictions: small batches whose differences between groups and decay are set by the plan."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.ground import Task
from data.demo.plans import InitiativePlan, VersionPlan

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

CHUNK = 750
_REFERENCE, _FIRST, _SECOND = 6 * CHUNK, 5 * CHUNK, 2 * CHUNK
_LABELLED = 4 * CHUNK
"""Of the first analysis rows; later outcomes are not known yet."""
_UNEVEN_SHIFT, _FADED_SPREAD = -1.3, 0.5
_VALUES = {
    "sex": ("female", "male"),
    "age_band": ("18-34", "35-54", "55 and over"),
    "region": ("north", "south", "coast"),
    "app_channel": ("branch", "web", "mobile"),
}
_OTHER = {"customer_for": ("under 1 year", "1-5 years", "over 5 years")}


@dataclass(frozen=True)
class Batches:
    """Predictions of one version: the reference, the analysis parts in their order, and all of them."""

    task: Task
    reference: Path
    analysis: tuple[Path, ...]
    whole_analysis: Path
    sensitive: tuple[str, ...]
    classes: tuple[str, ...]
    first_chunks: int
    """Analysis chunks that the first part holds."""
    metrics: dict[str, float]


def write_batches(plan: InitiativePlan, version: VersionPlan, registered: datetime, folder: Path) -> Batches:
    """Write the batches of a simulated version into `folder`; the same plan gives the same bytes."""
    seed = hashlib.sha256(f"{plan.key}/{version.label}".encode()).digest()[:8]
    rng = np.random.default_rng(int.from_bytes(seed, "big"))
    folder.mkdir(parents=True, exist_ok=True)
    groups = {name: _VALUES[name] for name in plan.recipe.groups} | _OTHER
    shift = _UNEVEN_SHIFT if version.uneven else 0.0
    spread = _FADED_SPREAD if version.fades else 1.0
    reference = _rows(rng, _REFERENCE, groups, shift, 1.0, registered - timedelta(days=75), 40)
    first = _rows(rng, _FIRST, groups, shift, 1.0, registered - timedelta(days=30), 28)
    second = _rows(rng, _SECOND, groups, shift, spread, registered, 30)
    first, second = _known_outcomes(first, _LABELLED), _known_outcomes(second, 0)
    parts = {"reference": reference, "analysis-1": first, "analysis-2": second}
    paths = {name: _write(rows, folder / f"{name}.parquet") for name, rows in parts.items()}
    whole = _write(first.vstack(second), folder / "analysis.parquet")
    return Batches(
        "binary",
        paths["reference"],
        (paths["analysis-1"], paths["analysis-2"]),
        whole,
        plan.recipe.groups,
        (),
        _FIRST // CHUNK,
        _metrics(reference),
    )


def _rows(
    rng: np.random.Generator,
    count: int,
    groups: dict[str, tuple[str, ...]],
    shift: float,
    spread: float,
    since: datetime,
    days: float,
) -> pl.DataFrame:
    import polars as pl

    codes = {name: rng.integers(0, len(values), count) for name, values in groups.items()}
    first_group = next(iter(codes.values()))
    logits = -0.1 + 1.5 * spread * rng.normal(size=count) + shift * (first_group == 0)
    scores = np.round(1 / (1 + np.exp(-logits)), 4)
    outcomes = (rng.random(count) < scores).astype(np.int64)
    start = since.replace(tzinfo=None)
    seconds = (np.arange(count) * (days * 86400 / count)).astype("timedelta64[s]")
    numbers = pl.int_range(count, eager=True).cast(pl.String)
    return pl.DataFrame(
        {
            "row_id": f"{start:%y%m%d}-" + numbers,
            "timestamp": (np.datetime64(start, "s") + seconds).astype("datetime64[us]"),
            "y_pred": (scores >= 0.5).astype(np.int64),
            "y_true": outcomes,
            "y_score": scores,
            **{name: np.array(groups[name])[chosen] for name, chosen in codes.items()},
        }
    )


def _known_outcomes(rows: pl.DataFrame, known: int) -> pl.DataFrame:
    import polars as pl

    outcome = pl.when(pl.int_range(pl.len()) < known).then(pl.col("y_true"))
    return rows.with_columns(outcome.alias("y_true"))


def _write(rows: pl.DataFrame, path: Path) -> Path:
    rows.write_parquet(path, compression="zstd")
    return path


def _metrics(rows: pl.DataFrame) -> dict[str, float]:
    scores, outcomes = rows["y_score"].to_numpy(), rows["y_true"].to_numpy()
    accuracy = float(np.mean(rows["y_pred"].to_numpy() == outcomes))
    return {"roc_auc": round(_roc_auc(scores, outcomes), 4), "accuracy": round(accuracy, 4)}


def _roc_auc(scores: NDArray[np.float64], outcomes: NDArray[np.int64]) -> float:
    """Share of pairs in which the row with the outcome has the higher score (ties as they fall)."""
    ranks = scores.argsort(kind="stable").argsort(kind="stable") + 1
    positives = int(outcomes.sum())
    negatives = len(outcomes) - positives
    return float((ranks[outcomes == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))
