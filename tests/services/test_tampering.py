"""Whatever one thing is changed in a copy of a store, verification finds it and names the first entry."""

from __future__ import annotations

import io
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from core.domain.chain import GENESIS, Entry, content_digest, entry_digest
from core.domain.commands import make
from core.entrypoints.cli import run
from core.lake.record.verify import FILE_TABLES, known_files, verify_store
from core.lake.store import DATABASE, Store, open_store, told
from core.services.governance import wire
from core.services.record.checkpoints import SignCheckpoint, sign_checkpoint, verify_against
from tests.conftest import ADMIN, CONFIG, later
from tests.record_store import build_store

SEEDS = 120


@dataclass
class Tampering:
    """One copy of the store in the hands of somebody with a database client and a seeded mind."""

    connection: duckdb.DuckDBPyConnection
    folder: Path
    columns: dict[str, dict[str, str]]
    known: list[tuple[str, int]]
    rng: random.Random

    def run(self, query: str, *values: Any) -> list[Any]:
        return self.connection.execute(query, list(values)).fetchall()

    @property
    def head(self) -> int:
        return int(self.run("SELECT max(seq) FROM record")[0][0])

    def some_entry(self) -> int:
        return self.rng.randint(1, self.head)

    def some_row(self) -> tuple[str, int, int]:
        """A fact table, the entry of one of its rows, and the row's address."""
        table = self.rng.choice(sorted(self.columns))
        seq, address = self.rng.choice(self.run(f"SELECT seq, rowid FROM {table} ORDER BY seq, rowid"))
        return table, seq, address


def change_an_entry(hands: Tampering) -> int:
    seq = hands.some_entry()
    change = hands.rng.choice(
        [
            "recorded_at = recorded_at + INTERVAL 1 MICROSECOND",
            "recorded_at = NULL",
            "actor = actor || ' '",
            "action = upper(action)",
            "subject = 'another-initiative'",
            "fact_table = 'nowhere'",
            "content_digest = repeat('0', 64)",
            "previous_digest = repeat('1', 64)",
            "previous_digest = NULL",
            "digest = repeat('f', 64)",
            "seq = seq + 1000",
            "seq = NULL",
        ]
    )
    hands.run(f"UPDATE record SET {change} WHERE seq = ?", seq)
    return seq


def delete_an_entry(hands: Tampering) -> int:
    seq = hands.some_entry()
    hands.run("DELETE FROM record WHERE seq = ?", seq)
    return seq


def delete_an_entry_with_its_rows(hands: Tampering) -> int:
    seq = hands.some_entry()
    for table in ("record", *hands.columns):
        hands.run(f"DELETE FROM {table} WHERE seq = ?", seq)
    return seq


def insert_an_entry_again(hands: Tampering) -> int:
    seq = hands.some_entry()
    hands.run("INSERT INTO record SELECT * FROM record WHERE seq = ?", seq)
    return seq


def insert_an_entry_between(hands: Tampering) -> int:
    seq = hands.some_entry()
    hands.run("UPDATE record SET seq = seq + 1 WHERE seq >= ?", seq)
    hands.run(
        "INSERT INTO record SELECT * REPLACE (seq - 1 AS seq, 'slipped' AS action) FROM record WHERE seq = ?",
        seq + 1,
    )
    return seq


def insert_an_entry_at_the_end(hands: Tampering) -> int:
    end = hands.head + 1
    hands.run(
        "INSERT INTO record SELECT * REPLACE (? AS seq, digest AS previous_digest) FROM record WHERE seq = ?",
        end,
        end - 1,
    )
    return end


def swap_entries(hands: Tampering) -> int:
    one, other = sorted(hands.rng.sample(range(1, hands.head + 1), 2))
    hands.run(
        "UPDATE record SET seq = CASE seq WHEN ? THEN ? ELSE ? END WHERE seq IN (?, ?)",
        one,
        other,
        one,
        one,
        other,
    )
    return one


def truncate_the_entries(hands: Tampering) -> int:
    seq = hands.some_entry()
    hands.run("DELETE FROM record WHERE seq >= ?", seq)
    return seq


def truncate_entries_and_rows(hands: Tampering) -> int:
    seq = hands.some_entry()
    for table in ("record", *hands.columns):
        hands.run(f"DELETE FROM {table} WHERE seq >= ?", seq)
    return seq


