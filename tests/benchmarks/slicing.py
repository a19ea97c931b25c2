"""Slices by DuckDB's group-by beside fairlearn's MetricFrame and beside a bare scan, in one run.

Ten million rows of four features with 864 intersections are made for it, coded by whole numbers as a census
is, and once more as texts; and a hundred and one batches, of which all but the newest were counted before.
MetricFrame is measured on one million of them and scaled linearly. Ratios are of the fastest runs, which
the machine's other work disturbs least; memory is that of a process of its own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from core.connectors.settings import PROJECT, Settings
from core.lake.memory import KeptTables
from core.lake.monitoring import readings as monitoring
from core.lake.slices.counts import slice_counts
from core.lake.store import open_store
from core.services.governance import wire
from core.services.measured.bias import bias_slices
from core.services.measured.slice_batches import monitored_versions
from core.services.measured.weak_slices import find_weakest
from tests.benchmarks.timing import Figure, megabytes, peak_megabytes, ratio, spread, times

FEATURES = ("sex", "race", "age_band", "region")
MILLION = 1_000_000
RUNS = 9

_MADE = """
COPY (SELECT range::VARCHAR AS row_id, (1 + hash(range) % 2)::BIGINT AS sex,
    (1 + hash(range * 3) % 9)::BIGINT AS race, (hash(range * 5) % 6)::BIGINT AS age_band,
    (hash(range * 7) % 8)::BIGINT AS region, (hash(range * 11) % 100_000) / 100_000 AS y_score,
    (hash(range * 13) % 3 = 0)::BIGINT AS y_true, (hash(range * 17) % 2)::BIGINT AS y_pred
    FROM range({start}, {start} + {rows})) TO '{path}'
"""
_TEXTS = """
COPY (SELECT * REPLACE ('sex number ' || sex AS sex, 'race number ' || race AS race,
    'age from ' || age_band AS age_band, 'region number ' || region AS region) FROM '{numbers}') TO '{path}'
"""
_FLOOR = """
SELECT count(*), {sums}, sum(y_pred), sum(y_true) FROM read_parquet('{path}')
"""
BATCHES = 100


def measure(store: Path) -> dict[str, Figure]:
    """Time ten million rows by four features, and the census of the demo as its page asks for it."""
    with tempfile.TemporaryDirectory() as folder:
        figures = _ten_million(Path(folder)) | _hundred_and_one(Path(folder))
    return {**figures, **_census(store), **_page(store)}


def _ten_million(folder: Path) -> dict[str, Figure]:
    import duckdb

    small, large = folder / "1.parquet", folder / "10.parquet"
    for path, rows in ((small, MILLION), (large, 10 * MILLION)):
        duckdb.execute(_MADE.format(start=0, rows=rows, path=path))
    texts = folder / "texts.parquet"
    duckdb.execute(_TEXTS.format(numbers=large, path=texts))
    one, ten, text = (_apart(path) for path in (small, large, texts))
    theirs = _metric_frame(small)
    ours, floor = min(ten["ours"]), min(ten["floor"])
    growth = ours / min(one["ours"])
    return {
        "10,000,000 rows, 4 features, 864 slices: group-by": spread(ten["ours"]),
        "10,000,000 rows: bare sum and count, the scan floor": spread(ten["floor"]),
        "times the scan floor (at most 2)": ratio(ours / floor, "{:8.2f}"),
        "10,000,000 rows of texts: group-by": spread(text["ours"]),
        "texts, times their scan floor, a sum of lengths (at most 1.3)": ratio(
            min(text["ours"]) / min(text["floor"]), "{:8.2f}"
        ),
        "1,000,000 rows: MetricFrame, 5 metrics": spread([theirs]),
        "times faster than MetricFrame, scaled to 10 million (300)": ratio(
            10 * theirs / ours, "{:8.0f}", more_is_better=True
        ),
        "peak memory of the process, 10 million (1,000 MB)": megabytes(ten["peak"][0]),
        "time of 10 million over that of 1 million (at most 10)": ratio(growth, "{:8.1f}"),
    }


def _hundred_and_one(folder: Path) -> dict[str, Figure]:
    """Slices after one batch more beside those of this batch alone, each time a file that nobody saw."""
    import duckdb

    paths = [folder / f"batch-{number}.parquet" for number in range(BATCHES + 1)]
    for number, path in enumerate(paths):
        duckdb.execute(_MADE.format(start=number * MILLION, rows=MILLION, path=path))
    cursor, tables = duckdb.connect().cursor(), KeptTables(folder / "counts")
    figures: dict[str, Figure] = {}
    for by in (FEATURES, FEATURES[:2]):
        whole = times(lambda: slice_counts(cursor, paths[:-1], "binary", by, tables=tables), 1)  # noqa: B023
        alone: list[float] = []
        more: list[float] = []
        for _ in range(RUNS):
            newest = folder / f"batch-{len(alone)}-anew.parquet"
            shutil.copyfile(paths[-1], newest)
            alone += times(lambda: slice_counts(cursor, [newest], "binary", by), 1)  # noqa: B023
            asked = [*paths[:-1], newest]
            more += times(lambda: slice_counts(cursor, asked, "binary", by, tables=tables), 1)  # noqa: B023
            newest.unlink()
        crossed = " by ".join(by)
        figures |= {
            f"{crossed}, {BATCHES} batches of {MILLION:,} rows, for the first time": spread(whole),
            f"{crossed}, one batch alone": spread(alone),
            f"{crossed}, after one batch more": spread(more),
            f"{crossed}, times one batch alone (at most 1.5)": ratio(min(more) / min(alone), "{:8.2f}"),
        }
    return figures


def _apart(path: Path) -> dict[str, list[float]]:
    """Times and peak memory of a process that does nothing else."""
    command = [sys.executable, "-m", "tests.benchmarks.slicing", str(path)]
    done = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True)
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


def _here(path: Path) -> dict[str, list[float]]:
    """Both ways by turns, so that the machine's other work falls on both alike."""
    import duckdb

    cursor = duckdb.connect().cursor()
    found, _ = slice_counts(cursor, [path], "binary", FEATURES)
    assert len(found) == 2 * 9 * 6 * 8
    value = "sum(strlen({}))" if path.stem == "texts" else "sum({})"
    bare = _FLOOR.format(sums=", ".join(map(value.format, FEATURES)), path=path)
    ours: list[float] = []
    floor: list[float] = []
    for _ in range(RUNS):
        ours += times(lambda: slice_counts(cursor, [path], "binary", FEATURES), 1)
        floor += times(lambda: cursor.execute(bare).fetchall(), 1)
    peak = peak_megabytes()
    return {"ours": ours, "floor": floor, "peak": [peak]}


