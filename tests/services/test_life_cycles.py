"""Life cycles: what versions and initiatives become, by whose act, and that asking changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.domain.chain import Fact
from core.domain.commands import RetireVersion, RunChecks, make
from core.domain.errors import Conflict, Forbidden, GovernanceError
from core.domain.facts.process import CheckRun
from core.domain.process.commands import PullModel
from core.lake.facts import history
from core.lake.store import save_store
from core.services.governance import Governance
from core.services.models.versions import (
    RunLine,
    retire_version,
    version_history,
    version_registry,
)
from core.services.process.checks import run_checks
from core.services.process.gates import ask_gate, is_live, pull_model, stands
from core.services.process.initiatives import initiative_sheet, inventory
from core.services.record.entries import verify_record
from tests.conftest import BUILDER, OUTSIDER, founded, later
from tests.process import (
    BUSINESS,
    BUSINESS_TWO,
    OPS,
    ask,
    decide,
    deploy,
    prove_all,
    put_forward,
    put_in_force,
    seat_signers,
    sign,
    thawed,
    version,
    without_predictions,
)
from tests.services.test_findings_and_waivers import LIVE, register_moderate

GATE = "deployment"
WHY = "It answers with yesterday's prices."


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One moderate initiative whose version 1 is approved on day 3.2 and in production since day 3.3."""
    governance = founded(tmp_path_factory.mktemp("prepared") / "store")
    seat_signers(governance)
    put_in_force(governance, without_predictions())
    initiative = register_moderate(governance)
    version(governance, initiative)
    prove_all(governance, initiative, 3)
    ask(governance, initiative, GATE, 3.1)
    sign(governance, initiative, GATE, 3.2, BUSINESS)
    deploy(governance, initiative, 3.3)
    save_store(governance.store)
    governance.close()
    return governance.store.folder


@pytest.fixture
def governance(prepared: Path, tmp_path: Path) -> Iterator[Governance]:
    """The prepared store, for one test alone."""
    opened = thawed(prepared, tmp_path / "store")
    yield opened
    opened.close()


def refused(governance: Governance, kind: type[GovernanceError], words: str, act: Callable[[], Any]) -> None:
    head = governance.store.head()
    with pytest.raises(kind, match=words):
        act()
    assert governance.store.head() == head


def states(governance: Governance, day: float) -> dict[str, str]:
    lines = version_registry(governance, governance.moment(later(day)), past=True)
    return {line.version: line.state for line in lines if line.initiative == LIVE}


def ran(governance: Governance, day: float) -> list[tuple[str, str, str]]:
    """Version, role and why it ended, oldest first; as told of one and of all."""
    moment = governance.moment(later(day))
    told: list[RunLine] = version_history(governance, moment, initiative=LIVE)
    assert told == [run for run in version_history(governance, moment) if run.initiative == LIVE]
    return [(run.version, run.role, run.ended_because) for run in sorted(told, key=lambda run: run.since)]


def approve_second(governance: Governance, day: float) -> None:
    version(governance, LIVE, "2", day=day)
    put_forward(governance, LIVE, "2", day + 0.1)
    prove_all(governance, LIVE, day + 0.2)
    ask(governance, LIVE, GATE, day + 0.3)
    sign(governance, LIVE, GATE, day + 0.4, BUSINESS_TWO)


def test_a_new_version_takes_no_place_of_the_one_in_production(governance: Governance) -> None:
    version(governance, LIVE, "99", day=5, artifact_sha256="9" * 64)
    assert states(governance, 5.1) == {"1": "production", "99": "registered"}
    assert stands(governance, LIVE, governance.moment(later(5.1))).current == "1"
    put_forward(governance, LIVE, "99", 6)
    assert states(governance, 6.1) == {"1": "production", "99": "candidate"}
    assert ran(governance, 6.1) == [("1", "production", "")]


def test_asking_changes_nothing_about_what_is_live(governance: Governance) -> None:
    put_forward_second(governance)
    assert not decide(governance, LIVE, GATE, 6).is_open
    assert is_live(governance, LIVE, governance.moment(later(6.1)))
    approve_later(governance)
    assert decide(governance, LIVE, GATE, 8).is_open
    assert states(governance, 8.1) == {"1": "production", "2": "approved"}, "nor does an open gate deploy"
    assert ran(governance, 8.1) == [("1", "production", "")]


def put_forward_second(governance: Governance) -> None:
    version(governance, LIVE, "2", day=5)
    put_forward(governance, LIVE, "2", 5.1)


def approve_later(governance: Governance) -> None:
    prove_all(governance, LIVE, 7)
    ask(governance, LIVE, GATE, 7.1)
    sign(governance, LIVE, GATE, 7.2, BUSINESS_TWO)


