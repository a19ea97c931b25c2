"""Decay for programs: the same numbers as the page, and refusals in a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from core.domain.errors import BadInput, NotFound
from core.entrypoints.reports.decay import show_decay
from core.services.governance import Governance
from core.services.measured.decay_groups import decay_groups
from core.services.measured.decay_view import decay_view
from core.services.measured.refresh import worth_of
from core.services.use_case import Call
from core.services.use_cases import run_use_case
from tests.conftest import BUILDER, later
from tests.portal.test_decay_page import divided

__all__ = ["divided"]
ONE = {"initiative": "card-limit-advice", "version": "1"}


def run(governance: Governance, name: str, **values: Any) -> Any:
    return run_use_case(Call(governance, BUILDER, later(60)), name, {**ONE, **values})


def test_json_carries_the_numbers_of_the_page(
    divided: Governance, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run(divided, "decay_report", by=["team"])
    moment = divided.moment(later(60))
    view = decay_view(divided, moment, **ONE)
    groups = decay_groups(divided, moment, **ONE, by="team")
    assert found["trust"]["verdict"] == view.trusted == "fail"
    assert [r["id"] for r in found["trust"]["reasons"]] == [reason.id for reason in view.reasons]
    assert (found["worse"], found["alerts"]) == (view.worse, view.different)
    assert [group["label"] for group in found["groups"]] == [group.label for group in groups.groups]
    assert [g["room_used"] for g in found["groups"]] == [group.room_used for group in groups.groups]
    assert found["decays_first"] == [group.label for group in groups.first]
    assert found["past_estimates"]["coverage"] == 1.0
    assert (found["by"], found["by_choices"]) == ("team", ["team"])
    show_decay(found)
    said = capsys.readouterr().out
    assert "Decays first: :green-badge[North] <b>x</b>." in said
    assert "cannot tell" in said
    show_decay(run(divided, "decay_report"))
    assert "are different (NannyML's two-sided alert)" in capsys.readouterr().out


def test_what_was_not_divided_says_how_to(divided: Governance) -> None:
    with pytest.raises(NotFound, match="no estimates by 'shoe_size'") as refusal:
        run(divided, "decay_report", by=["shoe_size"])
    assert "team" in refusal.value.remedy


def test_outcomes_are_fetched_from_the_stores_own_folder_only(divided: Governance) -> None:
    with pytest.raises(BadInput, match="named by its file name alone"):
        run(divided, "add_outcomes", incoming="../outcomes.csv")
    with pytest.raises(NotFound, match=r"'outcomes.csv' does not lie there"):
        run(divided, "add_outcomes", incoming="outcomes.csv")


def test_the_worth_of_outcomes_is_a_table_of_numbers() -> None:
    assert worth_of(["1,-5;-3,10"]) == [[1.0, -5.0], [-3.0, 10.0]]
    with pytest.raises(BadInput, match="no table of numbers"):
        worth_of(["much"])
