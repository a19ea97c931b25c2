"""Whatever happens to versions: one query over the inventory and the pure fold name the same current one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.chain import Fact
from core.lake.models import standing
from core.lake.query import asking, fetch, moment_values
from core.lake.store import Store, open_memory_store

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
INITIATIVES = ("alpha", "beta")
VERSIONS = ("1", "2", "3")
CURRENT = asking("SELECT initiative, version, task, recorded_at FROM current_version", "current")
acts = st.lists(
    st.tuples(
        st.sampled_from(INITIATIVES),
        st.sampled_from(VERSIONS),
        st.sampled_from(("register", "challenge", "promote", "retire")),
    ),
    max_size=40,
)


class Told:
    """A plain telling of the rule, one act after the other, without looking back."""

    def __init__(self) -> None:
        self.kinds: dict[tuple[str, str], str] = {}
        self.current: dict[str, str | None] = dict.fromkeys(INITIATIVES)

    def act(self, initiative: str, version: str, what: str) -> list[Fact]:
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
        facts = told.act(initiative, version, what)
        if facts:
            store.append(facts, actor="someone", at=at)
        shown.append((at, dict(told.current)))
    for then, expected in data.draw(st.lists(st.sampled_from(shown), max_size=3)) if shown else []:
        assert _by_query(store, then) == expected
        moment = store.moment(then)
        assert {name: standing(store, name, moment).current for name in INITIATIVES} == expected
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


def _state(initiative: str, version: str, state: str) -> Fact:
    row = {"initiative": initiative, "version": version, "state": state, "reason": "because"}
    return Fact(f"version_{state}", f"{initiative}/{version}", "version_state", (row,))
