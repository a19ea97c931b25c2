"""Kinds of model: each from the form to production without a waiver, by the proofs of its kind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import yaml

from core.connectors.config_files import parse_policy, policy_schema
from core.connectors.settings import PROJECT
from core.domain.commands import AmendModelVersion, RegisterInitiative, RegisterModelVersion, make
from core.domain.errors import BadInput
from core.domain.facts.process import Initiative
from core.domain.models.model_versions import grade_reproducibility
from core.domain.policy.checks import check_versions_locked
from core.domain.policy.policy import Policy
from core.domain.policy.policy_changes import policy_changes
from core.domain.policy.requirement_list import requirements_of
from core.domain.process.commands import ConfirmClass, ReassessInitiative
from core.domain.process.sign_offs import SignOffStatus
from core.ground import LEARNED, Verdict
from core.lake.facts import history, newest
from core.lake.record.verify import verify_store
from core.lake.store import DATABASE, open_store
from core.services.governance import Governance
from core.services.measured.data_quality import MeasureDataQuality, measure_data_quality
from core.services.measured.drift import MeasureDrift, measure_drift
from core.services.measured.evaluations import AddEvaluation, add_evaluation
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.models.version_comparison import compare_versions
from core.services.models.versions import amend_model_version, register_model_version, version_registry
from core.services.process.classification import confirm_class, reassess_initiative, reassessment
from core.services.process.findings import waivers_list
from core.services.process.gates import ask_gate
from core.services.process.initiatives import (
    initiative_sheet,
    inventory,
    preview_classification,
    register_initiative,
)
from core.services.process.sign_offs import lay_table
from core.services.record.entries import verify_record
from core.services.rules.policies import class_measures, matrix_rows
from tests.conftest import BUILDER, OWNER, founded, later, rules_of
from tests.journeys import CHUNK, add, everybody_is_trained, explain, watch, write_predictions
from tests.process import (
    BUSINESS,
    LOCKED,
    OPS,
    PRODUCTION,
    SECOND,
    THIRD,
    advise,
    ask,
    decide,
    deploy,
    prove_all,
    refused,
    seat_signers,
    sign,
    version,
)

MODERATE = {"consumers": ("internal",), "availability": ("scheduled",), "error_impact": ("small_loss",)}
HIGH = {"consumers": ("public",), "error_impact": ("financial",)}
VERY_HIGH = {"consumers": ("public",), "error_impact": ("personal",), "explainability": ("entitled",)}
VERY_HIGH |= {"availability": ("always_on",)}
BOUGHT = {"supplier": "Example Devices", "supplier_version": "4.2", "contract": "C-2026-118, until June 2028"}
PROMPTED = {"base_model": "vendor-large", "base_version": "2026-02-01", "prompts_sha256": "a" * 64}
ACTING = {
    "tools": "refunds: write; claims: read",
    "acts_as": "svc-refunds, refunds up to 200 euros",
    "budget": "5,000 euros a day",
    "stopped_by": "Claims on call, by one switch",
}


def registered(governance: Governance, kind: str, answers: dict[str, tuple[str, ...]], day: float = 1) -> str:
    policy = governance.policy(governance.moment(later(day)))
    lightest = {question.id: (question.options[0].id,) for question in policy.questions}
    command = make(
        RegisterInitiative,
        actor=BUILDER,
        at=later(day),
        name=f"Case {kind.replace('_', ' ').replace('+', ' ')}",
        purpose=f"Help the people at the counter to decide well by {kind}.",
        domain="credit",
        team="Credit",
        owner=OWNER.id,
        builder=BUILDER.id,
        kind=kind,
        answers=lightest | answers,
    )
    initiative = register_initiative(governance, command).initiative
    if answers not in ({}, MODERATE):
        looked = {"initiative": initiative, "note": "Read every answer with the team."}
        confirm_class(governance, make(ConfirmClass, actor=SECOND, at=later(day + 0.5), **looked))
    return initiative


def of_kind(governance: Governance, initiative: str, day: float, label: str = "1", **parts: Any) -> None:
    about = {"initiative": initiative, "version": label, "algorithm": "As it comes"}
    command = make(RegisterModelVersion, actor=BUILDER, at=later(day), **about, **parts)
    register_model_version(governance, command)


def decided(governance: Governance, initiative: str, file: Path, part: str, day: float) -> None:
    """Add our own decisions: no score."""
    pl.read_csv(file).drop("y_score").write_csv(file)
    command = make(
        AddPredictions,
        actor=BUILDER,
        at=later(day),
        initiative=initiative,
        version="1",
        part=part,
        file=file,
        task="binary",
        prediction="y_pred",
        target="y_true",
        row_id="row_id",
        timestamp="timestamp",
        features=("income",),
        sensitive=("sex",),
        favourable=("1",),
    )
    add_predictions(governance, command)


def watched(governance: Governance, initiative: str, folder: Path, day: float) -> None:
    """Two files of decisions, their drift and their quality."""
    decided(governance, initiative, write_predictions(folder / "r.csv", start="2025-11-01"), "reference", day)
    after = write_predictions(folder / "a.csv", start="2025-12-01", seed=8)
    decided(governance, initiative, after, "analysis", day + 0.1)
    about = {"actor": BUILDER, "initiative": initiative, "version": "1"}
    measure_drift(governance, make(MeasureDrift, at=later(day + 0.2), **about, chunk_rows=CHUNK))
    measure_data_quality(governance, make(MeasureDataQuality, at=later(day + 0.3), **about))


def evaluated(governance: Governance, initiative: str, folder: Path, day: float) -> None:
    """A set of cases in two categories, of which nearly all pass."""
    rows = ["case,category,passed"]
    rows += [f"c{i},{'swaps' if i % 2 else 'claims'},{str(i % 40 > 0).lower()}" for i in range(600)]
    file = folder / "cases.csv"
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    command = make(
        AddEvaluation,
        actor=BUILDER,
        at=later(day),
        initiative=initiative,
        version="1",
        file=file,
        name=file.name,
        dataset="Claims and swaps",
        judge="exact match",
        judge_kind="rule",
        categories=("category",),
    )
    add_evaluation(governance, command)


def signed_everywhere(governance: Governance, initiative: str, day: float) -> None:
    """All signatures that its class asks for, in their order."""
    at = governance.moment(later(day))
    sheet = initiative_sheet(governance, at, initiative=initiative)
    for place, view in enumerate(sheet.gates):
        asked = [state for state in sheet.requirements if state.requirement.id.endswith(f":{view.gate.id}")]
        if not asked:
            continue
        then = day + place / 10
        ask(governance, initiative, view.gate.id, then)
        plan = asked[0].requirement.sign_off
        assert plan is not None
        for role, adviser in (("data_ops", OPS), ("production", PRODUCTION)):
            if role in plan.feedback:
                advise(governance, initiative, view.gate.id, then + 0.01, adviser)
        people = {"business_stakeholder": [BUSINESS], "risk_audit": [SECOND, THIRD]}
        signers = [one for a in plan.approvals for one in people[a.role][: a.quorum]]
        for turn, one in enumerate(signers):
            sign(governance, initiative, view.gate.id, then + 0.02 + turn / 100, one)


def goes_live(governance: Governance, initiative: str, day: float) -> None:
    """Everything proved, every gate open, in production, and nothing waived."""
    everybody_is_trained(governance, day)
    prove_all(governance, initiative, day + 0.1)
    signed_everywhere(governance, initiative, day + 0.2)
    sheet = initiative_sheet(governance, governance.moment(later(day + 1)), initiative=initiative)
    for place, view in enumerate(sheet.gates):
        found = decide(governance, initiative, view.gate.id, day + 1 + place / 100)
        assert found.is_open, (view.gate.id, [f"{f.message} {f.remedy}" for f in found.findings])
    deploy(governance, initiative, day + 1.1)
    moment = governance.moment(later(day + 1.2))
    assert next(line.live for line in inventory(governance, moment) if line.initiative == initiative)
    assert not waivers_list(governance, moment, initiative=initiative)
    assert verify_record(governance).first_break is None


def test_a_spreadsheet_goes_live_in_one_sitting(governance: Governance) -> None:
    initiative = registered(governance, "spreadsheet_or_query", {})
    assert decide(governance, initiative, "deployment", 1.01).is_open
    deploy(governance, initiative, 1.02, actor=BUILDER)
    lines = inventory(governance, governance.moment(later(1.03)), kinds=("spreadsheet_or_query",))
    assert [(line.initiative, line.live, line.kind_title) for line in lines] == [
        (initiative, True, "Spreadsheet or query")
    ]


def test_a_spreadsheet_of_moderate_risk_needs_its_digest_and_no_predictions(governance: Governance) -> None:
    seat_signers(governance)
    initiative = registered(governance, "spreadsheet_or_query", MODERATE)
    of_kind(governance, initiative, 2, artifact_sha256="a" * 64, task="regression")
    goes_live(governance, initiative, 3)


def test_a_statistical_model_proves_itself_by_its_predictions(governance: Governance, tmp_path: Path) -> None:
    seat_signers(governance)
    initiative = registered(governance, "statistical_model", HIGH)
    version(governance, initiative, day=2)
    analysis = write_predictions(tmp_path / "analysis.csv", start="2025-12-01", seed=8)
    reference = write_predictions(tmp_path / "reference.csv", start="2025-11-01")
    add(governance, initiative, "1", reference, "reference", 2.1)
    add(governance, initiative, "1", analysis, "analysis", 2.2)
    watch(governance, initiative, "1", 2.3)
    explain(governance, initiative, "1", analysis, 2.4)
    goes_live(governance, initiative, 3)


def test_expert_rules_are_held_to_their_decisions_and_owe_no_attributions(
    governance: Governance, tmp_path: Path
) -> None:
    seat_signers(governance)
    initiative = registered(governance, "expert_rules", HIGH)
    of_kind(governance, initiative, 2, artifact_sha256="a" * 64, task="binary")
    watched(governance, initiative, tmp_path, 2.1)
    goes_live(governance, initiative, 3)


def test_a_language_model_application_goes_through_every_gate_of_the_strictest_class(
    governance: Governance, tmp_path: Path
) -> None:
    seat_signers(governance)
    initiative = registered(governance, "language_model_application", VERY_HIGH)
    of_kind(governance, initiative, 2, **PROMPTED, index_sha256="b" * 64)
    evaluated(governance, initiative, tmp_path, 2.05)
    goes_live(governance, initiative, 3)


def test_an_agent_is_live_once_its_rights_budget_and_stop_are_on_record(
    governance: Governance, tmp_path: Path
) -> None:
    seat_signers(governance)
    initiative = registered(governance, "agent", VERY_HIGH)
    of_kind(governance, initiative, 2, **PROMPTED)
    evaluated(governance, initiative, tmp_path, 2.05)
    everybody_is_trained(governance, 2.1)
    prove_all(governance, initiative, 2.2)
    blocked = ask_gate(governance, initiative, "development", governance.moment(later(2.3)))
    assert any("its budget, who stops it, and how" in finding.message for finding in blocked.findings)
    about = {"initiative": initiative, "version": "1", "reason": "It was left out."}
    amend_model_version(governance, make(AmendModelVersion, actor=BUILDER, at=later(2.4), **about, **ACTING))
    goes_live(governance, initiative, 3)


def test_a_bought_device_is_held_to_our_own_decisions_which_need_no_score(
    governance: Governance, tmp_path: Path
) -> None:
    seat_signers(governance)
    initiative = registered(governance, "machine_learned_model+bought", HIGH)
    of_kind(governance, initiative, 2, task="binary", **BOUGHT)
    watched(governance, initiative, tmp_path, 2.1)
    goes_live(governance, initiative, 3)


def test_a_bought_language_model_owes_neither_weights_nor_rows(
    governance: Governance, tmp_path: Path
) -> None:
    seat_signers(governance)
    initiative = registered(governance, "language_model_application+bought", HIGH)
    of_kind(governance, initiative, 2, **BOUGHT, base_model="vendor-large", base_version="2026-02-01")
    evaluated(governance, initiative, tmp_path, 2.05)
    goes_live(governance, initiative, 3)
    sheet = initiative_sheet(governance, governance.moment(later(5)), initiative=initiative)
    asked = {one.requirement.measure.id: one.requirement.measure for one in sheet.requirements}
    assert "right" not in asked["bias_measured"].guide
    assert asked["bias_measured"].evidence == "the paired persona swaps with their differences by group"
    assert asked["retrain_sample"].evidence == "the supplier's word on the release, and the repeated sample"
    assert asked["retrain_sample"].example


def test_another_kind_asks_for_other_proofs_and_what_was_signed_lapses(governance: Governance) -> None:
    seat_signers(governance)
    initiative = registered(governance, "language_model_application", MODERATE)
    of_kind(governance, initiative, 2, **PROMPTED)
    prove_all(governance, initiative, 3)
    signed_everywhere(governance, initiative, 3.2)
    known = initiative_sheet(governance, governance.moment(later(4)), initiative=initiative).initiative
    about = {"initiative": initiative, "answers": dict(known.answers), "kind": "agent"}
    seen = reassessment(governance, governance.moment(later(4)), **about)
    assert seen.lapsed == ("May go live",)
    note = "It refunds by itself since May."
    refused(
        governance,
        BadInput,
        "'robot' is no kind of model",
        lambda: reassess_initiative(
            governance,
            make(ReassessInitiative, actor=BUILDER, at=later(4.1), note=note, **{**about, "kind": "robot"}),
        ),
    )
    again = make(ReassessInitiative, actor=BUILDER, at=later(4.1), note=note, **about)
    assert reassess_initiative(governance, again) == ""
    moment = governance.moment(later(4.2))
    state = lay_table(governance, initiative, "deployment", moment).state
    assert state.status is SignOffStatus.LAPSED
    assert "it is another kind of model" in state.lapses
    said = [one.kind for one in history(governance.store, Initiative, moment, initiative)]
    assert said == ["language_model_application", "agent"]
    assert [line.kind for line in inventory(governance, moment, search="agent")] == ["agent"]
    then = governance.moment(later(4))
    assert [line.kind for line in inventory(governance, then)] == ["language_model_application"]
    assert inventory(governance, moment, kinds=("bought",)) == []


def test_a_version_records_what_its_kind_has_and_nothing_else(governance: Governance, tmp_path: Path) -> None:
    initiative = registered(governance, "language_model_application", MODERATE)
    learned = registered(governance, LEARNED, MODERATE)

    def tried(of: str, words: str, **parts: Any) -> None:
        refused(governance, BadInput, words, lambda: of_kind(governance, of, 2, **parts))

    tried(initiative, "Language-model application has no artifact", **LOCKED)
    tried(initiative, "has no budget", **PROMPTED, budget="all of it")
    tried(learned, "it is not said what it predicts", artifact_sha256="a" * 64)
    tried(learned, "Machine-learned model has no base model", **PROMPTED, task="binary")
    tried(registered(governance, "agent", MODERATE), "Agent predicts no binary as rows", task="binary")
    of_kind(governance, initiative, 3, **PROMPTED)
    of_kind(
        governance,
        initiative,
        3.1,
        "2",
        **{**PROMPTED, "base_version": "2026-05-01"},
        metrics={"passed": 0.9},
    )
    moment = governance.moment(later(4))
    found = {line.version: line.grade for line in version_registry(governance, moment, past=True)}
    assert found == {"2": 2, "1": 2}
    compared = compare_versions(governance, moment, initiative=initiative, left="1", right="2")
    pairs = {one.label: one.sameness for one in compared.made_of if one.part in ("Base model", "Prompts")}
    assert pairs["Its version"] == "different"
    assert compared.right.grade.title == "All that it is made of is pinned"
    file = write_predictions(tmp_path / "rows.csv", start="2025-11-01", rows=10)
    about = {"initiative": initiative, "version": "1", "part": "analysis", "file": file}
    with pytest.raises(BadInput, match="judged by cases"):
        add_predictions(governance, make(AddPredictions, actor=BUILDER, at=later(5), **about))


def test_what_is_locked_depends_on_what_a_kind_is_made_of() -> None:
    assert check_versions_locked(PROMPTED, ("base_model", "prompts")).verdict is Verdict.PASS
    lacking = check_versions_locked({**PROMPTED, "base_version": ""}, ("base_model", "prompts"))
    assert (lacking.verdict, lacking.message) == (Verdict.FAIL, "not locked: the base model with its version")
    assert check_versions_locked({"artifact_sha256": "a"}, ("artifact",)).message == "artifact is locked"
    assert grade_reproducibility({}, ("artifact",)).rung == 0
    assert grade_reproducibility({"artifact_sha256": "a", "metrics": {}}, ("artifact",)).rung == 2


def test_the_class_and_what_it_asks_for_show_the_proofs_of_a_kind_while_it_is_answered(
    governance: Governance,
) -> None:
    moment = governance.moment(later(1))
    seen = preview_classification(governance, moment, HIGH, "agent")
    assert not seen.complete
    wanted = {one.measure.id: one.measure.evidence for one in seen.requirements}
    assert wanted["bias_measured"] == "the paired persona swaps with their differences by group"
    policy = governance.policy(moment)
    assert 2 + 1 + len(policy.questions) <= 12, (
        "what it is, who has to do with it, its kind, and the questions"
    )
    cells = {row["consideration"]: row for row in matrix_rows(governance, moment, kind="agent")}
    assert "paired persona swaps" in str(cells["Bias and harm testing"]["high"])
    assert str(cells["Bias and harm testing"]["high"]).startswith(
        "2 · Automated bias check on subpopulations"
    )
    rows = class_measures(governance, moment, class_id="high", kind="agent+bought")
    assert any("paired persona swaps" in str(row["proof"]).lower() and row["example"] for row in rows)


def test_every_kind_can_prove_every_rung_and_none_is_asked_for_what_it_cannot_have(
    governance: Governance,
) -> None:
    policy = governance.policy(governance.moment(later(1)))
    for key, kind in policy.admitted.items():
        for measure in policy.of(key).measures.values():
            assert measure.evidence or measure.checks or measure.sign_offs
            assert not [check for check in measure.checks if kind.cannot_have(check)], (key, measure.id)
            assert measure.example or measure.sign_offs or not measure.evidence
        assert policy.of(key).of(key) is policy.of(key)
        asked = [[r.id for r in requirements_of(policy.of(key), c)] for c in policy.class_order]
        assert asked == [[r.id for r in requirements_of(policy, c)] for c in policy.class_order]
    assert policy.of(LEARNED) is policy, "a learned model is proved as the rung itself says"
    assert policy.of("gone") is policy


def _again(asked: dict[str, Any]) -> dict[str, Any]:
    return dict(asked["kinds"][2], made_of=["code"], may_have=[], tasks=["binary"])


def _changed(governance: Governance, change: Any) -> str:
    asked: dict[str, Any] = yaml.safe_load((governance.config / "policy.yaml").read_text(encoding="utf-8"))
    change({rung["id"]: rung for ladder in asked["considerations"] for rung in ladder["rungs"]}, asked)
    return yaml.safe_dump(asked, sort_keys=False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda rungs, _: rungs["bias_measured"]["proofs"].pop(0),
            "no proof of bias_measured for agent: it makes no predictions as rows, so check bias_limit",
        ),
        (
            lambda rungs, _: rungs["retrain_sample"]["proofs"].pop(0),
            "no proof of retrain_sample for machine_learned_model\\+bought: it has no training data of ours",
        ),
        (
            lambda rungs, _: rungs["bias_measured"]["proofs"][0]["kinds"].append("robot"),
            "'robot' is not a known kind",
        ),
        (
            lambda rungs, _: (
                rungs["bias_measured"]["proofs"][0]["checks"].append("feeling")
                if rungs["bias_measured"]["proofs"][0].setdefault("checks", []) is not None
                else None
            ),
            "'feeling' is not a known check",
        ),
        (
            lambda rungs, _: rungs["test_pipeline"]["proofs"][1].update(evidence=None, checks=[]),
            "this proof of test_pipeline has neither evidence nor a check",
        ),
        (
            lambda rungs, _: rungs["full_snapshot"]["proofs"][1].update(
                evidence=rungs["retrain_sample"]["proofs"][1]["evidence"]
            ),
            "full_snapshot asks agent for no more than the lower retrain_sample",
        ),
        (
            lambda rungs, _: rungs["owner_declaration"].update(
                proofs=[{"kinds": ["agent"], "guide": "No.", "evidence": "none"}]
            ),
            "owner_declaration is signed, whatever the kind",
        ),
        (
            lambda _, asked: asked["kinds"].append(
                dict(asked["kinds"][2], made_of=["code"], may_have=[], tasks=["binary"])
            ),
            "id 'expert_rules' is used twice",
        ),
    ],
)
def test_policy_check_refuses_a_rung_that_a_kind_cannot_prove(
    governance: Governance, change: Any, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        parse_policy(_changed(governance, change), rules_of(governance).roles, name="policy")


def test_a_change_of_proofs_is_told_by_the_kinds_it_is_for(governance: Governance) -> None:
    policy = governance.policy(governance.moment(later(1)))

    def change(rungs: dict[str, Any], asked: dict[str, Any]) -> None:
        rungs["bias_measured"]["proofs"][0]["evidence"] = "the swaps of 500 pairs"
        asked["kinds"][3]["made_of"] = ["artifact", "code"]

    told = policy_changes(policy, Policy.model_validate(yaml.safe_load(_changed(governance, change))))
    assert {(one.part, one.after) for one in told} == {
        ("kinds", "made of artifact, code"),
        ("measures", "the swaps of 500 pairs, evaluation limit"),
    }
    assert all("agent" in one.subject for one in told if one.part == "measures")
    assert "Proof" in policy_schema()["$defs"]


def test_what_was_registered_before_kinds_is_a_learned_model_and_still_verifies(tmp_path: Path) -> None:
    opened = founded(tmp_path / "store", open_store)
    registered(opened, LEARNED, {})
    opened.close()
    with duckdb.connect(str(tmp_path / "store" / DATABASE)) as connection:
        migration = next((PROJECT / "core" / "lake" / "migrations").glob("*_kinds.sql"))
        for table, column in re.findall(
            r"TABLE (\w+) ADD COLUMN (\w+)", migration.read_text(encoding="utf-8")
        ):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("DELETE FROM migration WHERE name = $name", {"name": migration.name})
    again = open_store(tmp_path / "store")
    assert [one.kind for one in newest(again, Initiative, again.present(later(2)))] == [LEARNED]
    assert verify_store(again).first_break is None
    again.close()
