"""CBPE with six metrics over millions of rows: by DuckDB and numpy beside NannyML, each in its own process.

A fit on 100,000 reference rows is made once; what is timed is the estimate of the analysis rows, calibration
included, without outcomes, which NannyML would otherwise spend most of its time on. `python -m
tests.benchmarks.decaying KIND FOLDER ROWS` is one process: `ours`, `slices` (with those of four
subpopulations on top), or `nannyml`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from core.analytics.job_specs import EstimateSpec
from core.connectors.settings import PROJECT
from tests.benchmarks.timing import Figure, in_seconds, megabytes, peak_megabytes, ratio

METRICS = ("roc_auc", "f1", "precision", "recall", "specificity", "accuracy")
BY = (("region",),)
CHUNK_ROWS, REFERENCE_ROWS, ROWS = 5_000, 100_000, 5_000_000
GROWTH = (1_000_000, 10_000_000)
RUNS = 3
_LARGEST_GAP = 1e-6


def measure(store: Path) -> dict[str, Figure]:
    """Time the estimates both ways, in one run; the demo store is not needed."""
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        _write(site / "reference.parquet", REFERENCE_ROWS, seed=0.1, drift=1.0, outcomes=True)
        for rows in (ROWS, *GROWTH):
            _write(site / f"analysis-{rows}.parquet", rows, seed=0.2, drift=0.8, outcomes=False)
        _process("fit", site, ROWS)
        ours = [_process("ours", site, ROWS) for _ in range(RUNS)]
        slices = [_process("slices", site, ROWS) for _ in range(RUNS)]
        small, large = (_seconds([_process("ours", site, rows) for _ in range(RUNS)]) for rows in GROWTH)
        theirs = _process("nannyml", site, ROWS)
        gap = max(abs(a - b) for a, b in zip(ours[0]["values"], theirs["values"], strict=True))
        assert gap < _LARGEST_GAP, f"the estimates differ by {gap}"
    plain, divided = _seconds(ours), _seconds(slices)
    grown = large / small / (GROWTH[1] / GROWTH[0])
    return {
        f"CBPE, 6 metrics, {ROWS:,} rows in chunks of {CHUNK_ROWS:,}": in_seconds(plain),
        "the same by NannyML": in_seconds(theirs["seconds"]),
        "ratio (asked for: 12, goal: 20)": ratio(
            theirs["seconds"] / plain, "{:8.1f} times", more_is_better=True
        ),
        "the same in processor time": ratio(
            theirs["cpu"] / _median(ours, "cpu"), "{:8.1f} times", more_is_better=True
        ),
        "peak memory, whole process": megabytes(max(one["megabytes"] for one in ours)),
        "peak memory of NannyML": megabytes(theirs["megabytes"]),
        "with 4 subpopulations": in_seconds(divided),
        "ratio to the plain estimate (asked for: under 2)": ratio(divided / plain, "{:8.2f} times"),
        "subpopulations, in processor time": ratio(
            _median(slices, "cpu") / _median(ours, "cpu"), "{:8.2f} times"
        ),
        "peak memory with subpopulations": megabytes(max(one["megabytes"] for one in slices)),
        f"{GROWTH[0]:,} to {GROWTH[1]:,} rows": Figure(large, f"{small:8.2f} s to {large:.2f} s"),
        "growth beside linear (asked for: at most 1)": ratio(grown, "{:8.2f} times"),
        "largest difference of an estimate": Figure(gap, f"{gap:8.1e}", "difference"),
    }


def _seconds(runs: list[dict[str, Any]]) -> float:
    return _median(runs, "seconds")


def _median(runs: list[dict[str, Any]], figure: str) -> float:
    return float(statistics.median(one[figure] for one in runs))


def _write(path: Path, rows: int, *, seed: float, drift: float, outcomes: bool) -> None:
    """Scores that differ row by row, wrongly calibrated, with two features to tell people apart."""
    cursor = duckdb.connect()
    cursor.execute("SELECT setseed($seed)", {"seed": seed})
    truth = ", (random() < s * s * (3 - 2 * s))::TINYINT AS y_true" if outcomes else ""
    # COPY takes no parameters; the path is ours.
    cursor.execute(
        f"COPY (SELECT s AS y_score, (s >= 0.5)::TINYINT AS y_pred, "
        f"['north', 'south', 'coast', 'hills'][1 + (4 * r)::INTEGER % 4] AS region, "
        f"['a', 'b', 'c'][1 + (97 * r)::INTEGER % 3] AS team{truth} "
        f"FROM (SELECT random() ** {drift} AS s, random() AS r FROM range({rows}))) "
        f"TO '{path}' (FORMAT parquet)"
    )


def _process(kind: str, site: Path, rows: int) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.decaying", kind, str(site), str(rows)],
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT,
    )
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def _spec(
    site: Path, rows: int, *, by: tuple[tuple[str, ...], ...] = (), fitted: bool = True
) -> EstimateSpec:
    return EstimateSpec(
        name="benchmark",
        task="binary",
        reference=(site / "reference.parquet",),
        analysis=(site / f"analysis-{rows}.parquet",),
        chunk_size=CHUNK_ROWS,
        metrics=METRICS,
        by=by,
        fitted=site / "fit.json" if fitted else None,
    )


def _fit(site: Path, rows: int) -> dict[str, Any]:
    from core.lake.monitoring.decay_run import run_estimate

    found = run_estimate(duckdb.connect(), _spec(site, GROWTH[0], by=BY, fitted=False))
    (site / "fit.json").write_text(found.fit.model_dump_json(), encoding="utf-8")
    return {}


def _ours(site: Path, rows: int, by: tuple[tuple[str, ...], ...] = ()) -> dict[str, Any]:
    # Imports are not timed, for NannyML neither.
    import numpy  # noqa: F401
    import pandas  # noqa: F401 - DuckDB looks for it
    import pyarrow.dataset  # noqa: F401

    from core.lake.monitoring.decay_run import run_estimate

    start, used = time.perf_counter(), time.process_time()
    found = run_estimate(duckdb.connect(), _spec(site, rows, by=by))
    seconds, cpu = time.perf_counter() - start, time.process_time() - used
    chunks = [chunk for chunk in found.chunks if chunk.part == "analysis"]
    assert len(chunks) == len(METRICS) * rows // CHUNK_ROWS
    assert bool(found.slices) == bool(by)
    return {"seconds": seconds, "cpu": cpu, "values": [chunk.estimate for chunk in chunks]}


def _nannyml(site: Path, rows: int) -> dict[str, Any]:
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
    import pandas as pd

    from core.analytics.job_specs import ensure_openmp

    ensure_openmp()
    from nannyml import CBPE

    reference = pd.read_parquet(site / "reference.parquet")
    analysis = pd.read_parquet(site / f"analysis-{rows}.parquet", columns=["y_score", "y_pred"])
    estimator = CBPE(
        metrics=list(METRICS),
        y_pred_proba="y_score",
        y_pred="y_pred",
        y_true="y_true",
        problem_type="classification_binary",
        chunk_size=CHUNK_ROWS,
    ).fit(reference)
    assert estimator.needs_calibration
    start, used = time.perf_counter(), time.process_time()
    result = estimator.estimate(analysis)
    seconds, cpu = time.perf_counter() - start, time.process_time() - used
    table = result.filter(period="analysis").to_df()
    return {"seconds": seconds, "cpu": cpu, "values": [float(v) for m in METRICS for v in table[m]["value"]]}


def main(kind: str, folder: str, rows: str) -> None:
    """One process of the benchmark; prints what it found and its peak memory as JSON."""
    kinds: dict[str, Callable[[Path, int], dict[str, Any]]] = {
        "fit": _fit,
        "ours": _ours,
        "slices": lambda site, count: _ours(site, count, BY),
        "nannyml": _nannyml,
    }
    found = kinds[kind](Path(folder), int(rows))
    found["megabytes"] = peak_megabytes()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