def _metric_frame(path: Path) -> float:
    import pandas as pd
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
    from sklearn.metrics import accuracy_score, precision_score

    frame = pd.read_parquet(path, columns=[*FEATURES, "y_true", "y_pred"])
    metrics = {
        "selection_rate": selection_rate,
        "tpr": true_positive_rate,
        "fpr": false_positive_rate,
        "precision": precision_score,
        "accuracy": accuracy_score,
    }

    def theirs() -> None:
        compared = MetricFrame(
            metrics=metrics,
            y_true=frame["y_true"],
            y_pred=frame["y_pred"],
            sensitive_features=frame[list(FEATURES)],
        )
        compared.by_group.shape  # noqa: B018 - computed when asked for

    return times(theirs, 1)[0]


def _census(store: Path) -> dict[str, Figure]:
    governance = wire(open_store(store), PROJECT / "config")
    moment = governance.moment(datetime.now(UTC))
    batches = [
        batch
        for model in monitored_versions(governance, moment)
        for batch in monitoring.batches(governance.store, model.initiative, model.version, moment)
    ]
    census = next(
        batch for batch in batches if {"sex", "race"} <= set(batch.columns) and batch.part == "analysis"
    )
    one = {"initiative": census.initiative, "version": census.version}
    rows = f"{census.rows:,} rows"
    asked = {
        "sex and race": {"by": ("sex", "race")},
        "race of women from 30 on": {"by": ("race",), "where": ("sex=Female", "age>=30")},
        "age in tens, area under the curve": {"by": ("age",), "cuts": ("age=width:10",), "metric": "roc_auc"},
    }
    figures = {
        f"{rows}, {name}": spread(times(lambda: bias_slices(governance, moment, **one, **more), 9))  # type: ignore[arg-type]  # noqa: B023
        for name, more in asked.items()
    }
    weakest = times(lambda: find_weakest(governance, moment, **one), 3)
    found = find_weakest(governance, moment, **one).found
    governance.close()
    return {**figures, f"{rows}, weakest of {found.searched:,} intersections": spread(weakest)}


def _page(store: Path) -> dict[str, Figure]:
    """The whole page on the census, each time for features or filters that nobody asked for before."""
    from streamlit.testing.v1 import AppTest

    from portal.shell.house import close_house, open_house

    asked: list[dict[str, str | list[str]]] = [
        {"by": ["sex", "race"]},
        {"by": ["age_band"], "where": ["sex=Female"]},
        {"by": ["disability", "sex"], "where": ["age>=30"]},
        {"by": ["marital_status"], "metric": "accuracy"},
        {"by": ["schooling"], "metric": "calibration_gap"},
        {"by": ["race"], "metric": "roc_auc", "against": "overall"},
        {"by": ["age"], "cut": ["age=width:10"]},
    ]
    with tempfile.TemporaryDirectory() as folder:
        open_house(Settings(store=shutil.copytree(store, Path(folder) / "store")))
        at = AppTest.from_file(str(PROJECT / "portal" / "shell" / "app.py"), default_timeout=120).run()
        at.switch_page(str(PROJECT / "portal" / "pages" / "slices.py")).run()
        seconds = []
        for view in asked:
            at.query_params.clear()
            for name, value in {"id": "employment-from-census-answers", "version": "2", **view}.items():
                at.query_params[name] = value
            seconds += times(at.run, 1)
            assert not at.exception and not at.error
        close_house()
    return {"slices page, a new feature, filter or metric (300 ms)": spread(seconds)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_here(Path(sys.argv[1]))))
