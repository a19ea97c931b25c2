"""ROC and calibration curves of a version's scores, by group of rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.analytics.slices.curves import GroupCurves, group_curves
from core.analytics.slices.rows import Band, CutRule
from core.domain.errors import BadInput
from core.domain.given import InitiativeId, VersionId
from core.domain.moment import Moment
from core.lake.slices.rows import score_counts
from core.services.governance import Governance
from core.services.measured.bias import rule_for
from core.services.measured.slice_batches import (
    BatchesOfVersion,
    By,
    Cuts,
    Favourable,
    RowsAsked,
    Since,
    Until,
    Where,
    WhichPart,
    batches_of,
    choose_rows,
)
from core.services.plain import IN_PLACE

MOST_GROUPS = 100


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
    if len(counted) > MOST_GROUPS + 1:
        raise BadInput(
            f"this makes {len(counted) - 1:,} groups, at most {MOST_GROUPS} have curves",
            where="curves",
            remedy="Slice by fewer features or bands.",
        )
    rule = rule_for(governance, batches, moment)
    return ScoreCurves(
        batches,
        chosen.by,
        target,
        tuple(CutRule(item.feature, "at", item.cuts).text for item in chosen.items if isinstance(item, Band)),
        rule.min_rows,
        tuple(group_curves(each, min_rows=rule.min_rows) for each in counted),
    )
