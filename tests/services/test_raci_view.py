"""The matrix as declared, beside what the record shows; perspectives in a decision."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from core.connectors.config_files import read_config
from core.connectors.yaml_lines import BadFile
from core.domain.actors import Actor, Roles
from core.domain.commands import DecideGate, RegisterModelVersion, SubmitEvidence, make
from core.domain.errors import NotFound
from core.domain.policy.policy import Policy
from core.domain.work.raci import Guides, Raci, RaciTask
from core.domain.work.training import Trainings
from core.domain.work.work import (
    NoticeRule,
    Part,
    Perspective,
    Place,
    Routes,
    Task,
    Work,
    notices,
    perspectives,
)
from core.lake.directory import put_person
from core.services.governance import Governance
from core.services.models.versions import register_model_version
from core.services.process.evidence import submit_evidence
from core.services.process.gates import decide_gate
from core.services.record.people import AddPerson, add_person
from core.services.work.raci_view import observed_matrix, perspectives_of
from core.services.work.routing import WriteComment, write_comment
from tests.conftest import ADMIN, BUILDER, CONFIG, OWNER, VALIDATOR, later, register, rules_of
from tests.process import agree

ENGINEER = Actor(id="dora-data", name="Dora Data", team="Platform", roles=("data_ops",))


def prove(governance: Governance, actor: Actor, measure: str, day: float = 3) -> None:
    command = make(
        SubmitEvidence,
        actor=actor,
        at=later(day),
        initiative="card-limit-advice",
        measure=measure,
        title="Proof",
        link="https://wiki.example.org/proof",
    )
    submit_evidence(governance, command)


@pytest.fixture
def filled(governance: Governance) -> Governance:
    put_person(governance.store, ENGINEER)
    register(governance)  # by the builder, where the matrix expects the business
    version = make(
        RegisterModelVersion,
        actor=BUILDER,
        at=later(2),
        initiative="card-limit-advice",
        version="1",
        algorithm="Gradient boosting",
        task="binary",
    )
    register_model_version(governance, version)
    prove(governance, OWNER, "purpose_and_personal_data")
    prove(governance, OWNER, "development_logged")  # a data scientist's, done by the owner
    prove(governance, VALIDATOR, "red_team")
    return governance


def test_acts_are_counted_by_task_and_role_and_deviations_marked(filled: Governance) -> None:
    matrix = observed_matrix(filled, filled.moment(later(10)))
    acts = {one.task.id: dict(one.acts) for one in matrix.tasks if one.total}
    assert acts == {
        "identification": {"data_scientist": 1, "business_stakeholder": 1},
        "data_modeling": {"data_scientist": 1},
        "model_acceptance": {"risk_audit": 1},
        "capitalization": {"business_stakeholder": 1},
    }
    off = {(one.task, one.person, one.declared) for one in matrix.deviations}
    assert off == {("identification", BUILDER.id, ""), ("capitalization", OWNER.id, "")}
    assert (matrix.acts, matrix.off) == (5, 2)
    first = matrix.deviations[0]
    assert first.initiatives == (("card-limit-advice", "Card Limit Advice"),)
    assert "Business stakeholder" in next(d.expected for d in matrix.deviations if d.task == "identification")


def test_the_observed_matrix_is_read_as_of_a_moment_a_window_and_a_team(filled: Governance) -> None:
    assert observed_matrix(filled, filled.moment(later(1.5))).acts == 1
    assert observed_matrix(filled, filled.moment(later(10)), days=8).acts == 4
    assert observed_matrix(filled, filled.moment(later(10)), team="Elsewhere").acts == 0


def test_an_act_counts_in_the_role_that_somebody_had_then(governance: Governance) -> None:
    def give(day: float, *roles: str) -> Actor:
        values = {"person": OWNER.id, "name": OWNER.name, "team": "Credit", "roles": roles}
        added = add_person(governance, make(AddPerson, actor=ADMIN, at=later(day), **values))
        if added.proposal:
            agree(governance, added.proposal, day, actor=VALIDATOR)
        return governance.person(OWNER.id)

    owner = give(0.5, "business_stakeholder")
    register(governance)
    prove(governance, owner, "purpose_and_personal_data", day=2)
    prove(governance, give(4, "risk_audit"), "purpose_and_personal_data", day=5)
    give(6, "production")
    matrix = observed_matrix(governance, governance.moment(later(10)))
    identification = next(one for one in matrix.tasks if one.task.id == "identification")
    assert dict(identification.acts) == {"data_scientist": 1, "business_stakeholder": 1, "risk_audit": 1}
    assert identification.deviating == {"data_scientist", "risk_audit"}
    assert {one.declared for one in matrix.deviations} == {"", "I"}


def test_every_measure_of_the_policy_falls_to_a_task_whose_role_does_it(governance: Governance) -> None:
    policy = governance.policy(governance.moment(later(1)))
    for ladder in policy.considerations:
        for measure in ladder.rungs:
            task = rules_of(governance).raci.task_of_measure(measure.step, measure.responsible, ladder.id)
            assert task is not None, measure.id
            assert measure.responsible in task.responsible, measure.id


def test_every_action_of_the_matrix_is_one_that_the_code_records() -> None:
    sources = "".join(file.read_text() for file in (CONFIG.parent / "core" / "services").rglob("*.py"))
    known = {action for task in read_config(CONFIG / "raci.yaml", Raci).tasks for action in task.actions}
    assert known <= set(re.findall(r"\"([a-z_]+)\"", sources))


@pytest.mark.parametrize(
    ("find", "put", "sentence"),
    [
        ("actions: [predictions_added]", "", "nothing on record stands for task 'external_integration'"),
        (
            "[predictions_added]",
            "[model_explained]",
            "'model_explained' stands for task 'data_modeling' already",
        ),
        ("{data_ops: A/R}", "{data_ops: R}", "has 0 accountable roles"),
        ("{data_ops: A/R}", "{data_ops: A/R, production: A}", "has 2 accountable roles"),
        ("{data_ops: A/R}", "{data_ops: A}", "nobody is responsible for task 'external_integration'"),
    ],
)
def test_a_wrong_matrix_is_refused_with_its_line(
    tmp_path: object, find: str, put: str, sentence: str
) -> None:

    text = (CONFIG / "raci.yaml").read_text()
    assert find in text
    file = tmp_path / "raci.yaml"
    file.write_text(text.replace(find, put, 1))
    with pytest.raises(BadFile, match=r"raci.yaml:[0-9]+: ") as problem:
        read_config(file, Raci)
    assert sentence in str(problem.value)


def test_every_role_and_step_with_duties_has_a_guide(governance: Governance) -> None:
    policy = governance.policy(governance.moment(later(1)))
    guides = read_config(CONFIG / "guides.yaml", Guides)
    duties = {(measure.responsible, measure.step) for measure in policy.measures.values()}
    lacking = [pair for pair in sorted(duties) if guides.find(*pair) is None]
    assert lacking == []
    for pair in duties_of_signers(policy):
        assert guides.find(*pair) is not None, pair


def duties_of_signers(policy: Policy) -> set[tuple[str, str]]:
    """Roles that sign or give feedback at a gate, with the gate's step."""
    found = set()
    for measure in policy.measures.values():
        for plan in measure.sign_offs:
            step = next(gate.step for gate in policy.gates if gate.id == plan.gate)
            found |= {(role, step) for role in (*plan.feedback, *(a.role for a in plan.approvals))}
    return found


