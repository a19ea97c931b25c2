"""The policy says which gate makes live; whatever it is called, and whatever it was called before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.domain.chain import Fact
from core.domain.commands import DraftPolicy, PublishPolicy, make
from core.domain.errors import BadInput, Conflict
from core.domain.process.commands import PullModel
from core.lake.store import save_store
from core.services.governance import Governance
from core.services.models.versions import version_approval
from core.services.oversight.kpis import governance_kpis
from core.services.process.findings import breach_findings
from core.services.process.gates import is_live, pull_model, stands
from core.services.process.initiatives import initiative_choices, initiative_sheet, inventory
from core.services.rules.policies import draft_policy, publish_policy
from core.services.rules.previews import compare_policy
from tests.conftest import VALIDATOR, founded, later, register
from tests.process import (
    BUSINESS,
    OPS,
    ask,
    decide,
    deploy,
    prove_all,
    publish,
    put_in_force,
    seat_signers,
    sign,
    thawed,
    version,
    without_predictions,
)
from tests.services.test_findings_and_waivers import LIVE, STRICT, register_moderate

MARKED = without_predictions()
RENAMED = MARKED.replace("id: deployment\n  title: May", "id: go_live\n  title: May").replace(
    "- gate: deployment", "- gate: go_live"
)
UNMARKED = MARKED.replace("  live: true\n", "")


def named(text: str, version: str) -> str:
    return text.replace("version: no-predictions", f"version: {version}", 1)


def put_on_record(governance: Governance, text: str, day: float) -> None:
    """A policy as a store from before gates were marked holds it: nobody checks it any more."""
    version = text.split("version: ", 1)[1].split("\n", 1)[0]
    row = {"version": version, "title": "Before", "sha256": "0" * 64, "text": text, "holds_from": None}
    fact = Fact("policy_published", f"policy-{version}", "policy", (row,), first=True)
    governance.store.append([fact], actor="ada-admin", at=later(day))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One initiative that is live by a policy from before gates were marked, and one that is not."""
    governance = founded(tmp_path_factory.mktemp("prepared") / "store")
    seat_signers(governance)
    put_on_record(governance, named(UNMARKED, "before"), 0.5)
    version(governance, register(governance))
    live = register_moderate(governance)
    version(governance, live)
    prove_all(governance, live, 3)
    ask(governance, live, "deployment", 3.1)
    sign(governance, live, "deployment", 3.2, BUSINESS)
    assert decide(governance, live, "deployment", 3.3).is_open
    deploy(governance, live, 3.3)
    save_store(governance.store)
    governance.close()
    return governance.store.folder


@pytest.fixture
def governance(prepared: Path, tmp_path: Path) -> Iterator[Governance]:
    opened = thawed(prepared, tmp_path / "store")
    yield opened
    opened.close()


def live_by_every_account(governance: Governance, day: float) -> set[tuple[str, ...]]:
    """The initiatives that are live, as each of those who ask is told."""
    moment = governance.moment(later(day))
    both = (LIVE, STRICT)
    return {
        tuple(line.initiative for line in inventory(governance, moment, status="live")),
        tuple(one.initiative for one in initiative_choices(governance, moment) if one.live),
        tuple(name for name in both if initiative_sheet(governance, moment, initiative=name).live),
        tuple(name for name in both if is_live(governance, name, moment)),
    }


def kpi(governance: Governance, day: float, name: str) -> tuple[float | None, int | None]:
    readings = governance_kpis(governance, governance.moment(later(day)), months=0)
    value = next(reading.value for reading in readings if reading.definition.id == name)
    return value.value, value.n


def test_what_a_policy_without_a_mark_on_record_means_is_the_gate_deployment(governance: Governance) -> None:
    assert governance.policy(governance.moment(later(4))).live_gate.id == "deployment"
    assert live_by_every_account(governance, 4) == {(LIVE,)}


@pytest.mark.parametrize("text", [MARKED, RENAMED], ids=["marked", "renamed"])
def test_a_renamed_gate_takes_no_live_model_off_the_books(governance: Governance, text: str) -> None:
    figures = ("monitored_live", "days_to_deployment")
    before = [kpi(governance, 4, name) for name in figures]
    assert before[0][1] == 1, "one is live"
    publish(governance, named(text, "next"), 5)
    assert live_by_every_account(governance, 6) == {(LIVE,)}
    assert [kpi(governance, 6, name) for name in figures] == before
    moment = governance.moment(later(6))
    approved = version_approval(governance, moment, initiative=LIVE, version="1")
    assert approved is not None and approved.gate == "deployment"
    policy = governance.policy(moment)
    failed = [("bias_limit", "the lowest rate is 0.6 of the highest")]
    raised = breach_findings(governance, policy, LIVE, failed, moment)
    assert [fact.rows[0]["step"] for fact in raised] == ["deployment"], "the step of the gate"
    assert breach_findings(governance, policy, STRICT, failed, moment) == []


