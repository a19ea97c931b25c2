"""Ways around the rules that one person found on the running product: refused, or no longer counting.

`tests/cases/ways/around.yaml` is the table of all 21 kinds, with the tests that hold each.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.connectors.settings import PROJECT
from core.domain.actors import Actor
from core.domain.commands import (
    AmendInitiative,
    Command,
    OverrideClassification,
    PromoteVersion,
    RegisterModelVersion,
    RetireVersion,
    SubmitEvidence,
    make,
)
from core.domain.errors import BadInput, Conflict, Forbidden
from core.domain.facts.recorded import entry_of
from core.domain.facts.work import TaskAssignment
from core.domain.models.business_kpis import SetBusinessKpi
from core.domain.models.model_card import WriteDocumentText
from core.domain.policy.policy import classify_so_far
from core.domain.process.commands import (
    DecideWaiver,
    DelegateSignOff,
    PullModel,
    RaiseFinding,
    RequestWaiver,
    ResolveFinding,
    VerifyFinding,
)
from core.domain.process.sign_offs import SignOffStatus
from core.lake.directory import put_person
from core.lake.store import save_store
from core.services.governance import Governance
from core.services.measured.business_kpi import set_business_kpi
from core.services.models.documents import write_document_text
from core.services.models.versions import promote_version, register_model_version, retire_version
from core.services.process.classification import override_classification
from core.services.process.evidence import submit_evidence
from core.services.process.findings import (
    decide_waiver,
    raise_finding,
    request_waiver,
    resolve_finding,
    verify_finding,
)
from core.services.process.gates import pull_model
from core.services.process.initiatives import amend_initiative
from core.services.process.sign_offs import delegate_sign_off, lay_table
from core.services.work.raci_view import AttestTraining, attest_training
from core.services.work.tasks import AssignTask, assign_task, open_tasks
from tests.conftest import BUILDER, OWNER, VALIDATOR, founded, later, register
from tests.process import (
    BUSINESS,
    HEAD,
    LOCKED,
    OPS,
    PRODUCTION,
    SECOND,
    THIRD,
    advise,
    ask,
    decide,
    prove_all,
    put_in_force,
    refused,
    seat_signers,
    sign,
    thawed,
    version,
    without_predictions,
)

GATE = "deployment"
READY = "card-limit-advice"
STRANGER = Actor(
    id="sid-stranger", name="Sid Stranger", team="Loans", roles=("business_stakeholder", "data_scientist")
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A very high risk initiative, everything proved, its deployment gate signed and open on day 6."""
    governance = founded(tmp_path_factory.mktemp("prepared") / "store")
    seat_signers(governance)
    put_person(governance.store, STRANGER)
    put_in_force(governance, without_predictions())
    initiative = register(governance)
    version(governance, initiative)
    prove_all(governance, initiative, 3)
    for place, gate in enumerate(("development", "preproduction")):
        ask(governance, initiative, gate, 3.5 + place / 2)
        if gate == "preproduction":
            advise(governance, initiative, gate, 4.1, OPS)
        sign(governance, initiative, gate, 3.7 + place / 2, SECOND)
    ask(governance, initiative, GATE, 5)
    advise(governance, initiative, GATE, 5.1, PRODUCTION)
    for place, person in enumerate((BUSINESS, SECOND, THIRD)):
        sign(governance, initiative, GATE, 5.2 + place / 10, person)
    assert decide(governance, initiative, GATE, 6).is_open
    save_store(governance.store)
    governance.close()
    return governance.store.folder


@pytest.fixture
def governance(prepared: Path, tmp_path: Path) -> Iterator[Governance]:
    """The prepared store, for one test alone."""
    opened = thawed(prepared, tmp_path / "store")
    yield opened
    opened.close()


def say(
    governance: Governance, service: Callable[..., Any], kind: type[Command], actor: Actor, /, **given: Any
) -> Any:
    values = {"at": later(7), "initiative": READY, **given}
    return service(governance, make(kind, actor=actor, **values))


def status(governance: Governance, day: float, gate: str = GATE) -> SignOffStatus:
    return lay_table(governance, READY, gate, governance.moment(later(day))).state.status


WHY = {"reason": "It seems better to me."}
ACTS: dict[str, tuple[Callable[..., Any], type[Command], dict[str, Any]]] = {
    "amend": (amend_initiative, AmendInitiative, {"purpose": "Decides alone on every limit."}),
    "own": (amend_initiative, AmendInitiative, {"owner": STRANGER.id}),
    "register": (
        register_model_version,
        RegisterModelVersion,
        {"version": "99", "algorithm": "Guessing", "task": "binary"},
    ),
    "promote": (promote_version, PromoteVersion, {"version": "1", **WHY}),
    "retire": (retire_version, RetireVersion, {"version": "1", **WHY}),
    "pull": (pull_model, PullModel, {"reason": "We do not like what it says."}),
    "prove": (
        submit_evidence,
        SubmitEvidence,
        {"measure": "test_pipeline", "title": "Our pipeline", "link": "https://wiki.example.org/p"},
    ),
    "document": (
        write_document_text,
        WriteDocumentText,
        {"kind": "card", "section": "limits", "text": "It has none at all."},
    ),
}


