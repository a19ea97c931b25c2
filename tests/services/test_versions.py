"""Champions and challengers, promotion, retirement, amendment and freezing, through the services."""

from __future__ import annotations

from typing import Any

import pytest

from core.domain.chain import Fact
from core.domain.commands import (
    AmendInitiative,
    AmendModelVersion,
    DecideGate,
    PromoteVersion,
    RegisterModelVersion,
    RetireVersion,
    SubmitEvidence,
    make,
)
from core.domain.errors import BadInput, Conflict, Forbidden, GovernanceError, NotFound
from core.domain.facts.process import CheckRun
from core.lake.facts import history
from core.lake.models import current_version, versions
from core.lake.process import inventory as lake
from core.lake.query import asking, fetch, moment_values
from core.services.governance import Governance
from core.services.models.versions import (
    amend_model_version,
    promote_version,
    register_model_version,
    retire_version,
)
from core.services.process.evidence import submit_evidence
from core.services.process.gates import decide_gate
from core.services.process.initiatives import amend_initiative, initiative_sheet
from core.services.record.entries import verify_record
from tests.conftest import BUILDER, OUTSIDER, OWNER, VALIDATOR, later, register

CURRENT = asking("SELECT initiative, version FROM current_version", "current")
WHY = "It did better in the shadow run."


def add(governance: Governance, initiative: str, label: str, day: float = 2, **links: Any) -> None:
    values = {"algorithm": "Gradient boosting", "task": "binary", **links}
    register_model_version(
        governance,
        make(
            RegisterModelVersion,
            actor=BUILDER,
            at=later(day),
            initiative=initiative,
            version=label,
            **values,
        ),
    )


def promote(governance: Governance, initiative: str, label: str, day: float, **given: Any) -> None:
    values = {"actor": BUILDER, "at": later(day), "reason": WHY, **given}
    promote_version(governance, make(PromoteVersion, initiative=initiative, version=label, **values))


def retire(governance: Governance, initiative: str, label: str, day: float, **given: Any) -> None:
    values = {"actor": BUILDER, "at": later(day), "reason": "It breached its threshold.", **given}
    retire_version(governance, make(RetireVersion, initiative=initiative, version=label, **values))


def amend(governance: Governance, initiative: str, label: str, day: float, **given: Any) -> tuple[str, ...]:
    values = {"actor": BUILDER, "at": later(day), "reason": "Forgotten at registration.", **given}
    return amend_model_version(
        governance, make(AmendModelVersion, initiative=initiative, version=label, **values)
    )


def current(governance: Governance, initiative: str, day: float) -> str | None:
    """The current version as the pure path and as the query over the inventory give it; they agree."""
    moment = governance.moment(later(day))
    known = current_version(governance.store, initiative, moment)
    rows = fetch(governance.store.cursor(), CURRENT, moment_values(moment))
    found = {row["initiative"]: str(row["version"]) for row in rows}.get(initiative)
    assert found == (known.version if known else None)
    return found


def states(governance: Governance, initiative: str, day: float) -> dict[str, str]:
    rows = versions(governance.store, initiative, governance.moment(later(day)))
    return {row.version: row.state for row in rows}


def test_a_challenger_stands_beside_the_current_version_until_it_is_promoted(governance: Governance) -> None:
    initiative = register(governance)
    add(governance, initiative, "1")
    add(governance, initiative, "2", 3, role="challenger")
    assert current(governance, initiative, 3) == "1"
    assert states(governance, initiative, 3) == {"1": "candidate", "2": "registered"}
    promote(governance, initiative, "2", 4)
    assert current(governance, initiative, 4) == "2"
    assert states(governance, initiative, 4) == {"1": "superseded", "2": "candidate"}
    assert current(governance, initiative, 3.5) == "1", "as it stood before"


def test_an_initiative_whose_only_version_is_a_challenger_has_no_current_version(
    governance: Governance,
) -> None:
    initiative = register(governance)
    add(governance, initiative, "1", role="challenger")
    assert current(governance, initiative, 3) is None
    sheet = initiative_sheet(governance, governance.moment(later(3)), initiative=initiative)
    assert sheet.facts.version_on is None


def test_retiring_the_current_version_leaves_none_until_one_is_promoted(governance: Governance) -> None:
    initiative = register(governance)
    add(governance, initiative, "1")
    add(governance, initiative, "2", 3)
    retire(governance, initiative, "2", 4)
    assert current(governance, initiative, 4) is None
    assert states(governance, initiative, 4) == {"1": "superseded", "2": "retired"}
    promote(governance, initiative, "1", 5)
    assert current(governance, initiative, 5) == "1"
    promote(governance, initiative, "2", 6)
    assert states(governance, initiative, 6) == {"1": "superseded", "2": "candidate"}


