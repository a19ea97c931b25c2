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
from tests.benchmarks.draws import at_once, share
from tests.benchmarks.timing import Figure

DRAWS = 2000
POSITIVES = (2, 5, 10, 20, 50)


ASKED = {
    **{f"area of {n} positives": ("areas", n) for n in POSITIVES},
    **{f"calibration gap of {n} positives in 1,000": ("gaps", n) for n in POSITIVES},
    **{f"root mean squared error of {n} rows": ("sizes", n) for n in (10, 30, 100)},
}
TEXTBOOK = {"areas": "DeLong", "gaps": "Student's t", "sizes": "Student's t"}


def measure() -> dict[str, Figure]:
    """Worst coverage of 95 % intervals, by number of positives or rows, with the textbook's beside it."""
    found = {}
    for (what, (kind, _)), (ours, textbook) in zip(
        ASKED.items(), at_once(_worst, list(ASKED.values())), strict=True
    ):
        beside = f"by {TEXTBOOK[kind]} {100 * textbook:.1f} %"
        found[f"{what}: covered"] = share(round(ours * DRAWS), DRAWS, beside, more_is_better=True)
    return found


def _worst(asked: tuple[str, int]) -> tuple[float, float]:
    """The lowest coverage over all settings, ours and the textbook's."""
    kind, of = asked
    ours, textbook = zip(*{"areas": areas, "gaps": gaps, "sizes": sizes}[kind](of), strict=True)
    return min(ours), min(textbook)


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


def gaps(positives: int) -> Iterator[tuple[float, float]]:
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
    yield float(np.mean(held)), float(np.mean(alone))


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
