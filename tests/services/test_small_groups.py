"""Figures of groups under the minimum size are for those who must see them, and cannot be worked out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analytics.slices.fairness import too_few
from core.domain.actors import Actor
from core.domain.commands import make
from core.domain.errors import Forbidden
from core.services.case import seen_by
from core.services.governance import Governance
from core.services.measured.bias import BiasSlices, bias_slices, compare_versions
from core.services.measured.explanation_view import explained_prediction
from core.services.measured.trade_off import FindTradeOff, find_trade_off
from core.services.measured.weak_slices import find_weakest, score_curves
from core.services.use_case import UseCase
from tests.conftest import BUILDER, OWNER, VALIDATOR, at_rest, founded, later
from tests.entrypoints.test_use_case_table import _filled
from tests.services.test_reading import QUESTIONS, answered
from tests.services.test_slices import give

INITIATIVE = "card-limit-advice"
# One person of neither sex, selected though the outcome was not; men are selected more often than women.
PEOPLE = """
    SELECT i::VARCHAR AS row_id,
        CASE WHEN i = 0 THEN 'Other' WHEN i < 400 THEN 'Female' ELSE 'Male' END AS sex,
        CASE WHEN i % 3 = 0 THEN 'north' ELSE 'south' END AS region,
        (i = 0 OR i % 3 < CASE WHEN i < 400 THEN 1 ELSE 2 END)::INT AS y_pred,
        (1 + i % 9) / 10.0 AS y_score, (i % 4 = 1)::INT AS y_true
    FROM range(1000) r(i)
"""
STRANGER = Actor(id="sue", name="Sue", team="Elsewhere", roles=("data_scientist",))
ASKED: dict[str, Any] = {"initiative": INITIATIVE, "version": "1", "by": ("sex",)}


@pytest.fixture(scope="module")
def governance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    folder = tmp_path_factory.mktemp("small")
    opened = founded(folder / "store")
    give(opened, folder, PEOPLE)
    give(opened, folder, PEOPLE, version="2")
    with at_rest(opened) as resting:
        yield resting


def read(governance: Governance, actor: Actor, **more: Any) -> BiasSlices:
    seen = seen_by(governance, actor, governance.present(later(9)))
    return bias_slices(seen, seen.present(later(9)), **{**ASKED, **more})


def test_a_slice_of_one_person_shows_no_outcome_and_cannot_be_worked_out(governance: Governance) -> None:
    full, told = read(governance, VALIDATOR).report, read(governance, OWNER).report
    assert [line.value for line in full.slices if line.label == "Other"] == [1.0]
    shown = {line.label: (line.rows, line.n, line.value, line.gap) for line in told.slices}
    assert shown["Other"] == (1, 0, None, None)
    assert shown["Female"][1:3] == (0, None), "the rest of the total would give the one away"
    assert shown["Male"][2] == next(line.value for line in full.slices if line.label == "Male")
    assert told.verdict == full.verdict
    assert "1 row" not in told.note + "".join(one.reason for one in told.left_out)


def test_a_tie_shows_them_to_a_role_that_must_see_them(governance: Governance) -> None:
    assert read(governance, BUILDER).report == read(governance, VALIDATOR).report
    assert read(governance, STRANGER).report == read(governance, OWNER).report


def test_a_filter_down_to_one_person_shows_nothing_of_all(governance: Governance) -> None:
    told = read(governance, OWNER, by=("region",), where=("sex=Other",)).report
    assert (told.overall_value, told.overall_n, told.reference_value) == (None, 0, None)
    assert {line.value for line in told.slices} == {None}


def test_crossed_groups_versions_curves_and_searches_withhold_too(governance: Governance) -> None:
    seen = seen_by(governance, OWNER, governance.present(later(9)))
    now = seen.present(later(9))
    crossed = read(governance, OWNER, by=("sex", "region")).report
    small = [line for line in crossed.slices if 0 < line.rows < 100]
    assert small
    assert {line.value for line in small} == {None}
    pair = compare_versions(seen, now, **ASKED, other="2")
    assert {one.label for one in pair.changes if one.change is not None} == {"Male"}
    curves = score_curves(seen, now, **ASKED)
    assert {group.label: group.positives for group in curves.groups}["Other"] == 0
    found = find_weakest(seen, now, initiative=INITIATIVE, version="1", min_rows=1, max_conditions=2)
    assert all(one.rows >= 100 for one in found.found.slices)


def test_a_single_prediction_is_a_group_of_one(governance: Governance) -> None:
    seen = seen_by(governance, OWNER, governance.present(later(9)))
    with pytest.raises(Forbidden, match="to those alone who must see small groups"):
        explained_prediction(seen, seen.present(later(9)), initiative=INITIATIVE, version="1", row="0")


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 300), max_size=8), st.integers(1, 150))
def test_what_a_total_leaves_open_is_of_enough_rows_or_of_all(sizes: dict[str, int], least: int) -> None:
    hidden = too_few(sizes, least)
    assert {group for group, rows in sizes.items() if rows < least} <= hidden
    assert not hidden or hidden == set(sizes) or sum(sizes[group] for group in hidden) >= least


TINY, ITS_RATE = "zebra", "0.42857142"
# Seven people of one group, three of them selected: a rate that nothing else has.
TOLD_APART = """
    SELECT i::VARCHAR AS row_id, hash(i) % 90 AS age,
        CASE WHEN i < 7 THEN 'zebra' WHEN i < 900 THEN 'Female' ELSE 'Male' END AS sex,
        CASE WHEN i % 3 = 0 THEN 'north' ELSE 'south' END AS region,
        (CASE WHEN i < 7 THEN i < 3 ELSE i % 3 < CASE WHEN i < 900 THEN 1 ELSE 2 END END)::INT AS y_pred,
        (1 + hash(i) % 9) / 10.0 AS y_score, (hash(i, 3) % 4 = 1)::INT AS y_true
    FROM range(2000) r(i)