@pytest.mark.parametrize("act", sorted(ACTS))
def test_who_has_no_tie_to_an_initiative_changes_nothing_of_it(governance: Governance, act: str) -> None:
    service, kind, given = ACTS[act]
    words = "Sid Stranger has no tie to Card Limit Advice"
    refused(governance, Forbidden, words, lambda: say(governance, service, kind, STRANGER, **given))
    assert decide(governance, READY, GATE, 8).is_open


def test_who_is_given_a_task_on_it_has_a_tie(governance: Governance) -> None:
    refused(
        governance,
        Forbidden,
        "has no tie",
        lambda: say(governance, *ACTS["own"][:2], STRANGER, name="Card Limits"),
    )
    given = TaskAssignment(initiative=READY, task="requirement:x", person=STRANGER.id, reason="")
    governance.store.append([entry_of("task_assigned", given)], actor=OWNER.id, at=later(7))
    say(governance, *ACTS["own"][:2], STRANGER, at=later(8), name="Card Limits")


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"purpose": "Decides alone on every limit, without a clerk."}, "the purpose was rewritten"),
        ({"owner": BUSINESS.id}, "it has another owner"),
    ],
)
def test_an_approval_ends_with_the_words_that_it_was_given_to(
    governance: Governance, change: dict[str, str], because: str
) -> None:
    say(governance, amend_initiative, AmendInitiative, BUILDER, **change)
    state = lay_table(governance, READY, GATE, governance.moment(later(8))).state
    assert state.status is SignOffStatus.LAPSED
    assert because in state.lapses
    assert not decide(governance, READY, GATE, 8).is_open


def test_a_better_name_ends_no_approval(governance: Governance) -> None:
    say(governance, amend_initiative, AmendInitiative, BUILDER, name="Card Limits")
    assert decide(governance, READY, GATE, 8).is_open


def rewritten(governance: Governance, day: float) -> None:
    """Another purpose: all approvals end."""
    purpose = "Decides alone on every limit, without a clerk."
    say(governance, amend_initiative, AmendInitiative, BUILDER, at=later(day), purpose=purpose)


def asked_anew(governance: Governance, day: float) -> None:
    """The gates before are signed again, and the signatures of the one that makes live are asked for."""
    for gate, adviser in (("development", None), ("preproduction", OPS), (GATE, PRODUCTION)):
        ask(governance, READY, gate, day)
        if adviser:
            advise(governance, READY, gate, day + 0.1, adviser)
        if gate != GATE:
            sign(governance, READY, gate, day + 0.2, SECOND)


def test_feedback_on_one_version_is_not_heard_on_the_next(governance: Governance) -> None:
    ask_again = "2"
    version(governance, READY, ask_again, day=7)
    prove_all(governance, READY, 7.5)
    asked_anew(governance, 8)
    assert status(governance, 8.5) is SignOffStatus.WAITING_FOR_APPROVAL
    version(governance, READY, "6", day=9)
    prove_all(governance, READY, 9.5)
    assert status(governance, 10) is SignOffStatus.WAITING_FOR_FEEDBACK
    refused(
        governance, Conflict, "feedback is still missing", lambda: sign(governance, READY, GATE, 10, BUSINESS)
    )


def test_a_request_that_nobody_completes_ends(governance: Governance) -> None:
    version(governance, READY, "2", day=7)
    prove_all(governance, READY, 7.5)
    ask(governance, READY, "development", 8)
    assert status(governance, 98, "development") is SignOffStatus.WAITING_FOR_APPROVAL
    assert status(governance, 99.1, "development") is SignOffStatus.LAPSED
    refused(
        governance,
        Conflict,
        "more than 90 days ago",
        lambda: sign(governance, READY, "development", 99.1, SECOND),
    )
    task = next(
        one
        for one in open_tasks(governance, governance.moment(later(99.1)), initiative=READY)
        if one.kind == "sign_off" and "in time" in one.title
    )
    assert "ask again" in task.title
    ask(governance, READY, "development", 99.2)


