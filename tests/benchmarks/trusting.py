"""How often trust in estimates is wrong: of the whole model, and group by group.

Rows are drawn with the chance that each has of its outcome, so that estimates are right but for chance; where
outcomes moved, each prediction comes true more rarely by so many points. Records of groups are read as pages
read them, from a file of estimated chunks.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.special import betainc

from core.analytics.decay.trust import History, group_trust, model_trust
from core.lake.monitoring.readings import records_of
from tests.benchmarks.draws import at_once, share
from tests.benchmarks.timing import Figure

Floats = NDArray[np.float64]
Truth = NDArray[np.bool_]
RATES = ("precision", "recall", "specificity", "accuracy")
DRAWS, AGAIN, PARTS = 200, 1_000, 4
SHAPES = {
    "half are positive": (1.5, 1.5, 0.5),
    "a tenth is positive": (0.5, 4.5, 0.3),
    "a twentieth is positive": (0.3, 6.0, 0.2),
}
"""Scores: both parameters of their beta law, and the threshold of decisions."""


@dataclass(frozen=True)
class Groups:
    """So many groups of so many rows a chunk; the first is off by this."""

    groups: int
    rows: int
    chunks: int
    shape: str
    off: float = 0.0
    draws: int = DRAWS
    seed: int = 1607

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.groups} groups of {self.rows:,} rows in each of {self.chunks} chunks, {self.shape}"


def measure() -> dict[str, Figure]:
    """Shares of draws in which trust fails or passes, of the worst settings."""
    alike = [
        Groups(groups, rows, chunks, shape)
        for groups in (2, 10, 50)
        for rows, chunks in ((20, 9), (50, 3), (50, 30), (150, 9))
        for shape in SHAPES
    ]
    far = [Groups(groups, 600, 9, shape, 0.05) for groups in (2, 50) for shape in SHAPES]
    near = [Groups(2, 2_000, 9, shape, 0.02) for shape in SHAPES]
    off = "one group's predictions come true 5 points more rarely"
    return {
        **_models(),
        "groups whose estimates are right: some *fails*": _worst(alike, "fail", "at most 5 %"),
        f"{off}: it *fails*": _worst(far, "fail", "at least 95 %", most=False),
        "the same by 2 points: it *passes*": _worst(near, "pass", "at most 2.5 %"),
    }


def _worst(settings: Sequence[Groups], what: str, asked: str, *, most: bool = True) -> Figure:
    found = [one[what] for one in at_once(told, settings)]
    worst = settings[found.index((max if most else min)(found))]
    parts = [replace(worst, draws=AGAIN // PARTS, seed=2811 + part) for part in range(PARTS)]
    again = sum(one[what] for one in at_once(told, parts))
    return share(again, AGAIN, worst.name, asked, more_is_better=not most)


def told(asked: Groups) -> Counter[str]:
    """In how many draws some group fails (where one is off: that one), and in how many that one passes."""
    random, found = np.random.default_rng(asked.seed), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "slices.parquet"
        pq.write_table(pa.concat_tables(_chunks(asked, random, draw) for draw in range(asked.draws)), file)
        records = records_of(duckdb.connect(), file, ("draw", "group"), RATES)
    for _, own in groupby(records, key=lambda one: one.values[0]):
        trust = group_trust(list(own), classifies=True)
        verdicts = {values[1]: one.verdict for values, one in trust.items()}
        failing = {group for group, verdict in verdicts.items() if verdict == "fail"}
        found["fail"] += "0" in failing if asked.off else bool(failing)
        found["pass"] += verdicts.get("0") == "pass"
    return found


def _chunks(asked: Groups, random: np.random.Generator, draw: int) -> pa.Table:
    """A row for each group, chunk and rate, as an estimate of subpopulations leaves them."""
    own = np.where(np.arange(asked.groups) == 0, asked.off, 0.0)[:, None, None]
    unit = _unit_errors(_reference(random, asked))
    expected, realised = _matrices(random, asked, own)
    estimates, came = _rates(expected), _rates(realised)
    single = ((realised.sum(axis=-1) > 0).sum(axis=-1) < 2) | ((realised.sum(axis=-2) > 0).sum(axis=-1) < 2)
    groups = np.repeat(np.arange(asked.groups), asked.chunks).tolist()
    parts = []
    for rate in RATES:
        barred = single & (rate in ("precision", "recall"))
        columns = {
            "estimate": estimates[rate].ravel(),
            "realised": np.where(barred, np.nan, came[rate]).ravel(),
            "sampling_error": np.repeat(unit[rate] / np.sqrt(asked.rows), asked.chunks),
        }
        rows = {"rows": [asked.rows] * len(groups), "labelled_rows": [asked.rows] * len(groups)}
        texts = {
            "features": [["draw", "group"]] * len(groups),
            "values": [[str(draw), str(group)] for group in groups],
            "metric": [rate] * len(groups),
            "period": ["analysis"] * len(groups),
        }
        limits = {
            name: pa.nulls(len(groups), pa.float64()) for name in ("lower_threshold", "upper_threshold")
        }
        numbers = {name: pa.array(one, from_pandas=True) for name, one in columns.items()}
        parts.append(pa.table({**texts, **rows, **numbers, **limits}))
    return pa.concat_tables(parts)


def _reference(random: np.random.Generator, asked: Groups) -> Floats:
    """Confusion matrices of as many rows of the reference, by group."""
    first, second, threshold = SHAPES[asked.shape]
    positive = first / (first + second)
    missed, passed = positive * betainc(first + 1, second, threshold), betainc(first, second, threshold)
    cells = [passed - missed, 1 - passed - (positive - missed), missed, positive - missed]
    drawn = random.multinomial(asked.chunks * asked.rows, cells, asked.groups)
    return drawn.reshape(-1, 2, 2).astype(float)


def _matrices(random: np.random.Generator, asked: Groups, off: Floats | float) -> tuple[Floats, Floats]:
    """Confusion matrices, true by predicted class, of shape (groups, chunks, 2, 2): expected and realised."""
    first, second, threshold = SHAPES[asked.shape]
    scores = random.beta(first, second, (asked.groups, asked.chunks, asked.rows))
    called = scores > threshold
    truth = random.random(scores.shape) < scores + np.where(called, -off, off)
    return _cells(scores, called), _cells(truth * 1.0, called)


def _cells(chances: Floats, called: Truth) -> Floats:
    lines = [[(one * side).sum(axis=-1) for side in (~called, called)] for one in (1 - chances, chances)]
    return np.stack([np.stack(line, axis=-1) for line in lines], axis=-2)


def _shares(matrices: Floats) -> Mapping[str, tuple[Floats, Floats]]:
    """Rate -> rows that are right, and those that count."""
    (tn, fp), (fn, tp) = (np.moveaxis(matrices[..., line, :], -1, 0) for line in (0, 1))
    return {
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "accuracy": (tp + tn, tp + tn + fp + fn),
    }


def _rates(matrices: Floats) -> dict[str, Floats]:
    with np.errstate(invalid="ignore"):
        return {rate: right / of for rate, (right, of) in _shares(matrices).items()}


def _unit_errors(matrices: Floats) -> dict[str, Floats]:
    """NannyML's sampling error of one row: the spread among reference rows that count, over their share."""
    everyone = matrices.sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            rate: np.sqrt(right / of * (1 - right / of) * of / (of - 1) * everyone / of)
            for rate, (right, of) in _shares(matrices).items()
        }


