"""Bias slices of a model version and of two side by side, and the check that holds them to the limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

from pydantic import Field

from core.analytics.slices.counts import Absent, SliceCounts, in_their_order, unlike
from core.analytics.slices.fairness import (
    FairnessMeasure,
    changes_withheld,
    fairness_measures,
    withheld,
)
from core.analytics.slices.judging import Limit
from core.analytics.slices.metrics import MetricDefinition, measure, metric, metrics_for, of_outcome
from core.analytics.slices.report import (
    SliceChange,
    SliceReport,
    beyond_chance,
    slice_changes,
    slice_report,
)
from core.analytics.slices.rows import MISSING, Band, CutRule
from core.analytics.slices.significance import CORRECTIONS, TEST_NAMES, Correction
from core.analytics.slices.verdicts import Judging
from core.domain.errors import BadInput
from core.domain.given import InitiativeId, VersionId, option
from core.domain.moment import Moment
from core.domain.policy.checks import CheckResult, no_predictions
from core.domain.rules.ethics import EthicalLimit
from core.ground import IN_PLACE, WORST_FIRST, Verdict, VerdictName, in_words
from core.lake.monitoring import readings as lake
from core.lake.slices.counts import slice_counts
from core.lake.slices.profiles import (
    MAX_FEATURES,
    SliceFeature,
    feature_values,
    slice_features,
)
from core.services.governance import Governance
from core.services.measured.slice_batches import (
    EVERYTHING,
    BatchesOfVersion,
    By,
    Corrected,
    Cuts,
    Favourable,
    MetricId,
    Part,
    Reference,
    RowsAsked,
    RowsChosen,
    Since,
    Until,
    Where,
    WhichPart,
    batches_of,
    choose_rows,
    metric_of,
    rule_for,
    unlike_reference,
)


@dataclass(frozen=True)
class BiasSlices:
    """A slice report with what it was made from.

    `cuts` are those of the number features that were cut. `rule` is the sentence of the ethical limit that
    the slices were held to; None where the metric has none. `limit_note` says why a rule could not be held,
    `undeclared` why nobody knows whether `positive`, the outcome that figures are of, is good to get.
    `fairness` is empty for a regression. `absent` are slices of the reference that have no row here, and
    `new` those that the reference has no row of; both by more than chance.
    """

    batches: BatchesOfVersion = field(metadata=IN_PLACE)
    by: tuple[str, ...]
    positive: str | None
    cuts: tuple[str, ...]
    report: SliceReport = field(metadata=IN_PLACE)
    interval_method: str
    test: str
    rule: str | None
    limit_note: str
    undeclared: str
    fairness: tuple[FairnessMeasure, ...]
    absent: tuple[Absent, ...] = ()
    new: tuple[Absent, ...] = ()
    counts: tuple[SliceCounts, ...] = field(default=(), repr=False)

    @property
    def counted(self) -> str:
        """What the rows are called that the metric rests on: effective ones where rows have weights."""
        return "Effective rows" if self.batches.weight else "Rows that count"

    @property
    def unlike(self) -> tuple[str, ...]:
        """What the reference has and these rows have not, and the other way round; a sentence each."""
        return tuple(f"{told[0].upper()}{told[1:]}." for told in _unlike([self]))


@dataclass(frozen=True)
class VersionsCompared:
    """A version's slices, those of another cut in the same way, and the change slice by slice.

    `worse` and `better` count slices whose change is beyond chance after the correction.
    """

    now: BiasSlices
    other: BiasSlices
    changes: tuple[SliceChange, ...]
    better: int
    worse: int


@dataclass(frozen=True)
class Measuring:
    """What is measured: the limited metric unless one is named, against what, and for which class.

    `families` is how many such measurements one verdict rests on. Without an outcome it is the version's own.
    """

    metric: str = ""
    reference: str = "best"
    positive: str | None = None
    correction: Correction = "holm"
    families: int = 1


LIMITED = Measuring()


@dataclass(frozen=True)
class SliceChoices:
    """What a model version's predictions can be sliced by, and measured with.

    `features` has the sensitive ones first; `classes` are the outcomes, none of a regression;
    `parts` names the kinds of batch there are, analysis first; `first_day` and `last_day` span the times of
    the predictions, empty where they carry none.
    """

    batches: BatchesOfVersion
    parts: tuple[Part, ...]
    features: tuple[SliceFeature, ...]
    metrics: tuple[MetricDefinition, ...]
    classes: tuple[str, ...]
    rule: EthicalLimit
    first_day: str = ""
    last_day: str = ""


def slice_choices(
    governance: Governance, moment: Moment, *, initiative: str, version: str, part: str = ""
) -> SliceChoices:
    """List what a version can be sliced by; an empty part means analysis where there is any.

    Raises
    ------
    NotFound
        No such initiative, or no batch of this version and part.
    """
    known_batches = lake.batches(governance.store, initiative, version, moment)
    parts: tuple[Part, ...] = tuple(sorted({batch.part for batch in known_batches}))
    chosen = part or (parts[0] if parts else "analysis")
    batches = batches_of(governance, initiative, version, moment, part=chosen)
    known = slice_features(governance.store.cursor(), batches.paths)
    features = [feature for feature in known if feature.name != batches.weight]
    order = {name: place for place, name in enumerate(batches.sensitive)}
    features.sort(key=lambda feature: order.get(feature.name, len(order)))
    days = [
        str(end.date())
        for batch in known_batches
        for end in (batch.first_at, batch.last_at)
        if batch.part == chosen and end is not None
    ]
    return SliceChoices(
        batches,
        parts,
        tuple(features),
        metrics_for(batches.task),
        batches.classes,
        rule_for(governance, batches, moment),
        min(days, default=""),
        max(days, default=""),
    )


def slice_values(
    governance: Governance,
    moment: Moment,
    *,
    initiative: str,
    version: str,
    feature: str,
    part: str = "analysis",
    cuts: Sequence[str] = (),
) -> tuple[str, ...]:
    """List the slices that a feature has over all rows of the part, as filters name them."""
    batches = batches_of(governance, initiative, version, moment, part=part)
    (item,) = choose_rows(governance, batches, (feature,), RowsAsked(cuts)).items
    if isinstance(item, Band):
        return (*item.labels, MISSING)
    store = governance.store
    return tuple(feature_values(store.cursor(), batches.paths, feature, store.counts))


def bias_slices(
    governance: Governance,
    moment: Moment,
    *,
    initiative: InitiativeId,
    by: By,
    version: VersionId = "",
    metric: MetricId = "",
    part: WhichPart = "analysis",
    reference: Reference = "best",
    positive: Favourable = "",
    where: Where = (),
    cuts: Cuts = (),
    since: Since = "",
    until: Until = "",
    correction: Corrected = "holm",
) -> BiasSlices:
    """Slice a model version's predictions by up to six features.

    Numbers with many values are cut into five bands of equal size unless `cuts` says how, always over all
    rows of the part, so that a band keeps its name while others filter. Without a metric it is the one that
    the ethical position limits for the initiative's domain; limits hold only for that one. `where` keeps rows
    by conditions like `sex=Female` or `age>=30`, and `since` and `until` by UTC days, both included.

    Raises
    ------
    NotFound, BadInput
        No such initiative, batch, feature, metric or reference; a cut, condition or day that cannot be read.
    """
    batches = batches_of(governance, initiative, version, moment, part=part)
    if not 1 <= len(by) <= MAX_FEATURES or len(set(by)) < len(by):
        raise BadInput(
            f"cannot slice by {list(by)}", remedy=f"Name one to {MAX_FEATURES} different features."
        )
    asked = RowsAsked(cuts, where, since, until)
    chosen = choose_rows(governance, batches, by, asked)
    rule = rule_for(governance, batches, moment)
    families = _families(batches, rule, by, asked)
    how = Measuring(metric, reference, batches.outcome(positive), correction, families)
    return _told(governance, measure_slices(governance, batches, chosen, rule, how), rule)


def _told(governance: Governance, found: BiasSlices, rule: EthicalLimit) -> BiasSlices:
    """What the reader gets: figures of small groups are for those who must see them."""
    if governance.reader.sees_small_groups(found.batches.initiative):
        return found
    report = withheld(found.report, rule.min_rows)
    return found if report is found.report else replace(found, report=report, counts=())


def _families(batches: BatchesOfVersion, rule: EthicalLimit, by: Sequence[str], asked: RowsAsked) -> int:
    """How many families are judged together: those of the check for a sensitive feature as it stands."""
    of_check = len(by) == 1 and by[0] in batches.sensitive and not any(vars(asked).values())
    return len(_outcomes(batches, rule)) * len(batches.sensitive) if of_check else 1


@dataclass(frozen=True)
class FeatureVerdict:
    """What is held of one sensitive feature, and the outcome (None of a number) of which it is held."""

    feature: str
    outcome: str | None
    verdict: VerdictName


def sensitive_verdicts(
    governance: Governance, moment: Moment, *, initiative: str, version: str, part: str = "analysis"
) -> tuple[FeatureVerdict, ...]:
    """Hold each sensitive feature to the limit as the bias check does: of its worst outcome, the worst first.

    Raises
    ------
    NotFound
        No such initiative, or no batch of this version and part.
    """
    batches = batches_of(governance, initiative, version, moment, part=part)
    found: dict[str, FeatureVerdict] = {}
    family = _family(governance, batches, rule_for(governance, batches, moment))
    for each in sorted(family, key=lambda one: (*_severity(one), one.positive != batches.outcome())):
        told = each.report.verdict or "cannot_tell"
        found.setdefault(each.by[0], FeatureVerdict(each.by[0], each.positive, told))
    return tuple(found.values())


def _outcomes(batches: BatchesOfVersion, rule: EthicalLimit) -> tuple[str | None, ...]:
    """The outcomes that a verdict rests on: one where the metric does not depend on it."""
    by_outcome = metric_of(rule.metric, batches).of_one_outcome
    return batches.looked_at if by_outcome else (batches.outcome(),)


def _family(governance: Governance, batches: BatchesOfVersion, rule: EthicalLimit) -> list[BiasSlices]:
    """The slices of every sensitive feature and outcome, judged together."""
    outcomes = _outcomes(batches, rule)
    rows = [choose_rows(governance, batches, (feature,), EVERYTHING) for feature in batches.sensitive]
    families = len(outcomes) * len(rows)
    return [
        measure_slices(governance, batches, chosen, rule, Measuring(positive=outcome, families=families))
        for outcome in outcomes
        for chosen in rows
    ]


def measure_slices(
    governance: Governance,
    batches: BatchesOfVersion,
    chosen: RowsChosen,
    rule: EthicalLimit,
    how: Measuring,
) -> BiasSlices:
    """Measure slices of rows that are chosen already, as `bias_slices` does."""
    if how.correction not in CORRECTIONS:
        raise BadInput(f"'{how.correction[:40]}' is no correction", remedy=f"Use: {', '.join(CORRECTIONS)}.")
    how = replace(how, positive=how.positive or batches.outcome())
    titled = batches.titled(how.positive)
    definition = of_outcome(metric_of(how.metric or rule.metric, batches), titled)
    if definition.need:
        batches.refuse_weight(definition.title)
    counts, overall = slice_counts(
        governance.store.cursor(),
        batches.paths,
        batches.task,
        chosen.items,
        positive=batches.value_of(how.positive),
        kept=chosen.kept,
        needs=definition.need,
        tables=governance.store.counts,
        weight=batches.weight,
    )
    absent, new = unlike_reference(governance, batches, chosen, counts)
    counts += [SliceCounts(each.keys, batches.task, rows=0) for each in absent]
    counts = in_their_order(counts, batches.orders)
    limited = definition.id == rule.metric
    limit = _limit(rule, overall) if limited else None
    small = "cannot_tell" if batches.weight and rule.small_groups == "pooled" else rule.small_groups
    undeclared = batches.undeclared if definition.of_one_outcome else ""
    judging = Judging(small, rule.rows == "all", how.families, undeclared, batches.in_order(chosen.items))
    report = _report(batches, counts, overall, definition, how, judging, limit, rule.min_rows)
    return BiasSlices(
        batches,
        chosen.by,
        how.positive,
        tuple(CutRule(item.feature, "at", item.cuts).text for item in chosen.items if isinstance(item, Band)),
        report,
        definition.interval,
        TEST_NAMES[definition.form],
        rule.said((definition.of_one_outcome and titled) or "") if limit else None,
        _unlimited(rule) if limited and limit is None else "",
        undeclared,
        ()
        if batches.task == "regression"
        else _fairness(counts, rule, replace(judging, undeclared=batches.undeclared), titled),
        absent,
        new,
        tuple(counts),
    )


def _report(
    batches: BatchesOfVersion,
    counts: Sequence[SliceCounts],
    overall: SliceCounts,
    definition: MetricDefinition,
    how: Measuring,
    judging: Judging,
    limit: Limit | None,
    min_rows: int,
) -> SliceReport:
    """The report on slices, which says so where rows are weighted."""
    try:
        report = slice_report(
            counts,
            overall,
            definition,
            reference=how.reference,
            min_rows=min_rows,
            limit=limit,
            correction=how.correction,
            judging=judging,
        )
    except ValueError as error:
        raise BadInput(str(error), where="bias slices", remedy="Choose another.") from error
    if batches.weight:
        weighted = (
            f"Rows are weighted by {in_words(batches.weight)} and count by their effective size (Kish)."
        )
        report = replace(report, note=f"{report.note} {weighted}")
    return report


def compare_versions(
    governance: Governance,
    moment: Moment,
    *,
    initiative: InitiativeId,
    by: By,
    other: Annotated[str, Field(description="Another version, side by side."), option("--compare")],
    version: VersionId = "",
    metric: MetricId = "",
    part: WhichPart = "analysis",
    reference: Reference = "best",
    positive: Favourable = "",
    where: Where = (),
    cuts: Cuts = (),
    since: Since = "",
    until: Until = "",
    correction: Corrected = "holm",
) -> VersionsCompared:
    """Slice two versions alike; parameters as of `bias_slices`, and the version to compare with.

    Bands are those of the version looked at, so that a slice means the same rows in both. A reference that is
    a slice by name is that slice in each.

    Raises
    ------
    NotFound, BadInput
        As `bias_slices`, for either version; the two are of different tasks.
    """
    own, others = (batches_of(governance, initiative, each, moment, part=part) for each in (version, other))
    asked = RowsAsked(cuts, where, since, until)
    how = Measuring(metric, reference, own.outcome(positive), correction)
    return compare_batches(governance, moment, own, others, by, asked, how)


def compare_batches(
    governance: Governance,
    moment: Moment,
    own: BatchesOfVersion,
    others: BatchesOfVersion,
    by: tuple[str, ...],
    asked: RowsAsked = EVERYTHING,
    how: Measuring = LIMITED,
) -> VersionsCompared:
    """As `compare_versions`, on batches that are found already; `own` is the version looked at."""
    if own.task != others.task:
        raise BadInput(
            f"version '{others.version[:20]}' is a {others.task} model and version '{own.version[:20]}' a "
            f"{own.task} one",
            remedy="Compare versions of one task.",
        )
    chosen = choose_rows(governance, own, by, asked)
    rule = rule_for(governance, own, moment)
    how, same = (replace(how, families=_families(each, rule, by, asked)) for each in (own, others))
    alike = replace(same, positive=others.same_as(own, how.positive or own.outcome()))
    now = measure_slices(governance, own, chosen, rule, how)
    then = measure_slices(governance, others, chosen, rule, alike)
    changes = slice_changes(now.report, now.counts, then.report, then.counts)
    sure = [each.better for each in changes if beyond_chance(each.adjusted_p, now.report.confidence)]
    now, then = _told(governance, now, rule), _told(governance, then, rule)
    changes = changes_withheld(changes, now.report, then.report)
    return VersionsCompared(now, then, changes, sure.count(True), sure.count(False))


def check_bias_limit(
    governance: Governance, initiative: str, version: str, domain: str, moment: Moment
) -> CheckResult:
    """Hold every sensitive feature's slices to the limit of the domain and task; the worst verdict counts.

    The message cites the version of the ethical position that the limit stands in.
    """
    known = lake.batches(governance.store, initiative, version, moment)
    if not known:
        return no_predictions("bias_limit", lake.rows_gone(governance.store, initiative, version, moment))
    part = min(batch.part for batch in known)  # analysis where there is any
    batches = batches_of(governance, initiative, version, moment, part=part)
    if not batches.sensitive:
        return CheckResult(
            "bias_limit",
            Verdict.CANNOT_TELL,
            "no sensitive feature is named for this version's batches",
            "Add a batch that names them, or record why there is none.",
        )
    position = governance.position(moment)
    rule = position.limit_for(domain, batches.task)
    found = _family(governance, batches, rule)
    unlimited = next((each.limit_note for each in found if each.limit_note), "")
    if unlimited:
        return CheckResult("bias_limit", Verdict.CANNOT_TELL, unlimited, "Add predictions with their labels.")
    worst = _worst(found, rule, position.version)
    on = ["judged on the reference's rows, as none in use are on record"] if part == "reference" else []
    worst = replace(worst, message="; ".join([worst.message, *on, *_unlike(found)]))
    return _undeclared(worst, batches) if any(each.undeclared for each in found) else worst


def _fairness(
    counts: Sequence[SliceCounts], rule: EthicalLimit, judging: Judging, outcome: str | None
) -> tuple[FairnessMeasure, ...]:
    """The usual measures, each under a title that names the outcome."""
    found = fairness_measures(counts, min_rows=rule.min_rows, judging=judging)
    return tuple(
        replace(one, definition=replace(one.definition, title=f"{one.definition.title} of {outcome}"))
        for one in found
    )


def _limit(rule: EthicalLimit, overall: SliceCounts) -> Limit | None:
    """The limit in the metric's own unit; None where what it is a share of is undefined or nought."""
    base = None if rule.measured_in is None else measure(metric(rule.measured_in), overall).value
    value = rule.in_units(base)
    return None if value is None else Limit(rule.comparison, value)


