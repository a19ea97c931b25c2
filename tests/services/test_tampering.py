"""Whatever one thing is changed in a copy of a store, verification finds it and names the first entry."""

from __future__ import annotations

import hashlib
import io
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from core.connectors.settings import KEY_FILE, Place, Signing, SigningKey
from core.domain.chain import GENESIS, Entry, content_digest, entry_digest, key_id
from core.entrypoints.cli import run
from core.lake.record.verify import FILE_TABLES, known_files, verify_store
from core.lake.store import DATABASE, Store, told
from core.services.governance import Governance, wire
from core.services.record.checkpoints import keep_checkpoint, verify_against
from tests.conftest import ADMIN, CONFIG, later
from tests.record_store import build_store

SEEDS = 120


class AtHand(Store):
    """A store seen through one connection: what a transaction changes is seen, and then taken back."""

    def cursor(self) -> duckdb.DuckDBPyConnection:
        return self._connection


@dataclass
class Tampering:
    """The store in the hands of somebody with a database client and a seeded mind."""

    store: AtHand
    known: list[tuple[str, int]]
    rng: random.Random

    @property
    def folder(self) -> Path:
        return self.store.folder

    @property
    def columns(self) -> dict[str, dict[str, str]]:
        return self.store.columns

    def run(self, query: str, *values: Any) -> list[Any]:
        return self.store.cursor().execute(query, list(values)).fetchall()

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
    del hands.columns[table]  # as whoever opens it next sees it
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


def change_a_key(hands: Tampering) -> int:
    seq = hands.run("SELECT max(seq) FROM signing_key")[0][0]
    hands.run("UPDATE signing_key SET public_key = ? WHERE seq = ?", SigningKey(THIEF).public, seq)
    return int(seq)


def change_the_rules(hands: Tampering) -> int:
    """Policy, ethical position, and whatever else of the configuration is on record."""
    texts = [table for table, columns in hands.columns.items() if "text" in columns and "version" in columns]
    table = hands.rng.choice(sorted({*texts, "policy", "ethics"}))
    seq = hands.run(f"SELECT max(seq) FROM {table}")[0][0]
    hands.run(f"UPDATE {table} SET text = replace(text, '0', '1') || ' ' WHERE seq = ?", seq)
    return int(seq)


def give_roles_in_the_directory(hands: Tampering) -> None:
    person = "'mallory', 'Mallory', 'Auditor', 'Risk', ['head_of_risk'], false"
    hands.run(f"INSERT INTO directory (actor, name, title, team, roles, persona) SELECT {person}")


def put_another_in_the_place_of_a_signer(hands: Tampering) -> None:
    hands.run("UPDATE directory SET actor = 'mallory' WHERE actor = 'vera-validator'")


def put_another_key_beside_the_record(hands: Tampering) -> None:
    (hands.folder / KEY_FILE).write_text(THIEF)


WAYS: list[Callable[[Tampering], int | None]] = [
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
    change_a_key,
    change_the_rules,
    give_roles_in_the_directory,
    put_another_in_the_place_of_a_signer,
    put_another_key_beside_the_record,
]
THIEF = "c" * 64


@dataclass(frozen=True)
class Whole:
    """The untouched store: on disk to be copied, and at hand; its files, and where its checkpoint is kept."""

    folder: Path
    outside: Path
    governance: Governance
    store: AtHand
    known: list[tuple[str, int]]
    contents: Mapping[Path, bytes]

    @property
    def checkpoint(self) -> Path:
        (file,) = self.outside.iterdir()
        return file


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    folder = tmp_path_factory.mktemp("whole") / "store"
    outside = tmp_path_factory.mktemp("outside")
    governance = build_store(folder)
    signing = Signing(places=(Place("folder", str(outside)),))
    keep_checkpoint(replace(governance, signing=signing), later(40))
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
    copy = shutil.copytree(folder, tmp_path_factory.mktemp("at-hand") / "store")
    with duckdb.connect(str(copy / DATABASE), config={"threads": 1}) as connection:
        store = AtHand(connection, copy)
        contents = {
            path: path.read_bytes() for path in copy.rglob("*") if path.name != DATABASE and path.is_file()
        }
        held = wire(store, CONFIG, signing=signing)
        yield Whole(folder, outside, held, store, sorted(first.items()), contents)