def test_retiring_a_challenger_or_a_superseded_version_leaves_the_current_one(governance: Governance) -> None:
    initiative = register(governance)
    add(governance, initiative, "1")
    add(governance, initiative, "2", 3)
    add(governance, initiative, "3", 4, role="challenger")
    retire(governance, initiative, "3", 5)
    retire(governance, initiative, "1", 5)
    assert current(governance, initiative, 5) == "2"
    assert states(governance, initiative, 5) == {"1": "retired", "2": "candidate", "3": "retired"}


def test_proofs_of_a_retired_version_no_longer_count(governance: Governance) -> None:
    initiative = register(governance)
    add(governance, initiative, "1")
    command = make(
        SubmitEvidence,
        actor=BUILDER,
        at=later(3),
        initiative=initiative,
        measure="full_snapshot",
        title="Snapshot",
        link="https://wiki.example.org/snapshot",
    )
    submit_evidence(governance, command)
    before = lake.initiative_facts(governance.store, initiative, governance.moment(later(3)))
    retire(governance, initiative, "1", 4)
    after = lake.initiative_facts(governance.store, initiative, governance.moment(later(4)))
    assert before is not None and after is not None
    assert "full_snapshot" in before.evidence and "full_snapshot" not in after.evidence
    assert not {"versions_locked", "data_digest"} & set(after.checks)


def test_checks_of_a_challenger_run_when_it_is_promoted_and_not_before(governance: Governance) -> None:
    initiative = register(governance)
    add(governance, initiative, "1", role="challenger")
    runs = history(governance.store, CheckRun, governance.moment(later(3)), initiative)
    assert {run.version for run in runs} == {None}
    promote(governance, initiative, "1", 4)
    runs = history(governance.store, CheckRun, governance.moment(later(4)), initiative)
    assert "1" in {run.version for run in runs}


def test_what_registration_left_out_is_filled_in_and_every_reader_sees_it(governance: Governance) -> None:
    initiative = register(governance)
    add(governance, initiative, "1", metrics={"accuracy": 0.9})
    changed = amend(governance, initiative, "1", 3, data_sha256="b" * 64, metrics={"roc_auc": 0.8})
    assert changed == ("data_sha256", "metrics")
    moment = governance.moment(later(3))
    newest = current_version(governance.store, initiative, moment)
    assert newest is not None and newest.data_sha256 == "b" * 64
    row = versions(governance.store, initiative, moment)[0]
    assert row.metrics == {"accuracy": 0.9, "roc_auc": 0.8} and row.amended == 1
    facts = lake.initiative_facts(governance.store, initiative, moment)
    assert facts is not None and facts.checks["data_digest"].verdict == "pass"
    before = versions(governance.store, initiative, governance.moment(later(2)))[0]
    assert before.data_sha256 == "" and before.metrics == {"accuracy": 0.9}
    assert verify_record(governance).first_break is None


def test_links_of_a_registration_that_older_tables_do_not_hold_are_kept(governance: Governance) -> None:
    initiative = register(governance)
    add(governance, initiative, "1", image_uri="oci://images/one", image_sha256="e" * 64, data_kind="full")
    row = versions(governance.store, initiative, governance.moment(later(2)))[0]
    assert (row.image_uri, row.image_sha256, row.data_kind) == ("oci://images/one", "e" * 64, "full")
    assert row.amended == 0


def test_an_approved_version_is_frozen(governance: Governance) -> None:
    initiative = register(governance, "Meal Mix Sheet", heavy=False)
    add(governance, initiative, "1")
    amend(governance, initiative, "1", 3, notes="Before approval it may be filled in.")
    decision = decide_gate(
        governance, DecideGate(actor=BUILDER, at=later(4), initiative=initiative, gate="deployment")
    )
    assert decision.is_open
    head = governance.store.head()
    with pytest.raises(Conflict, match="was approved on 2026-01-09 and is frozen") as refused:
        amend(governance, initiative, "1", 5, notes="Too late.")
    assert refused.value.remedy == "Register a new version."
    assert governance.store.head() == head
    add(governance, initiative, "2", 6)
    amend(governance, initiative, "2", 7, notes="A new version is open again.")


