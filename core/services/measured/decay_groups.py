"""Decay by subpopulation: which group decays first, before any outcome is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

from core.analytics.decay.metrics import DecayMetric, decay_metric
from core.domain.errors import NotFound
from core.domain.moment import Moment
from core.lake.monitoring.decay_records import newest_run, slice_estimates
from core.services.governance import Governance
from core.services.lookups import require_initiative
from core.services.measured.monitoring import decay_report

CROSSED = " × "
IN_A_ROW = 2
"""Worse chunks in a row from which a group counts as decayed: one alone may be chance."""


@dataclass(frozen=True)
class GroupChunk:
    """A group in one chunk of everyone; None where undefined. `judged` is False where nobody can tell.

    `room_used` is the way that the estimate has gone from the group's usual level to its worse threshold.
    """

    chunk: int
    part: str
    rows: int
    first_row: int
    started_at: Any
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
    calibrated
        `own`: by its own reference rows. `all`: as everyone, because it has too few of them.
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
    calibrated: Literal["own", "all"]
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
    """All groups of crossed features for one metric; the one that decays first comes first.

    `first` are the groups that decayed earliest; `untold` counts groups about which nobody can tell.
    """

    by: str
    metric: DecayMetric
    groups: tuple[DecayGroup, ...]
    first: tuple[DecayGroup, ...]
    untold: int


def group_choices(
    governance: Governance, moment: Moment, *, initiative: str, version: str
) -> tuple[str, ...]:
    """The features, or crossed features, by which the newest estimates were divided."""
    run = newest_run(governance.store, initiative, version, moment)
    return tuple(run.slices_by or ()) if run else ()


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
    require_initiative(governance, initiative, moment)
    wanted = by if isinstance(by, str) else CROSSED.join(by)
    run = newest_run(governance.store, initiative, version, moment)
    known = tuple(run.slices_by or ()) if run else ()
    if run is None or wanted not in known:
        found = f"Use one of: {', '.join(known)}; or refresh" if known else "Refresh"
        raise NotFound(
            f"there are no estimates by '{wanted[:60]}'",
            where=f"{initiative} version {version}",
            remedy=f"{found} the monitoring with this feature.",
        )
    chosen = metric or decay_report(governance, moment, initiative=initiative, version=version).metric
    rows = slice_estimates(governance.store, run, wanted.split(CROSSED), chosen)
    if not rows:
        raise NotFound(
            f"no estimates of '{chosen[:40]}' by '{wanted}'",
            where=initiative,
            remedy="Choose another metric.",
        )
    definition = decay_metric(chosen)
    groups = sorted(_groups(rows, definition), key=_urgency)
    earliest = min((g.decayed_from for g in groups if g.decayed_from is not None), default=None)
    return DecayGroups(
        wanted,
        definition,
        tuple(groups),
        tuple(group for group in groups if earliest is not None and group.decayed_from == earliest),
        sum(not group.judged for group in groups),
    )


def _groups(rows: Sequence[Mapping[str, Any]], metric: DecayMetric) -> Iterable[DecayGroup]:
    of: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        of.setdefault(tuple(row["values"]), []).append(row)
    for values, lines in of.items():
        yield _group(CROSSED.join(values), lines, metric)


def _group(label: str, rows: Sequence[Mapping[str, Any]], metric: DecayMetric) -> DecayGroup:
    analysis = [row for row in rows if row["part"] == "analysis"]
    judged = [row for row in analysis if row["judged"]]
    known = [r["realised"] for r in rows if r["part"] == "reference" and r["realised"] is not None]
    usual = fmean(known) if known else None
    side = "lower_threshold" if metric.direction == "higher" else "upper_threshold"
    threshold = rows[-1][side]
    newest = judged[-1]["estimate"] if judged else None
    return DecayGroup(
        label,
        rows[0]["calibrated"],
        sum(row["rows"] for row in analysis),
        len(judged),
        sum(row["worse"] for row in analysis),
        usual,
        newest,
        threshold,
        _room_used(newest, usual, threshold),
        _decayed_from(judged),
        tuple(_chunk(row, usual, threshold) for row in rows),
    )


def _room_used(value: float | None, usual: float | None, threshold: float | None) -> float | None:
    if value is None or usual is None or threshold is None or usual == threshold:
        return None
    return (usual - value) / (usual - threshold)


def _decayed_from(judged: Sequence[Mapping[str, Any]]) -> int | None:
    for start in range(len(judged) - IN_A_ROW + 1):
        if all(row["worse"] for row in judged[start : start + IN_A_ROW]):
            return int(judged[start]["chunk"])
    return None


def _urgency(group: DecayGroup) -> tuple[bool, int, bool, float]:
    """Decayed first, the earliest before the later; then by the room that is used up; untold ones last."""
    decayed = group.decayed_from is not None
    return (not decayed, group.decayed_from or 0, group.room_used is None, -(group.room_used or 0.0))


def _chunk(row: Mapping[str, Any], usual: float | None, threshold: float | None) -> GroupChunk:
    return GroupChunk(
        row["chunk"],
        row["part"],
        row["rows"],
        row["first_row"] + 1,
        row["started_at"],
        row["estimate"],
        row["lower_confidence"],
        row["upper_confidence"],
        row["realised"],
        bool(row["judged"]),
        bool(row["alert"]),
        bool(row["worse"]),
        _room_used(row["estimate"], usual, threshold) if row["judged"] else None,
    )