def test_guides_trainings_and_perspectives_name_only_what_there_is(governance: Governance) -> None:
    policy = governance.policy(governance.moment(later(1)))
    roles = {role.id for role in read_config(CONFIG / "roles.yaml", Roles).roles}
    steps = set(policy.step_order)
    assert {
        (g.role in roles, g.step in steps) for g in read_config(CONFIG / "guides.yaml", Guides).guides
    } == {(True, True)}
    trainings = read_config(CONFIG / "training.yaml", Trainings).trainings
    assert {role for training in trainings for role in training.roles} <= roles
    seen = {role for one in read_config(CONFIG / "work.yaml", Work).perspectives for role in one.roles}
    assert seen <= roles
    assert seen >= set(rules_of(governance).raci.roles), "every column of the matrix brings a perspective"
    assert {step for task in rules_of(governance).raci.tasks for step in task.steps} <= steps
    ladders = {ladder.id for ladder in policy.considerations}
    assert {one for task in rules_of(governance).raci.tasks for one in task.considerations} <= ladders


def test_the_letter_that_obliges_most_says_in_which_role_somebody_acts() -> None:
    task = RaciTask(
        id="acceptance",
        title="Acceptance",
        letters={"business_stakeholder": "A", "business_analyst": "R", "data_scientist": "C"},
        steps=("deployment",),
    )
    assert task.acting_role(("data_scientist", "business_stakeholder")) == "business_stakeholder"
    assert task.acting_role(("business_stakeholder", "business_analyst")) == "business_analyst"
    assert task.acting_role(("production",)) == "production"
    assert task.acting_role(()) == ""
    assert task.deviates("production")
    assert task.deviates("data_scientist")
    assert not task.deviates("business_stakeholder")


