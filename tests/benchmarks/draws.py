"""Draws with fixed seeds in two processes, and what is told of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from tests.benchmarks.timing import Figure

PROCESSES = 2
Asked = TypeVar("Asked")
Told = TypeVar("Told")


def at_once(draw: Callable[[Asked], Told], asked: Sequence[Asked]) -> list[Told]:
    """What is drawn for each, in the order asked; seeds come with what is asked, so nothing depends on it."""
    with ProcessPoolExecutor(PROCESSES) as pool:
        return list(pool.map(draw, asked))


def share(found: int, of: int, setting: str, asked: str = "", *, more_is_better: bool = False) -> Figure:
    """A share of draws with its Monte Carlo error, one standard error."""
    if not found:
        return Figure(0.0, f"0 of {of:,} draws ({setting})", "difference", more_is_better, asked)
    part = found / of
    error = math.sqrt(part * (1 - part) / of)
    return told(part, error, f"{setting}; {of:,} draws", asked, more_is_better=more_is_better)


def told(
    value: float, error: float, setting: str, asked: str = "", *, more_is_better: bool = False
) -> Figure:
    """A share with its standard error, and where it was drawn."""
    said = f"{100 * value:.1f} % ± {100 * error:.1f} ({setting})"
    return Figure(value, said, "difference", more_is_better, asked)
