"""Measure what the README says, in one run on one machine: `python -m tests.benchmarks [NAME ...]`.

Figures are medians of several runs; the machine's noise is the spread printed beside them.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from core.connectors.settings import PROJECT
from tests.benchmarks import clients, decaying, decisions, pages, scale, slicing

Measured = dict[str, str]


def main(names: list[str]) -> int:
    """Build a demo store once and run the benchmarks named (all without a name)."""
    benches: dict[str, Callable[[Path], Measured]] = {
        "clients": clients.measure,
        "decisions": decisions.measure,
        "decaying": decaying.measure,
        "pages": pages.measure,
        "scale": scale.measure,
        "slicing": slicing.measure,
    }
    unknown = [name for name in names if name not in benches]
    if unknown:
        sys.stderr.write(f"there is no benchmark {unknown[0]!r}; use: {', '.join(benches)}\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        seconds = build(store)
        sys.stdout.write(f"{'demo store built':58} {seconds:8.1f} s\n")
        for name in names or benches:
            for what, figure in benches[name](store).items():
                sys.stdout.write(f"{what:58} {figure}\n")
    return 0


def build(store: Path) -> float:
    """Build the demo store and return the seconds it took."""
    from core.entrypoints.demo.build import build_demo

    start = time.perf_counter()
    build_demo(store, PROJECT / "config", datetime.now(UTC))
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