@pytest.fixture
def hands(whole: Whole) -> Iterator[Tampering]:
    """Hands on the store at hand; whatever they do to tables and files is taken back."""
    columns = dict(whole.store.columns)
    whole.store.cursor().begin()
    yield Tampering(whole.store, whole.known, random.Random(0))
    whole.store.cursor().rollback()
    whole.store.columns = columns
    for path, content in whole.contents.items():
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
    for path in whole.store.folder.rglob("*"):
        if path.is_file() and path.name.split(".wal")[0] != DATABASE and path not in whole.contents:
            path.unlink()


@pytest.fixture
def copied(whole: Whole, tmp_path: Path) -> Path:
    return shutil.copytree(whole.folder, tmp_path / "copy")


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_one_change_is_found_and_the_first_broken_entry_is_named(
    whole: Whole, hands: Tampering, seed: int
) -> None:
    hands.rng = random.Random(seed)
    expected = WAYS[seed % len(WAYS)](hands)
    found = verify_against(whole.governance).record.first_break
    assert found is not None
    assert found.seq == expected, found.problem


def govern(*arguments: str) -> tuple[int, str]:
    """Run a command in this process; its exit code, and what it printed."""
    with redirect_stdout(io.StringIO()) as said:
        return run((*arguments, "--as", ADMIN.id)), said.getvalue()


def test_the_command_finds_it_and_leaves_with_one(whole: Whole, copied: Path) -> None:
    before, said = govern("verify", "--store", str(copied))
    assert before == 0, said
    with duckdb.connect(str(copied / DATABASE)) as connection:
        expected = change_a_row(Tampering(AtHand(connection, copied), whole.known, random.Random(7)))
    code, said = govern("verify", "--store", str(copied))
    assert code == 1
    assert f"The record is broken at entry {expected} " in said


def test_the_command_finds_a_clean_cut_with_the_checkpoint(whole: Whole, copied: Path) -> None:
    given = ("--checkpoint", str(whole.checkpoint))
    assert govern("verify", "--store", str(copied), *given)[0] == 0
    with duckdb.connect(str(copied / DATABASE)) as connection:
        cut_off(Tampering(AtHand(connection, copied), whole.known, random.Random(0)), 9)
    assert govern("verify", "--store", str(copied))[0] == 0
    code, said = govern("verify", "--store", str(copied), *given)
    assert code == 1
    assert "The record is broken at entry 10 " in said


def cut_off(hands: Tampering, seq: int) -> None:
    """Take away the end of the record with all that hangs on it, so that the rest is whole in itself."""
    for table in ("record", *hands.columns):
        hands.run(f"DELETE FROM {table} WHERE seq > ?", seq)
    hands.run("DELETE FROM head")
    hands.run("INSERT INTO head SELECT seq, recorded_at, digest FROM record WHERE seq = ?", seq)


def write_anew(hands: Tampering) -> None:
    """Recompute every digest, as somebody who knows how it is done would."""
    previous = GENESIS
    for seq, at, actor, action, subject, table in hands.run(
        "SELECT seq, recorded_at, actor, action, subject, fact_table FROM record ORDER BY seq"
    ):
        names = list(hands.columns[table])
        rows = hands.run(f"SELECT {', '.join(names)} FROM {table} WHERE seq = ?", seq)
        content = content_digest(table, [told(table, dict(zip(names, row, strict=True))) for row in rows])
        digest = entry_digest(previous, Entry(seq, at, actor, action, subject, content))
        change = "UPDATE record SET content_digest = ?, previous_digest = ?, digest = ? WHERE seq = ?"
        hands.run(change, content, previous, digest, seq)
        previous = digest
    hands.run("UPDATE head SET digest = ?", previous)


def turn_a_rejection_into_an_approval(hands: Tampering) -> None:
    hands.run("UPDATE sign_off SET outcome = 'approved', reason = 'All is well.'")
    write_anew(hands)


def let_another_have_signed(hands: Tampering) -> None:
    hands.run("UPDATE record SET actor = 'mallory' WHERE fact_table = 'sign_off'")
    hands.run("UPDATE sign_off SET actor = 'mallory'")
    write_anew(hands)


