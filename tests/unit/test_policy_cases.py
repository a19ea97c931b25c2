"""Policy cases kept as data: facts to decisions, wrong files to messages (`tests/cases/policy/README.md`)."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.connectors.config_files import parse_policy, read_config, read_policy
from core.connectors.yaml_lines import BadFile
from core.domain.actors import Roles
from core.domain.errors import NotFound
from core.domain.facts.process import Finding, Waiver
from core.domain.policy.policy import Classification, Policy, classify
from core.domain.policy.requirement_list import demands_of, requirements_of
from core.domain.process.facts import CheckProof, InitiativeFacts, SignOffAct
from core.domain.process.gates import decide
from core.domain.process.requirements import requirement_states
from core.ground import Verdict

PROJECT = Path(__file__).parents[2]
CASES = PROJECT / "tests/cases/policy"
KEYS = {
    "good": "title answers override registered classified version proved evidence checks signed waived "
    "found day class mode score reason requirements others overdue gates findings refused",
    "wrong": "title base find put text problems",
}


def cases(folder: str) -> list[Any]:
    found = []
    for path in sorted((CASES / folder).glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8")):
            assert set(case) <= set(KEYS[folder].split()), f"{path.name}: {case['title']}"
            found.append(pytest.param(case, id=f"{path.stem}: {case['title']}"))
    return found


@pytest.fixture(scope="module")
def roles() -> Roles:
    return read_config(PROJECT / "config/roles.yaml", Roles)


@pytest.fixture(scope="module")
def policy(roles: Roles) -> Policy:
    return read_policy(PROJECT / "config/policy.yaml", roles)[0]


def answered(policy: Policy, given: dict[str, list[str]]) -> Classification:
    lightest = {question.id: (question.options[0].id,) for question in policy.questions}
    return classify(policy, lightest | {question: tuple(options) for question, options in given.items()})


def facts_of(policy: Policy, case: dict[str, Any], class_id: str) -> InitiativeFacts:
    proved: Any = case.get("proved")
    asked = [r.measure for r in requirements_of(policy, class_id)] if proved else []
    evidence = {measure.id: proved for measure in asked if measure.evidence is not None}
    verdicts = {check: "pass" for measure in asked for check in measure.checks}
    evidence |= case.get("evidence", {})
    verdicts |= case.get("checks", {})
    version = case.get("version", "none")
    signed = {r.sign_off.gate: proved for r in requirements_of(policy, class_id) if r.sign_off and proved}
    return InitiativeFacts(
        "case",
        class_id,
        registered_on=case["registered"],
        classified_on=case.get("classified", case["registered"]),
        version_on=None if version == "none" else version,
        evidence={measure: day for measure, day in evidence.items() if isinstance(day, date)},
        checks={
            check: CheckProof(Verdict(verdict), proved, f"{check} said {verdict}", f"Mend {check}.")
            for check, verdict in verdicts.items()
            if verdict != "none"
        },
        version=None if version == "none" else "1",
        sign_offs={
            gate: acts_of(policy, class_id, gate, day, None if version == "none" else "1")
            for gate, day in (signed | case.get("signed", {})).items()
            if isinstance(day, date | dict)
        },
        waivers=tuple(
            Waiver(
                recorded_at=datetime.combine(case["registered"], time()),
                initiative="case",
                waiver="w1",
                state="granted",
                measure=measure,
                role=role,
                reason="It is late.",
                compensation="We look by hand.",
                until=until,
            )
            for measure, (role, until) in case.get("waived", {}).items()
        ),
        findings=tuple(
            Finding(
                initiative="case",
                finding=name,
                severity=severity,
                title="Ages are wrong",
                step=step,
                owner="",
                due_on=due,
            )
            for name, (severity, step, due) in case.get("found", {}).items()
        ),
    )


def acts_of(
    policy: Policy, class_id: str, gate_id: str, given: date | dict[str, Any], version: str | None
) -> tuple[SignOffAct, ...]:
    """A request, then everybody's approval on a day; a mapping changes the outcome of the last answer."""
    day: date = given["day"] if isinstance(given, dict) else given
    outcome = given.get("outcome", "approved") if isinstance(given, dict) else "approved"
    gate = policy.gate(gate_id)
    assert gate is not None
    demands = demands_of(policy, class_id, gate)
    plan = next(r.sign_off for r in requirements_of(policy, class_id) if r.id.endswith(f":{gate_id}"))
    assert plan is not None
    people = [(a.role, f"{a.role}-{n}") for a in plan.approvals for n in range(a.quorum)]
    acts = [SignOffAct(1, day, "requested", "builder")]
    acts += [SignOffAct(2, day, "feedback", "adviser", "approved", role) for role in plan.feedback]
    for place, (role, person) in enumerate(people, start=1):
        said = outcome if place == len(people) else "approved"
        acts.append(
            SignOffAct(2 + place, day, "decided", person, said, role, version=version, demands=demands)
        )
    return tuple(acts)


