"""Decay of the groups of a model version: who decays first, and whose estimates can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import fmean

from core.analytics.decay.estimates import SliceChunk
from core.analytics.decay.fit import Calibrated
from core.analytics.decay.metrics import DecayMetric, decay_metric
from core.analytics.decay.trust import GroupTrust, group_trust, worse_threshold
from core.analytics.slices.fairness import too_few
from core.domain.errors import NotFound
from core.domain.moment import Moment
from core.lake.monitoring import readings as lake
from core.services.case import registered
from core.services.governance import Governance
from core.services.measured.decay import CROSSED, DecayReport, decay_report

IN_A_ROW = 2
"""Worse chunks in a row from which a group counts as decayed: one alone may be chance."""
GROUPS_TRUSTED_BY = "z tests of the mean error, Bonferroni over groups and metrics"
CALIBRATED_ON = {"own": "its own rows", "shrunk": "its own and larger groups", "all": "all rows"}


@dataclass(frozen=True)
class GroupChunk:
    """A group in one chunk of everyone; None where undefined. `judged` is False where nobody can tell.

    `room_used` is the way that the estimate has gone from the group's usual level to its worse threshold.
    """

    chunk: int
    part: str
    rows: int
    first_row: int
    started_at: datetime | None
    estimate: float | None
    low: float | None
    high: float | None
    realised: float | None
    judged: bool
    different: bool
    worse: bool
    room_used: float | None

    @property
    def name(self) -> str:
        """A name for an axis: the first row, with `ref` before it within the reference."""
        return f"ref {self.first_row:,}" if self.part == "reference" else f"{self.first_row:,}"


@dataclass(frozen=True)
class DecayGroup:
    """One subpopulation and its estimates, chunk after chunk.

    Attributes
    ----------
    label
        The values of its features.
    trust, held
        Whether its estimates can be trusted, of all rates that were estimated (of other metrics where there
        are none, as small chunks put areas under curves off) the one where they are worst; and what that
        means, with by how much they were off there.
    calibrated
        `own`: by its own reference rows. `shrunk`: by its own and those of the larger groups that it is part
        of. `all`: as everyone, because nothing is known of it.
    rows, judged, worse
        Analysis rows; analysis chunks that were judged; those of them that are worse.
    usual, newest
        Mean realised value of its reference chunks; estimate of its newest judged chunk.
    room_used
        How much of the way from the usual level to the worse threshold the newest estimate has gone:
        0 = none, 1 = at the threshold. None where nobody can tell.
    decayed_from
        The first of two worse chunks in a row (number of the analysis chunk, from 0); None without.
    """

    label: str
    trust: GroupTrust
    held: str
    calibrated: Calibrated
    rows: int
    judged: int
    worse: int
    usual: float | None
    newest: float | None
    threshold: float | None
    room_used: float | None
    decayed_from: int | None
    chunks: tuple[GroupChunk, ...]


@dataclass(frozen=True)
class DecayGroups:
    """All groups of crossed features for one metric; the one that decays first comes first."""

    by: str
    metric: DecayMetric
    groups: tuple[DecayGroup, ...]

    @property
    def first(self) -> tuple[DecayGroup, ...]:
        """The groups that decayed earliest."""
        earliest = min((g.decayed_from for g in self.groups if g.decayed_from is not None), default=None)
        return tuple(g for g in self.groups if earliest is not None and g.decayed_from == earliest)

    @property
    def untold(self) -> int:
        """How many groups nobody can tell about."""
        return sum(not group.judged for group in self.groups)


def decay_groups(
    governance: Governance,
    moment: Moment,
    *,
    initiative: str,
    version: str,
    by: str | Sequence[str],
    metric: str = "",
) -> DecayGroups:
    """Read the newest estimates of each subpopulation for one metric, by default as `decay_report`.

    Raises
    ------
    NotFound
        No such initiative, no estimates by these features, or none of this metric.
    """
    report = decay_report(governance, moment, initiative=initiative, version=version)
    wanted = by if isinstance(by, str) else CROSSED.join(by)
    if report.run is None or wanted not in report.by_choices:
        known = ", ".join(report.by_choices)
        found = f"Use one of: {known}; or refresh" if known else "Refresh"
        raise NotFound(
            f"there are no estimates by '{wanted[:60]}'",
            where=f"{initiative} version {version}",
            remedy=f"{found} the monitoring with this feature.",
        )
    chosen = metric or report.metric.id
    rows = lake.slice_estimates(governance.store, report.run, wanted.split(CROSSED), chosen)
    if not rows:
        raise NotFound(
            f"no estimates of '{chosen[:40]}' by '{wanted}'",
            where=initiative,
            remedy="Choose another metric.",
        )
    if not governance.reader.sees_small_groups(initiative):
        domain = registered(governance, initiative, moment).domain
        rule = governance.position(moment).limit_for(domain, report.task)
        rows = _told(rows, rule.min_rows)
    definition = decay_metric(chosen)
    chunks_of: dict[tuple[str, ...], list[SliceChunk]] = {}
    for row in rows:
        chunks_of.setdefault(row.values, []).append(row)
    trusted = _trust_of_groups(governance, report, wanted.split(CROSSED))
    groups = [
        _group(CROSSED.join(values), trusted.get(values, GroupTrust("cannot_tell")), chunks, definition)
        for values, chunks in chunks_of.items()
    ]
    return DecayGroups(wanted, definition, tuple(sorted(groups, key=_urgency)))


def _told(rows: Sequence[SliceChunk], least: int) -> list[SliceChunk]:
    """Chunks of groups as told to those who may not see small ones."""
    sizes: dict[tuple[str, int], dict[str, int]] = {}
    for row in rows:
        sizes.setdefault((row.part, row.chunk), {})[CROSSED.join(row.values)] = row.rows
    small = {place: too_few(groups, least) for place, groups in sizes.items()}
    return [_untold(row) if CROSSED.join(row.values) in small[row.part, row.chunk] else row for row in rows]


def _untold(row: SliceChunk) -> SliceChunk:
    row = replace(row, estimate=None, lower_confidence=None, upper_confidence=None, realised=None)
    return replace(row, judged=False, alert=False, worse=False)


def _trust_of_groups(
    governance: Governance, report: DecayReport, features: Sequence[str]
) -> dict[tuple[str, ...], GroupTrust]:
    assert report.run is not None
    classifies = report.task != "regression"
    rates = [metric for metric in report.metrics if metric.unit == "percent"]
    metrics = (classifies and rates) or [metric for metric in report.metrics if not metric.adds_up]
    ids = [metric.id for metric in metrics]
    records = lake.group_records(governance.store, report.run, features, ids)
    lower_better = frozenset(metric.id for metric in metrics if metric.direction == "lower")
    return group_trust(records, classifies=classifies, lower_better=lower_better)


def _group(label: str, trust: GroupTrust, chunks: Sequence[SliceChunk], metric: DecayMetric) -> DecayGroup:
    analysis = [chunk for chunk in chunks if chunk.part == "analysis"]
    judged = [chunk for chunk in analysis if chunk.judged]
    known = [c.realised for c in chunks if c.part == "reference" and c.realised is not None]
    usual = fmean(known) if known else None
    threshold = worse_threshold(chunks[-1], metric.direction)
    newest = judged[-1].estimate if judged else None
    return DecayGroup(
        label,
        trust,
        said_of(trust),
        chunks[0].calibrated,
        sum(chunk.rows for chunk in analysis),
        len(judged),
        sum(chunk.worse for chunk in analysis),
        usual,
        newest,
        threshold,
        _room_used(newest, usual, threshold),
        _decayed_from(judged),
        tuple(_of_group(chunk, usual, threshold) for chunk in chunks),
    )


def said_of(trust: GroupTrust) -> str:
    """What the verdict on a group's estimates means, with what it rests on."""
    if trust.off_by is None or trust.error is None or trust.tolerated is None:
        return "Cannot tell: nothing to hold them against"
    metric = decay_metric(trust.metric)
    in_points = metric.unit == "percent"
    allowed, off, chance = (
        f"{100 * value:{sign}.1f}" if in_points else f"{value:{sign}.3g}"
        for value, sign in ((trust.tolerated, ""), (trust.off_by, "+"), (2 * trust.error, ""))
    )
    unit, where = (
        " points" if in_points else "",
        "in the reference" if trust.part == "reference" else "after it",
    )
    return f"{_MEANS[trust.verdict].format(allowed + unit)}: {metric.title} {off} ± {chance}{unit} {where}"


