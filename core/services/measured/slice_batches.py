"""What is sliced, as people asked for it, checked; and where the model is weakest over all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from core.analytics.slices.metrics import SLICE_METRICS, MetricDefinition
from core.analytics.slices.rows import MISSING, Band, Condition, CutRule, read_condition, read_cut_rule
from core.analytics.slices.search import WeakestSlices, weakest_slices
from core.analytics.slices.significance import Correction
from core.domain.errors import BadInput
from core.domain.given import InitiativeId, VersionId, option
from core.domain.moment import Moment
from core.ground import Task
from core.lake.monitoring import readings as lake
from core.lake.slices.counts import slice_cells
from core.lake.slices.profiles import MAX_FEATURES, class_labels, cut_features
from core.lake.slices.rows import Kept, columns_of
from core.services.case import registered
from core.services.governance import Governance
from core.services.measured.bias import slice_choices
from core.services.plain import IN_PLACE

Filters = Sequence[str] | Mapping[str, Sequence[str]]
"""Conditions as text (`age>=30`), or the values that are kept by feature."""


def _part(typed: str) -> str:
    return "" if typed == "all" else typed


Part = Literal["reference", "analysis", ""]
"""A kind of batch; empty for both."""
MetricId = Annotated[str, Field(description="Metric; the limited one where none is named.")]
WhichPart = Annotated[Part, Field(description="analysis, reference, or all."), option(read=_part)]
Reference = Annotated[str, Field(description="best, largest, overall, or a slice.")]
Favourable = Annotated[str, Field(description="Favourable class of a multiclass model.")]
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
    """The prediction batches of one model version, oldest first."""

    initiative: str
    version: str
    task: Task
    rows: int
    classes: tuple[str, ...] = field(default=(), repr=False)
    sensitive: tuple[str, ...] = field(default=(), repr=False)
    paths: tuple[str, ...] = field(default=(), repr=False)


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
    newest = known[-1]
    return BatchesOfVersion(
        initiative,
        version,
        newest.task,
        sum(batch.rows for batch in known),
        newest.classes,
        newest.sensitive,
        tuple(batch.path for batch in known),
    )


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
    rules = {rule.feature: rule for rule in map(_rule, asked.cuts)}
    conditions = _conditions(asked.where, columns)
    names = list(dict.fromkeys([*by, *(each.feature for each in conditions if not each.compares)]))
    cut = dict(zip(names, cut_features(cursor, batches.paths, names, rules), strict=True))
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


def metric_of(metric_id: str, batches: BatchesOfVersion) -> MetricDefinition:
    """A metric that fits the task.

    Raises
    ------
    BadInput
        No such metric, or one of another task.
    """
    known = {m.id: m for m in SLICE_METRICS.values() if batches.task in m.tasks}
    if metric_id not in known:
        raise BadInput(
            f"'{metric_id[:60]}' is no metric of a {batches.task} model", remedy=f"Use: {', '.join(known)}."
        )
    return known[metric_id]


def first_class(governance: Governance, batches: BatchesOfVersion) -> str | None:
    """The class held against all others unless one is named; None for a model without several classes."""
    if batches.task != "multiclass":
        return None
    return (batches.classes or tuple(class_labels(governance.store.cursor(), batches.paths)))[0]


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


MOST_FEATURES = 12
"""Features that one search may go over; six for a ranking, which looks at every row again for each set."""
QUALITY_METRIC = {"binary": "accuracy", "multiclass": "accuracy", "regression": "mean_absolute_error"}
"""What a search measures unless told: weak means wrong."""


@dataclass(frozen=True)
class WeakSlices:
    """What a search found, and over what."""

    batches: BatchesOfVersion = field(metadata=IN_PLACE)
    features: tuple[str, ...]
    positive: str | None
    found: WeakestSlices = field(metadata=IN_PLACE)


def find_weakest(
    governance: Governance,
    moment: Moment,
    *,
    initiative: InitiativeId,
    by: Annotated[tuple[str, ...], Field(max_length=12)] = (),
    version: VersionId = "",
    metric: MetricId = "",
    part: WhichPart = "analysis",
    positive: Favourable = "",
    where: Where = (),
    cuts: Cuts = (),
    since: Since = "",
    until: Until = "",
    most: Annotated[int, Field(ge=1, le=100, description="With --weakest: how many.")] = 10,
    max_conditions: Annotated[
        int,
        Field(ge=1, le=6, description="With --weakest: features of one slice at most."),
        option("--conditions"),
    ] = 3,
    min_rows: Annotated[int, Field(ge=0)] = 0,
) -> WeakSlices:
    """Search all intersections of features for the slices where a metric is worst.

    Without features it goes over those that predictions can be sliced by, sensitive ones first, up to twelve
    (six where the order of the scores is needed). Without a metric it looks for wrong predictions. Without
    `min_rows` it takes those of the ethical limit. The rest is as of `bias_slices`.

    Raises
    ------
    NotFound, BadInput
        As `bias_slices`; too many features or combinations; a number below 1.
    """
    choices = slice_choices(governance, moment, initiative=initiative, version=version, part=part)
    batches = choices.batches
    definition = metric_of(metric or QUALITY_METRIC[batches.task], batches)
    room = most_features(definition.id)
    features = by or tuple(feature.name for feature in choices.features)[:room]
    if not 1 <= len(features) <= room or len(set(features)) < len(features):
        raise BadInput(
            f"cannot search {len(features)} features", remedy=f"Name one to {room} different features."
        )
    if min(most, max_conditions) < 1 or most > 100 or max_conditions > MAX_FEATURES or min_rows < 0:
        raise BadInput(
            "a search gives 1 to 100 slices of 1 to 6 conditions", where="weakest slices", remedy="Ask so."
        )
    chosen = choose_rows(governance, batches, features, RowsAsked(cuts, where, since, until))
    target = positive or first_class(governance, batches)
    cells = slice_cells(
        governance.store.cursor(),
        batches.paths,
        batches.task,
        chosen.items,
        positive=target,
        kept=chosen.kept,
        needs=definition.need,
    )
    if not cells.codes.shape[1]:
        raise BadInput("no row is left", where="filter", remedy="Choose fewer filters.")
    found = weakest_slices(
        cells,
        definition,
        most=most,
        min_rows=min_rows or choices.rule.min_rows,
        max_conditions=max_conditions,
    )
    return WeakSlices(batches, features, target, found)


def most_features(metric: str) -> int:
    """How many features a search for this metric may go over."""
    known = SLICE_METRICS.get(metric)
    return MAX_FEATURES if known is not None and known.needs == "ranking" else MOST_FEATURES
