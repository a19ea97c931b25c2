"""Ethical limits: which metrics they may name, what they say, and what a wrong file is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.analytics.slices.metrics import SLICE_METRICS, metrics_for
from core.connectors.config_files import read_ethics
from core.connectors.yaml_lines import BadFile
from core.domain.rules.ethics import (
    ERRORS,
    RATES,
    EthicalLimit,
    Ethics,
    GroupThresholds,
    Task,
    position_changes,
)

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture(scope="module")
def ethics() -> Ethics:
    return read_ethics(CONFIG / "ethics.yaml")[0]


def limit(metric: str, comparison: str, value: float) -> EthicalLimit:
    given = {"metric": metric, "comparison": comparison, "limit": value, "min_rows": 100, "why": "it counts"}
    return EthicalLimit.model_validate(given)


def test_what_a_limit_may_name_is_measured_of_slices_under_the_same_id() -> None:
    rates = {metric.id for metric in metrics_for("binary") if metric.form == "rate"}
    assert set(RATES) <= rates
    assert set(ERRORS) == {metric.id for metric in metrics_for("regression")}
    assert all(SLICE_METRICS[metric].direction == "zero" for metric in ("mean_error",))
    assert EthicalLimit.model_json_schema()["properties"]["metric"]["enum"] == [*RATES, *ERRORS]


def test_every_kind_of_limit_has_its_sentence() -> None:
    assert limit("true_positive_rate", "ratio", 0.8).sentence == (
        "the lowest true positive rate is at least 0.8 of the highest"
    )
    assert limit("false_positive_rate", "difference", 0.05).sentence == (
        "the highest false positive rate is at most 5 points above the lowest"
    )
    assert limit("mean_absolute_error", "ratio", 0.75).sentence == (
        "the lowest mean absolute error is at least 0.75 of the highest"
    )
    assert limit("mean_error", "difference", 0.2).sentence == (
        "the highest mean error is above the lowest by at most 20 % of the overall mean absolute error"
    )
    assert limit("root_mean_squared_error", "difference", 0.1).measured_in == "root_mean_squared_error"


def test_a_limit_on_errors_has_no_unit_and_is_turned_into_the_unit_of_the_label() -> None:
    euros, years = 40.0, 2.5  # mean absolute error over everybody, in two units
    rule = limit("mean_error", "difference", 0.2)
    assert (rule.in_units(euros), rule.in_units(years)) == (8.0, 0.5)  # 0.2 x 40, 0.2 x 2.5
    assert rule.in_units(None) is None
    assert rule.in_units(0.0) is None
    assert limit("mean_absolute_error", "ratio", 0.8).in_units() == 0.8
    assert limit("accuracy", "difference", 0.1).in_units() == 0.1


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_classifications_are_held_to_rates_and_regressions_to_errors(ethics: Ethics, task: Task) -> None:
    for domain in [*(known.id for known in ethics.domains), "space travel"]:
        assert ethics.limit_for(domain, task).metric in RATES
        assert ethics.limit_for(domain, task=task) == ethics.limit_for(domain)
        assert ethics.limit_for(domain, task="regression").metric in ERRORS
    assert ethics.limit_for("pricing", task="regression").metric == "mean_error"
    assert ethics.limit_for("credit", task="regression") == ethics.default_regression
    assert ethics.limit_for("space travel", task="regression") == ethics.default_regression


@pytest.mark.parametrize(
    ("right", "wrong", "line", "words"),
    [
        (
            "domains:\n  - id: credit\n    title: Credit\n    limit:\n      metric: selection_rate",
            "domains:\n  - id: credit\n    title: Credit\n    limit:\n      metric: mean_absolute_error",
            "      metric: mean_absolute_error",
            "'mean_absolute_error' is not a rate of a classification. Use one of: selection_rate,",
        ),
        (
            "      metric: mean_error\n      comparison: difference",
            "      metric: accuracy\n      comparison: difference",
            "      metric: accuracy",
            "'accuracy' is not an error of a regression. Use one of: mean_error,",
        ),
        (
            "      metric: mean_error\n      comparison: difference",
            "      metric: mean_error\n      comparison: ratio",
            "      metric: mean_error",
            "a mean error has no ratio, since it may be negative or nought. Use 'difference'.",
        ),
    ],
)
def test_a_limit_that_does_not_fit_is_refused_with_its_line(
    tmp_path: Path, right: str, wrong: str, line: str, words: str
) -> None:
    ethics = (CONFIG / "ethics.yaml").read_text(encoding="utf-8")
    assert right in ethics
    text = ethics.replace(right, wrong, 1)
    path = tmp_path / "ethics.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadFile) as refusal:
        read_ethics(path)
    number = text[: text.index(wrong) + wrong.index(line)].count("\n") + 1
    number += words.startswith("a mean error")  # the comparison stands on the next line
    assert f"{path}:{number}: {words}" in str(refusal.value)


def test_thresholds_by_group_are_forbidden_unless_a_position_allows_them(ethics: Ethics) -> None:
    domains = [domain.id for domain in ethics.domains]
    assert {ethics.group_thresholds_for(domain).rule for domain in (*domains, "space")} == {"forbidden"}
    law = GroupThresholds(rule="allowed", why="Values that differ by sex are good practice in diagnosis.")
    changed = ethics.model_copy(
        update={
            "domains": tuple(
                domain.model_copy(update={"group_thresholds": law}) if domain.id == "medicines" else domain
                for domain in ethics.domains
            )
        }
    )
    assert [name for name in domains if changed.group_thresholds_for(name) == law] == ["medicines"]
    assert position_changes(ethics, changed) == (
        "Medicines and devices: thresholds by group are allowed (before: forbidden)",
    )
    assert position_changes(ethics, ethics) == ()
