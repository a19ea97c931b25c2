"""Signatures, findings and waivers that wait are tasks of whoever may act on them, and of nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.domain.actors import Actor
from core.domain.commands import make
from core.domain.process.commands import (
    DecideWaiver,
    GiveFeedback,
    RaiseFinding,
    RequestSignOff,
    RequestWaiver,
    ResolveFinding,
    SignGate,
    VerifyFinding,
)
from core.domain.work.work import Task
from core.lake.directory import put_person
from core.services.governance import Governance
from core.services.process.findings import (
    decide_waiver,
    raise_finding,
    request_waiver,
    resolve_finding,
    verify_finding,
)
from core.services.process.sign_offs import give_feedback, request_sign_off, sign_gate
from core.services.work.raci_view import observed_matrix
from core.services.work.tasks import AssignTask, assign_task, open_tasks, standing_notices
from tests.conftest import BUILDER, OWNER, VALIDATOR, later, register, rules_of
from tests.process import (
    BUSINESS,
    ask,
    prove_all,
    put_in_force,
    seat_signers,
    sign,
    version,
    without_predictions,
)
from tests.services.test_findings_and_waivers import register_moderate

HEAD = Actor(id="hilda-head", name="Hilda Head", team="Risk", roles=("risk_audit", "head_of_risk"))
ENGINEER = Actor(id="dora-data", name="Dora Data", team="Platform", roles=("data_ops",))
INITIATIVE = "card-limit-advice"


@pytest.fixture
def strict(governance: Governance) -> Governance:
    for person in (HEAD, ENGINEER):
        put_person(governance.store, person)
    register(governance)
    return governance


def tasks(governance: Governance, day: float, *kinds: str) -> dict[str, Task]:
    found = open_tasks(governance, governance.moment(later(day)), initiative=INITIATIVE)
    of_all = open_tasks(governance, governance.moment(later(day)))
    assert [t for t in of_all if t.initiative == INITIATIVE] == list(found), "one query, one answer"
    return {task.key: task for task in found if task.kind in kinds}


def act(governance: Governance, service: Any, kind: Any, actor: Actor, day: float, **given: Any) -> Any:
    return service(governance, make(kind, actor=actor, at=later(day), initiative=INITIATIVE, **given))


def key(gate: str, part: str) -> str:
    return f"sign_off:{INITIATIVE}:{gate}:{part}"


def test_signatures_are_asked_for_by_the_builder_then_given_by_those_who_may(strict: Governance) -> None:
    before = tasks(strict, 2, "sign_off")
    assert set(before) == {key(gate, "ask") for gate in ("development", "preproduction", "deployment")}
    assert before[key("development", "ask")].owner == BUILDER.id
    assert before[key("development", "ask")].due_on == later(1).date() + timedelta(days=60)
    act(strict, request_sign_off, RequestSignOff, BUILDER, 3, gate="development")
    asked = tasks(strict, 4, "sign_off")
    assert key("development", "ask") not in asked
    sign = asked[key("development", "risk_audit")]
    assert set(sign.doers) == {VALIDATOR.id, HEAD.id}
    assert sign.waits == f"{BUILDER.name} waits for it"
    assert sign.independent


def test_feedback_comes_before_signatures_and_the_order_is_kept(strict: Governance) -> None:
    act(strict, request_sign_off, RequestSignOff, BUILDER, 3, gate="preproduction")
    waiting = tasks(strict, 4, "sign_off")
    assert waiting[key("preproduction", "data_ops")].owner == ENGINEER.id
    assert key("preproduction", "risk_audit") not in waiting
    given = {"gate": "preproduction", "outcome": "approved", "role": "data_ops"}
    act(strict, give_feedback, GiveFeedback, ENGINEER, 5, **given)
    waiting = tasks(strict, 6, "sign_off")
    assert key("preproduction", "data_ops") not in waiting
    assert set(waiting[key("preproduction", "risk_audit")].doers) == {VALIDATOR.id, HEAD.id}


def test_a_refusal_goes_back_to_the_builder(strict: Governance) -> None:
    act(strict, request_sign_off, RequestSignOff, BUILDER, 3, gate="development")
    given = {"gate": "development", "role": "risk_audit", "reason": "The groups are not named yet."}
    act(strict, sign_gate, SignGate, VALIDATOR, 4, outcome="rejected", **given)
    back = tasks(strict, 5, "sign_off")[key("development", "ask")]
    assert back.owner == BUILDER.id
    assert back.title.startswith("Answer the refusal")


def test_signatures_that_expire_are_to_be_renewed_by_their_day_and_are_late_only_once_they_lapsed(
    governance: Governance,
) -> None:
    seat_signers(governance)
    put_in_force(governance, without_predictions())
    live = register_moderate(governance)
    version(governance, live)
    prove_all(governance, live, 3)
    ask(governance, live, "deployment", 3.1)
    sign(governance, live, "deployment", 3.2, BUSINESS)
    signed = later(3).date()
    last = signed + timedelta(days=365)

    def task_at(day: float) -> Task | None:
        of_all = open_tasks(governance, governance.moment(later(day)))
        of_one = open_tasks(governance, governance.moment(later(day)), initiative=live)
        assert list(of_one) == [task for task in of_all if task.initiative == live]
        return next((task for task in of_one if task.kind == "sign_off"), None)

    assert task_at(330) is None, "it holds, and for long enough"
    for day in (340, 368):  # the second is its last day
        task = task_at(day)
        assert task is not None
        assert task.title == f"Signatures at “May go live” are to be renewed by {last}"
        assert (task.key, task.owner) == (f"sign_off:{live}:deployment:ask", BUILDER.id)
        assert (task.due_on, task.state) == (last, "expiring")
    lapsed = task_at(369)
    assert lapsed is not None
    assert lapsed.title == "Signatures at “May go live” no longer hold: ask again"
    assert (lapsed.due_on, lapsed.state) == (later(2).date() + timedelta(days=75), "overdue")


def test_a_validator_takes_a_signature_and_the_builder_cannot_be_given_it(strict: Governance) -> None:
    act(strict, request_sign_off, RequestSignOff, BUILDER, 3, gate="development")
    take = {"task": key("development", "risk_audit"), "person": HEAD.id}
    assign_task(strict, make(AssignTask, actor=HEAD, at=later(4), **take))
    assert tasks(strict, 5, "sign_off")[key("development", "risk_audit")].owner == HEAD.id


def test_a_signature_counts_for_the_task_of_its_gate_and_role(strict: Governance) -> None:
    act(strict, request_sign_off, RequestSignOff, BUILDER, 3, gate="development")
    given = {"gate": "development", "role": "risk_audit", "reason": "The groups are not named yet."}
    act(strict, sign_gate, SignGate, VALIDATOR, 4, outcome="rejected", **given)
    matrix = observed_matrix(strict, strict.moment(later(5)))
    acceptance = next(one for one in matrix.tasks if one.task.id == "model_acceptance")
    assert dict(acceptance.acts) == {"risk_audit": 1}


def test_a_finding_is_mended_by_its_owner_and_verified_by_somebody_else(strict: Governance) -> None:
    due = later(20).date()
    name = act(
        strict, raise_finding, RaiseFinding, VALIDATOR, 3,
        title="Postcode stands in for origin", severity="major", step="development", owner=BUILDER.id,
        due_on=due,
    )  # fmt: skip
    mend = tasks(strict, 4, "finding")[f"finding:{INITIATIVE}:{name}"]
    assert (mend.owner, mend.due_on, mend.state) == (BUILDER.id, due, "waiting")
    escalated = [
        notice
        for notice in standing_notices(strict, strict.moment(later(22)))
        if notice.task.key == mend.key and notice.kind == "escalation"
    ]
    assert escalated[0].to == (OWNER.id,), "late findings go to the owner of the initiative"
    act(strict, resolve_finding, ResolveFinding, BUILDER, 6, finding=name, note="The column is left out now.")
    verify = tasks(strict, 7, "finding")
    assert set(verify) == {f"finding:{INITIATIVE}:{name}:verify"}
    assert set(verify[f"finding:{INITIATIVE}:{name}:verify"].doers) == {VALIDATOR.id, HEAD.id}
    act(
        strict, verify_finding, VerifyFinding, HEAD, 8,
        finding=name, mended=True, note="Looked at the new version.",
    )  # fmt: skip
    assert tasks(strict, 9, "finding") == {}


def test_a_waiver_waits_for_an_approver_of_the_right_rank(strict: Governance) -> None:
    waiver = act(
        strict, request_waiver, RequestWaiver, BUILDER, 3,
        measure="column_lineage", reason="The old system keeps no lineage.",
        compensation="A monthly check of the loads by hand.", until=later(40).date(),
    )  # fmt: skip
    found = tasks(strict, 4, "waiver")[f"waiver:{INITIATIVE}:{waiver}"]
    assert found.owner == HEAD.id, "only the head of risk may waive for this class"
    assert found.due_on == later(3).date() + timedelta(days=rules_of(strict).work.answer_days)
    note = "Granted until the new system is there."
    act(strict, decide_waiver, DecideWaiver, HEAD, 5, waiver=waiver, outcome="granted", note=note)
    assert tasks(strict, 6, "waiver") == {}
