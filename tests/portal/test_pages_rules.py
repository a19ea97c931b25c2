"""Frameworks, ethical position, rights and grades: empty, filled, forbidden, and asked for nonsense."""

from __future__ import annotations

import html
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.connectors.settings import PROJECT
from core.domain.actors import Actor
from core.domain.commands import RegisterInitiative, SubmitEvidence, make
from core.services.governance import Governance
from core.services.process.evidence import submit_evidence
from core.services.process.initiatives import initiative_sheet, register_initiative
from core.services.rules.ethics import PublishEthics, publish_ethics
from core.services.rules.rights import SettleRight, settle_right
from portal.components.desk import Desk
from portal.components.pills import pill_html
from tests.conftest import BUILDER, CONFIG, OUTSIDER, OWNER, VALIDATOR, answers_for, later
from tests.process import agree

HOSTILE = ":green-badge[Settled] <b>x</b> $y$"


@pytest.fixture(autouse=True)
def _page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links are shown as text: a page alone knows no other page."""
    monkeypatch.setattr(st, "page_link", lambda page, label, **more: st.markdown(label))


@pytest.fixture
def filled(governance: Governance) -> Governance:
    """An initiative that uses personal data, with one piece of evidence and one right settled."""
    answers = {**answers_for(governance, heavy=True), "regulations": ("personal_data", "high_risk_rules")}
    command = make(
        RegisterInitiative, actor=BUILDER, at=later(1), name="Loan Offers", purpose="Say whom to ask.",
        domain="credit", team="Credit", owner=OWNER.id, builder=BUILDER.id, answers=answers,
    )  # fmt: skip
    register_initiative(governance, command)
    submit_evidence(
        governance,
        make(
            SubmitEvidence, actor=OWNER, at=later(3), initiative="loan-offers",
            measure="purpose_and_personal_data", title=HOSTILE, file_name="note.md", content=b"# Purpose",
        ),
    )  # fmt: skip
    settle_right(
        governance,
        make(
            SettleRight, actor=OWNER, at=later(4), initiative="loan-offers", right="access",
            answered_by=OWNER.id, how=f"{HOSTILE} reads the customer table.", within_days=12,
        ),
    )  # fmt: skip
    return governance


def seated(
    at: AppTest, governance: Governance, actor: Actor, *, in_past: bool = False, day: float = 6
) -> AppTest:
    moment = governance.moment(later(day))
    at.session_state["desk"] = Desk(governance, actor, moment, in_past=in_past)
    return at


def open_page(governance: Governance, page: str, actor: Actor = BUILDER, **query: str) -> AppTest:
    at = AppTest.from_file(str(PROJECT / "portal" / "pages" / f"{page}.py"), default_timeout=60)
    for name, value in query.items():
        at.query_params[name] = value
    return seated(at, governance, actor).run()


def _draw(name: str) -> None:
    import importlib

    import streamlit as st

    module, function = name.split(":")
    draw = getattr(importlib.import_module(f"portal.components.initiative.{module}"), function)
    draw(st.session_state["desk"], st.session_state["sheet"])


def open_tab(governance: Governance, name: str, actor: Actor = OWNER, **more: Any) -> AppTest:
    at = AppTest.from_function(_draw, default_timeout=60, args=(name,))
    seated(at, governance, actor, **more)
    moment = at.session_state["desk"].moment
    at.session_state["sheet"] = initiative_sheet(governance, moment, initiative="loan-offers")
    return at.run()


def words(at: AppTest) -> str:
    """Everything the page says, without the marks that neutralise it."""
    assert not at.exception, at.exception
    kinds = ("markdown", "caption", "error", "success", "info")
    parts = [str(getattr(element, "value", "")) for kind in kinds for element in at.get(kind)]
    parts += [element.value for element in (*at.title, *at.header)]
    drawn = [html.unescape(str(element.proto.body)) for element in at.get("html")]
    return " ".join((*parts, *drawn)).replace("\\", "").replace("\u2060", "")


def raw(at: AppTest) -> str:
    return " ".join(str(element.proto.body) for element in at.get("html"))


def test_frameworks_of_an_empty_store_say_that_nothing_is_counted(governance: Governance) -> None:
    said = words(open_page(governance, "frameworks"))
    assert "No initiative is registered yet, so nothing is counted." in said
    assert "applies to none" in said
    assert "ISO/IEC 42001" in said


def test_frameworks_show_standing_and_share(filled: Governance) -> None:
    said = words(open_page(filled, "frameworks"))
    for part in (
        "GDPR",
        "PRA SS1/23",
        "Superseded",
        "In force",
        "Guidance",
        "Voluntary",
        "Our reading, no legal",
    ):
        assert part in said
    assert "1 met, " in said, "bars are spoken too"


def test_a_framework_leads_from_its_clauses_to_the_proof(filled: Governance) -> None:
    page = open_page(filled, "frameworks", part="One framework", framework="gdpr", clause="informed")
    said = words(page)
    assert "Articles 13 and 14" in said
    assert "Answered by: Purpose and personal data recorded" in said
    assert "Gap: No measure of the policy shows that single people can be taken out of a run." in said
    assert "25 May 2018" in said
    assert "1 of 1 requirement met" in said
    assert len(page.dataframe) >= 1


def test_duties_that_bind_later_say_from_when(filled: Governance) -> None:
    said = words(open_page(filled, "frameworks", part="One framework", framework="eu_ai_act"))
    assert "From 2 Dec 2027" in said


def test_an_unknown_framework_is_one_sentence_and_another_is_shown(filled: Governance) -> None:
    page = open_page(filled, "frameworks", part="One framework", framework="<script>")
    assert page.error[0].value.replace("\\", "").startswith("'<script>' is no known framework.")
    assert len(page.selectbox) == 2


def test_open_rights_of_all_initiatives_stand_on_one_list(filled: Governance) -> None:
    said = words(open_page(filled, "frameworks", part="Rights"))
    assert "1 of 1 initiative that use personal data have rights that nobody answers." in said
    assert "Loan Offers" in said
    assert "Nobody answers: to be informed; to have it corrected;" in said


def test_the_position_shows_answers_limits_and_versions(governance: Governance) -> None:
    shipped = (CONFIG / "ethics.yaml").read_text(encoding="utf-8")
    text = shipped.replace('version: "1.1"', 'version: "2.0"').replace("limit: 0.9\n", "limit: 0.95\n", 1)
    given = PublishEthics(actor=VALIDATOR, at=later(5), text=text)
    agree(governance, publish_ethics(governance, given).proposal, 5)
    said = words(open_page(governance, "ethics"))
    for part in (
        "2.0: Ethical position on analytics and machine learning",
        "How much do we answer for when a model errs?",
        "Reasons on request",
        "Shown by: Attributions computed and reviewed",
        "The lowest selection rate is at least 0.95 of the highest",
        "by at most 20 % of the overall mean absolute error",
        "Version 2.0, in force",
        "(before: the lowest selection rate is at least 0.9 of the highest",
        "The first position on record.",
    ):
        assert part in said, part


def test_rights_show_what_is_open_and_how_the_rest_is_answered(filled: Governance) -> None:
    page = open_tab(filled, "rules_view:rights_tab")
    said = words(page)
    assert "6 open" in said
    assert "1 settled" in said
    assert "within 12 days" in said
    assert "Nobody has said yet how it is answered. Think of:" in said
    assert "<b>x</b>" not in raw(page), "what people typed is neutralised"
    assert "&lt;b&gt;x&lt;/b&gt;" in raw(page)


def test_a_right_is_settled_by_the_form(filled: Governance) -> None:
    page = open_tab(filled, "rules_view:rights_tab")
    page.text_area[0].set_value("The notice on the site says so, and the branch hands it out.")
    page.button[0].click().run()
    assert "2 settled" in words(open_tab(filled, "rules_view:rights_tab", day=7))


def test_a_reason_that_is_too_short_is_refused_and_kept(filled: Governance) -> None:
    page = open_tab(filled, "rules_view:rights_tab")
    page.checkbox[0].check()
    page.text_area[0].set_value("No.")
    page.button[0].click().run()
    assert "Reason needs at least 20 characters" in page.error[0].value.replace("\\", "")
    assert page.text_area[0].value == "No."


@pytest.mark.parametrize("tab", ["rules_view:rights_tab", "rules_view:frameworks_tab"])
def test_who_may_not_and_who_reads_the_past_get_no_form(filled: Governance, tab: str) -> None:
    assert not open_tab(filled, tab, OUTSIDER).button
    assert not open_tab(filled, tab, in_past=True).button
    assert open_tab(filled, tab).button


def test_grades_say_why_and_what_they_cannot_see(filled: Governance) -> None:
    page = open_tab(filled, "history:alcoa_tab")
    said = words(page)
    assert "Submitted 2 days after the initiative was registered; 21 are allowed." in said
    assert "Cannot see whether what it says is true." in said
    assert "1 of 1" in said
    assert "<b>x</b>" not in raw(page)


def test_the_sheet_shows_what_applies_and_why(filled: Governance) -> None:
    page = open_tab(filled, "rules_view:frameworks_tab")
    assert pill_html("clause_open") in raw(page)
    assert pill_html("right_open") not in raw(page), "an open clause is to be watched; an open right is bad"
    said = words(page)
    for part in (
        "where the organisation works; none are recorded",
        "It applies because people in European Union are concerned",
        "Transparency by ethical position 1.1: Reasons on request.",
        "Binding from 2 Dec 2027.",
        "Nothing has been submitted",
    ):
        assert part in said, part


def test_a_light_initiative_has_no_rights_to_answer_and_nothing_to_grade(governance: Governance) -> None:
    command = make(
        RegisterInitiative, actor=BUILDER, at=later(1), name="Loan Offers", purpose="Count offers by branch.",
        domain="credit", team="Credit", owner=OWNER.id, builder=BUILDER.id,
        answers=answers_for(governance, heavy=False),
    )  # fmt: skip
    register_initiative(governance, command)
    assert "there is nothing to answer" in words(open_tab(governance, "rules_view:rights_tab"))
    assert "ALCOA" not in words(open_tab(governance, "history:alcoa_tab"))