def _models() -> dict[str, Figure]:
    """Trust in a model where the relation of inputs to outcomes holds still, and where it moved."""
    settings = [(chunks, rows) for chunks in (6, 10, 30) for rows in (500, 5000)]
    still = [(one, 0.0) for one in settings]
    moved = [(one, 0.05) for one in settings if one[1] == 5000]
    fails = dict(zip([*still, *moved], at_once(_failing, [*still, *moved]), strict=True))
    wrong, missed = max(still, key=fails.__getitem__), min(moved, key=fails.__getitem__)
    return {
        "trust fails where P(y\\|x) held still": share(
            fails[wrong], DRAWS, _setting(*wrong[0]), "at most 5 %"
        ),
        "trust fails where P(y\\|x) moved by 5 points": share(
            fails[missed], DRAWS, _setting(*missed[0]), "at least 95 %", more_is_better=True
        ),
    }


def _setting(chunks: int, rows: int) -> str:
    return f"{chunks} chunks of {rows:,} on either side"


def _failing(asked: tuple[tuple[int, int], float]) -> int:
    return sum(_trust(*asked))


def _trust(setting: tuple[int, int], moved: float) -> Iterator[bool]:
    """Draw by draw, whether trust fails; outcomes after the reference are rarer by `moved`."""
    chunks, rows = setting
    random = np.random.default_rng(1607)
    for _ in range(DRAWS):
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
