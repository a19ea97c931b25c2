"""The set-based form over the whole inventory gives the answers of the pure rules, and current = replay."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.connectors.config_files import read_roles
from core.connectors.policy_file import read_policy
from core.connectors.settings import PROJECT
from core.domain.chain import Fact
from core.domain.checks import CHECKS
from core.domain.gates import decide
from core.domain.moment import Moment
from core.domain.requirements import CheckProof, InitiativeFacts, requirement_states
from core.domain.verdict import Verdict
from core.lake.initiatives import initiative_facts
from core.lake.inventory import gate_rows, requirement_rows
from core.lake.store import Store, open_memory_store

CONFIG = PROJECT / "config"
POLICY, _ = read_policy(CONFIG / "policy.yaml", read_roles(CONFIG / "roles.yaml"))
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
INITIATIVES = ["alpha", "beta", "gamma"]

events = st.one_of(
    st.tuples(st.just("classify"), st.sampled_from(list(POLICY.class_order))),
    st.tuples(st.just("version"), st.sampled_from(["1", "2", "3"])),
    st.tuples(st.just("evidence"), st.sampled_from(list(POLICY.measures))),
    st.tuples(st.just("check"), st.tuples(st.sampled_from(list(CHECKS)), st.sampled_from(list(Verdict)))),
)
histories = st.lists(
    st.tuples(st.sampled_from(INITIATIVES), st.integers(0, 40), events), min_size=1, max_size=60
)


class Replay:
    """A plain fold over the events: what the record should say now, without SQL."""

    def __init__(self) -> None:
        self.facts: dict[str, dict[str, Any]] = {}

    def apply(self, initiative: str, kind: str, what: Any, at: datetime) -> list[Fact]:
        known = self.facts.get(initiative)
        day = at.date()
        if known is None:
            self.facts[initiative] = {
                "class_id": what if kind == "classify" else "moderate",
                "registered": day,
                "classified": day,
                "version": None,
                "version_on": None,
                "evidence": [],
                "checks": [],
            }
            return [_registered(initiative), _classified(initiative, self.facts[initiative]["class_id"])]
        if kind == "classify":
            known["class_id"], known["classified"] = what, day
            return [_classified(initiative, what)]
        if kind == "version":
            known["version"], known["version_on"] = what, day
            return [_version(initiative, what)]
        if kind == "evidence":
            version = known["version"] if POLICY.measure_is_per_version(what) else None
            known["evidence"].append((what, version, day))
            return [_evidence(initiative, what, version)]
        check, verdict = what
        version = known["version"] if CHECKS[check].per_version else None
        known["checks"].append((check, version, CheckProof(verdict, day, f"{check} {verdict}", "mend")))
        return [_check_run(initiative, check, version, verdict)]

    def facts_of(self, initiative: str) -> InitiativeFacts:
        known = self.facts[initiative]
        counts = (None, known["version"])
        return InitiativeFacts(
            initiative,
            known["class_id"],
            known["registered"],
            known["classified"],
            known["version_on"],
            evidence={m: day for m, version, day in known["evidence"] if version in counts},
            checks={c: proof for c, version, proof in known["checks"] if version in counts},
        )


def _filled(store: Store, history: list[tuple[str, int, tuple[str, Any]]]) -> tuple[Replay, Moment]:
    replay, at = Replay(), START
    for initiative, days, (kind, what) in history:
        at += timedelta(days=days)
        store.append(replay.apply(initiative, kind, what, at), actor="someone", at=at)
    return replay, store.moment(at + timedelta(days=7))


@settings(max_examples=60, deadline=None)
@given(histories)
def test_one_query_over_the_inventory_answers_as_the_pure_rules_do(
    history: list[tuple[str, int, tuple[str, Any]]],
) -> None:
    store = open_memory_store(Path("unused"))
    replay, moment = _filled(store, history)
    requirements = {
        (row["initiative"], row["requirement"]): (
            row["status"],
            row["proved_by"],
            row["due_on"],
            row["expires_on"],
            row["overdue"],
        )
        for row in requirement_rows(store, POLICY, moment)
    }
    gates = {(row["initiative"], row["gate"]): row["outcome"] for row in gate_rows(store, POLICY, moment)}
    expected: dict[tuple[str, str], tuple[str, str, date, date | None, bool]] = {}
    expected_gates: dict[tuple[str, str], str] = {}
    for initiative in replay.facts:
        facts = replay.facts_of(initiative)
        for state in requirement_states(POLICY, facts, moment.day):
            expected[initiative, state.requirement.measure.id] = (
                state.status.value,
                state.proved_by.id,
                state.due_on,
                state.expires_on,
                state.overdue,
            )
        for gate in POLICY.gates_of(facts.class_id):
            expected_gates[initiative, gate.id] = decide(POLICY, facts, gate.id, moment.day).outcome
    assert requirements == expected
    assert gates == expected_gates


@settings(max_examples=60, deadline=None)
@given(histories, st.data())
def test_current_is_the_replay_of_the_record_at_every_moment(
    history: list[tuple[str, int, tuple[str, Any]]], data: st.DataObject
) -> None:
    store = open_memory_store(Path("unused"))
    earlier = data.draw(st.integers(1, len(history)))
    replay, then = _filled(store, history[:earlier])
    at = then.at
    later = Replay()
    later.facts = deepcopy(replay.facts)
    for initiative, days, (kind, what) in history[earlier:]:
        at += timedelta(days=days)
        store.append(later.apply(initiative, kind, what, at), actor="someone", at=at)
    for initiative in INITIATIVES:
        as_it_stood = initiative_facts(store, initiative, then)
        assert as_it_stood == (replay.facts_of(initiative) if initiative in replay.facts else None)


def _registered(initiative: str) -> Fact:
    row = {
        "initiative": initiative,
        "name": initiative,
        "short_name": initiative,
        "purpose": "",
        "domain": "",
        "team": "Credit",
        "owner": "someone",
        "builder": "",
        "answers": "{}",
    }
    return Fact("initiative_registered", initiative, "initiative", (row,), first=True)


def _classified(initiative: str, class_id: str) -> Fact:
    row = {
        "initiative": initiative,
        "class_id": class_id,
        "mode_id": "design_node",
        "computed_class_id": class_id,
        "score": 0,
        "reasons": [],
        "justification": "",
        "policy_version": "1",
    }
    return Fact("initiative_classified", initiative, "classification", (row,))


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


def _evidence(initiative: str, measure: str, version: str | None) -> Fact:
    row = {
        "initiative": initiative,
        "version": version,
        "measure": measure,
        "title": "proof",
        "link": "https://example.org",
        "file_name": None,
        "sha256": None,
        "bytes": None,
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