def forge_evidence(hands: Tampering) -> None:
    forged = b"What was never submitted."
    sha256 = hashlib.sha256(forged).hexdigest()
    seq, old = hands.run("SELECT seq, sha256 FROM evidence WHERE sha256 IS NOT NULL ORDER BY seq")[0]
    (hands.folder / "evidence" / old).unlink()
    (hands.folder / "evidence" / sha256).write_bytes(forged)
    hands.run("UPDATE evidence SET sha256 = ?, bytes = ? WHERE seq = ?", sha256, len(forged), seq)
    write_anew(hands)


def cut_the_tail_with_its_head(hands: Tampering) -> None:
    cut_off(hands, hands.head - 20)


def roll_the_whole_store_back(hands: Tampering) -> None:
    """As an older copy of the folder would be: rows, files and the head of then."""
    then = hands.head // 3
    cut_off(hands, then)
    for path, seq in hands.known:
        if seq > then:
            (hands.folder / path).unlink()


def sign_with_another_key_from_the_start(hands: Tampering) -> None:
    public = SigningKey(THIEF).public
    (hands.folder / KEY_FILE).write_text(THIEF)
    hands.run("UPDATE signing_key SET public_key = ?, key_id = ?", public, key_id(public))
    hands.run("UPDATE checkpoint SET key_id = ?", key_id(public))
    write_anew(hands)


def loosen_the_rules_of_then(hands: Tampering) -> None:
    hands.run("UPDATE policy SET text = replace(text, 'due_days: 1', 'due_days: 9')")
    hands.run("UPDATE ethics SET text = replace(text, '0.8', '0.1')")
    for table in ("membership", "directory"):  # which follows the record
        hands.run(f"UPDATE {table} SET roles = ['head_of_risk']")
    write_anew(hands)


@pytest.mark.parametrize(
    "rewriting",
    [
        turn_a_rejection_into_an_approval,
        let_another_have_signed,
        forge_evidence,
        cut_the_tail_with_its_head,
        roll_the_whole_store_back,
        sign_with_another_key_from_the_start,
        loosen_the_rules_of_then,
    ],
)
def test_a_store_rewritten_as_a_whole_is_found_by_the_kept_checkpoint_and_by_nothing_else(
    whole: Whole, hands: Tampering, rewriting: Callable[[Tampering], None]
) -> None:
    rewriting(hands)
    alone = replace(whole.governance, signing=Signing())
    assert verify_against(alone).record.first_break is None
    found = verify_against(whole.governance).record.first_break
    assert found is not None
    assert "checkpoint of" in found.problem


def test_every_table_that_names_files_says_where_they_lie(whole: Whole) -> None:
    naming = {table for table, columns in whole.store.columns.items() if {"path", "sha256"} <= set(columns)}
    assert naming <= set(FILE_TABLES), "add the table to FILE_TABLES in core/lake/record/verify.py"


def test_a_file_that_no_entry_names_is_noted_and_breaks_nothing(hands: Tampering) -> None:
    (hands.folder / "evidence" / "planted.pdf").write_bytes(b"%PDF")
    found = verify_store(hands.store)
    assert found.first_break is None
    assert found.notes == ("file evidence/planted.pdf belongs to no entry of the record",)


def test_entries_of_older_stores_still_verify(hands: Tampering) -> None:
    """Before headers had a digest of their own, an entry's digest was made in one step."""
    from core.domain.chain import single_step_digest

    cursor, previous = hands.store.cursor(), GENESIS
    for *header, _ in cursor.execute(
        "SELECT seq, recorded_at, actor, action, subject, content_digest, digest FROM record ORDER BY seq"
    ).fetchall():
        digest = single_step_digest(previous, Entry(*header))
        change = "UPDATE record SET previous_digest = ?, digest = ? WHERE seq = ?"
        cursor.execute(change, [previous, digest, header[0]])
        previous = digest
    cursor.execute("UPDATE head SET digest = ?", [previous])
    assert verify_store(hands.store).first_break is None
    cursor.execute("UPDATE record SET actor = 'mallory' WHERE seq = 5")
    found = verify_store(hands.store).first_break
    assert found is not None
    assert found.seq == 5
