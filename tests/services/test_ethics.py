"""The ethical position on record: founded, published, immutable, read as of a day."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from core.connectors.config_files import read_ethics
from core.domain.commands import RegisterModelVersion, make
from core.domain.errors import BadInput, Conflict, Forbidden
from core.domain.moment import Moment
from core.lake.directory import put_person
from core.lake.store import open_memory_store
from core.services.governance import Governance, wire
from core.services.measured.bias import check_bias_limit
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.models.versions import register_model_version
from core.services.record.people import found_store
from core.services.rules.ethics import (
    PublishEthics,
    ethics_in_force,
    ethics_versions,
    publish_ethics,
    transparency_demand,
)
from tests.conftest import ADMIN, BUILDER, CONFIG, START, VALIDATOR, later, register
from tests.process import HEAD, agree

SHIPPED = (CONFIG / "ethics.yaml").read_text(encoding="utf-8")
TIGHTER = SHIPPED.replace('version: "1.1"', 'version: "1.2"').replace("limit: 0.9\n", "limit: 0.95\n", 1)


def publish(governance: Governance, text: str, *, days: float = 10, actor: object = VALIDATOR) -> None:
    command = make(PublishEthics, actor=actor, at=later(days), text=text, name="ethics.yaml")
    agree(governance, publish_ethics(governance, command).proposal, days)


def test_a_new_store_begins_with_the_shipped_position_on_record(governance: Governance) -> None:
    held = ethics_in_force(governance, governance.moment(later(0)))
    assert (held.version, held.published_by, held.seq) == ("1.1", ADMIN.name, 3)
    assert held.ethics == read_ethics(CONFIG / "ethics.yaml")[0]


def test_a_published_position_holds_from_its_moment_on_and_not_before(governance: Governance) -> None:
    publish(governance, TIGHTER)
    before, after = governance.moment(later(9)), governance.moment(later(10))
    assert governance.position(before).limit_for("public_services").limit == 0.9
    assert governance.position(after).limit_for("public_services").limit == 0.95
    assert ethics_in_force(governance, before).version == "1.1"
    held = ethics_in_force(governance, after)
    assert (held.version, held.published_by) == ("1.2", HEAD.name)
    newest, first = ethics_versions(governance, after)
    assert first.changes == ()
    assert newest.changes == (
        "Public services: the lowest selection rate is at least 0.95 of the highest, groups from 100 rows, "
        "smaller ones are left out by name (before: the lowest selection rate is at least 0.9 of the "
        "highest, groups from 100 rows, smaller ones are left out by name)",
    )
    assert len(ethics_versions(governance, before)) == 1


def test_a_published_version_never_gets_other_words(governance: Governance) -> None:
    publish(governance, TIGHTER)
    head = governance.store.head()
    with pytest.raises(Conflict, match=r"ethical position '1\.2' was published before \(ethics\.yaml\)"):
        publish(governance, TIGHTER.replace("0.95", "0.5"), days=11)
    with pytest.raises(Conflict, match=r"'1\.1' was published before"):
        publish(governance, SHIPPED, days=11)
    assert governance.store.head() == head


def test_only_those_who_answer_for_risk_publish_a_position(governance: Governance) -> None:
    with pytest.raises(Forbidden, match="Bram Builder may not publish an ethical position"):
        publish(governance, TIGHTER, actor=BUILDER)


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ("    very_high: reasons\n", "", "class 'very_high' has no level of transparency. Add 'very_high: L"),
        ("    low: purpose_known", "    tiny: purpose_known", "'tiny' is not a known class. Use one of: low"),
        ("measure: readable_by_design", "measure: magic", "'magic' is no measure of the policy. Name a"),
        ("    low: purpose_known", "    low: secret", "'secret' is no level of transparency. Use one of: p"),
        (
            "    credit: reasons",
            "    banking: reasons",
            "'banking' is not a known domain. Use one of: credit",
        ),
        ("  - id: financial", "  - id: psychology", "question 'psychology' is listed twice. Keep one"),
    ],
)
def test_a_position_that_is_not_whole_is_refused_with_its_line_and_the_old_one_stays(
    governance: Governance, right: str, wrong: str, words: str
) -> None:
    assert right in TIGHTER
    text = TIGHTER.replace(right, wrong, 1)
    with pytest.raises(BadInput) as refusal:
        publish(governance, text)
    assert words in str(refusal.value)
    line = int(str(refusal.value).split(":")[1])
    shown = text.splitlines()[line - 1]
    assert shown.strip() in ("classes:", wrong.strip()), shown
    assert ethics_in_force(governance, governance.moment(later(20))).version == "1.1"


def test_all_five_questions_have_to_be_answered(governance: Governance) -> None:
    start, end = TIGHTER.index("  - id: accountability"), TIGHTER.index("# From the least to the most")
    with pytest.raises(BadInput, match="question 'accountability' is not answered"):
        publish(governance, TIGHTER[:start] + TIGHTER[end:])


def test_a_store_made_before_positions_were_published_falls_back_on_the_shipped_one(tmp_path: Path) -> None:
    governance = wire(open_memory_store(tmp_path / "old"), CONFIG)
    found_store(governance, CONFIG, ADMIN, START, demo=False)
    put_person(governance.store, VALIDATOR)
    moment = Moment(2, START)  # founding and policy, and no position yet
    held = ethics_in_force(governance, moment)
    assert (held.version, held.seq, held.published_by) == ("1.1", None, None)
    assert governance.position(moment) == read_ethics(CONFIG / "ethics.yaml")[0]


def test_the_stricter_of_class_and_domain_says_how_much_is_told(governance: Governance) -> None:
    initiative = register(governance, heavy=False)  # low risk, but it is about credit
    demand = transparency_demand(governance, governance.moment(later(2)), initiative=initiative)
    assert (demand.level.id, demand.version) == ("reasons", "1.1")
    assert demand.asked is False, "the policy asks no class this low for attributions"
    heavy = register(governance, "Credit Scoring", heavy=True)
    demand = transparency_demand(governance, governance.moment(later(2)), initiative=heavy)
    assert (demand.level.id, demand.asked) == ("reasons", True)


def test_the_bias_check_cites_the_position_that_it_held_the_model_to(
    governance: Governance, tmp_path: Path
) -> None:
    """Women are selected at half the rate of men: outside four fifths, within a position that allows it."""
    initiative = register(governance, "Credit Scoring", heavy=True)
    version = make(
        RegisterModelVersion, actor=BUILDER, at=later(2), initiative=initiative, version="1",
        algorithm="Boosting", task="binary",
    )  # fmt: skip
    register_model_version(governance, version)
    file = tmp_path / "rows.parquet"
    duckdb.sql(
        "SELECT i AS row_id, CASE WHEN i % 2 = 0 THEN 'Female' ELSE 'Male' END AS sex, 0.5 AS y_score, "
        "CASE WHEN i % 2 = 0 THEN i % 8 = 0 ELSE i % 8 IN (1, 3) END::INT AS y_pred FROM range(8000) r(i)"
    ).write_parquet(str(file))
    batch = AddPredictions(
        actor=BUILDER, at=later(3), initiative=initiative, version="1", part="analysis", file=file,
        task="binary", sensitive=("sex",), favourable=("1",),
    )  # fmt: skip
    add_predictions(governance, batch)

    def verdict(days: float) -> tuple[str, str]:
        moment = governance.moment(later(days))
        found = check_bias_limit(governance, initiative, "1", "credit", moment)
        return found.verdict.value, found.message[-23:].strip()

    assert verdict(4) == ("fail", "(ethical position 1.1)")
    publish(governance, SHIPPED.replace('"1.1"', '"2.0"', 1).replace("limit: 0.8", "limit: 0.4"), days=5)
    assert verdict(6) == ("pass", "(ethical position 2.0)")
    assert verdict(4)[0] == "fail", "as it stood then"
