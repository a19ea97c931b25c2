"""Two model versions side by side: what they are made of, their figures, slices and decay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from core.analytics.decay.metrics import DECAY_METRICS, DecayMetric
from core.analytics.slices.metrics import SLICE_METRICS
from core.analytics.slices.report import SliceChange, SliceReport
from core.domain.commands import VersionLinks
from core.domain.errors import BadInput, NotFound
from core.domain.facts.recorded import values_of
from core.domain.given import InitiativeId, argument
from core.domain.models.model_versions import (
    Approval,
    ReproducibilityGrade,
    Version,
    grade_reproducibility,
)
from core.domain.moment import Moment
from core.domain.policy.checks import PARTS, Kind
from core.ground import in_words
from core.lake.models import versions
from core.lake.monitoring import readings as lake_monitoring
from core.lake.process.inventory import registration
from core.services.case import registered
from core.services.governance import Governance
from core.services.measured import bias
from core.services.measured.bias import BiasSlices, compare_batches
from core.services.measured.decay import decay_report
from core.services.models.versions import require_version, version_approval

Sameness = Literal["same", "different", "one_missing", "both_missing"]
NO_PREDICTIONS = "No predictions are on record for this version."
NOT_ESTIMATED = "It has predictions, but its performance has not been estimated."


@dataclass(frozen=True)
class VersionFace:
    """A version as it is compared: what is recorded, its grade, and who approved it when (None: nobody)."""

    version: Version
    grade: ReproducibilityGrade
    approval: Approval | None
    predictions: int
    kind: Kind = field(repr=False)


@dataclass(frozen=True)
class Pair:
    """One fact of both versions; texts are empty where nothing is recorded.

    Only digests and commits can tell that two things are the same: `sameness` looks at those.
    """

    part: str
    label: str
    left: str
    right: str
    sameness: Sameness


@dataclass(frozen=True)
class MetricPair:
    """A recorded metric of both; `change` is right minus left, `better` None where that cannot be told."""

    name: str
    title: str
    left: float | None
    right: float | None
    change: float | None
    better: bool | None


@dataclass(frozen=True)
class SlicesSide:
    """Slices of one version, or in `note` why there are none."""

    note: str
    slices: BiasSlices | None = None


@dataclass(frozen=True)
class SlicesPair:
    """One feature's slices of both; `by` is empty where no feature can be sliced on either side.

    The bands of a number are those of the right version, so that a slice means the same in both; in `changes`
    the right version is the one looked at.
    """

    by: str
    features: tuple[str, ...]
    left: SlicesSide
    right: SlicesSide
    changes: tuple[SliceChange, ...] = ()

    @property
    def report(self) -> SliceReport | None:
        """A report that says what was measured; None where there is none."""
        found = self.right.slices or self.left.slices
        return found.report if found else None


@dataclass(frozen=True)
class DecaySide:
    """Decay of one version, or in `note` why there is none; estimates are of the newest chunk."""

    note: str
    metric: DecayMetric | None = None
    chunks: int = 0
    worse: int = 0
    realised_worse: int = 0
    estimate: float | None = None
    realised: float | None = None
    trust: str = "cannot_tell"


@dataclass(frozen=True)
class Comparison:
    """Two versions of an initiative, the earlier registered one left unless asked for otherwise."""

    initiative: str
    name: str
    left: VersionFace
    right: VersionFace
    metrics: tuple[MetricPair, ...]
    made_of: tuple[Pair, ...]
    slices: SlicesPair
    decay: tuple[DecaySide, DecaySide]


def version_faces(governance: Governance, moment: Moment, *, initiative: str) -> tuple[VersionFace, ...]:
    """All versions of an initiative, newest first, with state, grade and approval."""
    known = versions(governance.store, initiative, moment, governance.live_gates(moment))
    if not known and registration(governance.store, initiative, moment) is None:
        raise NotFound(f"no initiative '{initiative[:80]}' is registered", remedy="Choose one of the list.")
    return tuple(_face(governance, moment, one) for one in known)


def compare_versions(
    governance: Governance,
    moment: Moment,
    *,
    initiative: InitiativeId,
    left: Annotated[str, Field(description="A version."), argument()],
    right: Annotated[str, Field(description="Another version."), argument()],
    by: Annotated[str, Field(description="Feature whose slices to compare.")] = "",
) -> Comparison:
    """Put two versions side by side: what they are made of, metrics, slices and decay.

    Parameters
    ----------
    by
        The feature to slice by; without one it is the first sensitive feature that both have, else the first
        that one has.
    """
    if left == right:
        raise BadInput(
            f"version '{left[:20]}' cannot be compared with itself",
            where=initiative,
            remedy="Choose another version.",
        )
    both = [require_version(governance, initiative, version, moment) for version in (left, right)]
    faces = [_face(governance, moment, one) for one in both]
    return Comparison(
        initiative,
        registered(governance, initiative, moment).name,
        faces[0],
        faces[1],
        _metrics(both[0].metrics, both[1].metrics),
        tuple(_pairs(both[0], both[1])),
        _slices(governance, moment, initiative, (left, right), by),
        (_decay(governance, moment, both[0]), _decay(governance, moment, both[1])),
    )


def _face(governance: Governance, moment: Moment, known: Version) -> VersionFace:
    initiative, version = known.initiative, known.version
    batches = lake_monitoring.batches(governance.store, initiative, version, moment)
    kind = governance.policy(moment).kind(registered(governance, initiative, moment).kind)
    return VersionFace(
        known,
        grade_reproducibility(values_of(known), kind.made_of),
        version_approval(governance, moment, initiative=initiative, version=version),
        sum(batch.rows for batch in batches),
        kind,
    )


def metric_title(name: str) -> str:
    """A metric's name as people read it."""
    known = DECAY_METRICS.get(name) or SLICE_METRICS.get(name)
    return known.title if known else name.replace("_", " ").capitalize()


