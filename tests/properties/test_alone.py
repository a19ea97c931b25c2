"""Whatever one person does alone, with whichever roles: what takes two people does not come about.

Two to five people with roles, units and ties are drawn. All do what was drawn; from then on one alone
acts. What is done in an emergency lasts some days and leaves a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any, ClassVar

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.domain.actors import Actor
from core.domain.errors import GovernanceError
from core.domain.facts.measured import BusinessKpi
from core.domain.facts.process import Classification, Finding, Waiver
from core.domain.facts.rules import PolicyDraft, Proposal
from core.domain.moment import Moment
from core.lake.directory import put_person
from core.lake.facts import history, latest, newest
from core.lake.process.inventory import owners_and_builders
from core.lake.store import save_store
from core.services.governance import Governance
from core.services.process.gates import ask_gate, stands
from core.services.process.initiatives import initiative_sheet
from core.services.process.sign_offs import lay_table
from core.services.record.identity import by_token
from core.services.record.people import signing_roles
from core.services.use_case import Call
from core.services.use_cases import every_use_case, run_use_case
from core.services.work.tasks import open_tasks
from tests.conftest import CONFIG, THOROUGH, answers_for, founded, later, register, shipped
from tests.process import (
    BUSINESS,
    LOCKED,
    OPS,
    PRODUCTION,
    SECOND,
    advise,
    ask,
    prove_all,
    put_in_force,
    seat_signers,
    sign,
    thawed,
    version,
    without_predictions,
)
from tests.services.test_reading import UNITS, organised

IDS = ("card-limit-advice", "card-limit-hints", "meal-mix-sheet")
PURPOSES = ("Advise customers on the limit of their card.", "Count the meals of each kind.")
CLASSES = ("low", "moderate", "high", "very_high")
GATES = ("scoping", "ideation", "development", "preproduction", "deployment", "monitoring")
WHY = "The use of it has changed since."
MEASURES = ("model_documented", "metrics_recorded", "purpose_and_personal_data", "red_team")
TEAMS = ("Credit", "Cards", "Zoo")
ROLES = tuple(
    sorted({role.id for role in shipped().rules(shipped().present(later(0))).roles.roles} - {"pipeline"})
)
PEOPLE = tuple(f"person-{number}" for number in range(5))
SIGNS = ("business_stakeholder", "risk_audit", "head_of_risk")
COMMANDS = {one.name: one for one in every_use_case() if one.command is not None}
LOOSER: Mapping[str, tuple[str, str]] = {
    "roles.yaml": ("  - id: business_analyst\n", "  - id: business_analyst\n    on: all\n"),
    "kpis.yaml": ("target: 0.9", "target: 0.1"),
    "work.yaml": ("due_soon_days: 7", "due_soon_days: 70"),
}
"""File of the configuration -> what makes it laxer."""
OPENED = ("", "registered", "proved", "half signed", "signed")
"""How far people outside the cast have brought the first initiative."""

initiatives, labels, people = st.sampled_from(IDS), st.sampled_from(("1", "2")), st.sampled_from(PEOPLE)
names = st.sampled_from(("C1", "C2", "C3"))


@cache
def brought(far: str) -> Path:
    """A saved store by the shipped policy without what looks at predictions; made once for each."""
    governance = founded(Path(mkdtemp()) / "store")
    seat_signers(governance)
    put_in_force(governance, without_predictions(confirmed=not far))
    if far:
        register(governance)
        version(governance, IDS[0])
    if far not in ("", "registered"):
        prove_all(governance, IDS[0], 3)
    if "signed" in far:
        signed(governance, 3.1, whole=far == "signed")
    save_store(governance.store)
    governance.close()
    return governance.store.folder


def signed(governance: Governance, day: float, *, whole: bool) -> None:
    """Gate by gate, up to the last signatures of the one that makes live."""
    for place, gate in enumerate(("development", "preproduction", "deployment")):
        at = day + place / 10
        ask(governance, IDS[0], gate, at)
        if gate != "development":
            advise(governance, IDS[0], gate, at + 0.01, OPS if gate == "preproduction" else PRODUCTION)
        for person in (BUSINESS,) if gate == "deployment" else ():
            sign(governance, IDS[0], gate, at + 0.02, person)
        if whole or gate != "deployment":
            sign(governance, IDS[0], gate, at + 0.03, SECOND)


ACTS: dict[str, tuple[Callable[..., None], dict[str, st.SearchStrategy[Any]]]] = {}
"""What people do, each with what it is drawn from."""


def deed(**given: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """A rule of the one person alone that the others may have carried out before."""

    def keep(function: Callable[..., None]) -> Any:
        ACTS[function.__name__] = (function, given)
        return rule(**given)(function)

    return keep


@st.composite
def before(draw: st.DrawFn) -> list[tuple[str, str, dict[str, Any]]]:
    """Who of the others does what beforehand."""
    acts = st.sampled_from(sorted(ACTS)).flatmap(
        lambda name: st.tuples(people, st.just(name), st.fixed_dictionaries(ACTS[name][1]))
    )
    return draw(st.lists(acts, max_size=8))


everybody = st.lists(
    st.tuples(
        st.sampled_from(TEAMS),
        st.just(ROLES) | st.lists(st.sampled_from(ROLES), min_size=1, max_size=3, unique=True).map(tuple),
    ),
    min_size=2,
    max_size=5,
)


class Alone(RuleBasedStateMachine):
    """A cast that acts on up to three initiatives, and from some moment on one of them alone."""

    def __init__(self) -> None:
        super().__init__()
        self.day = 5.0
        self.least: dict[str, int] = {}
        self.opened: set[str] = set()
        self.alone = PEOPLE[0]
        self.hand = self.alone

    @initialize(cast=everybody, far=st.sampled_from(OPENED), units=st.booleans(), done=st.deferred(before))
    def begin(self, cast: list[tuple[str, tuple[str, ...]]], far: str, units: bool, done: list[Any]) -> None:
        """Found a store with the cast in it, and let the others do what was drawn."""
        self.governance = thawed(brought(far), Path("unused"))
        if units:
            organised(self.governance, UNITS)
        for name, (team, roles) in zip(PEOPLE, cast, strict=False):
            put_person(self.governance.store, Actor(id=name, name=name.title(), team=team, roles=roles))
        for who, what, given in done:
            if who != self.alone and who in PEOPLE[: len(cast)]:
                self.hand = who
                ACTS[what][0](self, **given)
        self.hand = self.alone
        self.start = self.governance.present(later(self.day))
        self.roles = {person.id: person.roles for person in self.governance.people()}
        self.team = self.governance.person(self.alone).team
        self.rules = self.decided_by()
        self.promised = self.promises()

    def teardown(self) -> None:
        if hasattr(self, "governance"):
            self.governance.close()

    @property
    def now(self) -> Moment:
        return self.governance.present(later(self.day))

    def act(self, name: str, /, **given: Any) -> Any:
        """Let whose turn it is try something, with the rights that they have by now; None where refused."""
        return self.run(self.governance.person(self.hand), name, given)

    def run(self, actor: Actor, name: str, given: Mapping[str, Any]) -> Any:
        self.day += 0.01
        try:
            return run_use_case(Call(self.governance, actor, later(self.day)), name, given) or True
        except GovernanceError as problem:
            assert str(problem), problem
        return None

    def until(self, days: int) -> str:
        return str((later(self.day) + timedelta(days=days)).date())

    @deed(place=st.integers(0, 2), heavy=st.booleans(), owner=people, purpose=st.integers(0, 1))
    def register(self, place: int, heavy: bool, owner: str, purpose: int) -> None:
        answers = {name: list(chosen) for name, chosen in answers_for(self.governance, heavy=heavy).items()}
        name = IDS[place].replace("-", " ").title()
        given = {"name": name, "purpose": PURPOSES[purpose], "team": "Credit", "answers": answers}
        self.act("register_initiative", **given, owner=owner, builder=owner)

    @deed(of=initiatives, owner=people, purpose=st.integers(0, 1))
    def amend(self, of: str, owner: str, purpose: int) -> None:
        self.act("amend_initiative", initiative=of, owner=owner, purpose=PURPOSES[purpose])

    @deed(of=initiatives, label=labels, content=st.sampled_from("ab"))
    def add_version(self, of: str, label: str, content: str) -> None:
        given = {"version": label, "algorithm": "Gradient boosting", "task": "binary", **LOCKED}
        given |= {"artifact_sha256": content * 64, "data_sha256": content * 64}
        self.act("register_model_version", initiative=of, **given)

    @deed(of=initiatives, label=labels, what=st.sampled_from(("promote_version", "retire_version")))
    def move_version(self, of: str, label: str, what: str) -> None:
        self.act(what, initiative=of, version=label, reason=WHY)

    @deed(
        of=initiatives,
        label=st.sampled_from(("", "1", "2")),
        role=st.sampled_from(("production", "shadow")),
        emergency=st.booleans(),
    )
    def deploy(self, of: str, label: str, role: str, emergency: bool) -> None:
        given = {"version": label, "role": role, "emergency": emergency, "reason": WHY}
        self.act("deploy_version", initiative=of, **given)

    @deed(of=initiatives, what=st.sampled_from(("pull_model", "retire_initiative", "reopen_initiative")))
    def end(self, of: str, what: str) -> None:
        self.act(what, initiative=of, reason=WHY)

    @deed(of=initiatives, heavy=st.booleans())
    def reassess(self, of: str, heavy: bool) -> None:
        answers = {name: list(chosen) for name, chosen in answers_for(self.governance, heavy=heavy).items()}
        self.act("reassess_initiative", initiative=of, answers=answers, note=WHY)

    @deed(of=initiatives, to=st.sampled_from(CLASSES), emergency=st.booleans(), days=st.integers(0, 40))
    def override(self, of: str, to: str, emergency: bool, days: int) -> None:
        given = {"class_id": to, "justification": WHY, "emergency": emergency, "until": self.until(days)}
        given["compensation"] = "Two analysts look at it."
        self.act("override_classification", initiative=of, **given)

    @deed(of=initiatives)
    def confirm(self, of: str) -> None:
        self.act("confirm_class", initiative=of, note="Read the answers.")

    @deed(of=initiatives)
    def prove(self, of: str) -> None:
        """Submit whatever is missing, and run the checks."""
        try:
            sheet = initiative_sheet(self.governance, self.now, initiative=of)
        except GovernanceError:
            return
        for state in sheet.requirements:
            if state.requirement.measure.evidence is not None and not state.satisfied:
                measure = state.requirement.measure.id
                link = f"https://wiki.example.org/{measure}"
                self.act("submit_evidence", initiative=of, measure=measure, title="Proof", link=link)
        self.act("run_checks", initiative=of)

    @deed(of=initiatives, measure=st.sampled_from(MEASURES), emergency=st.booleans())
    def waive(self, of: str, measure: str, emergency: bool) -> None:
        given = {
            "measure": measure,
            "reason": WHY,
            "compensation": "Two look at it.",
            "until": self.until(20),
        }
        self.act("request_waiver", initiative=of, emergency=emergency, **given)

    @deed(of=initiatives, name=st.sampled_from(("W1", "W2")), what=st.sampled_from(("decide", "withdraw")))
    def answer_waiver(self, of: str, name: str, what: str) -> None:
        more = {"outcome": "granted"} if what == "decide" else {}
        self.act(f"{what}_waiver", initiative=of, waiver=name, note="It is late by a week.", **more)

    @deed(of=initiatives, gate=st.sampled_from(GATES), on_behalf=st.sampled_from(("", *PEOPLE)))
    def sign(self, of: str, gate: str, on_behalf: str) -> None:
        about = {"initiative": of, "gate": gate}
        self.act("request_sign_off", **about)
        for role in ("data_ops", "production"):
            self.act("give_feedback", role=role, on_behalf_of=on_behalf, **about)
        for role in ("business_stakeholder", "risk_audit"):
            self.act("sign_gate", role=role, outcome="approved", on_behalf_of=on_behalf, **about)

    @deed(role=st.sampled_from(SIGNS), to=people)
    def delegate(self, role: str, to: str) -> None:
        for training in (
            "governance_basics",
            "personal_data",
            "bias_and_harm",
            "independent_challenge",
            "watching_models",
        ):
            self.act("attest_training", training=training)
        self.act("delegate_sign_off", delegate=to, role=role, until=self.until(5), reason=WHY)

    @deed(of=initiatives, gate=st.sampled_from(GATES))
    def decide(self, of: str, gate: str) -> None:
        self.act("decide_gate", initiative=of, gate=gate)

    @deed(of=initiatives, owner=people)
    def raise_finding(self, of: str, owner: str) -> None:
        given = {"title": "Ages are wrong", "severity": "major", "step": "development", "owner": owner}
        self.act("raise_finding", initiative=of, due_on=self.until(9), **given)

    @deed(of=initiatives, name=st.sampled_from(("F1", "F2")), mends=st.booleans())
    def mend(self, of: str, name: str, mends: bool) -> None:
        told = {"finding": name, "note": "Looked at the rows."}
        if mends:
            self.act("resolve_finding", initiative=of, **told)
        self.act("verify_finding", initiative=of, mended=True, **told)

    @deed(name=names, what=st.sampled_from(("agree_to", "decline", "withdraw")))
    def answer(self, name: str, what: str) -> None:
        self.act(f"{what}_proposal", proposal=name, note="Read it and its preview.")

    @deed()
    def loosen_limits(self) -> None:
        text = (CONFIG / "ethics.yaml").read_text(encoding="utf-8")
        self.act("publish_ethics", text=text.replace("0.8", "0.01").replace('version: "', 'version: "9.', 1))

    @deed(file=st.sampled_from(sorted(LOOSER)))
    def loosen_file(self, file: str) -> None:
        text = (CONFIG / file).read_text(encoding="utf-8")
        self.act("propose_configuration", text=text.replace(*LOOSER[file]) + "\n", name=file)

    @deed(name=st.sampled_from(("P1", "P2")), what=st.sampled_from(("draft", "review", "publish")))
    def loosen_policy(self, name: str, what: str) -> None:
        given: dict[str, Any] = {"draft": name}
        if what == "draft":
            given = {"text": without_predictions(f"loose-{self.governance.store.head()}")}
        if what == "review":
            given |= {"outcome": "approved", "note": "Read it and its preview."}
        self.act(f"{what}_policy", **given)

    @deed(of=initiatives, most=st.sampled_from((1.0, 9.0)))
    def promise(self, of: str, most: float) -> None:
        given: dict[str, Any] = {"name": "Limits kept", "unit": "%", "direction": "up", "baseline": 0.0}
        given |= {"baseline_on": self.until(-9), "target": most, "target_on": self.until(90)}
        self.act("set_business_kpi", initiative=of, reason=WHY, **given)

    @deed(
        person=st.sampled_from((*PEOPLE, "new-person")),
        role=st.sampled_from(ROLES),
        team=st.sampled_from(TEAMS),
    )
    def widen_rights(self, person: str, role: str, team: str) -> None:
        self.act("add_person", person=person, name="Somebody Else", roles=[role], team=team)

    @deed(of=initiatives, to=people)
    def hand_over(self, of: str, to: str) -> None:
        self.act("offer_hand_off", initiative=of, to_person=to, reason=WHY)
        self.act("answer_hand_off", hand_off=f"{of}/hand-off-1", answer="accept")

    @deed(place=st.integers(0, 9), to=people)
    def take_task(self, place: int, to: str) -> None:
        for task in open_tasks(self.governance, self.now)[place : place + 1]:
            self.act("assign_task", task=task.key, person=to)

    @deed(own=st.booleans(), operation=st.sampled_from(sorted(COMMANDS)), seed=st.integers(0, 999))
    def with_a_token(self, own: bool, operation: str, seed: int) -> None:
        """Issue a token and act by it."""
        name = f"t-{self.governance.store.head()}"
        given = {"token": name, "own": own, "operations": [operation]}
        secret = self.act("issue_token", **given)
        if secret:
            actor = by_token(self.governance, str(secret["secret"]), later(self.day))
            self.run(actor, operation, self.filled(COMMANDS[operation], Random(seed)))

    @rule(case=st.sampled_from(sorted(COMMANDS)), seed=st.integers(0, 9999))
    def anything(self, case: str, seed: int) -> None:
        """Any command of the table, with whatever may stand in its fields."""
        self.act(case, **self.filled(COMMANDS[case], Random(seed)))

    VALUES: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "initiative": IDS,
        "version": ("1", "2"),
        "gate": GATES,
        "person": (*PEOPLE, "new-person"),
        **dict.fromkeys(
            ("owner", "builder", "delegate", "to_person", "on_behalf_of", "signer", "deputy"), PEOPLE
        ),
        "role": ROLES,
        "roles": tuple([role] for role in ROLES),
        "team": TEAMS,
        "to_team": TEAMS,
        "measure": MEASURES,
        "class_id": CLASSES,
        "proposal": ("C1", "C2"),
        "waiver": ("W1",),
        "finding": ("F1",),
        "draft": ("P1",),
        "reading": ("open", "restricted"),
        "step": ("development",),
        "task": ("binary",),
        "name": ("Card Limit Hints", "kpis.yaml", "roles.yaml"),
    }

    def filled(self, case: Any, rng: Random) -> dict[str, Any]:
        schema = case.takes.model_json_schema()
        needed, given = schema.get("required", ()), {}
        for name, field in schema["properties"].items():
            if name in needed or rng.random() < 0.4:
                given[name] = (
                    rng.choice(self.VALUES[name]) if name in self.VALUES else self.sample(field, rng)
                )
        return given

    def sample(self, field: Mapping[str, Any], rng: Random) -> Any:
        field = field["anyOf"][0] if "anyOf" in field else field
        if "enum" in field:
            return rng.choice(field["enum"])
        if field.get("format") == "date":
            return self.until(rng.randint(-3, 30))
        kinds: dict[str, Any] = {"object": {}, "array": [], "boolean": rng.random() < 0.5}
        kinds |= {"integer": 1, "number": 1.0}
        return kinds.get(field.get("type", ""), WHY)

    @rule(days=st.integers(1, 60))
    def wait(self, days: int) -> None:
        self.day += days

    def decided_by(self) -> dict[str, str]:
        """What decides -> its version: policy, position, and every file of the configuration."""
        rules = self.governance.rules(self.now)
        said = {"draft_policy": self.governance.policy(self.now).version}
        said |= {"publish_ethics": self.governance.position(self.now).version}
        return said | dict(rules.texts)

    def promises(self) -> dict[tuple[str, str], float]:
        store = self.governance.store
        found = (one for of in IDS for one in newest(store, BusinessKpi, self.now, of))
        return {(one.initiative, one.kpi): one.target for one in found}

    def agreed(self, act: str, about: str = "") -> Iterator[Proposal]:
        """Proposals of a kind that came about since the one person acts alone, each by two people."""
        for one in history(self.governance.store, Proposal, self.now):
            if (
                one.act == act
                and one.state == "agreed"
                and about in ("", one.about)
                and one.seq > self.start.seq
            ):
                assert one.actor != one.proposed_by, "agreed to by who proposed it"
                yield one

    @invariant()
    def nothing_came_about_that_takes_two(self) -> None:
        if not hasattr(self, "rules"):
            return
        self.rules_are_those_of_two()
        self.rights_are_those_of_two()
        for one, target in self.promises().items():
            if target != self.promised.setdefault(one, target):
                assert any(self.agreed("set_business_kpi", one[0])), "a promise revised by one person"
                self.promised[one] = target
        for initiative in IDS:
            self.holds_for(initiative)

    def rules_are_those_of_two(self) -> None:
        found = self.decided_by()
        for what, said in found.items():
            if said != self.rules[what] and what == "draft_policy":
                event("a policy by two")
                reviewed = [one for one in self.drafts() if len(set(one)) > 1]
                assert reviewed, "a policy by one person"
            elif said != self.rules[what]:
                event("rules by two")
                act = what if what == "publish_ethics" else "propose_configuration"
                assert any(self.agreed(act)), f"{what} changed by one person"
        self.rules = found

    def drafts(self) -> list[tuple[str, ...]]:
        """Who had a part in each draft."""
        every = history(self.governance.store, PolicyDraft, self.now)
        grouped = groupby(sorted(every, key=lambda one: one.draft), key=lambda one: one.draft)
        return [tuple(one.actor for one in steps) for _, steps in grouped]

    def rights_are_those_of_two(self) -> None:
        known = {person.id: person for person in self.governance.people()}
        own = known[self.alone]
        assert set(own.roles) <= set(self.roles[self.alone]), "rights widened by oneself"
        assert own.team == self.team, "ties made by changing one's own team"
        signs = signing_roles(self.governance.rules(self.now).roles)
        for person in known.values():
            gained = set(person.roles) & signs - set(self.roles.get(person.id, ()))
            if gained:
                event("a role that signs by two")
                assert any(self.agreed("add_person", person.id)), "a role that signs by one person"

    def holds_for(self, initiative: str) -> None:
        classified = latest(self.governance.store, Classification, self.now, initiative)
        if classified is None:
            return
        told = newest(self.governance.store, Finding, self.now, initiative)
        alone = [one for one in told if one.check_id == "emergency" and one.state != "closed"]
        rank = self.rank_of(initiative, classified, bool(alone))
        self.waivers_are_those_of_two(initiative, bool(alone))
        self.findings_are_closed_by_others(initiative)
        policy = self.governance.policy(self.now)
        if rank and ask_gate(self.governance, initiative, policy.live_gate.id, self.now).is_open:
            event("a gate opened by several")
            self.opened.add(initiative)
            self.signed_by_several(initiative, policy.live_gate.id)
        run = stands(self.governance, initiative, self.now).in_production
        if run is not None and rank and run.since.replace(tzinfo=UTC) > self.start.at:
            event("in production")
            assert alone if run.until else initiative in self.opened, "in production by one person"

    def rank_of(self, initiative: str, classified: Classification, alone: bool) -> int:
        """How strict its class is, which no one person lowered."""
        policy = self.governance.policy(self.now)
        rank = policy.class_order[classified.on(self.now.day).class_id]
        if rank < self.least.get(initiative, 0):
            acts = ("override_classification", "reassess_initiative")
            agreed = [one for act in acts for one in self.agreed(act, initiative)]
            apart = owners_and_builders(self.governance.store, initiative, self.now)
            if agreed:
                event("a class lowered by two")
                assert (
                    not {agreed[-1].actor, agreed[-1].proposed_by} & set(apart) or agreed[-1].act != acts[0]
                )
            else:
                event("a class lowered in an emergency")
                assert alone, "lowered by one person"
                assert classified.until is not None
                days = timedelta(days=policy.emergency_days)
                assert classified.until <= classified.recorded_at.date() + days
                return rank
        self.least[initiative] = rank
        return rank

    def waivers_are_those_of_two(self, initiative: str, alone: bool) -> None:
        given = history(self.governance.store, Waiver, self.now, initiative)
        for one in newest(self.governance.store, Waiver, self.now, initiative):
            first = next(step for step in given if step.waiver == one.waiver)
            if one.state == "granted" and one.seq > self.start.seq and one.until >= self.now.day:
                event("a waiver granted")
                assert first.actor != one.actor or alone, "waived by one person"

    def findings_are_closed_by_others(self, initiative: str) -> None:
        told = history(self.governance.store, Finding, self.now, initiative)
        for one in newest(self.governance.store, Finding, self.now, initiative):
            if one.state == "closed" and one.seq > self.start.seq:
                event("a finding closed")
                mended = {
                    step.actor for step in told if step.finding == one.finding and step.state == "resolved"
                }
                assert one.actor not in mended, "a finding closed by who mended it"

    def signed_by_several(self, initiative: str, gate: str) -> None:
        table = lay_table(self.governance, initiative, gate, self.now)
        hold = [one.given for one in table.state.signatures if one.holds]
        hands = {one.actor for one in hold} | {one.seat for one in hold}
        assert len({one.actor for one in hold}) >= sum(one.quorum for one in table.plan.approvals) > 0
        assert not hands & set(table.involved), "signed by who had a part in it"


Alone.TestCase.settings = settings(
    max_examples=300 if THOROUGH else 25,
    stateful_step_count=40 if THOROUGH else 20,
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
