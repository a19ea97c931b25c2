"""Where is the model weakest? The worst slices over all intersections, found without being asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Annotated, Literal

from pydantic import Field

from core.analytics.slices.counts import SliceCells
from core.analytics.slices.curves import GroupCurves, group_curves
from core.analytics.slices.fairness import too_few
from core.analytics.slices.gaps import beside, widest_gaps
from core.analytics.slices.metrics import SLICE_METRICS, MetricDefinition, of_outcome
from core.analytics.slices.rows import MISSING, Band, CutRule
from core.analytics.slices.search import WeakestSlices, weakest_slices
from core.domain.errors import BadInput
from core.domain.given import InitiativeId, VersionId, option
from core.domain.moment import Moment
from core.ground import IN_PLACE
from core.lake.slices.counts import slice_cells
from core.lake.slices.profiles import MAX_FEATURES
from core.lake.slices.rows import score_counts
from core.services.governance import Governance
from core.services.measured.bias import SliceChoices, slice_choices
from core.services.measured.slice_batches import (
    BatchesOfVersion,
    By,
    Cuts,
    Favourable,
    MetricId,
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
)

MOST_CURVES = 100


@dataclass(frozen=True)
class ScoreCurves:
    """Both curves of everyone, first, and of each group.

    `positive` is the outcome that scores speak for, `cuts` are those of number features, and `min_rows` is
    the ethical position's minimum, below which a group's curves are withheld.
    """

    batches: BatchesOfVersion = field(metadata=IN_PLACE)
    by: tuple[str, ...]
    positive: str | None
    cuts: tuple[str, ...]
    min_rows: int
    groups: tuple[GroupCurves, ...]

    @property
    def withheld(self) -> tuple[str, ...]:
        """Groups with too few rows."""
        return tuple(group.label for group in self.groups if group.n < self.min_rows)


def score_curves(
    governance: Governance,
    moment: Moment,
    *,
    initiative: InitiativeId,
    by: By,
    version: VersionId = "",
    part: WhichPart = "analysis",
    positive: Favourable = "",
    where: Where = (),
    cuts: Cuts = (),
    since: Since = "",
    until: Until = "",
) -> ScoreCurves:
    """Draw up the ROC and calibration curves of groups; the rest is as of `bias_slices`.

    Of several classes it is one outcome's scores against all others.

    Raises
    ------
    NotFound, BadInput
        As `bias_slices`; a model of numbers, no score, no outcome, or more than 100 groups.
    """
    batches = batches_of(governance, initiative, version, moment, part=part)
    batches.refuse_weight("the order of scores")
    if batches.task == "regression":
        raise BadInput("a regression has no scores", where="curves", remedy="Look at its slices.")
    target = batches.outcome(positive)
    chosen = choose_rows(governance, batches, by, RowsAsked(cuts, where, since, until))
    counted = score_counts(
        governance.store.cursor(),
        batches.paths,
        batches.task,
        chosen.items,
        positive=batches.value_of(target),
        kept=chosen.kept,
    )
    if len(counted) > MOST_CURVES + 1:
        raise BadInput(
            f"this makes {len(counted) - 1:,} groups, at most {MOST_CURVES} have curves",
            where="curves",
            remedy="Slice by fewer features or bands.",
        )
    rule = rule_for(governance, batches, moment)
    curves = tuple(group_curves(each, min_rows=rule.min_rows) for each in counted)
    if not governance.reader.sees_small_groups(batches.initiative):
        small = too_few({one.label: one.n for one in curves[1:] if one.n}, rule.min_rows)
        said = f"Withheld: fewer than {rule.min_rows} rows, or it would give such a group away."
        empty = {label: GroupCurves(label, 0, 0, note=said) for label in small}
        curves = tuple(empty.get(one.label, one) for one in curves)
    return ScoreCurves(
        batches,
        chosen.by,
        target,
        tuple(CutRule(item.feature, "at", item.cuts).text for item in chosen.items if isinstance(item, Band)),
        rule.min_rows,
        curves,
    )


Sought = Literal["value", "gap", "decay"]
MOST_GROUPS = 20
MOST_FEATURES = 12
"""Features that one search may go over; six for a ranking, which looks at every row again for each set."""
QUALITY_METRIC = {"binary": "accuracy", "multiclass": "accuracy", "regression": "mean_absolute_error"}
"""What a search measures unless told: weak means wrong."""


@dataclass(frozen=True)
class WeakSlices:
    """What a search found, and over what; `not_searched` are the features that it had no room for.

    `of` says what was sought, `between` the feature whose groups a gap lies between.
    """

    batches: BatchesOfVersion = field(metadata=IN_PLACE)
    features: tuple[str, ...]
    not_searched: tuple[str, ...]
    positive: str | None
    of: Sought
    between: str
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
    of: Annotated[
        Sought,
        Field(
            description="With --weakest: the worst value, widest gap of two groups, or decay since reference."
        ),
    ] = "value",
    between: Annotated[
        str, Field(description="With --of gap: whose groups; the first sensitive feature by default.")
    ] = "",
) -> WeakSlices:
    """Search all intersections of features for the slices where a metric, a gap or a fall is worst.

    Without features it goes over those that predictions can be sliced by, sensitive ones first, up to twelve
    (six where the order of the scores is needed). Without a metric it looks for wrong predictions. Without
    `min_rows` it takes those of the ethical limit. With `of` "gap" it looks for the slices in which two
    groups of the feature `between` are furthest apart, with "decay" for those in which the metric has fallen
    most from the reference rows to those of the part. The rest is as of `bias_slices`.

    Raises
    ------
    NotFound, BadInput
        As `bias_slices`; too many features or combinations; a number below 1.
    """
    choices = slice_choices(governance, moment, initiative=initiative, version=version, part=part)
    batches = choices.batches
    batches.refuse_weight("a search for the weakest slices")
    target = batches.outcome(positive)
    plain = metric_of(metric or QUALITY_METRIC[batches.task], batches)
    definition = of_outcome(plain, batches.titled(target))
    room = most_features(definition.id)
    sides = _between(between, choices) if of == "gap" else ""
    known = tuple(feature.name for feature in choices.features if feature.name != sides)
    features = tuple(name for name in by if name != sides) or known[:room]
    if not 1 <= len(features) <= room or len(set(features)) < len(features):
        raise BadInput(
            f"cannot search {len(features)} features", remedy=f"Name one to {room} different features."
        )
    if min(most, max_conditions) < 1 or most > 100 or max_conditions > MAX_FEATURES or min_rows < 0:
        raise BadInput(
            "a search gives 1 to 100 slices of 1 to 6 conditions", where="weakest slices", remedy="Ask so."
        )
    asked = RowsAsked(cuts, where, since, until)
    chosen = choose_rows(governance, batches, (*features, sides) if sides else features, asked)
    sought = _Sought(governance, definition, target, chosen, of)
    least = _least(governance, choices, min_rows)
    how = {"most": most, "min_rows": least, "max_conditions": max_conditions}
    try:
        found = sought.search(batches, moment, how)
    except ValueError as error:
        raise BadInput(str(error), where="--of", remedy="Choose another metric.") from error
    return WeakSlices(batches, features, () if by else known[room:], target, of, sides, found)


def _least(governance: Governance, choices: SliceChoices, asked: int) -> int:
    """Rows of a slice at the least: fewer than the ethical limit's only for who may see small groups."""
    least = choices.rule.min_rows
    if governance.reader.sees_small_groups(choices.batches.initiative):
        return asked or least
    return max(asked, least)


