"""Whatever one person does alone, with every role there is: what takes two people does not come about.

Others sit in the house and never act. What is done in an emergency lasts some days and leaves a finding.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.domain.actors import Actor
from core.domain.commands import (
    AmendInitiative,
    DecideGate,
    DeployVersion,
    DraftPolicy,
    OverrideClassification,
    PromoteVersion,
    PublishPolicy,
    RegisterInitiative,
    RegisterModelVersion,
    RetireVersion,
    ReviewPolicy,
    RunChecks,
    SubmitEvidence,
    make,
)
from core.domain.errors import GovernanceError
from core.domain.facts.process import Classification
from core.domain.process.commands import (
    ConfirmClass,
    DecideWaiver,
    DelegateSignOff,
    GiveFeedback,
    PullModel,
    RaiseFinding,
    ReassessInitiative,
    ReopenInitiative,
    RequestSignOff,
    RequestWaiver,
    ResolveFinding,
    RetireInitiative,
    SignGate,
    VerifyFinding,
    WithdrawWaiver,
)
from core.lake.directory import put_person
from core.lake.facts import latest
from core.services.governance import Governance
from core.services.models.versions import (
    deploy_version,
    promote_version,
    register_model_version,
    retire_version,
)
from core.services.process import classification, findings, sign_offs
from core.services.process.checks import run_checks
from core.services.process.evidence import submit_evidence
from core.services.process.gates import ask_gate, decide_gate, pull_model, stands
from core.services.process.initiatives import (
    amend_initiative,
    initiative_sheet,
    register_initiative,
    reopen_initiative,
    retire_initiative,
)
from core.services.record.people import AddPerson, add_person
from core.services.record.proposals import AgreeToProposal, agree_to_proposal
from core.services.rules.ethics import PublishEthics, publish_ethics
from core.services.rules.policies import draft_policy, publish_policy
from core.services.rules.previews import review_policy
from tests.conftest import BUILDER, CONFIG, OWNER, answers_for, founded, later, register
from tests.process import LOCKED, prove_all, put_in_force, seat_signers, version, without_predictions

SOLO = "sol-solo"
NAMES = ("Card Limit Advice", "Card Limit Hints", "Meal Mix Sheet")
IDS = ("card-limit-advice", "card-limit-hints", "meal-mix-sheet")
PURPOSES = ("Advise customers on the limit of their card.", "Count the meals of each kind.")
CLASSES = ("low", "moderate", "high", "very_high")
GATES = ("scoping", "ideation", "development", "preproduction", "deployment", "monitoring")
WHY = "The use of it has changed since."
initiatives, labels = st.sampled_from(IDS), st.sampled_from(("1", "2"))
MEASURES = ("model_documented", "metrics_recorded", "purpose_and_personal_data", "red_team")


class Alone(RuleBasedStateMachine):
    """One person with every role acts on up to three initiatives; nobody else does anything."""

    def __init__(self) -> None:
        super().__init__()
        self.day = 5.0
        self.least: dict[str, int] = {}

    @initialize()
    def begin(self) -> None:
        """Found a store with people, by the shipped policy without what looks at predictions."""
        self.governance: Governance = founded(Path("unused"))
        seat_signers(self.governance)
        put_in_force(self.governance, without_predictions(confirmed=True))
        roles = self.governance.rules(self.governance.moment(later(4))).roles
        self.solo = Actor(
            id=SOLO, name="Sol Solo", team="Credit", roles=tuple(role.id for role in roles.roles)
        )
        put_person(self.governance.store, self.solo)
        moment = self.governance.moment(later(4))
        self.rules = (self.governance.policy(moment).version, self.governance.position(moment).version)

    def teardown(self) -> None:
        if hasattr(self, "governance"):
            self.governance.close()

    def act(self, service: Callable[[Governance, Any], Any], kind: Any, **values: Any) -> Any:
        """Let the one person try something; None where it is refused."""
        self.day += 0.01
        try:
            return service(self.governance, make(kind, actor=self.solo, at=later(self.day), **values))
        except GovernanceError as problem:
            assert problem.remedy, problem
        return None

    def until(self, days: int) -> Any:
        return (later(self.day) + timedelta(days=days)).date()

    @rule(place=st.integers(0, 2), heavy=st.booleans(), own=st.booleans(), purpose=st.integers(0, 1))
    def register(self, place: int, heavy: bool, own: bool, purpose: int) -> None:
        people = {"owner": SOLO, "builder": SOLO} if own else {"owner": OWNER.id, "builder": BUILDER.id}
        answers = answers_for(self.governance, heavy=heavy)
        given = {"name": NAMES[place], "purpose": PURPOSES[purpose], "team": "Credit", "answers": answers}
        self.act(register_initiative, RegisterInitiative, **given, **people)

    @rule(of=initiatives, owner=st.sampled_from((SOLO, OWNER.id)), purpose=st.integers(0, 1))
    def amend(self, of: str, owner: str, purpose: int) -> None:
        self.act(amend_initiative, AmendInitiative, initiative=of, owner=owner, purpose=PURPOSES[purpose])

    @rule(of=initiatives, label=labels, content=st.sampled_from("ab"))
    def add_version(self, of: str, label: str, content: str) -> None:
        given = {"version": label, "algorithm": "Gradient boosting", "task": "binary", **LOCKED}
        given |= {"artifact_sha256": content * 64, "data_sha256": content * 64}
        self.act(register_model_version, RegisterModelVersion, initiative=of, **given)

    @rule(of=initiatives, label=labels, retires=st.booleans())
    def move_version(self, of: str, label: str, retires: bool) -> None:
        service, kind = (retire_version, RetireVersion) if retires else (promote_version, PromoteVersion)
        self.act(service, kind, initiative=of, version=label, reason=WHY)

    @rule(
        of=initiatives,
        label=st.sampled_from(("", "1", "2")),
        role=st.sampled_from(("production", "shadow")),
        emergency=st.booleans(),
    )
    def deploy(self, of: str, label: str, role: str, emergency: bool) -> None:
        given = {"version": label, "role": role, "emergency": emergency, "reason": WHY}
        self.act(deploy_version, DeployVersion, initiative=of, **given)

    @rule(of=initiatives, what=st.sampled_from(("pull", "retire", "reopen")))
    def end(self, of: str, what: str) -> None:
        services: dict[str, tuple[Any, Any]] = {
            "pull": (pull_model, PullModel),
            "retire": (retire_initiative, RetireInitiative),
            "reopen": (reopen_initiative, ReopenInitiative),
        }
        self.act(*services[what], initiative=of, reason=WHY)

    @rule(of=initiatives, heavy=st.booleans())
    def reassess(self, of: str, heavy: bool) -> None:
        given = {"answers": answers_for(self.governance, heavy=heavy), "note": WHY}
        self.act(classification.reassess_initiative, ReassessInitiative, initiative=of, **given)

    @rule(of=initiatives, to=st.sampled_from(CLASSES), emergency=st.booleans(), days=st.integers(0, 40))
    def override(self, of: str, to: str, emergency: bool, days: int) -> None:
        given = {"class_id": to, "justification": WHY, "emergency": emergency, "until": self.until(days)}
        given["compensation"] = "Two analysts look at it."
        self.act(classification.override_classification, OverrideClassification, initiative=of, **given)

    @rule(of=initiatives)
    def confirm(self, of: str) -> None:
        self.act(classification.confirm_class, ConfirmClass, initiative=of, note="Read the answers.")

    @rule(of=initiatives)
    def prove(self, of: str) -> None:
        """The one person submits whatever is missing, and runs the checks."""
        try:
            sheet = initiative_sheet(self.governance, self.governance.moment(later(self.day)), initiative=of)
        except GovernanceError:
            return
        for state in sheet.requirements:
            if state.requirement.measure.evidence is not None and not state.satisfied:
                given = {"measure": state.requirement.measure.id, "title": "Proof"}
                given["link"] = f"https://wiki.example.org/{state.requirement.measure.id}"
                self.act(submit_evidence, SubmitEvidence, initiative=of, **given)
        self.act(run_checks, RunChecks, initiative=of)

    @rule(of=initiatives, measure=st.sampled_from(MEASURES), emergency=st.booleans())
    def waive(self, of: str, measure: str, emergency: bool) -> None:
        given = {
            "measure": measure,
            "reason": WHY,
            "compensation": "Two look at it.",
            "until": self.until(20),
        }
        name = self.act(findings.request_waiver, RequestWaiver, initiative=of, emergency=emergency, **given)
        if name and not emergency:
            told = {"waiver": name, "note": "It is late by a week."}
            self.act(findings.decide_waiver, DecideWaiver, initiative=of, outcome="granted", **told)
            self.act(findings.withdraw_waiver, WithdrawWaiver, initiative=of, **told)

    @rule(of=initiatives, gate=st.sampled_from(GATES), on_behalf=st.sampled_from(("", OWNER.id)))
    def sign(self, of: str, gate: str, on_behalf: str) -> None:
        about = {"initiative": of, "gate": gate}
        self.act(sign_offs.request_sign_off, RequestSignOff, **about)
        for role in ("data_ops", "production"):
            self.act(sign_offs.give_feedback, GiveFeedback, role=role, on_behalf_of=on_behalf, **about)
        for role in ("business_stakeholder", "risk_audit"):
            given = {"role": role, "outcome": "approved", "on_behalf_of": on_behalf}
            self.act(sign_offs.sign_gate, SignGate, **about, **given)

    @rule(role=st.sampled_from(("risk_audit", "business_stakeholder")))
    def delegate(self, role: str) -> None:
        given = {"delegate": OWNER.id, "role": role, "until": self.until(5), "reason": WHY}
        self.act(sign_offs.delegate_sign_off, DelegateSignOff, **given)

    @rule(of=initiatives, gate=st.sampled_from(GATES))
    def decide(self, of: str, gate: str) -> None:
        self.act(decide_gate, DecideGate, initiative=of, gate=gate)

    @rule(of=initiatives, name=st.sampled_from(("F1", "F2")), raises=st.booleans())
    def mend(self, of: str, name: str, raises: bool) -> None:
        if raises:
            given = {"title": "Ages are wrong", "severity": "major", "step": "development"}
            self.act(findings.raise_finding, RaiseFinding, initiative=of, due_on=self.until(9), **given)
        told = {"finding": name, "note": "Looked at the rows."}
        self.act(findings.resolve_finding, ResolveFinding, initiative=of, **told)
        self.act(findings.verify_finding, VerifyFinding, initiative=of, mended=True, **told)

    @rule(name=st.sampled_from(("C1", "C2", "C3")))
    def agree(self, name: str) -> None:
        self.act(agree_to_proposal, AgreeToProposal, proposal=name)

    @rule()
    def loosen_limits(self) -> None:
        text = (CONFIG / "ethics.yaml").read_text(encoding="utf-8")
        loose = text.replace("0.8", "0.01").replace('version: "', 'version: "9.', 1)
        self.act(publish_ethics, PublishEthics, text=loose, name="ethics.yaml")

    @rule()
    def loosen_policy(self) -> None:
        version = f"loose-{self.governance.store.head()}"
        given = {"text": without_predictions(version), "name": "policy.yaml"}
        draft = self.act(draft_policy, DraftPolicy, **given)
        if draft:
            note = "Read it and its preview."
            self.act(review_policy, ReviewPolicy, draft=draft, outcome="approved", note=note)
            self.act(publish_policy, PublishPolicy, draft=draft)

    @rule(person=st.sampled_from((SOLO, "new-person")), role=st.sampled_from(("risk_audit", "head_of_risk")))
    def widen_rights(self, person: str, role: str) -> None:
        self.act(add_person, AddPerson, person=person, name="Somebody Else", roles=(role,))

    @rule(days=st.integers(1, 60))
    def wait(self, days: int) -> None:
        self.day += days

    @invariant()
    def nothing_came_about_that_takes_two(self) -> None:
        if not hasattr(self, "governance"):
            return
        moment = self.governance.moment(later(self.day))
        policy = self.governance.policy(moment)
        assert (policy.version, self.governance.position(moment).version) == self.rules
        known = {person.id: person.roles for person in self.governance.people()}
        assert set(known[SOLO]) <= set(self.solo.roles)
        assert not set(known.get("new-person", ())) & {"risk_audit", "head_of_risk"}
        for initiative in IDS:
            self.holds_for(initiative)

    def holds_for(self, initiative: str) -> None:
        moment = self.governance.moment(later(self.day))
        classified = latest(self.governance.store, Classification, moment, initiative)
        if classified is None:
            return
        policy = self.governance.policy(moment)
        rank = policy.class_order[classified.on(moment.day).class_id]
        told = findings.findings_list(self.governance, moment, initiative=initiative)
        alone = [one for one in told if one.check_id == "emergency" and one.state != "closed"]
        if rank < self.least.get(initiative, 0):
            event("a class lowered in an emergency")
            assert alone and classified.until is not None, "lowered by one person"
            assert classified.until <= classified.recorded_at.date() + timedelta(days=policy.emergency_days)
        self.least[initiative] = max(self.least.get(initiative, 0), rank)
        live = ask_gate(self.governance, initiative, policy.live_gate.id, moment)
        if rank > 0:
            assert not live.is_open, "opened by one person"
        for gate in policy.gates_of(policy.classes[rank].id) if policy.classes[rank].confirmed else ():
            assert not ask_gate(self.governance, initiative, gate.id, moment).is_open
        run = stands(self.governance, initiative, moment).in_production
        if run is not None and self.least[initiative] > 0:
            event("in production")
            assert run.until is None or alone, "an emergency leaves a finding"


Alone.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestAlone = Alone.TestCase


def test_proved_alone_nothing_above_low_goes_live(governance: Governance) -> None:
    """The way that the machine seldom finds: all is proved, and still somebody else is missing."""
    seat_signers(governance)
    put_in_force(governance, without_predictions(confirmed=True))
    register(governance)
    version(governance, IDS[0])
    prove_all(governance, IDS[0], 3)
    for gate in GATES:
        decision = ask_gate(governance, IDS[0], gate, governance.moment(later(4)))
        assert "Nobody has confirmed its class" in {finding.message for finding in decision.findings}
