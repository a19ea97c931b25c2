"""What the journeys need beside the cast: predictions that are even, and people who are trained."""

from __future__ import annotations

from pathlib import Path

from core.domain.commands import RunChecks, make
from core.services.governance import Governance
from core.services.measured.data_quality import MeasureDataQuality, measure_data_quality
from core.services.measured.drift import MeasureDrift, measure_drift
from core.services.measured.explanations import AddAttributions, add_attributions
from core.services.measured.monitoring import RefreshMonitoring, refresh_monitoring
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.process.checks import run_checks
from core.services.work.raci_view import AttestTraining, attest_training
from tests.conftest import BUILDER, OWNER, VALIDATOR, later, rules_of
from tests.process import SIGNERS

FEATURES = ("sex", "income")
CHUNK = 1500


def everybody_is_trained(governance: Governance, day: float) -> None:
    """Owner, builder, validator and all signers attest what their roles ask for."""
    for person in (OWNER, BUILDER, VALIDATOR, *SIGNERS):
        for training in rules_of(governance).trainings.trainings:
            if set(training.roles) & set(person.roles):
                command = make(AttestTraining, actor=person, at=later(day), training=training.id)
                attest_training(governance, command)


def write_predictions(
    file: Path, *, start: str, rows: int = 6000, uneven: bool = False, seed: int = 7
) -> Path:
    """Write a CSV of scores that follow the outcomes; where uneven, women are selected half as often."""
    import numpy as np

    rng = np.random.default_rng(seed)
    sex = rng.integers(0, 2, rows)
    income = rng.normal(size=rows)
    lift = np.where(sex == 0, -1.2 if uneven else 0.0, 0.0)
    scores = np.round(1 / (1 + np.exp(-(1.4 * income + lift))), 4)
    outcomes = (rng.random(rows) < scores).astype(int)
    first = np.datetime64(start)
    lines = ["row_id,timestamp,sex,income,y_score,y_pred,y_true"]
    lines += [
        f"{start}-{i},{first + np.timedelta64(i, 'm')}:00Z,{'f' if sex[i] == 0 else 'm'},{income[i]:.4f},"
        f"{scores[i]:.4f},{int(scores[i] >= 0.5)},{outcomes[i]}"
        for i in range(rows)
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def add(governance: Governance, initiative: str, label: str, file: Path, part: str, day: float) -> None:
    """The builder adds a file of predictions."""
    command = make(
        AddPredictions,
        actor=BUILDER,
        at=later(day),
        initiative=initiative,
        version=label,
        part=part,
        file=file,
        task="binary",
        prediction="y_pred",
        target="y_true",
        row_id="row_id",
        timestamp="timestamp",
        scores=("y_score",),
        features=("income",),
        sensitive=("sex",),
        favourable=("1",),
    )
    add_predictions(governance, command)


def watch(governance: Governance, initiative: str, label: str, day: float) -> None:
    """Estimate, measure drift and data quality, and run the checks on them."""
    about = {"actor": BUILDER, "at": later(day), "initiative": initiative, "version": label}
    refresh_monitoring(
        governance, make(RefreshMonitoring, **about, chunk_size=CHUNK, by=(), metrics=("roc_auc",))
    )
    measure_drift(governance, make(MeasureDrift, **about, chunk_rows=CHUNK))
    measure_data_quality(governance, make(MeasureDataQuality, **about))
    checks = ("bias_limit", "decay_alert", "drift_alert", "data_quality")
    command = make(RunChecks, actor=BUILDER, at=later(day + 0.01), initiative=initiative, checks=checks)
    run_checks(governance, command)


def explain(governance: Governance, initiative: str, label: str, file: Path, day: float) -> None:
    """Upload attributions that add up to the log odds of every score."""
    import polars as pl

    rows = pl.read_csv(file)
    odds = (pl.col("y_score") / (1 - pl.col("y_score"))).log()
    base = float(rows.select(odds.mean()).item())
    parquet = file.with_suffix(".attributions.parquet")
    rows.select(
        "row_id", ((odds - base) * 0.3).alias("sex"), ((odds - base) * 0.7).alias("income")
    ).write_parquet(parquet)
    command = make(
        AddAttributions,
        actor=BUILDER,
        at=later(day),
        initiative=initiative,
        version=label,
        file=parquet,
        part="analysis",
        scale="log_odds",
        base_value=base,
    )
    add_attributions(governance, command)
