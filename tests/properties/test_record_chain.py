"""The record only grows, every entry is chained, and any change to it is found and named."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.chain import Fact
from core.domain.errors import Conflict
from core.lake.record.verify import verify_store
from core.lake.store import Store, open_memory_store

START = datetime(2026, 1, 5, 9, tzinfo=UTC)

numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**6), 10**6)
check_rows = st.fixed_dictionaries(
    {
        "initiative": st.sampled_from(["alpha", "beta", "gamma"]),
        "version": st.none() | st.just("1"),
        "check_id": st.text(min_size=1, max_size=8).filter(lambda text: "\x00" not in text),
        "verdict": st.sampled_from(["pass", "fail", "cannot_tell"]),
        "first_try": st.booleans(),
        "observed": numbers,
        "limit_value": numbers,
        "message": st.text(max_size=20).filter(lambda text: "\x00" not in text),
        "remedy": st.just(""),
    }
)


def fact(row: dict[str, Any]) -> Fact:
    return Fact("check_run", row["initiative"], "check_run", (row,))


def store_with(rows: list[dict[str, Any]]) -> Store:
    store = open_memory_store(Path("unused"))
    for minutes, row in enumerate(rows):
        store.append([fact(row)], actor="someone", at=START + timedelta(minutes=minutes))
    return store


@settings(max_examples=30, deadline=None)
@given(st.lists(check_rows, min_size=1, max_size=12))
def test_appending_never_changes_what_was_recorded_before(rows: list[dict[str, Any]]) -> None:
    store = store_with(rows[:-1])
    query = "SELECT * FROM record ORDER BY seq"
    before = store.cursor().execute(query).fetchall()
    store.append([fact(rows[-1])], actor="someone", at=START + timedelta(days=1))
    after = store.cursor().execute(query).fetchall()
    assert after[:-1] == before
    assert store.head() == len(rows)
    assert verify_store(store).first_break is None


@settings(max_examples=40, deadline=None)
@given(st.lists(check_rows, min_size=2, max_size=10), st.data())
def test_a_changed_row_is_found_and_named(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    store = store_with(rows)
    seq = data.draw(st.integers(1, len(rows)))
    change = data.draw(
        st.sampled_from(
            [
                "UPDATE check_run SET message = message || '!' WHERE seq = ?",
                "UPDATE check_run SET first_try = NOT first_try WHERE seq = ?",
                "UPDATE check_run SET recorded_at = recorded_at + INTERVAL 1 MICROSECOND WHERE seq = ?",
                "UPDATE check_run SET actor = 'another' WHERE seq = ?",
                "UPDATE record SET actor = 'another' WHERE seq = ?",
                "UPDATE record SET digest = repeat('f', 64) WHERE seq = ?",
                "DELETE FROM check_run WHERE seq = ?",
                "INSERT INTO check_run SELECT * FROM check_run WHERE seq = ?",
            ]
        )
    )
    store.cursor().execute(change, [seq])
    found = verify_store(store).first_break
    assert found is not None
    assert found.seq == seq


@pytest.mark.parametrize("seq", [1, 2, 3])
def test_a_deleted_entry_is_found(seq: int) -> None:
    row = dict.fromkeys(check_columns()) | {"initiative": "alpha", "message": "m"}
    store = store_with([row] * 3)
    store.cursor().execute("DELETE FROM record WHERE seq = ?", [seq])
    found = verify_store(store).first_break
    assert found is not None
    assert found.seq == seq


def test_an_entry_slipped_in_is_found() -> None:
    row = dict.fromkeys(check_columns()) | {"initiative": "alpha", "message": "m"}
    store = store_with([row] * 3)
    store.cursor().execute("INSERT INTO check_run (seq, message) VALUES (4, 'slipped in')")
    found = verify_store(store).first_break
    assert found is not None
    assert found.seq == 4


def test_writers_on_many_threads_keep_one_unbroken_order() -> None:
    row = dict.fromkeys(check_columns()) | {"initiative": "alpha"}
    store = store_with([])

    def write(name: str) -> None:
        for _ in range(25):
            store.append([fact({**row, "message": name})], actor=name, at=START)

    threads = [threading.Thread(target=write, args=(f"writer-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.head() == 100
    assert verify_store(store).first_break is None


def test_a_first_fact_is_refused_the_second_time_and_nothing_of_it_stays() -> None:
    row = dict.fromkeys(check_columns()) | {"initiative": "alpha"}
    store = store_with([])
    first = Fact("check_run", "alpha", "check_run", (row,), first=True)
    store.append([first], actor="someone", at=START)
    with pytest.raises(Conflict, match="'alpha' is there already"):
        store.append([fact({**row, "initiative": "beta"}), first], actor="someone", at=START)
    assert store.head() == 1
    assert verify_store(store).first_break is None


def test_time_never_runs_backwards_in_the_record() -> None:
    row = dict.fromkeys(check_columns()) | {"initiative": "alpha"}
    store = store_with([])
    store.append([fact(row)], actor="someone", at=START)
    store.append([fact(row)], actor="someone", at=START - timedelta(days=1))
    times = [r[0] for r in store.cursor().execute("SELECT recorded_at FROM record ORDER BY seq").fetchall()]
    assert times == sorted(times)


def check_columns() -> list[str]:
    return list(open_memory_store(Path("unused")).columns["check_run"])
