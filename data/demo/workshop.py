"""The slow numbers of the demo, computed by worker processes while the simulation runs."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.analytics.job_specs import EstimateBatch, EstimateSpec, ExplainSpec, TrainSpec
from core.connectors.workers import WorkerResult, run_worker
from core.domain.errors import GovernanceError
from data.demo.decay import divided_by
from data.demo.example_datasets import DatasetFiles

CENSUS = "census_employment"
SECOND = f"{CENSUS}_2"
EXPLAINED_ROWS = 2_500
_POLL_SECONDS = 0.05
_METRICS = {
    "binary": ("roc_auc", "accuracy", "f1"),
    "multiclass": ("roc_auc", "accuracy"),
    "regression": ("mae", "rmse"),
}
"""The metrics that the demo shows; each takes its time."""


@dataclass(frozen=True)
class SecondVersion:
    """The model trained for the demo: its text, its two batches and figures."""

    model: Path
    reference: Path
    analysis: Path
    metrics: dict[str, float]


class Workshop:
    """Worker processes at work. `close` stops those that still run.

    Estimates of simulated versions are needed first and start at once. Those of published models come with
    that of the second version of the census model, once it is trained: NannyML takes long to import.

    Parameters
    ----------
    folder
        Where the workers write.
    datasets
        The data sets with a published model, by name. Nothing is trained without the census.
    simulated
        Estimates of simulated versions, in the order in which they are needed.
    """

    def __init__(
        self, folder: Path, datasets: Mapping[str, DatasetFiles], simulated: Sequence[EstimateSpec]
    ) -> None:
        self._folder = folder
        self._datasets = datasets
        self._cancelled = threading.Event()
        self._specs = {job.name: job for job in simulated}
        self._simulated_names = frozenset(self._specs)
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="workshop")
        self._simulated = self._pool.submit(self._estimate_simulated, tuple(simulated))
        if CENSUS in datasets:
            self._trained = self._pool.submit(self._train)
            self._explained = self._pool.submit(self._explain)
        self._published = self._pool.submit(self._estimate_published)

    def estimates(self, name: str) -> Path:
        """The file of estimated performance per chunk; waits until it is there."""
        path = self._estimates_folder(name) / f"{name}.parquet"
        at_work: Future[Any] = self._simulated if name in self._simulated_names else self._published
        while not path.exists():  # the worker puts each file there whole, one after the other
            try:
                at_work.result(timeout=_POLL_SECONDS)
            except TimeoutError:
                continue
            if not path.exists():
                raise GovernanceError(f"the worker left no estimates of '{name}'", remedy="Build again.")
        return path

    def estimate_files(self, name: str) -> tuple[EstimateSpec, Path, Path]:
        """What was asked of an estimate, what NannyML learned for it, and its subpopulations' estimates."""
        folder = self._estimates_folder(name)
        return self._specs[name], folder / f"{name}.fit.json", folder / f"{name}.slices.parquet"

    def second_version(self) -> SecondVersion:
        """The census model trained for the demo; waits until it is there."""
        done = self._trained.result()
        figures = {key: float(done.figures[key]) for key in ("roc_auc", "accuracy", "trained_rows")}
        return SecondVersion(done.files["model"], done.files["reference"], done.files["analysis"], figures)

    def contributions(self) -> tuple[Path, dict[str, Any]]:
        """Contributions to scores of the second version, row by row, and the figures that go with them."""
        done = self._explained.result()
        return done.files["contributions"], done.figures

    def close(self) -> None:
        """Stop what still runs and wait until it has stopped."""
        self._cancelled.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _train(self) -> WorkerResult:
        census = self._datasets[CENSUS]
        spec = TrainSpec(
            reference=census.reference,
            analysis=census.analysis,
            features=census.features,
            categorical_features=census.categorical_features,
            trees=120,
        )
        return self._run("train", spec, "train")

    def _explain(self) -> WorkerResult:
        trained = self._trained.result()
        census = self._datasets[CENSUS]
        spec = ExplainSpec(
            model=trained.files["model"],
            rows=trained.files["analysis"],
            features=census.features,
            categorical_features=census.categorical_features,
            sample_rows=EXPLAINED_ROWS,
        )
        return self._run("explain", spec, "explain")

    def _estimate_simulated(self, jobs: tuple[EstimateSpec, ...]) -> WorkerResult | None:
        if not jobs:
            return None
        return self._run("estimate", EstimateBatch(jobs=jobs), "simulated")

    def _estimate_published(self) -> WorkerResult | None:
        published = [_spec(name, files) for name, files in self._datasets.items()]
        if CENSUS in self._datasets:
            published.append(self._second_spec())
        if not published:
            return None
        self._specs.update({job.name: job for job in published})
        return self._run("estimate", EstimateBatch(jobs=tuple(published)), "published")

    def _second_spec(self) -> EstimateSpec:
        trained = self._trained.result().files
        own = {"name": SECOND, "reference": (trained["reference"],), "analysis": (trained["analysis"],)}
        return _spec(CENSUS, self._datasets[CENSUS]).model_copy(update=own)

    def _estimates_folder(self, name: str) -> Path:
        return self._folder / ("simulated" if name in self._simulated_names else "published")

    def _run(self, kind: Any, spec: Any, name: str) -> WorkerResult:
        return run_worker(kind, spec, self._folder / name, cancelled=self._cancelled)


def _spec(name: str, files: DatasetFiles) -> EstimateSpec:
    return EstimateSpec(
        name=name,
        task=files.task,
        reference=(files.reference,),
        analysis=(files.analysis,),
        chunk_size=files.chunk_size,
        metrics=_METRICS[files.task],
        classes=files.classes,
        features=files.features,
        categorical_features=files.categorical_features,
        by=divided_by(files),
    )