def _unlimited(rule: EthicalLimit) -> str:
    base = (rule.measured_in or rule.metric).replace("_", " ")
    return f"the limit is a share of the overall {base}, which is undefined or nought here"


def _undeclared(found: CheckResult, batches: BatchesOfVersion) -> CheckResult:
    """Say that nobody said which outcome is good to get, and how to."""
    return replace(
        found,
        message=f"{batches.undeclared}; {found.message}",
        remedy=f"Declare the favourable outcome of the version, or that neither is. {found.remedy}".strip(),
    )


def _unlike(found: Sequence[BiasSlices]) -> tuple[str, ...]:
    """The same over all features of a check, each slice once."""
    absent = {each.keys: each for one in found for each in one.absent}
    new = {each.keys: each for one in found for each in one.new}
    least = min((one.report.min_rows for one in found), default=0)
    return unlike(tuple(absent.values()), tuple(new.values()), least)


def _worst(found: Sequence[BiasSlices], rule: EthicalLimit, position: str) -> CheckResult:
    first = min(found, key=_severity)
    worst, name = first.report, first.report.metric.name
    if first.batches.task == "multiclass" and _outcome_rows(first) < rule.min_rows:
        name = of_outcome(metric(worst.metric.id), "an outcome of few rows").name
    observed = worst.lowest_ratio if rule.comparison == "ratio" else worst.widest_difference
    seen = ""
    if observed is not None:
        between = f"between {worst.lowest_label} and {worst.highest_label}"
        told = f"{observed:.3g}" if rule.comparison == "ratio" else worst.metric.apart(observed)
        seen = f"{rule.comparison} in {name} {between} is {told}; "
    return CheckResult(
        "bias_limit",
        Verdict(worst.verdict or "cannot_tell"),
        f"{seen}{worst.note.rstrip('.')} (ethical position {position})",
        "" if worst.verdict == "pass" else "Look at the slices, and mend or justify the difference.",
        observed=observed,
        limit=worst.limit.value if worst.limit else rule.limit,
    )


def _outcome_rows(found: BiasSlices) -> int:
    """Rows in which the outcome that figures are of is predicted, or true where these are more."""
    return max(sum(one.selected for one in found.counts), sum(one.tp + one.fn for one in found.counts))


def _severity(each: BiasSlices) -> tuple[int, float]:
    return WORST_FIRST.index(each.report.verdict or "cannot_tell"), _nearness(each.report)


def _nearness(report: SliceReport) -> float:
    """Smaller where slices are further apart."""
    if report.limit is not None and report.limit.kind == "difference":
        return -(report.widest_difference or 0.0)
    return 1.0 if report.lowest_ratio is None else report.lowest_ratio
