"""Slices as people ask for them: conditions, cuts, windows, the weakest, two versions, and the check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from core.analytics.slices.curves import ScoreCounts, group_curves, roc_points
from core.domain.commands import RegisterModelVersion
from core.domain.errors import BadInput, NotFound
from core.ground import Verdict
from core.services.governance import Governance
from core.services.measured.bias import (
    bias_slices,
    check_bias_limit,
    compare_versions,
    slice_choices,
    slice_values,
)
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.measured.weak_slices import find_weakest, score_curves
from tests.conftest import BUILDER, later, register

# 3,000 people a version; women are selected at 1/3, men at 2/3. Only among women from 60 on is the model
# wrong more often than not. Times run over ten days of January 2026, 300 people a day.
PEOPLE = """
    SELECT i::VARCHAR AS row_id, TIMESTAMP '2026-01-01 08:00:00' + INTERVAL (i // 300) DAY AS timestamp,
        CASE WHEN i % 2 = 0 THEN 'Female' ELSE 'Male' END AS sex, 20 + (i * 7) % 60 AS age,
        CASE WHEN i % 5 = 0 THEN NULL ELSE 'region ' || i % 3 END AS region,
        CASE WHEN i % 2 = 0 THEN i % 3 = 0 ELSE i % 3 < 2 END::INT AS y_pred,
        (1 + y_pred * 6 + i % 3) / 10.0 AS y_score,
        CASE WHEN i % 2 = 0 AND age >= 60 AND i % 4 < 3 THEN 1 - y_pred
            WHEN i % 10 = 1 THEN 1 - y_pred ELSE y_pred END AS y_true
    FROM range(3000) r(i)
"""
PRICES = """
    SELECT i::VARCHAR AS row_id, CASE WHEN i % 2 = 0 THEN 'new' ELSE 'old' END AS sex,
        100.0 + i % 50 AS y_true, 100.0 + i % 50 + {error} AS y_pred FROM range(1200) r(i)
"""


def give(
    governance: Governance, folder: Path, query: str, *, version: str = "1", task: str = "binary", **more: Any
) -> str:
    initiative = "card-limit-advice"
    if version == "1":
        initiative = register(governance)
    governance_version = RegisterModelVersion(
        actor=BUILDER, at=later(2), initiative=initiative, version=version, algorithm="trees", task=task
    )
    from core.services.models.versions import register_model_version

    register_model_version(governance, governance_version)
    file = folder / f"{task}-{version}.parquet"
    duckdb.sql(query).write_parquet(str(file))
    values: dict[str, Any] = {"part": "analysis", "sensitive": ("sex",), **more}
    command = AddPredictions(
        actor=BUILDER, at=later(3), initiative=initiative, version=version, task=task, file=file, **values
    )
    add_predictions(governance, command)
    return initiative


@pytest.fixture
def people(governance: Governance, tmp_path: Path) -> dict[str, Any]:
    """A binary model with its predictions, as the services take it."""
    return {"initiative": give(governance, tmp_path, PEOPLE, favourable=("1",)), "version": "1"}


def rows_of(governance: Governance, one: dict[str, Any], **more: Any) -> dict[str, int]:
    found = bias_slices(governance, governance.moment(later(6)), **one, **more)
    return {line.label: line.rows for line in found.report.slices}


def test_conditions_keep_the_rows_they_name(governance: Governance, people: dict[str, Any]) -> None:
    def kept(*where: str) -> int:
        return sum(rows_of(governance, people, by=("sex",), where=where).values())

    total = duckdb.sql(f"SELECT count(*), sum(age >= 60), sum(age < 30), count(region) FROM ({PEOPLE})")
    everyone, old, young, placed = total.fetchall()[0]
    assert kept() == everyone == 3000
    assert kept("age>=60") == old
    assert kept("age<30") == young
    assert kept("age>=30", "age<60") == everyone - old - young
    assert kept("region!=(missing)") == placed
    assert kept("region=(missing)") == everyone - placed
    assert kept("region=region 1", "region=region 2") + kept("region=region 0") == placed
    assert kept("y_pred=1") + kept("y_pred=0") == everyone
    assert kept("age=33") == duckdb.sql(f"SELECT count(*) FROM ({PEOPLE}) WHERE age = 33").fetchall()[0][0]


def test_a_band_is_kept_or_left_out_by_its_name(governance: Governance, people: dict[str, Any]) -> None:
    cuts = ("age=at:40,60",)
    by_age = rows_of(governance, people, by=("age",), cuts=cuts)
    assert list(by_age) == ["under 40", "40 to under 60", "60 and over"]
    inside = rows_of(governance, people, by=("sex",), cuts=cuts, where=("age=40 to under 60",))
    outside = rows_of(governance, people, by=("sex",), cuts=cuts, where=("age!=40 to under 60",))
    assert sum(inside.values()) == by_age["40 to under 60"]
    assert sum(outside.values()) == by_age["under 40"] + by_age["60 and over"]


@pytest.mark.parametrize(
    ("cut", "labels"),
    [
        ("age=quantiles:2", ["under 50", "50 and over"]),
        ("age=bands:3", ["under 40", "40 to under 60", "60 and over"]),
        ("age=width:20", ["under 40", "40 to under 60", "60 and over"]),
        ("age=at:65,30", ["under 30", "30 to under 65", "65 and over"]),
    ],
)
def test_numbers_are_cut_as_asked(
    governance: Governance, people: dict[str, Any], cut: str, labels: list[str]
) -> None:
    found = rows_of(governance, people, by=("age",), cuts=(cut,))
    assert [label.replace("49", "50") for label in found] == labels
    assert sum(found.values()) == 3000


def test_each_value_of_a_number_can_be_a_slice(governance: Governance, people: dict[str, Any]) -> None:
    assert len(rows_of(governance, people, by=("age",), cuts=("age=values",))) == 60
    moment = governance.moment(later(6))
    assert slice_values(governance, moment, **people, feature="region") == (
        *("region 0", "region 1", "region 2"),
        "(missing)",
    )
    assert slice_values(governance, moment, **people, feature="age", cuts=("age=at:40",))[0] == "under 40"


def test_a_window_holds_its_first_and_last_day(governance: Governance, people: dict[str, Any]) -> None:
    choices = slice_choices(governance, governance.moment(later(6)), **people)
    assert (choices.first_day, choices.last_day) == ("2026-01-01", "2026-01-10")
    for since, until, days in (("", "", 10), ("2026-01-03", "2026-01-04", 2), ("", "2026-01-01", 1)):
        rows = rows_of(governance, people, by=("sex",), since=since, until=until)
        assert sum(rows.values()) == 300 * days
    with pytest.raises(BadInput, match="no row is left"):
        rows_of(governance, people, by=("sex",), since="2027-01-01")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"where": ("nope=1",)}, "no condition on a column"),
        ({"where": ("sex>=3",)}, "holds no numbers to compare|is no number"),
        ({"where": ("age>=old",)}, "'old' is no number"),
        ({"where": ("sex=",)}, "names no value"),
        ({"cuts": ("age=thirds",)}, "no way to cut"),
        ({"cuts": ("age=width:0.001",)}, "more than 50 bands"),
        ({"cuts": ("sex=quantiles:3",)}, "holds no numbers to cut"),
        ({"since": "yesterday"}, "'yesterday' is no day"),
        ({"metric": "mean_error"}, "is no metric of a binary model"),
        ({"correction": "hope"}, "'hope' is no correction"),
        ({"by": ("sex", "sex")}, "different features"),
        ({"by": ()}, "different features"),
        ({"reference": "Nobody"}, "is not a slice here"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    governance: Governance, people: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    asked = {"by": ("sex", "age"), **more}
    with pytest.raises(BadInput, match=message):
        bias_slices(governance, governance.moment(later(6)), **people, **asked)


def test_a_window_without_times_is_refused(governance: Governance, tmp_path: Path) -> None:
    timeless = f"SELECT * EXCLUDE (timestamp) FROM ({PEOPLE})"
    one: dict[str, Any] = {"initiative": give(governance, tmp_path, timeless), "version": "1"}
    with pytest.raises(BadInput, match="carry no time"):
        rows_of(governance, one, by=("sex",), since="2026-01-01")


def test_the_reference_is_of_choice_and_tests_are_corrected(
    governance: Governance, people: dict[str, Any]
) -> None:
    moment = governance.moment(later(6))
    by = ("sex", "region")
    for reference in ("largest", "overall", "best", "Female · region 0"):
        report = bias_slices(governance, moment, **people, by=by, reference=reference).report
        tested = [line for line in report.slices if line.p_value is not None]
        assert report.tested == len(tested) == (8 if reference == "overall" else 7)
        for line in tested:
            assert line.p_value is not None and line.adjusted_p is not None
            assert line.p_value <= line.adjusted_p <= min(1.0, len(tested) * line.p_value) + 1e-15
    plain = bias_slices(governance, moment, **people, by=by, correction="none").report
    assert all(line.p_value == line.adjusted_p for line in plain.slices)


def test_six_features_and_no_seventh(governance: Governance, tmp_path: Path) -> None:
    extra = ", ".join(f"(i % {place + 2})::VARCHAR AS f{place}" for place in range(7))
    wide = f"SELECT p.*, {extra} FROM (SELECT *, row_id::INT AS i FROM ({PEOPLE})) p"
    one: dict[str, Any] = {"initiative": give(governance, tmp_path, wide), "version": "1"}
    names = tuple(f"f{place}" for place in range(7))
    assert sum(rows_of(governance, one, by=names[:6]).values()) == 3000
    with pytest.raises(BadInput, match="cannot slice by"):
        rows_of(governance, one, by=names)


def test_every_metric_of_the_scores_is_there(governance: Governance, people: dict[str, Any]) -> None:
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score

    frame = duckdb.sql(PEOPLE).df()
    moment = governance.moment(later(6))
    for name in ("balanced_accuracy", "calibration_gap", "roc_auc"):
        found = bias_slices(governance, moment, **people, by=("sex",), metric=name)
        for line in found.report.slices:
            own = frame[frame.sex == line.label]
            expected = {
                "balanced_accuracy": lambda own=own: balanced_accuracy_score(own.y_true, own.y_pred),
                "calibration_gap": lambda own=own: (own.y_score - own.y_true).mean(),
                "roc_auc": lambda own=own: roc_auc_score(own.y_true, own.y_score),
            }[name]()
            assert line.value == pytest.approx(expected, abs=1e-12)
            assert line.interval is not None and line.interval.contains(expected)
        overall = {
            "balanced_accuracy": balanced_accuracy_score(frame.y_true, frame.y_pred),
            "calibration_gap": (frame.y_score - frame.y_true).mean(),
            "roc_auc": roc_auc_score(frame.y_true, frame.y_score),
        }[name]
        assert found.report.overall_value == pytest.approx(overall, abs=1e-12)


def test_of_several_classes_one_is_held_against_the_rest(governance: Governance, tmp_path: Path) -> None:
    from sklearn.metrics import roc_auc_score

    query = """
        SELECT i::VARCHAR AS row_id, CASE WHEN i % 2 = 0 THEN 'Female' ELSE 'Male' END AS sex,
            ['gold', 'silver', 'bronze'][1 + i % 3] AS y_pred,
            ['gold', 'silver', 'bronze'][1 + i // 2 % 3] AS y_true,
            0.2 + 0.1 * (i % 5) AS y_score_gold, 0.1 + 0.05 * (i % 3) AS y_score_silver,
            1 - y_score_gold - y_score_silver AS y_score_bronze
        FROM range(1200) r(i)
    """
    one: dict[str, Any] = {
        "initiative": give(
            governance, tmp_path, query, task="multiclass", classes=("gold", "silver", "bronze")
        ),
        "version": "1",
    }
    frame = duckdb.sql(query).df()
    moment = governance.moment(later(6))
    for positive in ("gold", "silver"):
        found = bias_slices(governance, moment, **one, by=("sex",), metric="roc_auc", positive=positive)
        for line in found.report.slices:
            own = frame[frame.sex == line.label]
            area = roc_auc_score(own.y_true == positive, own[f"y_score_{positive}"])
            assert line.value == pytest.approx(area, abs=1e-12)
        rates = bias_slices(governance, moment, **one, by=("sex",), positive=positive)
        for line in rates.report.slices:
            own = frame[frame.sex == line.label]
            assert line.value == pytest.approx((own.y_pred == positive).mean(), abs=1e-12)


def test_the_weakest_intersection_is_found_by_itself(governance: Governance, people: dict[str, Any]) -> None:
    moment = governance.moment(later(6))
    found = find_weakest(governance, moment, **people, cuts=("age=at:30,45,60",))
    worst = found.found.slices[0]
    assert dict(worst.keys) == {"sex": "Female", "age": "60 and over"}
    assert found.found.metric.id == "accuracy"
    assert worst.adjusted_p is not None and worst.adjusted_p < 0.001
    where = tuple(f"{name}={value}" for name, value in worst.keys)
    again = bias_slices(
        governance,
        moment,
        **people,
        by=("sex",),
        metric="accuracy",
        where=where,
        cuts=("age=at:30,45,60",),
    )
    assert again.report.overall_value == worst.value  # what was found can be looked into
    for name in ("roc_auc", "calibration_gap", "selection_rate", "balanced_accuracy"):
        other = find_weakest(governance, moment, **people, metric=name, most=3, max_conditions=2)
        assert 1 <= len(other.found.slices) <= 3
        assert all(one.n >= 100 for one in other.found.slices)


@pytest.mark.parametrize(
    "more", [{"most": 0}, {"max_conditions": 7}, {"min_rows": -1}, {"by": ("sex", "sex")}, {"by": ("nope",)}]
)
def test_a_search_that_cannot_be_is_one_sentence(
    governance: Governance, people: dict[str, Any], more: dict[str, Any]
) -> None:
    with pytest.raises(BadInput):
        find_weakest(governance, governance.moment(later(6)), **people, **more)


def test_the_gap_is_widest_where_only_one_group_is_judged_wrongly(
    governance: Governance, people: dict[str, Any]
) -> None:
    moment, cut = governance.moment(later(6)), {"cuts": ("age=at:40,60",)}
    found = find_weakest(governance, moment, **people, **cut, of="gap", by=("age",))
    first = found.found.slices[0]
    assert (found.between, first.label, first.between) == ("sex", "age: 60 and over", ("Female", "Male"))
    assert first.value is not None and first.value < -0.5 and first.adjusted_p is not None
    assert first.interval is not None and first.interval.high < 0 and first.adjusted_p < 0.001
    with pytest.raises(BadInput, match="groups cannot be held against each other"):
        find_weakest(governance, moment, **people, cuts=("age=values",), of="gap", between="age", by=("sex",))
    with pytest.raises(BadInput, match="goes over rates and means"):
        find_weakest(governance, moment, **people, of="gap", metric="balanced_accuracy")
    with pytest.raises(NotFound):  # no reference to have fallen from
        find_weakest(governance, moment, **people, of="decay")


def test_the_deepest_fall_is_where_the_model_went_wrong_since_the_reference(
    governance: Governance, people: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "before.parquet"
    before = PEOPLE.replace("CASE WHEN i % 2 = 0 AND age >= 60", "CASE WHEN false")
    duckdb.sql(before.replace("i::VARCHAR", "'r' || i")).write_parquet(str(file))
    more: dict[str, Any] = {"task": "binary", "file": file, "part": "reference", "sensitive": ("sex",)}
    add_predictions(governance, AddPredictions(actor=BUILDER, at=later(4), **people, **more))
    found = find_weakest(
        governance,
        governance.moment(later(6)),
        **people,
        of="decay",
        cuts=("age=at:40,60",),
        by=("sex", "age"),
    )
    first = found.found.slices[0]
    assert dict(first.keys) == {"sex": "Female", "age": "60 and over"}
    assert first.between == ("analysis", "reference") and first.value is not None and first.value < -0.5
    assert all(set(first.keys) != set(one.keys) for one in found.found.slices[1:])


def test_curves_by_group_equal_scikit_learn(governance: Governance, people: dict[str, Any]) -> None:
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import roc_auc_score, roc_curve

    frame = duckdb.sql(PEOPLE).df()
    found = score_curves(governance, governance.moment(later(6)), **people, by=("sex",))
    assert [group.label for group in found.groups] == ["everyone", "Female", "Male"]
    for group in found.groups:
        rows = frame if group.label == "everyone" else frame[frame["sex"] == group.label]
        labels, scores = rows["y_true"].to_numpy(int), rows["y_score"].to_numpy(float)
        alarms, hits, thresholds = roc_curve(labels, scores, drop_intermediate=False)
        told = [(each.false_positive_rate, each.true_positive_rate) for each in group.roc]
        assert np.array(told) == pytest.approx(np.stack([alarms, hits], axis=1), abs=1e-12)
        assert [each.threshold for each in group.roc[1:]] == pytest.approx(thresholds[1:].tolist())
        shares, means = calibration_curve(labels, scores, n_bins=10)
        assert [each.share for each in group.calibration] == pytest.approx(shares.tolist(), abs=1e-12)
        assert [each.mean_score for each in group.calibration] == pytest.approx(means.tolist(), abs=1e-12)
        assert group.area == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
        assert group.interval is not None and group.interval.contains(group.area or 0)
        assert (sum(each.n for each in group.calibration), group.positives) == (len(rows), labels.sum())
        assert all(each.interval.contains(each.share) for each in group.calibration)


def test_small_groups_have_no_curves_and_are_named(governance: Governance, people: dict[str, Any]) -> None:
    moment = governance.moment(later(6))
    small = score_curves(governance, moment, **people, by=("age",), cuts=("age=at:21",), where=("age<=30",))
    (few,) = small.withheld
    assert few == "under 21"
    (told,) = (group for group in small.groups if group.label == few)
    assert (told.area, told.roc, told.calibration) == (None, (), ())
    assert told.note == f"Too small: {told.n} rows have a score and a label, {small.min_rows} are needed."
    alike = score_curves(governance, moment, **people, by=("sex",), where=("y_true=1",)).groups[0]
    assert alike.roc == () and alike.area is None and "all labels are alike" in alike.note
    with pytest.raises(BadInput, match="at most 100 have curves"):
        score_curves(governance, moment, **people, by=("age", "timestamp"), cuts=("age=values",))


def test_many_scores_make_a_curve_of_at_most_a_hundred_and_one_points() -> None:
    random = np.random.default_rng(3)
    labels = random.random(5000) < 0.3
    scores = np.sort(random.normal(size=5000))
    counts = ScoreCounts((), scores, labels.astype(int), (~labels).astype(int))
    found = group_curves(counts, min_rows=100)
    every = {(each.false_positive_rate, each.true_positive_rate) for each in roc_points(counts)}
    kept = [(each.false_positive_rate, each.true_positive_rate) for each in found.roc]
    assert len(every) == 5001 and 90 < len(kept) <= 101 and set(kept) <= every
    assert (kept[0], kept[-1]) == ((0, 0), (1, 1))
    assert found.calibration == () and found.note == "No calibration: some scores are below 0 or above 1."


def test_two_versions_are_compared_slice_by_slice(
    governance: Governance, people: dict[str, Any], tmp_path: Path
) -> None:
    better = PEOPLE.replace("ELSE i % 3 < 2 END::INT AS y_pred", "ELSE i % 3 = 0 END::INT AS y_pred")
    give(governance, tmp_path, better, version="2")
    moment = governance.moment(later(6))
    asked: dict[str, Any] = {"by": ("sex", "age"), "cuts": ("age=quantiles:2",), "metric": "selection_rate"}
    found = compare_versions(
        governance, moment, initiative=people["initiative"], version="2", other="1", **asked
    )
    assert [each.label for each in found.changes] == [line.label for line in found.now.report.slices]
    for each in found.changes:
        assert each.now is not None and each.other is not None and each.change is not None
        assert each.now.value is not None and each.other.value is not None
        assert each.change == each.now.value - each.other.value
        assert each.change_interval is not None and each.change_interval.contains(each.change)
        if each.label.startswith("Female"):  # nothing changed for women
            assert (each.change, each.better, each.p_value) == (0.0, None, 1.0)
        else:
            assert each.better is False and each.adjusted_p is not None and each.adjusted_p < 0.001
    assert (found.better, found.worse) == (0, 2)
    with pytest.raises(NotFound, match="has no analysis batch"):
        compare_versions(governance, moment, **people, other="7", by=("sex",))


# The check ------------------------------------------------------------------------------------------------


def checked(governance: Governance, initiative: str, domain: str) -> Any:
    return check_bias_limit(governance, initiative, "1", domain, governance.moment(later(6)))


def test_a_difference_in_selection_fails_the_check(governance: Governance, people: dict[str, Any]) -> None:
    found = checked(governance, people["initiative"], "credit")
    assert found.verdict is Verdict.FAIL
    assert found.observed == pytest.approx(0.5)
    assert "between Female and Male is 0.5" in found.message


@pytest.mark.parametrize(
    ("error", "domain", "verdict"),
    [
        ("3 + i % 3", "credit", Verdict.PASS),
        ("CASE WHEN i % 2 = 0 THEN 6 + i % 3 ELSE 2 + i % 3 END", "credit", Verdict.FAIL),
        ("CASE WHEN i % 2 = 0 THEN 6 + i % 3 ELSE -2 - i % 3 END", "pricing", Verdict.FAIL),
        ("i % 7 - 3", "pricing", Verdict.PASS),
        ("0", "pricing", Verdict.CANNOT_TELL),  # a share of an overall error of nought is no limit
        ("0", "credit", Verdict.CANNOT_TELL),
    ],
)
def test_a_regression_is_held_to_the_limit_on_its_errors(
    governance: Governance, tmp_path: Path, error: str, domain: str, verdict: Verdict
) -> None:
    initiative = give(governance, tmp_path, PRICES.format(error=f"({error})"), task="regression")
    found = checked(governance, initiative, domain)
    assert found.verdict is verdict, found.message
    if verdict is not Verdict.PASS:
        assert found.remedy


def test_a_regression_without_labels_cannot_be_told(governance: Governance, tmp_path: Path) -> None:
    unlabelled = f"SELECT * EXCLUDE (y_true) FROM ({PRICES.format(error='i % 7')})"
    found = checked(governance, give(governance, tmp_path, unlabelled, task="regression"), "pricing")
    assert found.verdict is Verdict.CANNOT_TELL
    assert "undefined or nought" in found.message


def test_slices_are_read_as_of_a_day(governance: Governance, people: dict[str, Any]) -> None:
    with pytest.raises(NotFound):
        bias_slices(governance, governance.moment(later(2.5)), **people, by=("sex",))
