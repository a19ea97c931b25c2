"""What a worker job is asked to do, as frozen values that travel as JSON."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Task = Literal["binary", "multiclass", "regression"]
JobKind = Literal["estimate", "train", "explain"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,79}$")]


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


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EstimateSpec(_Spec):
    """One model version whose performance is to be estimated, chunk by chunk.

    `reference` and `analysis` are canonical prediction Parquet files: `row_id`, `timestamp` (a
    timestamp, may be absent), `y_pred`, `y_true`, `y_score` (binary) or `y_score_<class>` (multiclass),
    and the features. `chunk_size` is in rows. Without `metrics`, all that the task and values allow.
    """

    name: Name
    task: Task
    reference: Path
    analysis: Path
    chunk_size: Annotated[int, Field(ge=2)]
    metrics: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    categorical_features: tuple[str, ...] = ()
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


class EstimateBatch(_Spec):
    """Several estimates for one process, so that the import of NannyML is paid once."""

    jobs: Annotated[tuple[EstimateSpec, ...], Field(min_length=1)]

    @field_validator("jobs")
    @classmethod
    def _names_differ(cls, jobs: tuple[EstimateSpec, ...]) -> tuple[EstimateSpec, ...]:
        twice = [name for name, times in Counter(job.name for job in jobs).items() if times > 1]
        if twice:
            raise ValueError(f"two jobs are called {twice[0]!r}; each name becomes a file")
        return jobs


class TrainSpec(_Spec):
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


class ExplainSpec(_Spec):
    """A LightGBM model and the rows whose scores are to be attributed to features."""

    model: Path
    rows: Path
    features: Annotated[tuple[str, ...], Field(min_length=1)]
    categorical_features: tuple[str, ...] = ()
    slice_features: tuple[str, ...] = ()
    sample_rows: Annotated[int, Field(ge=1)] = 2000
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


AnySpec = EstimateSpec | EstimateBatch | TrainSpec | ExplainSpec