@dataclass(frozen=True)
class _Sought:
    """A search that is made up: of which metric and outcome, over which rows."""

    governance: Governance
    metric: MetricDefinition
    outcome: str | None
    chosen: RowsChosen
    of: Sought

    def search(self, batches: BatchesOfVersion, moment: Moment, how: Mapping[str, int]) -> WeakestSlices:
        """Look where the value is worst, or the gap or the fall."""
        cells = self.cells(batches)
        if self.of == "value":
            return weakest_slices(cells, self.metric, **how)
        if self.of == "gap":
            return widest_gaps(cells, self.metric, _pairs(cells.values[-1]), **how)
        before = batches_of(self.governance, batches.initiative, batches.version, moment, part="reference")
        both = beside(cells, self.cells(before), "part", ("analysis", "reference"))
        return widest_gaps(both, self.metric, [(0, 1)], **how)

    def cells(self, batches: BatchesOfVersion) -> SliceCells:
        """The finest slices of some batches."""
        found = slice_cells(
            self.governance.store.cursor(),
            batches.paths,
            batches.task,
            self.chosen.items,
            positive=batches.value_of(self.outcome),
            kept=self.chosen.kept,
            needs=self.metric.need,
            tables=self.governance.store.counts,
        )
        if not found.codes.shape[1]:
            raise BadInput("no row is left", where="filter", remedy="Choose fewer filters.")
        return found


def _between(named: str, choices: SliceChoices) -> str:
    """The feature whose groups are held against each other."""
    known = [feature.name for feature in choices.features]
    if named and named not in known:
        raise BadInput(f"'{named[:40]}' is no feature", where="--between", remedy=f"Use: {', '.join(known)}.")
    chosen = named or next((name for name in choices.batches.sensitive if name in known), "")
    if not chosen:
        raise BadInput(
            "no sensitive feature is named", where="--between", remedy="Name a feature with groups."
        )
    return chosen


def _pairs(groups: Sequence[str]) -> list[tuple[int, int]]:
    """Every group beside every other, each way; missing is no group."""
    known = [code for code, group in enumerate(groups) if group != MISSING]
    if not 2 <= len(known) <= MOST_GROUPS:
        raise BadInput(
            f"{len(known):,} groups cannot be held against each other",
            where="--between",
            remedy=f"Name a feature of 2 to {MOST_GROUPS} groups.",
        )
    return list(permutations(known, 2))


def most_features(metric: str) -> int:
    """How many features a search for this metric may go over."""
    known = SLICE_METRICS.get(metric)
    return MAX_FEATURES if known is not None and known.needs == "ranking" else MOST_FEATURES
