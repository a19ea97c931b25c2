"""Timing helpers of the benchmarks."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path


def times(action: Callable[[], object], runs: int) -> list[float]:
    """Seconds of each run."""
    found = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        found.append(time.perf_counter() - start)
    return found


def spread(seconds: list[float]) -> str:
    """Median, with lowest and highest, in milliseconds."""
    middle, low, high = statistics.median(seconds), min(seconds), max(seconds)
    return f"{1000 * middle:8.1f} ms  ({1000 * low:.1f} to {1000 * high:.1f})"


def peak_megabytes() -> float:
    """The most memory that this process has held; what its parent held before it does not count."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024
