"""Values out of uploaded files never enter the record; they stand beside it, for those who may see them."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.commands import RegisterModelVersion, RunChecks, make
from core.domain.errors import GovernanceError
from core.domain.facts.measured import Explanation
from core.domain.models.column_mapping import kept_mapping
from core.domain.policy.checks import LOOK_AT_PREDICTIONS
from core.lake.facts import in_full, latest
from core.lake.store import TABLES
from core.services.case import seen_by
from core.services.governance import Governance
from core.services.measured.bias import check_bias_limit
from core.services.measured.data_quality import MeasureDataQuality, measure_data_quality, quality_report
from core.services.measured.drift import MeasureDrift, measure_drift
from core.services.measured.explanations import RecordExplanation, record_explanation
from core.services.measured.monitoring import AddOutcomes, add_outcomes
from core.services.measured.predictions import (
    AddPredictions,
    add_predictions,
    mapping_on_record,
    prediction_batches,
)
from core.services.models.amendments import AmendColumns, amend_columns
from core.services.models.versions import register_model_version
from core.services.process.checks import run_checks
from core.services.record.entries import verify_record
from tests.conftest import BUILDER, OWNER, VALIDATOR, founded, later, register

MARK, NUMBER = "zebra", 907070707.25
OF: dict[str, Any] = {"initiative": "card-limit-advice", "version": "1"}
LABELS = {"binary": ["0", "1"], "multiclass": ["no", "yes", "later"], "regression": ["10", "20.5", "30"]}
MARKED = ("row_id", "name", "note", "segment", "amount", "age", "sex", "y_pred", "y_true")


def rows_of(part: str, task: str, marked: dict[str, int], rows: int = 600) -> dict[str, list[Any]]:
    """Columns of every kind; in some rows of those named in `marked` stands the mark, as people would."""
    labels = LABELS[task]
    found: dict[str, list[Any]] = {
        "row_id": [f"{part}{n}" for n in range(rows)],
        "name": [f"Person {part} {n}" for n in range(rows)],
        "note": [("called twice", "moved house", "")[n % 3] for n in range(rows)],
        "segment": [("web", "branch", "phone")[n % 3] for n in range(rows)],
        "amount": [str(100 + n % 700) for n in range(rows)],
        "age": [str(18 + n % 60) for n in range(rows)],
        "sex": [("Female", "Male")[n % 2] for n in range(rows)],
        "y_pred": [labels[n // 2 % len(labels)] for n in range(rows)],
        "y_true": [labels[n // 4 % len(labels)] for n in range(rows)],
    }
    spelt = (MARK, MARK.title(), f" {MARK}", f"{MARK} {part}")
    for place, (column, times) in enumerate(marked.items()):
        for n in range(times):
            row = 7 * n + place
            if column == "amount" or (column in ("y_pred", "y_true") and task == "regression"):
                found[column][row] = str(NUMBER)
            elif column not in ("y_pred", "y_true"):
                found[column][row] = f"{MARK}-{n}" if column in ("row_id", "name") else spelt[n % 4]
            elif task == "multiclass":
                found[column][row] = MARK
    return found


def add(governance: Governance, folder: Path, part: str, task: str, csv: bool, **given: Any) -> None:
    rows = pl.DataFrame(given.pop("rows"))
    file = folder / f"{part}.{'csv' if csv else 'parquet'}"
    rows.write_csv(file) if csv else rows.write_parquet(file)
    days = {"reference": 3, "analysis": 4}[part]
    command = {"part": part, "task": task, "file": file, "sensitive": ("sex",), **given}
    add_predictions(governance, make(AddPredictions, actor=BUILDER, at=later(days), **OF, **command))


def _tried(act: Any, governance: Governance, command: Any) -> None:
    """Do it, or be refused: both may put something on record."""
    with suppress(GovernanceError):
        act(governance, command)


def recorded(governance: Governance) -> str:
    """All that is on record, entries and rows of every table, as text."""
    tables = ("record", *TABLES)
    read = governance.store.cursor().execute
    return json.dumps({one: read(f"SELECT t::VARCHAR FROM {one} t").fetchall() for one in tables}).lower()


@settings(max_examples=6, deadline=None)
@given(
    task=st.sampled_from(sorted(LABELS)),
    csv=st.booleans(),
    before=st.dictionaries(st.sampled_from(MARKED), st.integers(1, 30), max_size=4),
    now=st.dictionaries(st.sampled_from(MARKED), st.integers(1, 30), min_size=1, max_size=7),
    join=st.booleans(),
    drift=st.booleans(),
)
def test_no_value_of_a_file_is_on_record(
    task: str, csv: bool, before: dict[str, int], now: dict[str, int], join: bool, drift: bool
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        governance = founded(folder / "store")
        register(governance)
        version = {"algorithm": "trees", "task": task}
        register_model_version(
            governance, make(RegisterModelVersion, actor=BUILDER, at=later(2), **OF, **version)
        )
        tell = {"join": ("segment", "name")} if join else {}
        for part, marked in (("reference", before), ("analysis", now)):
            rows = rows_of(part[0], task, marked)
            sound = {name: rows_of(part[0], task, {})[name] for name in ("age", "y_pred", "y_true")}
            for again in ({}, sound):  # refused for the mark, and then without what it was refused for
                with suppress(GovernanceError):
                    add(governance, folder, part, task, csv, rows=rows | again, **tell)
            tell = {}
        late = folder / "outcomes.csv"
        duckdb.sql(f"SELECT '{MARK}' AS row_id, '{MARK}' AS y_true").write_csv(str(late))
        _tried(add_outcomes, governance, make(AddOutcomes, actor=BUILDER, at=later(5), **OF, file=late))
        _tried(measure_data_quality, governance, MeasureDataQuality(actor=BUILDER, at=later(5), **OF))
        if drift:
            _tried(measure_drift, governance, MeasureDrift(actor=BUILDER, at=later(5), **OF))
        note = {"kinds": ("segment=category",), "join": ("segment", "note"), "note": "As the form has it."}
        _tried(amend_columns, governance, make(AmendColumns, actor=VALIDATOR, at=later(6), **OF, **note))
        checks = make(
            RunChecks,
            actor=BUILDER,
            at=later(7),
            initiative=OF["initiative"],
            checks=tuple(sorted(LOOK_AT_PREDICTIONS)),
        )
        run_checks(governance, checks)
        said = recorded(governance)
        assert MARK not in said
        assert "9070707" not in said.replace(",", "") and "9.0707" not in said
        assert verify_record(governance).first_break is None
        governance.close()


def filled(governance: Governance, folder: Path) -> None:
    register(governance)
    version = {"algorithm": "trees", "task": "multiclass"}
    register_model_version(
        governance, make(RegisterModelVersion, actor=BUILDER, at=later(2), **OF, **version)
    )
    add(governance, folder, "reference", "multiclass", csv=True, rows=rows_of("r", "multiclass", {}))
    rows = rows_of("a", "multiclass", {"segment": 6, "amount": 20, "sex": 1})
    add(governance, folder, "analysis", "multiclass", csv=True, rows=rows)
    measure_data_quality(governance, MeasureDataQuality(actor=BUILDER, at=later(5), **OF))


def told(governance: Governance, actor: Any) -> str:
    seen = seen_by(governance, actor, governance.present(later(6)))
    now = seen.present(later(6))
    return f"{prediction_batches(seen, now, **OF)} {quality_report(seen, now, **OF)}"


def test_who_may_see_small_groups_sees_them_from_beside_the_record(
    governance: Governance, tmp_path: Path
) -> None:
    filled(governance, tmp_path)
    assert MARK in told(governance, VALIDATOR)
    assert str(NUMBER)[:9] in told(governance, VALIDATOR)
    for actor in (OWNER,):
        assert MARK not in told(governance, actor).lower()
        assert str(NUMBER)[:9] not in told(governance, actor)
        assert "'…'" in told(governance, actor), "the place of the value is to be seen"
    for file in (governance.store.folder / "beside").rglob("*.json"):
        file.unlink()
    assert MARK not in told(governance, VALIDATOR).lower()
    assert "is gone" in str(verify_record(governance).first_break)


def test_what_was_found_in_one_file_still_reads_the_next(governance: Governance, tmp_path: Path) -> None:
    register(governance)
    version = {"algorithm": "trees", "task": "binary"}
    register_model_version(
        governance, make(RegisterModelVersion, actor=BUILDER, at=later(2), **OF, **version)
    )
    rows = rows_of("r", "binary", {"segment": 8})
    add(governance, tmp_path, "reference", "binary", csv=True, rows=rows, join=("segment",))
    kept = mapping_on_record(governance, **OF, moment=governance.present(later(6)))
    assert kept is not None
    assert MARK in str(kept_mapping(kept).joins["segment"]).lower()
    assert MARK not in recorded(governance)


def test_rows_that_were_asked_for_by_id_are_not_on_record(governance: Governance, tmp_path: Path) -> None:
    register(governance)
    version = {"algorithm": "trees", "task": "binary"}
    register_model_version(
        governance, make(RegisterModelVersion, actor=BUILDER, at=later(2), **OF, **version)
    )
    add(governance, tmp_path, "analysis", "binary", csv=True, rows=rows_of("a", "binary", {"row_id": 1}))
    file = tmp_path / "contributions.parquet"
    duckdb.sql(f"SELECT '{MARK}-0' AS row_id, 0.1 AS amount").write_parquet(str(file))
    figures = {"method": "shap", "rows": 1, "scale": "raw", "base_value": 0.0, "additivity_gap": 0.0}
    figures |= {"rounding_gap": 0.0, "features": ["amount"]}
    given = {"batch_sha256": "a" * 64, "part": "analysis", "model_sha256": "b" * 64, "file": file}
    given |= {"asked": (f"{MARK}-0",), "figures": figures}
    record_explanation(governance, make(RecordExplanation, actor=BUILDER, at=later(5), **OF, **given))
    assert MARK not in recorded(governance)
    fact = latest(governance.store, Explanation, governance.present(later(6)), OF["initiative"])
    assert fact is not None
    assert in_full(governance.store, [fact])[0].asked == (f"{MARK}-0",)


@pytest.mark.parametrize("marked", [3, 300])
def test_a_sensitive_group_is_named_on_record_from_the_smallest_size_on(
    governance: Governance, tmp_path: Path, marked: int
) -> None:
    register(governance)
    version = {"algorithm": "trees", "task": "binary"}
    register_model_version(
        governance, make(RegisterModelVersion, actor=BUILDER, at=later(2), **OF, **version)
    )
    rows = rows_of("a", "binary", {}, 2000)
    rows["sex"] = [MARK if n < marked else sex for n, sex in enumerate(rows["sex"])]
    rows["y_pred"] = [
        "0" if sex == MARK else pred for sex, pred in zip(rows["sex"], rows["y_pred"], strict=True)
    ]
    add(governance, tmp_path, "analysis", "binary", csv=True, rows=rows, favourable=("1",))
    found = check_bias_limit(governance, OF["initiative"], "1", "credit", governance.present(later(6)))
    assert (MARK in found.message) == (marked == 300)
