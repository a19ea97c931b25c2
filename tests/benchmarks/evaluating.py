"""How often verdicts on evaluation sets are wrong: draws with fixed seeds, the worst setting told.

Two versions on the same 600 cases of which 12 % turn, once alike and once truly apart by 5 points; categories
of equal pass rates, at the least rate allowed and above it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.analytics.slices.counts import SliceCounts
from core.analytics.slices.evaluations import PassLimits, paired_change, pass_reports
from tests.benchmarks.few import share
from tests.benchmarks.timing import Figure

DRAWS = 4000
TURNED = 0.12
LIMITS = PassLimits(least=0.8, gap=0.2, min_cases=30, small="left_out")


def measure(_: Path) -> dict[str, Figure]:
    """Share of draws with a verdict that is wrong, and of true changes that are found."""
    equal = {cases: told_apart(DRAWS, change=0.0, cases=cases) for cases in (60, 200, 600, 2000)}
    worst = max(equal, key=lambda cases: equal[cases])
    of = {
        (categories, cases, rate): equal_categories(500, categories=categories, cases=cases, rate=rate)
        for categories in (2, 8)
        for cases in (40, 75, 300)
        for rate in (0.8, 0.9, 0.98)
    }
    categories, cases, rate = setting = max(of, key=lambda each: of[each])
    found = told_apart(DRAWS, change=0.05)
    return {
        "equal versions told apart": share(equal[worst], DRAWS, f"{worst:,} cases, {TURNED:.0%} turned"),
        "5 points on 600 cases found": share(found, DRAWS, f"600 cases, {TURNED:.0%} turned", True),
        "equal categories that fail": share(
            of[setting], 500, f"{categories} categories of {cases} at {rate:g}, least rate 0.8"
        ),
    }


def told_apart(draws: int, *, change: float, cases: int = 600) -> int:
    """Draws in which two versions are told apart, whose pass rates differ truly by `change`."""
    random = np.random.default_rng([1947, cases, round(1000 * change)])
    lost, won = (TURNED - change) / 2, (TURNED + change) / 2
    tables = random.multinomial(cases, (0.8 - lost, lost, won, 0.2 - won), draws)
    return sum(paired_change(*map(int, cells)).p_value <= 0.05 for cells in tables)


def equal_categories(draws: int, *, categories: int, cases: int, rate: float) -> int:
    """Draws in which some verdict on categories of one and the same pass rate is *fail*."""
    random = np.random.default_rng([1934, categories, cases, round(1000 * rate)])
    return sum(_some_fail(good, cases) for good in random.binomial(cases, rate, (draws, categories)).tolist())


def _some_fail(good: list[int], cases: int) -> bool:
    counts = [
        SliceCounts((("topic", str(n)),), "binary", cases, predicted=cases, selected=each)
        for n, each in enumerate(good)
    ]
    found = pass_reports(sum(good), len(good) * cases, {"topic": counts}, LIMITS)
    return any(report.verdict == "fail" for report in found)