def test_a_version_goes_into_production_only_through_the_open_gate(governance: Governance) -> None:
    words = "is not|are asked about"
    version(governance, LIVE, "2", day=5)
    refused(governance, Conflict, words, lambda: deploy(governance, LIVE, 5.1, "2"))
    put_forward(governance, LIVE, "2", 5.2)
    refused(governance, Conflict, "is blocked", lambda: deploy(governance, LIVE, 5.3, "2"))
    refused(governance, Forbidden, "may not", lambda: deploy(governance, LIVE, 5.3, "2", OUTSIDER))
    refused(
        governance, Conflict, "in production as production since", lambda: deploy(governance, LIVE, 5.3, "1")
    )
    approve_later(governance)
    deploy(governance, LIVE, 8, "2")
    assert states(governance, 8.1) == {"1": "superseded", "2": "production"}
    assert ran(governance, 8.1) == [("1", "production", "replaced by version 2"), ("2", "production", "")]
    assert ran(governance, 7.9) == [("1", "production", "")], "as of the day before"


def test_others_stand_beside_the_one_in_production(governance: Governance) -> None:
    approve_second(governance, 5)
    deploy(governance, LIVE, 6, role="challenger")
    assert ran(governance, 6.1) == [("1", "production", ""), ("2", "challenger", "")]
    deploy(governance, LIVE, 7, role="production")
    assert ran(governance, 7.1) == [
        ("1", "production", "replaced by version 2"),
        ("2", "challenger", "it is there as production now"),
        ("2", "production", ""),
    ]
    words = "beside which another could stand"
    refused(governance, Conflict, words, lambda: deploy(governance, LIVE, 8, role="shadow"))


def test_what_is_pulled_ends_with_its_reason_and_comes_back_through_the_gate(governance: Governance) -> None:
    pull_model(governance, make(PullModel, actor=OPS, at=later(4), initiative=LIVE, reason=WHY))
    assert states(governance, 4.1) == {"1": "suspended"}
    assert ran(governance, 4.1) == [("1", "production", WHY)]
    deploy(governance, LIVE, 5)
    assert ran(governance, 5.1) == [("1", "production", WHY), ("1", "production", "")]


def test_retiring_the_last_version_leaves_nothing_overdue_for_ever(governance: Governance) -> None:
    why = {"reason": "It is not needed any more."}
    retire_version(
        governance, make(RetireVersion, actor=BUILDER, at=later(5), initiative=LIVE, version="1", **why)
    )
    assert states(governance, 5.1) == {"1": "retired"}
    assert ran(governance, 5.1) == [("1", "production", why["reason"])]
    moment = governance.moment(later(400))
    assert not ask_gate(governance, LIVE, GATE, moment).is_open
    sheet = initiative_sheet(governance, moment, initiative=LIVE)
    late = [s.requirement.id for s in sheet.requirements if s.overdue]
    (line,) = [one for one in inventory(governance, moment) if one.initiative == LIVE]
    per_version = {s.id for s in sheet.policy.steps if s.per_version}
    assert line.overdue == len(late)
    assert not [s for s in sheet.requirements if s.overdue and s.requirement.step in per_version]


def test_checks_look_at_what_is_in_production_while_another_version_is_asked_about(
    governance: Governance,
) -> None:
    put_forward_second(governance)
    looked = make(RunChecks, actor=BUILDER, at=later(6), initiative=LIVE, checks=("drift_alert",))
    assert len(run_checks(governance, looked)) == 1, "one result, of the version that is asked about"
    runs = history(governance.store, CheckRun, governance.moment(later(6)), LIVE)
    assert [run.version for run in runs if run.check_id == "drift_alert"] == ["2", "1"]


def test_what_was_live_by_an_answer_of_the_gate_stays_live_since_then(governance: Governance) -> None:
    """As a store from before deployments were acts holds it."""
    row = {"initiative": "old-use", "version": None, "gate": GATE, "findings": "[]"}
    row |= {"policy_version": governance.policy(governance.moment(later(4))).version, "makes_live": None}
    for outcome, day in (("open", 5), ("open", 6), ("blocked", 8)):
        fact = Fact("gate_decided", "old-use", "decision", ({**row, "outcome": outcome},))
        governance.store.append([fact], actor=BUILDER.id, at=later(day))
    known = stands(governance, "old-use", governance.moment(later(7)))
    assert known.in_production is not None
    assert known.in_production.since == later(5).replace(tzinfo=None)
    assert not is_live(governance, "old-use", governance.moment(later(8.1)))
    assert verify_record(governance).first_break is None
