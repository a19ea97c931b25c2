"""What it would take: a worker weighs, the record keeps, a finding holds it, and nothing is applied."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from core.connectors.settings import PROJECT
from core.domain.commands import make
from core.domain.errors import BadInput, Cancelled, Conflict, Forbidden, NotFound
from core.domain.process.commands import RaiseFinding, ResolveFinding, VerifyFinding
from core.entrypoints.reports.measured import show_trade_off
from core.ground import plain
from core.lake.record.verify import verify_store
from core.lake.slices.profiles import write_scored_rows
from core.services.governance import Governance
from core.services.measured.trade_off import (
    AttachTradeOff,
    FindTradeOff,
    TradeOffReport,
    attach_trade_off,
    find_trade_off,
    trade_off_report,
)
from core.services.process.findings import findings_list, raise_finding, resolve_finding, verify_finding
from core.services.rules.ethics import PublishEthics, publish_ethics
from tests.conftest import BUILDER, OUTSIDER, OWNER, VALIDATOR, later
from tests.process import agree
from tests.services.test_favourable import declare
from tests.services.test_slices import PRICES, give

# Scores of 4,000 people, women's a third lower; labels come true as often as the score says.
SCORED = """
    SELECT i::VARCHAR AS row_id, CASE WHEN i % 2 = 0 THEN 'Female' ELSE 'Male' END AS sex,
        (hash(i) % 1000) / 1000.0 AS luck, hash(i, 7) % 60 AS age,
        luck * CASE WHEN i % 2 = 0 THEN 0.67 ELSE 1 END AS y_score,
        (y_score >= 0.5)::INT AS y_pred, (hash(i, 3) % 1000 < 1000 * y_score)::INT AS y_true
    FROM range(4000) r(i)