_MEANS = {
    "pass": "Right to {}",
    "fail": "Proven wrong, and off by more than {}",
    "cannot_tell": "Cannot tell: not shown to be wrong, nor right to {}",
}


def _room_used(value: float | None, usual: float | None, threshold: float | None) -> float | None:
    if value is None or usual is None or threshold is None or usual == threshold:
        return None
    return (usual - value) / (usual - threshold)


def _decayed_from(judged: Sequence[SliceChunk]) -> int | None:
    for start in range(len(judged) - IN_A_ROW + 1):
        if all(chunk.worse for chunk in judged[start : start + IN_A_ROW]):
            return judged[start].chunk
    return None


def _urgency(group: DecayGroup) -> tuple[bool, int, bool, float]:
    """Decayed first, the earliest before the later; then by the room that is used up; untold ones last."""
    decayed = group.decayed_from is not None
    return (not decayed, group.decayed_from or 0, group.room_used is None, -(group.room_used or 0.0))


def _of_group(chunk: SliceChunk, usual: float | None, threshold: float | None) -> GroupChunk:
    return GroupChunk(
        chunk.chunk,
        chunk.part,
        chunk.rows,
        chunk.first_row + 1,
        chunk.started_at,
        chunk.estimate,
        chunk.lower_confidence,
        chunk.upper_confidence,
        chunk.realised,
        chunk.judged,
        chunk.alert,
        chunk.worse,
        _room_used(chunk.estimate, usual, threshold) if chunk.judged else None,
    )