"""
ASKS: tuple[dict[str, Any], ...] = (
    {"by": ["sex"]},
    {"by": ["sex", "region"]},
    {"by": ["region"], "where": ["sex=zebra"]},
    {"by": ["sex"], "metric": "accuracy"},
    {"by": ["sex"], "reference": "overall", "flag": True},
)


def asked(case: UseCase, more: dict[str, Any]) -> dict[str, Any]:
    """What a question takes, filled with what names the small group."""
    known = {"initiative": INITIATIVE, "version": "1", "other": "2", "base": "2", "feature": "sex", **more}
    fields = case.takes.model_fields
    return {**dict(_filled(case)), **{name: value for name, value in known.items() if name in fields}}


def figures_of(found: Any, of: bool = False) -> Iterator[float]:
    """Every figure, whole counts apart, that stands beside the name of the group."""
    if isinstance(found, dict):
        values = list(found.values())
        here = any(one == TINY or (isinstance(one, str) and one.startswith(f"{TINY} ·")) for one in values)
        for one in values:
            yield from figures_of(one, here and not isinstance(one, (dict, list)))
    elif isinstance(found, list):
        for one in found:
            yield from figures_of(one)
    elif of and isinstance(found, float):
        yield found


def test_no_reading_tells_a_figure_of_a_small_group(tmp_path: Path) -> None:
    governance = founded(tmp_path / "store")
    give(governance, tmp_path, TOLD_APART, favourable=("1",))
    give(governance, tmp_path, TOLD_APART, version="2", favourable=("1",))
    weigh = {"actor": BUILDER, "at": later(6), "initiative": INITIATIVE, "version": "1", "by": ("sex",)}
    find_trade_off(governance, make(FindTradeOff, **weigh))
    told = set()
    for case in QUESTIONS:
        for more in ASKS if "by" in case.takes.model_fields else ASKS[:1]:
            given = asked(case, more)
            full = answered(governance, VALIDATOR, case.name, given)
            if full.startswith("{") and (ITS_RATE in full or any(figures_of(json.loads(full)))):
                told.add(case.name)
            for actor in (OWNER, STRANGER):
                found = answered(governance, actor, case.name, given)
                assert ITS_RATE not in found, (actor.id, case.name, given)
                if found.startswith("{"):
                    assert not list(figures_of(json.loads(found))), (actor.id, case.name, given)
    assert told >= {"bias_slices", "compare_slices", "trade_off_report"}, told
    governance.close()
