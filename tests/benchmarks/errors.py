"""How often verdicts are wrong: draws with fixed seeds, through what pages show.

What is not there may be called out in at most 5 of 100 draws in every setting; what is there must be found.
Each setting is drawn, and the worst of a kind anew, as the worst of many looks worse than it is; the worst of
those is printed with one standard error. Two processes draw.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from core.analytics.job_specs import TradeOffSpec
from core.analytics.slices.counts import SliceCells
from core.analytics.slices.metrics import metric
from core.analytics.slices.mitigation import ScoredRows
from core.analytics.slices.report import beyond_chance
from core.analytics.slices.search import weakest_slices
from core.analytics.slices.trade_off import trade_off
from tests.benchmarks import alarms, few, groups, trusting
from tests.benchmarks.draws import at_once, share
from tests.benchmarks.timing import Figure

SEARCHES, AGAIN, PROPOSALS = 200, 1_000, 600
RATES = (0.02, 0.2, 0.5, 0.8, 0.98)
PARTS = 10
"""Into how many pieces, each with a seed of its own, draws of one setting are divided."""


def measure(_store: Path) -> dict[str, Figure]:
    """Every kind of verdict, in the order of the documentation."""
    return {
        **groups.measure(),
        **_searches(),
        **few.measure(),
        **_proposals(),
        **trusting.measure(),
        **alarms.measure(),
    }


def _searches() -> dict[str, Figure]:
    """Searches for the weakest slice where all are alike: claims, and intervals that miss the true value."""
    first = at_once(_searched, [(rate, SEARCHES, 1607) for rate in RATES])
    found = {}
    for what, said in (("claimed", "any claim"), ("missed", "any interval misses")):
        rate = max(zip(RATES, first, strict=True), key=lambda one: one[1][what])[0]
        again = at_once(_searched, [(rate, AGAIN // PARTS, 2811 + part) for part in range(PARTS)])
        found[f"weakest slices of noise: {said}"] = share(
            sum(one[what] for one in again),
            AGAIN,
            f"3,600 slices of 5,000 rows, {rate} right",
            "at most 5 %",
        )
    return found


def _searched(asked: tuple[float, int, int]) -> Counter[str]:
    rate, searches, seed = asked
    random, found = np.random.default_rng(seed), Counter[str]()
    for _ in range(searches):
        slices = weakest_slices(_noise(random, rate), metric("accuracy"), min_rows=30).slices
        found["claimed"] += any(beyond_chance(one.adjusted_p, 0.95) for one in slices)
        found["missed"] += any(not one.interval.contains(rate) for one in slices if one.interval)
    return found


def _proposals() -> dict[str, Figure]:
    """Proposals where no threshold is better: five equal groups, labels by the toss of a coin."""
    each = at_once(_proposed, [(PROPOSALS // PARTS, 1607 + part) for part in range(PARTS)])
    found = sum(each, Counter[str]())
    setting = "5 equal groups in 4,000 rows"
    return {
        "proposals on noise: *fail*": share(found["fail"], PROPOSALS, setting, "at most 5 %"),
        "proposals on noise: the interval of their accuracy, as told, misses": share(
            found["told"], PROPOSALS, setting, "at most 5 %"
        ),
        "proposals on noise: that of the rows they were chosen on, which is not told": share(
            found["fitted"], PROPOSALS, setting
        ),
    }


def _proposed(asked: tuple[int, int]) -> Counter[str]:
    draws, seed = asked
    random, found = np.random.default_rng(seed), Counter[str]()
    spec = TradeOffSpec(rows=Path("-"), metric="selection_rate", limit=("ratio", 0.8), min_rows=30)
    for _ in range(draws):
        toss, half, decision = (random.random(4000) < 0.5 for _ in range(3))
        score, group = random.random(4000), random.integers(0, 5, 4000)
        offered = trade_off(ScoredRows(tuple("abcde"), group, score, toss, decision, half), spec)
        proposed = offered.points[offered.proposal or 0]
        for part, figures in (("told", proposed.told), ("fitted", proposed.fitted)):
            found[part] += not (figures.accuracy_interval and figures.accuracy_interval.contains(0.5))
        found["fail"] += proposed.told.verdict == "fail"
    return found


def _noise(random: np.random.Generator, rate: float) -> SliceCells:
    """5,000 rows of six features with four values, as many right wherever one looks."""
    features = tuple(f"f{place}" for place in range(6))
    codes, at = np.unique(random.integers(0, 4, (6, 5000)), axis=1, return_inverse=True)
    right = np.bincount(at.ravel(), random.random(5000) < rate).astype(np.int64)
    rows = np.bincount(at.ravel())
    nought = np.zeros_like(rows)
    counts = dict.fromkeys(("selected", "fp"), nought) | {"tn": right, "fn": rows - right, "tp": nought}
    counts |= dict.fromkeys(("rows", "predicted", "labelled"), rows)
    return SliceCells("binary", features, (tuple("abcd"),) * 6, codes, counts)
