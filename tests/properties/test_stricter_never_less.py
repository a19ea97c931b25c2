"""A stricter class never asks for less, a heavier answer never lowers the class, and doubt never opens."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from core.connectors.config_files import read_config, read_policy
from core.domain.actors import Roles
from core.domain.facts.process import Finding
from core.domain.policy.checks import CHECKS
from core.domain.policy.policy import Answers, Policy, Question, classify, classify_so_far
from core.domain.policy.requirement_list import demands_of
from core.domain.process.facts import CheckProof, InitiativeFacts, SignOffAct
from core.domain.process.gates import decide
from core.domain.process.requirements import requirement_states
from core.ground import Verdict

CONFIG = Path(__file__).parents[2] / "config"
POLICY: Policy = read_policy(CONFIG / "policy.yaml", read_config(CONFIG / "roles.yaml", Roles))[0]
DAY = date(2026, 3, 2)
CLASSES = [risk_class.id for risk_class in POLICY.classes]
PAIRS = list(combinations(CLASSES, 2))  # lighter, stricter

days = st.integers(0, 800).map(lambda age: DAY - timedelta(days=age))
proofs = st.builds(CheckProof, st.sampled_from([Verdict.PASS, *Verdict]), days)
evidence = st.dictionaries(st.sampled_from(list(POLICY.measures)), days)
checks = st.dictionaries(st.sampled_from(list(CHECKS)), proofs)


def approvals(class_id: str, gate: str, version: str | None) -> tuple[SignOffAct, ...]:
    """Everybody that any class asks for signs at a gate, having seen what one class asks for."""
    asked = POLICY.gate(gate)
    assert asked is not None
    demands = demands_of(POLICY, class_id, asked)
    people = [("business_stakeholder", "ann"), ("risk_audit", "ben"), ("risk_audit", "cas")]
    signed = [
        SignOffAct(seq, DAY, "decided", person, "approved", role, version=version, demands=demands)
        for seq, (role, person) in enumerate(people, start=2)
    ]
    return (SignOffAct(1, DAY, "requested", "bob"), *signed)


@st.composite
def facts(draw: st.DrawFn, class_id: str = "low") -> InitiativeFacts:
    """Facts of any kind, often nearly complete, so that gates open now and then."""
    held = draw(evidence)
    if draw(st.booleans()):
        held = dict.fromkeys(POLICY.measures, DAY) | held
    run = draw(checks)
    if draw(st.booleans()):
        run = dict.fromkeys(CHECKS, CheckProof(Verdict.PASS, DAY)) | run
    registered = draw(days)
    version_on = draw(st.none() | days)
    version = "1" if version_on else None
    signed = draw(st.lists(st.sampled_from([gate.id for gate in POLICY.gates]), max_size=6))
    if draw(st.booleans()):
        signed = [gate.id for gate in POLICY.gates]
    sign_offs = {gate: approvals(draw(st.sampled_from(CLASSES)), gate, version) for gate in signed}
    found = draw(
        st.lists(
            st.builds(
                Finding,
                initiative=st.just("case"),
                finding=st.just("F1"),
                severity=st.sampled_from(["blocker", "major", "minor"]),
                title=st.just("Ages are wrong"),
                step=st.sampled_from([step.id for step in POLICY.steps]),
                owner=st.just(""),
                due_on=st.just(DAY),
            ),
            max_size=1,
        )
    )
    known = InitiativeFacts("case", class_id, registered, registered, version_on, held, run, version)
    return replace(known, sign_offs=sign_offs, findings=tuple(found) if draw(st.booleans()) else ())


def in_class(known: InitiativeFacts, class_id: str) -> InitiativeFacts:
    return replace(known, class_id=class_id)


def answer(question: Question) -> st.SearchStrategy[tuple[str, ...]]:
    options = st.sampled_from([option.id for option in question.options])
    if question.kind == "one":
        return st.tuples(options)
    return st.lists(options, min_size=1, unique=True).map(
        lambda chosen: _without_contradiction(question, chosen)
    )


def _without_contradiction(question: Question, chosen: list[str]) -> tuple[str, ...]:
    """What is chosen alone is left out beside other answers."""
    kept = [given for given in chosen if not question.option(given).alone]  # type: ignore[union-attr]
    return tuple(kept or chosen[:1])


answers = st.fixed_dictionaries({question.id: answer(question) for question in POLICY.questions})


def test_each_cell_of_a_stricter_class_reaches_at_least_as_far() -> None:
    for lighter, stricter in PAIRS:
        for ladder in POLICY.considerations:
            assert POLICY.matrix[lighter][ladder.id] <= POLICY.matrix[stricter][ladder.id]
        gates = [{gate.id for gate in POLICY.gates_of(class_id)} for class_id in (lighter, stricter)]
        assert gates[0] <= gates[1]


@settings(max_examples=300)
@given(known=facts(), pair=st.sampled_from(PAIRS))
def test_what_satisfies_the_stricter_class_satisfies_the_lighter(
    known: InitiativeFacts, pair: tuple[str, str]
) -> None:
    lighter, stricter = (in_class(known, class_id) for class_id in pair)
    unmet = {
        s.requirement.consideration.id for s in requirement_states(POLICY, stricter, DAY) if not s.satisfied
    }
    for state in requirement_states(POLICY, lighter, DAY):
        assert state.satisfied or state.requirement.consideration.id in unmet


@settings(max_examples=300)
@given(known=facts(), pair=st.sampled_from(PAIRS), data=st.data())
def test_what_opens_a_gate_for_the_stricter_class_opens_it_for_the_lighter(
    known: InitiativeFacts, pair: tuple[str, str], data: st.DataObject
) -> None:
    gate = data.draw(st.sampled_from([gate.id for gate in POLICY.gates_of(pair[0])]))
    lighter, stricter = (decide(POLICY, in_class(known, class_id), gate, DAY) for class_id in pair)
    assert lighter.is_open or not stricter.is_open


@settings(max_examples=300)
@given(known=st.sampled_from(CLASSES).flatmap(facts), data=st.data())
def test_an_open_gate_means_that_all_it_asks_for_is_satisfied(
    known: InitiativeFacts, data: st.DataObject
) -> None:
    gate = data.draw(st.sampled_from(POLICY.gates_of(known.class_id)))
    decision = decide(POLICY, known, gate.id, DAY)
    last = POLICY.step_order[gate.step]
    asked = [
        state
        for state in requirement_states(POLICY, known, DAY)
        if POLICY.step_order[state.requirement.step] <= last
    ]
    serious = [
        f"finding:{found.finding}"
        for found in known.findings
        if found.severity != "minor" and POLICY.step_order[found.step] <= last
    ]
    assert asked, "every gate asks for something"
    assert decision.is_open == (all(state.satisfied for state in asked) and not serious)
    blockers = [finding.requirement for finding in decision.findings if finding.severity == "blocker"]
    assert blockers == [*(state.requirement.id for state in asked if not state.satisfied), *serious]
    assert all(finding.remedy.endswith(".") for finding in decision.findings)


@given(given_answers=answers, data=st.data())
def test_a_heavier_answer_never_lowers_the_class(given_answers: Answers, data: st.DataObject) -> None:
    question = data.draw(st.sampled_from(POLICY.questions))
    option = question.option(given_answers[question.id][0])
    assert option is not None
    heavier = data.draw(st.sampled_from([o for o in question.options if o.weight >= option.weight]))
    if heavier.weight == option.weight:
        heavier = option
    before = {**given_answers, question.id: (option.id,)}
    after = {**given_answers, question.id: (heavier.id,)}
    order = POLICY.class_order
    assert order[classify(POLICY, after).class_id] >= order[classify(POLICY, before).class_id]


@given(given_answers=answers, data=st.data())
def test_one_more_answer_never_lowers_the_class(given_answers: Answers, data: st.DataObject) -> None:
    known = data.draw(st.sets(st.sampled_from(sorted(given_answers))))
    so_far = {question: given_answers[question] for question in known}
    full = classify(POLICY, given_answers)
    assert POLICY.class_order[full.class_id] >= POLICY.class_order[classify_so_far(POLICY, so_far).class_id]
    assert full.score >= classify_so_far(POLICY, so_far).score


@given(given_answers=answers)
def test_public_harm_to_people_is_very_high_whatever_else_is_answered(given_answers: Answers) -> None:
    public = {**given_answers, "consumers": ("public",), "error_impact": ("personal",)}
    assert classify(POLICY, public).class_id == "very_high"
