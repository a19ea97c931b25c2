"""The table use case x role x whose initiative: every cell by service, command line, API, and form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import Request

from core.connectors.config_files import read_config
from core.domain.actors import ACTIONS, Actor, Role, Roles
from core.domain.commands import RegisterModelVersion, make
from core.domain.errors import GovernanceError
from core.entrypoints.api import Asker
from core.entrypoints.client import InProcess
from core.lake.directory import put_person
from core.services.case import refusal
from core.services.governance import Governance
from core.services.models.versions import register_model_version
from core.services.record.use_cases import list_people
from core.services.use_case import INCOMING, Call, Reach, UseCase, asks
from core.services.use_cases import every_use_case, run_use_case
from tests.conftest import BUILDER, CONFIG, founded, later
from tests.conftest import register as register_open
from tests.entrypoints.test_use_case_table import _filled
from tests.services.test_reading import CLOSED, KEEPER, OPEN, closed

ROLES = read_config(CONFIG / "roles.yaml", Roles)
ALL = tuple(every_use_case())


@pytest.fixture(scope="module")
def governance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    """One open and one restricted initiative, and for each role somebody of the team of neither or of one."""
    opened = founded(tmp_path_factory.mktemp("who") / "store")
    for role in ROLES.roles:
        for team in ("Credit", "Elsewhere"):
            put_person(opened.store, holder(role, team))
    put_person(opened.store, KEEPER)
    register_open(opened)
    closed(opened)
    for initiative, builder in ((OPEN, BUILDER), (CLOSED, KEEPER)):
        model = {"initiative": initiative, "version": "1", "algorithm": "Trees", "task": "binary"}
        register_model_version(opened, make(RegisterModelVersion, actor=builder, at=later(2), **model))
    (opened.store.folder / INCOMING).mkdir(parents=True)
    (opened.store.folder / INCOMING / "xxx").write_text("row_id", encoding="utf-8")
    yield opened
    opened.close()


def holder(role: Role, team: str) -> Actor:
    name = f"{role.id.replace('_', '-')}-{team.lower()}"
    return Actor(id=name, name=name, team=team, roles=(role.id,))


WHOSE = {"own": ("Credit", OPEN), "open": ("Elsewhere", OPEN), "closed": ("Elsewhere", CLOSED)}
"""Whose initiative it is -> the team of who asks, and the initiative."""


def expected(case: UseCase, role: Role, whose: str) -> str:
    """What keeps a role from it: no permission, no tie, that the initiative is closed, or nothing."""
    reach: Reach = case.reach(ROLES, role)
    if reach == "–":
        return "role"
    if "initiative" not in case.takes.model_fields or reach == "all":
        return ""
    return {"own": "", "open": "tie" if reach == "own" else "", "closed": "absent"}[whose]


def asked(case: UseCase, initiative: str, *, cut_short: bool) -> dict[str, Any]:
    """The least that is asked; cut short, with a fault that is found once it is known that one may ask."""
    given, fields = dict(_filled(case)), case.takes.model_fields
    about = {"initiative": initiative, "version": "1"}
    given |= {name: value for name, value in about.items() if name in fields}
    if cut_short and case.command is None:
        given |= {name: "no" for name in ("as_of", "checkpoint") if name in fields}
    return given


def shown(said: str, case: UseCase, actor: Actor) -> str:
    """Which of these an answer tells of."""
    if "has no tie to" in said:
        return "tie"
    if f"no initiative '{CLOSED}' is registered" in said:
        return "absent"
    return "role" if f"{actor.name} may not {ACTIONS[case.may]}" in said else ""


def by_service(governance: Governance, actor: Actor, name: str, given: dict[str, Any]) -> str:
    try:
        return str(run_use_case(Call(governance, actor, later(9)), name, given))
    except GovernanceError as problem:
        return str(problem)


def by_command_line(governance: Governance, actor: Actor, name: str, given: dict[str, Any]) -> str:
    try:
        return str(InProcess(governance, actor).call(name, given))
    except GovernanceError as problem:
        return str(problem)


def by_api(governance: Governance, actor: Actor, name: str, given: dict[str, Any]) -> str:
    request = Request({"type": "http", "state": {"speaks": lambda wanted: actor}})
    return bytes(Asker(governance)(request, actor.id, name, given).body).decode()


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_every_cell_holds_by_service_command_line_and_api(governance: Governance, case: UseCase) -> None:
    for role in ROLES.roles:
        for whose in WHOSE if "initiative" in case.takes.model_fields else ("own",):
            team, initiative = WHOSE[whose]
            actor, due = holder(role, team), expected(case, role, whose)
            given = asked(case, initiative, cut_short=not due)
            for way in (by_service, by_command_line, by_api):
                said = way(governance, actor, case.name, given)
                told = shown(said, case, actor)
                if case.command is None and due == "absent" and not told:  # a list of what is not there
                    told = due if "Zebra" not in said else "told"
                assert told == due, (role.id, whose, way.__name__, said[:200])


def test_a_page_offers_a_form_where_the_table_does(governance: Governance) -> None:
    moment, offered = governance.present(later(9)), 0
    for case in (one for one in ALL if one.command is not None and "initiative" in one.takes.model_fields):
        assert case.command is not None
        for role in ROLES.roles:
            for whose in ("own", "open"):
                team, initiative = WHOSE[whose]
                about = initiative if case.command.whose == "own" else ""
                closed_because = refusal(governance, moment, holder(role, team), case.may, about)
                assert bool(closed_because) == bool(expected(case, role, whose)), (case.name, role.id, whose)
                offered += not closed_because
    assert offered > 200


def test_a_use_case_without_a_permission_is_none() -> None:
    assert all(case.may in ACTIONS for case in ALL)
    with pytest.raises(TypeError, match="may"):
        asks(list_people)  # type: ignore[call-arg]
