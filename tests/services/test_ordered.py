"""Ordered categories: their slices stand in order, and their drift is a distance that knows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from scipy.stats import ks_2samp, wasserstein_distance

from core.domain.commands import make
from core.domain.errors import BadInput
from core.services.governance import Governance
from core.services.measured.bias import Measuring, bias_slices, measure_slices
from core.services.measured.drift import MeasureDrift, drift_report, measure_drift
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.measured.slice_batches import RowsAsked, batches_of, choose_rows, rule_for
from core.services.models.amendments import AmendColumns, amend_columns
from tests.conftest import ADMIN, later
from tests.services.test_slices import give

GRADES = ("poor", "fair", "good", "fine")
ROWS = """SELECT '{part}' || i AS row_id, (i % 3 = 0)::INT AS y_pred, 0.5 AS y_score, (i % 2)::INT AS y_true,
    CASE WHEN i % 2 = 0 THEN 'F' ELSE 'M' END AS sex,
    ['poor', 'fair', 'good', 'fine'][
        1 + CASE WHEN i % 5 = 0 THEN {to} ELSE (hash(i, {seed}) % 3)::INT END] AS grade
    FROM range({rows}) r(i)"""


def judged(
    governance: Governance, folder: Path, *, to: int = 0, kind: str = "grade=ordered"
) -> dict[str, Any]:
    """A model whose reference has a fifth more rows of the lowest grade, and in use of another."""
    query = ROWS.format(part="r", to=0, seed=1, rows=6000)
    initiative = give(governance, folder, query, part="reference", kinds=(kind,))
    of = {"initiative": initiative, "version": "1"}
    add_part(governance, folder, ROWS.format(part="a", to=to, seed=2, rows=3000), of, "analysis")
    return of


def add_part(governance: Governance, folder: Path, query: str, of: dict[str, Any], part: str) -> None:
    """Add rows of another part to a version."""
    file = folder / f"{part}.parquet"
    duckdb.sql(query).write_parquet(str(file))
    add_predictions(governance, make(AddPredictions, actor=ADMIN, at=later(4), **of, part=part, file=file))


def grades(governance: Governance, of: dict[str, Any], day: float = 6) -> list[str]:
    found = bias_slices(governance, governance.moment(later(day)), **of, by=("grade",), part="analysis")
    return [line.label for line in found.report.slices]


def test_slices_stand_in_the_order_that_was_given_and_can_be_amended(
    governance: Governance, tmp_path: Path
) -> None:
    of = judged(governance, tmp_path, to=3, kind=f"grade=ordered:{','.join(GRADES)}")
    assert grades(governance, of) == [*GRADES]
    amend = {"kinds": ("grade=ordered:fine,good,fair,poor",), "note": "The bureau counts from the best on."}
    amend_columns(governance, make(AmendColumns, actor=ADMIN, at=later(7), **of, **amend))
    assert grades(governance, of, 8) == [*reversed(GRADES)]
    assert grades(governance, of, 6) == [*GRADES]


def test_small_neighbours_are_judged_as_a_range_where_the_position_pools(
    governance: Governance, tmp_path: Path
) -> None:
    of = judged(governance, tmp_path, to=3, kind=f"grade=ordered:{','.join(GRADES)}")
    now = governance.moment(later(6))
    batches = batches_of(governance, **of, moment=now, part="analysis")
    rule = rule_for(governance, batches, now).model_copy(update={"small_groups": "pooled", "min_rows": 900})
    chosen = choose_rows(governance, batches, ("grade",), RowsAsked())
    report = measure_slices(governance, batches, chosen, rule, Measuring()).report
    assert [line.label for line in report.pooled] == ["poor to fair", "good to fine"]
    assert sum(line.n for line in report.pooled) == 3000
    assert "Too few rows, so judged as poor to fair: 2 slices." in report.note


def test_the_distance_knows_the_order(governance: Governance, tmp_path: Path) -> None:
    of = judged(governance, tmp_path, to=3, kind=f"grade=ordered:{','.join(GRADES)}")
    measure_drift(governance, make(MeasureDrift, actor=ADMIN, at=later(5), **of, chunk_rows=3000))
    report = drift_report(governance, governance.moment(later(6)), **of)
    (line,) = [one for one in report.features if one.feature == "grade"]
    places = [
        duckdb.sql(f"SELECT list_position({[*GRADES]}, grade) FROM ({query})").fetchnumpy().popitem()[1]
        for query in (
            ROWS.format(part="r", to=0, seed=1, rows=6000),
            ROWS.format(part="a", to=3, seed=2, rows=3000),
        )
    ]
    assert (line.kind, line.newest_alert) == ("ordered", True)
    assert line.newest == pytest.approx(ks_2samp(*places).statistic, abs=1e-6)
    assert "Kolmogorov-Smirnov distances of ordered columns" in report.check.message
    moved = line.methods["wasserstein"].distances[-1]
    assert moved == pytest.approx(wasserstein_distance(*places), abs=1e-6)


def test_numbers_have_their_own_order_and_an_order_names_each_value_once(
    governance: Governance, tmp_path: Path
) -> None:
    query = ROWS.format(part="r", to=0, seed=1, rows=3000).replace("AS grade", "AS word, i % 11 AS grade")
    of = {"initiative": give(governance, tmp_path, query, kinds=("grade=ordered",)), "version": "1"}
    assert grades(governance, of) == [str(n) for n in range(11)]
    for order in ("poor", "poor,poor", "poor,,fine"):
        amend = {"kinds": (f"grade=ordered:{order}",), "note": "An order."}
        with pytest.raises(BadInput, match="is no order of column 'grade'"):
            amend_columns(governance, make(AmendColumns, actor=ADMIN, at=later(7), **of, **amend))