def _metrics(left: Mapping[str, float], right: Mapping[str, float]) -> tuple[MetricPair, ...]:
    return tuple(_metric(name, left.get(name), right.get(name)) for name in dict.fromkeys((*left, *right)))


def _metric(name: str, left: float | None, right: float | None) -> MetricPair:
    change = None if left is None or right is None else right - left
    known = DECAY_METRICS.get(name) or SLICE_METRICS.get(name)
    better = None
    if change and known is not None and known.direction in ("higher", "lower"):
        better = (change > 0) == (known.direction == "higher")
    return MetricPair(name, metric_title(name), left, right, change, better)


_PARTS = (
    ("Model", "Algorithm", "algorithm", "algorithm"),
    ("Model", "What it predicts", "task", "task"),
    ("Model", "Model file", "artifact_uri", "artifact_sha256"),
    ("Model", "Its sha256", "artifact_sha256", "artifact_sha256"),
    ("Data", "Training data", "data_uri", "data_sha256"),
    ("Data", "Its sha256", "data_sha256", "data_sha256"),
    ("Data", "Kept in full or as a sample", "data_kind", "data_kind"),
    ("Code", "Code", "code_uri", "code_commit"),
    ("Code", "Commit", "code_commit", "code_commit"),
    ("Environment", "Lock file", "environment_uri", "environment_sha256"),
    ("Environment", "Its sha256", "environment_sha256", "environment_sha256"),
    ("Environment", "Image of the machine", "image_uri", "image_sha256"),
    ("Environment", "Its sha256", "image_sha256", "image_sha256"),
    ("Metrics", "Snapshot of the metrics", "metrics_uri", "metrics_sha256"),
    ("Metrics", "Its sha256", "metrics_sha256", "metrics_sha256"),
)


def _pairs(left: Version, right: Version) -> list[Pair]:
    """Each part of both; an address says nothing on what lies there, so it is judged by its digest."""
    mine, theirs = values_of(left), values_of(right)
    others = [
        (in_words(name).capitalize(), title, field, field)
        for name, part in PARTS.items()
        for field in (*part.beside, *part.locked_by)
        if (mine[field] or theirs[field]) and field not in {shown for *_, shown, _ in _PARTS}
        for title in [VersionLinks.model_fields[field].title or field]
    ]
    return [
        Pair(part, label, str(mine[shown]), str(theirs[shown]), _sameness(str(mine[by]), str(theirs[by])))
        for part, label, shown, by in (*_PARTS, *others)
    ]


