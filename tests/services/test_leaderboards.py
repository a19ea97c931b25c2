"""Ranks are not for sale: empty registrations move no board but their own; unasked checks are no try."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from core.analytics.kpi_values import StandingMeasure
from core.domain.actors import Actor
from core.domain.commands import RegisterInitiative, RunChecks, make
from core.lake.directory import put_person
from core.services.governance import Governance
from core.services.oversight.kpis import governance_kpis, team_standings
from core.services.process.checks import run_checks
from core.services.process.initiatives import register_initiative
from tests.conftest import OWNER, answers_for, later
from tests.process import prove, put_in_force, seat_signers, version, without_predictions

BUYER = Actor(id="bo-buyer", name="Bo Buyer", team="Claims", roles=("data_scientist",))
RANKED: tuple[StandingMeasure, ...] = ("first_time_pass_rate", "deadlines_met_rate")


def add(
    governance: Governance, name: str, day: float, *, heavy: bool, team: str = "Claims", builder: str = ""
) -> str:
    """Register an initiative of a team, and run every check that can be."""
    answers = answers_for(governance, heavy=heavy)
    command = make(
        RegisterInitiative, actor=BUYER, at=later(day), name=name, purpose="Sort what comes in by its kind.",
        domain="other", team=team, owner=BUYER.id, builder=builder, answers=answers,
    )  # fmt: skip
    initiative = register_initiative(governance, command).initiative
    run_checks(governance, make(RunChecks, actor=BUYER, at=later(day), initiative=initiative))
    return initiative


@pytest.fixture
def filled(governance: Governance) -> Governance:
    """Two teams with a proved model each, and checks of it that were run."""
    seat_signers(governance)
    put_person(governance.store, BUYER)
    put_in_force(governance, without_predictions())
    for team in ("Claims", "Credit"):
        name = add(governance, f"Model of {team}", 1, heavy=True, team="Credit", builder="bram-builder")
        prove(governance, name, "purpose_and_personal_data", 2)
        version(governance, name, day=3)
        builder = make(RunChecks, actor=OWNER, at=later(4), initiative=name)
        run_checks(governance, builder)
    return governance


def boards(
    governance: Governance, day: float, measures: tuple[StandingMeasure, ...]
) -> list[dict[str, object]]:
    moment = governance.present(later(0)).ahead(later(day).date())
    return [
        asdict(line) for one in measures for line in team_standings(governance, moment, measure=one) if line.n
    ]


def kpis(governance: Governance, day: float) -> dict[str, tuple[float | None, float | None, int]]:
    moment = governance.present(later(0)).ahead(later(day).date())
    figures = {kpi.definition.id: kpi.value for kpi in governance_kpis(governance, moment, months=0)}
    return {
        name: (figures[name].value, figures[name].numerator, figures[name].n)
        for name in ("first_time_pass_rate", "deadlines_met")
    }


def test_thirty_empty_registrations_win_no_rank(filled: Governance) -> None:
    before, figures = boards(filled, 60, RANKED), kpis(filled, 60)
    assert before, "there is something to be ranked"
    for place in range(30):
        add(filled, f"Empty Sheet {place}", 5, heavy=False)
    assert boards(filled, 60, RANKED) == before
    assert kpis(filled, 60) == figures
    own = boards(filled, 60, ("self_service_rate",))
    assert [(line["team"], line["n"]) for line in own] == [("Claims", 30)], "on a board of their own"


def test_registrations_that_prove_nothing_are_no_first_tries_in_any_class(filled: Governance) -> None:
    figures = kpis(filled, 6)["first_time_pass_rate"]
    for place in range(5):
        add(filled, f"Empty Model {place}", 5, heavy=True)
    assert kpis(filled, 6)["first_time_pass_rate"] == figures


def test_honest_ones_without_a_builder_lower_no_figure(filled: Governance) -> None:
    figures = kpis(filled, 60)
    for place in range(10):
        add(filled, f"Honest Sheet {place}", 5, heavy=False)
    assert kpis(filled, 60) == figures
