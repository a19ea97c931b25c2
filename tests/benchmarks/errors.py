"""How often verdicts on groups are wrong: draws with fixed seeds, through the report that pages show.

Equal groups may *fail* in at most 5 of 100 draws in every setting; a difference that is there must be found,
and one that hardly is must pass. Each setting is drawn `DRAWS` times; the worst of its kind is printed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from core.analytics.slices.counts import SliceCells, SliceCounts, total_of
from core.analytics.slices.metrics import metric
from core.analytics.slices.pairs import Limit
from core.analytics.slices.report import SliceReport, beyond_chance, slice_report
from core.analytics.slices.search import weakest_slices
from tests.benchmarks.timing import Figure

DRAWS = 200
GROUPS = (2, 5, 10, 20, 50)
ROWS = (50, 150, 500, 1000, 5000)
RATES = (0.02, 0.1, 0.3, 0.5, 0.9, 0.98)
FOUR_FIFTHS = Limit("ratio", 0.8)


def measure(_store: Path) -> dict[str, Figure]:
    """Shares of draws with each verdict, over equal, unequal and nearly equal groups."""
    equal = [
        (f"{groups} groups of {rows} at {rate}", _drawn([rate] * groups, rows))
        for groups in GROUPS
        for rows in ROWS
        for rate in RATES
    ]
    apart = [(f"{groups} groups", _drawn(_one_at(0.3, groups), 1000)) for groups in GROUPS]
    near = [(f"{groups} groups", _drawn(_one_at(0.475, groups), 5000)) for groups in GROUPS]
    tiny = [(f"{groups} groups", _drawn(_one_at(0.3, groups), 1000, tiny=9)) for groups in GROUPS]
    return {
        "equal groups that fail (at most 5 %)": _worst(equal, "fail", most=True),
        "equal groups: some called different from the best (at most 5 %)": _worst(equal, "best", most=True),
        "equal groups: some called different from all (at most 5 %)": _worst(equal, "overall", most=True),
        ".3 against .5, 1,000 rows a group: fails (at least 95 %)": _worst(apart, "fail", most=False),
        ".3 against .5, 1,000 rows a group: passes (at most 0.1 %)": _worst(apart, "pass", most=True),
        ".3 against .5, and a group of 9: fails (at least 95 %)": _worst(tiny, "fail", most=False),
        ".475 against .5, 5,000 rows a group: passes (at least 90 %)": _worst(near, "pass", most=False),
        **_searches(),
    }


def _searches() -> dict[str, Figure]:
    """Searches for the weakest slice where all are alike: claims, and intervals that miss the true value."""
    random = np.random.default_rng(1607)
    claimed = missed = 0
    for _ in range(DRAWS):
        found = weakest_slices(_noise(random), metric("accuracy"), min_rows=30)
        claimed += any(beyond_chance(one.adjusted_p, 0.95) for one in found.slices)
        missed += any(not one.interval.contains(0.8) for one in found.slices if one.interval)
    return {
        "weakest slices of noise: any claim (at most 5 %)": _share(claimed, "3,600 slices of 5,000 rows"),
        "weakest slices of noise: any interval misses (at most 5 %)": _share(missed, "the same"),
    }


def _noise(random: np.random.Generator) -> SliceCells:
    """5,000 rows of six features with four values, four of five right wherever one looks."""
    features = tuple(f"f{place}" for place in range(6))
    codes, at = np.unique(random.integers(0, 4, (6, 5000)), axis=1, return_inverse=True)
    right = np.bincount(at.ravel(), random.random(5000) < 0.8).astype(np.int64)
    rows = np.bincount(at.ravel())
    nought = np.zeros_like(rows)
    counts = dict.fromkeys(("selected", "fp"), nought) | {"tn": right, "fn": rows - right, "tp": nought}
    counts |= dict.fromkeys(("rows", "predicted", "labelled"), rows)
    return SliceCells("binary", features, (tuple("abcd"),) * 6, codes, counts)


def _one_at(rate: float, groups: int) -> list[float]:
    return [rate, *[0.5] * (groups - 1)]


def _drawn(rates: Sequence[float], rows: int, *, tiny: int = 0) -> Counter[str]:
    """How many draws end with each verdict, and in how many some group is called different."""
    random = np.random.default_rng(1607)
    found: Counter[str] = Counter()
    for _ in range(DRAWS):
        counts = list(_counts(random.binomial(rows, rates), rows))
        if tiny:
            counts += _counts([int(random.binomial(tiny, 0.5))], tiny, first=len(counts))
        report = _report(counts, "best")
        found[str(report.verdict)] += 1
        found["best"] += report.different > 0
        found["overall"] += _report(counts, "overall").different > 0
    return found


def _counts(selected: Iterable[int], rows: int, *, first: int = 0) -> Iterator[SliceCounts]:
    for place, won in enumerate(selected, start=first):
        yield SliceCounts((("group", f"{place:02}"),), "binary", rows, predicted=rows, selected=int(won))


def _report(counts: Sequence[SliceCounts], reference: str) -> SliceReport:
    whole = total_of(counts)
    return slice_report(counts, whole, "selection_rate", reference=reference, min_rows=30, limit=FOUR_FIFTHS)


def _worst(found: Sequence[tuple[str, Counter[str]]], what: str, *, most: bool) -> Figure:
    setting, counted = (max if most else min)(found, key=lambda each: each[1][what])
    return _share(counted[what], setting, more_is_better=not most)


def _share(draws: int, setting: str, *, more_is_better: bool = False) -> Figure:
    share = draws / DRAWS
    return Figure(share, f"{100 * share:8.1f} %  ({setting})", "difference", more_is_better)