def _sameness(left: str, right: str) -> Sameness:
    if left and right:
        return "same" if left == right else "different"
    return "one_missing" if left or right else "both_missing"


def _slices(
    governance: Governance, moment: Moment, initiative: str, versions: tuple[str, str], by: str
) -> SlicesPair:
    sides = [_choices(governance, moment, initiative, version) for version in versions]
    features = [[feature.name for feature in side.features] if side else [] for side in sides]
    both = [name for name in features[0] if name in features[1]]
    either = tuple(dict.fromkeys((*both, *features[0], *features[1])))
    if by and by not in either:
        raise BadInput(
            f"neither version can be sliced by '{by[:60]}'",
            where=initiative,
            remedy=f"Use one of: {', '.join(either)}." if either else "Add predictions first.",
        )
    chosen = by or (either[0] if either else "")
    notes = [_lacking(side, chosen in own, chosen) for side, own in zip(sides, features, strict=True)]
    left, right = ((None if note else side) for side, note in zip(sides, notes, strict=True))
    try:
        found = _measured(governance, moment, left, right, chosen)
    except BadInput as problem:  # what cannot be sliced is said, not hidden
        unsliced = [SlicesSide(note or str(problem)) for note in notes]
        return SlicesPair(chosen, either, unsliced[0], unsliced[1])
    changes, slices = found[0], [SlicesSide(*each) for each in zip(notes, found[1], strict=True)]
    return SlicesPair(chosen, either, slices[0], slices[1], changes)


def _choices(
    governance: Governance, moment: Moment, initiative: str, version: str
) -> bias.SliceChoices | None:
    """What a version can be sliced by, sensitive features first; None without predictions."""
    try:
        return bias.slice_choices(governance, moment, initiative=initiative, version=version)
    except NotFound:
        return None


def _lacking(side: bias.SliceChoices | None, has_it: bool, by: str) -> str:
    """Why a version has no slices of this feature; empty where it has."""
    if side is None:
        return NO_PREDICTIONS
    if has_it:
        return ""
    return f"Its predictions have no column “{by}”." if by else "Nothing to slice by."


def _measured(
    governance: Governance,
    moment: Moment,
    left: bias.SliceChoices | None,
    right: bias.SliceChoices | None,
    by: str,
) -> tuple[tuple[SliceChange, ...], tuple[BiasSlices | None, BiasSlices | None]]:
    """Slices of both cut alike, or those of the only one that has any."""
    if left is not None and right is not None:
        found = compare_batches(governance, moment, right.batches, left.batches, (by,))
        return found.changes, (found.other, found.now)
    alone = left or right
    if alone is None:
        return (), (None, None)
    own = alone.batches
    slices = bias.bias_slices(
        governance,
        moment,
        initiative=own.initiative,
        version=own.version,
        by=(by,),
        part=alone.parts[0],
    )
    if left is not None:
        return tuple(SliceChange(line.label, other=line) for line in slices.report.slices), (slices, None)
    return tuple(SliceChange(line.label, now=line) for line in slices.report.slices), (None, slices)


def _decay(governance: Governance, moment: Moment, known: Version) -> DecaySide:
    initiative, version = known.initiative, known.version
    if not lake_monitoring.batches(governance.store, initiative, version, moment):
        return DecaySide(NO_PREDICTIONS)
    try:
        view = decay_report(governance, moment, initiative=initiative, version=version)
    except NotFound:
        return DecaySide(NOT_ESTIMATED)
    newest = view.chunks[-1]
    realised = [chunk.realised for chunk in view.chunks if chunk.realised is not None]
    return DecaySide(
        "",
        view.metric,
        len(view.analysis),
        view.worse,
        view.realised_worse,
        newest.estimate,
        realised[-1] if realised else None,
        view.trusted,
    )
