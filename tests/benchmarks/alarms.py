"""How often drift alerts where nothing moved, and finds what did: texts, numbers, and all inputs together.

A measurement is of ten features and five chunks. Against each reference that is drawn chunks in use are held
five by five; the share of fives with any alert is that reference's. Each feature has its own reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

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
from core.analytics.drift.methods import Moments, SortedValues
from tests.benchmarks.draws import at_once, share, told
from tests.benchmarks.timing import Figure

if TYPE_CHECKING:
    from core.analytics.drift.methods import Counts, Numbers

FEATURES, CHUNKS = FAMILY = (10, 5)
REFERENCE_CHUNKS = 10
FIVES = {200: 50, 1000: 30, 5000: 12}
"""Rows of a chunk, and how many times five chunks are held against each reference."""
REFERENCES, AGAIN, FOUND, WORST = 30, 8_000, 10, 2
"""References that are drawn; fives of the worst settings; references for what moved; settings drawn anew."""
PARTS = 10


class Maker(Protocol):
    """Draws chunks of so many rows, and measures their drift."""

    def __call__(
        self, random: np.random.Generator, rows: int, chunks: int, *, moved: bool
    ) -> list[MethodDrift]:
        """Of the reference and so many chunks in use; the leading method first."""


class Law(NamedTuple):
    """Where values come from, and rows of a chunk."""

    kind: str
    name: str
    rows: int

    @property
    def slower(self) -> int:
        """By how many times fewer references: of many categories each takes a second."""
        return 3 if self.kind == "texts" and "00 values" in self.name else 1

    @property
    def said(self) -> str:
        """In words."""
        return f"{self.name}, {self.rows:,} rows a chunk"


class Drawing(NamedTuple):
    """A law, how many references, and the seed."""

    law: Law
    references: int
    seed: int = 1607


def measure() -> dict[str, Figure]:
    """False alarms over all laws and for the worst; what is found where something moved."""
    found: dict[str, Figure] = {}
    for kind, moved in MOVED.items():
        laws = [Law(kind, name, rows) for name in MAKERS[kind] for rows in FIVES]
        drawn = dict(
            zip(laws, at_once(_still, [Drawing(law, _references(law)) for law in laws]), strict=True)
        )
        found |= _false_alarms(kind, drawn)
        asked = [Drawing(law, FOUND // law.slower) for law in laws]
        each = dict(zip(laws, at_once(_moved, asked), strict=True))
        seen = {law: one for law, one in each.items() if one[1]}
        law = min(seen, key=lambda one: seen[one][0] / seen[one][1])
        what = f"{kind}, {moved}: chunks found"
        found[what] = share(*seen[law], law.said, "at least 95 %", more_is_better=True)
        blind = ", ".join(law.said for law in laws if law not in seen)
        found[f"{kind}, {moved}: cannot be told"] = Figure(
            len(laws) - len(seen), blind or "nowhere", "difference"
        )
    return found


def _references(law: Law) -> int:
    return REFERENCES // law.slower


def _false_alarms(kind: str, drawn: Mapping[Law, Mapping[str, Sequence[float]]]) -> dict[str, Figure]:
    """Measurements with an alert by one method: of all laws mixed, and of the worst law and size alone."""
    columns = 1 if kind == "all inputs together" else FEATURES
    methods = dict.fromkeys(method for one in drawn.values() for method in one)
    mixed = {method: [mean for one in drawn.values() for mean in one[method]] for method in methods}
    worst = max(mixed, key=lambda method: np.mean(mixed[method]))
    cells = [
        (float(np.mean(shares)), law, method) for law, one in drawn.items() for method, shares in one.items()
    ]
    chosen = [(law, method) for _, law, method in sorted(cells, reverse=True)[:WORST]]
    again = [(_anew(law)[method], law, method) for law, method in chosen]
    shares, law, method = max(again, key=lambda one: float(np.mean(one[0])))
    what = f"{kind}, nothing moved: measurements with an alert"
    found = {what: _measurements(mixed[worst], columns, worst)}
    if columns > 1:
        said = f"{method}, {law.said}"
        found[f"{what}, all columns of the worst law"] = _measurements(shares, columns, said)
    return found


def _anew(law: Law) -> dict[str, list[float]]:
    """Many more references of a law."""
    references = AGAIN // FIVES[law.rows] // PARTS // law.slower
    parts = at_once(_still, [Drawing(law, references, 2811 + part) for part in range(PARTS)])
    return {method: [share for part in parts for share in part[method]] for method in parts[0]}


def _measurements(shares: Sequence[float], columns: int, said: str) -> Figure:
    """Share of measurements with any alert, of columns whose fives alert so often; error by references."""
    one = float(np.mean(shares))
    error = columns * (1 - one) ** (columns - 1) * float(np.std(shares)) / len(shares) ** 0.5
    return told(1 - (1 - one) ** columns, error, f"{said}; {len(shares):,} references", "at most 5 %")


def _still(asked: Drawing) -> dict[str, list[float]]:
    """Method -> of each reference, the share of fives with an alert though nothing moved."""
    random, make = np.random.default_rng(asked.seed), MAKERS[asked.law.kind][asked.law.name]
    fives, found = FIVES[asked.law.rows], dict[str, list[float]]()
    for _ in range(asked.references):
        for method in make(random, asked.law.rows, CHUNKS * fives, moved=False):
            alerts = np.array([alert is True for alert in method.alerts[REFERENCE_CHUNKS:]])
            found.setdefault(method.method, []).append(
                float(alerts.reshape(fives, CHUNKS).any(axis=1).mean())
            )
    return found


def _moved(asked: Drawing) -> tuple[int, int]:
    """Chunks that alert where something moved, by the leading method, and those that can be told."""
    random, make = np.random.default_rng(asked.seed), MAKERS[asked.law.kind][asked.law.name]
    alerts = [
        alert
        for _ in range(asked.references)
        for alert in make(random, asked.law.rows, CHUNKS, moved=True)[0].alerts[REFERENCE_CHUNKS:]
    ]
    return sum(alert is True for alert in alerts), sum(alert is not None for alert in alerts)


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
MAKERS: dict[str, dict[str, Maker]] = {
    "texts": {f"{kind} of {values:,} values": _texts(values, flat=kind == "even") for kind, values in TEXTS},
    "numbers": {name: partial(_numbers, draw) for name, draw in NUMBERS.items()},
    "all inputs together": {"five inputs": _together},
}
MOVED = {
    "texts": "a fifth new",
    "numbers": "two thirds of a deviation up",
    "all inputs together": "their bond lost",
}