PROMISE = {"name": "Limits kept", "direction": "up", "baseline": 0.1, "target": 0.9, "unit": "%"}
PROMISE |= {"baseline_on": later(1).date(), "target_on": later(90).date()}
PARTS: dict[str, tuple[Callable[..., Any], type[Command], dict[str, Any]]] = {
    "made a version": (
        register_model_version,
        RegisterModelVersion,
        {"version": "3", "algorithm": "Guessing", "task": "binary", "role": "challenger", **LOCKED},
    ),
    "promoted it": (promote_version, PromoteVersion, {"version": "2", **WHY}),
    "proved it": ACTS["prove"],
    "set its business KPI": (set_business_kpi, SetBusinessKpi, PROMISE),
    "wrote in its documents": ACTS["document"],
}
SIGNS = Actor(
    id="sue-signs", name="Sue Signs", team="Credit",
    roles=("risk_audit", "head_of_risk", "data_scientist", "data_ops"),
)  # fmt: skip


def take_part(governance: Governance, part: str, day: float) -> None:
    """Somebody of the team, who has every role that signs, does something on the initiative."""
    service, kind, given = PARTS[part]
    put_person(governance.store, SIGNS)
    say(governance, service, kind, SIGNS, at=later(day), **given)


@pytest.mark.parametrize("part", ["registered it", *sorted(PARTS)])
def test_nobody_signs_what_they_had_a_part_in(governance: Governance, part: str) -> None:
    who = BUILDER.model_copy(update={"roles": ("risk_audit",)}) if part == "registered it" else SIGNS
    version(governance, READY, "2", day=7)
    if part in PARTS:
        if part == "promoted it":
            say(governance, promote_version, PromoteVersion, BUILDER, version="1", **WHY, at=later(7.05))
        take_part(governance, part, 7.1)
    if part == "made a version":
        say(governance, promote_version, PromoteVersion, BUILDER, version="3", **WHY, at=later(7.2))
    prove_all(governance, READY, 7.5)
    ask(governance, READY, "development", 8)
    with pytest.raises(Forbidden, match="nobody signs their own work"):
        sign(governance, READY, "development", 8.1, who)
    assert sign(governance, READY, "development", 8.2, THIRD)


def raised(governance: Governance, day: float) -> str:
    """A finding that its owner says is mended."""
    told = {"severity": "major", "title": "Limits are off", "detail": "They are too high by a tenth."}
    told |= {"step": "development", "due_on": later(60).date(), "owner": BUILDER.id}
    name = say(governance, raise_finding, RaiseFinding, VALIDATOR, at=later(day), **told)
    note = {"finding": name, "note": "It was mended as asked."}
    say(governance, resolve_finding, ResolveFinding, BUILDER, at=later(day + 0.1), **note)
    return str(name)


@pytest.mark.parametrize("part", ["made a version", "promoted it", "wrote in its documents"])
def test_whose_work_it_is_waives_verifies_and_overrides_nothing_of_it(
    governance: Governance, part: str
) -> None:
    version(governance, READY, "2", day=7)
    say(governance, promote_version, PromoteVersion, BUILDER, version="1", **WHY, at=later(7.05))
    take_part(governance, part, 7.1)
    finding = raised(governance, 8)
    given: dict[str, Any] = {
        "measure": "red_team",
        "reason": "They are booked until May.",
        "until": later(40).date(),
    }
    given |= {"compensation": "Two analysts try to break it."}
    waiver = say(governance, request_waiver, RequestWaiver, OWNER, at=later(8), **given)
    note = {"note": "The controls are in place."}
    lower = {"class_id": "low", "justification": "It only advises a clerk now.", "until": later(40).date()}
    lower |= {"compensation": "A clerk decides every case by hand."}
    decided = {"waiver": waiver, "outcome": "granted", **note}
    tried: tuple[tuple[str, Callable[..., Any], type[Command], dict[str, Any]], ...] = (
        ("nobody decides a waiver", decide_waiver, DecideWaiver, decided),
        (
            "verified by somebody else",
            verify_finding,
            VerifyFinding,
            {"finding": finding, "mended": True, **note},
        ),
        ("or wrote in its documents, may not", override_classification, OverrideClassification, lower),
    )
    for words, service, kind, said in tried:
        refused(
            governance,
            Forbidden,
            words,
            lambda service=service, kind=kind, said=said: say(
                governance, service, kind, SIGNS, at=later(9), **said
            ),
        )
        say(governance, service, kind, HEAD, at=later(9.5), **said)


def test_one_hand_signs_once_at_a_gate(governance: Governance) -> None:
    """For itself or for somebody who delegated it: the quorum counts hands."""
    trainings = governance.rules(governance.moment(later(7))).trainings
    for training in trainings.asked_of(THIRD.roles):
        said = make(AttestTraining, actor=THIRD, at=later(7), training=training.id)
        attest_training(governance, said)
    given: dict[str, Any] = {"delegate": THIRD.id, "role": "risk_audit", "until": later(20).date()}
    delegated = make(DelegateSignOff, actor=SECOND, at=later(7), reason="Away for two weeks.", **given)
    delegate_sign_off(governance, delegated)
    rewritten(governance, 7)
    asked_anew(governance, 8)
    sign(governance, READY, GATE, 8.3, BUSINESS)
    sign(governance, READY, GATE, 8.3, THIRD, on_behalf_of=SECOND.id)
    words = "answered at this gate already"
    refused(governance, Conflict, words, lambda: sign(governance, READY, GATE, 8.4, THIRD))
    refused(governance, Conflict, words, lambda: sign(governance, READY, GATE, 8.5, SECOND))
    assert not decide(governance, READY, GATE, 9).is_open


