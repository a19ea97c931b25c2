"""What a worker job is asked to do, as frozen values that travel as JSON, and the OpenMP that it needs."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from core.ground import Checked, Task

LIBRARY = "libgomp.so.1"
_SHIPPED = re.compile(rb"libgomp-[0-9a-f]+\.so\.1\.0\.0\0")


def ensure_openmp() -> bool:
    """Load an OpenMP runtime under the name that LightGBM asks for, before lightgbm or nannyml is imported.

    Returns
    -------
    bool
        True if the runtime is there: the system's, or scikit-learn's own copy under the system's name.
        False elsewhere than on Linux, or where scikit-learn ships none; LightGBM's own message stands then.

    Notes
    -----
    The copy lives in memory only. Its name is a field inside the file, and a shorter name fits in its place.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        ctypes.CDLL(LIBRARY, mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return _load_shipped()
    return True


def _load_shipped() -> bool:
    sklearn = find_spec("sklearn")
    if sklearn is None or sklearn.origin is None:
        return False
    folder = Path(sklearn.origin).parent.parent / "scikit_learn.libs"
    for shipped in sorted(folder.glob("libgomp-*.so.1.0.0")):
        renamed = _SHIPPED.sub(_same_length, shipped.read_bytes())
        with os.fdopen(os.memfd_create("libgomp"), "wb") as memory:
            memory.write(renamed)
            memory.flush()
            ctypes.CDLL(f"/proc/self/fd/{memory.fileno()}", mode=ctypes.RTLD_GLOBAL)
        return True
    return False


def _same_length(match: re.Match[bytes]) -> bytes:
    return LIBRARY.encode().ljust(len(match[0]), b"\0")


JobKind = Literal["estimate", "train", "explain", "trade_off"]
Period = Literal["day", "week", "month", "quarter", "year"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,79}$")]


@dataclass(frozen=True, slots=True)
class Gap:
    """Days, both included, in which no row lies, though earlier and later ones do; of whole periods."""

    first: date
    last: date

    @property
    def title(self) -> str:
        """The days in words."""
        return " to ".join(dict.fromkeys(f"{day.day} {day:%b %Y}" for day in (self.first, self.last)))


class RefusedInput(ValueError):
    """Input that would give a silently wrong number; nothing was computed.

    Parameters
    ----------
    what
        What is wrong, one clause without a closing full stop, column and file named.
    remedy
        What to do next, a full sentence.

    Examples
    --------
    >>> str(RefusedInput("'y_score' goes up to 1.4", remedy="Give scores from 0 to 1."))
    "'y_score' goes up to 1.4. Give scores from 0 to 1."
    """

    def __init__(self, what: str, *, remedy: str = "") -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(f"{what}. {remedy}".rstrip())


class EstimateSpec(Checked):
    """One model version whose performance is to be estimated, chunk by chunk.

    `reference` and `analysis` are canonical prediction Parquet files, in the order of their rows: `row_id`,
    `timestamp` (a timestamp, may be absent), `y_pred`, `y_true`, `y_score` (binary) or `y_score_<class>`
    (multiclass), and the features. Chunks are `chunk_size` rows or a `period` of time, one of the two.
    Without `metrics`, all that the task and values allow.

    `by` names the subpopulations that get estimates of their own: each entry is a feature, or several whose
    values are crossed. `business_value` says what each outcome is worth, a line a true class and a column a
    predicted one, in the order of the classes. `fitted` is the state that an earlier estimate with the same
    reference left; without it NannyML fits anew. `adapt` adds estimates adapted to the inputs (`features`) of
    each chunk of a classifier.
    """

    name: Name
    task: Task
    reference: Annotated[tuple[Path, ...], Field(min_length=1)]
    analysis: Annotated[tuple[Path, ...], Field(min_length=1)]
    chunk_size: Annotated[int, Field(ge=2)] | None = None
    period: Period | None = None
    metrics: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    categorical_features: tuple[str, ...] = ()
    by: tuple[tuple[str, ...], ...] = ()
    business_value: tuple[tuple[float, ...], ...] = ()
    normalize_confusion: Literal["all", "true", "pred"] | None = None
    per_prediction: bool = False
    fitted: Path | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    adapt: bool = False

    @model_validator(mode="after")
    def _one_rule(self) -> EstimateSpec:
        if (self.chunk_size is None) == (self.period is None):
            raise ValueError("chunks are a number of rows or a period of time: give one of the two")
        if any(not features or len(set(features)) < len(features) for features in self.by):
            raise ValueError("each subpopulation needs at least one feature, and none twice")
        return self

    @property
    def chunking(self) -> str:
        """The rule of the chunks in words: `5000 rows` or `month`."""
        return self.period or f"{self.chunk_size} rows"

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes in NannyML's order; empty for a regression."""
        if self.task == "binary":
            return ("0", "1")
        return tuple(sorted(self.classes)) if self.task == "multiclass" else ()


class EstimateBatch(Checked):
    """Several estimates for one process, so that the import of NannyML is paid once."""

    jobs: Annotated[tuple[EstimateSpec, ...], Field(min_length=1)]

    @field_validator("jobs")
    @classmethod
    def _names_differ(cls, jobs: tuple[EstimateSpec, ...]) -> tuple[EstimateSpec, ...]:
        twice = [name for name, times in Counter(job.name for job in jobs).items() if times > 1]
        if twice:
            raise ValueError(f"two jobs are called {twice[0]!r}; each name becomes a file")
        return jobs


class TrainSpec(Checked):
    """A LightGBM classifier to be trained on one share of a reference batch.

    The other rows become the reference batch of the new version, so it is never judged on rows that
    it learned from. `threshold` is the score from which a row counts as predicted positive.
    """

    reference: Path
    analysis: Path
    features: Annotated[tuple[str, ...], Field(min_length=1)]
    categorical_features: tuple[str, ...] = ()
    train_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    trees: Annotated[int, Field(ge=1, le=2000)] = 200
    leaves: Annotated[int, Field(ge=2, le=255)] = 31
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.08
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0


class ExplainSpec(Checked):
    """A model and the rows whose scores are to be attributed to features.

    `format` is that of the model file. Without `features` they are the model's own, in its order; those in
    `categorical_features` are texts. `row_ids` are explained besides a sample of `sample_rows` rows.
    `outcome` chooses among the classes of a model with several. The job ends when it needs more than
    `memory_mib` or `seconds`.
    """

    model: Path
    rows: Path
    format: Literal["lightgbm", "xgboost", "skops", "onnx"] = "lightgbm"
    features: tuple[str, ...] = ()
    categorical_features: tuple[str, ...] = ()
    row_ids: tuple[str, ...] = ()
    outcome: str = ""
    sample_rows: Annotated[int, Field(ge=1)] = 2000
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    memory_mib: Annotated[int, Field(ge=512)] = 6144
    seconds: Annotated[int, Field(ge=1)] = 900


@dataclass(frozen=True)
class TradeOffAbout:
    """What a trade-off is of, for whoever reads its file alone; `law` is the rule on thresholds by group."""

    initiative: str = ""
    version: str = ""
    groups: str = ""
    outcome: str = ""
    limit: str = ""
    law: str = ""
    ethical_position: str = ""


class TradeOffSpec(Checked):
    """Scored rows, and what is to be weighed on them.

    `rows` is a Parquet file with `slice`, `score`, `label`, `decision`, `half` and the `features` that
    surrogates learn from; without features none is trained. `by_group` says that thresholds by group are
    allowed. `worth` is money: a line a label, a column a decision, the outcome that figures are of last.
    """

    rows: Path
    metric: str
    limit: tuple[Literal["ratio", "difference"], float] | None = None
    min_rows: Annotated[int, Field(ge=1)] = 100
    small_groups: Literal["left_out", "pooled", "cannot_tell"] = "left_out"
    complete: bool = False
    by_group: bool = False
    worth: tuple[tuple[float, float], ...] = ()
    features: tuple[str, ...] = ()
    about: TradeOffAbout = TradeOffAbout()
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


AnySpec = EstimateSpec | EstimateBatch | TrainSpec | ExplainSpec | TradeOffSpec
SPECS: Mapping[JobKind, tuple[type[AnySpec], ...]] = {
    "estimate": (EstimateSpec, EstimateBatch),
    "train": (TrainSpec,),
    "explain": (ExplainSpec,),
    "trade_off": (TradeOffSpec,),
}
"""Job -> what describes it; the last one where several jobs are described at once."""
