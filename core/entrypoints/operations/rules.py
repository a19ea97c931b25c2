"""Operations on frameworks, rights, ALCOA grades and the ethical position."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from core.domain.commands import make
from core.domain.rules.coverage import Coverage
from core.domain.rules.frameworks import Framework, Standing
from core.entrypoints.operations import results
from core.entrypoints.operations.operation import Call, Operation
from core.entrypoints.operations.parameters import AsOf, AsOfParameters, Parameters, Texts
from core.services.plain import plain
from core.services.process.alcoa import alcoa_sheet
from core.services.rules.ethics import (
    PublishEthics,
    ethics_in_force,
    ethics_versions,
    publish_ethics,
    transparency_demand,
)
from core.services.rules.frameworks import FrameworkLine, clause_proofs, framework_overview
from core.services.rules.initiative_frameworks import RecordRegions, initiative_frameworks, record_regions
from core.services.rules.rights import (
    ExcludeRight,
    SettleRight,
    exclude_right,
    rights_checklist,
    rights_overview,
    settle_right,
)


class FrameworkToShow(Parameters):
    """A framework to open."""

    framework: str
    as_of: AsOf = ""


class ClauseToFollow(Parameters):
    """A clause to follow to its proofs, at one initiative or at all that it concerns."""

    framework: str
    clause: str
    initiative: str = ""
    as_of: AsOf = ""


class OfInitiative(Parameters):
    """An initiative as it stood at a moment."""

    initiative: str
    as_of: AsOf = ""


class NewRegions(Parameters):
    """Where the people live whom an initiative concerns."""

    initiative: str
    regions: Annotated[Texts, Field(min_length=1)]
    reason: str


class RightToSettle(Parameters):
    """How a right is answered; `ready_on` is the day from which that works."""

    initiative: str
    right: str
    answered_by: str = ""
    how: str
    within_days: int
    ready_on: date | None = None


class RightToExclude(Parameters):
    """Why nobody can ask for a right at an initiative."""

    initiative: str
    right: str
    reason: str


class EthicsText(Parameters):
    """An ethical position as written, and the file's name for messages."""

    text: str
    name: str = "ethics.yaml"


class EthicsToShow(Parameters):
    """The ethical position; with an initiative, what it demands of that one."""

    initiative: str = ""
    as_of: AsOf = ""


def _list_frameworks(call: Call, asked: AsOfParameters) -> Any:
    moment = call.moment(asked.as_of)
    found = framework_overview(call.governance, moment)
    return {
        "moment": results.moment_result(moment),
        "version": found.version,
        "overall": _coverage(found.overall),
        "frameworks": [_line(line) for line in found.lines],
    }


def _show_framework(call: Call, asked: FrameworkToShow) -> Any:
    moment = call.moment(asked.as_of)
    found = framework_overview(call.governance, moment).line(asked.framework)
    clauses = [
        {
            **plain(line.clause),
            "answered_by": line.measures,
            "binding": line.binding,
            "initiatives": line.initiatives,
            "coverage": _coverage(line.coverage),
        }
        for line in found.clauses
    ]
    return {"moment": results.moment_result(moment), **_line(found), "clauses": clauses}


def _clause_proofs(call: Call, asked: ClauseToFollow) -> Any:
    moment = call.moment(asked.as_of)
    values = asked.model_dump(exclude={"as_of"})
    proofs = clause_proofs(call.governance, moment, **values)
    return {"moment": results.moment_result(moment), **values, "proofs": proofs}


def _initiative_frameworks(call: Call, asked: OfInitiative) -> Any:
    moment = call.moment(asked.as_of)
    found = initiative_frameworks(call.governance, moment, initiative=asked.initiative)
    return {
        "moment": results.moment_result(moment),
        "initiative": found.initiative,
        "name": found.name,
        "regions": found.regions,
        "own_regions": found.own_regions,
        "overall": _coverage(found.overall),
        "frameworks": [
            {
                **_named(one.framework, one.standing),
                "why": one.why,
                "coverage": _coverage(one.coverage),
                "clauses": [
                    {**plain(answer.clause), "state": answer.state, "binding": answer.binding,
                     "proofs": answer.proofs}
                    for answer in one.clauses
                ],
            }
            for one in found.frameworks
        ],
    }  # fmt: skip


