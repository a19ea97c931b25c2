"""My work, Responsibilities, Training and the team's page: empty, filled, and for those who may not act."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.connectors.settings import PROJECT
from core.domain.actors import Actor
from core.domain.commands import make
from core.domain.errors import NotFound
from core.lake.directory import put_person
from core.services.governance import Governance
from core.services.process.initiatives import initiative_sheet
from core.services.record.departures import AppointDeputy, LeavePerson, appoint_deputy, leave_person
from core.services.record.people import membership_of
from core.services.work.hand_offs import OfferHandOff, hand_offs, offer_hand_off
from core.services.work.raci_view import AttestTraining, attest_training
from core.services.work.routing import WriteComment, write_comment
from core.services.work.tasks import AssignTask, assign_task, find_task
from portal.components.desk import Desk
from portal.components.initiative.history import marked_html
from tests.conftest import ADMIN, BUILDER, CAST, OUTSIDER, OWNER, VALIDATOR, at_rest, founded, later, register

PAGES = ("my_work", "team", "raci", "training")
HOSTILE = ":green-badge[Approved] <b>x</b> $y$"
CLAIMS = Actor(id="cara-claims", name="Cara Claims", team="Claims", roles=("business_stakeholder",))
INITIATIVE = "card-limit-advice"
DAY = 30


@pytest.fixture(autouse=True)
def _page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links are shown as text: a page alone knows no other page."""
    monkeypatch.setattr(st, "page_link", lambda page, label, **more: st.markdown(label))


@pytest.fixture
def filled(governance: Governance) -> Governance:
    return fill(governance)


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    with at_rest(fill(founded(tmp_path_factory.mktemp("filled") / "store"))) as governance:
        yield governance


def fill(governance: Governance) -> Governance:
    """An initiative with an offer, a comment with hostile words, an assignment and an attestation."""
    put_person(governance.store, CLAIMS)
    register(governance)
    register(governance, HOSTILE)
    give(governance, offer_hand_off, OfferHandOff, OWNER, 26, initiative=INITIATIVE, to_team="Claims",
         reason=f"Theirs now {HOSTILE}")  # fmt: skip
    text = f"@{BUILDER.id} is {HOSTILE} a proxy?"
    give(governance, write_comment, WriteComment, VALIDATOR, 27, initiative=INITIATIVE, text=text)
    taken = {"task": f"requirement:{INITIATIVE}:red_team", "person": VALIDATOR.id}
    if find_task(governance, governance.moment(later(27)), taken["task"]).owner != VALIDATOR.id:
        give(governance, assign_task, AssignTask, VALIDATOR, 28, **taken)
    give(governance, attest_training, AttestTraining, OWNER, 28, training="governance_basics")
    return governance


def give(governance: Governance, service: Any, kind: Any, actor: Actor, day: float, **given: Any) -> Any:
    return service(governance, make(kind, actor=actor, at=later(day), **given))


def open_page(
    governance: Governance,
    name: str,
    *,
    reader: Actor = BUILDER,
    day: float = DAY,
    past: bool = False,
    **query: str,
) -> AppTest:
    page = AppTest.from_file(str(PROJECT / "portal" / "pages" / f"{name}.py"), default_timeout=60)
    page.session_state["desk"] = Desk(governance, reader, governance.moment(later(day)), in_past=past)
    for param, value in query.items():
        page.query_params[param] = value
    page.run()
    assert not page.exception, [problem.message for problem in page.exception]
    return page


def said(page: AppTest) -> str:
    """All words on the page, our own HTML included."""
    parts = [page.title, page.header, page.caption, page.markdown, page.error, page.get("html")]
    words = (e.proto.body if hasattr(e.proto, "body") else e.value for part in parts for e in part)
    return html.unescape(" ".join(words)).replace("\\", "").replace("\u2060", "")


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click()
    page.run()
    assert not page.exception, [problem.message for problem in page.exception]
    return page


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_an_empty_store_has_a_title_and_no_error(governance: Governance, name: str) -> None:
    page = open_page(governance, name, reader=ADMIN, day=1)
    assert page.title[0].value
    assert not page.error


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("actor", [OWNER, BUILDER, VALIDATOR, OUTSIDER, ADMIN], ids=lambda actor: actor.id)
def test_everybody_may_read_every_page(looked_at: Governance, name: str, actor: Actor) -> None:
    assert not open_page(looked_at, name, reader=actor).error


def test_my_work_says_what_to_do_why_how_and_who_waits(filled: Governance) -> None:
    words = said(open_page(filled, "my_work", reader=OWNER))
    assert "Purpose and personal data recorded" in words
    assert "days late" in words
    assert "The data decides the model, and the law decides the data." in words
    assert "“Scope agreed” asks for it" in words
    assert "Say what the use case is for" in words, "the guide stands where the work is"
    assert "Yours to do" in words, "a reminder stands among the notices"


def test_an_offer_is_accepted_from_my_work(filled: Governance) -> None:
    task = f"hand_off:{INITIATIVE}/hand-off-1"
    page = open_page(filled, "my_work", reader=CLAIMS, task=task)
    assert "Theirs now :green-badge[Approved] <b>x</b> $y$" in said(page)
    press(page, "Accept")
    moment = filled.moment(later(DAY + 1))
    assert hand_offs(filled, moment)[0].answer == "accepted"
    assert initiative_sheet(filled, moment, initiative=INITIATIVE).initiative.team == "Claims"