def test_a_model_is_pulled_and_goes_live_again_by_the_renamed_gate(governance: Governance) -> None:
    publish(governance, named(RENAMED, "next"), 5)
    pulled = {"actor": OPS, "initiative": LIVE, "reason": "It answers with yesterday's prices."}
    pull_model(governance, make(PullModel, at=later(6), **pulled))
    assert live_by_every_account(governance, 6.1) == {()}
    assert kpi(governance, 6.1, "monitored_live")[1] == 0
    with pytest.raises(Conflict, match="is not live"):
        pull_model(governance, make(PullModel, at=later(6.2), **pulled))
    ask(governance, LIVE, "go_live", 7)
    sign(governance, LIVE, "go_live", 7.1, BUSINESS)
    assert decide(governance, LIVE, "go_live", 7.2).is_open
    assert live_by_every_account(governance, 7.3) == {()}, "asking puts nothing into production"
    deploy(governance, LIVE, 7.4)
    assert live_by_every_account(governance, 7.4) == {(LIVE,)}
    assert [run.ended_because for run in stands(governance, LIVE, governance.moment(later(7.4))).runs] == [
        pulled["reason"],
        "",
    ]
    assert live_by_every_account(governance, 6.1) == {()}, "as it stood"


def test_a_gate_that_takes_over_the_old_name_makes_nothing_live(governance: Governance) -> None:
    taken = RENAMED.replace("id: development\n  title: Built", "id: deployment\n  title: Built")
    taken = taken.replace("- gate: development", "- gate: deployment")
    put_in_force(governance, named(taken, "taken"), 4.5)
    pull_model(governance, make(PullModel, actor=OPS, at=later(5), initiative=LIVE, reason="Wrong prices."))
    assert decide(governance, LIVE, "deployment", 6).is_open, "built and tested, as it is called now"
    assert live_by_every_account(governance, 6.1) == {()}


def test_a_renamed_gate_without_a_mark_on_record_is_the_last_that_all_classes_pass(
    governance: Governance,
) -> None:
    put_on_record(governance, named(RENAMED, "old").replace("  live: true\n", ""), 4.5)
    assert governance.policy(governance.moment(later(5))).live_gate.id == "go_live"
    assert live_by_every_account(governance, 5) == {(LIVE,)}


def test_a_draft_without_the_mark_is_refused_with_its_line(governance: Governance) -> None:
    text = named(UNMARKED, "next")
    head = governance.store.head()
    line = text[: text.index("\ngates:")].count("\n") + 2
    with pytest.raises(BadInput) as refusal:
        draft_policy(governance, make(DraftPolicy, actor=VALIDATOR, at=later(5), text=text, name="p.yaml"))
    assert f"p.yaml:{line}: no gate makes live. Write 'live: true' on the gate" in str(refusal.value)
    assert governance.store.head() == head


def test_a_draft_on_record_from_before_the_mark_can_still_be_put_in_force(governance: Governance) -> None:
    # as a store from before holds it: drafted, then approved by somebody else, before gates were marked
    text = named(UNMARKED, "waiting")
    kept = {
        "draft": "P1",
        "version": "waiting",
        "base_version": "before",
        "title": "Before",
        "sha256": "0" * 64,
        "text": text,
        "note": "Audit asked for it.",
    }
    for state, actor, day in (("drafted", VALIDATOR.id, 4), ("approved", "ada-admin", 4.1)):
        fact = Fact(
            f"policy_{state}", "policy", "policy_draft", ({**kept, "state": state, "holds_from": None},)
        )
        governance.store.append([fact], actor=actor, at=later(day))
    assert compare_policy(governance, governance.moment(later(4.2)), draft="P1").changes == ()
    policy = publish_policy(governance, make(PublishPolicy, actor=VALIDATOR, at=later(5), draft="P1"))
    assert policy.live_gate.id == "deployment"
    assert live_by_every_account(governance, 6) == {(LIVE,)}


def test_a_comparison_says_that_another_gate_makes_live(governance: Governance) -> None:
    found = compare_policy(governance, governance.moment(later(4)), text=named(RENAMED, "next"))
    said = {
        (change.subject, change.before, change.after) for change in found.changes if change.part == "gates"
    }
    everybody = "low, moderate, high, very_high; makes live"
    assert said == {("go_live", "", everybody), ("deployment", everybody, "")}
