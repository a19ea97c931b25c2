"""Operations on model versions: amend, promote, retire, list and compare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.analytics.slices.change import SliceChange
from core.domain.commands import AmendModelVersion, PromoteVersion, RetireVersion, make
from core.entrypoints.operations.operation import Call, Operation
from core.entrypoints.operations.parameters import AsOf, Parameters, VersionLinks
from core.entrypoints.operations.results import moment_result, plain
from core.services.models.version_comparison import (
    Comparison,
    DecaySide,
    SlicesSide,
    VersionFace,
    compare_versions,
    version_faces,
)
from core.services.models.versions import amend_model_version, promote_version, retire_version


class VersionToAmend(VersionLinks):
    """What to fill in of a version; empty fields leave what is there."""

    initiative: str
    version: str
    reason: str


class VersionToMove(Parameters):
    """A version to promote or to retire, and why."""

    initiative: str
    version: str
    reason: str


class VersionsToList(Parameters):
    """An initiative whose versions to list."""

    initiative: str
    as_of: AsOf = ""


class VersionsToCompare(Parameters):
    """Two versions; `by` is the feature whose slices to compare."""

    initiative: str
    left: str
    right: str
    by: str = ""
    as_of: AsOf = ""


def _amend(call: Call, asked: VersionToAmend) -> Any:
    command = make(AmendModelVersion, **call.origin, **asked.model_dump())
    changed = amend_model_version(call.governance, command)
    return {"initiative": asked.initiative, "version": asked.version, "changed": changed}


def _promote(call: Call, asked: VersionToMove) -> Any:
    promote_version(call.governance, make(PromoteVersion, **call.origin, **asked.model_dump()))
    return {"initiative": asked.initiative, "version": asked.version, "state": "champion"}


def _retire(call: Call, asked: VersionToMove) -> Any:
    retire_version(call.governance, make(RetireVersion, **call.origin, **asked.model_dump()))
    return {"initiative": asked.initiative, "version": asked.version, "state": "retired"}


def _list(call: Call, asked: VersionsToList) -> Any:
    moment = call.moment(asked.as_of)
    faces = version_faces(call.governance, moment, initiative=asked.initiative)
    return {"moment": moment_result(moment), "versions": [face_result(face) for face in faces]}


def _compare(call: Call, asked: VersionsToCompare) -> Any:
    moment = call.moment(asked.as_of)
    found = compare_versions(call.governance, moment, **asked.model_dump(exclude={"as_of"}))
    return {"moment": moment_result(moment), **comparison_result(found)}


def face_result(face: VersionFace) -> dict[str, Any]:
    """A version with its state, grade and approval."""
    return {
        **plain(face.row),
        "reproducibility": {
            "grade": face.grade.rung,
            "title": face.grade.title,
            "reasons": list(face.grade.reasons),
            "lacking": list(face.grade.lacking),
        },
        "approved": plain(face.approval),
        "predictions": face.predictions,
    }


def comparison_result(found: Comparison) -> dict[str, Any]:
    """Two versions side by side, as values."""
    slices = found.slices
    return {
        "initiative": found.initiative,
        "name": found.name,
        "left": face_result(found.left),
        "right": face_result(found.right),
        "metrics": plain(found.metrics),
        "made_of": plain(found.made_of),
        "slices": {
            "by": slices.by,
            "features": slices.features,
            "metric": slices.report.metric.title if slices.report else "",
            "form": slices.report.metric.form if slices.report else "",
            "rows": [_slice_row(change) for change in slices.changes],
            "left": _slices_side(slices.left),
            "right": _slices_side(slices.right),
        },
        "decay": {side: _decay_side(one) for side, one in zip(("left", "right"), found.decay, strict=True)},
    }


def _slice_row(change: SliceChange) -> dict[str, Any]:
    left, right = change.other, change.now
    return {
        "label": change.label,
        "left": plain(left.value) if left else None,
        "right": plain(right.value) if right else None,
        "left_rows": left.n if left else 0,
        "right_rows": right.n if right else 0,
        "left_verdict": left.verdict if left else None,
        "right_verdict": right.verdict if right else None,
    }


def _slices_side(side: SlicesSide) -> dict[str, Any]:
    report = side.slices.report if side.slices else None
    return {
        "note": side.note,
        "verdict": report.verdict if report else None,
        "lowest_ratio": report.lowest_ratio if report else None,
        "widest_difference": report.widest_difference if report else None,
    }


def _decay_side(side: DecaySide) -> dict[str, Any]:
    return {**vars(side), "metric": side.metric.id if side.metric else None}


OPERATIONS: Mapping[str, Operation] = {
    "amend_model_version": Operation(VersionToAmend, _amend),
    "promote_version": Operation(VersionToMove, _promote),
    "retire_version": Operation(VersionToMove, _retire),
    "list_versions": Operation(VersionsToList, _list),
    "compare_versions": Operation(VersionsToCompare, _compare),
}
