"""Facts of measurements: predictions, drift, quality, decay, explanations and business KPIs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from core.domain.facts.recorded import OfInitiative, OfVersion
from core.ground import Task, VerdictName

Part = Literal["reference", "analysis"]
JudgeKind = Literal["person", "rule", "model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionBatch(OfVersion):
    """A batch of predictions, kept as a Parquet file by its digest."""

    table = "prediction_batch"
    subject = "{initiative}/{version}/{part}/{sha256:.16}"
    key = ("initiative", "version", "part", "sha256")

    part: Part
    path: str = field(repr=False)
    sha256: str
    rows: int
    labelled: int
    first_at: datetime | None = None
    last_at: datetime | None = None
    task: Task
    columns: tuple[str, ...]
    sensitive: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchIntake(OfVersion):
    """How a batch came in: the file somebody gave, and what was odd about it.

    Where values were read otherwise than they stand in the file, `given_path` keeps them as they stand.
    `local_times`: the times had no zone. `beside`: see `core.lake.facts.in_full`.
    """

    table = "batch_intake"
    subject = "{initiative}/{version}/{part}/{sha256:.16}"
    key = ("initiative", "version", "part", "sha256")

    part: Part
    sha256: str
    source_name: str
    source_kind: str
    source_sha256: str
    source_bytes: int
    numbered: bool
    warnings: tuple[str, ...]
    given_path: str = field(default="", repr=False)
    given_sha256: str = field(default="", repr=False)
    local_times: bool | None = None
    beside: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReading(OfVersion):
    """How a batch is read since its columns were amended: the same rows, in a Parquet file of their own.

    `batch` is the digest that it came in with; `amended` says what was declared, and why.
    """

    table = "batch_reading"
    subject = "{initiative}/{version}/{part}/{batch:.16}"
    key = ("initiative", "version", "part", "batch")

    part: Part
    batch: str
    path: str
    sha256: str
    labelled: int
    first_at: datetime | None = None
    last_at: datetime | None = None
    columns: tuple[str, ...]
    sensitive: tuple[str, ...]
    classes: tuple[str, ...]
    warnings: tuple[str, ...]
    amended: str
    beside: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchWithdrawal(OfVersion):
    """That a batch counts no more, and why; its file and all that was told of it stay on record."""

    table = "batch_withdrawal"
    subject = "{initiative}/{version}/{part}/{sha256:.16}"
    key = ("initiative", "version", "part", "sha256")

    part: Part
    sha256: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPurge(OfVersion):
    """That the rows of a batch are gone, with all that was kept of single ones; figures of them stay.

    `files` are the digests of what was removed.
    """

    table = "data_purge"
    subject = "{initiative}/{version}/{part}/{sha256:.16}"
    key = ("initiative", "version", "part", "sha256")

    part: Part
    sha256: str
    files: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping(OfVersion):
    """Which column of a version's files is what; `scores` is JSON, class -> column.

    `reading` is JSON of how values are read; empty where all are read as they stand.
    """

    table = "column_mapping"

    task: Task
    row_id: str
    timestamp: str
    prediction: str
    target: str
    scores: str
    features: tuple[str, ...]
    kinds: tuple[str, ...]
    sensitive: tuple[str, ...]
    classes: tuple[str, ...]
    reading: str = ""
    beside: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FavourableOutcome(OfVersion):
    """Which values of a version's prediction are good to get; none where neither is better than another."""

    table = "favourable_outcome"

    favourable: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionOutcomes(OfVersion):
    """True outcomes that came after the predictions, kept as a Parquet file by its digest.

    `batches` are the digests, as they came in, of those that have these rows; None in older records, where
    any of the analysis may.
    """

    table = "prediction_outcomes"
    subject = "{initiative}/{version}/{sha256:.16}"
    key = ("initiative", "version", "sha256")

    path: str
    sha256: str
    rows: int
    source_name: str
    batches: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRun(OfVersion):
    """A measurement of drift; the lists run along its chunks, reference first."""

    table = "drift_run"

    chunk_rows: int
    period: str
    reference_chunks: int
    parts: tuple[str, ...]
    first_rows: tuple[int, ...]
    last_rows: tuple[int, ...]
    started_at: tuple[str, ...]
    ended_at: tuple[str, ...]
    batches: tuple[str, ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFeature(OfVersion):
    """Drift of one column by one method, chunk by chunk; see `MethodDrift`.

    `threshold` is the newest chunk's. Before thresholds were kept a chunk, it was NannyML's for all.
    """

    table = "drift_feature"
    key = ("initiative", "version", "feature", "method")

    feature: str
    kind: str
    method: str
    threshold: float | None = None
    distances: tuple[float | None, ...]
    p_values: tuple[float | None, ...]
    alerts: tuple[bool | None, ...]
    thresholds: tuple[float | None, ...] | None = None
    lower_thresholds: tuple[float | None, ...] | None = None
    left_out: tuple[float | None, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQualityRun(OfVersion):
    """A measurement of data quality, with its verdict over all columns."""

    table = "data_quality_run"

    reference_rows: int
    analysis_rows: int
    limits_version: str
    verdict: VerdictName
    batches: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQualityColumn(OfVersion):
    """Quality of one column against its reference."""

    table = "data_quality_column"
    key = ("initiative", "version", "feature")

    feature: str
    kind: str
    sensitive: bool
    verdict: VerdictName
    findings: tuple[str, ...]
    reference_missing: float | None = None
    missing: float | None = None
    unseen: float | None = None
    unseen_values: tuple[str, ...]
    out_of_range: float | None = None
    low: float | None = None
    high: float | None = None
    reference_low: float | None = None
    reference_high: float | None = None
    personal_kind: str | None = None
    personal_share: float | None = None
    personal_why: str | None = None
    examples: tuple[str, ...]
    beside: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecayRun(OfVersion):
    """A refresh of the decay estimates: by which rule, from which files, by which fit."""

    table = "decay_run"

    task: Task
    chunking: str
    settings: str
    reference_rows: int
    reference_chunks: int
    analysis_rows: int
    labelled_rows: int
    calibrated: bool
    calibration_error: float | None = None
    raw_calibration_error: float | None = None
    batches: tuple[str, ...]
    fit_sha256: str
    slices_by: tuple[str, ...]
    slices_path: str | None = None
    slices_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecayChunk(OfVersion):
    """The estimate of a metric in one chunk; None where it is undefined or unknown.

    Rows count from 0 within the reference or the analysis. `alert`: NannyML's two-sided alert. `worse`: the
    estimate lies beyond the threshold on the worse side. `method` and what follows it are told in
    `core.analytics.decay.estimates`.
    """

    table = "decay_chunk"
    key = ("initiative", "version", "metric", "part", "chunk", "method")

    metric: str
    part: Part
    chunk: int
    first_row: int
    last_row: int
    started_at: datetime | None = None
    ended_at: datetime | None = None
    estimate: float | None = None
    realised: float | None = None
    lower_confidence: float | None = None
    upper_confidence: float | None = None
    lower_threshold: float | None = None
    upper_threshold: float | None = None
    sampling_error: float | None = None
    alert: bool
    worse: bool
    method: Literal["nannyml", "adapted"] = "nannyml"
    separation: float | None = None
    held_back: float | None = None
    effective_rows: float | None = None
    uncovered: tuple[str, ...] | None = None

    @property
    def rows(self) -> int:
        """How many rows it holds."""
        return self.last_row - self.first_row + 1

    @property
    def gap(self) -> float | None:
        """Estimate minus realised."""
        return None if self.estimate is None or self.realised is None else self.estimate - self.realised

    @property
    def name(self) -> str:
        """Days where the rows have times; else the rows, counted from 1 within reference and analysis."""
        if self.started_at is not None and self.ended_at is not None:
            days = dict.fromkeys((self.started_at.date(), self.ended_at.date()))
            return " to ".join(f"{day.day} {day:%b %Y}" for day in days)
        return f"{self.first_row + 1:,}–{self.last_row + 1:,}, {self.part}"

    @property
    def short(self) -> str:
        """A name for an axis: the first row from 1, with `ref` before it within the reference."""
        return f"{'ref ' if self.part == 'reference' else ''}{self.first_row + 1:,}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecayFit(OfVersion):
    """What was learned from a reference, kept by content; `fit_key` names reference, rule and settings."""

    table = "decay_fit"
    key = ("initiative", "version", "fit_key")

    fit_key: str
    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation(OfVersion):
    """Attributions of a version row by row, kept as a Parquet file by its digest."""

    table = "explanation"

    origin: Literal["computed", "uploaded"]
    method: str
    part: Literal["", "reference", "analysis"]
    batch_sha256: str
    model_sha256: str
    path: str
    sha256: str
    rows: int
    features: tuple[str, ...]
    scale: str
    outcome: str
    asked: tuple[str, ...]
    base_value: float | None = None
    additivity_gap: float | None = None
    rounding_gap: float | None = None
    beside: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution(OfVersion):
    """What one feature adds on average."""

    table = "attribution"
    key = ("initiative", "version", "feature")

    feature: str
    place: int
    mean_absolute: float
    mean_signed: float
    share: float
    sample_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessKpi(OfInitiative):
    """The business KPI promised at scoping; a later one of the same name revises it."""

    table = "business_kpi"
    subject = "{initiative}/{kpi}"
    key = ("initiative", "kpi")

    kpi: str
    name: str
    unit: str
    direction: Literal["up", "down"]
    baseline: float
    baseline_on: date
    target: float
    target_on: date
    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessKpiObservation(OfInitiative):
    """What was achieved on a day; value None withdraws it."""

    table = "business_kpi_observation"
    subject = "{initiative}/{kpi}"
    key = ("initiative", "kpi", "observed_on")

    kpi: str
    observed_on: date
    value: float | None = None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation(OfVersion):
    """Cases of a set that a version answered and a judge graded, kept as a Parquet file by its digest.

    `dataset` is the set's name, `threshold` the grade from which a case passes; None where cases pass or do
    not. The record holds no text of a case: `categories` and `texts` are names of columns. `judge` is a
    person by id, else by what it is called. `reason` says why it was withdrawn.
    """

    table = "evaluation"
    subject = "{initiative}/{evaluation}"
    key = ("initiative", "evaluation")

    evaluation: str
    state: Literal["in use", "withdrawn"] = "in use"
    dataset: str
    judge: str
    judge_kind: JudgeKind
    threshold: float | None = None
    cases: int
    passed: int
    categories: tuple[str, ...]
    texts: tuple[str, ...]
    path: str = field(default="", repr=False)
    sha256: str
    source_name: str
    source_kind: str
    source_sha256: str
    notes: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOff(OfVersion):
    """What it would take to meet a limit: thresholds that were weighed, kept as a JSON file by its digest.

    `feature` names what groups are made by, several joined by " and "; `outcome` is the one that figures are
    of; `batches` are the digests of what it was worked out on; `said` is the answer in a sentence.
    """

    table = "trade_off"
    key = ("initiative", "version", "feature", "metric", "outcome")

    feature: str
    metric: str
    outcome: str
    part: Literal["", "reference", "analysis"]
    batches: tuple[str, ...]
    path: str = field(default="", repr=False)
    sha256: str
    said: str
