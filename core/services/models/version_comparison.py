"""Two model versions side by side: what they are made of, their figures, slices and decay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from core.analytics.decay.metrics import DECAY_METRICS, DecayMetric
from core.analytics.slices.metrics import SLICE_METRICS
from core.domain.errors import BadInput, NotFound
from core.domain.given import InitiativeId, argument
from core.domain.models.reproducibility import ReproducibilityGrade, grade_reproducibility
from core.domain.moment import Moment
from core.lake.monitoring import readings as lake_monitoring
from core.lake.process import initiatives as lake_initiatives
from core.services.governance import Governance
from core.services.measured import bias, decay_view
from core.services.models.versions import require_version, version_approval

Sameness = Literal["same", "different", "one_missing", "both_missing"]
NO_PREDICTIONS = "No predictions are on record for this version."
NOT_ESTIMATED = "It has predictions, but its performance has not been estimated."


@dataclass(frozen=True)
class VersionFace:
    """A version as it is compared: what is recorded, its grade, and who approved it when (None: nobody)."""

    row: Mapping[str, Any]
    grade: ReproducibilityGrade
    approval: Mapping[str, Any] | None
    predictions: int


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
class SlicePair:
    """One slice of both; None where a side has no such slice, or the value is undefined there."""

    label: str
    left: float | None
    right: float | None
    left_rows: int
    right_rows: int
    left_verdict: str | None
    right_verdict: str | None


@dataclass(frozen=True)
class SlicesSide:
    """Slices of one version, or in `note` why there are none."""

    note: str
    slices: bias.BiasSlices | None


@dataclass(frozen=True)
class SlicesPair:
    """One feature's slices of both; `by` is empty where no feature can be sliced on either side."""

    by: str
    features: tuple[str, ...]
    metric: str
    form: str
    rows: tuple[SlicePair, ...]
    left: SlicesSide
    right: SlicesSide


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
    """All versions of an initiative, newest first, with state, grade and approval.

    Raises
    ------
    NotFound
        No such initiative.
    """
    rows = lake_initiatives.versions(governance.store, initiative, moment)
    if not rows and lake_initiatives.current(governance.store, initiative, moment) is None:
        raise NotFound(f"no initiative '{initiative[:80]}' is registered", remedy="Choose one of the list.")
    return tuple(_face(governance, moment, row) for row in rows)


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

    Raises
    ------
    NotFound, BadInput
        No such initiative or version; twice the same version; a feature that neither has.
    """
    if left == right:
        raise BadInput(
            f"version '{left[:20]}' cannot be compared with itself",
            where=initiative,
            remedy="Choose another version.",
        )
    rows = [require_version(governance, initiative, version, moment) for version in (left, right)]
    faces = [_face(governance, moment, row) for row in rows]
    known = lake_initiatives.current(governance.store, initiative, moment)
    assert known is not None  # a version was found
    return Comparison(
        initiative,
        known["name"],
        faces[0],
        faces[1],
        _metrics(rows[0]["metrics"], rows[1]["metrics"]),
        tuple(_pairs(rows[0], rows[1])),
        _slices(governance, moment, initiative, (left, right), by),
        (_decay(governance, moment, rows[0]), _decay(governance, moment, rows[1])),
    )


def _face(governance: Governance, moment: Moment, row: dict[str, Any]) -> VersionFace:
    initiative, version = row["initiative"], row["version"]
    batches = lake_monitoring.batches(governance.store, initiative, version, moment)
    return VersionFace(
        row,
        grade_reproducibility(row),
        version_approval(governance, moment, initiative=initiative, version=version),
        sum(batch["rows"] for batch in batches),
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


def _pairs(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[Pair]:
    """Each part of both; an address says nothing on what lies there, so it is judged by its digest."""
    return [
        Pair(part, label, left[shown] or "", right[shown] or "", _sameness(left[by] or "", right[by] or ""))
        for part, label, shown, by in _PARTS
    ]


def _sameness(left: str, right: str) -> Sameness:
    if left and right:
        return "same" if left == right else "different"
    return "one_missing" if left or right else "both_missing"


def _slices(
    governance: Governance, moment: Moment, initiative: str, versions: tuple[str, str], by: str
) -> SlicesPair:
    features = [_features(governance, moment, initiative, version) for version in versions]
    both = [name for name in features[0] if name in features[1]]
    either = list(dict.fromkeys((*both, *features[0], *features[1])))
    if by and by not in either:
        raise BadInput(
            f"neither version can be sliced by '{by[:60]}'",
            where=initiative,
            remedy=f"Use one of: {', '.join(either)}." if either else "Add predictions first.",
        )
    chosen = by or (either[0] if either else "")
    sides = [
        _slices_of(governance, moment, initiative, version, chosen, chosen in own)
        for version, own in zip(versions, features, strict=True)
    ]
    shown = next((side.slices for side in sides if side.slices is not None), None)
    title = shown.report.metric.title if shown else ""
    form = shown.report.metric.form if shown else ""
    return SlicesPair(chosen, tuple(either), title, form, _slice_rows(sides), *sides)


def _features(governance: Governance, moment: Moment, initiative: str, version: str) -> list[str]:
    """What a version can be sliced by, sensitive features first; empty without predictions."""
    try:
        choices = bias.slice_choices(governance, moment, initiative=initiative, version=version)
    except NotFound:
        return []
    return [feature.name for feature in choices.features]


def _slices_of(
    governance: Governance, moment: Moment, initiative: str, version: str, by: str, has_it: bool
) -> SlicesSide:
    if not lake_monitoring.batches(governance.store, initiative, version, moment):
        return SlicesSide(NO_PREDICTIONS, None)
    if not has_it:
        return SlicesSide(f"Its predictions have no column “{by}”." if by else "Nothing to slice by.", None)
    parts = bias.slice_choices(governance, moment, initiative=initiative, version=version).parts
    try:
        found = bias.bias_slices(
            governance, moment, initiative=initiative, version=version, by=(by,), part=parts[0]
        )
    except BadInput as problem:  # what cannot be sliced is said, not hidden
        return SlicesSide(str(problem), None)
    return SlicesSide("", found)


def _slice_rows(sides: list[SlicesSide]) -> tuple[SlicePair, ...]:
    found = [
        {line.label: line for line in side.slices.report.slices} if side.slices else {} for side in sides
    ]
    labels = dict.fromkeys((*found[0], *found[1]))
    return tuple(
        SlicePair(
            label,
            left.value if (left := found[0].get(label)) else None,
            right.value if (right := found[1].get(label)) else None,
            left.n if left else 0,
            right.n if right else 0,
            left.verdict if left else None,
            right.verdict if right else None,
        )
        for label in labels
    )


def _decay(governance: Governance, moment: Moment, row: Mapping[str, Any]) -> DecaySide:
    initiative, version = row["initiative"], row["version"]
    if not lake_monitoring.batches(governance.store, initiative, version, moment):
        return DecaySide(NO_PREDICTIONS)
    try:
        view = decay_view.decay_view(governance, moment, initiative=initiative, version=version)
    except NotFound:
        return DecaySide(NOT_ESTIMATED)
    newest = view.chunks[-1]
    known = [chunk.realised for chunk in view.chunks if chunk.realised is not None]
    return DecaySide(
        "",
        view.metric,
        view.analysis,
        view.worse,
        view.realised_worse,
        newest.estimate,
        known[-1] if known else None,
        view.trust.verdict,
    )