def test_perspectives_are_those_of_people_before_the_decision(filled: Governance) -> None:
    write_comment(
        filled,
        make(
            WriteComment,
            actor=VALIDATOR,
            at=later(4),
            initiative="card-limit-advice",
            text="Who is decided on?",
        ),
    )
    command = make(DecideGate, actor=BUILDER, at=later(5), initiative="card-limit-advice", gate="development")
    decide_gate(filled, command)
    prove(filled, ENGINEER, "full_snapshot", day=6)  # after the decision: it does not count for it
    found = perspectives_of(
        filled, filled.moment(later(9)), initiative="card-limit-advice", gate="development"
    )
    took_part = {view.perspective.id: view.people for view in found.views}
    assert took_part == {
        "business": (OWNER.id,),
        "subject_expert": (),
        "data": (BUILDER.id,),
        "risk": (VALIDATOR.id,),
        "engineering": (),
    }
    assert [view.perspective.id for view in found.missing] == ["subject_expert", "engineering"]
    assert found.to_ask["engineering"] == ENGINEER.name
    assert found.outcome == "blocked"
    risk = next(view for view in found.views if view.perspective.id == "risk")
    assert set(risk.did) == {"evidence_submitted", "comment_written"}
    so_far = perspectives_of(
        filled, filled.moment(later(9)), initiative="card-limit-advice", gate="deployment"
    )
    assert so_far.decided_at is None
    assert "engineering" not in {view.perspective.id for view in so_far.missing}


def test_an_unknown_gate_or_initiative_has_no_perspectives(filled: Governance) -> None:
    moment = filled.moment(later(9))
    with pytest.raises(NotFound, match="'no-gate' is no gate"):
        perspectives_of(filled, moment, initiative="card-limit-advice", gate="no-gate")
    with pytest.raises(NotFound, match="no initiative 'no-such'"):
        perspectives_of(filled, moment, initiative="no-such", gate="development")


def test_a_pipeline_brings_no_perspective() -> None:
    risk = Perspective(id="risk", title="Risk", roles=("risk_audit",))
    act = Part("pipeline", ("pipeline",), "check_run", datetime(2026, 3, 1, tzinfo=UTC))
    assert perspectives([risk], [act])[0].missing


def test_notices_are_a_pure_function_of_tasks_and_day(governance: Governance) -> None:
    day = later(10).date()
    task = Task(
        "requirement:a:b", "requirement", "T", "w", "h", "", "overdue", day, Place("initiative"),
        owner="ann", routes=Routes(("ann",), ("bob",), ("cyn", "bob"), ("dan",)),
    )  # fmt: skip
    rules = (
        NoticeRule(kind="escalation", to="accountable", days_after=(1, 15)),
        NoticeRule(kind="question", to="consulted", days_after=(1,)),
    )
    work = rules_of(governance).work.model_copy(update={"notices": rules})
    assert notices([task], day, work) == ()
    first = notices([task], later(11).date(), work)
    assert [(n.kind, n.to, n.level, n.days) for n in first] == [
        ("escalation", ("bob",), 1, 1),
        ("question", ("cyn",), 1, 1),
    ], "one task reaches a person once"
    second = notices([task], later(26).date(), work)
    assert (second[0].level, second[0].since) == (2, later(25).date())
    assert notices([task], later(26).date(), work) == second
