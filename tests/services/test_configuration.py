"""Files of the configuration: on record, proposed by one and agreed to by another, read as of then."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.connectors.config_files import FILES
from core.domain.actors import Actor
from core.domain.commands import make
from core.domain.errors import BadInput, Conflict, Forbidden
from core.domain.facts.recorded import entry_of
from core.domain.facts.rules import ConfigurationFile
from core.lake.directory import put_person
from core.lake.facts import history
from core.lake.store import open_memory_store
from core.services.governance import Governance, wire
from core.services.oversight.kpis import governance_kpis
from core.services.record.people import found_store
from core.services.record.proposals import DeclineProposal, decline_proposal, proposals
from core.services.rules.configuration import (
    ProposeConfiguration,
    adopt_configuration,
    configuration,
    differences,
    propose_configuration,
    unheld_permissions,
)
from tests.conftest import ADMIN, CONFIG, START, VALIDATOR, later, register, rules_of
from tests.process import HEAD, agree, on, refused


def shipped(file: str) -> str:
    return (CONFIG / file).read_text(encoding="utf-8")


def propose(
    governance: Governance, file: str, text: str, day: float, actor: Actor = VALIDATOR, **more: object
) -> str:
    """Propose a file and return the proposal's name."""
    command = make(ProposeConfiguration, actor=actor, at=later(day), text=text, name=file, **more)
    return propose_configuration(governance, command).proposal


def target(governance: Governance, day: float) -> float:
    """The target of one KPI as of a day."""
    return governance.rules(governance.moment(later(day))).kpis.find("deadlines_met").target


EASIER = ("target: 0.9\n", "target: 0.1\n")


def test_a_store_is_founded_with_every_file_as_its_first_version(governance: Governance) -> None:
    moment = governance.moment(later(0))
    there = history(governance.store, ConfigurationFile, moment)
    assert {(one.file, one.version, one.text) for one in there} == {
        (file, "1", shipped(file)) for file in FILES
    }
    assert {one.seq for one in there} == {4}, "one entry"
    lines = configuration(governance, moment)
    assert [line.file for line in lines] == ["policy.yaml", "ethics.yaml", *FILES]
    assert all((line.differs, line.coming) == ("", "") for line in lines)


def test_a_file_decides_once_a_second_person_agrees_and_the_past_keeps_its_own(
    governance: Governance,
) -> None:
    text = shipped("kpis.yaml").replace(*EASIER, 1)
    register(governance)
    proposal = propose(governance, "kpis.yaml", text, 3)
    assert target(governance, 3) == 0.9, "nothing holds yet"
    with pytest.raises(Forbidden):
        agree(governance, proposal, 3.5, VALIDATOR)
    agree(governance, proposal, 4)
    assert (target(governance, 3), target(governance, 4)) == (0.9, 0.1)
    then = governance_kpis(governance, governance.moment(later(3)))
    assert [kpi.value.target for kpi in then if kpi.definition.id == "deadlines_met"] == [0.9]
    with pytest.raises(Conflict, match="says what is on record already"):
        propose(governance, "kpis.yaml", text, 5)


def test_what_it_changes_is_told_value_by_value(governance: Governance) -> None:
    text = shipped("kpis.yaml").replace(*EASIER, 1)
    command = make(ProposeConfiguration, actor=VALIDATOR, at=later(3), text=text, name="kpis.yaml")
    assert propose_configuration(governance, command).changes == (
        "kpis › deadlines_met › target: 0.9 becomes 0.1.",
    )


def test_a_file_with_a_day_ahead_decides_from_that_day(governance: Governance) -> None:
    text = shipped("leaderboard.yaml").replace("minimum: 10", "minimum: 3", 1)
    agree(governance, propose(governance, "leaderboard.yaml", text, 3, holds_from=on(9)), 4)
    moment = governance.present(later(5))
    assert governance.rules(moment).leaderboard.minimum == 10
    assert governance.rules(moment.ahead(on(8))).leaderboard.minimum == 10
    assert governance.rules(moment.ahead(on(9))).leaderboard.minimum == 3
    coming = {line.file: line.coming for line in configuration(governance, moment)}
    assert coming["leaderboard.yaml"] == f"2 from {on(9)}"


