"""Ask NannyML anew and record its answers: `make oracles`, or `python -m tests.oracles QUESTION …`."""

# ruff: noqa: T201  (to print is what a command is for)
from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from core.analytics.job_specs import ensure_openmp
from tests.oracles import FOLDER, file_of, record
from tests.oracles.questions import QUESTIONS


def main(names: Sequence[str]) -> None:
    """Record the answers to the questions named, or to all; what nobody asks any more is removed."""
    ensure_openmp()
    for file in FOLDER.glob("*.parquet"):
        if file.stem not in QUESTIONS:
            file.unlink()
    for name in names or QUESTIONS:
        started = time.monotonic()
        record(name, QUESTIONS[name]())
        print(
            f"{name}: {file_of(name).stat().st_size:,} bytes, {time.monotonic() - started:.0f} s", flush=True
        )


if __name__ == "__main__":
    main(sys.argv[1:])
