"""Estimates of groups and adapted estimates on published data: by how much they are off, and what warns.

Census, sex by race: bias of the ten largest groups after the reference. Many groups of the census, as they
are and with outcomes of a third of them turned in a tenth of the rows: what the badge says of those that are
off, and of those that are not. Car loan and census: errors of the adapted estimate over those of CBPE, in the
mean of seven metrics. A made shift of an input that the score does not know: the same, with the floors.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import fmean

import duckdb
import numpy as np

from core.analytics.decay.calibrations import adapted, weighed_calibration
from core.analytics.decay.estimates import ADAPTED, NANNYML, EstimatedChunk, SliceChunk
from core.analytics.decay.trust import GroupRecord, group_trust
from core.analytics.job_specs import EstimateSpec
from core.lake.monitoring.decay_run import Estimates, run_estimate
from core.lake.monitoring.readings import records_of, write_estimates
from data.demo.example_datasets import write_dataset
from tests.benchmarks.timing import Figure
from tests.unit.test_adapted import drawn, reference_of

METRICS = ("roc_auc", "average_precision", "f1", "precision", "recall", "specificity", "accuracy")
RATES = ("precision", "recall", "specificity", "accuracy")
BY = ("sex", "race")
MANY = (BY, ("race", "age_band"), ("age_band", "sex"), ("disability",), ("marital_status", "sex"))
LARGEST, OFF, KNOWN = 10, 0.02, 0.01
"""Groups of which the bias is told, what is off, and the standard error to which it has to be known."""
_TURNED = """
COPY (SELECT * REPLACE (CASE WHEN hash({by}, {seed}) % 3 = 0 AND hash(row_id, {seed}) % 10 = 0
    THEN 1 - y_true ELSE y_true END AS y_true) FROM read_parquet('{file}')) TO '{path}'
"""


def measure(_store: Path) -> dict[str, Figure]:
    """Everything on the two data sets, in one run; the demo store is not needed."""
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        census, loans = (_estimated(name, site) for name in ("census_employment", "car_loan"))
        slices = write_estimates(census.slices, site / "slices.parquet", SliceChunk)
        records = records_of(duckdb.connect(), slices, BY, RATES)
        badges = _badges(site)
    return {
        **_groups(census.slices, records),
        **badges,
        **made_shifts(),
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
    return found


def _badges(site: Path) -> dict[str, Figure]:
    """What the badge says of many groups, as they are and turned, in seeded draws."""
    files = write_dataset("census_employment", site / "many")
    told: Counter[tuple[str, bool, str]] = Counter()
    for seed in (0, 1, 2):
        for by in MANY:
            path = site / f"turned-{seed}-{by[0]}.parquet"
            crossed = " || ".join(f"CAST({name} AS VARCHAR)" for name in by)
            if seed:
                duckdb.execute(_TURNED.format(by=crossed, seed=seed, file=files.analysis, path=path))
            analysis = path if seed else files.analysis
            spec = EstimateSpec(
                name="census",
                task=files.task,
                reference=(files.reference,),
                analysis=(analysis,),
                chunk_size=5000,
                metrics=RATES,
                by=(by,),
            )
            found = run_estimate(duckdb.connect(), spec)
            slices = write_estimates(found.slices, site / "many.parquet", SliceChunk)
            records = records_of(duckdb.connect(), slices, by, RATES)
            for when, parts in WHEN.items():
                told.update((when, off, verdict) for off, verdict in _judged_groups(records, parts))
    return _sensitivity(told)


WHEN = {"before any outcome": ("reference",), "with outcomes": ("reference", "analysis")}


def _judged_groups(records: list[GroupRecord], parts: tuple[str, ...]) -> Iterator[tuple[bool, str]]:
    """Of each group whose bias is known well enough: whether it is off, and the badge by these parts."""
    trust = group_trust([one for one in records if one.part in parts], classifies=True)
    known: dict[tuple[str, ...], list[float]] = {}
    for one in records:
        if one.part == "analysis" and one.error <= KNOWN:
            known.setdefault(one.values, []).append(abs(one.bias))
    for values, biases in known.items():
        yield max(biases) > OFF, trust[values].verdict if values in trust else "cannot_tell"


def _sensitivity(told: Counter[tuple[str, bool, str]]) -> dict[str, Figure]:
    found = {}
    for when in WHEN:
        for off, what in ((True, "off by more than 2 points"), (False, "within 2 points")):
            counts = {verdict: told[when, off, verdict] for verdict in ("fail", "cannot_tell", "pass")}
            groups = max(1, sum(counts.values()))
            warned = (groups - counts["pass"]) / groups
            words = f"{100 * warned:8.0f} % of {groups}  ({counts['fail']} fail, {counts['pass']} pass)"
            found[f"groups {what}, without a pass {when}"] = Figure(warned, words, "difference")
    return found


SEEDS, MOVED = 6, (0.5, 1.0, 1.5, 2.0)


def made_shifts() -> dict[str, Figure]:
    """Error over CBPE's where a hidden input moves: ours, by the true density ratio, by the true P(y|x)."""
    found = {}
    for moved in MOVED:
        errors: dict[tuple[str, str], list[float]] = {}
        for seed in range(SEEDS):
            before, after = drawn(100 + seed, 8_000, 0.0), drawn(900 + seed, 3_000, moved)
            everyone = weighed_calibration(before.truth, before.scores, np.ones(8_000))
            (ours,) = adapted(reference_of(before), after.inputs, (everyone,)).calibrators
            ratio = np.exp(moved * before.inputs[:, 0] - moved**2 / 2)
            weighed = weighed_calibration(before.truth, before.scores, ratio / ratio.mean())
            logits = np.log(after.scores / (1 - after.scores)) + after.inputs[:, 0]
            chances = {
                "CBPE": everyone.apply(after.scores),
                "adapted": (ours or everyone).apply(after.scores),
                "true density ratio": weighed.apply(after.scores),
                "true P(y|x)": 1 / (1 + np.exp(-logits)),
            }
            for name, each in chances.items():
                for metric, off in after.off(each).items():
                    errors.setdefault((metric, name), []).append(abs(off))
        for metric in ("accuracy", "precision"):
            plain = fmean(errors[metric, "CBPE"])
            names = ("adapted", "true density ratio", "true P(y|x)")
            each = ", ".join(f"{name} {fmean(errors[metric, name]) / plain:.2f}" for name in names)
            ratio_of = fmean(errors[metric, "adapted"]) / plain
            what = f"a hidden input moved by {moved} deviations, {metric}: error over CBPE's"
            found[what] = Figure(
                ratio_of, f"{ratio_of:8.2f}  (CBPE {plain:.1f} points; {each})", "difference"
            )
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