def test_nobody_gives_a_role_more_rights_by_editing_the_folder(tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(CONFIG, config)
    governance = wire(open_memory_store(tmp_path / "store"), config)
    found_store(governance, config, ADMIN, START, demo=False)
    file = config / "roles.yaml"
    text = file.read_text(encoding="utf-8").replace(
        "- sign_gate\n", "- sign_gate\n      - decide_waiver\n", 1
    )
    file.write_text(text, encoding="utf-8")
    reopened = replace(governance)
    governance.store.memory.forget()
    assert "business_stakeholder" not in rules_of(reopened).roles.allowed_roles("decide_waiver")
    (said,) = differences(reopened, reopened.present(later(1)))
    assert said == (
        "roles.yaml differs from the version on record and has no effect; "
        "propose it: governance configuration propose config/roles.yaml"
    )
    reopened.close()


@pytest.mark.parametrize(
    ("file", "right", "wrong", "words"),
    [
        ("kpis.yaml", "target: 0.9", "targett: 0.9", r"kpis\.yaml:\d+: .*targett"),
        (
            "roles.yaml",
            "id: risk_audit",
            "id: risk_other",
            r"the policy would not fit these roles: .*risk_audit",
        ),
        ("frameworks.yaml", "[naming_and_owner]", "[magic]", r"frameworks\.yaml:\d+: 'magic' is not a known"),
        ("policy.yaml", "", "", r"has a way of its own"),
        ("other.yaml", "", "", r"is no file of the configuration"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line_and_nothing_is_stored(
    governance: Governance, file: str, right: str, wrong: str, words: str
) -> None:
    text = shipped(file).replace(right, wrong, 1) if right else "minimum: 3\n"
    head = governance.store.head()
    with pytest.raises(BadInput, match=words):
        propose(governance, file, text, 3)
    assert governance.store.head() == head


def test_only_some_may_propose_and_a_changed_file_is_not_agreed_to_blindly(governance: Governance) -> None:
    text = shipped("work.yaml").replace("answer_days: 5", "answer_days: 9", 1)
    builder = VALIDATOR.model_copy(update={"id": "other", "roles": ("data_scientist",)})
    with pytest.raises(Forbidden):
        propose(governance, "work.yaml", text, 2, builder)
    proposal = propose(governance, "work.yaml", text, 3)
    with pytest.raises(Conflict, match="waits already"):
        propose(governance, "work.yaml", text, 3)
    put_person(governance.store, HEAD)
    other = text.replace("told_days: 7", "told_days: 8", 1)
    fact = ConfigurationFile(file="work.yaml", version="2", title="", sha256="", text=other)
    governance.store.append([entry_of("configuration_published", fact)], actor="ada-admin", at=later(4))
    with pytest.raises(Conflict, match="has changed since"):
        agree(governance, proposal, 5)


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Governance]:
    """A store as it was founded before files of the configuration came on record."""
    config = tmp_path / "config"
    shutil.copytree(CONFIG, config)
    governance = wire(open_memory_store(tmp_path / "old"), config)
    found_store(governance, config, ADMIN, START, demo=False)
    cursor = governance.store.cursor()
    cursor.execute("DELETE FROM configuration")
    yield wire(governance.store, config)
    governance.close()


def test_an_old_store_takes_the_files_of_its_folder_on_record_once(old: Governance) -> None:
    assert adopt_configuration(old, later(30))
    assert not adopt_configuration(old, later(31))
    file = old.config / "leaderboard.yaml"
    file.write_text(shipped("leaderboard.yaml").replace("minimum: 10", "minimum: 2"), encoding="utf-8")
    for day in (1, 40):
        assert old.rules(old.moment(later(day))).leaderboard.minimum == 10, "the past reads the first version"


def test_the_first_version_of_a_file_decides_nothing_before_its_day(old: Governance) -> None:
    """As in a store that is older than a file: there is no version that held till then."""
    put_person(old.store, VALIDATOR)
    text = shipped("leaderboard.yaml").replace("minimum: 10", "minimum: 2")
    agree(old, propose(old, "leaderboard.yaml", text, 10, holds_from=on(40)), 11)
    for day, minimum in ((1, 10), (12, 10), (39, 10), (40, 2)):
        assert old.rules(old.moment(later(day))).leaderboard.minimum == minimum, day
    ahead = old.present(later(12)).ahead(on(40))
    assert old.rules(ahead).leaderboard.minimum == 2


def test_whoever_overtakes_a_version_to_come_is_told_and_may_bring_it_forward(governance: Governance) -> None:
    easier = shipped("kpis.yaml").replace(*EASIER, 1)
    agree(governance, propose(governance, "kpis.yaml", easier, 1, holds_from=on(40)), 2)
    assert (target(governance, 3), target(governance, 40)) == (0.9, 0.1)
    harder = shipped("kpis.yaml").replace("target: 0.9", "target: 0.95", 1)
    name = propose(governance, "kpis.yaml", harder, 4)
    (told,) = proposals(governance, governance.present(later(5)), open_only=True)
    assert f"Version 2, which was to hold from {on(40)}, never will." in told.says
    decline = make(DeclineProposal, actor=HEAD, at=later(6), proposal=name, note="Not before the easier one.")
    decline_proposal(governance, decline)
    assert target(governance, 40) == 0.1
    refused(
        governance,
        Conflict,
        "on record already",
        lambda: propose(governance, "kpis.yaml", easier, 7, holds_from=on(50)),
    )
    agree(governance, propose(governance, "kpis.yaml", easier, 8), 9)
    assert target(governance, 10) == 0.1


def test_a_permission_that_came_in_after_the_founding_is_told_with_the_command_that_lets_a_role(
    tmp_path: Path,
) -> None:
    config = tmp_path / "config"
    shutil.copytree(CONFIG, config)
    now, roles = wire(open_memory_store(tmp_path / "store"), config), (CONFIG / "roles.yaml").read_text()
    (config / "roles.yaml").write_text(roles.replace("      - issue_token\n", ""), encoding="utf-8")
    found_store(now, config, ADMIN, START, demo=False)
    said = unheld_permissions(now, now.present(later(1)))
    assert said.startswith("no role on record may issue a token; propose")
    assert said in differences(now, now.present(later(1)))
    now.close()


def test_a_store_founded_now_has_somebody_for_every_permission(governance: Governance) -> None:
    assert not unheld_permissions(governance, governance.present(later(1)))
