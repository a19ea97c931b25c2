"""Operations on initiatives, gates, figures, people and the record."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from core.domain.commands import (
    DecideGate,
    OverrideClassification,
    RegisterInitiative,
    RegisterModelVersion,
    RunChecks,
    SubmitEvidence,
    make,
)
from core.domain.errors import BadInput, NotFound
from core.domain.moment import Moment
from core.entrypoints.operations import parameters as given
from core.entrypoints.operations import results
from core.entrypoints.operations.operation import Call, Operation
from core.lake.process.initiatives import newest_version
from core.services.lookups import require_initiative
from core.services.models.versions import register_model_version
from core.services.oversight.kpis import governance_kpis
from core.services.oversight.teams import team_standings
from core.services.people import AddPerson, add_person
from core.services.process.checks import run_checks
from core.services.process.evidence import submit_evidence
from core.services.process.gates import ask_gate, decide_gate
from core.services.process.initiatives import override_classification, register_initiative
from core.services.process.inventory import initiative_sheet, inventory
from core.services.record.entries import record_page


def _list_initiatives(call: Call, asked: given.ListInitiatives) -> Any:
    moment = call.moment(asked.as_of)
    rows = inventory(call.governance, moment, **asked.model_dump(exclude={"as_of"}))
    titles = {gate.id: gate.title for gate in call.governance.policy(moment).gates}
    titled = [{**row, "next_gate_title": titles.get(row["next_gate"])} for row in rows]
    return {"moment": results.moment_result(moment), "initiatives": titled}


def _show_initiative(call: Call, asked: given.ShowInitiative) -> Any:
    moment = call.moment(asked.as_of)
    sheet = initiative_sheet(call.governance, moment, initiative=asked.initiative)
    return {"moment": results.moment_result(moment), **results.sheet_result(sheet, call.governance.roles)}


def _list_questions(call: Call, asked: given.Nothing) -> Any:
    governance = call.governance
    moment = call.moment("")
    policy, ethics = governance.policy(moment), governance.position(moment)
    return {
        "questions": policy.questions,
        "domains": [{"id": domain.id, "title": domain.title} for domain in ethics.domains],
        "people": [{"id": person.id, "name": person.name} for person in governance.people()],
        "actor": call.actor,
    }


def _register_initiative(call: Call, asked: given.NewInitiative) -> Any:
    values = asked.model_dump()
    values["owner"] = asked.owner or call.actor.id
    values["team"] = asked.team or call.actor.team
    found = register_initiative(call.governance, make(RegisterInitiative, **call.origin, **values))
    policy, roles = call.governance.policy(call.moment("")), call.governance.roles
    return {
        "initiative": found.initiative,
        "class_id": found.classification.class_id,
        "class_title": policy.class_title(found.classification.class_id),
        "mode_id": found.classification.mode_id,
        "score": found.classification.score,
        "reasons": found.classification.reasons,
        "requirements": [results.requirement_result(asked, roles) for asked in found.requirements],
    }


def _submit_evidence(call: Call, asked: given.NewEvidence) -> Any:
    try:
        content = base64.b64decode(asked.content_base64, validate=True)
    except binascii.Error as error:
        raise BadInput("the content is not base64", where="evidence", remedy="Encode it again.") from error
    values = {**asked.model_dump(exclude={"content_base64"}), "content": content}
    sha256 = submit_evidence(call.governance, make(SubmitEvidence, **call.origin, **values))
    return {"initiative": asked.initiative, "measure": asked.measure, "sha256": sha256}


def _register_version(call: Call, asked: given.NewVersion) -> Any:
    register_model_version(call.governance, make(RegisterModelVersion, **call.origin, **asked.model_dump()))
    return {"initiative": asked.initiative, "version": asked.version}


def _run_checks(call: Call, asked: given.ChecksToRun) -> Any:
    found = run_checks(call.governance, make(RunChecks, **call.origin, **asked.model_dump()))
    return {"initiative": asked.initiative, "checks": found}


def _decide_gate(call: Call, asked: given.GateToDecide) -> Any:
    decision = decide_gate(call.governance, make(DecideGate, **call.origin, **asked.model_dump()))
    return {**results.decision_result(decision, call.governance.policy(call.moment(""))), "recorded": True}


def _ask_gate(call: Call, asked: given.GateToAsk) -> Any:
    moment = call.moment(asked.as_of)
    decision = ask_gate(call.governance, asked.initiative, asked.gate, moment)
    found = results.decision_result(decision, call.governance.policy(moment))
    return {"moment": results.moment_result(moment), **found, "recorded": False}


def _override_classification(call: Call, asked: given.NewClass) -> Any:
    override_classification(
        call.governance, make(OverrideClassification, **call.origin, **asked.model_dump())
    )
    title = call.governance.policy(call.moment("")).class_title(asked.class_id)
    return {"initiative": asked.initiative, "class_id": asked.class_id, "class_title": title}


def _version(call: Call, initiative: str, named: str, moment: Moment) -> str:
    """The version named, or the current one."""
    if named:
        return named
    require_initiative(call.governance, initiative, moment)
    current = newest_version(call.governance.store, initiative, moment)
    if current is None:
        raise NotFound(
            f"{initiative} has no model version that counts now",
            remedy="Name one with --version, or register one with 'governance version add'.",
        )
    return str(current["version"])


def _governance_kpis(call: Call, asked: given.AsOfParameters) -> Any:
    moment = call.moment(asked.as_of)
    readings = governance_kpis(call.governance, moment)
    return {"moment": results.moment_result(moment), "kpis": [results.kpi_result(r) for r in readings]}


def _team_standings(call: Call, asked: given.StandingsToRead) -> Any:
    moment = call.moment(asked.as_of)
    found = team_standings(call.governance, moment, measure=asked.measure)
    window = call.governance.leaderboard.window_days
    return {"moment": results.moment_result(moment), "window_days": window, "standings": found}


def _add_person(call: Call, asked: given.NewPerson) -> Any:
    return add_person(call.governance, make(AddPerson, **call.origin, **asked.model_dump()))


def _list_people(call: Call, asked: given.Nothing) -> Any:
    titles = call.governance.roles.title
    people = [
        {**person.model_dump(), "role_titles": [titles(role) for role in person.roles]}
        for person in call.governance.people()
    ]
    return {"people": people}


def _read_record(call: Call, asked: given.RecordToRead) -> Any:
    moment = call.moment(asked.as_of)
    entries = record_page(call.governance, moment, **asked.model_dump(exclude={"as_of"}))
    return {"moment": results.moment_result(moment), "entries": entries}


OPERATIONS: Mapping[str, Operation] = {
    "list_initiatives": Operation(given.ListInitiatives, _list_initiatives),
    "show_initiative": Operation(given.ShowInitiative, _show_initiative),
    "list_questions": Operation(given.Nothing, _list_questions),
    "register_initiative": Operation(given.NewInitiative, _register_initiative),
    "submit_evidence": Operation(given.NewEvidence, _submit_evidence),
    "register_model_version": Operation(given.NewVersion, _register_version),
    "run_checks": Operation(given.ChecksToRun, _run_checks),
    "decide_gate": Operation(given.GateToDecide, _decide_gate),
    "ask_gate": Operation(given.GateToAsk, _ask_gate),
    "override_classification": Operation(given.NewClass, _override_classification),
    "governance_kpis": Operation(given.AsOfParameters, _governance_kpis),
    "team_standings": Operation(given.StandingsToRead, _team_standings),
    "add_person": Operation(given.NewPerson, _add_person),
    "list_people": Operation(given.Nothing, _list_people),
    "read_record": Operation(given.RecordToRead, _read_record),
}
