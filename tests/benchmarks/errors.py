"""How often verdicts on groups are wrong: draws with fixed seeds, through the report that pages show.

Equal groups may *fail* in at most 5 of 100 draws in every setting; a difference that is there must be found,
and one that hardly is must pass. Each setting is drawn `DRAWS` times; the `WORST` of a kind are drawn `AGAIN`
times anew, as the worst of many looks worse than it is, and the worst of those is printed with its error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from core.analytics.decay.trust import GroupRecord, History, group_trust, model_trust
from core.analytics.drift.feature_drift import (
    BY_CATEGORY,
    BY_SHARES,
    Along,
    FewValues,
    MethodDrift,
    drift_by_counts,
    joint_drift,
    level_of,
    number_drift,
)
from core.analytics.drift.methods import METHODS, Moments, SortedValues
from core.analytics.job_specs import TradeOffSpec
from core.analytics.slices.counts import SliceCells, SliceCounts, total_of
from core.analytics.slices.judging import Limit
from core.analytics.slices.metrics import metric
from core.analytics.slices.mitigation import ScoredRows
from core.analytics.slices.report import SliceReport, beyond_chance, slice_report
from core.analytics.slices.search import weakest_slices
from core.analytics.slices.trade_off import trade_off
from tests.benchmarks import few
from tests.benchmarks.few import share
from tests.benchmarks.timing import Figure

if TYPE_CHECKING:
    from core.analytics.drift.methods import Counts, Numbers

DRAWS = 100
AGAIN = 2500
SEARCHES = 1000
TRUSTS = 400
WORST = 3
GROUPS = (2, 5, 10, 20, 50)
ROWS = (50, 150, 500, 1000, 5000)
RATES = (0.02, 0.1, 0.3, 0.5, 0.9, 0.98)
Floats = NDArray[np.float64]
Truth = NDArray[np.bool_]
FOUR_FIFTHS = Limit("ratio", 0.8)


class Maker(Protocol):
    """Draws chunks of so many rows, and measures their drift."""

    def __call__(
        self, random: np.random.Generator, rows: int, chunks: int, *, moved: bool
    ) -> list[MethodDrift]:
        """Of the reference and so many chunks in use; the leading method first."""


def measure(_store: Path) -> dict[str, Figure]:
    """Shares of draws with each verdict, over equal, unequal and nearly equal groups."""
    equal = {
        f"{groups} groups of {rows} at {rate}": Setting([rate] * groups, rows)
        for groups in GROUPS
        for rows in ROWS
        for rate in RATES
    }
    apart = {f"{groups} groups": Setting(_one_at(0.3, groups), 1000) for groups in GROUPS}
    near = {f"{groups} groups": Setting(_one_at(0.475, groups), 5000) for groups in GROUPS}
    tiny = {f"{groups} groups": Setting(_one_at(0.3, groups), 1000, tiny=9) for groups in GROUPS}
    return {
        "equal groups that fail (at most 5 %)": _worst(equal, "fail", most=True),
        "equal groups: some called different from the best (at most 5 %)": _worst(equal, "best", most=True),
        "equal groups: some called different from all (at most 5 %)": _worst(equal, "overall", most=True),
        ".3 against .5, 1,000 rows a group: fails (at least 95 %)": _worst(apart, "fail", most=False),
        ".3 against .5, 1,000 rows a group: passes (at most 0.1 %)": _worst(apart, "pass", most=True),
        ".3 against .5, and a group of 9: fails (at least 95 %)": _worst(tiny, "fail", most=False),
        ".475 against .5, 5,000 rows a group: passes (at least 90 %)": _worst(near, "pass", most=False),
        **_searches(),
        **_trusts(),
        **_drifts(),
        **few.measure(),
        **_proposals(),
    }


FAMILY = (10, 5)
"""Features and chunks in use of a measurement whose false alarms are counted."""


def _drifts() -> dict[str, Figure]:
    """Alerts where nothing moved, and where something did, of texts, of numbers and of all together."""
    texts = {f"{kind} of {values:,} values": _texts(values, flat=kind == "even") for kind, values in TEXTS}
    numbers = {name: partial(_numbers, make) for name, make in NUMBERS.items()}
    found: dict[str, Figure] = {}
    for kind, moved, makers in (
        ("texts", "a fifth new", texts),
        ("numbers", "two thirds of a deviation", numbers),
        ("all inputs together", "their bond lost", {"five inputs": _together}),
    ):
        drawn = {(name, rows): _drift(make, rows) for name, make in makers.items() for rows in CHUNK_ROWS}
        found |= _still(kind, drawn)
        setting, told = min(drawn.items(), key=lambda one: one[1]["found"] / max(1, one[1]["told"]))
        where = f"{setting[0]}, {setting[1]:,} rows a chunk"
        found[f"{kind}, {moved}: chunks found (at least 95 %)"] = share(
            told["found"], max(1, told["told"]), where, more_is_better=True
        )
        blind = [f"{name}, {rows:,}" for (name, rows), one in drawn.items() if not one["told"]]
        found[f"{kind}: cannot be told"] = Figure(
            len(blind), f"{'; '.join(blind) or 'nowhere'}", "difference"
        )
    return found


def _still(kind: str, drawn: Mapping[tuple[str, int], Counter[str]]) -> dict[str, Figure]:
    """Measurements of `FAMILY` with an alert where nothing moved, by the worst method and the worst law."""
    cells = FAMILY[0] * FAMILY[1]
    methods = {what for one in drawn.values() for what in one} & METHODS.keys()

    def alarms(of: Iterable[Counter[str]], method: str, said: str) -> Figure:
        ones = list(of)
        alerts, chunks = (sum(one[what] for one in ones) for what in (method, "cells"))
        each, error = (100 * cells * value / chunks for value in (alerts, max(1, alerts) ** 0.5))
        words = f"{each:8.1f} ± {error:.1f}  ({said}, {chunks:,} chunks)"
        return Figure(each / 100, words, "difference")

    worst = max(methods, key=lambda method: sum(one[method] for one in drawn.values()))
    law = max(
        {name for name, _ in drawn},
        key=lambda law: sum(one[worst] for (name, _), one in drawn.items() if name == law),
    )
    own = [one for (name, _), one in drawn.items() if name == law]
    what = f"{kind}, nothing moved: measurements in 100 with an alert (at most 5)"
    return {
        what: alarms(drawn.values(), worst, worst),
        f"{what}, the worst law for all columns": alarms(own, worst, f"{worst}, {law}"),
    }


def _drift(make: Maker, rows: int) -> Counter[str]:
    """Chunks that alert where nothing moved by method; found where something did, by the leading method."""
    random = np.random.default_rng(1607)
    found: Counter[str] = Counter()
    chunks = MOST_ROWS // rows
    for _ in range(REFERENCES):
        for method in make(random, rows, chunks, moved=False):
            alerts = method.alerts[REFERENCE_CHUNKS:]
            found[method.method] += sum(alert is True for alert in alerts)
        found["cells"] += chunks
        alerts = make(random, rows, FAMILY[1], moved=True)[0].alerts[REFERENCE_CHUNKS:]
        found["told"] += sum(alert is not None for alert in alerts)
        found["found"] += sum(alert is True for alert in alerts)
    return found


def _along(counts: Counts) -> Along:
    return Along(counts.sum(axis=-1), REFERENCE_CHUNKS, level_of(*FAMILY))


def _texts(values: int, *, flat: bool) -> Maker:
    shares = np.ones(values) if flat else 1 / np.arange(1, values + 1)
    shares = np.append(shares / shares.sum(), 0.0)

    def make(random: np.random.Generator, rows: int, chunks: int, *, moved: bool) -> list[MethodDrift]:
        after = shares * 0.8 + (np.arange(values + 1) == values) * 0.2 if moved else shares
        counts = np.vstack(
            [random.multinomial(rows, shares, REFERENCE_CHUNKS), random.multinomial(rows, after, chunks)]
        )
        methods = BY_SHARES if moved else BY_CATEGORY
        return drift_by_counts("x", "text", counts, _along(counts), methods)

    return make


def _numbers(
    draw: Callable[[np.random.Generator, int], Numbers],
    random: np.random.Generator,
    rows: int,
    chunks: int,
    *,
    moved: bool,
) -> list[MethodDrift]:
    drawn = [draw(random, rows) for _ in range(REFERENCE_CHUNKS + chunks)]
    known = np.concatenate(drawn[:REFERENCE_CHUNKS])
    low, high, deviation = float(known.min()), float(known.max()), float(known.std())
    skewness = float(((known - known.mean()) ** 3).mean()) / deviation**3
    if moved:
        drawn[REFERENCE_CHUNKS:] = [one + deviation * 2 / 3 for one in drawn[REFERENCE_CHUNKS:]]
    counted = FewValues([SortedValues(*np.unique(one, return_counts=True)) for one in drawn])
    along = _along(np.full((len(drawn), 1), rows))
    return number_drift("x", Moments(len(known), low, high, deviation, skewness), counted, along)


def _together(random: np.random.Generator, rows: int, chunks: int, *, moved: bool) -> list[MethodDrift]:
    """Reconstruction errors of five inputs, two of them bound to others and one skewed."""

    def draw(bound: bool) -> Numbers:
        one, two, own = random.normal(size=(3, rows))
        other = random.normal(size=(2, rows))
        more = np.array([one, two]) + other / 3 if bound else other * (10 / 9) ** 0.5
        return np.column_stack([one, two, *more, np.exp(own)])

    reference = [draw(True) for _ in range(REFERENCE_CHUNKS)]
    later = [draw(not moved) for _ in range(chunks)]
    single = _rebuilt(np.concatenate(reference), np.concatenate(reference))
    errors = [float(_rebuilt(np.concatenate(reference), one).mean()) for one in (*reference, *later)]
    left_out = [
        float(_rebuilt(np.concatenate([*reference[:at], *reference[at + 1 :]]), reference[at]).mean())
        for at in range(REFERENCE_CHUNKS)
    ]
    skewness = float(((single - single.mean()) ** 3).mean() / single.std() ** 3)
    along = _along(np.full((len(errors), 1), rows))
    return [joint_drift(np.array(errors), np.array(left_out), along, float(single.std()), skewness)]


def _rebuilt(known: Numbers, rows: Numbers) -> Numbers:
    """What is left of each standardised row after the components that hold 65 % of the variance."""
    centre, scale = known.mean(axis=0), known.std(axis=0)
    values, vectors = np.linalg.eigh(np.corrcoef(known, rowvar=False))
    kept = np.searchsorted(np.cumsum(values[::-1]) / values.sum(), 0.65, side="right") + 1
    left = (rows - centre) / scale @ vectors[:, : len(values) - kept]
    lengths: Numbers = np.sqrt((left**2).sum(axis=1))
    return lengths


REFERENCE_CHUNKS, CHUNK_ROWS = 10, (200, 1000, 5000)
REFERENCES, MOST_ROWS = 10, 60_000
"""References that are drawn, and rows in use that each is held against."""
TEXTS = tuple((kind, values) for kind in ("even", "uneven") for values in (2, 20, 500, 5000))
NUMBERS: dict[str, Callable[[np.random.Generator, int], Numbers]] = {
    "normal": lambda random, rows: random.normal(size=rows),
    "exponential": lambda random, rows: random.exponential(size=rows),
    "lognormal": lambda random, rows: random.lognormal(size=rows),
    "Pareto of index 3": lambda random, rows: random.pareto(3, size=rows),
    "mostly nought": lambda random, rows: random.lognormal(size=rows) * (random.random(rows) < 0.3),
    **{
        f"{values:,} whole numbers": partial(
            lambda values, random, rows: random.integers(0, values, rows) * 1.0, values
        )
        for values in (2, 20, 500, 5000)
    },
}


def _searches() -> dict[str, Figure]:
    """Searches for the weakest slice where all are alike: claims, and intervals that miss the true value."""
    random = np.random.default_rng(1607)
    claimed = missed = 0
    for _ in range(SEARCHES):
        found = weakest_slices(_noise(random), metric("accuracy"), min_rows=30)
        claimed += any(beyond_chance(one.adjusted_p, 0.95) for one in found.slices)
        missed += any(not one.interval.contains(0.8) for one in found.slices if one.interval)
    return {
        "weakest slices of noise: any claim (at most 5 %)": share(
            claimed, SEARCHES, "3,600 slices of 5,000 rows"
        ),
        "weakest slices of noise: any interval misses (at most 5 %)": share(missed, SEARCHES, "the same"),
    }


def _proposals() -> dict[str, Figure]:
    """Proposals where no threshold is better: five equal groups, labels by the toss of a coin."""
    random = np.random.default_rng(1607)
    missed: Counter[str] = Counter()
    asked = TradeOffSpec(rows=Path("-"), metric="selection_rate", limit=("ratio", 0.8), min_rows=30)
    for _ in range(DRAWS):
        toss, half, decision = (random.random(4000) < 0.5 for _ in range(3))
        score, group = random.random(4000), random.integers(0, 5, 4000)
        found = trade_off(ScoredRows(tuple("abcde"), group, score, toss, decision, half), asked)
        proposed = found.points[found.proposal or 0]
        for part, figures in (("told", proposed.told), ("fitted", proposed.fitted)):
            missed[part] += not (figures.accuracy_interval and figures.accuracy_interval.contains(0.5))
        missed["fail"] += proposed.told.verdict == "fail"
    setting = "5 equal groups in 4,000 rows"
    return {
        "proposals on noise: fail (at most 5 %)": share(missed["fail"], DRAWS, setting),
        "proposals on noise: the interval told misses (at most 5 %)": share(missed["told"], DRAWS, setting),
        "proposals on noise: that of the rows they were chosen on misses": share(
            missed["fitted"], DRAWS, setting
        ),
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


@dataclass(frozen=True)
class Setting:
    """Groups of these true rates, of so many rows, and one of `tiny` rows beside them."""

    rates: Sequence[float]
    rows: int
    tiny: int = 0

    @cached_property
    def first(self) -> Counter[str]:
        """How many of the first draws end with each verdict, or call some group different."""
        random = np.random.default_rng(1607)
        return Counter(what for _ in range(DRAWS) for what in self._outcomes(self._draw(random)))

    def again(self, what: str) -> int:
        """How many of the fresh draws do."""
        random = np.random.default_rng(2811)
        return sum(what in self._outcomes(self._draw(random), what) for _ in range(AGAIN))

    def _draw(self, random: np.random.Generator) -> list[SliceCounts]:
        counts = list(_counts(random.binomial(self.rows, self.rates), self.rows))
        if self.tiny:
            counts += _counts([int(random.binomial(self.tiny, 0.5))], self.tiny, first=len(counts))
        return counts

    def _outcomes(self, counts: Sequence[SliceCounts], only: str = "") -> Iterator[str]:
        if only != "overall":
            report = _report(counts, "best")
            yield str(report.verdict)
            if report.different:
                yield "best"
        if only in ("", "overall") and _report(counts, "overall").different:
            yield "overall"


def _counts(selected: Iterable[int], rows: int, *, first: int = 0) -> Iterator[SliceCounts]:
    for place, won in enumerate(selected, start=first):
        yield SliceCounts((("group", f"{place:02}"),), "binary", rows, predicted=rows, selected=int(won))


def _report(counts: Sequence[SliceCounts], reference: str) -> SliceReport:
    whole = total_of(counts)
    return slice_report(counts, whole, "selection_rate", reference=reference, min_rows=30, limit=FOUR_FIFTHS)


def _worst(settings: Mapping[str, Setting], what: str, *, most: bool) -> Figure:
    ranked = sorted(settings, key=lambda name: settings[name].first[what], reverse=most)
    drawn = {name: settings[name].again(what) for name in ranked[:WORST]}
    name = (max if most else min)(drawn, key=lambda each: drawn[each])
    return share(drawn[name], AGAIN, name, more_is_better=not most)


@dataclass(frozen=True)
class _Chunk:
    """One metric of one drawn chunk: what `core.analytics.decay.trust` looks at."""

    part: Literal["reference", "analysis"]
    estimate: float
    realised: float
    sampling_error: float
    lower_threshold: float
    upper_threshold: float

    @property
    def lower_confidence(self) -> float:
        return self.estimate - 3 * self.sampling_error

    @property
    def upper_confidence(self) -> float:
        return self.estimate + 3 * self.sampling_error


def _trusts() -> dict[str, Figure]:
    """Trust in estimates where the relation of inputs to outcomes holds still, and where it moved."""
    settings = [(chunks, rows) for chunks in (6, 10, 30) for rows in (500, 5000)]
    still = [(_setting(*one), sum(_trust(one, 0.0))) for one in settings]
    moved = [(_setting(*one), sum(_trust(one, 0.05))) for one in settings if one[1] == 5000]
    alike = [
        (f"{groups} groups of {rows}", _groups(groups, rows, 0.0))
        for groups in GROUPS
        for rows in (500, 5000)
    ]
    off = [(f"{groups} groups of 5000", _groups(groups, 5000, 0.05)) for groups in GROUPS]
    return {
        "trust fails where P(y|x) held still (at most 5 %)": _told(*_most(still)),
        "trust fails where P(y|x) moved by 5 points (at least 95 %)": _told(
            *_least(moved), more_is_better=True
        ),
        "groups whose estimates are right: some fails (at most 5 %)": _told(
            *_most([(s, f[0]) for s, f in alike])
        ),
        "one group off by 5 points fails (at least 95 %)": _told(
            *_least([(s, f[0]) for s, f in off]), more_is_better=True
        ),
        "one group off by 5 points passes (at most 2.5 %)": _told(*_most([(s, f[1]) for s, f in off])),
    }


def _told(draws: int, setting: str, *, more_is_better: bool = False) -> Figure:
    return share(draws, TRUSTS, setting, more_is_better=more_is_better)


def _setting(chunks: int, rows: int) -> str:
    return f"{chunks} chunks of {rows:,} on either side"


def _most(found: Sequence[tuple[str, int]]) -> tuple[int, str]:
    setting, draws = max(found, key=lambda each: each[1])
    return draws, setting


def _least(found: Sequence[tuple[str, int]]) -> tuple[int, str]:
    setting, draws = min(found, key=lambda each: each[1])
    return draws, setting


def _trust(setting: tuple[int, int], moved: float) -> Iterator[bool]:
    """Draw by draw, whether trust fails; outcomes after the reference are rarer by `moved`."""
    chunks, rows = setting
    random = np.random.default_rng(1607)
    for _ in range(TRUSTS):
        shape = (2 * chunks, rows)
        scores = random.beta(1.5, 1.5, shape)
        later = np.arange(2 * chunks)[:, np.newaxis] >= chunks
        truth = random.random(shape) < scores - moved * later
        yield _fails(scores, truth, scores > 0.5, chunks)


def _fails(scores: Floats, truth: Truth, predicted: Truth, chunks: int) -> bool:
    histories = []
    for name, rows, right in (
        ("accuracy", np.ones_like(predicted), predicted),
        ("precision", predicted, np.ones_like(predicted)),
    ):
        chances = np.where(right, scores, 1 - scores)
        came = np.where(right, truth, ~truth)
        expected, realised = ((rows * one).sum(axis=1) / rows.sum(axis=1) for one in (chances, came))
        usual, spread = realised[:chunks].mean(), 3 * realised[:chunks].std()
        error = came[:chunks][rows[:chunks]].std() / np.sqrt(rows.sum(axis=1))
        parts = ["reference"] * chunks + ["analysis"] * chunks
        ends = (usual - spread, usual + spread)
        histories.append(
            History(
                name,
                "higher",
                [_Chunk(*one, *ends) for one in zip(parts, expected, realised, error, strict=True)],
            )
        )
    found = model_trust(
        histories,
        checked="accuracy",
        calibration_error=0.01,
        reference_rows=scores.size // 2,
        classifies=True,
    )
    return any(one.verdict == "fail" and one.id == "assumption" for one in found.reasons)


def _groups(groups: int, rows: int, off: float) -> tuple[int, int]:
    """Draws in which a group fails (where one is off: that one), and in which the one that is off passes."""
    random = np.random.default_rng(1607)
    fails = passes = 0
    for _ in range(TRUSTS):
        records = []
        for place in range(groups):
            for rate in ("accuracy", "specificity"):
                bias = float(random.normal(off if place == 0 else 0.0, 0.4 / np.sqrt(rows)))
                records.append(
                    GroupRecord(
                        (str(place),),
                        rate,
                        "reference",
                        9,
                        bias,
                        0.4 / float(np.sqrt(rows)),
                        0.8,
                        0.7,
                        None,
                    )
                )
        found = group_trust(records, classifies=True)
        told = found["0",].verdict
        fails += told == "fail" if off else any(one.verdict == "fail" for one in found.values())
        passes += told == "pass"
    return fails, passes
