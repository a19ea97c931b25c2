"""KPIs as data: each is an entry of a file, its parts are the whole, and what makes its gap is named."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.config_files import read_config
from core.connectors.yaml_lines import BadFile
from core.domain.errors import NotFound
from core.domain.process.kpis import CheckStand, Deployment, FirstTry, KpiDefinition, Kpis, Share, holds
from core.lake.store import open_store
from core.services.governance import Governance
from core.services.oversight.kpis import Breakdown, cases_of, governance_kpis, kpi_sheet
from tests.conftest import CONFIG, later, shipped
from tests.process import put_file_in_force

SHIPPED = yaml.safe_load((CONFIG / "kpis.yaml").read_text(encoding="utf-8"))["kpis"]
IDS = [kpi["id"] for kpi in SHIPPED]
BREAKDOWNS: tuple[Breakdown, ...] = get_args(Breakdown)


@pytest.fixture(scope="module")
def demo(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    copy = shutil.copytree(demo_folder, tmp_path_factory.mktemp("kpis") / "demo")
    governance = replace(shipped(), store=open_store(copy))
    yield governance
    governance.close()


@pytest.mark.parametrize("kpi", IDS)
def test_the_parts_are_the_whole_and_the_contributors_make_the_gap(demo: Governance, kpi: str) -> None:
    moment = demo.present(datetime.now(UTC))
    for by in BREAKDOWNS:
        sheet = kpi_sheet(demo, moment, kpi=kpi, by=by)
        asked, value = sheet.reading.definition, sheet.reading.value
        if asked.of != "people" or by == "team":  # people belong to a team alone
            assert sum(part.amiss for part in sheet.parts) == pytest.approx(sheet.amiss)
            assert asked.median or sum(part.value.n for part in sheet.parts) == value.n
        assert sum(one.amiss for one in sheet.contributors) == pytest.approx(sheet.amiss)
        assert sheet.unread == pytest.approx(0)
        assert all(one.amiss > 0 for one in sheet.contributors)


@pytest.mark.parametrize("kpi", IDS)
def test_the_fold_over_the_cases_equals_that_of_polars(demo: Governance, kpi: str) -> None:
    moment = demo.present(datetime.now(UTC))
    reading = next(one for one in governance_kpis(demo, moment) if one.definition.id == kpi)
    cases = [asdict_of(case) for case in cases_of(demo, moment, reading.definition)]
    asked = next(one for one in SHIPPED if one["id"] == kpi)
    frame = pl.DataFrame(cases, infer_schema_length=None)
    if frame.is_empty():
        assert reading.value.n == 0
        return
    counted = frame.filter(*[pl.col(name) == wanted for name, wanted in asked.get("where", {}).items()])
    good = [
        pl.col(name) == wanted for name, wanted in (asked.get("share") or asked.get("count") or {}).items()
    ]
    if "share" in asked:
        part = counted.filter(*good).height
        assert (reading.value.numerator, reading.value.n) == (part, counted.height)
    elif "count" in asked:
        assert reading.value.n == counted.filter(*good).height
    elif "median" in asked:
        assert reading.value.value == counted[asked["median"]].median()
    else:
        assert reading.value.n == counted[asked["total"]].sum()


def asdict_of(case: Any) -> dict[str, Any]:
    names = [name for kind in type(case).__mro__ for name in getattr(kind, "__annotations__", {})]
    return {name: getattr(case, name) for name in names}


def test_an_unknown_kpi_is_refused_with_those_there_are(governance: Governance) -> None:
    with pytest.raises(NotFound, match="'profit' is no KPI") as refusal:
        kpi_sheet(governance, governance.present(later(1)), kpi="profit")
    assert "deadlines_met" in str(refusal.value)


def test_a_kpi_comes_with_an_entry_of_the_file_alone(governance: Governance) -> None:
    entry = """kpis:
  - id: without_a_version
    title: Use cases without a model version
    unit: count
    direction: lower
    target: 3
    minimum: 0
    of: initiatives
    count: {version: null}
    formula: Initiatives without any model version.
    zero_means: All have one.
    leaves_out: Whether they need one.
    source: The inventory.