def test_nobody_makes_a_tie_of_their_own(governance: Governance) -> None:
    """Who takes a task that anybody of their role could do gets no more of the initiative by it."""
    rewritten(governance, 7)
    asked_anew(governance, 7.1)
    tasks = open_tasks(governance, governance.moment(later(8)), initiative=READY)
    free = [one.key for one in tasks if STRANGER.id in one.routes.responsible]
    assert free
    for key in free:
        assign_task(governance, make(AssignTask, actor=STRANGER, at=later(8), task=key))
    for act in ("pull", "amend", "retire"):
        service, kind, given = ACTS[act]
        turn = lambda s=service, k=kind, g=given: say(governance, s, k, STRANGER, at=later(9), **g)  # noqa: E731
        refused(governance, Forbidden, "has no tie", turn)


def test_a_former_owner_closes_no_finding(governance: Governance) -> None:
    say(governance, amend_initiative, AmendInitiative, BUILDER, owner=THIRD.id)
    say(governance, amend_initiative, AmendInitiative, BUILDER, owner=OWNER.id, at=later(7.1))
    told = {"severity": "major", "title": "Limits are off", "detail": "They are too high by a tenth."}
    told |= {"step": "development", "due_on": later(30).date()}
    name = say(governance, raise_finding, RaiseFinding, VALIDATOR, **told)
    note = {"finding": name, "note": "It was mended as asked."}
    say(governance, resolve_finding, ResolveFinding, BUILDER, **note)
    words = "verified by somebody else than who mended it"
    mended = {**note, "mended": True}
    refused(
        governance, Forbidden, words, lambda: say(governance, verify_finding, VerifyFinding, THIRD, **mended)
    )
    say(governance, verify_finding, VerifyFinding, SECOND, **mended)


@pytest.mark.parametrize(
    "link", ["javascript://alert(1)", "data://text/html,x", "vbscript://x", "view-source://x"]
)
def test_a_link_leads_to_files_or_pages(governance: Governance, link: str) -> None:
    with pytest.raises(BadInput, match="is no way to files or pages"):
        make(
            SubmitEvidence,
            actor=BUILDER,
            at=later(7),
            initiative=READY,
            measure="m",
            title="Proof",
            link=link,
        )


def test_the_name_of_a_file_is_a_name() -> None:
    with pytest.raises(BadInput, match="file name"):
        make(
            SubmitEvidence,
            actor=BUILDER,
            at=later(7),
            initiative=READY,
            measure="m",
            title="Proof",
            file_name="x" * 100_000,
            content=b"x",
        )


def test_answers_that_contradict_each_other_are_refused(governance: Governance) -> None:
    policy = governance.policy(governance.moment(later(7)))
    with pytest.raises(BadInput, match="contradict each other"):
        classify_so_far(policy, {"regulations": ("no_rules", "high_risk_rules")})
    assert classify_so_far(policy, {"regulations": ("personal_data", "high_risk_rules")})


def test_a_finding_raised_on_oneself_gives_no_tie(governance: Governance) -> None:
    told = {
        "severity": "minor",
        "title": "It is off",
        "detail": "It is off by a little.",
        "owner": STRANGER.id,
    }
    told |= {"step": "development", "due_on": later(30).date()}
    name = say(governance, raise_finding, RaiseFinding, STRANGER, **told)
    service, kind, given = ACTS["pull"]
    words = "has no tie"
    refused(governance, Forbidden, words, lambda: say(governance, service, kind, STRANGER, **given))
    say(governance, resolve_finding, ResolveFinding, STRANGER, finding=name, note="It was mended as asked.")


WAYS: list[dict[str, Any]] = yaml.safe_load(
    (PROJECT / "tests/cases/ways/around.yaml").read_text(encoding="utf-8")
)


def test_the_table_has_a_row_for_every_kind() -> None:
    assert len({row["kind"] for row in WAYS}) == 21
    assert all(tests for row in WAYS for tests in row["ways"].values())


@pytest.mark.parametrize("row", WAYS, ids=lambda row: row["kind"])
def test_every_way_around_is_held_by_tests_that_are_there(row: dict[str, Any]) -> None:
    for named in (one for tests in row["ways"].values() for one in tests):
        file, _, test = named.partition("::")
        tree = ast.parse((PROJECT / "tests" / file).read_text(encoding="utf-8"))
        assert test in {one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.ClassDef)}, (
            named
        )
