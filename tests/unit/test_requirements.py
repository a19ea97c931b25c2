"""What the matrix asks for and whether proofs meet it, on the small policy; each sum of days is shown."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from core.connectors.config_files import read_config, read_policy
from core.domain.actors import Roles
from core.domain.policy.policy import Policy
from core.domain.policy.requirement_list import requirements_of
from core.domain.process.facts import CheckProof, InitiativeFacts
from core.domain.process.requirements import (
    RequirementState,
    Status,
    due_on,
    measure_status,
    proof_status,
    requirement_states,
)
from core.ground import Verdict

PROJECT = Path(__file__).parents[2]
DAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def policy() -> Policy:
    roles = read_config(PROJECT / "config/roles.yaml", Roles)
    return read_policy(PROJECT / "tests/cases/policy/small.yaml", roles)[0]


def facts(class_id: str = "strict", **known: object) -> InitiativeFacts:
    return InitiativeFacts("case", class_id, registered_on=DAY, classified_on=DAY, **known)  # type: ignore[arg-type]


def state(policy: Policy, measure: str, known: InitiativeFacts, day: date = DAY) -> RequirementState:
    states = {s.requirement.measure.id: s for s in requirement_states(policy, known, day)}
    return states[measure]


def test_a_cell_of_a_ladder_that_replaces_asks_for_its_rung_and_takes_higher_ones(policy: Policy) -> None:
    asked = {r.measure.id: [m.id for m in r.satisfied_by] for r in requirements_of(policy, "strict")}
    assert asked == {"tests": ["tests", "rebuild"], "source": ["source"], "lineage": ["lineage"]}


def test_a_cell_of_zero_asks_for_nothing(policy: Policy) -> None:
    assert [r.measure.id for r in requirements_of(policy, "light")] == ["names"]


def test_a_measure_of_a_version_is_due_from_the_latest_of_the_three_days(policy: Policy) -> None:
    measure = policy.measures["tests"]  # 5 days
    assert due_on(policy, measure, facts()) == date(2026, 3, 7)
    assert due_on(policy, measure, facts(version_on=date(2026, 3, 10))) == date(2026, 3, 15)
    assert due_on(policy, measure, facts(version_on=date(2026, 2, 1))) == date(2026, 3, 7)


@pytest.mark.parametrize(
    ("age", "status"),
    [  # valid for 100 days, expiring in the last 30
        (0, Status.MET),
        (69, Status.MET),
        (70, Status.EXPIRING),
        (100, Status.EXPIRING),
        (101, Status.MISSING),
    ],
)
def test_a_proof_holds_through_its_last_day(policy: Policy, age: int, status: Status) -> None:
    measure = policy.measures["tests"]
    proved_on = DAY - timedelta(days=age)
    assert proof_status(policy, measure, proved_on, DAY) == (status, proved_on + timedelta(days=100))


def test_a_proof_without_an_end_holds_for_good(policy: Policy) -> None:
    assert proof_status(policy, policy.measures["rebuild"], date(1990, 1, 1), DAY) == (Status.MET, None)


def test_no_proof_is_missing(policy: Policy) -> None:
    assert proof_status(policy, policy.measures["tests"], None, DAY) == (Status.MISSING, None)


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (Verdict.PASS, Status.MET),
        (Verdict.FAIL, Status.FAILED),
        (Verdict.CANNOT_TELL, Status.CANNOT_TELL),
    ],
)
def test_a_check_gives_its_verdict_and_cannot_tell_is_no_pass(
    policy: Policy, verdict: Verdict, status: Status
) -> None:
    known = facts(checks={"naming_standard": CheckProof(verdict, DAY)})
    assert measure_status(policy, policy.measures["names"], known, DAY) == (status, None)


def test_of_several_proofs_the_worst_counts(policy: Policy) -> None:
    both = policy.measures["tests"].model_copy(update={"checks": ("owner_set", "naming_standard")})
    passed, failed = CheckProof(Verdict.PASS, DAY), CheckProof(Verdict.FAIL, DAY)
    evidence = {"tests": DAY}

    def status(checks: dict[str, CheckProof], given: dict[str, date] = evidence) -> Status:
        return measure_status(policy, both, facts(evidence=given, checks=checks), DAY)[0]

    assert status({"owner_set": passed, "naming_standard": passed}) is Status.MET
    assert status({"owner_set": passed}) is Status.MISSING
    assert status({"owner_set": failed}, {}) is Status.FAILED
    unsure = CheckProof(Verdict.CANNOT_TELL, DAY)
    assert status({"owner_set": passed, "naming_standard": unsure}) is Status.CANNOT_TELL


def test_a_higher_rung_stands_in_and_is_named(policy: Policy) -> None:
    found = state(policy, "tests", facts(evidence={"rebuild": DAY}))
    assert (found.status, found.proved_by.id) == (Status.MET, "rebuild")


def test_the_asked_rung_is_named_where_both_hold(policy: Policy) -> None:
    found = state(policy, "tests", facts(evidence={"rebuild": DAY, "tests": DAY}))
    assert found.proved_by.id == "tests"


def test_a_higher_rung_that_is_met_outweighs_the_asked_one_that_expires(policy: Policy) -> None:
    expiring = DAY - timedelta(days=90)
    found = state(policy, "tests", facts(evidence={"rebuild": DAY, "tests": expiring}))
    assert (found.status, found.proved_by.id) == (Status.MET, "rebuild")


def test_it_is_overdue_only_after_the_due_day_and_only_while_unproved(policy: Policy) -> None:
    due = DAY + timedelta(days=5)
    assert not state(policy, "tests", facts(), due).overdue
    assert state(policy, "tests", facts(), due + timedelta(days=1)).overdue
    late = facts(evidence={"tests": due + timedelta(days=1)})
    assert not state(policy, "tests", late, due + timedelta(days=1)).overdue