"""
    put_file_in_force(governance, "kpis.yaml", ("kpis:\n", entry))
    moment = governance.present(later(2))
    reading = governance_kpis(governance, moment)[0]
    assert (reading.definition.id, reading.value.value, reading.value.status) == (
        "without_a_version", 0.0, "on_target"
    )  # fmt: skip
    assert kpi_sheet(governance, moment, kpi="without_a_version").amiss == 0


def test_what_no_kpi_can_count_is_refused_with_what_can(tmp_path: Path) -> None:
    shipped_text = (CONFIG / "kpis.yaml").read_text(encoding="utf-8")
    for wrong, told in (
        (("of: deadlines", "of: dead_lines"), "'dead_lines' is no kind of case. Use one of: initiatives,"),
        (("{on_time: true}", "{in_time: true}"), "'in_time' is no column of deadlines. Use one of: "),
        (
            ("    median: days\n", "    median: days\n    total: days\n"),
            "counts in 2 ways. Say one of",
        ),
        (("share: {on_time: true}", "count: {on_time: true}"), "has the unit share and counts a count"),
    ):
        file = tmp_path / "kpis.yaml"
        file.write_text(shipped_text.replace(*wrong, 1), encoding="utf-8")
        with pytest.raises(BadFile) as refusal:
            read_config(file, Kpis)
        assert told in str(refusal.value)


def test_a_file_from_before_kpis_said_what_they_count_counts_as_it_did() -> None:
    silent = [{k: v for k, v in kpi.items() if k not in COUNTS} for kpi in SHIPPED[:10]]
    before, now = Kpis(kpis=silent), Kpis(kpis=SHIPPED[:10])  # type: ignore[arg-type]  # checked by pydantic
    for old, new in zip(before.kpis, now.kpis, strict=True):
        if new.of != "requirements":  # then the sum over initiatives, now the requirements themselves
            assert {name: getattr(old, name) for name in COUNTS} == {
                name: getattr(new, name) for name in COUNTS
            }


COUNTS = ("of", "where", "share", "count", "total", "median")


def definition(target: float, direction: str) -> KpiDefinition:
    return KpiDefinition.model_validate(
        {
            **SHIPPED[0], "target": target, "direction": direction, "minimum": 0, "where": {},
            "share": {"verdict": "pass"},
        }
    )  # fmt: skip


def tries(passed: int, failed: int) -> list[FirstTry]:
    return [
        FirstTry("one", "One", "Team", "other", "high", "Olga", "naming_standard", False, verdict)
        for verdict in ["pass"] * passed + ["fail"] * failed
    ]


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0, 1), st.sampled_from(["higher", "lower"]))
def test_what_is_needed_is_enough_and_no_more(
    passed: int, failed: int, target: float, direction: str
) -> None:
    kpi = definition(round(target, 2), direction)
    needed = kpi.needed(tries(passed, failed))
    assert needed is not None

    def met(mended: int) -> bool:
        moved = mended if direction == "higher" else -mended
        total = passed + failed
        share = (passed + moved) / total if total else kpi.target
        return share >= kpi.target - 1e-9 if direction == "higher" else share <= kpi.target + 1e-9

    assert met(needed)
    assert needed == 0 or not met(needed - 1)


def test_a_condition_is_a_value_one_of_several_or_a_span() -> None:
    stand = CheckStand("one", "One", "Team", "other", "high", "Olga", "bias_limit", True, True, "fail")
    days = {**SHIPPED[0], "of": "deployments", "where": {"days": {"at_least": 3, "at_most": 5}}}
    kpi = KpiDefinition.model_validate(
        {**SHIPPED[0], "of": "checks", "where": {"check": ["bias_limit", "decay_alert"], "asked": True},
         "share": {"verdict": "pass"}}
    )  # fmt: skip
    assert kpi.counted([stand]) == [stand]
    assert kpi.amiss(stand) == 1
    spanned = KpiDefinition.model_validate({**days, "share": {"days": 4}})
    took = [Deployment("one", "One", "Team", "other", "high", "Olga", taken) for taken in (2, 3, 4, 5, 6)]
    assert [case.days for case in took if holds(case, spanned.where)] == [3, 4, 5]
    assert spanned.figure(spanned.counted(took)) == Share(1, 3)
    other = CheckStand("one", "One", "Team", "other", "high", "Olga", "drift_alert", True, True, "fail")
    assert kpi.counted([other]) == []
