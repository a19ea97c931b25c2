"""The demo's explanation and business KPIs: real, whole, and on record for more than a few."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.connectors.settings import PROJECT
from core.ground import Verdict
from core.lake.store import open_store
from core.services.governance import Governance, wire
from core.services.measured.business_kpi import business_kpis, promised_kpis
from core.services.measured.explanation_view import (
    explained_prediction,
    explanation_report,
    groups_apart,
    notable_rows,
)
from core.services.measured.explanations import check_attributions
from tests.demo_store import MOMENT

CENSUS = {"initiative": "employment-from-census-answers", "version": "2"}


@pytest.fixture(scope="module")
def demo(whole_demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    copy = shutil.copytree(whole_demo_folder, tmp_path_factory.mktemp("explained") / "store")
    governance = wire(open_store(copy), PROJECT / "config")
    yield governance
    governance.close()


def test_the_census_model_is_explained_down_to_single_rows(demo: Governance) -> None:
    moment = demo.moment(MOMENT)
    report = explanation_report(demo, moment, **CENSUS)
    assert report.origin == "computed" and report.rows >= 2000
    assert report.additivity_gap is not None and report.additivity_gap <= 1e-6
    assert report.features[0].feature == "age"
    row = notable_rows(demo, moment, **CENSUS)[0]
    why = explained_prediction(demo, moment, **CENSUS, row=row.row_id)
    assert why.score is not None and why.waterfall.output == pytest.approx(why.score, abs=1e-9)
    apart = groups_apart(demo, moment, **CENSUS, by="sex")
    assert apart.gap.features[0].feature == "sex"
    assert apart.gap.additivity_gap is not None and apart.gap.additivity_gap <= 1e-6
    found = check_attributions(demo, CENSUS["initiative"], CENSUS["version"], moment)
    assert found.verdict is Verdict.PASS


def test_business_kpis_stand_in_every_way_and_one_was_corrected_and_one_revised(demo: Governance) -> None:
    moment = demo.moment(MOMENT)
    lines = promised_kpis(demo, moment)
    observed = [line for line in lines if line.course]
    assert len(observed) >= 3
    assert {"achieved", "behind", "missed", "cannot_tell"} <= {line.achieved.standing for line in lines}
    (churn,) = business_kpis(demo, moment, initiative="churn-call-list")
    assert sum(not one.counts for one in churn.observations) == 1
    (limit,) = business_kpis(demo, moment, initiative="card-limit-increase")
    assert len(limit.revisions) == 2
