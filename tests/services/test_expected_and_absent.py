"""What the reference makes one expect and is not there is told: groups, values, columns, classes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from core.analytics.slices.counts import absent_slices
from core.domain.commands import RegisterModelVersion
from core.entrypoints.reports.measured import show_decay, show_drift
from core.ground import Verdict
from core.services.governance import Governance
from core.services.measured.bias import BiasSlices, bias_slices, check_bias_limit
from core.services.measured.data_quality import (
    JudgedColumn,
    MeasureDataQuality,
    measure_data_quality,
    quality_report,
)
from core.services.measured.decay import decay_report
from core.services.measured.drift import DriftReport, MeasureDrift, drift_report, measure_drift
from core.services.measured.monitoring import RecordEstimates, record_estimates
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.models.versions import register_model_version
from core.services.use_case import Call
from core.services.use_cases import run_use_case
from tests.conftest import BUILDER, later, register
from tests.portal.test_decay_page import RUN
from tests.portal.test_pages_inputs import open_page, sound, words
from tests.portal.test_pages_oversight import PARTS, chunk

# One in five is 'Diverse' in the reference and nobody later; half of everybody get either outcome.
ROWS = """
    SELECT i::VARCHAR AS row_id, {sex} AS sex, {age} AS age, 'plan ' || i % 3 AS plan, 0.5 AS y_score,
        (i // 10 % 2)::INT AS y_pred, (i // 20 % 2)::INT AS y_true FROM range({rows}) r(i)
"""
ALL = "['Female', 'Male', 'Female', 'Male', 'Diverse'][1 + i % 5]"
TWO = "['Female', 'Male'][1 + i % 2]"
AGES = "['old', 'young'][1 + i // 5 % 2]"


def give_parts(governance: Governance, folder: Path, reference: str, analysis: str, **more: Any) -> str:
    """Register an initiative whose only version has both parts."""
    initiative = register(governance)
    task = more.pop("task", "binary")
    about = {"actor": BUILDER, "initiative": initiative, "version": "1", "task": task}
    register_model_version(governance, RegisterModelVersion(at=later(2), algorithm="trees", **about))
    for day, (part, query) in enumerate({"reference": reference, "analysis": analysis}.items()):
        file = folder / f"{part}.parquet"
        named = f"SELECT * REPLACE ('{part}' || row_id AS row_id) FROM ({query})"
        duckdb.sql(named).write_parquet(str(file))
        values: dict[str, Any] = {"sensitive": ("sex",), "favourable": ("1",) * (not day), **more}
        add_predictions(
            governance, AddPredictions(at=later(3 + day / 10), part=part, file=file, **about, **values)
        )
    return initiative


def people(sex: str = ALL, age: str = AGES, rows: int = 2000) -> str:
    return ROWS.format(sex=sex, age=age, rows=rows)


def sliced(governance: Governance, initiative: str, *by: str, **more: Any) -> BiasSlices:
    moment = governance.moment(later(6))
    return bias_slices(governance, moment, initiative=initiative, version="1", by=by, **more)


def test_a_vanished_group_stands_in_the_table_and_in_the_check(
    governance: Governance, tmp_path: Path
) -> None:
    initiative = give_parts(governance, tmp_path, people(), people(TWO))
    found = sliced(governance, initiative, "sex")
    (gone,) = [line for line in found.report.slices if line.label == "Diverse"]
    assert (gone.rows, gone.value, gone.verdict) == (0, None, "cannot_tell")
    assert gone.note.startswith("Absent")
    assert found.unlike == ("No row here, but in the reference: sex Diverse (20.0%).",)
    check = check_bias_limit(governance, initiative, "1", "credit", governance.moment(later(6)))
    assert check.verdict is Verdict.CANNOT_TELL, "two like groups alone would pass"
    assert "sex Diverse (20.0%)" in check.message


def test_with_everybody_there_the_same_check_passes(governance: Governance, tmp_path: Path) -> None:
    initiative = give_parts(governance, tmp_path, people(), people())
    assert sliced(governance, initiative, "sex").unlike == ()
    check = check_bias_limit(governance, initiative, "1", "credit", governance.moment(later(6)))
    assert check.verdict is Verdict.PASS


def test_a_vanished_cell_of_crossed_groups_is_told(governance: Governance, tmp_path: Path) -> None:
    no_old_men = f"CASE WHEN {ALL} = 'Male' THEN 'young' ELSE {AGES} END"
    initiative = give_parts(governance, tmp_path, people(), people(age=no_old_men))
    assert sliced(governance, initiative, "sex").absent == ()
    crossed = sliced(governance, initiative, "sex", "age")
    assert [each.told for each in crossed.absent] == ["sex Male · age old (20.0%)"]
    kept = sliced(governance, initiative, "sex", where=("age=old",))
    assert [each.label for each in kept.absent] == ["Male"], "filters keep what is expected, too"


def test_a_group_that_the_reference_never_had_is_named(governance: Governance, tmp_path: Path) -> None:
    initiative = give_parts(governance, tmp_path, people(TWO), people())
    assert sliced(governance, initiative, "sex").unlike == (
        "No row in the reference, but here: sex Diverse (20.0%).",
    )
    check = check_bias_limit(governance, initiative, "1", "credit", governance.moment(later(6)))
    assert "no row in the reference, but here: sex Diverse" in check.message


def quality(governance: Governance, initiative: str) -> dict[str, JudgedColumn]:
    command = MeasureDataQuality(actor=BUILDER, at=later(5), initiative=initiative, version="1")
    measure_data_quality(governance, command)
    report = quality_report(governance, governance.moment(later(6)), initiative=initiative, version="1")
    return {column.feature: column for column in report.columns}


def test_vanished_values_of_words_and_of_codes_are_told(governance: Governance, tmp_path: Path) -> None:
    coded = "[1, 2, 1, 2, 3][1 + i % 5] AS branch, 'web' AS channel"
    here = people(TWO).replace("AS plan", "AS plan, 1 + i % 2 AS branch, NULL::VARCHAR AS channel")
    there = people().replace("AS plan", f"AS plan, {coded}")
    found = quality(governance, give_parts(governance, tmp_path, there, here))
    assert {name: column.verdict for name, column in found.items()} == {
        "sex": "fail", "branch": "fail", "channel": "fail", "age": "pass", "plan": "pass",
    }  # fmt: skip
    gone = "20.0% of the reference had a value that no row has now ('{}'); the limit is 1.0%."
    assert found["sex"].findings == (gone.format("Diverse"),)
    assert found["branch"].findings == (gone.format("3"),)
    assert found["channel"].findings == ("100.0% missing, 0.0% in the reference; the limit is 5.0%.",)


def test_rare_values_come_and_go(governance: Governance, tmp_path: Path) -> None:
    rare = "CASE WHEN i < 1200 THEN 'town ' || i % 3 ELSE 'village ' || {place} END"
    sides = [people(rare.format(place=place)) for place in ("i // 4", "(i + 4000) // 400")]
    found = quality(governance, give_parts(governance, tmp_path, *sides))["sex"]
    assert not any("no row has now" in finding for finding in found.findings)
    assert found.unseen == pytest.approx(0.4)


def test_a_vanished_class_of_predictions_is_told_by_its_name(governance: Governance, tmp_path: Path) -> None:
    named = people().replace("(i // 10 % 2)::INT AS y_pred", "{} AS y_pred").replace(
        "(i // 20 % 2)::INT AS y_true", "['no', 'yes', 'later'][1 + i % 3] AS y_true"
    ).replace("0.5 AS y_score,", "")  # fmt: skip
    there, here = (named.format(f"['no', 'yes', 'later'][1 + i % {n}]") for n in (3, 2))
    initiative = give_parts(governance, tmp_path, there, here, task="multiclass", favourable=("yes",))
    found = quality(governance, initiative)
    assert found["y_pred"].verdict == "fail"
    assert "33.3% of the reference had a value that no row has now ('later')" in found["y_pred"].findings[0]
    assert "y_true" not in found


def test_outcomes_that_are_not_there_yet_are_no_fault(governance: Governance, tmp_path: Path) -> None:
    unlabelled = f"SELECT * REPLACE (NULL::INT AS y_true) FROM ({people()})"
    found = quality(governance, give_parts(governance, tmp_path, people(), unlabelled))
    assert {column.verdict for column in found.values()} == {"pass"}
    assert found.keys() == {"sex", "age", "plan"}


@pytest.mark.parametrize(("seed", "rows"), [(1, 300), (2, 3000)])
def test_equal_draws_seldom_make_a_group_absent(seed: int, rows: int) -> None:
    import numpy as np

    draws = np.random.default_rng(seed)
    shares = draws.dirichlet(np.full(40, 0.3))
    told = 0
    for _ in range(400):
        there, here = draws.multinomial(rows, shares), draws.multinomial(rows // 3, shares)
        sides = [{(("g", str(i)),): int(n) for i, n in enumerate(side) if n} for side in (there, here)]
        told += bool(absent_slices(*sides))
    assert told <= 0.05 * 400


def monthly(*months: int, rows: int = 600) -> str:
    """So many rows in each of these months of 2025, counted on from January."""
    return f"""
        SELECT i || '-' || m AS row_id,
            TIMESTAMP '2025-01-01' + to_months(m) + to_hours(i % 600) AS timestamp,
            ['F', 'M'][1 + i % 2] AS sex, i % 97 AS age, 0.5 AS y_score, (i // 10 % 2)::INT AS y_pred,
            (i // 20 % 2)::INT AS y_true
        FROM range({rows}) r(i), (SELECT unnest({list(months)}) AS m) ORDER BY m, i
    """


def drifted(governance: Governance, initiative: str, **how: Any) -> DriftReport:
    measure_drift(
        governance, MeasureDrift(actor=BUILDER, at=later(5), initiative=initiative, version="1", **how)
    )
    return drift_report(governance, governance.moment(later(6)), initiative=initiative, version="1")


@pytest.mark.parametrize("how", [{"period": "month"}, {"chunk_rows": 400}])
def test_months_without_rows_are_told_of_drift(
    governance: Governance, tmp_path: Path, how: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    initiative = give_parts(governance, tmp_path, monthly(0, 1, 3), monthly(4, 5, 8, 9))
    drifted(governance, initiative, **how)
    asked = {"initiative": initiative, "version": "1"}
    told = run_use_case(Call(governance, BUILDER, later(6)), "drift_report", asked)
    assert told["gaps"] == [
        {"first": "2025-03-01", "last": "2025-03-31"},
        {"first": "2025-07-01", "last": "2025-08-31"},
    ]
    show_drift(told)
    assert "No rows: 2025-07-01 to 2025-08-31." in capsys.readouterr().out
    page = sound(open_page("drift", governance, id=initiative, version="1"))
    assert "No rows: 1 Mar 2025 to 31 Mar 2025, 1 Jul 2025 to 31 Aug 2025." in words(page)


def test_without_a_hole_nothing_is_told(governance: Governance, tmp_path: Path) -> None:
    initiative = give_parts(governance, tmp_path, monthly(0, 1, 2), monthly(3, 4, 5))
    assert drifted(governance, initiative, period="month").gaps == ()


def test_a_hole_breaks_the_line_of_decay_and_stands_in_its_table(
    governance: Governance, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    initiative = give_parts(governance, tmp_path, monthly(0, 1, 2), monthly(3, 4, 7, 8))
    months = {"reference": (0, 1, 2), "analysis": (3, 4, 7, 8)}
    chunks = [
        replace(
            chunk("roc_auc", part, place, 0.0),
            started_at=datetime.fromisoformat(f"2025-{1 + month:02}-01T01:00"),
            ended_at=datetime.fromisoformat(f"2025-{1 + month:02}-25T23:00"),
        )
        for part in PARTS
        for place, month in enumerate(months[part])
    ]
    one = {"initiative": initiative, "version": "1"}
    run = replace(RUN, chunking="month")
    record_estimates(
        governance, RecordEstimates(actor=BUILDER, at=later(6), **one, chunks=tuple(chunks), run=run)
    )
    report = decay_report(governance, governance.moment(later(7)), **one)
    assert [gap.title for gap in report.gaps] == ["1 Jun 2025 to 31 Jul 2025"]
    assert [each.rows > 0 for each in report.along] == [True] * 5 + [False] + [True] * 2
    assert (report.along[5].estimate, report.along[5].realised) == (None, None)
    assert report.along[5].name == "1 Jun 2025 to 31 Jul 2025"
    assert len(report.analysis) == 4, "no chunk is made of nothing"
    told = run_use_case(Call(governance, BUILDER, later(7)), "decay_report", one)
    show_decay(told)
    said = capsys.readouterr().out
    assert said.count("no rows") == 1
    assert "No rows: 2025-06-01 to 2025-07-31." in said
    page = sound(open_page("decay", governance, id=initiative, version="1"))
    assert "No rows: 1 Jun 2025 to 31 Jul 2025." in words(page)
