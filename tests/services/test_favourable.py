"""Which outcome is good to get: declared for a version, it rules what is said of groups, and the check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.domain.actors import Actor
from core.domain.commands import RegisterModelVersion, make
from core.domain.errors import BadInput, Forbidden, NotFound
from core.domain.facts.measured import FavourableOutcome
from core.domain.policy.checks import CheckResult
from core.entrypoints.reports.measured import show_batches
from core.ground import Verdict
from core.lake.facts import history
from core.services.governance import Governance
from core.services.measured.bias import bias_slices, check_bias_limit, compare_versions
from core.services.measured.predictions import (
    AddPredictions,
    BatchesView,
    add_predictions,
    prediction_batches,
)
from core.services.measured.weak_slices import find_weakest
from core.services.models.amendments import DeclareOutcome, declare_outcome
from core.services.models.versions import register_model_version
from core.services.use_case import Call
from core.services.use_cases import run_use_case
from tests.conftest import BUILDER, later
from tests.services.test_slices import PRICES, give

COLLEAGUE = Actor(id="cora-colleague", name="Cora Colleague", team="Credit", roles=("data_scientist",))

# Of 1,500 women and men each, the third class by the alphabet is predicted for 300 and 900.
GAP = """
    SELECT i::VARCHAR AS row_id, CASE WHEN i % 2 = 0 THEN 'F' ELSE 'M' END AS sex,
        CASE WHEN i // 2 < 300 THEN '{refer}' WHEN i // 2 < (CASE WHEN i % 2 = 0 THEN 1200 ELSE 600 END)
            THEN '{decline}' ELSE '{approve}' END AS y_pred,
        ['{refer}', '{decline}', '{approve}'][1 + i % 3] AS y_true
    FROM range(3000) r(i)
