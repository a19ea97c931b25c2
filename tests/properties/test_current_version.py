"""Whatever happens to versions: queries over the inventory and the pure fold name the same ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.chain import Fact
from core.lake.models import standing, standings
from core.lake.query import asking, fetch, moment_values
from core.lake.store import Store, open_memory_store

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
INITIATIVES = ("alpha", "beta")
VERSIONS = ("1", "2", "3")
CURRENT = asking("SELECT initiative, version, task, recorded_at FROM current_version", "current")
LIVE = asking("SELECT initiative, version FROM current_live WHERE live", "live")
GATES = (("1.0", "deployment"),)
ACTS = ("register", "challenge", "promote", "retire", "deploy", "shadow", "emergency", "suspend")
ACTS += ("asked_open", "asked_blocked")
acts = st.lists(
    st.tuples(
        st.sampled_from(INITIATIVES),
        st.sampled_from(VERSIONS),
        st.sampled_from(ACTS),
    ),
    max_size=40,
)


class Told:
    """A plain telling of the rule, one act after the other, without looking back."""

    def __init__(self) -> None:
        self.kinds: dict[tuple[str, str], str] = {}
        self.current: dict[str, str | None] = dict.fromkeys(INITIATIVES)

    def act(self, initiative: str, version: str, what: str, at: datetime) -> list[Fact]:
        known = (initiative, version) in self.kinds
        if what in ("register", "challenge"):
            if known:
                return []
            self.kinds[initiative, version] = what
            facts = [_registered(initiative, version)]
            if what == "challenge":
                return [*facts, _state(initiative, version, "challenger")]
            self.current[initiative] = version
            return facts
        if not known:
            return []
        if what in ("deploy", "shadow", "emergency", "suspend"):
            state = "suspended" if what == "suspend" else "deployed"
            role = {"suspend": "", "shadow": "shadow"}.get(what, "production")
            until = (at + timedelta(days=3)).date() if what == "emergency" else None
            return [_state(initiative, version, state, role=role, until=until)]
        if what.startswith("asked"):
            return [_decision(initiative, version, what.removeprefix("asked_"))]
        if what == "promote":
            self.current[initiative] = version
            return [_state(initiative, version, "champion")]
        if self.current[initiative] == version:
            self.current[initiative] = None
        return [_state(initiative, version, "retired")]


@settings(max_examples=80, deadline=None)
@given(acts, st.data())
def test_the_current_version_is_told_alike(history: list[tuple[str, str, str]], data: st.DataObject) -> None:
    store = open_memory_store(Path("unused"))
    told, at = Told(), START
    shown: list[tuple[datetime, dict[str, str | None]]] = []
    for initiative, version, what in history:
        at += timedelta(days=1)
        facts = told.act(initiative, version, what, at)
        if facts:
            store.append(facts, actor="someone", at=at)
        shown.append((at, dict(told.current)))
    for then, expected in data.draw(st.lists(st.sampled_from(shown), max_size=3)) if shown else []:
        assert _by_query(store, then) == expected
        moment = store.moment(then)
        stands = {name: standing(store, name, moment, GATES) for name in INITIATIVES}
        assert {name: one.current for name, one in stands.items()} == expected
        assert standings(store, moment, GATES) == {n: one for n, one in stands.items() if one.states}
        rows = fetch(store.cursor(), LIVE, {**moment_values(moment), "live_gates": GATES})
        live = {n: one.in_production.version for n, one in stands.items() if one.in_production}
        assert {row["initiative"]: row["version"] for row in rows} == live
    store.close()


def _by_query(store: Store, at: datetime) -> dict[str, str | None]:
    rows = fetch(store.cursor(), CURRENT, moment_values(store.moment(at)))
    assert all(row["task"] == "binary" for row in rows)
    return {**dict.fromkeys(INITIATIVES), **{row["initiative"]: row["version"] for row in rows}}


def _registered(initiative: str, version: str) -> Fact:
    texts = ("notes", "artifact_uri", "artifact_sha256", "data_uri", "data_sha256", "code_uri", "code_commit")
    row: dict[str, Any] = {
        **dict.fromkeys(texts, ""),
        "environment_sha256": "",
        "initiative": initiative,
        "version": version,
        "algorithm": "tree",
        "task": "binary",
        "metrics": "{}",
    }
    return Fact("model_version_registered", f"{initiative}/{version}", "model_version", (row,))


def _decision(initiative: str, version: str, outcome: str) -> Fact:
    """An answer as a store from before deployments were acts holds it."""
    row = {"initiative": initiative, "version": version, "gate": "deployment", "outcome": outcome}
    row |= {"findings": "[]", "policy_version": "1.0", "makes_live": None}
    return Fact("gate_decided", initiative, "decision", (row,))


def _state(initiative: str, version: str, state: str, **more: Any) -> Fact:
    row = {"initiative": initiative, "version": version, "state": state, "reason": "because"}
    row |= {"role": "", "until": None, **more}
    return Fact(f"version_{state}", f"{initiative}/{version}", "version_state", (row,))
