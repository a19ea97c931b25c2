"""Estimates of groups and adapted estimates on published data: by how much they are off, and what warns.

Census, sex by race: bias of the ten largest groups after the reference, and the badge before any outcome and
after. Car loan and census: errors of the adapted estimate over those of CBPE, in the mean of seven metrics.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean

import duckdb

from core.analytics.decay.estimates import ADAPTED, NANNYML, EstimatedChunk, SliceChunk
from core.analytics.decay.trust import GroupRecord, group_trust
from core.analytics.job_specs import EstimateSpec
from core.lake.monitoring.decay_run import Estimates, run_estimate
from core.lake.monitoring.readings import records_of, write_estimates
from data.demo.example_datasets import write_dataset
from tests.benchmarks.timing import Figure

METRICS = ("roc_auc", "average_precision", "f1", "precision", "recall", "specificity", "accuracy")
RATES = ("precision", "recall", "specificity", "accuracy")
BY = ("sex", "race")
LARGEST, OFF = 10, 0.02


def measure(_store: Path) -> dict[str, Figure]:
    """Everything on the two data sets, in one run; the demo store is not needed."""
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        census, loans = (_estimated(name, site) for name in ("census_employment", "car_loan"))
        slices = write_estimates(census.slices, site / "slices.parquet", SliceChunk)
        records = records_of(duckdb.connect(), slices, BY, RATES)
    return {
        **_groups(census.slices, records),
        "adapted over CBPE, census (at most 1.1)": _over(census.chunks),
        "adapted over CBPE, car loan (at most 1.1)": _over(loans.chunks),
    }


def _estimated(name: str, site: Path) -> Estimates:
    files = write_dataset(name, site / name)
    return run_estimate(
        duckdb.connect(),
        EstimateSpec(
            name=name,
            task=files.task,
            reference=(files.reference,),
            analysis=(files.analysis,),
            chunk_size=5000,
            metrics=METRICS,
            features=files.features,
            categorical_features=files.categorical_features,
            by=(BY,) if "race" in files.sensitive_features else (),
            adapt=True,
        ),
    )


def _groups(slices: Iterable[SliceChunk], records: list[GroupRecord]) -> dict[str, Figure]:
    rows: dict[tuple[str, ...], int] = {}
    for one in slices:
        if one.metric == "accuracy" and one.part == "analysis":
            rows[one.values] = rows.get(one.values, 0) + one.rows
    largest = sorted(rows, key=lambda values: -rows[values])[:LARGEST]
    bias = {(r.values, r.metric): r.bias for r in records if r.part == "analysis" and r.values in largest}
    found = {}
    for metric in ("specificity", "accuracy"):
        mean = 100 * fmean(abs(bias[values, metric]) for values in largest)
        name = f"census groups, {metric}: mean absolute bias (at most 1.0)"
        found[name] = Figure(mean, f"{mean:8.2f} points", "difference")
    off = {
        values for values in largest if any(abs(bias[values, m]) > OFF for m in ("specificity", "accuracy"))
    }
    for when, parts in (
        ("before any outcome", ("reference",)),
        ("with outcomes", ("reference", "analysis")),
    ):
        trust = group_trust([r for r in records if r.part in parts], classifies=True)
        warned = sum(values not in trust or trust[values].verdict != "pass" for values in off)
        name = f"groups off by more than 2 points that are warned of, {when}"
        found[name] = Figure(float(warned), f"{warned:8} of {len(off)}", "difference")
    return found


def _over(chunks: Iterable[EstimatedChunk]) -> Figure:
    errors: dict[tuple[str, str], list[float]] = {}
    for one in chunks:
        if one.part == "analysis" and one.estimate is not None and one.realised is not None:
            errors.setdefault((one.metric, one.method), []).append(abs(one.estimate - one.realised))
    mean = {method: fmean(fmean(errors[m, method]) for m in METRICS) for method in (NANNYML, ADAPTED)}
    ratio = mean[ADAPTED] / mean[NANNYML]
    each = ", ".join(f"{m} {fmean(errors[m, ADAPTED]) / fmean(errors[m, NANNYML]):.2f}" for m in METRICS)
    return Figure(ratio, f"{ratio:8.2f} times ({each})", "difference")
