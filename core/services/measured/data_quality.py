"""Data quality of a version's newest predictions: measured, put on record, shown, and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.analytics.drift.data_quality import (
    TITLES,
    ColumnLimits,
    ColumnQuality,
    PersonalData,
    find_personal_data,
    judge_column,
)
from core.domain.commands import Command
from core.domain.facts.measured import DataQualityColumn, DataQualityRun, PredictionBatch
from core.domain.facts.recorded import entry_of, values_of
from core.domain.models.column_mapping import column_title
from core.domain.models.data_quality import DataQuality
from core.domain.moment import Moment
from core.domain.policy.checks import CheckResult, cannot_tell, no_predictions
from core.ground import WORST_FIRST, NumberAside, Verdict, aside, worst
from core.lake.facts import in_full, latest
from core.lake.monitoring import readings as monitoring
from core.lake.monitoring.quality_counts import (
    QualityColumn,
    outcome_columns,
    quality_columns,
    sampled_values,
    worth_sampling,
)
from core.services.case import begin, registered
from core.services.governance import Governance
from core.services.measured.slice_batches import batches_of

Step = Callable[[float, str], None]
CHECK = "data_quality"


class MeasureDataQuality(Command, may="refresh_monitoring"):
    """Hold the newest analysis batch of a version to its reference, and look for personal data."""

    initiative: str
    version: str


@dataclass(frozen=True, kw_only=True)
class JudgedColumn(DataQualityColumn):
    """A column as people read it: the kind of its personal data in words."""

    personal_title: str


@dataclass(frozen=True)
class QualityReport:
    """The newest measurement of a version's data quality; failing columns first.

    `personal` are the columns with personal data, each with `personal_kind`, its `personal_title`, why, and
    masked examples.
    """

    initiative: str
    version: str
    measured_at: datetime
    reference_rows: int
    analysis_rows: int
    columns: tuple[JudgedColumn, ...]
    personal: tuple[JudgedColumn, ...]
    check: CheckResult


def measure_data_quality(
    governance: Governance, command: MeasureDataQuality, *, step: Step | None = None
) -> int:
    """Measure, put on record, and return the number of columns.

    Raises
    ------
    Forbidden, NotFound
        The actor may not; no such initiative; the version has no batch.
    """
    case = begin(governance, command)
    judged, reference = _compared(governance, case.initiative.initiative, command.version, case.moment)
    cursor = governance.store.cursor()
    tell = step or (lambda share, what: None)
    tell(0.0, "Counting missing, unseen and unlikely values.")
    columns = quality_columns(cursor, judged.path, reference.path if reference else None)
    if reference and judged.task != "regression":
        columns = [*_named_classes(governance, judged, reference, case.moment), *columns]
    wanted = worth_sampling(cursor, judged.path)
    limits = case.rules.data_quality
    personal: dict[str, PersonalData] = {}
    for done, (name, sample, suspects) in enumerate(sampled_values(cursor, judged.path, wanted)):
        tell(0.3 + 0.7 * done / len(wanted), f"Looking for personal data in {name}.")
        found = find_personal_data(name, sample, suspects, min_share=limits.personal_data.min_share)
        if found is not None:
            personal[name] = found
    rows = tuple(
        _judged(command, column, personal.get(column.name), judged.sensitive, limits) for column in columns
    )
    run = DataQualityRun(
        initiative=command.initiative,
        version=command.version,
        reference_rows=reference.rows if reference else 0,
        analysis_rows=judged.rows,
        limits_version=limits.version,
        verdict=worst(row.verdict for row in rows) if rows else "cannot_tell",
        batches=tuple(batch.sha256 for batch in (reference, judged) if batch),
    )
    entries = [entry_of("data_quality_measured", run)]
    if rows:
        entries.append(entry_of("columns_judged", *rows))
    case.append(entries)
    return len(rows)


def _named_classes(
    governance: Governance, judged: PredictionBatch, reference: PredictionBatch, moment: Moment
) -> list[QualityColumn]:
    """Predictions and outcomes that lack a class, or have a new one, with the classes as people call them."""
    found = outcome_columns(governance.store.cursor(), judged.path, reference.path)
    if not found or judged.task == "multiclass":
        return found
    labels = dict(
        zip("01", batches_of(governance, judged.initiative, judged.version, moment).classes, strict=True)
    )

    def named(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(labels.get(value, value) for value in values)

    return [
        replace(
            column,
            counts=replace(
                column.counts,
                unseen_values=named(column.counts.unseen_values),
                vanished_values=named(column.counts.vanished_values),
            ),
        )
        for column in found
    ]


def quality_report(governance: Governance, moment: Moment, *, initiative: str, version: str) -> QualityReport:
    """The newest measurement of a version's data quality.

    Raises
    ------
    NotFound
        No such initiative, or nothing was measured yet.
    """
    registered(governance, initiative, moment)
    run = monitoring.require_run(
        governance.store, DataQualityRun, initiative, version, moment, "data quality"
    )
    titles: Mapping[str, str] = TITLES
    lines: Sequence[DataQualityColumn] = monitoring.lines_of(governance.store, run, DataQualityColumn, moment)
    if governance.reader.sees_small_groups(initiative):
        lines = in_full(governance.store, lines)
    columns = sorted(
        (
            JudgedColumn(**values_of(row), personal_title=titles.get(row.personal_kind or "", ""))  # type: ignore[arg-type]
            for row in lines
        ),
        key=lambda row: (WORST_FIRST.index(row.verdict), row.feature),
    )
    return QualityReport(
        initiative,
        version,
        run.recorded_at,
        run.reference_rows,
        run.analysis_rows,
        tuple(columns),
        tuple(row for row in columns if row.personal_kind),
        check_data_quality(governance, initiative, version, moment),
    )


def check_data_quality(governance: Governance, initiative: str, version: str, moment: Moment) -> CheckResult:
    """Hold the newest measurement to the limits: the worst column counts; old or outdated cannot tell."""
    run = latest(governance.store, DataQualityRun, moment, initiative, version=version)
    if run and (gone := monitoring.purged_since(governance.store, run, moment)):
        return cannot_tell(CHECK, gone, "Measure newer predictions.")
    if not monitoring.batches(governance.store, initiative, version, moment):
        return no_predictions(CHECK)
    if run is None:
        return cannot_tell(CHECK, "the data quality of this version has not been measured", "Measure it.")
    if monitoring.rests_on_withdrawn(governance.store, run, moment):
        why = "predictions were withdrawn since data quality was measured"
        return cannot_tell(CHECK, why, "Measure it again.")
    judged, _ = _compared(governance, initiative, version, moment)
    if judged.sha256 not in run.batches:
        return cannot_tell(
            CHECK, "predictions were added since data quality was measured", "Measure it again."
        )
    if monitoring.outcomes_since(governance.store, run, moment):
        return cannot_tell(CHECK, "outcomes were added since data quality was measured", "Measure it again.")
    old = monitoring.aged(run, moment, governance.rules(moment).data_quality.quality.fresh_days)
    if old:
        return cannot_tell(CHECK, old, "Measure again.")
    return _worst(monitoring.lines_of(governance.store, run, DataQualityColumn, moment))


def _compared(
    governance: Governance, initiative: str, version: str, moment: Moment
) -> tuple[PredictionBatch, PredictionBatch | None]:
    """The batch that is judged (the newest of analysis, else of the reference), and the newest reference."""
    known = monitoring.require_batches(governance.store, initiative, version, moment)
    newest = {batch.part: batch for batch in known}
    if "analysis" not in newest:
        return newest["reference"], None
    return newest["analysis"], newest.get("reference")


def _judged(
    command: MeasureDataQuality,
    column: QualityColumn,
    personal: PersonalData | None,
    sensitive: Sequence[str],
    limits: DataQuality,
) -> DataQualityColumn:
    held = ColumnLimits(
        limits.quality.max_missing_rise,
        limits.quality.max_unseen_share,
        limits.quality.max_out_of_range_share,
        limits.quality.min_rows,
        limits.quality.max_vanished_share,
    )
    counts = column.counts
    if personal is not None:  # what people are called is not put on record
        counts = replace(counts, unseen_values=(), vanished_values=())
    quality: ColumnQuality = judge_column(counts, held)
    verdict, findings = quality.verdict, list(quality.findings)
    if personal is not None:
        findings.append(f"{TITLES[personal.kind]}: {personal.why}.")
        if (
            personal.kind in limits.personal_data.not_allowed
            and personal.share >= limits.personal_data.min_share
        ):
            verdict = "fail"
    return DataQualityColumn(
        initiative=command.initiative,
        version=command.version,
        feature=column.name,
        kind=column.kind,
        sensitive=column.name in sensitive,
        verdict=verdict,
        findings=tuple(findings),
        reference_missing=quality.reference_missing,
        missing=quality.missing,
        unseen=quality.unseen,
        unseen_values=tuple(aside(value[:60]) for value in counts.unseen_values),
        out_of_range=quality.out_of_range,
        low=_aside(counts.low),
        high=_aside(counts.high),
        reference_low=_aside(counts.reference_low),
        reference_high=_aside(counts.reference_high),
        personal_kind=personal.kind if personal else None,
        personal_share=personal.share if personal else None,
        personal_why=personal.why if personal else None,
        examples=tuple(map(aside, personal.examples)) if personal else (),
    )


def _aside(value: float | None) -> float | None:
    """The least or greatest number of a column is somebody's."""
    return None if value is None else NumberAside(value)


