"""Bias slices of a model version, and the check that holds them to the ethical limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.analytics.metrics import SLICE_METRICS, MetricDefinition, Task
from core.analytics.slices import Band, Limit, SliceReport, slice_report
from core.domain.checks import CheckResult, no_predictions
from core.domain.errors import BadInput, NotFound
from core.domain.moment import Moment
from core.domain.verdict import Verdict
from core.lake import monitoring as lake
from core.lake.slice_counts import quantile_cuts, slice_counts, slice_features
from core.services.governance import Governance
from core.services.lookups import require_initiative


@dataclass(frozen=True)
class BatchesOfVersion:
    """The prediction batches of one model version, oldest first."""

    initiative: str
    version: str
    task: Task
    classes: tuple[str, ...]
    sensitive: tuple[str, ...]
    rows: int
    paths: tuple[str, ...]


@dataclass(frozen=True)
class BiasSlices:
    """A slice report with what it was made from."""

    batches: BatchesOfVersion
    by: tuple[str, ...]
    positive: str | None
    report: SliceReport


def batches_of(
    governance: Governance, initiative: str, version: str, moment: Moment, *, part: str = ""
) -> BatchesOfVersion:
    """The prediction batches of a version; `part` is reference, analysis, or empty for both.

    Raises
    ------
    NotFound
        No such initiative, or no batch of this version.
    """
    require_initiative(governance, initiative, moment)
    rows = lake.batches(governance.store, initiative, version, moment)
    rows = [row for row in rows if part in ("", row["part"])]
    if not rows:
        raise NotFound(
            f"version '{version[:20]}' of {initiative} has no prediction batch",
            remedy="Add one with 'governance predictions add'.",
        )
    newest = rows[-1]
    return BatchesOfVersion(
        initiative,
        version,
        newest["task"],
        tuple(newest["classes"]),
        tuple(newest["sensitive"]),
        sum(row["rows"] for row in rows),
        tuple(row["path"] for row in rows),
    )


def features_of(governance: Governance, batches: BatchesOfVersion) -> Sequence[Any]:
    """Columns that can be sliced by, with their kind and number of distinct values."""
    return slice_features(governance.store.cursor(), batches.paths)


def bias_slices(
    governance: Governance,
    moment: Moment,
    *,
    initiative: str,
    version: str,
    by: tuple[str, ...],
    metric: str = "",
    part: str = "analysis",
    reference: str = "best",
    positive: str = "",
    where: Mapping[str, tuple[str, ...]] | None = None,
) -> BiasSlices:
    """Slice a model version's predictions by one or two features (up to six).

    Numbers with many values are cut into five bands of equal size. Without a metric it is the one that the
    ethical position limits for the initiative's domain; limits are drawn only for that one.

    Raises
    ------
    NotFound, BadInput
        No such initiative, batch, feature, metric or reference.
    """
    batches = batches_of(governance, initiative, version, moment, part=part)
    domain = require_initiative(governance, initiative, moment)["domain"]
    rule = governance.ethics.limit_for(domain)
    chosen = _metric(
        metric or (rule.metric if batches.task != "regression" else "mean_absolute_error"), batches
    )
    limit = Limit(rule.comparison, rule.limit) if chosen.id == rule.metric else None
    target = positive or (batches.classes[0] if batches.task == "multiclass" else None)
    report = _report(
        governance,
        batches,
        by,
        chosen,
        limit,
        rule.min_rows,
        reference=reference,
        positive=target,
        where=where,
    )
    return BiasSlices(batches, by, target, report)


def check_bias_limit(
    governance: Governance, initiative: str, version: str, domain: str, moment: Moment
) -> CheckResult:
    """Hold every sensitive feature's slices to the limit of the domain; the worst verdict counts."""
    rows = lake.batches(governance.store, initiative, version, moment)
    if not rows:
        return no_predictions("bias_limit")
    part = "analysis" if any(row["part"] == "analysis" for row in rows) else "reference"
    batches = batches_of(governance, initiative, version, moment, part=part)
    if not batches.sensitive:
        return CheckResult(
            "bias_limit",
            Verdict.CANNOT_TELL,
            "no sensitive feature is named for this version's batches",
            "Add a batch that names them, or record why there is none.",
        )
    rule = governance.ethics.limit_for(domain)
    if batches.task == "regression":
        return CheckResult(
            "bias_limit",
            Verdict.CANNOT_TELL,
            f"the limit is on the {rule.metric.replace('_', ' ')}, which a regression does not have",
            "Submit a review of errors by subpopulation as evidence instead.",
        )
    reports = [_checked(governance, batches, feature, rule) for feature in batches.sensitive]
    return _worst(reports, rule)


def _checked(governance: Governance, batches: BatchesOfVersion, feature: str, rule: Any) -> SliceReport:
    positive = batches.classes[0] if batches.task == "multiclass" else None
    return _report(
        governance,
        batches,
        (feature,),
        _metric(rule.metric, batches),
        Limit(rule.comparison, rule.limit),
        rule.min_rows,
        reference="best",
        positive=positive,
        where=None,
    )


def _worst(reports: Sequence[SliceReport], rule: Any) -> CheckResult:
    severity = {"fail": 0, "cannot_tell": 1, "pass": 2}
    worst = min(
        reports, key=lambda report: (severity[report.verdict or "cannot_tell"], report.lowest_ratio or 0)
    )
    observed = worst.lowest_ratio if rule.comparison == "ratio" else worst.widest_difference
    metric = rule.metric.replace("_", " ")
    seen = (
        ""
        if observed is None
        else f"{rule.comparison} in {metric} of {worst.lowest_label} is {observed:.2f}; "
    )
    return CheckResult(
        "bias_limit",
        Verdict(worst.verdict or "cannot_tell"),
        f"{seen}{worst.note}",
        "" if worst.verdict == "pass" else "Look at the slices, and mend or justify the difference.",
        observed=observed,
        limit=rule.limit,
    )


def _report(
    governance: Governance,
    batches: BatchesOfVersion,
    by: tuple[str, ...],
    metric: MetricDefinition,
    limit: Limit | None,
    min_rows: int,
    *,
    reference: str,
    positive: str | None,
    where: Mapping[str, tuple[str, ...]] | None,
) -> SliceReport:
    cursor = governance.store.cursor()
    cuts = [_banded(cursor, batches, feature) for feature in by]
    options: dict[str, Any] = {"positive": positive, "where": where or None}
    counts = slice_counts(cursor, batches.paths, batches.task, cuts, **options)
    overall = slice_counts(cursor, batches.paths, batches.task, (), **options)
    if not counts:
        raise BadInput("no row is left", where="filter", remedy="Choose fewer filters.")
    try:
        return slice_report(counts, overall[0], metric, reference=reference, min_rows=min_rows, limit=limit)
    except ValueError as error:
        raise BadInput(str(error), where="bias slices", remedy="Choose another.") from error


def _banded(cursor: Any, batches: BatchesOfVersion, feature: str) -> str | Band:
    kinds = {known.name: known for known in slice_features(cursor, batches.paths)}
    if feature in kinds and kinds[feature].kind == "number":
        return Band(feature, tuple(quantile_cuts(cursor, batches.paths, feature)))
    return feature


def _metric(metric_id: str, batches: BatchesOfVersion) -> MetricDefinition:
    known = {m.id: m for m in SLICE_METRICS.values() if batches.task in m.tasks}
    if metric_id not in known:
        raise BadInput(
            f"'{metric_id[:60]}' is no metric of a {batches.task} model", remedy=f"Use: {', '.join(known)}."
        )
    return known[metric_id]
