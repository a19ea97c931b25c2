"""The set-based form over the whole inventory gives the answers of the pure rules, and current = replay."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from core.connectors.config_files import parse_policy, read_config, read_ethics, read_policy
from core.connectors.settings import PROJECT
from core.domain.actors import Roles
from core.domain.chain import Fact, canonical
from core.domain.facts.process import (
    ClassConfirmation,
    Classification,
    Finding,
    Initiative,
    InitiativeState,
    Waiver,
    class_since,
)
from core.domain.facts.recorded import entry_of
from core.domain.moment import Moment
from core.domain.policy.checks import CHECKS
from core.domain.policy.policy import Policy
from core.domain.policy.policy_changes import Totals
from core.domain.policy.requirement_list import LIMIT, demands_digest, demands_of
from core.domain.process.facts import CheckProof, InitiativeFacts, SignOffAct, review_of
from core.domain.process.gates import decide
from core.domain.process.requirements import requirement_states
from core.domain.rules.ethics import Ethics
from core.ground import LEARNED, Verdict
from core.lake.process.clause_tally import preview
from core.lake.process.inventory import gate_lines, initiative_facts, requirement_lines
from core.lake.store import Store, open_memory_store

CONFIG = PROJECT / "config"
POLICY, TEXT = read_policy(CONFIG / "policy.yaml", read_config(CONFIG / "roles.yaml", Roles))
POSITION, _ = read_ethics(CONFIG / "ethics.yaml")
TIGHTER = POSITION.model_copy(update={"default": POSITION.default.model_copy(update={"limit": 0.9})})
_MODERATE = "  moderate:\n    reproducibility: 1\n"
STRICTER = parse_policy(
    TEXT.replace(_MODERATE, _MODERATE.replace("1", "2"), 1),
    read_config(CONFIG / "roles.yaml", Roles),
    name="stricter",
)


def _tight() -> Policy:
    """The shipped policy with more proofs, shorter days, shorter validity, a larger quorum and fewer
    waivers."""
    asked: dict[str, Any] = yaml.safe_load(TEXT)
    for risk_class in asked["classes"]:
        risk_class["transition_days"] = {"low": 0, "moderate": 20}.get(risk_class["id"])
    for rung in (rung for ladder in asked["considerations"] for rung in ladder["rungs"]):
        rung["due_days"] = rung["due_days"] // 2
        rung["valid_days"] = 40 if rung.get("valid_days") else None
        if rung.get("evidence") and "owner_set" not in rung.get("checks", []):
            rung["checks"] = [*rung.get("checks", []), "owner_set"]
        for plan in rung.get("sign_offs", ()):
            plan["approvals"][0]["quorum"] = 2
        rung["waivable"] = rung["id"] != "column_lineage"
    for rule in asked["waivers"]:
        rule |= {"approvers": ["head_of_risk"], "max_days": rule["max_days"] // 4}
    return Policy.model_validate(asked)


def _without_kinds() -> Policy:
    """The shipped policy as one that knows no kinds: all is proved as a learned model is."""
    asked: dict[str, Any] = yaml.safe_load(TEXT)
    asked.pop("kinds")
    for rung in (rung for ladder in asked["considerations"] for rung in ladder["rungs"]):
        rung.pop("proofs", None)
    return Policy.model_validate(asked)


TIGHT = _tight()
WITHOUT_KINDS = _without_kinds()
POLICIES = [POLICY, STRICTER, TIGHT, WITHOUT_KINDS]
KINDS = [LEARNED, LEARNED, *POLICY.admitted, "gone"]
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
INITIATIVES = ["alpha", "beta", "gamma"]
OWNER, BUILDER = "someone", "somebody"
SIGNERS = ["ann", "ben", "cas", OWNER]
ROLES = ["risk_audit", "business_stakeholder", "data_ops"]
GATES = [gate.id for gate in POLICY.gates]
WAIVERS = ["w1", "w2"]
FINDINGS = ["f1", "f2"]
SAID = ("purpose", "owner", "answers", "kind")

answers = st.tuples(
    st.sampled_from(GATES),
    st.sampled_from(SIGNERS),
    st.sampled_from(ROLES),
    st.sampled_from(["approved", "approved", "approved", "rejected", "abandoned", "withdrawn"]),
    st.sampled_from(["", "ann"]),
)

events = st.one_of(
    st.tuples(st.just("classify"), st.sampled_from(list(POLICY.class_order))),
    st.tuples(st.just("lower"), st.tuples(st.sampled_from(list(POLICY.class_order)), st.integers(0, 20))),
    st.tuples(
        st.just("amend"),
        st.tuples(
            st.sampled_from(["", "other"]),
            st.sampled_from([OWNER, "ann"]),
            st.sampled_from(["{}", "[]"]),
            st.sampled_from(KINDS),
        ),
    ),
    st.tuples(st.just("confirm"), st.none()),
    st.tuples(st.just("life"), st.sampled_from(["retired", "active"])),
    st.tuples(st.just("version"), st.sampled_from(["1", "2", "3"])),
    st.tuples(st.sampled_from(["challenge", "promote", "retire"]), st.sampled_from(["1", "2", "3"])),
    st.tuples(
        st.just("evidence"),
        st.tuples(
            st.sampled_from(list(POLICY.measures)), st.sampled_from(["a", "b"]), st.sampled_from([0, 30, 400])
        ),
    ),
    st.tuples(st.just("ask"), st.sampled_from(GATES)),
    st.tuples(st.just("answer"), answers),
    st.tuples(
        st.just("waiver"),
        st.tuples(
            st.sampled_from(WAIVERS),
            st.sampled_from(["granted", "granted", "refused"]),
            st.sampled_from(list(POLICY.measures)),
            st.sampled_from(["risk_audit", "head_of_risk", "emergency"]),
            st.integers(0, 200),
        ),
    ),
    st.tuples(
        st.just("finding"),
        st.tuples(
            st.sampled_from(FINDINGS),
            st.sampled_from(["open", "resolved", "closed"]),
            st.sampled_from(["blocker", "major", "minor"]),
            st.sampled_from([*[step.id for step in POLICY.steps], "gone"]),
        ),
    ),
    st.tuples(st.just("check"), st.tuples(st.sampled_from(list(CHECKS)), st.sampled_from(list(Verdict)))),
)
histories = st.lists(
    st.tuples(st.sampled_from(INITIATIVES), st.integers(0, 40), events), min_size=1, max_size=60
)
# Histories of nearly proved initiatives, so that signatures decide now and then.
proved = st.permutations(
    [("evidence", (measure, "a", 0)) for measure in POLICY.measures]
    + [("check", (check, Verdict.PASS)) for check in CHECKS]
).map(lambda found: [("alpha", 0, event) for event in found])
unrest = st.lists(
    st.tuples(
        st.just("alpha"),
        st.integers(0, 20),
        st.one_of(
            st.tuples(st.just("ask"), st.just("deployment")),
            st.tuples(
                st.just("answer"),
                st.tuples(
                    st.sampled_from(["development", "preproduction", "deployment"]),
                    st.sampled_from(["ann", "ben", "cas"]),
                    st.sampled_from(ROLES[:2]),
                    st.just("approved"),
                    st.just(""),
                ),
            ),
            events,
        ),
    ),
    max_size=12,
)
classes = st.sampled_from(list(POLICY.class_order))
proved_and_signed = st.tuples(classes, proved, unrest, st.sampled_from(KINDS)).map(
    lambda parts: [
        ("alpha", 0, ("classify", parts[0])),
        ("alpha", 0, ("amend", ("", OWNER, "{}", parts[3]))),
        ("alpha", 0, ("confirm", None)),
        ("alpha", 0, ("version", "1")),
        *parts[1],
        *[("alpha", 0, ("ask", gate)) for gate in GATES],
        *[
            ("alpha", 0, ("answer", (gate, signer, role, "approved", "")))
            for gate in ("development", "preproduction", "deployment")
            for signer, role in (("ann", ROLES[1]), ("ben", ROLES[0]), ("cas", ROLES[0]))
        ],
        *parts[2],
    ]
)


class Replay:
    """A plain fold over the events: what the record should say now, without SQL."""

    def __init__(self) -> None:
        self.facts: dict[str, dict[str, Any]] = {}
        self.seq = 0
        self.actor = OWNER

    def apply(self, initiative: str, kind: str, what: Any, at: datetime) -> list[Fact]:
        known = self.facts.get(initiative)
        self.actor = what[1] if kind == "answer" and known is not None else OWNER
        day = at.date()
        self.day = day
        self.origin = {"seq": self.seq + 1, "recorded_at": at.replace(tzinfo=None), "actor": self.actor}
        if known is None:
            self.facts[initiative] = {
                "class": Classification(
                    **self.origin,
                    initiative=initiative,
                    **_class_row(what if kind == "classify" else "moderate"),
                ),
                "said": [Initiative(**self.origin, **_initiative_row(initiative))],
                "registered": day,
                "version": None,
                "version_on": None,
                "retired": False,
                "retired_on": None,
                "confirmed": None,
                "labels": {},
                "evidence": [],
                "checks": [],
                "sign_offs": {},
                "waivers": {},
                "findings": {},
            }
            self.seq += 2
            held = self.facts[initiative]["class"]
            self.facts[initiative]["class"] = replace(held, seq=self.seq)
            self.facts[initiative]["classes"] = [self.facts[initiative]["class"]]
            return [
                entry_of("initiative_registered", self.facts[initiative]["said"][0], first=True),
                entry_of("initiative_classified", held),
            ]
        facts = self._fact(initiative, known, kind, what, day)
        self.seq += len(facts)
        return facts

    def _fact(self, initiative: str, known: dict[str, Any], kind: str, what: Any, day: date) -> list[Fact]:
        if kind in ("classify", "lower"):
            class_id, lasts = (what, None) if kind == "classify" else what
            until = None if lasts is None else day + timedelta(days=lasts)
            row = {**_class_row(known["class"].computed_class_id), "class_id": class_id, "until": until}
            row |= {"computed_class_id": class_id} if kind == "classify" else {"review_percent": 0}
            origin = {**self.origin, "seq": self.seq + 1}
            known["class"] = Classification(**origin, initiative=initiative, **row)
            known["classes"].append(known["class"])
            return [entry_of("initiative_classified", known["class"])]
        if kind == "confirm":
            about = {
                "class_id": known["class"].class_id,
                "classified_seq": known["class"].seq,
                "note": "Seen.",
            }
            known["confirmed"] = ClassConfirmation(**self.origin, initiative=initiative, **about)
            return [entry_of("class_confirmed", known["confirmed"])]
        if kind == "life":
            known["retired_on"] = day if what == "retired" else None
            state = InitiativeState(**self.origin, initiative=initiative, state=what, reason="why")
            return [entry_of("initiative_moved", state)]
        if kind == "amend":
            row = {**_initiative_row(initiative), **dict(zip(SAID, what, strict=True))}
            known["said"].append(Initiative(**self.origin, **row))
            return [entry_of("initiative_amended", known["said"][-1])]
        if kind in ("version", "challenge", "promote", "retire"):
            return self._moves(initiative, known, kind, what, day)
        if kind == "evidence":
            measure, key, before = what
            stands_for = day - timedelta(days=before)
            version = known["version"] if POLICY.measure_is_per_version(measure) else None
            known["evidence"].append((measure, version, stands_for, f"https://example.org/{key}"))
            return [_evidence(initiative, measure, version, key, stands_for if before else None)]
        if kind in ("ask", "answer"):
            return self._signs(initiative, known, kind, what, day)
        if kind == "waiver":
            waiver, state, measure, role, lasts = what
            version = known["version"] if POLICY.measure_is_per_version(measure) else None
            held = Waiver(
                **self.origin,
                initiative=initiative,
                waiver=waiver,
                state=state,
                measure=measure,
                version=version,
                role=role,
                reason="why",
                compensation="what",
                until=day + timedelta(days=lasts),
            )
            known["waivers"][waiver] = held
            return [entry_of("waiver_decided", held)]
        if kind == "finding":
            finding, state, severity, step = what
            known["findings"][finding] = Finding(
                **self.origin,
                initiative=initiative,
                finding=finding,
                state=state,
                severity=severity,
                title="title",
                step=step,
                owner=OWNER,
                due_on=day,
            )
            return [entry_of("finding_raised", known["findings"][finding])]
        check, verdict = what
        version = known["version"] if CHECKS[check].per_version else None
        proof = CheckProof(verdict, day, f"{check} {verdict}", "mend")
        known["checks"].append((check, version, proof, self.seq + 1))
        return [_check_run(initiative, check, version, verdict)]

    def _moves(self, initiative: str, known: dict[str, Any], kind: str, label: str, day: date) -> list[Fact]:
        entered = known["labels"].get(label)
        if (kind == "challenge" and entered) or (kind == "version" and entered == "challenge"):
            return []
        if kind in ("promote", "retire") and not entered:
            return []
        if kind in ("version", "challenge"):
            known["labels"][label] = kind
        if kind in ("version", "promote"):
            known["version"], known["version_on"] = label, day
        known["retired"] |= kind == "retire"
        if kind == "retire" and known["version"] == label:
            known["version"] = known["version_on"] = None
        registered = [_version(initiative, label)] if kind in ("version", "challenge") else []
        state = {"challenge": "challenger", "promote": "champion", "retire": "retired"}.get(kind)
        return [*registered, *([_turn(initiative, label, state)] if state else [])]

    def _signs(self, initiative: str, known: dict[str, Any], kind: str, what: Any, day: date) -> list[Fact]:
        gate, actor, role, outcome, behalf = what if kind == "answer" else (what, OWNER, "", "", "")
        asked = POLICY.gate(gate)
        assert asked is not None
        act = "requested" if kind == "ask" else "withdrawn" if outcome == "withdrawn" else "decided"
        class_id = known["class"].on(day).class_id
        of_kind = POLICY.of(known["said"][-1].kind)
        demands = demands_of(of_kind, class_id, asked) if act == "decided" else frozenset()
        limit = POSITION.limit_in_words("", "binary") if demands and actor != "ben" else ""
        given = SignOffAct(
            self.seq + (2 if demands else 1),
            day,
            act,
            actor,
            "" if outcome == "withdrawn" else outcome,
            role,
            behalf,
            "why",
            known["version"],
            demands,
            self.facts_of(initiative, day).evidence_keys,
            class_id,
            limit=limit,
        )
        known["sign_offs"].setdefault(gate, []).append(given)
        return [*_demand_set(_seen(given)), _sign_off(initiative, gate, given)]

    def facts_of(self, initiative: str, day: date) -> InitiativeFacts:
        known = self.facts[initiative]
        held, said = known["class"].on(day), tuple(known["said"])
        counts = (None, known["version"])
        return InitiativeFacts(
            initiative,
            held.class_id,
            known["registered"],
            class_since(known["classes"], day),
            known["version_on"] or (day if known["retired"] else None),
            evidence={m: day for m, v, day, _ in sorted(known["evidence"], key=itemgetter(2)) if v in counts},
            checks={c: proof for c, version, proof, _ in known["checks"] if version in counts},
            version=known["version"],
            people=frozenset({said[-1].owner, BUILDER}),
            evidence_keys={m: key for m, version, _, key in known["evidence"] if version in counts},
            breaches={
                c: seq
                for c, version, proof, seq in known["checks"]
                if version in counts and proof.verdict is Verdict.FAIL
            },
            sign_offs={gate: tuple(acts) for gate, acts in known["sign_offs"].items()},
            waivers=tuple(held for held in known["waivers"].values() if held.state == "granted"),
            findings=tuple(held for held in known["findings"].values() if held.state != "closed"),
            said=said,
            retired_on=known["retired_on"],
            unconfirmed=review_of(held, "", known["confirmed"]),
            task="binary" if known["version"] else None,
        )


def _filled(store: Store, history: list[tuple[str, int, tuple[str, Any]]]) -> tuple[Replay, Moment]:
    replay = Replay()
    at = _recorded(store, replay, history, START)
    return replay, store.moment(at + timedelta(days=7))


def _recorded(
    store: Store, replay: Replay, history: list[tuple[str, int, tuple[str, Any]]], at: datetime
) -> datetime:
    """Put the events on record, what one person does at one time in one go; the time of the last."""
    steps = []
    for initiative, days, (kind, what) in history:
        at += timedelta(days=days)
        facts = replay.apply(initiative, kind, what, at)
        steps.append((replay.actor, at, facts))
    for (actor, when), together in groupby(steps, key=lambda step: step[:2]):
        store.append([fact for *_, facts in together for fact in facts], actor=actor, at=when)
    return at


chains = st.lists(st.tuples(st.sampled_from(POLICIES), st.integers(0, 90)), min_size=1, max_size=3)
"""Policies that held one after the other, and how many days before the moment the next one began to."""


def _followed(chain: list[tuple[Policy, int]], day: date) -> Policy:
    """The last of a chain, which knows those before it."""
    (policy, days), *rest = chain
    ago = sum(days for _, days in chain)
    for one, more in rest:
        ago, days, policy = ago - days, more, one.after(policy, day - timedelta(days=ago - days))
    return policy


@settings(max_examples=80, deadline=None)
@given(st.one_of(histories, proved_and_signed), chains, st.sampled_from([None, POSITION, TIGHTER]))
def test_one_query_over_the_inventory_answers_as_the_pure_rules_do(
    history: list[tuple[str, int, tuple[str, Any]]], chain: list[tuple[Policy, int]], position: Ethics | None
) -> None:
    store = open_memory_store(Path("unused"))
    replay, moment = _filled(store, history)
    policy = _followed(chain, moment.day)
    policy = policy.under(position.limit_in_words) if position else policy
    requirements = {
        (row.initiative, row.requirement): (
            row.status,
            row.proved_by,
            row.due_on,
            row.expires_on,
            row.overdue,
        )
        for row in requirement_lines(store, policy, moment)
    }
    gates = {(row.initiative, row.gate): row.outcome for row in gate_lines(store, policy, moment)}
    expected: dict[tuple[str, str], tuple[str, str, date, date | None, bool]] = {}
    expected_gates: dict[tuple[str, str], str] = {}
    for initiative in replay.facts:
        facts = replay.facts_of(initiative, moment.day)
        for state in requirement_states(policy, facts, moment.day):
            expected[initiative, state.requirement.id] = (
                state.status.value,
                state.proved_by.id,
                state.due_on,
                state.expires_on,
                state.overdue,
            )
        for gate in policy.gates_of(facts.class_id):
            expected_gates[initiative, gate.id] = decide(policy, facts, gate.id, moment.day).outcome
    assert requirements == expected
    assert gates == expected_gates


@settings(max_examples=25, deadline=None)
@given(st.one_of(histories, proved_and_signed), chains, st.sampled_from(POLICIES))
def test_a_preview_counts_what_the_pure_rules_find_by_either_policy(
    history: list[tuple[str, int, tuple[str, Any]]], chain: list[tuple[Policy, int]], wanted: Policy
) -> None:
    store = open_memory_store(Path("unused"))
    replay, moment = _filled(store, history)
    before = _followed(chain, moment.day)
    after = wanted.after(before, moment.day)
    found = preview(store, before, after, moment, most=1_000)
    facts = [replay.facts_of(initiative, moment.day) for initiative in replay.facts]
    (asked_before, open_before), (asked_after, open_after) = (
        _open_requirements(policy, facts, moment.day) for policy in (before, after)
    )
    late_before, late_after = (
        {name for (name, _), overdue in still_open.items() if overdue}
        for still_open in (open_before, open_after)
    )
    assert found.totals == Totals(
        initiatives=len(facts),
        asked_before=asked_before,
        asked_after=asked_after,
        open_before=len(open_before),
        open_after=len(open_after),
        out_before=len(late_before),
        out_after=len(late_after),
    )
    assert {row.requirement: row.initiatives for row in found.work} == Counter(
        requirement for _, requirement in open_after.keys() - open_before.keys()
    )
    assert {row.requirement: row.initiatives for row in found.spared} == Counter(
        requirement for _, requirement in open_before.keys() - open_after.keys()
    )
    assert {row.initiative for row in found.fallen} == late_after - late_before


def _open_requirements(
    policy: Policy, facts: list[InitiativeFacts], day: date
) -> tuple[int, dict[tuple[str, str], bool]]:
    """How many requirements there are, and (initiative, requirement) -> overdue of those not satisfied."""
    states = [(one.initiative, state) for one in facts for state in requirement_states(policy, one, day)]
    still_open = {
        (initiative, state.requirement.id): state.overdue
        for initiative, state in states
        if not state.satisfied
    }
    return len(states), still_open


@settings(max_examples=60, deadline=None)
@given(histories, st.data())
def test_current_is_the_replay_of_the_record_at_every_moment(
    history: list[tuple[str, int, tuple[str, Any]]], data: st.DataObject
) -> None:
    store = open_memory_store(Path("unused"))
    earlier = data.draw(st.integers(1, len(history)))
    replay, then = _filled(store, history[:earlier])
    later = Replay()
    later.facts, later.seq = deepcopy(replay.facts), replay.seq
    _recorded(store, later, history[earlier:], then.at)
    for initiative in INITIATIVES:
        as_it_stood = initiative_facts(store, initiative, then)
        assert as_it_stood == (replay.facts_of(initiative, then.day) if initiative in replay.facts else None)


def _initiative_row(initiative: str) -> dict[str, Any]:
    row = {
        "initiative": initiative,
        "name": initiative,
        "short_name": initiative,
        "purpose": "",
        "domain": "",
    }
    return {**row, "team": "Credit", "owner": OWNER, "builder": BUILDER, "answers": "{}"}


def _class_row(class_id: str) -> dict[str, Any]:
    row = {"class_id": class_id, "mode_id": "design_node", "computed_class_id": class_id, "score": 0}
    strict = 100 if class_id in ("high", "very_high") else 0
    return {**row, "reasons": (), "policy_version": "1", "review_percent": strict}


def _version(initiative: str, version: str) -> Fact:
    texts = (
        "notes",
        "artifact_uri",
        "artifact_sha256",
        "data_uri",
        "data_sha256",
        "code_uri",
        "code_commit",
        "environment_sha256",
    )
    row = {
        "initiative": initiative,
        "version": version,
        "algorithm": "tree",
        "task": "binary",
        "metrics": "{}",
    }
    return Fact(
        "model_version_registered", initiative, "model_version", ({**dict.fromkeys(texts, ""), **row},)
    )


def _seen(given: SignOffAct) -> frozenset[str]:
    return given.demands | ({f"{LIMIT}{given.limit}"} if given.limit else set())


def _demand_set(demands: frozenset[str]) -> list[Fact]:
    if not demands:
        return []
    row = {"sha256": demands_digest(demands), "demands": sorted(demands)}
    return [Fact("demands_recorded", "policy", "demand_set", (row,))]


def _sign_off(initiative: str, gate: str, given: SignOffAct) -> Fact:
    row = {
        "initiative": initiative,
        "gate": gate,
        "act": given.act,
        "outcome": given.outcome,
        "role": given.role,
        "on_behalf_of": given.on_behalf_of,
        "reason": given.reason,
        "version": given.version,
        "class_id": given.class_id,
        "policy_version": POLICY.version,
        "demands_sha256": demands_digest(_seen(given)) if given.demands else "",
        "evidence": canonical(dict(given.evidence)),
        "evidence_sha256": "",
        "condition": "",
        "condition_due": None,
        "limits": "",
    }
    return Fact("gate_signed_off", initiative, "sign_off", (row,))


def _turn(initiative: str, version: str, state: str) -> Fact:
    row = {"initiative": initiative, "version": version, "state": state, "reason": "because"}
    row |= {"role": "", "until": None}
    return Fact(f"version_{state}", initiative, "version_state", (row,))


def _evidence(initiative: str, measure: str, version: str | None, key: str, stands_for: date | None) -> Fact:
    row = {
        "initiative": initiative,
        "version": version,
        "measure": measure,
        "title": "proof",
        "link": f"https://example.org/{key}",
        "file_name": None,
        "sha256": None,
        "bytes": None,
        "stands_for": stands_for,
    }
    return Fact("evidence_submitted", initiative, "evidence", (row,))


def _check_run(initiative: str, check: str, version: str | None, verdict: Verdict) -> Fact:
    row = {
        "initiative": initiative,
        "version": version,
        "check_id": check,
        "verdict": verdict.value,
        "first_try": True,
        "observed": None,
        "limit_value": None,
        "message": f"{check} {verdict}",
        "remedy": "mend",
    }
    return Fact("check_run", initiative, "check_run", (row,))
