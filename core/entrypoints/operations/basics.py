"""Operations on initiatives, gates, figures, people and the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.domain.commands import make
from core.entrypoints.operations import parameters as given
from core.entrypoints.operations import results
from core.entrypoints.operations.operation import Call, Operation
from core.services.oversight.kpis import governance_kpis
from core.services.oversight.teams import team_standings
from core.services.people import AddPerson, add_person
from core.services.record.entries import record_page


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
    "governance_kpis": Operation(given.AsOfParameters, _governance_kpis),
    "team_standings": Operation(given.StandingsToRead, _team_standings),
    "add_person": Operation(given.NewPerson, _add_person),
    "list_people": Operation(given.Nothing, _list_people),
    "read_record": Operation(given.RecordToRead, _read_record),
}
