"""What is sliced: the batches of a model version, with the cuts and conditions that people wrote, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from core.analytics.decay.metrics import DECAY_METRICS
from core.analytics.slices.counts import Absent, SliceCounts, absent_slices
from core.analytics.slices.metrics import SLICE_METRICS, MetricDefinition
from core.analytics.slices.rows import MISSING, Band, Condition, CutRule, read_condition, read_cut_rule
from core.analytics.slices.significance import Correction
from core.domain.errors import BadInput, NotFound
from core.domain.facts.measured import ColumnMapping, FavourableOutcome, PredictionBatch
from core.domain.given import option
from core.domain.models.column_mapping import kept_mapping, kinds_of, orders_of
from core.domain.moment import Moment
from core.domain.rules.ethics import EthicalLimit
from core.ground import Task, outcome_title
from core.lake.facts import latest
from core.lake.monitoring import readings as lake
from core.lake.slices.counts import rows_by_slice
from core.lake.slices.profiles import class_labels, cut_features
from core.lake.slices.rows import Kept, columns_of
from core.services.case import registered
from core.services.governance import Governance
from core.services.measured.decay import SHOWN_FIRST

MonitoredVersion = lake.MonitoredVersion
Filters = Sequence[str] | Mapping[str, Sequence[str]]
"""Conditions as text (`age>=30`), or the values that are kept by feature."""


def _part(typed: str) -> str:
    return "" if typed == "all" else typed


Part = Literal["reference", "analysis", ""]
"""A kind of batch; empty for both."""
MetricId = Annotated[str, Field(description="Metric; the limited one where none is named.")]
WhichPart = Annotated[Part, Field(description="analysis, reference, or all."), option(read=_part)]
Reference = Annotated[str, Field(description="best, largest, overall, or a slice.")]
Favourable = Annotated[
    str, Field(description="Outcome held against the others; the favourable one by default.")
]
Where = Annotated[Filters, Field(description="Rows to keep: sex=Female, race!=White, age>=30; repeat.")]
Cuts = Annotated[
    Sequence[str],
    Field(description="age=quantiles:4, age=bands:5, age=width:10, age=at:30,45 or age=values; repeat."),
    option("--cut"),
]
Since = Annotated[str, Field(max_length=10, description="First UTC day."), option(metavar="DAY")]
Until = Annotated[str, Field(max_length=10, description="Last UTC day."), option(metavar="DAY")]
Corrected = Annotated[Correction, Field(description="Of p values: holm, benjamini_hochberg or none.")]
By = Annotated[
    tuple[str, ...],
    Field(min_length=1, max_length=6, description="Feature to slice by; repeat to intersect up to six."),
]


@dataclass(frozen=True)
class BatchesOfVersion:
    """The prediction batches of one model version, oldest first.

    `classes` are the outcomes there are, the negative first; none of a regression. `favourable` are those
    that were declared as good to get, empty for "neither"; None where nobody said. `reference` are the files
    that the ones of the analysis are expected to be like. `orders` has the ordered columns, see `orders_of`;
    `weight` is the column that says how many a row stands for.
    """

    initiative: str
    version: str
    task: Task
    rows: int
    classes: tuple[str, ...] = field(default=(), repr=False)
    sensitive: tuple[str, ...] = field(default=(), repr=False)
    paths: tuple[str, ...] = field(default=(), repr=False)
    favourable: tuple[str, ...] | None = field(default=None, repr=False)
    reference: tuple[str, ...] = field(default=(), repr=False)
    orders: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    weight: str = ""

    @property
    def unknown(self) -> tuple[str, ...]:
        """Outcomes that were declared and that no prediction has."""
        return tuple(outcome for outcome in self.favourable or () if outcome not in self.classes)

    def in_order(self, items: Sequence[str | Band]) -> str:
        """The first of some features whose slices have an order: bands of a number, or values declared so."""
        names = (item for item in items if isinstance(item, Band) or item in self.orders)
        return next((item if isinstance(item, str) else item.feature for item in names), "")

    def refuse_weight(self, what: str) -> None:
        """Say that something is not worked out where rows have weights; nobody is told figures without them.

        Raises
        ------
        BadInput
            They have.
        """
        if self.weight:
            raise BadInput(
                f"{what} of weighted rows is not worked out",
                where=f"weight '{self.weight}'",
                remedy="Rates of groups are: look at the bias slices.",
            )

    @property
    def undeclared(self) -> str:
        """Why nobody knows which outcomes are favourable; empty where it is known, and of a number."""
        if self.task == "regression" or (self.favourable is not None and not self.unknown):
            return ""
        if self.unknown:
            return f"the declared outcome {' and '.join(self.unknown)} is none of these predictions"
        return "nobody declared which outcome is favourable"

    @property
    def looked_at(self) -> tuple[str | None, ...]:
        """The outcomes that a verdict rests on: each favourable one, else each there is."""
        if self.task == "regression":
            return (None,)
        return (not self.undeclared and self.favourable) or self.classes

    def outcome(self, named: str = "") -> str | None:
        """The outcome that figures are of: the one named, else the first favourable one.

        Undeclared, it is the positive one of two, or the first of several.

        Raises
        ------
        BadInput
            There is no such outcome.
        """
        if named:
            return self._known(named)
        if self.task == "binary" and self.looked_at == self.classes:
            return self.classes[1]
        return self.looked_at[0]

    def value_of(self, outcome: str | None) -> str | None:
        """An outcome as the files have it: of two, 0 or 1."""
        if self.task == "binary" and outcome in self.classes:
            return str(self.classes.index(outcome))
        return outcome

    def titled(self, outcome: str | None) -> str | None:
        """An outcome as people call it, and whether it is the favourable one; none of a number."""
        return outcome and outcome_title(outcome, self.favourable or ())

    def same_as(self, other: BatchesOfVersion, outcome: str | None) -> str | None:
        """An outcome of another version by its name here: of two, the label in the same place."""
        return self.classes[int(other.value_of(outcome) or 0)] if self.task == "binary" else outcome

    def _known(self, named: str) -> str:
        if self.task == "regression":
            raise BadInput("a regression has no outcome to name", where="outcome", remedy="Leave it out.")
        if named in self.classes:
            return named
        if self.task == "binary" and named in ("0", "1"):
            return self.classes[int(named)]
        raise BadInput(
            f"'{named[:40]}' is no outcome of version '{self.version[:20]}'",
            where="outcome",
            remedy=f"Use: {', '.join(self.classes)}.",
        )


@dataclass(frozen=True)
class RowsAsked:
    """Which rows are asked for, as people write it.

    `cuts` as `read_cut_rule` reads them, `where` as `read_condition` does; `since` and `until` are UTC days,
    both included, empty for no end.
    """

    cuts: Sequence[str] = ()
    where: Filters = ()
    since: str = ""
    until: str = ""


EVERYTHING = RowsAsked()


@dataclass(frozen=True)
class RowsChosen:
    """The same, checked against the columns: what is sliced by, and which rows are kept."""

    by: tuple[str, ...]
    items: tuple[str | Band, ...]
    kept: Kept


def batches_of(
    governance: Governance, initiative: str, version: str, moment: Moment, *, part: str = ""
) -> BatchesOfVersion:
    """The prediction batches of a version; `part` is reference, analysis, or empty for both.

    Raises
    ------
    NotFound
        No such initiative, or no batch of this version.
    """
    registered(governance, initiative, moment)
    known = lake.require_batches(governance.store, initiative, version, moment, part)
    every = lake.batches(governance.store, initiative, version, moment) if part == "analysis" else ()
    newest, paths = known[-1], tuple(batch.path for batch in known)
    store = governance.store
    kept = latest(store, ColumnMapping, moment, initiative, version=version)
    declared = latest(store, FavourableOutcome, moment, initiative, version=version)
    return BatchesOfVersion(
        initiative,
        version,
        newest.task,
        sum(batch.rows for batch in known),
        _outcomes(governance, newest, paths, moment),
        newest.sensitive,
        paths,
        declared.favourable if declared else None,
        tuple(batch.path for batch in every if batch.part == "reference"),
        orders_of(kept_mapping(kept), kinds_of(kept)) if kept else {},
        kept_mapping(kept).weight if kept else "",
    )


def _outcomes(
    governance: Governance, newest: PredictionBatch, paths: tuple[str, ...], moment: Moment
) -> tuple[str, ...]:
    """The outcomes there are, as the file named them."""
    store = governance.store
    if newest.task == "binary":
        kept = latest(store, ColumnMapping, moment, newest.initiative, version=newest.version)
        return (kept_mapping(kept).labels if kept else ()) or ("0", "1")
    if newest.task == "regression":
        return ()
    return newest.classes or tuple(class_labels(store.cursor(), paths))


def choose_rows(
    governance: Governance, batches: BatchesOfVersion, by: Sequence[str], asked: RowsAsked
) -> RowsChosen:
    """Check what was asked for; bands lie over all rows of the batches, so that they keep their names.

    Raises
    ------
    BadInput, NotFound
        A cut, condition or day that cannot be read, or a column that is not there.
    """
    cursor = governance.store.cursor()
    columns = columns_of(cursor, batches.paths)
    if batches.weight in by:
        raise BadInput(
            f"'{batches.weight[:40]}' is the weight of rows, and no feature",
            remedy="Slice by another column.",
        )
    rules = {rule.feature: rule for rule in map(_rule, asked.cuts)}
    conditions = _conditions(asked.where, columns)
    names = list(dict.fromkeys([*by, *(each.feature for each in conditions if not each.compares)]))
    items = cut_features(cursor, batches.paths, names, rules, governance.store.counts)
    cut = dict(zip(names, items, strict=True))
    where: dict[str | Band, list[str]] = {}
    others: list[Condition] = []
    for each in conditions:
        item = cut.get(each.feature, each.feature)
        if each.operator == "=" and not _is_bare_number(item, each.value):
            where.setdefault(item, []).append(each.value)
        elif each.operator == "!=" and isinstance(item, Band) and each.value in item.labels:
            where[item] = [label for label in (*item.labels, MISSING) if label != each.value]
        else:
            others.append(each)
    kept = Kept(where, tuple(others), _day(asked.since, "since"), _day(asked.until, "until"))
    return RowsChosen(tuple(by), tuple(cut[name] for name in by), kept)


def unlike_reference(
    governance: Governance, batches: BatchesOfVersion, chosen: RowsChosen, counts: Sequence[SliceCounts]
) -> tuple[tuple[Absent, ...], tuple[Absent, ...]]:
    """Slices that only the reference has, and those that it has not; none where there is no other part."""
    if not batches.reference:
        return (), ()
    expected = rows_by_slice(
        governance.store.cursor(),
        batches.reference,
        batches.task,
        chosen.items,
        positive=batches.value_of(batches.outcome()),
        kept=replace(chosen.kept, since=None, until=None),
        tables=governance.store.counts,
    )
    here = {each.keys: each.rows for each in counts}
    return absent_slices(expected, here), absent_slices(here, expected)


def rule_for(governance: Governance, batches: BatchesOfVersion, moment: Moment) -> EthicalLimit:
    """The limit that the ethical position sets for the initiative's domain and the model's task."""
    domain = registered(governance, batches.initiative, moment).domain
    return governance.position(moment).limit_for(domain, batches.task)


def metric_of(metric_id: str, batches: BatchesOfVersion) -> MetricDefinition:
    """A metric that fits the task."""
    known = {m.id: m for m in SLICE_METRICS.values() if batches.task in m.tasks}
    if metric_id not in known:
        raise BadInput(
            f"'{metric_id[:60]}' is no metric of a {batches.task} model", remedy=f"Use: {', '.join(known)}."
        )
    return known[metric_id]


def _rule(text: str) -> CutRule:
    try:
        return read_cut_rule(text)
    except ValueError as error:
        raise BadInput(str(error), where="cuts") from error


def _conditions(where: Filters, columns: Mapping[str, str]) -> list[Condition]:
    if isinstance(where, Mapping):
        return [Condition(name, "=", value) for name, values in where.items() for value in values]
    try:
        return [read_condition(text, columns) for text in where]
    except ValueError as error:
        raise BadInput(str(error), where="filter", remedy="Write it again, or start over.") from error


def _is_bare_number(item: str | Band, value: str) -> bool:
    """A number where bands are kept by name: then rows of exactly this number are meant."""
    if isinstance(item, str) or value in (*item.labels, MISSING):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True


def _day(text: str, where: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"'{text[:20]}' is no day", where=where, remedy="Write it like 2026-03-31.") from None


def monitored_versions(governance: Governance, moment: Moment) -> tuple[MonitoredVersion, ...]:
    """Model versions with predictions, by initiative name; the current version first, then newest."""
    lower_better = [metric.id for metric in DECAY_METRICS.values() if metric.direction == "lower"]
    return lake.monitored_versions(governance.store, moment, SHOWN_FIRST, lower_better)


def largest_version(governance: Governance, moment: Moment) -> MonitoredVersion | None:
    """The version with the most predictions, the newer of two alike: the one where slices say most."""
    return max(monitored_versions(governance, moment), key=lambda known: known.rows, default=None)


def find_version(
    governance: Governance, moment: Moment, *, initiative: str = "", version: str = ""
) -> MonitoredVersion | None:
    """The version asked for (where only the initiative is named the current one, else the newest).

    Where no initiative is named, the first whose version, so chosen, is worse, else one that is
    estimated, else any; None where nothing has predictions.

    Raises
    ------
    NotFound
        No such initiative; it has no predictions; or it has none for this version.
    """
    known = monitored_versions(governance, moment)
    if not initiative:
        newest = {one.initiative: one for one in reversed(known)}.values()
        first = max(reversed(newest), key=lambda one: (one.worse, one.estimated), default=None)
        if first is None or not version:
            return first
        initiative = first.initiative
    named = registered(governance, initiative, moment).name
    found = [one for one in known if one.initiative == initiative and version in ("", one.version)]
    if not found:
        what = f"version '{version[:20]}' of {named}" if version else named
        raise NotFound(f"{what} has no predictions", remedy="Add predictions, or choose another model.")
    return found[0]
