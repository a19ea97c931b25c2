"""The use cases of models: versions, the data that they use, and the documents that are made of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from core.analytics.slices.report import SliceChange
from core.connectors.pack_files import file_name, render
from core.domain.commands import (
    AmendModelVersion,
    DeployVersion,
    PromoteVersion,
    RegisterModelVersion,
    RetireVersion,
)
from core.domain.facts.models import VersionState
from core.domain.facts.recorded import values_of
from core.domain.given import InitiativeId
from core.domain.models import lineage as given
from core.domain.models.model_card import OfKind, WriteDocumentText
from core.domain.moment import Moment
from core.domain.policy.checks import TRUSTED_BY
from core.ground import Result, plain
from core.services.governance import Governance
from core.services.models import data_sources
from core.services.models.amendments import AmendColumns, DeclareOutcome, amend_columns, declare_outcome
from core.services.models.documents import document, note_history, write_document_text
from core.services.models.lineage import Lineage, lineage, source_sheet
from core.services.models.version_comparison import (
    Comparison,
    DecaySide,
    SlicesSide,
    VersionFace,
    compare_versions,
    version_faces,
)
from core.services.models.versions import (
    amend_model_version,
    deploy_version,
    promote_version,
    register_model_version,
    retire_version,
    version_history,
)
from core.services.use_case import Call, Choice, Line, Values, asks, does


def list_versions(governance: Governance, moment: Moment, *, initiative: InitiativeId) -> Result:
    """List the versions of an initiative, with what each is and how well it can be made again."""
    return {"versions": [_face(one) for one in version_faces(governance, moment, initiative=initiative)]}


def _face(face: VersionFace) -> Result:
    grade = face.grade
    return {
        **values_of(face.version),
        "reproducibility": {
            "grade": grade.rung,
            "title": grade.title,
            "reasons": grade.reasons,
            "lacking": grade.lacking,
        },
        "approved": face.approval,
        "predictions": face.predictions,
    }


def _comparison(found: Comparison) -> Result:
    slices = found.slices
    sides = {"left": _slices_side(slices.left), "right": _slices_side(slices.right)}
    left, right = found.decay
    return {
        **vars(found),
        "left": _face(found.left),
        "right": _face(found.right),
        "slices": {
            "by": slices.by,
            "features": slices.features,
            "metric": slices.report.metric.title if slices.report else "",
            "form": slices.report.metric.form if slices.report else "",
            "rows": [_slice_row(change) for change in slices.changes],
            **sides,
        },
        "decay": {"left": _decay_side(left), "right": _decay_side(right)},
    }


def _slice_row(change: SliceChange) -> Result:
    left, right = change.other, change.now
    return {
        "label": change.label,
        "left": left.value if left else None,
        "right": right.value if right else None,
        "left_rows": left.n if left else 0,
        "right_rows": right.n if right else 0,
        "left_verdict": left.verdict if left else None,
        "right_verdict": right.verdict if right else None,
    }


def _slices_side(side: SlicesSide) -> Result:
    report = side.slices.report if side.slices else None
    return {
        "note": side.note or (report.note if report else ""),
        "verdict": report.verdict if report else None,
        "lowest_ratio": report.lowest_ratio if report else None,
        "widest_difference": report.widest_difference if report else None,
    }


def _decay_side(side: DecaySide) -> Result:
    return {**vars(side), "metric": side.metric.id if side.metric else None, "trusted_by": TRUSTED_BY}


def _lineage(found: Lineage) -> Result:
    return {
        "nodes": [{**vars(node), "state": node.state} for node in found.graph.nodes],
        "edges": found.graph.edges,
        "uses": found.lines,
        "sources": found.sources,
        "warnings": found.warnings,
    }


def write_document(
    governance: Governance,
    moment: Moment,
    *,
    initiative: InitiativeId,
    kind: OfKind = "card",
    form: Annotated[Literal["html", "md"], Field(description="html or md.")] = "html",
    version: Annotated[str, Field(description="Model version; the current one where none is named.")] = "",
) -> Result:
    """Write a model card or technical file from the record."""
    found = document(governance, moment, initiative=initiative, kind=kind, version=version)
    return {
        "initiative": initiative,
        "title": found.title,
        "version": found.version,
        "file_name": file_name(found, form),
        "missing": [
            {"section": section.definition.id, "what": one.what, "remedy": one.remedy}
            for section in found.sections
            for one in section.missing
        ],
        "content": render(found, form),
    }


def _running(_: Call, command: DeployVersion, turn: VersionState) -> Result:
    return {"initiative": turn.initiative, "version": turn.version, "role": turn.role}


def _deployed(result: Result) -> str:
    what = f"Version {result['version']} of" if result["version"] else "Without a registered version,"
    return f"{what} {result['initiative']} is in production as {result['role'].replace('_', ' ')}."


def _now(state: str) -> Callable[[Call, PromoteVersion | RetireVersion, None], Result]:
    return lambda call, command, _: {
        "initiative": command.initiative,
        "version": command.version,
        "state": state,
    }


def _added(result: Result) -> str:
    beside = ", beside the one in production or to come" if result["state"] == "registered" else ""
    return f"Version {result['version']} of {result['initiative']} is on record{beside}."


def _amended(result: Result) -> str:
    what = ", ".join(field.replace("_", " ") for field in result["changed"])
    return f"Version {result['version']} of {result['initiative']} is amended: {what}."


def _served(result: Result) -> str:
    return f"{result['initiative']} serves {', '.join(result['processes']) or 'no business process'}."


def _ends(records: str, ends: str) -> Callable[[Values], str]:
    return lambda typed: ends if typed.get("end") else records


_ALL: Mapping[str, object] = {"source": "", "model": "", "process": "", "past": False}
_ONE_TEAM = {"team": "Only what has to do with this team."}


def _favourable(result: Result) -> str:
    what = " and ".join(result["favourable"]) or "neither outcome"
    return f"Of {result['initiative']} version {result['version']}, {what} is favourable."


def _of_version(_: Call, command: AmendColumns | DeclareOutcome, found: object) -> Result:
    return {"initiative": command.initiative, "version": command.version, **plain(found)}


GROUPS: Mapping[str, str] = {
    "version": "Model versions.",
    "outcome": "Outcomes of model versions: which are good to get.",
    "mapping": "Columns of model versions: how their values are read.",
    "data": "Data sources, their use, and warnings about them.",
}

USE_CASES = (
    does(
        register_model_version,
        RegisterModelVersion,
        Line("version add", _added),
        repeats=("initiative", "version"),
        returns="state",
    ),
    does(
        amend_model_version,
        AmendModelVersion,
        Line("version amend", _amended),
        repeats=("initiative", "version"),
        returns="changed",
    ),
    does(
        promote_version,
        PromoteVersion,
        Line("version promote", "Version {version} is now the current version of {initiative}."),
        returns=_now("candidate"),
    ),
    does(deploy_version, DeployVersion, Line("version deploy", _deployed), returns=_running),
    asks(version_history, Line("version history"), may="read_initiatives", returns="runs"),
    does(
        retire_version,
        RetireVersion,
        Line("version retire", "Version {version} of {initiative} is retired."),
        returns=_now("retired"),
    ),
    asks(list_versions, Line("version list"), may="read_initiatives"),
    asks(compare_versions, Line("version compare"), may="read_initiatives", returns=_comparison),
    does(
        data_sources.record_data_source,
        given.RecordDataSource,
        Line("data add", "{name} is on record as {source}."),
        repeats=(),
        returns="source",
    ),
    does(data_sources.record_upstream, given.RecordUpstream, name="record_data_upstream"),
    does(data_sources.end_upstream, given.EndUpstream, name="end_data_upstream"),
    does(data_sources.record_data_use, given.RecordDataUse),
    does(data_sources.end_data_use, given.EndDataUse),
    does(declare_outcome, DeclareOutcome, Line("outcome declare", _favourable), returns=_of_version),
    does(amend_columns, AmendColumns, Line("mapping amend"), returns=_of_version),
    does(
        data_sources.record_processes,
        given.RecordProcesses,
        Line("data serves", _served),
        name="record_business_processes",
    ),
    does(
        data_sources.mark_data_bad,
        given.MarkDataBad,
        Line("data bad"),
        repeats=("source",),
        returns="initiatives",
    ),
    does(
        data_sources.clear_data,
        given.ClearData,
        Line("data clear", "{source} is no longer marked as bad."),
        repeats=("source",),
    ),
    asks(
        lineage,
        Line("data list", fixed=_ALL, described=_ONE_TEAM, help="List the data sources."),
        Line("lineage"),
        may="read_initiatives",
        name="read_lineage",
        returns=_lineage,
    ),
    asks(source_sheet, Line("data show"), may="read_initiatives", name="show_data_source"),
    asks(write_document, may="read_initiatives"),
    does(
        write_document_text,
        WriteDocumentText,
        Line(
            "document-text",
            "It stands beside the section {section}; earlier wordings are kept.",
            fixed={"seen": None},
            needs=("text",),
        ),
        repeats=("initiative", "kind", "section"),
    ),
    asks(
        note_history,
        Line("document-notes"),
        may="read_initiatives",
        name="read_document_notes",
        returns="notes",
    ),
)

CHOICES = (
    Choice(
        "data upstream",
        "Record that a source is made from another one, or no longer is.",
        ("record_data_upstream", "end_data_upstream"),
        _ends("record_data_upstream", "end_data_upstream"),
        flags={"end": "It is no longer made from it."},
        says={
            "record_data_upstream": "{source} is made from {upstream}.",
            "end_data_upstream": "{source} is no longer made from {upstream}.",
        },
    ),
    Choice(
        "data use",
        "Record that a model uses data, or no longer does.",
        ("record_data_use", "end_data_use"),
        _ends("record_data_use", "end_data_use"),
        flags={"end": "This use is over."},
        says={
            "record_data_use": "{initiative} uses {source} for {how}.",
            "end_data_use": "{initiative} no longer uses {source} for {how}.",
        },
    ),
)