def change_a_row(hands: Tampering) -> int:
    table, seq, address = hands.some_row()
    columns = {**hands.columns[table], "recorded_at": "TIMESTAMP", "actor": "VARCHAR", "seq": "BIGINT"}
    column = hands.rng.choice(sorted(columns))
    value = hands.run(f"SELECT {column} FROM {table} WHERE rowid = ?", address)[0][0]
    another = _another(hands.rng, columns[column], value)
    hands.run(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", another, address)
    moved_before = column == "seq" and another is not None and 0 < another < seq
    return another if moved_before else seq


def _another(rng: random.Random, kind: str, value: Any) -> Any:
    """A value that differs from the one given; now and then none at all."""
    if value is not None and rng.random() < 0.15:
        return None
    if kind.endswith("[]"):
        return value[1:] if value else [_another(rng, kind.removesuffix("[]"), None) or 1]
    match kind:
        case "VARCHAR":
            return "something" if value is None else value + " "
        case "BOOLEAN":
            return not value
        case "DOUBLE":
            return float("nan") if rng.random() < 0.3 else (value or 0.0) + 1e-9
        case "DATE" | "TIMESTAMP":
            return (value or datetime(2026, 1, 1)) + timedelta(days=1)  # noqa: DTZ001 - as kept
    return (value or 0) + rng.choice([-1, 1])


def delete_a_row(hands: Tampering) -> int:
    table, seq, address = hands.some_row()
    hands.run(f"DELETE FROM {table} WHERE rowid = ?", address)
    return seq


def insert_a_row_again(hands: Tampering) -> int:
    table, seq, address = hands.some_row()
    hands.run(f"INSERT INTO {table} SELECT * FROM {table} WHERE rowid = ?", address)
    return seq


def insert_a_row_elsewhere(hands: Tampering) -> int:
    table, _, address = hands.some_row()
    seq = hands.rng.randint(1, hands.head + 3)
    hands.run(f"INSERT INTO {table} SELECT * REPLACE (? AS seq) FROM {table} WHERE rowid = ?", seq, address)
    return seq


def swap_rows(hands: Tampering) -> int:
    """What two entries put on record changes places; tables in which all rows are alike are passed over."""
    tables = sorted(hands.columns)
    hands.rng.shuffle(tables)
    for table in tables:
        rest = ", ".join(["recorded_at", "actor", *hands.columns[table]])
        grouped = hands.run(
            f"SELECT seq, list(({rest})::VARCHAR ORDER BY ({rest})::VARCHAR) FROM {table} GROUP BY seq"
        )
        pairs = [(a, b) for a, one in grouped for b, other in grouped if a < b and one != other]
        if pairs:
            one, other = hands.rng.choice(sorted(pairs))
            swapped = "UPDATE {} SET seq = CASE seq WHEN ? THEN ? ELSE ? END WHERE seq IN (?, ?)"
            hands.run(swapped.format(table), one, other, one, one, other)
            return int(one)
    raise AssertionError("no table has two entries that differ")


def truncate_a_table(hands: Tampering) -> int:
    table, seq, _ = hands.some_row()
    hands.run(f"DELETE FROM {table} WHERE seq >= ?", seq)
    return seq


def drop_a_table(hands: Tampering) -> int:
    table, _, _ = hands.some_row()
    first = hands.run(f"SELECT min(seq) FROM {table}")[0][0]
    hands.run(f"DROP TABLE {table}")
    return int(first)


def change_the_head(hands: Tampering) -> int:
    end = hands.head
    change, first = hands.rng.choice(
        [
            ("UPDATE head SET seq = seq - 1", end),
            ("UPDATE head SET seq = seq + 1", end + 1),
            ("UPDATE head SET seq = NULL", end),
            ("UPDATE head SET digest = repeat('a', 64)", end),
            ("UPDATE head SET recorded_at = recorded_at + INTERVAL 1 DAY", end),
            ("DELETE FROM head", end),
            ("INSERT INTO head SELECT * FROM head", end),
        ]
    )
    hands.run(change)
    return first


def _some_file(hands: Tampering) -> tuple[Path, int]:
    path, seq = hands.rng.choice(hands.known)
    return hands.folder / path, seq


def change_a_byte_of_a_file(hands: Tampering) -> int:
    path, seq = _some_file(hands)
    content = bytearray(path.read_bytes())
    content[hands.rng.randrange(len(content))] ^= 1 << hands.rng.randrange(8)
    path.write_bytes(content)
    return seq


def truncate_a_file(hands: Tampering) -> int:
    path, seq = _some_file(hands)
    content = path.read_bytes()
    path.write_bytes(content[: hands.rng.randrange(len(content))])
    return seq


def lengthen_a_file(hands: Tampering) -> int:
    path, seq = _some_file(hands)
    path.write_bytes(path.read_bytes() + b"\n")
    return seq


def delete_a_file(hands: Tampering) -> int:
    path, seq = _some_file(hands)
    path.unlink()
    return seq


def swap_files(hands: Tampering) -> int:
    (one, first), (other, second) = hands.rng.sample(hands.known, 2)
    here, there = hands.folder / one, hands.folder / other
    content = here.read_bytes()
    here.write_bytes(there.read_bytes())
    there.write_bytes(content)
    return min(first, second)


WAYS: list[Callable[[Tampering], int]] = [
    change_an_entry,
    change_a_row,
    delete_an_entry,
    delete_a_row,
    insert_an_entry_again,
    insert_a_row_again,
    insert_an_entry_between,
    insert_a_row_elsewhere,
    insert_an_entry_at_the_end,
    swap_entries,
    swap_rows,
    truncate_the_entries,
    truncate_a_table,
    truncate_entries_and_rows,
    delete_an_entry_with_its_rows,
    change_the_head,
    change_a_byte_of_a_file,
    truncate_a_file,
    lengthen_a_file,
    delete_a_file,
    swap_files,
    drop_a_table,
    change_a_row,
    change_an_entry,
]


@dataclass(frozen=True)
class Whole:
    """The untouched store, and the files that its record names with the first entry of each."""

    folder: Path
    columns: dict[str, dict[str, str]]
    known: list[tuple[str, int]]
    checkpoint: str


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole") / "store"
    governance = build_store(folder)
    signed = sign_checkpoint(governance, make(SignCheckpoint, actor=ADMIN, at=later(40)))
    first: dict[str, int] = {}
    for file in known_files(governance.store.cursor(), governance.store):
        first.setdefault(file.path, file.seq)
    found = verify_store(governance.store)
    assert found.first_break is None
    assert found.files == len(first) >= 8
    assert found.notes == ()
    empty = [
        t for t in governance.store.columns if not governance.store.cursor().execute(f"FROM {t}").fetchall()
    ]
    assert empty == [], "every fact table has rows that can be tampered with"
    governance.close()
    columns = governance.store.columns
    return Whole(folder, columns, sorted(first.items()), signed.model_dump_json())


@pytest.fixture
def copied(whole: Whole, tmp_path: Path) -> Path:
    return shutil.copytree(whole.folder, tmp_path / "copy")


def tamper(whole: Whole, folder: Path, way: Callable[[Tampering], int], seed: int) -> int:
    """Do it, and return the first entry that is not what it was, worked out from what was done."""
    with duckdb.connect(str(folder / DATABASE)) as connection:
        return way(Tampering(connection, folder, whole.columns, whole.known, random.Random(seed)))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_one_change_is_found_and_the_first_broken_entry_is_named(
    whole: Whole, copied: Path, seed: int
) -> None:
    with duckdb.connect(str(copied / DATABASE)) as connection:
        way = WAYS[seed % len(WAYS)]
        expected = way(Tampering(connection, copied, whole.columns, whole.known, random.Random(seed)))
        found = verify_store(Store(connection, copied)).first_break
    assert found is not None
    assert found.seq == expected, found.problem


@pytest.mark.parametrize(
    "way", [change_a_row, delete_an_entry, swap_rows, change_the_head, change_a_byte_of_a_file]
)
def test_the_command_finds_it_and_leaves_with_one(
    whole: Whole, copied: Path, way: Callable[[Tampering], int]
) -> None:
    before, said = govern("verify", "--store", str(copied))
    assert before == 0, said
    expected = tamper(whole, copied, way, 7)
    code, said = govern("verify", "--store", str(copied))
    assert code == 1
    assert f"The record is broken at entry {expected} " in said


def govern(*arguments: str) -> tuple[int, str]:
    """Run a command in this process; its exit code, and what it printed."""
    with redirect_stdout(io.StringIO()) as said:
        return run((*arguments, "--as", ADMIN.id)), said.getvalue()


def cut_off(folder: Path, seq: int, columns: dict[str, dict[str, str]]) -> None:
    """Take away the end of the record with all that hangs on it, so that the rest is whole in itself."""
    with duckdb.connect(str(folder / DATABASE)) as connection:
        for table in ("record", *columns):
            connection.execute(f"DELETE FROM {table} WHERE seq > ?", [seq])
        last = "SELECT seq, recorded_at, digest FROM record WHERE seq = ?"
        connection.execute("DELETE FROM head")
        connection.execute(f"INSERT INTO head {last}", [seq])


@pytest.mark.parametrize("seed", range(6))
def test_a_clean_cut_is_found_by_a_checkpoint_from_outside_and_by_nothing_else(
    whole: Whole, copied: Path, seed: int
) -> None:
    store = open_store(copied)
    head = store.head()
    store.close()
    kept = random.Random(seed).randint(2, head - 1)
    cut_off(copied, kept, whole.columns)
    governance = wire(open_store(copied), CONFIG)
    assert verify_against(governance).record.first_break is None
    found = verify_against(governance, checkpoint=whole.checkpoint).record.first_break
    governance.close()
    assert found is not None
    assert found.seq == kept + 1
    assert "is missing" in found.problem


def test_the_command_finds_a_clean_cut_with_the_checkpoint(
    whole: Whole, copied: Path, tmp_path: Path
) -> None:
    file = tmp_path / "checkpoint.json"
    file.write_text(whole.checkpoint, encoding="utf-8")
    assert govern("verify", "--store", str(copied), "--checkpoint", str(file))[0] == 0
    cut_off(copied, 9, whole.columns)
    assert govern("verify", "--store", str(copied))[0] == 0
    code, said = govern("verify", "--store", str(copied), "--checkpoint", str(file))
    assert code == 1
    assert "The record is broken at entry 10 " in said


def test_a_record_written_anew_from_some_entry_on_is_found_by_a_checkpoint(
    whole: Whole, copied: Path
) -> None:
    store = open_store(copied)
    seq = store.cursor().execute("SELECT min(seq) FROM evidence").fetchall()[0][0]
    store.cursor().execute("UPDATE evidence SET title = 'What was never submitted' WHERE seq = ?", [seq])
    write_anew(store)
    store.close()
    governance = wire(open_store(copied), CONFIG)
    assert verify_against(governance).record.first_break is None
    found = verify_against(governance, checkpoint=whole.checkpoint).record.first_break
    governance.close()
    assert found is not None
    assert "rewritten" in found.problem


def write_anew(store: Store) -> None:
    """Recompute every digest, as somebody who knows how it is done would."""
    cursor, previous = store.cursor(), GENESIS
    for seq, at, actor, action, subject, table in cursor.execute(
        "SELECT seq, recorded_at, actor, action, subject, fact_table FROM record ORDER BY seq"
    ).fetchall():
        names = list(store.columns[table])
        rows = cursor.execute(f"SELECT {', '.join(names)} FROM {table} WHERE seq = ?", [seq]).fetchall()
        content = content_digest(table, [told(table, dict(zip(names, row, strict=True))) for row in rows])
        digest = entry_digest(previous, Entry(seq, at, actor, action, subject, content))
        change = "UPDATE record SET content_digest = ?, previous_digest = ?, digest = ? WHERE seq = ?"
        cursor.execute(change, [content, previous, digest, seq])
        previous = digest
    cursor.execute("UPDATE head SET digest = ?", [previous])


def test_every_table_that_names_files_says_where_they_lie(whole: Whole) -> None:
    naming = {table for table, columns in whole.columns.items() if {"path", "sha256"} <= set(columns)}
    assert naming <= set(FILE_TABLES), "add the table to FILE_TABLES in core/lake/record/verify.py"


def test_a_file_that_no_entry_names_is_noted_and_breaks_nothing(copied: Path) -> None:
    (copied / "evidence" / "planted.pdf").write_bytes(b"%PDF")
    store = open_store(copied)
    found = verify_store(store)
    store.close()
    assert found.first_break is None
    assert found.notes == ("file evidence/planted.pdf belongs to no entry of the record",)


@pytest.fixture
def at_hand(copied: Path) -> Iterator[Store]:
    store = open_store(copied)
    yield store
    store.close()


def test_entries_of_older_stores_still_verify(at_hand: Store) -> None:
    """Before headers had a digest of their own, an entry's digest was made in one step."""
    from core.domain.chain import single_step_digest

    cursor, previous = at_hand.cursor(), GENESIS
    for *header, _ in cursor.execute(
        "SELECT seq, recorded_at, actor, action, subject, content_digest, digest FROM record ORDER BY seq"
    ).fetchall():
        digest = single_step_digest(previous, Entry(*header))
        change = "UPDATE record SET previous_digest = ?, digest = ? WHERE seq = ?"
        cursor.execute(change, [previous, digest, header[0]])
        previous = digest
    cursor.execute("UPDATE head SET digest = ?", [previous])
    assert verify_store(at_hand).first_break is None
    cursor.execute("UPDATE record SET actor = 'mallory' WHERE seq = 5")
    found = verify_store(at_hand).first_break
    assert found is not None
    assert found.seq == 5


@pytest.mark.parametrize(
    "forged",
    [
        "INSERT INTO directory SELECT 'mallory', 'Mallory', 'Auditor', 'Risk', ['head_of_risk'], false",
        "UPDATE directory SET actor = 'mallory' WHERE actor = 'vera-validator'",
    ],
)
def test_roles_that_no_entry_gave_are_found(copied: Path, forged: str) -> None:
    store = open_store(copied)
    store.cursor().execute(forged)
    found = verify_store(store).first_break
    assert found is not None
    assert found.subject == "directory, mallory"
    assert "no entry of the record gave" in found.problem
    store.close()
