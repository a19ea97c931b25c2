"""Business KPIs on record: promised, observed, corrected by new facts, revised with the reason."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from core.domain.commands import make
from core.domain.errors import BadInput, Conflict, Forbidden, NotFound
from core.domain.facts import measured as facts
from core.domain.facts.recorded import but, entry_of
from core.domain.models.business_kpis import SetBusinessKpi
from core.lake.facts import latest
from core.services.governance import Governance
from core.services.measured.business_kpi import (
    ImportObservations,
    ObserveBusinessKpi,
    Promised,
    business_kpis,
    import_observations,
    observe_business_kpi,
    promised_kpis,
    set_business_kpi,
)
from tests.conftest import BUILDER, OUTSIDER, OWNER, later, register
from tests.process import agree

WHY = "The call centre counted one week twice."


@pytest.fixture
def promised(governance: Governance) -> tuple[Governance, str]:
    initiative = register(governance)
    assert set_business_kpi(governance, promise(initiative)) == Promised("customers-kept")
    return governance, initiative


def promise(initiative: str, **changes: Any) -> SetBusinessKpi:
    values = {
        "actor": OWNER,
        "at": later(2),
        "initiative": initiative,
        "name": "Customers kept",
        "unit": "%",
        "direction": "up",
        "baseline": 20.0,
        "baseline_on": date(2026, 1, 1),
        "target": 30.0,
        "target_on": date(2026, 7, 1),
    }
    return make(SetBusinessKpi, **(values | changes))


def observe(
    initiative: str, day: date, value: float | None, days: float, note: str = ""
) -> ObserveBusinessKpi:
    return make(
        ObserveBusinessKpi,
        actor=BUILDER,
        at=later(days),
        initiative=initiative,
        kpi="customers-kept",
        observed_on=day,
        value=value,
        note=note,
    )


def test_a_promise_and_its_observations_are_read_as_of_any_day(promised: tuple[Governance, str]) -> None:
    governance, initiative = promised
    (kpi,) = business_kpis(governance, governance.moment(later(3)), initiative=initiative)
    assert kpi.achieved.standing == "cannot_tell"
    observe_business_kpi(governance, observe(initiative, date(2026, 2, 1), 21.0, 40))
    observe_business_kpi(governance, observe(initiative, date(2026, 3, 1), 25.0, 60))
    (kpi,) = business_kpis(governance, governance.moment(later(70)), initiative=initiative)
    assert (kpi.achieved.standing, kpi.achieved.value) == ("on_course", 25.0)
    (before,) = business_kpis(governance, governance.moment(later(50)), initiative=initiative)
    assert (before.achieved.standing, before.achieved.value) == ("behind", 21.0)
    (line,) = promised_kpis(governance, governance.moment(later(70)))
    assert line.course == (21.0, 25.0)
    assert line.achieved == kpi.achieved


def test_a_correction_is_a_new_fact_and_the_history_stays(promised: tuple[Governance, str]) -> None:
    governance, initiative = promised
    day = date(2026, 2, 1)
    observe_business_kpi(governance, observe(initiative, day, 28.0, 40))
    with pytest.raises(BadInput, match="has a value already, and a correction says why"):
        observe_business_kpi(governance, observe(initiative, day, 24.0, 41))
    observe_business_kpi(governance, observe(initiative, day, 24.0, 42, WHY))
    (kpi,) = business_kpis(governance, governance.moment(later(43)), initiative=initiative)
    assert [(one.value, one.counts) for one in kpi.observations] == [(28.0, False), (24.0, True)]
    assert kpi.achieved.value == 24.0
    observe_business_kpi(governance, observe(initiative, day, None, 44, WHY))
    (kpi,) = business_kpis(governance, governance.moment(later(45)), initiative=initiative)
    assert kpi.achieved.standing == "cannot_tell"
    assert [one.value for one in kpi.observations] == [28.0, 24.0, None]
    (line,) = promised_kpis(governance, governance.moment(later(45)))
    assert line.course == ()
    (line,) = promised_kpis(governance, governance.moment(later(43)))
    assert line.course == (24.0,), "as it stood before the withdrawal"


def test_a_revision_stands_in_the_way_of_others_of_its_own_kpi_alone(
    promised: tuple[Governance, str],
) -> None:
    governance, initiative = promised
    set_business_kpi(governance, promise(initiative, name="Calls spared"))

    def revise(name: str, target: float, day: float) -> str:
        given = {"name": name, "target": target, "reason": "The branch was closed.", "at": later(day)}
        return set_business_kpi(governance, promise(initiative, **given)).proposal

    kept, spared = revise("Customers kept", 25.0, 9), revise("Calls spared", 26.0, 9.1)
    with pytest.raises(Conflict, match=f"{kept} of the same kind waits already"):
        revise("Customers  kept", 24.0, 9.2)
    agree(governance, spared, 9.3)
    agree(governance, kept, 9.4)
    found = business_kpis(governance, governance.moment(later(10)), initiative=initiative)
    assert [kpi.promise.target for kpi in found] == [25.0, 26.0]
    kept = revise("Customers kept", 24.0, 11)
    fact = latest(governance.store, facts.BusinessKpi, governance.present(later(11)), initiative)
    assert fact is not None
    other = entry_of("business_kpi_revised", but(fact, kpi="customers-kept"))
    governance.store.append([other], actor=OWNER.id, at=later(12))
    with pytest.raises(Conflict, match="has changed since it was proposed"):
        agree(governance, kept, 13)


def test_a_revision_says_why_and_keeps_what_was_promised(promised: tuple[Governance, str]) -> None:
    governance, initiative = promised
    with pytest.raises(BadInput, match="a revision says why"):
        set_business_kpi(governance, promise(initiative, target=25.0, at=later(9)))
    changed = promise(initiative, target=25.0, at=later(9), reason="The campaign was cut by half.")
    proposal = set_business_kpi(governance, changed).proposal
    (kpi,) = business_kpis(governance, governance.moment(later(9.5)), initiative=initiative)
    assert kpi.promise.target == 30.0, "nothing holds yet"
    agree(governance, proposal, 9.6)
    (kpi,) = business_kpis(governance, governance.moment(later(10)), initiative=initiative)
    assert kpi.promise.target == 25.0
    assert [one.target for one in kpi.revisions] == [30.0, 25.0]
    (before,) = business_kpis(governance, governance.moment(later(8)), initiative=initiative)
    assert before.promise.target == 30.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": 10.0}, "its target is not above its baseline"),
        ({"direction": "down"}, "its target is not below its baseline"),
        ({"target": 20.0}, "is not above"),
        ({"target_on": date(2026, 1, 1)}, "day is not after the baseline's"),
        ({"name": "???"}, "the name has no letters"),
    ],
)
def test_a_promise_that_makes_no_sense_is_refused(
    changes: dict[str, Any], message: str, governance: Governance
) -> None:
    initiative = register(governance)
    with pytest.raises(BadInput) as refusal:
        set_business_kpi(governance, promise(initiative, **changes))
    assert message in str(refusal.value)


def test_numbers_that_are_not_finite_are_refused(governance: Governance) -> None:
    for bad in (float("nan"), float("inf")):
        with pytest.raises(BadInput, match="target"):
            promise("x", target=bad)


def test_what_cannot_have_been_observed_is_refused(promised: tuple[Governance, str]) -> None:
    governance, initiative = promised
    with pytest.raises(BadInput, match="is still to come"):
        observe_business_kpi(governance, observe(initiative, date(2026, 9, 1), 1.0, 10))
    with pytest.raises(BadInput, match="nothing was observed on 2026-01-08"):
        observe_business_kpi(governance, observe(initiative, date(2026, 1, 8), None, 10, WHY))
    other = observe(initiative, date(2026, 1, 8), 1.0, 10).model_copy(update={"kpi": "else"})
    with pytest.raises(NotFound, match=r"has no business KPI 'else'.*customers-kept"):
        observe_business_kpi(governance, other)


def csv(initiative: str, text: str, days: float, note: str = "") -> ImportObservations:
    return make(
        ImportObservations,
        actor=BUILDER,
        at=later(days),
        initiative=initiative,
        kpi="customers-kept",
        text=text,
        note=note,
    )


def test_an_import_is_all_or_nothing_and_the_same_file_twice_adds_nothing(
    promised: tuple[Governance, str],
) -> None:
    governance, initiative = promised
    text = "date,value\n2026-02-01,21\n2026-03-01,22\n"
    assert import_observations(governance, csv(initiative, text, 70)) == 2
    assert import_observations(governance, csv(initiative, text, 71)) == 0
    head = governance.store.head()
    for wrong, message in (
        ("date,value\n2026-02-02,21\n2027-03-01,22\n", "is still to come"),
        ("date,value\n2026-02-02,21\n2026-03-01,23\n", "1 lines correct what is on record"),
    ):
        with pytest.raises(BadInput, match=message):
            import_observations(governance, csv(initiative, wrong, 72))
    assert governance.store.head() == head
    changed = "date,value\n2026-03-01,23\n"
    assert import_observations(governance, csv(initiative, changed, 73, WHY)) == 1
    (kpi,) = business_kpis(governance, governance.moment(later(74)), initiative=initiative)
    assert kpi.achieved.value == 23.0


def test_who_may_not_promise_or_observe_is_told_who_may(promised: tuple[Governance, str]) -> None:
    governance, initiative = promised
    with pytest.raises(Forbidden, match="may not set a business KPI"):
        set_business_kpi(governance, promise(initiative, actor=OUTSIDER))
    with pytest.raises(Forbidden, match="may not record what a business KPI achieved"):
        observe_business_kpi(
            governance,
            observe(initiative, date(2026, 1, 8), 1.0, 10).model_copy(update={"actor": OUTSIDER}),
        )