"""
NAMES = {"refer": "a_refer", "decline": "b_decline", "approve": "c_approve"}
# Half of each of three classes are right: 320 of 600 rows, though two in three of the others are no "high".
SEGMENTS = (
    *(("A", "high", "high", 43), ("A", "low", "high", 42), ("A", "low", "low", 48), ("A", "low", "mid", 52)),
    *(("A", "mid", "low", 54), ("A", "mid", "mid", 55), ("B", "high", "high", 59), ("B", "low", "high", 63)),
    *(("B", "low", "low", 58), ("B", "low", "mid", 33), ("B", "mid", "low", 36), ("B", "mid", "mid", 57)),
)
# Everybody is like everybody, and half get either outcome.
EVEN = """
    SELECT i::VARCHAR AS row_id, CASE WHEN i % 2 = 0 THEN 'F' ELSE 'M' END AS sex, 0.5 AS y_score,
        (i // 2 % 2)::INT AS y_pred, (i // 4 % 2)::INT AS y_true FROM range(8000) r(i)
"""
# 1 says that somebody will offend again: said of 60 % of one group and of 30 % of the other.
AGAIN = """
    SELECT i::VARCHAR AS row_id, CASE WHEN i % 2 = 0 THEN 'held' ELSE 'free' END AS sex, 0.5 AS y_score,
        (i // 2 % 10 < CASE WHEN i % 2 = 0 THEN 6 ELSE 3 END)::INT AS y_pred, (i // 4 % 2)::INT AS y_true
    FROM range(8000) r(i)
"""


def declare(
    governance: Governance,
    initiative: str,
    *favourable: str,
    days: float = 4,
    actor: Actor = BUILDER,
    **more: str,
) -> None:
    command = make(
        DeclareOutcome, actor=actor, at=later(days), initiative=initiative, version="1",
        favourable=favourable, **more,
    )  # fmt: skip
    declare_outcome(governance, command)


def checked(governance: Governance, initiative: str, days: float = 6) -> CheckResult:
    return check_bias_limit(governance, initiative, "1", "credit", governance.moment(later(days)))


def gap(governance: Governance, folder: Path, names: dict[str, str] = NAMES, **more: Any) -> str:
    return give(governance, folder, GAP.format(**names), task="multiclass", **more)


def test_every_class_is_looked_at_where_nobody_said_which_is_good(
    governance: Governance, tmp_path: Path
) -> None:
    found = checked(governance, gap(governance, tmp_path))
    assert found.verdict is Verdict.FAIL
    assert found.observed == pytest.approx(1 / 3)
    assert "nobody declared" in found.message
    assert "Declare the favourable outcome" in found.remedy


def test_the_declared_class_decides_and_is_named(governance: Governance, tmp_path: Path) -> None:
    initiative = gap(governance, tmp_path, favourable=("c_approve",))
    found = checked(governance, initiative)
    assert found.verdict is Verdict.FAIL
    assert "selection rate of favourable outcome C approve between F and M is 0.333" in found.message
    declare(governance, initiative, "a_refer", actor=COLLEAGUE)
    assert checked(governance, initiative).verdict is Verdict.PASS
    assert checked(governance, initiative, days=3.5).verdict is Verdict.FAIL, "as it stood then"
    declare(governance, initiative, "a_refer", "c_approve", days=5, actor=COLLEAGUE)
    assert "favourable outcome C approve" in checked(governance, initiative).message


def test_another_name_for_a_class_changes_nothing(governance: Governance, tmp_path: Path) -> None:
    names = {"refer": "z_refer", "decline": "y_decline", "approve": "1 approve"}
    found = checked(governance, gap(governance, tmp_path, names, favourable=("1 approve",)))
    assert found.verdict is Verdict.FAIL
    assert found.observed == pytest.approx(1 / 3)
    assert "outcome 1 approve between F and M" in found.message


@pytest.mark.parametrize(
    ("favourable", "verdict"),
    [((), Verdict.CANNOT_TELL), (("1",), Verdict.PASS), (("0",), Verdict.PASS), (("neither",), Verdict.PASS)],
)
def test_nothing_passes_before_somebody_says_what_is_good(
    governance: Governance, tmp_path: Path, favourable: tuple[str, ...], verdict: Verdict
) -> None:
    found = checked(governance, give(governance, tmp_path, EVEN, favourable=favourable))
    assert found.verdict is verdict, found.message
    assert ("nobody declared" in found.message) is (not favourable)
    asked = {"initiative": "card-limit-advice", "version": "1", "by": ("sex",), "part": "analysis"}
    slices = bias_slices(governance, governance.moment(later(6)), **asked)
    assert slices.report.verdict == verdict.value, "the page and the check say the same"
    assert {line.verdict for line in slices.report.slices} == {verdict.value}
    assert {one.verdict for one in slices.fairness} == {None, verdict.value}
    assert all(("nobody declared" in line.note) is (not favourable) for line in slices.report.slices)


def test_who_is_worse_off_is_told_by_the_good_outcome(governance: Governance, tmp_path: Path) -> None:
    """Of a score of something bad, the group that is called bad most often is the one that is worse off."""
    initiative = give(governance, tmp_path, AGAIN, favourable=("0",))
    found = checked(governance, initiative)
    assert found.verdict is Verdict.FAIL
    assert "selection rate of favourable outcome 0 between held and free is 0.571" in found.message
    moment = governance.moment(later(6))
    report = bias_slices(governance, moment, initiative=initiative, version="1", by=("sex",)).report
    assert {line.label: line.value for line in report.slices} == pytest.approx({"held": 0.4, "free": 0.7})
    assert (report.metric.title, report.reference_label) == ("Selection rate of favourable outcome 0", "free")
    asked = bias_slices(governance, moment, initiative=initiative, version="1", by=("sex",), positive="1")
    assert {line.label: line.value for line in asked.report.slices} == pytest.approx(
        {"held": 0.6, "free": 0.3}
    )


def test_words_for_two_outcomes_are_the_outcomes(governance: Governance, tmp_path: Path) -> None:
    query = f"SELECT * REPLACE (CASE y_pred WHEN 1 THEN 'again' ELSE 'never' END AS y_pred, \
        CASE y_true WHEN 1 THEN 'again' ELSE 'never' END AS y_true) FROM ({AGAIN})"
    words: dict[str, Any] = {
        "classes": ("never", "again"), "prediction": "y_pred", "target": "y_true", "row_id": "row_id",
        "scores": ("y_score",),
    }  # fmt: skip
    initiative = give(governance, tmp_path, query, favourable=("never",), **words)
    assert "outcome Never between held and free is 0.571" in checked(governance, initiative).message
    give(governance, tmp_path, AGAIN, version="2", favourable=("0",))
    moment = governance.moment(later(6))
    both = compare_versions(governance, moment, initiative=initiative, version="1", other="2", by=("sex",))
    assert (both.now.positive, both.other.positive) == ("never", "0")
    assert {each.change for each in both.changes} == {0.0}


def test_accuracy_of_several_classes_is_the_share_that_is_right(
    governance: Governance, tmp_path: Path
) -> None:
    rows = ", ".join(str(each) for each in SEGMENTS)
    query = f"SELECT row_number() OVER ()::VARCHAR AS row_id, seg, y_pred, y_true FROM \
        (VALUES {rows}) t(seg, y_pred, y_true, n), range(100) r(i) WHERE i < n"
    initiative = give(
        governance, tmp_path, query, task="multiclass", sensitive=("seg",), favourable=("high",)
    )
    one: dict[str, Any] = {"initiative": initiative, "version": "1", "metric": "accuracy"}
    moment = governance.moment(later(6))
    for outcome in ("", "low", "mid", "high"):
        report = bias_slices(governance, moment, **one, by=("seg",), positive=outcome).report
        assert (report.overall_value, report.overall_n) == (320 / 600, 600)
        assert [line.value for line in report.slices] == [146 / 294, 174 / 306]
        assert report.metric.title == "Accuracy"
    weakest = find_weakest(governance, moment, **one, by=("seg",), min_rows=1).found
    assert weakest.overall.value == 320 / 600
    assert weakest.slices[0].value == 146 / 294


def test_a_declaration_is_amended_with_a_trace(governance: Governance, tmp_path: Path) -> None:
    initiative = gap(governance, tmp_path, favourable=("neither",))
    head = governance.store.head()
    with pytest.raises(Forbidden, match="may not change the declared outcome of it"):
        declare(governance, initiative, "c_approve")
    with pytest.raises(Forbidden, match="may not change the declared outcome of it"):
        gap_again(governance, tmp_path, initiative)
    assert governance.store.head() == head, "who is judged by it changes nothing"
    why = {"note": "An approval is what they asked for."}
    declare(governance, initiative, "c_approve", actor=COLLEAGUE, **why)
    kept = history(governance.store, FavourableOutcome, governance.moment(later(6)), initiative)
    assert [(one.favourable, one.note) for one in kept] == [
        ((), ""),
        (("c_approve",), "An approval is what they asked for."),
    ]
    view = prediction_batches(governance, governance.moment(later(6)), initiative=initiative, version="1")
    assert view.favourable == ("c_approve",)


def gap_again(governance: Governance, folder: Path, initiative: str) -> None:
    """Another file of the same version, which comes with another favourable outcome."""
    file = folder / "again.csv"
    file.write_text("row_id,sex,y_pred,y_true\nnew-1,F,c_approve,c_approve\n", encoding="utf-8")
    command = make(
        AddPredictions, actor=BUILDER, at=later(4), initiative=initiative, version="1", part="analysis",
        file=file, favourable=("c_approve",),
    )  # fmt: skip
    add_predictions(governance, command)


@pytest.mark.parametrize("wrong", [("approve",), ("neither", "c_approve"), ("",)])
def test_an_outcome_that_no_prediction_has_is_refused(
    governance: Governance, tmp_path: Path, wrong: tuple[str, ...]
) -> None:
    initiative = gap(governance, tmp_path)
    with pytest.raises(BadInput, match="no outcome of these predictions"):
        declare(governance, initiative, *wrong)
    with pytest.raises(BadInput, match="is no outcome of version"):
        moment = governance.moment(later(6))
        bias_slices(governance, moment, initiative=initiative, version="1", by=("sex",), positive="approve")


def test_an_outcome_declared_too_early_is_told_and_never_passes(
    governance: Governance, tmp_path: Path
) -> None:
    initiative = give(governance, tmp_path, EVEN, favourable=("1",))
    version = {"actor": BUILDER, "at": later(2.1), "initiative": initiative, "version": "2"}
    register_model_version(
        governance, make(RegisterModelVersion, **version, algorithm="trees", task="binary")
    )
    early = {"actor": BUILDER, "at": later(2.2), "initiative": initiative, "version": "2"}
    declare_outcome(governance, make(DeclareOutcome, **early, favourable=("granted",)))
    file = tmp_path / "binary-1.parquet"
    batch = {**version, "at": later(3), "part": "analysis", "file": file, "sensitive": ("sex",)}
    added = add_predictions(governance, make(AddPredictions, **batch, task="binary"))
    assert any("outcome 'granted' is declared as favourable" in one for one in added.warnings)
    found = check_bias_limit(governance, initiative, "2", "credit", governance.moment(later(6)))
    assert found.verdict is Verdict.CANNOT_TELL
    assert "the declared outcome granted is none of these predictions" in found.message


def test_a_number_has_no_favourable_outcome(governance: Governance, tmp_path: Path) -> None:
    initiative = give(governance, tmp_path, PRICES.format(error="i % 7"), task="regression")
    with pytest.raises(BadInput, match="a regression has no favourable outcome"):
        declare(governance, initiative, "1")


def test_what_another_version_declared_is_proposed_and_taken_over_by_one_act(
    governance: Governance, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    initiative = gap(governance, tmp_path, favourable=("c_approve",))
    gap(governance, tmp_path, version="2")

    def view() -> BatchesView:
        moment = governance.moment(later(20))
        return prediction_batches(governance, moment, initiative=initiative, version="2")

    proposed = view().proposed
    assert proposed is not None
    assert (view().favourable, proposed.version, proposed.favourable) == (None, "1", ("c_approve",))
    one = {"initiative": initiative, "version": "2"}
    show_batches(run_use_case(Call(governance, BUILDER, later(20)), "list_prediction_batches", one))
    said = capsys.readouterr().out
    assert "Of version 1 it is c_approve:" in said
    assert f"governance outcome declare {initiative} --version 2 --like 1" in said
    check = check_bias_limit(governance, initiative, "2", "credit", governance.moment(later(6)))
    assert "nobody declared" in check.message, "nothing is taken over in silence"
    about: dict[str, Any] = {"actor": BUILDER, "at": later(7), **one}
    for wrong in ({}, {"like": "1", "favourable": ("c_approve",)}):
        with pytest.raises(BadInput, match="named, or taken over"):
            declare_outcome(governance, make(DeclareOutcome, **about, **wrong))
    with pytest.raises(NotFound, match="nobody declared"):
        declare_outcome(governance, make(DeclareOutcome, **about, like="2"))
    declare_outcome(governance, make(DeclareOutcome, **about, like="1"))
    assert (view().favourable, view().proposed) == (("c_approve",), None)