def test_an_offer_is_not_returned_without_a_reason(filled: Governance) -> None:
    page = open_page(filled, "my_work", reader=CLAIMS, task=f"hand_off:{INITIATIVE}/hand-off-1")
    before = filled.store.head()
    press(page, "Return")
    assert "with a reason" in page.error[0].value
    assert filled.store.head() == before


def test_a_mention_is_read_and_answered_where_it_waits(filled: Governance) -> None:
    page = open_page(filled, "my_work", task=f"mention:{INITIATIVE}/comment-1:{BUILDER.id}")
    assert f"@{BUILDER.name}</span> is :green-badge[Approved] <b>x</b> $y$ a proxy?" in said(page)
    press(page, "Mark as read")
    after = open_page(filled, "my_work", day=DAY + 1)
    assert "Read what" not in said(after)


def test_a_task_goes_to_a_colleague_at_once_and_to_others_as_an_offer(filled: Governance) -> None:
    key = f"requirement:{INITIATIVE}:development_logged"
    page = open_page(filled, "my_work", task=key)
    next(box for box in page.selectbox if box.label == "To whom").select(OWNER.id)
    press(page, "Hand over")
    assert find_task(filled, filled.moment(later(DAY + 1)), key).owner == OWNER.id
    page = open_page(filled, "my_work", reader=OWNER, day=DAY + 1, task=key)
    next(box for box in page.selectbox if box.label == "To whom").select(CLAIMS.id)
    next(area for area in page.text_area if area.label == "Reason").input("She knows these data best.")
    press(page, "Hand over")
    moment = filled.moment(later(DAY + 2))
    assert find_task(filled, moment, key).owner == OWNER.id, "it stays until it is accepted"
    assert hand_offs(filled, moment)[0].to_name == CLAIMS.name


def test_what_nobody_has_is_taken(filled: Governance) -> None:
    second = Actor(id="victor-validator", name="Victor Validator", team="Risk", roles=("risk_audit",))
    put_person(filled.store, second)
    filled.memory.forget()
    page = open_page(filled, "my_work", reader=second)
    before = filled.store.head()
    press(page, "Take it")
    assert filled.store.head() == before + 1


def test_nothing_can_be_done_in_the_past_or_without_a_role(filled: Governance) -> None:
    key = f"requirement:{INITIATIVE}:development_logged"
    past = said(open_page(filled, "my_work", past=True, task=key))
    assert "You are reading an earlier day" in past
    training = open_page(filled, "training", reader=BUILDER, past=True)
    assert all(button.disabled for button in training.button if button.label == "Attest")


def test_a_training_is_attested_after_the_statement(filled: Governance) -> None:
    page = open_page(filled, "training")
    assert "Bias and accidental harm" in said(page)
    attest = next(button for button in page.button if button.key == "attest-bias_and_harm")
    assert attest.disabled
    page.checkbox(key="agree-bias_and_harm").check().run()
    page.button(key="attest-bias_and_harm").click().run()
    assert not page.error
    moment = filled.moment(later(DAY + 1))
    assert moment.seq == filled.store.head()
    assert "Until" in said(open_page(filled, "training", day=DAY + 1))


def test_the_matrix_shows_letters_acts_and_deviations(filled: Governance) -> None:
    words = said(open_page(filled, "raci"))
    assert "Identification" in words
    assert "A/R" in words
    assert "gp-acts gp-off" in words, "the builder registered, where the matrix expects the business"
    assert BUILDER.name in words
    assert "Who has how much to do" in words


def test_the_team_page_names_what_is_late_and_who_acts(filled: Governance) -> None:
    page = open_page(filled, "team", reader=OWNER, day=60)
    words = said(page)
    assert "Late now, and who acts" in words
    assert "Olga Owner acts. Card Limit Advice." in words
    assert "Handed over" in words
    assert "gp-load" in words
    assert page.dataframe[0].value["Who acts"].str.len().min() > 0


def test_the_team_page_says_who_left_and_who_acts_for_whom(filled: Governance) -> None:
    filled.store.append([membership_of(person) for person in CAST], actor=ADMIN.id, at=later(29))
    away = {"deputy": OWNER.id, "until": later(70).date(), "reason": "On leave."}
    give(filled, appoint_deputy, AppointDeputy, VALIDATOR, 59, **away)
    gone = {"person": BUILDER.id, "to": OWNER.id, "reason": "Retires."}
    give(filled, leave_person, LeavePerson, ADMIN, 60, **gone)
    words = said(open_page(filled, "team", reader=OWNER, day=61))
    assert f"{BUILDER.name} " in words
    assert "left on" in words
    assert "acts for" in words
    with pytest.raises(NotFound, match="left on"):
        filled.person(BUILDER.id)


def test_the_window_and_team_of_the_matrix_come_from_the_address(filled: Governance) -> None:
    assert "All acts on record" in said(open_page(filled, "raci", days="0"))
    assert not open_page(filled, "raci", days="nonsense", team="Nobody").error


def test_marking_names_keeps_what_was_typed_harmless() -> None:
    shown = marked_html("<script>@ann-lee</script> @ann", {"ann": r"Ann \1 <i>", "ann-lee": "Ann Lee"})
    assert "<script>" not in shown
    assert '<span class="gp-at">@Ann Lee</span>' in shown
    assert r"@Ann \1 &lt;i&gt;" in shown
