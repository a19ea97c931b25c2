"""Operations on initiatives, gates, figures, people and the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.domain.commands import (
    RegisterModelVersion,
    make,
)
from core.entrypoints.operations import parameters as given
from core.entrypoints.operations import results
from core.entrypoints.operations.operation import Call, Operation
from core.services.models.versions import register_model_version
from core.services.people import AddPerson, add_person
from core.services.record.entries import record_page


def _register_version(call: Call, asked: given.NewVersion) -> Any:
    register_model_version(call.governance, make(RegisterModelVersion, **call.origin, **asked.model_dump()))
    return {"initiative": asked.initiative, "version": asked.version}


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
    "register_model_version": Operation(given.NewVersion, _register_version),
    "add_person": Operation(given.NewPerson, _add_person),
    "list_people": Operation(given.Nothing, _list_people),
    "read_record": Operation(given.RecordToRead, _read_record),
}
