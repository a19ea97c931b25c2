"""The checklist of rights: what is open, who answers, how, by when; refused where it cannot be."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from core.domain.commands import RegisterInitiative, make
from core.domain.errors import BadInput, Forbidden, NotFound
from core.services.governance import Governance
from core.services.process.initiatives import register_initiative
from core.services.record.entries import verify_record
from core.services.rules.rights import (
    ExcludeRight,
    RightLine,
    SettleRight,
    exclude_right,
    rights_checklist,
    rights_overview,
    settle_right,
)
from tests.conftest import BUILDER, OUTSIDER, OWNER, answers_for, later, register

HOW = "The service desk asks the data team, which reads the customer table."


@pytest.fixture
def personal(governance: Governance) -> str:
    """An initiative that uses personal data."""
    answers = {**answers_for(governance, heavy=False), "regulations": ("personal_data",)}
    command = make(
        RegisterInitiative, actor=BUILDER, at=later(1), name="Mailing List", purpose="Choose whom to write.",
        domain="marketing", team="Credit", owner=OWNER.id, builder=BUILDER.id, answers=answers,
    )  # fmt: skip
    return register_initiative(governance, command).initiative


def settle(governance: Governance, concerned: str, days: float = 2, **changes: object) -> None:
    values = {
        "actor": OWNER, "at": later(days), "initiative": concerned, "right": "access",
        "answered_by": OWNER.id, "how": HOW, "within_days": 20, **changes,
    }  # fmt: skip
    settle_right(governance, make(SettleRight, **values))


def line(governance: Governance, initiative: str, right: str, days: float) -> RightLine:
    found = rights_checklist(governance, governance.moment(later(days)), initiative=initiative)
    return next(one for one in found.lines if one.right.id == right)


def test_all_seven_are_open_until_somebody_says_how_they_are_answered(
    governance: Governance, personal: str
) -> None:
    found = rights_checklist(governance, governance.moment(later(1)), initiative=personal)
    assert (found.needed, found.open, len(found.lines)) == (True, 7, 7)
    assert {one.why for one in found.lines} == {"nobody has said yet how it is answered"}
    settle(governance, personal)
    found = rights_checklist(governance, governance.moment(later(2)), initiative=personal)
    assert found.open == 6
    access = line(governance, personal, "access", 2)
    assert (access.state.value, access.why) == ("settled", "answered within 20 days")
    assert (access.answered_by, access.how, access.recorded_by) == ("Olga Owner", HOW, "Olga Owner")
    assert line(governance, personal, "access", 1).state.value == "open", "as it stood before"


def test_a_way_that_is_ready_later_is_planned_until_then(governance: Governance, personal: str) -> None:
    settle(governance, personal, ready_on=date(2026, 1, 20))
    planned = line(governance, personal, "access", 3)
    assert (planned.state.value, planned.why) == (
        "planned",
        "the way to answer it is ready on 20 January 2026",
    )
    assert line(governance, personal, "access", 15).state.value == "settled"  # 20 January


def test_the_newest_answer_holds_and_the_older_stays_on_record(governance: Governance, personal: str) -> None:
    settle(governance, personal)
    command = make(
        ExcludeRight, actor=OWNER, at=later(3), initiative=personal, right="access",
        reason="The list holds no data that can be traced to a person.",
    )  # fmt: skip
    exclude_right(governance, command)
    now = line(governance, personal, "access", 3)
    assert (now.state.value, now.why) == (
        "not_applicable", "The list holds no data that can be traced to a person.",
    )  # fmt: skip
    assert line(governance, personal, "access", 2).state.value == "settled"
    assert verify_record(governance).first_break is None


def test_a_right_is_open_again_when_whoever_answers_it_has_left(
    governance: Governance, personal: str
) -> None:
    settle(governance, personal)
    governance.store.cursor().execute("DELETE FROM directory WHERE actor = ?", [OWNER.id])
    gone = line(governance, personal, "access", 3)
    assert (gone.state.value, gone.why) == (
        "open", "whoever was to answer it is no longer in the directory",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"right": "flying"}, NotFound, "'flying' is no right on the list. Use one of: informed, access"),
        ({"answered_by": "nobody"}, NotFound, "nobody is called 'nobody'"),
        ({"within_days": 31}, BadInput, "31 days are more than the 30 within which an answer is due"),
        ({"within_days": -1}, BadInput, "within days"),
        ({"how": "Somehow."}, BadInput, "how needs at least 20 characters"),
        ({"initiative": "unknown"}, NotFound, "no initiative 'unknown' is registered"),
        ({"actor": OUTSIDER}, Forbidden, "may not say how a data subject's right is answered"),
    ],
)
def test_wrong_answers_are_refused_in_a_sentence_and_nothing_is_stored(
    governance: Governance, personal: str, changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    head = governance.store.head()
    with pytest.raises(error) as refusal:
        settle(governance, personal, **changes)
    assert words in str(refusal.value)
    assert governance.store.head() == head


def test_who_uses_no_personal_data_has_nothing_to_answer(governance: Governance) -> None:
    initiative = register(governance, heavy=False)
    moment = governance.moment(later(2))
    found = rights_checklist(governance, moment, initiative=initiative)
    assert (found.needed, found.open) == (False, 0)
    with pytest.raises(BadInput, match="names no rules on personal data"):
        settle(governance, initiative)
    assert rights_overview(governance, moment) == ()


def test_the_overview_has_the_most_open_first_and_equals_the_checklists(
    governance: Governance, personal: str
) -> None:
    answers = {**answers_for(governance, heavy=False), "regulations": ("personal_data",)}
    command = make(
        RegisterInitiative, actor=BUILDER, at=later(1), name="Another List", purpose="Choose whom to call.",
        domain="marketing", team="Credit", owner=OWNER.id, builder=BUILDER.id, answers=answers,
    )  # fmt: skip
    register_initiative(governance, command)
    register(governance, "No Data Here", heavy=False)
    settle(governance, "another-list")
    settle(governance, "another-list", right="correct", ready_on=date(2026, 2, 1))
    moment = governance.moment(later(4))
    first, second = rights_overview(governance, moment)
    assert (first.name, len(first.open)) == ("Mailing List", 7)
    assert (second.settled, second.planned, len(second.open)) == (1, 1, 5)
    for tally in (first, second):
        sheet = rights_checklist(governance, moment, initiative=tally.initiative)
        assert len(tally.open) == sheet.open