@pytest.mark.parametrize("case", cases("good"))
def test_facts_lead_to_class_requirements_and_decision(policy: Policy, case: dict[str, Any]) -> None:
    classification = answered(policy, case.get("answers", {}))
    if "class" in case:
        assert classification.class_id == case["class"]
    for key, found in (("mode", classification.mode_id), ("score", classification.score)):
        assert found == case.get(key, found)
    assert case.get("reason", "") in " ".join(classification.reasons)
    if "day" in case:
        facts = facts_of(policy, case, case.get("override", classification.class_id))
        check_requirements(policy, case, facts)
        check_gates(policy, case, facts)


def check_requirements(policy: Policy, case: dict[str, Any], facts: InitiativeFacts) -> None:
    states = requirement_states(policy, facts, case["day"])
    found = {state.requirement.id: state.status.value for state in states}
    expected = case.get("requirements", {})
    assert set(expected) <= set(found)
    assert found == {measure: expected.get(measure, case.get("others")) for measure in found}
    if "overdue" in case:
        assert [s.requirement.id for s in states if s.overdue] == case["overdue"]


def check_gates(policy: Policy, case: dict[str, Any], facts: InitiativeFacts) -> None:
    for gate, outcome in case.get("gates", {}).items():
        assert decide(policy, facts, gate, case["day"]).outcome == outcome, gate
    for gate, expected in case.get("findings", {}).items():
        found = decide(policy, facts, gate, case["day"]).findings
        assert len(found) == len(expected), found
        for finding, (measure, severity, message, remedy) in zip(found, expected, strict=True):
            assert (finding.requirement, finding.severity) == (measure, severity)
            assert message in finding.message
            assert remedy in finding.remedy
    for gate, words in case.get("refused", {}).items():
        with pytest.raises(NotFound) as refusal:
            decide(policy, facts, gate, case["day"])
        assert str(refusal.value) == words


def changed(case: dict[str, Any]) -> str:
    if "text" in case:
        return str(case["text"])
    base = PROJECT / case["base"] if "base" in case else CASES / "small.yaml"
    text = base.read_text(encoding="utf-8")
    assert text.count(case["find"]) == 1, "'find' has to stand exactly once in the base"
    return text.replace(case["find"], case["put"])


def expected_line(text: str, problem: dict[str, Any]) -> int:
    if "at" not in problem:
        return int(problem["line"])
    assert text.count(problem["at"]) == 1, f"'{problem['at']}' has to stand exactly once"
    line = text.count("\n", 0, text.index(problem["at"])) + 1
    assert line == problem.get("line", line)
    return line


@pytest.mark.parametrize("case", cases("wrong"))
def test_a_wrong_file_is_refused_with_line_and_remedy(roles: Roles, case: dict[str, Any]) -> None:
    text = changed(case)
    with pytest.raises(BadFile) as refusal:
        parse_policy(text, roles, name="policy.yaml")
    found = refusal.value.problems
    assert len(found) == len(case["problems"]), refusal.value.what
    assert [problem.line for problem in found] == sorted(expected_line(text, p) for p in case["problems"])
    lines = (refusal.value.what + ".").split("\n")
    for problem in case["problems"]:
        start = f"policy.yaml:{expected_line(text, problem)}: "
        assert any(
            line.startswith(start) and problem["says"] in line and problem["remedy"] in line for line in lines
        ), f"{problem} not in\n{refusal.value}"


def test_the_small_policy_itself_is_sound(roles: Roles) -> None:
    text = (CASES / "small.yaml").read_text(encoding="utf-8")
    assert parse_policy(text, roles, name="small.yaml").version == "test-1"


def test_there_are_cases_of_every_class() -> None:
    good = [param.values[0] for param in cases("good")]
    classes = {case.get("override", case.get("class")) for case in good if "day" in case}
    assert classes == {"low", "moderate", "high", "very_high"}
    assert len(good) >= 25
