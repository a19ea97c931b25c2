"""The slices of two model versions side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from core.analytics.slices.change import SliceChange, slice_changes
from core.domain.errors import BadInput
from core.domain.given import InitiativeId, VersionId, option
from core.domain.moment import Moment
from core.services.governance import Governance
from core.services.measured.bias import BiasSlices, measure_slices, rule_for
from core.services.measured.slice_batches import (
    BatchesOfVersion,
    By,
    Corrected,
    Cuts,
    Favourable,
    MetricId,
    Reference,
    RowsAsked,
    Since,
    Until,
    Where,
    WhichPart,
    batches_of,
    choose_rows,
    first_class,
)

EVERYTHING = RowsAsked()


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
    return compare_batches(
        governance,
        moment,
        own,
        others,
        by,
        asked,
        metric=metric,
        reference=reference,
        positive=positive,
        correction=correction,
    )


def compare_batches(
    governance: Governance,
    moment: Moment,
    own: BatchesOfVersion,
    others: BatchesOfVersion,
    by: tuple[str, ...],
    asked: RowsAsked = EVERYTHING,
    *,
    metric: str = "",
    reference: str = "best",
    positive: str = "",
    correction: Corrected = "holm",
) -> VersionsCompared:
    """As `compare_versions`, on batches that are found already; `own` is the version looked at."""
    if own.task != others.task:
        raise BadInput(
            f"version '{others.version[:20]}' is a {others.task} model and version '{own.version[:20]}' a "
            f"{own.task} one",
            remedy="Compare versions of one task.",
        )
    chosen = choose_rows(governance, own, by, asked)
    target = positive or first_class(governance, own)
    rule = rule_for(governance, own, moment)
    now, then = (
        measure_slices(
            governance, batches, chosen, by, rule, metric, reference, target, correction=correction
        )
        for batches in (own, others)
    )
    changes = slice_changes(now.report, now.counts, then.report, then.counts)
    sure = [
        each
        for each in changes
        if each.adjusted_p is not None and each.adjusted_p <= 1 - now.report.confidence
    ]
    better = sum(each.better is True for each in sure)
    return VersionsCompared(now, then, changes, better, sum(each.better is False for each in sure))
