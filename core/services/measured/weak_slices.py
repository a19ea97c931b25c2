"""Where is the model weakest? The worst slices over all intersections, found without being asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from core.analytics.slices.metrics import SLICE_METRICS, of_outcome
from core.analytics.slices.search import WeakestSlices, weakest_slices
from core.domain.errors import BadInput
from core.domain.given import InitiativeId, VersionId, option
from core.domain.moment import Moment
from core.lake.slices.counts import slice_cells
from core.lake.slices.profiles import MAX_FEATURES
from core.services.governance import Governance
from core.services.measured.bias import slice_choices
from core.services.measured.slice_batches import (
    BatchesOfVersion,
    Cuts,
    Favourable,
    MetricId,
    RowsAsked,
    Since,
    Until,
    Where,
    WhichPart,
    choose_rows,
    metric_of,
)
from core.services.plain import IN_PLACE

MOST_FEATURES = 12
"""Features that one search may go over; six for a ranking, which looks at every row again for each set."""
QUALITY_METRIC = {"binary": "accuracy", "multiclass": "accuracy", "regression": "mean_absolute_error"}
"""What a search measures unless told: weak means wrong."""


@dataclass(frozen=True)
class WeakSlices:
    """What a search found, and over what; `not_searched` are the features that it had no room for."""

    batches: BatchesOfVersion = field(metadata=IN_PLACE)
    features: tuple[str, ...]
    not_searched: tuple[str, ...]
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
    target = batches.outcome(positive)
    definition = of_outcome(metric_of(metric or QUALITY_METRIC[batches.task], batches), target)
    room = most_features(definition.id)
    known = tuple(feature.name for feature in choices.features)
    features = by or known[:room]
    if not 1 <= len(features) <= room or len(set(features)) < len(features):
        raise BadInput(
            f"cannot search {len(features)} features", remedy=f"Name one to {room} different features."
        )
    if min(most, max_conditions) < 1 or most > 100 or max_conditions > MAX_FEATURES or min_rows < 0:
        raise BadInput(
            "a search gives 1 to 100 slices of 1 to 6 conditions", where="weakest slices", remedy="Ask so."
        )
    chosen = choose_rows(governance, batches, features, RowsAsked(cuts, where, since, until))
    cells = slice_cells(
        governance.store.cursor(),
        batches.paths,
        batches.task,
        chosen.items,
        positive=batches.value_of(target),
        kept=chosen.kept,
        needs=definition.need,
        tables=governance.store.counts,
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
    return WeakSlices(batches, features, () if by else known[room:], target, found)


def most_features(metric: str) -> int:
    """How many features a search for this metric may go over."""
    known = SLICE_METRICS.get(metric)
    return MAX_FEATURES if known is not None and known.needs == "ranking" else MOST_FEATURES
