"""A wide file taken in: 5,008 columns and three rows, as a whole process; and one of texts judged."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from core.analytics.drift.data_quality import find_personal_data
from core.connectors.settings import PROJECT
from core.entrypoints.cli import run
from core.lake.monitoring.quality_counts import quality_columns, sampled_values, worth_sampling
from core.lake.store import open_store
from tests.benchmarks.timing import Figure, in_seconds, megabytes, peak_megabytes
from tests.conftest import ADMIN, BUILDER, founded

COLUMNS, ROWS = 5_008, 3
_ANSWERS = {
    "regulations": "personal_data",
    "consumers": "internal",
    "availability": "scheduled",
    "error_impact": "financial",
    "release_cadence": "planned",
    "lifetime": "months",
    "decay_rate": "slow",
    "explainability": "users_ask",
}
_ASKED = {
    "register": [
        "--name",
        "Trial",
        "--purpose",
        "Take in a wide file.",
        "--team",
        "Trials",
        "--builder",
        BUILDER.id,
    ],
    "version": ["add", "trial", "1", "--algorithm", "none", "--task", "binary"],
}


def measure(_: Path) -> dict[str, Figure]:
    """Time and memory of `governance predictions add`, and of listing what a version can be sliced by."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "wide.csv"
        rows = [["pred", "p", "y"] + [f"f{n}" for n in range(COLUMNS - 3)]]
        rows += [[str(r % 2), f"0.{r + 1}", str(r % 2)] + [f"{r}.5"] * (COLUMNS - 3) for r in range(ROWS)]
        file.write_text("".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
        store = Path(folder) / "store"
        founded(store, open_store).close()
        environment = {**os.environ, "GOVERNANCE_STORE": str(store), "GOVERNANCE_ACTOR": ADMIN.id}
        answers = [word for name, value in _ANSWERS.items() for word in ("--answer", f"{name}={value}")]
        _apart(environment, "register", *_ASKED["register"], *answers)
        _apart(environment, "version", *_ASKED["version"])
        about = ["predictions", "add", str(file), "--initiative", "trial", "--version", "1"]
        columns = ["--part", "analysis", "--prediction", "pred", "--score", "p", "--target", "y"]
        seconds, peak = _apart(environment, *about, *columns)
        judged = _judged(Path(folder))
    return {
        f"{COLUMNS:,} columns, {ROWS} rows: taken in (at most 10 s)": in_seconds(seconds),
        f"{COLUMNS:,} columns: peak memory of the process (500 MB)": megabytes(peak),
        f"{COLUMNS:,} text columns, 300 rows: data quality counted, personal data looked for": in_seconds(
            judged
        ),
    }


def _judged(folder: Path) -> float:
    """Seconds to count the data quality of a wide file of texts against another, and to sample its values."""
    cursor, files = duckdb.connect(), [str(folder / f"{part}.parquet") for part in ("reference", "analysis")]
    for place, file in enumerate(files):
        texts = ", ".join(f"'v' || hash(i, {n}, {place}) % 50 AS f{n}" for n in range(COLUMNS))
        cursor.execute(f"COPY (SELECT {texts} FROM range(300) r(i)) TO '{file}' (ROW_GROUP_SIZE 2048)")
    start = time.perf_counter()
    quality_columns(cursor, files[1], files[0])
    for one in sampled_values(cursor, files[1], worth_sampling(cursor, files[1])):
        find_personal_data(*one, min_share=0.2)
    return time.perf_counter() - start


def _apart(environment: dict[str, str], *words: str) -> tuple[float, float]:
    """Seconds and megabytes of a command of its own, from its start to its end."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "tests.benchmarks.intake", *words]
    done = subprocess.run(command, cwd=PROJECT, env=environment, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, float(done.stderr.split()[-1])


if __name__ == "__main__":
    code = run(sys.argv[1:])
    sys.stderr.write(f"\n{peak_megabytes()}\n")
    sys.exit(code)
