"""`governance explain` and `governance business-kpi`: what they print, the same in JSON, and refusals."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.entrypoints.conftest import Govern

ROWS = 600


@pytest.fixture
def predicted(govern: Govern, moderate: str, tmp_path: Path) -> str:
    """An initiative with a version and a batch."""
    version = ("version", "add", moderate, "1", "--algorithm", "Logistic regression", "--task", "binary")
    assert govern(*version).code == 0
    batch(tmp_path / "batch.parquet")
    said = govern(
        *("predictions", "add", str(tmp_path / "batch.parquet"), "--model-version", f"{moderate}/1"),
        *("--role", "analysis", "--sensitive", "sex"),
    )
    assert said.code == 0, said.err
    return moderate


def batch(path: Path) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    income, female = rng.normal(size=ROWS), rng.random(ROWS) < 0.5
    raw = 0.8 * income - 0.4 * female
    score = 1 / (1 + np.exp(-raw))
    rows = pl.DataFrame(
        {
            "row_id": [f"r{at}" for at in range(ROWS)],
            "y_score": score,
            "y_pred": (score >= 0.5).astype(int),
            "y_true": (rng.random(ROWS) < score).astype(int),
            "income": income,
            "sex": np.where(female, "female", "male"),
        }
    )
    rows.write_parquet(path)
    return rows


def contributions(rows: pl.DataFrame, path: Path) -> None:
    """Exact contributions of the linear model above, against a base where half are women."""
    sex = -0.4 * ((rows["sex"] == "female").cast(pl.Float64) - 0.5)
    pl.DataFrame({"row_id": rows["row_id"], "income": 0.8 * rows["income"], "sex": sex}).write_parquet(path)


def test_attributions_are_added_and_shown_for_model_row_feature_and_groups(
    govern: Govern, predicted: str, tmp_path: Path
) -> None:
    contributions(batch(tmp_path / "b.parquet"), tmp_path / "a.parquet")
    add = ("explain", "add", str(tmp_path / "a.parquet"), "--initiative", predicted)
    missed = govern(*add, "--base-value", "0.3")
    assert missed.code == 2
    assert "miss the log odds of its score by 0.5" in missed.err
    said = govern(*add, "--base-value", "-0.2", "--method", "by hand")
    assert (said.code, said.out) == (0, f"Attributions of 600 rows of {predicted} version 1 are kept.\n")
    assert not list((tmp_path / "store" / "incoming").iterdir())

    shown = govern("explain", predicted)
    assert shown.code == 0, shown.err
    assert "600 of 600 analysis rows explained, in log odds (by hand)" in shown.out
    whole = govern("explain", predicted, "--json").json
    assert [one["feature"] for one in whole["features"]] == ["income", "sex"]
    assert sum(one["share"] for one in whole["features"]) == pytest.approx(1)

    row = govern("explain", predicted, "--row", "r3", "--json", "--as", "Vera Validator").json["prediction"]
    steps = row["waterfall"]
    assert steps["base_value"] + sum(s["contribution"] for s in steps["steps"]) == pytest.approx(
        steps["raw_score"], abs=1e-6
    )
    assert "Row r3: raw score" in govern("explain", predicted, "--row", "r3", "--as", "Vera Validator").out

    apart = ("explain", predicted, "--by", "sex", "--between", "female", "male")
    gap = govern(*apart, "--json").json["apart"]["gap"]
    assert sum(one["gap"] for one in gap["features"]) == pytest.approx(gap["score_gap"])
    assert {one["feature"]: one["gap"] for one in gap["features"]}["sex"] == pytest.approx(-0.4)
    assert "minus male" in govern(*apart).out

    along = govern("explain", predicted, "--feature", "income", "--json", "--as", "Vera Validator").json[
        "along"
    ]
    assert sum(point["rows"] for point in along["points"]) == ROWS
    early = govern("explain", predicted, "--as-of", "2026-01-06")
    assert early.code == 2


def test_a_pickle_is_refused_and_no_model_says_what_to_do(
    govern: Govern, predicted: str, tmp_path: Path
) -> None:
    trap = tmp_path / "model.onnx"
    trap.write_bytes(pickle.dumps({"weights": [1.0]}))
    refused = govern("explain", "model", str(trap), "--initiative", predicted)
    assert (refused.code, refused.out) == (2, "")
    assert "'model.onnx' is refused: it is a pickle" in refused.err
    assert refused.err.count("\n") == 1
    missing = govern("explain", "run", predicted)
    assert missing.code == 2
    assert "no model file of version '1' is kept" in missing.err
    assert "has no attributions" in govern("explain", predicted).err


def test_a_business_kpi_is_promised_observed_imported_and_shown(
    govern: Govern, moderate: str, tmp_path: Path
) -> None:
    promise = (
        *("business-kpi", "set", moderate, "--name", "Stock found", "--unit", "%", "--direction", "up"),
        *("--baseline", "80", "--baseline-on", "2026-01-01", "--target", "95"),
    )
    wrong = govern(*promise, "--by", "31.12.2026")
    assert wrong.code == 2
    assert "target on '31.12.2026' is no day; write it like 2026-03-31" in wrong.err
    assert govern(*promise, "--by", "2036-12-31").out == f"Promised as stock-found of {moderate}.\n"
    assert "cannot tell" in govern("business-kpi", "list").out

    one = ("business-kpi", "observe", moderate, "--kpi", "stock-found", "--on", "2026-02-01")
    assert govern(*one, "--value", "90").code == 0
    assert "a correction says why" in govern(*one, "--value", "91").err
    assert govern(*one, "--value", "91", "--note", "Counted again by hand.").code == 0
    file = tmp_path / "seen.csv"
    file.write_text("date,value\n2026-03-01,96\n", encoding="utf-8")
    load = ("business-kpi", "import", str(file), "--initiative", moderate, "--kpi", "stock-found")
    assert govern(*load).out == "1 observations are on record.\n"

    shown = govern("business-kpi", "show", moderate)
    assert "corrected since" in shown.out
    (kpi,) = govern("business-kpi", "show", moderate, "--json").json["kpis"]
    assert kpi["achieved"]["standing"] == "achieved"
    assert [line["value"] for line in kpi["observations"]] == [90.0, 91.0, 96.0]
    assert [line["counts"] for line in kpi["observations"]] == [False, True, True]