def _record_regions(call: Call, asked: NewRegions) -> Any:
    record_regions(call.governance, make(RecordRegions, **call.origin, **asked.model_dump()))
    return asked


def _rights_overview(call: Call, asked: AsOfParameters) -> Any:
    moment = call.moment(asked.as_of)
    found = rights_overview(call.governance, moment)
    return {"moment": results.moment_result(moment), "initiatives": found}


def _rights_checklist(call: Call, asked: OfInitiative) -> Any:
    moment = call.moment(asked.as_of)
    found = rights_checklist(call.governance, moment, initiative=asked.initiative)
    return {"moment": results.moment_result(moment), **plain(found), "open": found.open}


def _settle_right(call: Call, asked: RightToSettle) -> Any:
    values = {**asked.model_dump(), "answered_by": asked.answered_by or call.actor.id}
    settle_right(call.governance, make(SettleRight, **call.origin, **values))
    return values


def _exclude_right(call: Call, asked: RightToExclude) -> Any:
    exclude_right(call.governance, make(ExcludeRight, **call.origin, **asked.model_dump()))
    return asked


def _grade_evidence(call: Call, asked: OfInitiative) -> Any:
    moment = call.moment(asked.as_of)
    found = alcoa_sheet(call.governance, moment, initiative=asked.initiative)
    return {
        "moment": results.moment_result(moment),
        "initiative": found.initiative,
        "name": found.name,
        "by_letter": {
            letter: {grade.value: number for grade, number in counts.items()}
            for letter, counts in found.by_letter.items()
        },
        "evidence": [{**plain(one), "overall": one.overall} for one in found.evidence],
    }


def _show_ethics(call: Call, asked: EthicsToShow) -> Any:
    moment = call.moment(asked.as_of)
    held = ethics_in_force(call.governance, moment)
    demand = (
        transparency_demand(call.governance, moment, initiative=asked.initiative)
        if asked.initiative
        else None
    )
    versions = [
        {
            "version": one.in_force.version,
            "published_at": one.in_force.published_at,
            "published_by": one.in_force.published_by,
            "seq": one.in_force.seq,
            "sha256": one.in_force.sha256,
            "changes": one.changes,
        }
        for one in ethics_versions(call.governance, moment)
    ]
    limits = {
        domain.id: {
            task: held.ethics.limit_for(domain.id, task).sentence for task in ("binary", "regression")
        }
        for domain in held.ethics.domains
    }
    return {
        "moment": results.moment_result(moment),
        **plain(held),
        "limits": limits,
        "versions": versions,
        "transparency_demand": demand,
    }


def _publish_ethics(call: Call, asked: EthicsText) -> Any:
    ethics = publish_ethics(call.governance, make(PublishEthics, **call.origin, **asked.model_dump()))
    return {"version": ethics.version, "title": ethics.title}


def _line(line: FrameworkLine) -> dict[str, Any]:
    return {
        **_named(line.framework, line.standing),
        "initiatives": line.initiatives,
        "coverage": _coverage(line.coverage),
        "by_class": {class_id: _coverage(found) for class_id, found in line.by_class.items()},
        "gaps": line.gaps,
        "partly": line.partly,
    }


def _named(framework: Framework, standing: Standing) -> dict[str, Any]:
    kept = framework.model_dump(exclude={"clauses", "when"})
    return {**kept, "standing": standing}


def _coverage(found: Coverage) -> dict[str, Any]:
    return {**plain(found), "counted": found.counted, "share": found.share}


OPERATIONS: Mapping[str, Operation] = {
    "list_frameworks": Operation(AsOfParameters, _list_frameworks),
    "show_framework": Operation(FrameworkToShow, _show_framework),
    "clause_proofs": Operation(ClauseToFollow, _clause_proofs),
    "initiative_frameworks": Operation(OfInitiative, _initiative_frameworks),
    "record_regions": Operation(NewRegions, _record_regions),
    "rights_overview": Operation(AsOfParameters, _rights_overview),
    "rights_checklist": Operation(OfInitiative, _rights_checklist),
    "settle_right": Operation(RightToSettle, _settle_right),
    "exclude_right": Operation(RightToExclude, _exclude_right),
    "grade_evidence": Operation(OfInitiative, _grade_evidence),
    "show_ethics": Operation(EthicsToShow, _show_ethics),
    "publish_ethics": Operation(EthicsText, _publish_ethics),
}
