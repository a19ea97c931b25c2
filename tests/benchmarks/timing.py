"""What a benchmark measures: figures, and how times become one."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["seconds", "megabytes", "ratio", "difference", "rate", "count"]


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes
    ----------
    value
        The number, in the unit of its kind.
    said
        How it is printed.
    kind
        A `ratio` is of two things measured in one run, so that it says the same on any machine; a
        `difference` between two results says nothing of speed, nor does a `count`.
    more_is_better
        True where a larger one is the better one.
    asked
        What it should be, in words; empty where nothing is asked.
    """

    value: float
    said: str
    kind: Kind = "seconds"
    more_is_better: bool = False
    asked: str = ""


def ratio(value: float, form: str, *, more_is_better: bool = False) -> Figure:
    """A ratio of two things measured in one run, printed by `form`."""
    return Figure(value, form.format(value), "ratio", more_is_better)


def megabytes(value: float) -> Figure:
    """An amount of memory."""
    return Figure(value, f"{value:8.0f} MB", "megabytes")


def counted(value: float, form: str) -> Figure:
    """How many there were: no measure of speed."""
    return Figure(value, form.format(value), "count")


def rate(value: float) -> Figure:
    """How many a second."""
    return Figure(value, f"{value:8.1f} a second", "rate", more_is_better=True)


def in_seconds(value: float, form: str = "{:8.2f} s") -> Figure:
    """A time, printed by `form`."""
    return Figure(value, form.format(value))


def times(action: Callable[[], object], runs: int) -> list[float]:
    """Seconds of each run."""
    found = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        found.append(time.perf_counter() - start)
    return found


def spread(runs: list[float]) -> Figure:
    """Median of runs, with lowest and highest, in milliseconds."""
    middle, low, high = statistics.median(runs), min(runs), max(runs)
    return Figure(middle, f"{1000 * middle:8.1f} ms  ({1000 * low:.1f} to {1000 * high:.1f})")


def long_spread(runs: list[float]) -> Figure:
    """Median of long runs, with lowest and highest, in seconds."""
    middle, low, high = statistics.median(runs), min(runs), max(runs)
    return Figure(middle, f"{middle:8.2f} s  ({low:.2f} to {high:.2f})")


def peak_megabytes() -> float:
    """The most memory that this process has held; what its parent held before it does not count."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024
