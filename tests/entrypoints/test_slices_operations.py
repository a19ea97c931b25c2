"""Operations on slices give the numbers that the pages show, and the command prints them for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.domain.errors import BadInput
from core.entrypoints.reports import measured as reports_slices
from core.ground import plain, read_back
from core.services.governance import Governance
from core.services.measured.bias import BiasSlices, VersionsCompared, bias_slices
from core.services.measured.weak_slices import ScoreCurves, WeakSlices, find_weakest
from core.services.use_case import Call
from core.services.use_cases import run_use_case
from tests.conftest import BUILDER, later
from tests.entrypoints.conftest import TOKEN, serving
from tests.services.test_slices import PEOPLE, give

MODEL = "card-limit-advice"


@pytest.fixture
def people(governance: Governance, tmp_path: Path) -> Governance:
    give(governance, tmp_path, PEOPLE)
    return governance


def run(governance: Governance, name: str, **values: Any) -> Any:
    given = json.loads(json.dumps({"initiative": MODEL, **values}))
    return json.loads(json.dumps(run_use_case(Call(governance, BUILDER, later(6)), name, given)))


def told_again(kind: type[Any], result: dict[str, Any]) -> bool:
    """Whether a result that is read back as its class tells the same."""
    return {"moment": result["moment"], **plain(read_back(kind, result))} == result


def test_slices_carry_the_numbers_of_the_page(people: Governance, capsys: pytest.CaptureFixture[str]) -> None:
    asked: dict[str, Any] = {"by": ["sex", "age"], "cuts": ["age=at:40,60"], "where": ["age>=30"]}
    result = run(people, "bias_slices", **asked, metric="roc_auc", reference="overall")
    report = bias_slices(
        people,
        people.moment(later(6)),
        initiative=MODEL,
        version="1",
        by=("sex", "age"),
        cuts=("age=at:40,60",),
        where=("age>=30",),
        metric="roc_auc",
        reference="overall",
    ).report
    assert [line["label"] for line in result["slices"]] == [line.label for line in report.slices]
    for told, line in zip(result["slices"], report.slices, strict=True):
        assert told["value"] == line.value and told["adjusted_p"] == line.adjusted_p
        assert line.interval is not None
        assert told["interval"]["low"] == line.interval.low
    assert result["cuts"] == ["age=at:40,60"]
    assert result["fairness"][0]["definition"]["id"] == "demographic_parity_difference"
    assert "DeLong" in result["interval_method"] and result["correction"] == "holm"
    assert told_again(BiasSlices, result)
    reports_slices.show_slices(result)
    said = capsys.readouterr().out
    assert "Area under the ROC curve of outcome 1 by sex and age" in said and "Holm" in said


def test_the_weakest_are_told_with_what_was_searched(
    people: Governance, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(people, "weakest_slices", most=3)
    found = find_weakest(people, people.moment(later(6)), initiative=MODEL, version="1", most=3).found
    assert [line["label"] for line in result["slices"]] == [one.label for one in found.slices]
    assert [line["value"] for line in result["slices"]] == [one.value for one in found.slices]
    assert result["searched"] == found.searched
    assert told_again(WeakSlices, result)
    reports_slices.show_weakest(result)
    assert f"Searched {found.searched:,} intersections" in capsys.readouterr().out


def test_curves_are_told_by_group_and_bin(people: Governance, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(people, "score_curves", by=["sex"])
    assert [group["label"] for group in result["groups"]] == ["everyone", "Female", "Male"]
    assert result["groups"][1]["roc"][0] == {
        "false_positive_rate": 0.0,
        "true_positive_rate": 0.0,
        "threshold": None,
    }
    assert told_again(ScoreCurves, result)
    reports_slices.show_curves(result)
    assert "Area under ROC" in (said := capsys.readouterr().out) and "Share positive" in said


def test_two_versions_are_told_side_by_side(
    people: Governance, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    give(people, tmp_path, PEOPLE.replace("i % 3 < 2", "i % 3 = 0"), version="2")
    result = run(people, "compare_slices", version="2", other="1", by=["sex"])
    assert [change["better"] for change in result["changes"]] == [None, False]
    assert (result["better"], result["worse"]) == (0, 1)
    assert told_again(VersionsCompared, result)
    reports_slices.show_changes(result)
    tests = "Holm-adjusted likelihood-ratio or exact tests"
    assert f"Beyond chance, by {tests}: 0 better, 1 worse" in capsys.readouterr().out


def test_one_address_slices_and_compares(people: Governance, tmp_path: Path) -> None:
    give(people, tmp_path, PEOPLE.replace("i % 3 < 2", "i % 3 = 0"), version="2")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with (
        serving(people) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api", headers=headers, trust_env=False) as client,
    ):

        def told(what: str, asked: str) -> Any:
            answer = client.get(f"/initiatives/{MODEL}/versions/2/{what}?{asked}", timeout=60).json()
            answer.pop("moment", None)
            return answer

        def ran(name: str, **values: Any) -> Any:
            found = run(people, name, version="2", **values)
            found.pop("moment")
            return found

        for other in ("", "&other="):
            assert told("slices", f"by=sex&by=region&where=age>=30{other}") == ran(
                "bias_slices", by=["sex", "region"], where=["age>=30"]
            )
        assert told("slices", "by=sex&other=1") == ran("compare_slices", by=["sex"], other="1")
        assert told("weakest-slices", "most=2") == ran("weakest_slices", most=2)
        assert told("slices", "x=1")["error"]["what"] == "by is missing; x is not known"
        many = "&".join(f"by={name}" for name in "abcdefg")
        assert told("slices", many)["error"]["what"] == "by may have at most 6 values"


def test_values_may_be_kept_by_feature_too(people: Governance) -> None:
    by_text = run(people, "bias_slices", by=["region"], where=["sex=Female"])
    by_name = run(people, "bias_slices", by=["region"], where={"sex": ["Female"]})
    assert by_text == by_name


@pytest.mark.parametrize(
    "values", [{"by": []}, {"by": ["a"] * 7}, {"by": ["sex"], "correction": "hope"}, {"by": ["sex"], "x": 1}]
)
def test_parameters_that_cannot_be_are_refused(people: Governance, values: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        run(people, "bias_slices", **values)
