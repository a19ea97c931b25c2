"""Who may read what: an initiative that is closed to somebody is, to them, as if it were not there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
import yaml

from core.domain.actors import Actor
from core.domain.chain import Fact
from core.domain.commands import OverrideClassification, RegisterInitiative, RegisterModelVersion, make
from core.domain.errors import Forbidden, GovernanceError, NotFound
from core.domain.facts.recorded import entry_of
from core.domain.facts.rules import ConfigurationFile
from core.domain.models.lineage import RecordDataSource, RecordDataUse
from core.domain.process.commands import RaiseFinding
from core.lake.directory import put_person
from core.lake.record.verify import FILE_TABLES
from core.services.case import seen_by
from core.services.governance import Governance
from core.services.models.data_sources import record_data_source, record_data_use
from core.services.models.versions import register_model_version
from core.services.oversight.kpis import governance_kpis, kpi_sheet, team_standings
from core.services.process.classification import override_classification
from core.services.process.findings import raise_finding
from core.services.process.initiatives import inventory, register_initiative
from core.services.use_case import Call, UseCase
from core.services.use_cases import every_use_case, run_use_case
from core.services.work.hand_offs import OfferHandOff, offer_hand_off
from core.services.work.routing import WriteComment, write_comment
from core.services.work.tasks import open_tasks
from tests.conftest import (
    ADMIN,
    BUILDER,
    OUTSIDER,
    OWNER,
    THOROUGH,
    VALIDATOR,
    answers_for,
    at_rest,
    founded,
    later,
    rules_of,
)
from tests.conftest import register as register_open
from tests.entrypoints.conftest import TOKEN, serving
from tests.entrypoints.test_use_case_table import _filled
from tests.process import ANALYST, BUSINESS, decide, seat_signers, version
from tests.record_store import _lay_file, add_batch, measures
from tests.services.test_use_cases import prove

MARK, OTHER = "zebra", "tapir"
CLOSED, ABSENT, OPEN = "zebra-grazing-score", "tapir-grazing-score", "card-limit-advice"
KEEPER = Actor(id="kim-keeper", name="Kim K.", team="Zoo", roles=("business_stakeholder", "data_scientist"))
NEIGHBOUR = Actor(id="ned-neighbour", name="Ned Neighbour", team="Aquarium", roles=("business_analyst",))
STRANGERS = (OWNER, BUILDER, BUSINESS, ANALYST, NEIGHBOUR)
UNITS = {
    "units": [
        {"id": "park", "title": "Park", "teams": ["Board"]},
        {"id": "animals", "title": "Animals", "within": "park", "teams": ["Zoo", "Aquarium"]},
        {"id": "bank", "title": "Bank", "within": "park", "teams": ["Credit", "Cards"]},
    ]
}
REQUESTS = 10_000 * len(STRANGERS) if THOROUGH else 1_000
QUESTIONS = [one for one in every_use_case() if one.command is None and one.may.startswith("read_")]


def organised(governance: Governance, rules: dict[str, Any]) -> Governance:
    """Put an organisation on record without asking anybody."""
    text = yaml.safe_dump(rules)
    said = ConfigurationFile(file="organisation.yaml", version="2", title="", sha256="", text=text)
    governance.store.append([entry_of("configuration_published", said)], actor=ADMIN.id, at=later(0))
    return governance


def closed(governance: Governance, reading: str = "restricted", name: str = "Zebra grazing score") -> str:
    command = make(
        RegisterInitiative,
        actor=KEEPER,
        at=later(1),
        name=name,
        purpose="Scores where each zebra grazes, for the keepers.",
        domain="credit",
        builder=KEEPER.id,
        reading=reading,
        answers=answers_for(governance, heavy=True),
    )
    return register_initiative(governance, command).initiative


def worked_on(governance: Governance) -> None:
    """Something of every kind on the closed initiative, each with the mark in its words."""
    said = {"actor": KEEPER, "initiative": CLOSED}
    model = {"version": "1", "algorithm": "Zebra trees", "task": "binary", "notes": "Zebra stripes."}
    register_model_version(governance, make(RegisterModelVersion, at=later(2), **said, **model))
    prove(governance, CLOSED, measures(governance)[0], actor=KEEPER, link="https://wiki.example.org/zebra")
    finding = {"title": "The zebra is late", "step": "development", "severity": "major", "owner": KEEPER.id}
    finding["due_on"] = "2026-03-01"
    raise_finding(governance, make(RaiseFinding, at=later(3), **said, detail="zebra", **finding))
    write_comment(governance, make(WriteComment, at=later(3), **said, text="The zebra, @bram-builder?"))
    source = {"source": "pasture", "name": "Pasture", "team": "Zoo", "personal_data": False}
    record_data_source(governance, make(RecordDataSource, actor=KEEPER, at=later(3), **source))
    record_data_use(governance, make(RecordDataUse, at=later(3), **said, source="pasture", how="training"))
    instead = "The zebra is counted by hand every evening."
    lower = {"class_id": "low", "justification": "A zebra grazes alone, really.", "compensation": instead}
    proposal = make(
        OverrideClassification,
        actor=VALIDATOR,
        at=later(3),
        initiative=CLOSED,
        until=later(20).date(),
        **lower,
    )
    override_classification(governance, proposal)
    decide(governance, CLOSED, "development", 4, KEEPER)
    add_batch(governance, CLOSED, 4)
    offer = {"to_person": VALIDATOR.id, "reason": "The zebra has moved away."}
    offer_hand_off(governance, make(OfferHandOff, at=later(5), **said, **offer))


def fill(governance: Governance) -> None:
    """Rows of the closed initiative in every table that has none of it."""
    store, number = governance.store, count()
    for table, columns in sorted(store.columns.items()):
        there = f"SELECT 1 FROM {table} WHERE initiative = '{CLOSED}'"
        if "initiative" not in columns or store.cursor().execute(there).fetchall():
            continue
        row = {name: _sample(kind, next(number)) for name, kind in columns.items()} | {"initiative": CLOSED}
        if "beside" in columns:
            row["beside"] = ""  # no file lies there
        if table in FILE_TABLES:
            row |= _lay_file(store, FILE_TABLES[table], f"{CLOSED}-{table}")
        store.append([Fact(f"{table}_filled", CLOSED, table, (row,))], actor=KEEPER.id, at=later(6))


def _sample(kind: str, number: int) -> Any:
    if kind.endswith("[]"):
        return [_sample(kind.removesuffix("[]"), number)]
    day = later(number % 9)
    kinds = {"VARCHAR": f"{MARK} {number}", "BOOLEAN": True, "DATE": day.date(), "TIMESTAMP": day}
    return kinds.get(kind, 0.5 if kind == "DOUBLE" else 7)


def built(folder: Path) -> Governance:
    """An open initiative of one unit and a restricted one of another, worked on."""
    governance = organised(founded(folder, demo=True), UNITS)
    seat_signers(governance)
    for person in (KEEPER, NEIGHBOUR):
        put_person(governance.store, person)
    register_open(governance)
    version(governance, OPEN)
    add_batch(governance, OPEN, 3)
    assert closed(governance) == CLOSED
    worked_on(governance)
    return governance


@pytest.fixture(scope="module")
def governance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    """A store at which the tests only look."""
    with at_rest(built(tmp_path_factory.mktemp("reading") / "store")) as resting:
        yield resting


def answered(governance: Governance, actor: Actor, name: str, given: dict[str, Any], day: float = 9) -> str:
    try:
        return json.dumps(run_use_case(Call(governance, actor, later(day)), name, given))
    except GovernanceError as problem:
        return f"{type(problem).__name__}: {problem}"


@cache
def schema_of(name: str) -> dict[str, Any]:
    return next(case for case in QUESTIONS if case.name == name).takes.model_json_schema()


def requests(governance: Governance, seed: int) -> Iterator[tuple[UseCase, dict[str, Any]]]:
    """Questions with whatever may stand in their fields."""
    rng, head = Random(seed), governance.store.head()
    tasks = [one.key for one in open_tasks(governance, governance.present(later(9)))]
    values: dict[str, list[Any]] = {
        "initiative": [CLOSED, CLOSED, OPEN, ""],
        "version": ["1", ""],
        "other": ["1"],
        "base": ["1"],
        "gate": ["development", "deployment"],
        "team": ["", "Zoo", "Credit"],
        "teams": [["Zoo"], ["Credit"]],
        "search": ["", MARK, "score", "grazing"],
        "person": [KEEPER.id, BUILDER.id, ""],
        "actor": [KEEPER.id, VALIDATOR.id, ""],
        "action": ["", "finding_raised", "hand_off_offered"],
        "task": tasks,
        "source": ["pasture"],
        "framework": ["eu_ai_act", "sr_26_2", "gdpr"],
        "by": [["amount"], ["sex"]],
        "kind": ["card"],
        "section": ["limits", "purpose"],
        "as_of": ["", "2026-01-11", "2026-01-12"],
        "most": [500],
    }
    while True:
        case = rng.choice(QUESTIONS)
        if case.name == "verify_record" and rng.random() < 0.9:
            continue  # it reads all there is, each time
        schema = schema_of(case.name)
        required = schema.get("required", ())
        fields = [name for name in schema["properties"] if name in required or rng.random() < 0.5]
        given = {
            name: rng.randint(1, head) if name == "seq" else rng.choice(values.get(name, ["x"]))
            for name in fields
            if name in values or name in required or name == "seq"
        }
        yield case, given


def test_whoever_may_not_read_an_initiative_never_hears_of_it(tmp_path: Path) -> None:
    governance, told = built(tmp_path / "store"), 0
    fill(governance)
    own = {role.id for role in rules_of(governance).roles.roles if role.on != "all"}
    assert {role for one in STRANGERS for role in one.roles} == own, "each role is asked for"
    for place, (case, given) in enumerate(islice(requests(governance, 5), REQUESTS)):
        actor = STRANGERS[place % len(STRANGERS)]
        found = answered(governance, actor, case.name, given)
        asked = {name: ABSENT if value == CLOSED else value for name, value in given.items()}
        if asked != given:
            other = answered(governance, actor, case.name, asked)
            assert found.replace(CLOSED, ABSENT) == other, (actor.id, case.name, given)
        elif MARK not in json.dumps(given):
            assert MARK not in found.lower(), (actor.id, case.name, given)
        told += found.startswith("{")
    assert told > REQUESTS / 3
    governance.close()


def test_who_may_read_it_is_told_of_it_by_most_questions(governance: Governance) -> None:
    told = {
        case.name
        for case, given in islice(requests(governance, 6), 400)
        if MARK in answered(governance, VALIDATOR, case.name, given).lower()
    }
    assert len(told) > 20
    for actor in (KEEPER, VALIDATOR, ADMIN):
        assert CLOSED in answered(governance, actor, "list_initiatives", {})


def test_no_command_of_a_stranger_finds_it(governance: Governance) -> None:
    tried = 0
    for case in every_use_case():
        if case.command is None or "initiative" not in case.takes.model_fields:
            continue
        for actor in (BUILDER, NEIGHBOUR):
            given = dict(_filled(case))
            refused = answered(governance, actor, case.name, {**given, "initiative": CLOSED})
            absent = answered(governance, actor, case.name, {**given, "initiative": ABSENT})
            assert refused.replace(CLOSED, ABSENT) == absent, case.name
            tried += refused.startswith("NotFound")
    assert tried > 20


def test_what_is_named_by_its_own_name_is_not_found_either(governance: Governance) -> None:
    now = governance.present(later(9))
    task = next(one.key for one in open_tasks(governance, now, initiative=CLOSED))
    offer = answered(governance, VALIDATOR, "list_hand_offs", {})
    for name, given in (
        ("assign_task", {"task": task}),
        ("offer_hand_off", {"task": task, "to_team": "Credit", "reason": "It is ours by now."}),
        ("answer_hand_off", {"hand_off": json.loads(offer)["hand_offs"][0]["hand_off"], "answer": "accept"}),
    ):
        assert answered(governance, BUILDER, name, given).startswith("NotFound"), name


def _client(port: int) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{port}/api", trust_env=False, timeout=60)


def test_routes_answer_no_more_than_services(governance: Governance) -> None:
    sheet, token = f"/initiatives/{CLOSED}", {"Authorization": f"Bearer {TOKEN}"}
    with (
        serving(governance) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=60) as api,
    ):
        for actor in (BUILDER, NEIGHBOUR):
            headers = {**token, "X-Governance-Actor": actor.id}
            for path in ("/initiatives", "/kpis", "/standings", f"/initiatives/{OPEN}"):
                answer = api.get(path, headers=headers)
                assert answer.status_code == 200, path
                assert MARK not in answer.text.lower(), path
            for path in (sheet, f"{sheet}/versions/1/slices?by=amount", f"{sheet}/versions/1/decay"):
                assert api.get(path, headers=headers).status_code == 404, path


def test_a_figure_has_one_value_whoever_reads_it(governance: Governance) -> None:
    now, seen = governance.present(later(9)), seen_by(governance, NEIGHBOUR, governance.present(later(9)))
    assert seen.reader.hidden == {CLOSED}
    assert governance_kpis(seen, now) == governance_kpis(governance, now)
    assert team_standings(seen, now) == team_standings(governance, now)


def test_what_makes_a_gap_names_no_closed_initiative_and_no_owner_of_one(governance: Governance) -> None:
    late = governance.present(later(9)).ahead(later(200).date())
    seen = seen_by(governance, NEIGHBOUR, governance.present(later(9)))
    whole, own = (
        kpi_sheet(asked, late, kpi="overdue_requirements", by="owner") for asked in (governance, seen)
    )
    assert KEEPER.name in {part.title for part in whole.parts}
    assert KEEPER.name not in {part.title for part in own.parts}
    assert {one.initiative for one in own.contributors} == {OPEN}
    assert own.reading == whole.reading
    assert own.unread == whole.amiss - own.contributors[0].amiss > 0
    of_teams = kpi_sheet(seen, late, kpi="overdue_requirements", by="team")
    assert of_teams.parts == kpi_sheet(governance, late, kpi="overdue_requirements", by="team").parts


@pytest.mark.parametrize("case", QUESTIONS, ids=lambda case: case.name)
def test_without_a_role_nothing_is_read_but_how_to_get_one(governance: Governance, case: UseCase) -> None:
    with pytest.raises(Forbidden, match="No role is given to Otto Outsider yet; these roles give one: Admin"):
        run_use_case(Call(governance, OUTSIDER, later(9)), case.name, dict(_filled(case)))
    assert seen_by(governance, OUTSIDER, governance.present(later(9))).reader.hidden == {CLOSED, OPEN}


def test_what_is_open_to_its_unit_is_read_there_and_above_only(tmp_path: Path) -> None:
    governance = organised(founded(tmp_path / "store"), UNITS)
    board = Actor(id="bo", name="Bo Board", team="Board", roles=("business_stakeholder",))
    put_person(governance.store, KEEPER)
    closed(governance, "unit")

    def read(actor: Actor) -> list[str]:
        seen = seen_by(governance, actor, governance.present(later(2)))
        return [line.initiative for line in inventory(seen, seen.present(later(2)))]

    for actor in (KEEPER, NEIGHBOUR, board, VALIDATOR):
        assert read(actor) == [CLOSED], actor.id
    for actor in (BUILDER, BUSINESS, OUTSIDER):
        assert read(actor) == [], actor.id
    governance.close()


def test_an_initiative_is_closed_by_its_domain_and_opens_itself_no_further(tmp_path: Path) -> None:
    rules = {**UNITS, "reading": {"credit": "restricted"}}
    governance = organised(founded(tmp_path / "store"), rules)
    put_person(governance.store, KEEPER)
    closed(governance, "open")
    with pytest.raises(NotFound, match="no initiative 'zebra-grazing-score'"):
        asked = {"initiative": CLOSED, "text": "May we read it?"}
        run_use_case(Call(governance, NEIGHBOUR, later(2)), "write_comment", asked)
    governance.close()
