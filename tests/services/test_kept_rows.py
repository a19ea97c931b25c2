"""Rows that are kept in memory are those that a fresh look at the file would give."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path
from random import Random

import pytest

from core.domain.chain import Fact
from core.domain.errors import Conflict
from core.domain.facts.work import Comment
from core.domain.moment import Moment
from core.lake import facts as lake
from core.lake.store import Store, open_memory_store
from tests.conftest import later

INITIATIVES = ("loans", "claims", "calls")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_memory_store(tmp_path)


def said(initiative: str, text: str, *, first: bool = False) -> Fact:
    row = {"initiative": initiative, "comment": text, "text": text, "mentions": []}
    return Fact("commented", initiative, "comment", (row,), first=first)


def texts(store: Store, initiative: str, seq: int) -> list[str]:
    return [comment.text for comment in lake.history(store, Comment, Moment(seq, later(0)), initiative)]


def on_file(store: Store, initiative: str, seq: int) -> list[str]:
    query = "SELECT text FROM comment WHERE initiative = ? AND seq <= ? ORDER BY seq"
    return [row[0] for row in store.cursor().execute(query, [initiative, seq]).fetchall()]


@pytest.mark.parametrize("seed", range(6))
def test_kept_rows_are_those_on_file_whoever_writes_and_whenever_is_looked(store: Store, seed: int) -> None:
    rng = Random(seed)
    other = Store(store._connection, store.folder)  # another handle on the same tables
    for number in range(60):
        writer = rng.choices((store, other), (5, 1))[0]
        facts = [said(rng.choice(INITIATIVES), f"{number}.{part}") for part in range(rng.randint(1, 3))]
        writer.append(facts, actor="ada", at=later(number))
        for _ in range(rng.randint(0, 3)):
            initiative, seq = rng.choice(INITIATIVES), rng.randint(0, store.head() + 5)
            assert texts(store, initiative, seq) == on_file(store, initiative, seq)


def test_what_was_refused_is_not_seen_and_hides_nothing(store: Store) -> None:
    store.append([said("loans", "one", first=True)], actor="ada", at=later(0))
    assert texts(store, "loans", 1) == ["one"]
    with pytest.raises(Conflict):
        store.append([said("loans", "two"), said("loans", "three", first=True)], actor="ada", at=later(1))
    assert texts(store, "loans", store.head()) == ["one"]
    store.append([said("loans", "four")], actor="ada", at=later(2))
    assert texts(store, "loans", store.head()) == ["one", "four"]


def test_a_fact_that_comes_first_is_refused_twice_in_one_append(store: Store) -> None:
    facts = [said("loans", "one", first=True), said("loans", "two", first=True)]
    with pytest.raises(Conflict):
        store.append(facts, actor="ada", at=later(0))
    assert store.head() == 0 and texts(store, "loans", 0) == []


def test_facts_handed_out_cannot_be_changed(store: Store) -> None:
    store.append([said("loans", "one")], actor="ada", at=later(0))
    comment = lake.history(store, Comment, Moment(1, later(0)), "loans")[0]
    with pytest.raises(FrozenInstanceError):
        comment.text = "changed"  # type: ignore[misc]
    assert comment.mentions == ()


def test_a_part_is_read_again_only_when_it_has_grown(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.append([said("loans", "one"), said("claims", "one")], actor="ada", at=later(0))
    assert texts(store, "loans", 2) == texts(store, "claims", 2) == ["one"]
    store.append([said("claims", "two")], actor="ada", at=later(1))
    asked: list[str] = []
    monkeypatch.setattr(lake, "_read", lambda cursor, kind, tail, values: asked.append(tail) or [])
    texts(store, "loans", 3)
    assert not asked
    texts(store, "claims", 3)
    assert len(asked) == 1
