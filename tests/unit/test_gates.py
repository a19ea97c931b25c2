"""Gate decisions on the small policy: what is asked, what is said, and that doubt closes the gate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest

from core.connectors.config_files import read_config, read_policy
from core.domain.actors import Roles
from core.domain.errors import NotFound
from core.domain.policy.policy import Policy
from core.domain.process.facts import CheckProof, InitiativeFacts
from core.domain.process.gates import Finding, decide, find_gate
from core.ground import Verdict

PROJECT = Path(__file__).parents[2]
DAY = date(2026, 3, 2)
BUILT = {"source": DAY, "lineage": DAY}


@pytest.fixture(scope="module")
def policy() -> Policy:
    roles = read_config(PROJECT / "config/roles.yaml", Roles)
    return read_policy(PROJECT / "tests/cases/policy/small.yaml", roles)[0]


def facts(class_id: str = "strict", **known: object) -> InitiativeFacts:
    return InitiativeFacts("case", class_id, registered_on=DAY, classified_on=DAY, **known)  # type: ignore[arg-type]


def test_a_gate_asks_for_its_own_step_and_those_before_it(policy: Policy) -> None:
    known = facts(evidence=BUILT)
    assert decide(policy, known, "build", DAY).is_open
    decision = decide(policy, known, "launch", DAY)
    assert [finding.requirement for finding in decision.findings] == ["tests"]


def test_a_decision_names_the_policy_that_it_was_made_by(policy: Policy) -> None:
    decision = decide(policy, facts(), "launch", DAY)
    assert (decision.initiative, decision.gate, decision.policy_version) == ("case", "launch", "test-1")


def test_missing_evidence_says_what_to_submit(policy: Policy) -> None:
    decision = decide(policy, facts(evidence=BUILT), "launch", DAY)
    expected = Finding("tests", "blocker", "Tests run: no evidence yet", "Submit the test report.")
    assert decision.findings == (expected,)


def test_an_expiring_proof_warns_and_opens(policy: Policy) -> None:
    known = facts(evidence=BUILT | {"tests": DAY - timedelta(days=100)})
    decision = decide(policy, known, "launch", DAY)
    expected = Finding(
        "tests", "warning", "Tests run: its proof expires on 2026-03-02", "Renew it before that day."
    )
    assert decision.is_open
    assert decision.findings == (expected,)


def test_an_expired_proof_says_when_it_ended(policy: Policy) -> None:
    known = facts(evidence=BUILT | {"tests": DAY - timedelta(days=101)})
    finding = decide(policy, known, "launch", DAY).findings[0]
    assert finding.message == "Tests run: its proof expired on 2026-03-01"
    assert finding.remedy == "Submit it again."


@pytest.mark.parametrize(
    ("verdict", "words"), [(Verdict.FAIL, "the check failed"), (Verdict.CANNOT_TELL, "the check cannot tell")]
)
def test_a_check_without_a_pass_says_what_it_saw_and_what_to_do(
    policy: Policy, verdict: Verdict, words: str
) -> None:
    proof = CheckProof(verdict, DAY, "'X' is off the standard", "Use a name like 'two-words'.")
    decision = decide(policy, facts("light", checks={"naming_standard": proof}), "launch", DAY)
    assert not decision.is_open
    assert decision.findings[0].message == f"Names checked: {words}: 'X' is off the standard"
    assert decision.findings[0].remedy == "Use a name like 'two-words'."


def test_a_check_that_has_not_run_is_named_by_its_title(policy: Policy) -> None:
    finding = decide(policy, facts("light"), "launch", DAY).findings[0]
    assert finding.message == "Names checked: check “Naming standard” has not run"
    assert finding.remedy == "Run the checks."


def test_a_check_without_words_of_its_own_still_has_a_remedy(policy: Policy) -> None:
    known = facts("light", checks={"naming_standard": CheckProof(Verdict.FAIL, DAY)})
    assert decide(policy, known, "launch", DAY).findings[0].remedy == "Mend it and run the checks again."


def test_asking_for_a_gate_of_another_class_is_a_broken_question(policy: Policy) -> None:
    with pytest.raises(NotFound) as refusal:
        decide(policy, facts("light"), "build", DAY)
    assert str(refusal.value) == "'build' is no gate of class Light. Use one of: launch."
    assert find_gate(policy, "light", "launch").id == "launch"


class Unreadable(Mapping[str, date]):
    """Evidence that cannot be read."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getitem__(self, key: str) -> date:
        raise self.error

    def __iter__(self) -> Iterator[str]:
        raise self.error

    def __len__(self) -> int:
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("disk"), KeyError("tests"), NotFound("no such row")])
def test_facts_that_cannot_be_read_close_the_gate(policy: Policy, error: Exception) -> None:
    decision = decide(policy, facts(evidence=Unreadable(error)), "launch", DAY)
    assert decision.outcome == "blocked"
    if isinstance(error, KeyError):  # a mapping's way to say that the key is not there
        return
    assert decision.findings[0].message == f"the gate could not be decided ({type(error).__name__})"
    assert "stays closed" in decision.findings[0].remedy


def test_a_policy_without_the_class_closes_the_gate(policy: Policy) -> None:
    assert decide(policy, facts("severe"), "launch", DAY).outcome == "blocked"


def test_a_policy_with_a_hole_closes_the_gate(policy: Policy) -> None:
    holed = policy.model_copy(update={"matrix": {"light": {}}})
    assert decide(holed, facts("light"), "launch", DAY).outcome == "blocked"


def test_a_measure_that_nothing_can_prove_closes_the_gate(policy: Policy) -> None:
    ladder = policy.considerations[0]
    bare = ladder.rungs[0].model_copy(update={"checks": ()})
    ladder = ladder.model_copy(update={"rungs": (bare, *ladder.rungs[1:])})
    bare_policy = policy.model_copy(update={"considerations": (ladder, policy.considerations[1])})
    bare_policy.__dict__.pop("measures", None)
    assert decide(bare_policy, facts("light"), "launch", DAY).outcome == "blocked"
