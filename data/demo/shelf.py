"""The prediction batches that lie ready for the simulation, and the jobs that estimate from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.analytics.job_specs import EstimateSpec
from data.demo.batches import CHUNK, Batches, write_batches
from data.demo.example_datasets import DatasetFiles, write_dataset
from data.demo.plans import InitiativePlan, VersionPlan
from data.demo.workdays import Workdays
from data.demo.workshop import SECOND, Workshop

_EVERY_CHUNK = 1_000_000


def estimate_name(plan: InitiativePlan, version: VersionPlan) -> str:
    """What the estimates of a version are called in the workshop."""
    if not plan.recipe.dataset:
        return f"{plan.key}.{version.label}"
    return plan.recipe.dataset if version.label == "1" else SECOND


@dataclass(frozen=True)
class Shelf:
    """Batches by estimate name; those of the trained version come from the workshop when asked for."""

    ready: Mapping[str, Batches]
    workshop: Workshop | None = None

    def find(self, plan: InitiativePlan, version: VersionPlan) -> Batches | None:
        """The batches of a version, or None where it has none; waits for those still in the making."""
        name = estimate_name(plan, version)
        if name == SECOND and self.workshop is not None:
            made = self.workshop.second_version()
            return _published(plan, made.reference, made.analysis, (), made.metrics)
        return self.ready.get(name)


def lay_out(
    plans: Iterable[InitiativePlan], datasets: Mapping[str, DatasetFiles], days: Workdays, folder: Path
) -> dict[str, Batches]:
    """Write the simulated batches below `folder`, and describe those of the data sets."""
    ready: dict[str, Batches] = {}
    for plan, version in predicting(plans, days):
        name = estimate_name(plan, version)
        files = datasets.get(plan.recipe.dataset)
        if files is None:
            ready[name] = write_batches(plan, version, days.moment(version.at), folder / name)
        elif name != SECOND:
            ready[name] = _published(
                plan, files.reference, files.analysis, files.classes, _measured(files.reference)
            )
    return ready


def write_datasets(plans: Iterable[InitiativePlan], folder: Path) -> dict[str, DatasetFiles]:
    """Write the data sets that the plans name."""
    names = dict.fromkeys(plan.recipe.dataset for plan in plans if plan.recipe.dataset)
    return {name: write_dataset(name, folder / name) for name in names}


def simulated_jobs(
    plans: Iterable[InitiativePlan], ready: Mapping[str, Batches], days: Workdays
) -> list[EstimateSpec]:
    """The estimates of simulated versions, in the order in which they are needed."""
    wanted = [
        (version.at, estimate_name(plan, version))
        for plan, version in predicting(plans, days)
        if not plan.recipe.dataset and not version.draft
    ]
    return [
        EstimateSpec(
            name=name,
            task="binary",
            reference=(ready[name].reference,),
            analysis=(ready[name].whole_analysis,),
            chunk_size=CHUNK,
            metrics=("roc_auc",),
            by=tuple((group,) for group in ready[name].sensitive),
        )
        for _, name in sorted(wanted)
    ]


def predicting(
    plans: Iterable[InitiativePlan], days: Workdays
) -> Iterable[tuple[InitiativePlan, VersionPlan]]:
    """Versions that get prediction batches before now."""
    for plan in plans:
        for version in plan.versions:
            if plan.predicts and version.at < days.last:
                yield plan, version


def _published(
    plan: InitiativePlan, reference: Path, analysis: Path, classes: tuple[str, ...], metrics: dict[str, float]
) -> Batches:
    return Batches(
        plan.recipe.task,
        reference,
        (analysis,),
        analysis,
        plan.recipe.groups,
        classes,
        _EVERY_CHUNK,
        metrics,
    )


def _measured(reference: Path) -> dict[str, float]:
    """Accuracy, or the mean absolute error of numbers, on the reference rows."""
    import polars as pl

    rows = pl.read_parquet(reference, columns=["y_pred", "y_true"])
    if rows.schema["y_true"] == pl.Float64:
        error = rows.select((pl.col("y_pred") - pl.col("y_true")).abs().mean()).item()
        return {"mae": round(float(error), 1)}
    hits = rows.select((pl.col("y_pred") == pl.col("y_true")).mean()).item()
    return {"accuracy": round(float(hits), 4)}
