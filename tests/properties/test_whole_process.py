"""Any sequence of commands by anybody, held against what has to hold.

Gates open only on what is met, nobody signs their own work, the record replays to the current state, and what
was shown at a moment is shown for it ever after.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.domain.chain import Fact
from core.domain.commands import (
    AmendInitiative,
    DecideGate,
    OverrideClassification,
    PromoteVersion,
    RegisterModelVersion,
    RetireVersion,
    SubmitEvidence,
    make,
)
from core.domain.errors import GovernanceError
from core.domain.moment import Moment
from core.domain.policy.requirement_list import plan_at
from core.domain.process.commands import (
    DecideWaiver,
    DelegateSignOff,
    GiveFeedback,
    PullModel,
    RaiseFinding,
    RequestSignOff,
    RequestWaiver,
    ResolveFinding,
    SignGate,
    VerifyFinding,
    WithdrawSignature,
)
from core.domain.process.requirements import requirement_states
from core.lake.process import inventory as lake
from core.lake.process.inventory import gate_lines
from core.lake.record.verify import verify_store
from core.lake.store import Store, open_memory_store
from core.services.governance import Governance
from core.services.models.versions import promote_version, register_model_version, retire_version
from core.services.process.classification import override_classification
from core.services.process.evidence import submit_evidence
from core.services.process.findings import (
    decide_waiver,
    raise_finding,
    request_waiver,
    resolve_finding,
    verify_finding,
)
from core.services.process.gates import decide_gate, pull_model
from core.services.process.initiatives import amend_initiative
from core.services.process.sign_offs import (
    delegate_sign_off,
    give_feedback,
    request_sign_off,
    sign_gate,
    withdraw_signature,
)
from tests.conftest import BUILDER, CAST, OWNER, VALIDATOR, founded, later, register
from tests.process import (
    ANALYST,
    BUSINESS,
    HEAD,
    LOCKED,
    OPS,
    PRODUCTION,
    SECOND,
    SIGNERS,
    THIRD,
    prove_all,
    put_in_force,
    seat_signers,
    version,
    without_predictions,
)

INITIATIVE = "card-limit-advice"
PEOPLE = {person.id: person for person in (*CAST, *SIGNERS)}
ROLES = ["business_stakeholder", "risk_audit", "data_ops", "production", "head_of_risk"]
GATES = ["scoping", "ideation", "development", "preproduction", "deployment", "monitoring"]
MEASURES = ["development_logged", "red_team", "full_snapshot", "elastic_cluster", "column_lineage"]

anybody = st.sampled_from(sorted(PEOPLE))
signers = st.sampled_from([p.id for p in (BUSINESS, SECOND, THIRD, HEAD, OPS, PRODUCTION, OWNER, BUILDER)])
words = st.sampled_from(["one", "two", "three"])


class WholeProcess(RuleBasedStateMachine):
    """People act in any order on one initiative of the strictest class, which is proved at first."""

    def __init__(self) -> None:
        super().__init__()
        self.day = 5.0
        self.shown: list[tuple[Moment, Any]] = []

    @initialize()
    def begin(self) -> None:
        """Found a store in which everything is proved and nothing is signed."""
        self.governance: Governance = founded(Path("unused"))
        seat_signers(self.governance)
        put_in_force(self.governance, without_predictions())
        register(self.governance)
        version(self.governance, INITIATIVE)
        prove_all(self.governance, INITIATIVE, 3)

    def teardown(self) -> None:
        """At the end the record is replayed, and every moment is looked at again."""
        if hasattr(self, "governance"):
            self.as_it_was_shown()
            self.replayed()
            self.governance.close()

    def act(self, service: Callable[[Governance, Any], Any], kind: Any, person: str, **values: Any) -> None:
        """Let somebody try something; what is refused leaves no trace."""
        self.day += 0.01
        head = self.governance.store.head()
        try:
            command = make(kind, actor=PEOPLE[person], at=later(self.day), initiative=INITIATIVE, **values)
            service(self.governance, command)
        except GovernanceError as problem:
            assert problem.remedy, problem
            assert self.governance.store.head() == head

    @rule(gate=st.sampled_from(GATES), person=anybody)
    def ask_for_signatures(self, gate: str, person: str) -> None:
        self.act(request_sign_off, RequestSignOff, person, gate=gate)

    @rule(gate=st.sampled_from(GATES))
    def sign_as_meant(self, gate: str) -> None:
        """The usual way through a gate, so that gates do open: whoever is refused is refused."""
        self.act(request_sign_off, RequestSignOff, BUILDER.id, gate=gate)
        for person, role in ((OPS, "data_ops"), (PRODUCTION, "production")):
            self.act(give_feedback, GiveFeedback, person.id, gate=gate, outcome="approved", role=role)
        for person in (BUSINESS, SECOND, THIRD):
            given = {"outcome": "approved", "role": person.roles[0]}
            self.act(sign_gate, SignGate, person.id, gate=gate, **given)
        self.act(decide_gate, DecideGate, BUILDER.id, gate=gate)

    @rule(
        gate=st.sampled_from(GATES),
        person=signers,
        role=st.sampled_from(ROLES),
        outcome=st.sampled_from(["approved", "approved", "approved", "rejected", "abandoned"]),
        behalf=st.sampled_from(["", "", OWNER.id, BUSINESS.id, SECOND.id]),
    )
    def sign(self, gate: str, person: str, role: str, outcome: str, behalf: str) -> None:
        given = {"gate": gate, "role": role, "outcome": outcome, "on_behalf_of": behalf}
        self.act(sign_gate, SignGate, person, reason="Looked at it.", **given)

    @rule(
        gate=st.sampled_from(GATES),
        person=signers,
        role=st.sampled_from(ROLES),
        outcome=st.sampled_from(["approved", "minor_issue", "major_issue"]),
    )
    def advise(self, gate: str, person: str, role: str, outcome: str) -> None:
        given = {"gate": gate, "role": role, "outcome": outcome, "reason": "Seen."}
        self.act(give_feedback, GiveFeedback, person, **given)

    @rule(gate=st.sampled_from(GATES), person=signers)
    def withdraw(self, gate: str, person: str) -> None:
        self.act(withdraw_signature, WithdrawSignature, person, gate=gate, reason="The wrong version.")

    @rule(person=signers, delegate=signers, role=st.sampled_from(ROLES), days=st.integers(-1, 30))
    def delegate(self, person: str, delegate: str, role: str, days: int) -> None:
        self.day += 0.01
        until = later(self.day + days).date()
        values = {"delegate": delegate, "role": role, "until": until, "reason": "Away for some time."}
        try:
            command = make(DelegateSignOff, actor=PEOPLE[person], at=later(self.day), **values)
            delegate_sign_off(self.governance, command)
        except GovernanceError as problem:
            assert problem.remedy, problem

    @rule(
        measure=st.sampled_from(MEASURES),
        said=words,
        person=st.sampled_from([BUILDER.id, VALIDATOR.id, ANALYST.id]),
    )
    def submit(self, measure: str, said: str, person: str) -> None:
        link = f"https://wiki.example.org/{measure}/{said}"
        self.act(submit_evidence, SubmitEvidence, person, measure=measure, title="Proof", link=link)

    @rule(label=st.sampled_from(["2", "3"]), challenger=st.booleans())
    def new_version(self, label: str, challenger: bool) -> None:
        role = {"role": "challenger"} if challenger else {}
        given = {"algorithm": "Gradient boosting", "task": "binary", **LOCKED, **role}
        self.act(register_model_version, RegisterModelVersion, BUILDER.id, version=label, **given)

    @rule(label=st.sampled_from(["1", "2", "3"]), promotes=st.booleans())
    def move_version(self, label: str, promotes: bool) -> None:
        service, kind = (promote_version, PromoteVersion) if promotes else (retire_version, RetireVersion)
        self.act(service, kind, BUILDER.id, version=label, reason="The other one is better.")

    @rule(owner=st.sampled_from([OWNER.id, BUSINESS.id, SECOND.id]))
    def change_owner(self, owner: str) -> None:
        self.act(amend_initiative, AmendInitiative, BUILDER.id, owner=owner)

    @rule(class_id=st.sampled_from(["low", "moderate", "high", "very_high"]))
    def reclassify(self, class_id: str) -> None:
        self.act(
            override_classification,
            OverrideClassification,
            VALIDATOR.id,
            class_id=class_id,
            justification="The use of it has changed since.",
        )

    @rule(measure=st.sampled_from(MEASURES), person=anybody, days=st.integers(0, 70))
    def ask_for_waiver(self, measure: str, person: str, days: int) -> None:
        until = later(self.day + days).date()
        given = {"measure": measure, "until": until, "reason": "It is late by a week."}
        self.act(request_waiver, RequestWaiver, person, compensation="Two analysts look at it.", **given)

    @rule(
        waiver=st.sampled_from(["W1", "W2"]), person=signers, outcome=st.sampled_from(["granted", "refused"])
    )
    def answer_waiver(self, waiver: str, person: str, outcome: str) -> None:
        given = {"waiver": waiver, "outcome": outcome, "note": "Thought about it."}
        self.act(decide_waiver, DecideWaiver, person, **given)

    @rule(severity=st.sampled_from(["blocker", "minor"]), step=st.sampled_from(GATES), person=signers)
    def find(self, severity: str, step: str, person: str) -> None:
        given = {"severity": severity, "step": step, "title": "Ages are wrong"}
        self.act(raise_finding, RaiseFinding, person, due_on=later(self.day + 9).date(), **given)

    @rule(finding=st.sampled_from(["F1", "F2"]), person=signers, verifies=st.booleans(), mended=st.booleans())
    def mend(self, finding: str, person: str, verifies: bool, mended: bool) -> None:
        given: dict[str, Any] = {"finding": finding, "note": "Looked at the rows."}
        if verifies:
            self.act(verify_finding, VerifyFinding, person, mended=mended, **given)
        else:
            self.act(resolve_finding, ResolveFinding, person, **given)

    @rule(version=st.sampled_from(["no-predictions", "stricter"]))
    def change_policy(self, version: str) -> None:
        text = without_predictions(version=f"{version}-{self.governance.store.head()}")
        if version == "stricter":
            text = text.replace("the report of the red team on this version", "two reports of red teams")
        self.day += 0.01
        put_in_force(self.governance, text, self.day)

    @rule()
    def pull(self) -> None:
        self.act(pull_model, PullModel, OPS.id, reason="It answers with old prices.")

    @rule(gate=st.sampled_from(GATES), person=st.sampled_from([BUILDER.id, OWNER.id, OPS.id]))
    def ask_for_a_decision(self, gate: str, person: str) -> None:
        self.act(decide_gate, DecideGate, person, gate=gate)

    @rule(days=st.integers(1, 200))
    def wait(self, days: int) -> None:
        self.day += days

    @invariant()
    def an_open_gate_has_all_that_it_asks_for(self) -> None:
        """The newest decision, if open, stands on requirements met, signatures held and no open finding."""
        if not hasattr(self, "governance"):
            return
        store = self.governance.store
        rows = _fetch(store, "SELECT * FROM decision ORDER BY seq DESC LIMIT 1")
        if not rows or rows[0]["outcome"] != "open":
            return
        decided = rows[0]
        event(f"{decided['gate']} open")
        moment = Moment(decided["seq"] - 1, _utc(decided["recorded_at"]))
        policy = self.governance.policy(moment)
        facts = lake.initiative_facts(store, INITIATIVE, moment)
        assert facts is not None
        gate = policy.gate(decided["gate"])
        assert gate is not None
        last = policy.step_order[gate.step]
        for state in requirement_states(policy, facts, moment.day):
            assert state.satisfied or policy.step_order[state.requirement.step] > last
        for found in _fetch(store, _OPEN_FINDINGS, decided["seq"]):
            assert found["severity"] == "minor" or policy.step_order[found["step"]] > last
        plan = plan_at(policy, facts.class_id, gate.id)
        for approval in plan.approvals if plan else ():
            rows = _fetch(store, _APPROVALS, decided["seq"], gate.id, gate.id, decided["seq"], approval.role)
            assert len({row["seat"] for row in rows}) >= approval.quorum

    @invariant()
    def nobody_signed_their_own_work(self) -> None:
        if not hasattr(self, "governance"):
            return
        store = self.governance.store
        for row in _fetch(store, "SELECT * FROM sign_off WHERE act = 'decided' ORDER BY seq DESC LIMIT 3"):
            signed = {row["actor"], row["on_behalf_of"]} - {""}
            own = _fetch(store, _OWN_WORK, row["seq"], row["seq"], row["version"], row["seq"], row["version"])
            assert not signed & {known["person"] for known in own}

    @invariant()
    def remember_what_is_shown(self) -> None:
        if not hasattr(self, "governance"):
            return
        moment = self.governance.moment(later(self.day))
        if not self.shown or self.shown[-1][0].seq != moment.seq:
            self.shown.append((moment, self.picture(self.governance.store, moment)))

    def picture(self, store: Store, moment: Moment) -> Any:
        """What pages show of the initiative at a moment."""
        policy = self.governance.policy(moment)
        store.memory.forget()
        return lake.initiative_facts(store, INITIATIVE, moment), gate_lines(store, policy, moment)

    def as_it_was_shown(self) -> None:
        """As of every moment: what was shown then."""
        for moment, picture in self.shown[:: max(1, len(self.shown) // 8)]:
            assert self.picture(self.governance.store, moment) == picture

    def replayed(self) -> None:
        """Appending the same facts to an empty store gives the same state and the same chain."""
        old = self.governance.store
        assert verify_store(old).first_break is None
        fresh = open_memory_store(Path("unused"))
        for entry in _fetch(old, "SELECT * FROM record ORDER BY seq"):
            columns = list(old.columns[entry["fact_table"]])
            rows = _fetch(
                old, f"SELECT {', '.join(columns)} FROM {entry['fact_table']} WHERE seq = ?", entry["seq"]
            )
            fact = Fact(entry["action"], entry["subject"], entry["fact_table"], tuple(rows))
            fresh.append([fact], actor=entry["actor"], at=_utc(entry["recorded_at"]))
        assert _fetch(fresh, "SELECT * FROM head") == _fetch(old, "SELECT * FROM head")
        moment = self.governance.moment(later(self.day))
        assert self.picture(fresh, moment)[0] == self.picture(old, moment)[0]
        outcomes = [
            {(line.gate, line.outcome) for line in self.picture(store, moment)[1]} for store in (fresh, old)
        ]
        assert outcomes[0] == outcomes[1]
        fresh.close()


_OPEN_FINDINGS = """
    SELECT * FROM finding WHERE seq < ? QUALIFY row_number() OVER (PARTITION BY finding ORDER BY seq DESC) = 1
        AND state <> 'closed'
"""
_APPROVALS = """
    SELECT coalesce(nullif(on_behalf_of, ''), actor) AS seat FROM sign_off
    WHERE seq < ? AND gate = ? AND act = 'decided' AND outcome = 'approved'
        AND seq > (SELECT max(seq) FROM sign_off WHERE act = 'requested' AND gate = ? AND seq < ?)
        AND role = ?
"""
_OWN_WORK = """
    SELECT unnest([owner, builder]) AS person FROM initiative WHERE seq < ?
    UNION SELECT actor FROM evidence WHERE seq < ? AND (version IS NULL OR version = ?)
    UNION SELECT actor FROM model_version WHERE seq < ? AND version = ?
"""


def _fetch(store: Store, query: str, *values: Any) -> list[dict[str, Any]]:
    cursor: duckdb.DuckDBPyConnection = store.cursor()
    cursor.execute(query, list(values))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _utc(at: Any) -> Any:
    from datetime import UTC

    return at.replace(tzinfo=UTC)


WholeProcess.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestWholeProcess = WholeProcess.TestCase