"""


def weigh(governance: Governance, initiative: str, *, days: float = 6, **more: Any) -> TradeOffReport:
    values = {"actor": BUILDER, "at": later(days), "initiative": initiative, "version": "1", "by": ("sex",)}
    find_trade_off(governance, make(FindTradeOff, **{**values, **more}))
    return shown(governance, initiative, days)


def shown(governance: Governance, initiative: str, days: float = 30, **more: Any) -> TradeOffReport:
    return trade_off_report(
        governance, governance.moment(later(days)), initiative=initiative, version="1", **more
    )


def allow(governance: Governance, days: float = 5) -> None:
    text = (PROJECT / "config" / "ethics.yaml").read_text(encoding="utf-8")
    law = "    group_thresholds: {rule: allowed, why: A new law allows them.}\n"
    changed = text.replace('version: "1.1"', 'version: "9.0"', 1)
    changed = changed.replace("    title: Credit\n", f"    title: Credit\n{law}", 1)
    command = make(PublishEthics, actor=VALIDATOR, at=later(days), text=changed)
    agree(governance, publish_ethics(governance, command).proposal, days)


@pytest.fixture
def scored(governance: Governance, tmp_path: Path) -> str:
    return give(governance, tmp_path, SCORED, favourable=("1",))


def test_where_the_law_forbids_it_one_threshold_for_all_is_offered(
    governance: Governance, scored: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = weigh(governance, scored)
    table = found.table
    assert {point.kind for point in table.points} == {"today", "one"}
    assert "thresholds by group are forbidden: To hold people to different scores" in table.about.law
    assert table.points[0].told.verdict == "fail", "women are selected at 25 % and men at 50 %"
    assert found.proposed is not None and found.proposed.told.apart > table.points[0].told.apart
    assert table.fitted_rows + table.told_rows == 4000
    assert found.found.said == table.said and found.stale == ""
    assert verify_store(governance.store).first_break is None
    show_trade_off(plain(found))
    assert "Today" in (printed := capsys.readouterr().out) and table.said in printed


def test_where_it_is_allowed_thresholds_differ_by_group_and_lose_less(
    governance: Governance, scored: str
) -> None:
    forbidden = weigh(governance, scored)
    allow(governance, days=7)
    assert shown(governance, scored).stale == "ethical position 9.0 is in force since"
    found = weigh(governance, scored, days=8, retrain=True)
    assert {point.kind for point in found.table.points} == {"today", "one", "by_group", "retrained"}
    assert "allowed" in found.table.about.law and found.stale == ""
    assert found.proposed is not None and forbidden.proposed is not None
    assert found.proposed.kind == "by_group"
    assert found.proposed.fitted.loss < forbidden.proposed.fitted.loss
    assert [one.group for one in found.proposed.thresholds] == ["Female", "Male"]
    assert shown(governance, scored, sha256=forbidden.found.sha256).table == forbidden.table


def test_the_declared_outcome_rules_the_figures(governance: Governance, tmp_path: Path) -> None:
    mirrored = (
        SCORED.replace("AS y_score", "AS chance")
        .replace("(y_score", "(chance")
        .replace("* y_score", "* chance")
    )
    turned = f"""SELECT row_id, sex, luck, age, 1 - chance AS y_score, 1 - y_pred AS y_pred,
        1 - y_true AS y_true FROM ({mirrored})"""
    good = weigh(governance, give(governance, tmp_path, turned, favourable=("0",)), worth=((3, -1), (-5, 0)))
    assert good.table.about.outcome == "0"
    today = good.table.points[0].told
    assert today.verdict == "fail" and [round(rate.value or 0, 1) for rate in today.rates] == [0.3, 0.5]
    # 0 is good: whoever is 0 and gets 0 is worth 3, whoever is 1 and gets 0 costs 5.
    assert good.table.money and today.worth is not None and today.worth < 3


def test_undeclared_nobody_knows_what_is_to_be_evened_out(governance: Governance, tmp_path: Path) -> None:
    initiative = give(governance, tmp_path, SCORED)
    with pytest.raises(BadInput, match="nobody declared which outcome is favourable"):
        weigh(governance, initiative)
    declare(governance, initiative, "neither", days=4)
    with pytest.raises(BadInput, match="neither outcome was declared"):
        weigh(governance, initiative)
    with pytest.raises(NotFound, match="nobody has worked out"):
        shown(governance, initiative)


@pytest.mark.parametrize(
    ("query", "more", "said"),
    [
        (f"SELECT * EXCLUDE y_true FROM ({SCORED})", {}, "no prediction has a score and a label"),
        (SCORED, {"metric": "roc_auc"}, "no trade-off is made with area under"),
        (SCORED, {"worth": ((1.0, 2.0),)}, "takes four numbers"),
        (SCORED, {"by": ("colour",)}, "not a column"),
        (SCORED, {"by": ("row_id",)}, "groups"),
    ],
)
def test_what_cannot_be_weighed_gets_one_sentence_and_nothing_is_kept(
    governance: Governance, tmp_path: Path, query: str, more: dict[str, Any], said: str
) -> None:
    initiative = give(governance, tmp_path, query, favourable=("1",))
    head = governance.store.head()
    with pytest.raises((BadInput, NotFound), match=said):
        weigh(governance, initiative, **more)
    assert governance.store.head() == head


def test_without_scores_there_is_nothing_to_move(governance: Governance, tmp_path: Path) -> None:
    prices = give(governance, tmp_path, PRICES.format(error="i % 7"), task="regression")
    with pytest.raises(BadInput, match="is a regression model; thresholds are of two outcomes"):
        weigh(governance, prices)
    path = str(tmp_path / "decisions.parquet")
    duckdb.sql(f"SELECT * EXCLUDE y_score FROM ({SCORED})").write_parquet(path)
    with pytest.raises(BadInput, match="these predictions have no scores"):
        write_scored_rows(governance.store.cursor(), [path], ["sex"], tmp_path / "rows.parquet", positive="1")


def test_a_cancelled_job_keeps_nothing(governance: Governance, scored: str) -> None:
    head, cancelled = governance.store.head(), threading.Event()
    asked = make(FindTradeOff, actor=BUILDER, at=later(6), initiative=scored, version="1", by=("sex",))
    with pytest.raises(Cancelled):
        find_trade_off(governance, asked, on_progress=lambda _: cancelled.set(), cancelled=cancelled)
    assert governance.store.head() == head
    with pytest.raises(Forbidden):
        find_trade_off(governance, asked.model_copy(update={"actor": OUTSIDER}))


def test_it_is_evidence_of_a_finding_and_changes_nothing_else(governance: Governance, scored: str) -> None:
    found = weigh(governance, scored)
    finding = raise_finding(
        governance,
        make(
            RaiseFinding, actor=VALIDATOR, at=later(7), initiative=scored, title="Women refused more often",
            severity="major", step="development", due_on=date(2030, 1, 1),
        ),
    )  # fmt: skip
    known = {"initiative": scored, "finding": finding}

    def attach(days: float, **more: Any) -> None:
        values = {"actor": BUILDER, "at": later(days), **known, "sha256": found.found.sha256}
        attach_trade_off(governance, make(AttachTradeOff, **{**values, **more}))

    with pytest.raises(NotFound, match="no trade-off"):
        attach(8, sha256="0" * 64)
    before = findings_list(governance, governance.moment(later(8)), initiative=scored)[0]
    attach(8, note="What one threshold for all would cost.")
    after = findings_list(governance, governance.moment(later(9)), initiative=scored)[0]
    assert (before.evidence, after.state) == ((), "open")
    (evidence,) = after.evidence
    assert evidence.sha256 == found.found.sha256 and found.found.said in evidence.title
    resolve_finding(
        governance, make(ResolveFinding, actor=OWNER, at=later(10), **known, note="It was looked at.")
    )
    verify_finding(
        governance, make(VerifyFinding, actor=VALIDATOR, at=later(11), **known, note="Seen to be so.")
    )
    with pytest.raises(Conflict, match="closed"):
        attach(12)


def test_a_changed_file_is_found_by_verify(governance: Governance, scored: str) -> None:
    found = weigh(governance, scored)
    file = governance.store.folder / found.found.path
    file.write_text(file.read_text().replace("fail", "pass", 1))
    assert verify_store(governance.store).first_break is not None
