"""Bias slices of a model version, and the check that holds them to the ethical limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.analytics.metrics import SLICE_METRICS, MetricDefinition, Task, metrics_for
from core.analytics.slices import Band, Limit, SliceReport, slice_report
from core.domain.checks import CheckResult, no_predictions
from core.domain.errors import BadInput, NotFound
from core.domain.ethics import EthicalLimit
from core.domain.moment import Moment
from core.domain.verdict import Verdict
from core.lake import monitoring as lake
from core.lake.slice_counts import SliceFeature, class_labels, cut_continuous, slice_counts, slice_features
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
    """A slice report with what it was made from.

    `rule` is the ethical limit that the slices were held to; None where the metric has none.
    """

    batches: BatchesOfVersion
    by: tuple[str, ...]
    positive: str | None
    report: SliceReport
    rule: EthicalLimit | None = None


@dataclass(frozen=True)
class SliceChoices:
    """What a model version's predictions can be sliced by, and measured with.

    `features` has the sensitive ones first; `classes` is empty unless the model tells several apart;
    `parts` names the kinds of batch there are, analysis first.
    """

    batches: BatchesOfVersion
    parts: tuple[str, ...]
    features: tuple[SliceFeature, ...]
    metrics: tuple[MetricDefinition, ...]
    classes: tuple[str, ...]
    rule: EthicalLimit


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
        kind = f"{part} batch" if part in ("reference", "analysis") else "prediction batch"
        raise NotFound(
            f"version '{version[:20]}' of {initiative} has no {kind}",
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


def slice_choices(
    governance: Governance, moment: Moment, *, initiative: str, version: str, part: str = ""
) -> SliceChoices:
    """List what a version can be sliced by; an empty part means analysis where there is any.

    Raises
    ------
    NotFound
        No such initiative, or no batch of this version and part.
    """
    known = require_initiative(governance, initiative, moment)
    rows = lake.batches(governance.store, initiative, version, moment)
    parts = tuple(sorted({str(row["part"]) for row in rows}))
    chosen = part or (parts[0] if parts else "analysis")
    batches = batches_of(governance, initiative, version, moment, part=chosen)
    cursor = governance.store.cursor()
    features = slice_features(cursor, batches.paths)
    order = {name: place for place, name in enumerate(batches.sensitive)}
    features.sort(key=lambda feature: order.get(feature.name, len(order)))
    classes: tuple[str, ...] = ()
    if batches.task == "multiclass":
        classes = batches.classes or tuple(class_labels(cursor, batches.paths))
    rule = governance.ethics.limit_for(known["domain"])
    return SliceChoices(batches, parts, tuple(features), metrics_for(batches.task), classes, rule)


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

    Numbers with many values are cut into five bands of equal size, always over all rows of the part, so that
    a band keeps its name while others filter. Without a metric it is the one that the ethical position
    limits for the initiative's domain; limits are drawn only for that one. `where` keeps rows by feature and
    slice label, bands included.

    Raises
    ------
    NotFound, BadInput
        No such initiative, batch, feature, metric or reference.
    """
    domain = require_initiative(governance, initiative, moment)["domain"]
    batches = batches_of(governance, initiative, version, moment, part=part)
    rule = governance.ethics.limit_for(domain)
    chosen = _metric(
        metric or (rule.metric if batches.task != "regression" else "mean_absolute_error"), batches
    )
    limit = Limit(rule.comparison, rule.limit) if chosen.id == rule.metric else None
    target = positive or _first_class(governance, batches)
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
    return BiasSlices(batches, by, target, report, rule if limit else None)


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
    positive = _first_class(governance, batches)
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
        f"{seen}{worst.note.rstrip('.')}",
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
    kept = dict(where or {})
    cuts = _cut(cursor, batches, (*by, *(name for name in kept if name not in by)))
    filters = {cuts[name]: labels for name, labels in kept.items()}
    options: dict[str, Any] = {"positive": positive, "where": filters or None}
    counts = slice_counts(cursor, batches.paths, batches.task, [cuts[name] for name in by], **options)
    overall = slice_counts(cursor, batches.paths, batches.task, (), **options)
    if not counts:
        raise BadInput("no row is left", where="filter", remedy="Choose fewer filters.")
    try:
        return slice_report(counts, overall[0], metric, reference=reference, min_rows=min_rows, limit=limit)
    except ValueError as error:
        raise BadInput(str(error), where="bias slices", remedy="Choose another.") from error


def _cut(cursor: Any, batches: BatchesOfVersion, names: tuple[str, ...]) -> dict[str, str | Band]:
    """Each feature as it is sliced: continuous numbers as bands over all rows of the batches."""
    return dict(zip(names, cut_continuous(cursor, batches.paths, names), strict=True))


def _first_class(governance: Governance, batches: BatchesOfVersion) -> str | None:
    """The class held against all others unless one is named; None for a model without several classes."""
    if batches.task != "multiclass":
        return None
    return (batches.classes or tuple(class_labels(governance.store.cursor(), batches.paths)))[0]


def _metric(metric_id: str, batches: BatchesOfVersion) -> MetricDefinition:
    known = {m.id: m for m in SLICE_METRICS.values() if batches.task in m.tasks}
    if metric_id not in known:
        raise BadInput(
            f"'{metric_id[:60]}' is no metric of a {batches.task} model", remedy=f"Use: {', '.join(known)}."
        )
    return known[metric_id]