def test_it_stays_frozen_when_the_gate_shuts_again(governance: Governance) -> None:
    initiative = register(governance, "Meal Mix Sheet", heavy=False)
    add(governance, initiative, "1")
    for day, outcome in ((3, "open"), (4, "blocked")):
        row = {"initiative": initiative, "version": "1", "gate": "deployment", "outcome": outcome}
        row |= {"findings": "[]", "policy_version": "2.0", "makes_live": None}
        fact = Fact("gate_decided", initiative, "decision", (row,))
        governance.store.append([fact], actor=BUILDER.id, at=later(day))
    with pytest.raises(Conflict, match="frozen"):
        amend(governance, initiative, "1", 5, notes="Too late.")


@pytest.mark.parametrize(
    ("gate", "version", "outcome", "frozen"),
    [
        ("development", "1", "approved", True),
        ("development", "1", "rejected", False),
        ("development", "2", "approved", False),
        ("scoping", "1", "approved", False),
    ],
)
def test_an_approving_sign_off_of_the_version_freezes_it(
    governance: Governance, gate: str, version: str, outcome: str, frozen: bool
) -> None:
    initiative = register(governance)
    add(governance, initiative, "1")
    columns = governance.store.columns["sign_off"]
    row = {**dict.fromkeys(columns, ""), "initiative": initiative, "gate": gate, "act": "decided"}
    row |= {"outcome": outcome, "version": version, "evidence": "{}", "condition_due": None}
    fact = Fact("gate_signed_off", initiative, "sign_off", (row,))
    governance.store.append([fact], actor=VALIDATOR.id, at=later(3))
    if frozen:
        with pytest.raises(Conflict, match="frozen"):
            amend(governance, initiative, "1", 4, notes="Too late.")
    else:
        assert amend(governance, initiative, "1", 4, notes="In time.") == ("notes",)


@pytest.mark.parametrize(
    ("act", "problem", "sentence"),
    [
        (lambda g, i: promote(g, i, "9", 5), NotFound, "has no version '9'"),
        (lambda g, i: promote(g, "nope", "1", 5), NotFound, "no initiative 'nope'"),
        (lambda g, i: promote(g, i, "1", 5), Conflict, "is the current one already"),
        (lambda g, i: promote(g, i, "2", 5, reason="why"), BadInput, "reason needs at least 5"),
        (lambda g, i: promote(g, i, "2", 5, actor=OUTSIDER), Forbidden, "may not put a version forward"),
        (lambda g, i: promote(g, i, "2", 5, actor=VALIDATOR), Forbidden, "may not put a version forward"),
        (lambda g, i: retire(g, i, "3", 5), Conflict, "is retired already"),
        (lambda g, i: retire(g, i, "1", 5, reason=""), BadInput, "reason needs at least 5"),
        (lambda g, i: retire(g, i, "1", 5, actor=OUTSIDER), Forbidden, "may not retire"),
        (lambda g, i: amend(g, i, "1", 5), BadInput, "nothing would change"),
        (lambda g, i: amend(g, i, "1", 5, code_commit="abc"), BadInput, "give the full commit"),
        (lambda g, i: amend(g, i, "1", 5, image_uri="x"), BadInput, "give a full address such as oci"),
        (lambda g, i: amend(g, i, "1", 5, metrics={"a": float("nan")}), BadInput, "not a finite number"),
        (lambda g, i: amend(g, i, "1", 5, notes="x", actor=OWNER), Forbidden, "may not register"),
        (lambda g, i: add(g, i, "2", 5, role="king"), BadInput, "role"),
        (lambda g, i: add(g, i, "2", 5, role="challenger"), Conflict, "is registered already"),
    ],
)
def test_wrong_input_is_one_sentence_and_stores_nothing(
    governance: Governance, act: Any, problem: type[GovernanceError], sentence: str
) -> None:
    initiative = register(governance)
    add(governance, initiative, "1")
    add(governance, initiative, "2", 3, role="challenger")
    add(governance, initiative, "3", 3, role="challenger")
    retire(governance, initiative, "3", 4)
    head = governance.store.head()
    with pytest.raises(problem, match=sentence):
        act(governance, initiative)
    assert governance.store.head() == head


def test_amending_the_initiative_leaves_its_versions(governance: Governance) -> None:
    initiative = register(governance)
    add(governance, initiative, "1")
    amend_initiative(
        governance,
        make(AmendInitiative, actor=BUILDER, at=later(3), initiative=initiative, name="Another Name"),
    )
    assert current(governance, initiative, 3) == "1"
