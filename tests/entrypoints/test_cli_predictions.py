"""Predictions and drift on the command line: add, re-use the columns, list, measure, read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.entrypoints.conftest import Govern

ROWS = 3_000
COLUMNS = (
    "--prediction",
    "granted",
    "--score",
    "p",
    "--target",
    "repaid",
    "--id",
    "case",
    "--sensitive",
    "sex",
)


def table(start: int, shift: float) -> pl.DataFrame:
    rng = np.random.default_rng(start)
    score = rng.random(ROWS)
    return pl.DataFrame(
        {
            "case": [f"c{start + n}" for n in range(ROWS)],
            "p": score,
            "granted": (score > 0.5).astype(int),
            "repaid": (score > rng.random(ROWS)).astype(int),
            "sex": rng.choice(["Female", "Male"], ROWS),
            "income": rng.normal(30 + shift, 5, ROWS),
        }
    )


@pytest.fixture
def versioned(govern: Govern, moderate: str) -> str:
    assert govern("version", "add", moderate, "1", "--algorithm", "Boosting", "--task", "binary").code == 0
    return moderate


def test_columns_are_named_once_and_drift_is_measured(govern: Govern, versioned: str, tmp_path: Path) -> None:
    table(0, 0.0).write_csv(tmp_path / "reference.csv")
    table(ROWS, 9.0).write_ipc(tmp_path / "march.arrow")
    model = ("--model-version", f"{versioned}/1")
    first = govern(
        "predictions", "add", str(tmp_path / "reference.csv"), *model, "--role", "reference", *COLUMNS
    )
    assert first.out == f"3,000 rows are on record as reference of {versioned} version 1.\n", first.err
    second = govern(
        "predictions", "add", str(tmp_path / "march.arrow"), *model, "--role", "analysis", "--json"
    )
    assert second.code == 0, second.err
    assert (second.json["rows"], second.json["labelled"], second.json["warnings"]) == (3000, 3000, [])
    assert second.json["mapping"]["scores"] == {"": "p"}

    listed = govern("predictions", "list", versioned)
    assert "march.arrow" in listed.out
    assert "id 'case', prediction 'granted', target 'repaid', score 'p'; 2 features" in listed.out
    batches = govern("predictions", "list", versioned, "--json").json["batches"]
    assert [batch["source_kind"] for batch in batches] == ["arrow", "csv"]
    assert "path" not in batches[0]

    assert "has not been measured" in govern("drift", versioned).err
    shown = govern("drift", versioned, "--measure", "--chunk-rows", "1000")
    assert shown.code == 0, shown.err
    assert "Fail: 1 of 2 features drifted (income); they carry 50% of the features" in shown.out
    assert "ranked by drift alone" in shown.out
    for beside in ("score 'p'", "prediction 'granted'", "target 'repaid'"):
        assert beside in shown.out
    assert "Data quality: fail" in shown.out
    told = govern("drift", versioned, "--json").json
    income = told["features"][0]
    assert (income["feature"], income["newest_alert"], income["alerts"]) == ("income", True, 3)
    assert len(income["methods"]["wasserstein"]["distances"]) == len(told["chunks"]) == 6
    assert f"{income['newest']:.4f}" in shown.out
    assert told["data_quality"]["columns"][0]["feature"] == "income"

    checked = govern("check", versioned, "--only", "drift_alert", "--json")
    assert checked.code == 1, checked.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--role", "analysis"), "no model version is named (--model-version)"),
        (("--model-version", "x/1", "--role", "sideways"), "part"),
        (("--model-version", "no-such/1", "--role", "analysis"), "no initiative 'no-such' is registered"),
    ],
)
def test_what_cannot_be_added_is_said_in_a_sentence(
    govern: Govern, versioned: str, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    table(0, 0.0).write_csv(tmp_path / "reference.csv")
    refused = govern("predictions", "add", str(tmp_path / "reference.csv"), *arguments)
    assert refused.code == 2
    assert said in refused.err
    assert not list((tmp_path / "store" / "incoming").iterdir())


def test_a_file_for_a_store_that_is_not_there_makes_none(govern: Govern, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("row_id\n1\n", encoding="utf-8")
    model = ("--model-version", "card-limit-advice/1", "--role", "analysis")
    refused = govern("predictions", "add", str(file), *model, "--store", str(tmp_path / "elsewhere"))
    assert (refused.code, "there is no store" in refused.err) == (2, True)
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_is_not_there_is_said_so(govern: Govern, versioned: str, tmp_path: Path) -> None:
    model = ("--model-version", f"{versioned}/1", "--role", "analysis")
    refused = govern("predictions", "add", str(tmp_path / "no.csv"), *model)
    assert (refused.code, "the file cannot be read" in refused.err) == (2, True)
    assert not list((tmp_path / "store" / "incoming").iterdir())