_BY = "by shares held to the stated limits"


def _worst(rows: Sequence[DataQualityColumn]) -> CheckResult:
    failing = [row for row in rows if row.verdict == "fail"]
    unknown = [row for row in rows if row.verdict == "cannot_tell"]
    personal = [row.feature for row in rows if row.personal_kind]
    told = f"; personal data in {', '.join(map(column_title, personal[:5]))}" if personal else ""
    if failing:
        first = failing[0]
        names = ", ".join(column_title(row.feature) for row in failing[:5])
        message = f"{len(failing)} of {len(rows)} columns are beyond a limit ({names}): "
        message += f"{column_title(first.feature)}: "
        message += f"{first.findings[-1].rstrip('.')}{told}; {_BY}"
        remedy = "Mend the data at its source, or take the column out and retrain."
        return CheckResult(CHECK, Verdict.FAIL, message, remedy, len(failing), 0)
    if unknown or not rows:
        what = f"{len(unknown)} of {len(rows)} columns cannot be judged"
        first_words = f": {unknown[0].findings[0].rstrip('.')}" if unknown else ""
        why, remedy = f"{what}{first_words}{told}", "Add a reference and enough rows."
        return CheckResult(CHECK, Verdict.CANNOT_TELL, why, remedy, 0, 0)
    message = f"all {len(rows)} columns keep to their reference{told}; {_BY}"
    return CheckResult(CHECK, Verdict.PASS, message, "", 0, 0)
