"""How often intervals of few positives hold the true value: draws with fixed seeds, the worst setting told.

Areas under the curve of scores that are normal in both classes, once alike and once or half as wide in the
positive one; calibration gaps of calibrated scores; sizes of errors that are normal or exponential.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from core.analytics.intervals import Interval, mean_interval, normal_quantile
from core.analytics.slices.counts import SliceCounts
from core.analytics.slices.metrics import measure as measured
from core.analytics.slices.metrics import metric
from core.analytics.slices.ranks import rank_sums, ranking_interval
from tests.benchmarks.timing import Figure

DRAWS = 1000
POSITIVES = (2, 5, 10, 20, 50)


def measure() -> dict[str, Figure]:
    """Worst coverage of 95 % intervals, by number of positives or rows, with the textbook's beside it."""
    found = {}
    for positives in POSITIVES:
        ours, textbook = (min(each) for each in zip(*areas(positives), strict=True))
        beside = f"DeLong alone {100 * textbook:.1f} %"
        found[f"area of {positives} positives covered"] = share(round(ours * DRAWS), DRAWS, beside, True)
    for positives in POSITIVES:
        ours, textbook = gaps(positives)
        beside = f"Student's t alone {100 * textbook:.1f} %"
        found[f"calibration gap of {positives} positives in 1,000 covered"] = share(
            round(ours * DRAWS), DRAWS, beside, True
        )
    for rows in (10, 30, 100):
        ours, textbook = (min(each) for each in zip(*sizes(rows), strict=True))
        beside = f"Student's t alone {100 * textbook:.1f} %"
        found[f"root mean squared error of {rows} rows covered"] = share(
            round(ours * DRAWS), DRAWS, beside, True
        )
    return found


def areas(positives: int) -> Iterator[tuple[float, float]]:
    """Share of areas covered, ours and by DeLong's normal interval, setting by setting."""
    random, z = np.random.default_rng(1607), normal_quantile(0.95)
    for wide, deviate, negatives in (
        (wide, deviate, negatives)
        for wide in (0.5, 1.0, 2.0)
        for deviate in (0.25, 0.84, 1.64, 2.33)
        for negatives in (100, 1000)
    ):
        true = 0.5 * (1 + math.erf(deviate / math.sqrt(2)))
        rows, labels = positives + negatives, np.arange(positives + negatives) < positives
        scores = random.normal(size=(DRAWS, rows)) * np.where(labels, wide, 1)
        scores += labels * deviate * math.hypot(1, wide)
        ids = np.repeat(np.arange(DRAWS), rows).astype(np.uint16)
        drawn = rank_sums(ids, scores.ravel(), np.tile(labels, DRAWS), DRAWS)
        held = [interval.contains(true) for each in drawn if (interval := ranking_interval(each))]
        alone = [abs((each.value or 0) - true) <= z * math.sqrt(each.variance or 0) for each in drawn]
        yield float(np.mean(held)), float(np.mean(alone))


def gaps(positives: int) -> tuple[float, float]:
    """Share of gaps covered where scores are what comes true, ours and by Student's t."""
    random, gap, held, alone = np.random.default_rng(1607), metric("calibration_gap"), [], []
    for _ in range(DRAWS):
        scores = random.beta(positives / 200, (1000 - positives) / 200, 1000)
        labels = random.random(1000) < scores
        off, hits = scores - labels, int(labels.sum())
        total, spread = float(off.sum()), float(((off - off.mean()) ** 2).sum())
        sums = {"scored": 1000, "sum_score_gap": total, "spread_score_gap": spread}
        counts = SliceCounts((), "binary", 1000, 1000, 1000, tp=hits, tn=1000 - hits, **sums)
        held.append(_holds(measured(gap, counts).interval, 0.0))
        alone.append(_holds(mean_interval(1000, total, spread), 0.0))
    return float(np.mean(held)), float(np.mean(alone))


def sizes(rows: int) -> Iterator[tuple[float, float]]:
    """Share of root mean squared errors covered, ours and by Student's t on the squares."""
    random = np.random.default_rng(1607)
    for squares, true in (
        (random.normal(size=(DRAWS, rows)) ** 2, 1.0),
        (random.exponential(size=(DRAWS, rows)) ** 2, 2.0),
    ):
        spreads = ((squares - squares.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
        sums = list(zip(squares.sum(axis=1).tolist(), spreads.tolist(), strict=True))
        yield tuple(  # type: ignore[misc]
            float(np.mean([_holds(mean_interval(rows, *each, sized=sized), true) for each in sums]))
            for sized in (True, False)
        )


def _holds(interval: Interval | None, value: float) -> bool:
    return interval is not None and interval.contains(value)


def share(draws: int, of: int, setting: str, more_is_better: bool = False) -> Figure:
    """A share of draws with its Monte Carlo error, one standard error."""
    found = draws / of
    error = math.sqrt(found * (1 - found) / of)
    words = f"{100 * found:8.1f} % ± {100 * error:.1f}  ({setting})"
    return Figure(found, words, "difference", more_is_better)
