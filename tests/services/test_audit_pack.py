"""An audit pack stands by itself: complete, without others' business, and any byte changed in it is found."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.connectors.pack_files import check_pack
from core.connectors.pack_verifier import Wrong
from core.domain.actors import Actor
from core.domain.commands import AmendInitiative, make
from core.domain.errors import BadInput, BrokenRecord, Forbidden, NotFound
from core.lake.record.entries import unsorted_tables
from core.services.governance import Governance
from core.services.process.evidence import PurgeEvidence, purge_evidence
from core.services.process.initiatives import amend_initiative
from core.services.record.audit_pack import AuditPack, ExportAuditPack, export_audit_pack
from core.services.record.entries import verify_record
from tests.conftest import ADMIN, BUILDER, OUTSIDER, OWNER, VALIDATOR, later, register
from tests.record_store import build_store

OURS, THEIRS = "card-limit-advice", "loan-repayment-outlook"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    governance = build_store(tmp_path_factory.mktemp("packs") / "store")
    yield governance
    governance.close()


@pytest.fixture(scope="module")
def pack(built: Governance, tmp_path_factory: pytest.TempPathFactory) -> AuditPack:
    return export(built, tmp_path_factory.mktemp("one") / "pack")


@pytest.fixture(scope="module")
def zipped(built: Governance, tmp_path_factory: pytest.TempPathFactory) -> AuditPack:
    return export(built, tmp_path_factory.mktemp("zip") / "pack.zip", zipped=True)


def export(governance: Governance, target: Path, *, days: float = 60, **given: Any) -> AuditPack:
    values = {
        "actor": VALIDATOR,
        "at": later(90),
        "initiative": OURS,
        "as_of": governance.moment(later(days)),
        "target": target,
        **given,
    }
    return export_audit_pack(governance, make(ExportAuditPack, **values))


def run_verifier(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the pack's own verifier as an outsider would: isolated, and without any installed package."""
    command = [sys.executable, "-I", "-S", "verify.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def names(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def entries(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "record" / "entries.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_the_verifier_runs_on_bare_python_and_says_what_it_verified(pack: AuditPack) -> None:
    said = run_verifier(pack.path)
    assert said.returncode == 0, said.stderr
    assert said.stdout.count("ok    ") == 6
    assert said.stdout.endswith("The pack is whole.\n")
    assert pack.key in said.stdout
    assert run_verifier(pack.path, "--key", pack.key).returncode == 0
    assert sorted(set(names(pack.path))) == names(pack.path)
    assert len(names(pack.path)) == pack.files


def test_a_zip_file_is_verified_as_it_is_and_unpacked(zipped: AuditPack, tmp_path: Path) -> None:
    assert check_pack(zipped.path)
    shutil.unpack_archive(zipped.path, tmp_path)
    assert run_verifier(tmp_path / "pack").returncode == 0
    assert run_verifier(tmp_path / "pack", str(zipped.path)).returncode == 0


def test_one_byte_in_any_file_is_found(pack: AuditPack, tmp_path: Path) -> None:
    copy = shutil.copytree(pack.path, tmp_path / "pack")
    for name in names(copy):
        content = (copy / name).read_bytes()
        for place in {0, len(content) // 3, len(content) // 2, len(content) - 1}:
            changed = bytearray(content)
            changed[place] ^= 0x20
            (copy / name).write_bytes(changed)
            with pytest.raises(Wrong):
                check_pack(copy)
        (copy / name).write_bytes(content)
    assert check_pack(copy)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_changed_to_any_other_is_found(pack: AuditPack, data: st.DataObject) -> None:
    file = pack.path / data.draw(st.sampled_from(names(pack.path)))
    content = file.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda value: value != content[place]))
    try:
        file.write_bytes(content[:place] + bytes([other]) + content[place + 1 :])
        with pytest.raises(Wrong):
            check_pack(pack.path)
    finally:
        file.write_bytes(content)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_of_the_zip_file_changed_is_found(
    zipped: AuditPack, tmp_path: Path, data: st.DataObject
) -> None:
    content = zipped.path.read_bytes()
    headers = st.one_of(st.integers(0, 80), st.integers(len(content) - 900, len(content) - 1))
    place = data.draw(st.one_of(st.integers(0, len(content) - 1), headers))
    other = data.draw(st.integers(0, 255).filter(lambda value: value != content[place]))
    changed = tmp_path / "changed.zip"
    changed.write_bytes(content[:place] + bytes([other]) + content[place + 1 :])
    with pytest.raises(Wrong):
        check_pack(changed)


@pytest.mark.parametrize("seed", range(20))
def test_a_verifier_that_was_changed_in_one_byte_does_not_call_its_pack_whole(
    pack: AuditPack, tmp_path: Path, seed: int
) -> None:
    copy = shutil.copytree(pack.path, tmp_path / "pack")
    program = copy / "verify.py"
    content = program.read_bytes()
    starts = [0, *(place + 1 for place, char in enumerate(content[:-1]) if char == 10)]
    place = starts[(seed * 37 + 11) % len(starts)] + (4 if seed % 2 else 0)
    program.write_bytes(content[:place] + b"#" + content[place + 1 :])
    if program.read_bytes() != content:
        assert run_verifier(copy).returncode != 0


@pytest.mark.parametrize("name", ["index.html", "record/entries.jsonl", "checkpoint.json", "manifest.sig"])
def test_a_missing_file_is_named(pack: AuditPack, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(pack.path, tmp_path / "pack")
    (copy / name).unlink()
    said = run_verifier(copy)
    assert said.returncode == 1
    assert said.stderr == f"WRONG {name} is missing.\n"


@pytest.mark.parametrize("name", ["added.txt", "evidence/added.pdf", ".hidden", "record/__init__.py"])
def test_an_added_file_is_named(pack: AuditPack, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(pack.path, tmp_path / "pack")
    (copy / name).write_bytes(b"added")
    said = run_verifier(copy)
    assert said.returncode == 1
    assert said.stderr == f"WRONG {name} was added to the pack.\n"


def test_two_files_that_changed_places_and_a_link_are_found(pack: AuditPack, tmp_path: Path) -> None:
    copy = shutil.copytree(pack.path, tmp_path / "pack")
    one, other = sorted((copy / "evidence").iterdir())[:2]
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    assert "is not the file that was packed" in run_verifier(copy).stderr
    shutil.rmtree(copy)
    shutil.copytree(pack.path, copy)
    one.unlink()
    one.symlink_to(pack.path / "evidence" / one.name)
    assert "is a link to somewhere else" in run_verifier(copy).stderr


def test_a_pack_signed_by_somebody_else_is_found_by_the_key(pack: AuditPack, tmp_path: Path) -> None:
    """Whoever has another key can sign anything: the key has to come by another way."""
    from core.connectors.pack_files import write_pack
    from core.connectors.settings import SigningKey

    manifest = json.loads((pack.path / "manifest.json").read_text(encoding="utf-8"))
    files = {name: (pack.path / name).read_bytes() for name in manifest.pop("files") if name != "verify.py"}
    write_pack(tmp_path / "forged", files, manifest, SigningKey("ab" * 32))
    assert "was signed with another key" in run_verifier(tmp_path / "forged").stderr
    assert "not with the one you named" in run_verifier(tmp_path / "forged", "--key", pack.key).stderr


def test_everything_of_the_initiative_is_in_its_pack(built: Governance, pack: AuditPack) -> None:
    packed: dict[str, int] = {}
    for entry in entries(pack.path):
        packed[entry["table"]] = packed.get(entry["table"], 0) + len(entry["rows"])
    for table, columns in built.store.columns.items():
        if "initiative" in columns:
            query = f"SELECT count(*) FROM {table} WHERE initiative = ? AND seq <= ?"
            [(rows,)] = built.store.cursor().execute(query, [OURS, pack.seq]).fetchall()
            assert packed.get(table, 0) == rows, table
            assert rows > 0, f"the store has nothing in {table} to try with"


def test_every_fact_table_has_a_rule_how_it_is_packed(built: Governance) -> None:
    assert unsorted_tables(built.store) == [], (
        "say in core/lake/record/entries.py what of it belongs into a pack"
    )


def test_of_others_a_pack_holds_digests_only(built: Governance, pack: AuditPack) -> None:
    query = "SELECT DISTINCT sha256 FROM evidence WHERE initiative = ?"
    digests = [row[0] for row in built.store.cursor().execute(query, [THEIRS]).fetchall()]
    for word in (THEIRS, "Loan Repayment", OUTSIDER.name, OUTSIDER.id, *digests):
        for name in names(pack.path):
            assert word.encode() not in (pack.path / name).read_bytes(), (word, name)
    chain = (pack.path / "record" / "chain.txt").read_text(encoding="utf-8").splitlines()
    assert len(chain) == pack.seq


def test_a_pack_of_all_holds_all(built: Governance, tmp_path: Path) -> None:
    made = export(built, tmp_path / "all", initiative="all")
    assert run_verifier(made.path).returncode == 0
    assert len(entries(made.path)) == made.seq
    assert {f"initiatives/{name}.html" for name in (OURS, THEIRS)} <= set(names(made.path))


def test_a_pack_of_a_past_day_knows_nothing_of_what_came_later(built: Governance, tmp_path: Path) -> None:
    early = export(built, tmp_path / "early", days=3.15)
    later_rows = built.store.cursor().execute(
        "SELECT title, sha256 FROM evidence WHERE initiative = ? AND seq > ?", [OURS, early.seq]
    )
    told = [word for row in later_rows.fetchall() for word in row]
    assert told
    for word in (*told, '"gate_decided"', ">Gate decisions<"):
        for name in names(early.path):
            assert name == "verify.py" or word.encode() not in (early.path / name).read_bytes(), (word, name)
    assert run_verifier(early.path).returncode == 0
    again = export(built, tmp_path / "again", days=3.15)
    for name in ("index.html", "record/chain.txt", "record/entries.jsonl"):
        assert (again.path / name).read_bytes() == (early.path / name).read_bytes()


def test_an_export_is_put_on_record(governance: Governance, tmp_path: Path) -> None:
    register(governance)
    made = export(governance, tmp_path / "pack")
    rows = governance.store.cursor().execute("SELECT initiative, manifest_sha256 FROM audit_pack").fetchall()
    assert rows == [(OURS, made.manifest_sha256)]
    assert verify_record(governance).first_break is None


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"actor": OWNER}, Forbidden, "may not export an audit pack"),
        ({"actor": OUTSIDER}, Forbidden, "may not export an audit pack"),
        ({"initiative": "no-such"}, NotFound, "no initiative 'no-such'"),
    ],
)
def test_refusals_store_and_write_nothing(
    governance: Governance, tmp_path: Path, change: dict[str, Any], error: type[Exception], words: str
) -> None:
    register(governance)
    head = governance.store.head()
    with pytest.raises(error, match=words):
        export(governance, tmp_path / "pack", **change)
    assert governance.store.head() == head
    assert not (tmp_path / "pack").exists()


def test_nothing_is_written_over_what_is_there(governance: Governance, tmp_path: Path) -> None:
    register(governance)
    (tmp_path / "pack").mkdir()
    with pytest.raises(BadInput, match="something of this name already"):
        export(governance, tmp_path / "pack")


def test_a_broken_record_makes_no_pack(governance: Governance, tmp_path: Path) -> None:
    register(governance)
    governance.store.cursor().execute("UPDATE initiative SET owner = 'mallory'")
    with pytest.raises(BrokenRecord, match=r"what entry [0-9]+ recorded is not what the pack shows"):
        export(governance, tmp_path / "out" / "pack")
    assert list((tmp_path / "out").iterdir()) == []


def test_what_people_typed_is_text_on_the_page(governance: Governance, tmp_path: Path) -> None:
    register(governance)
    hostile = '<script>alert("x")</script><img src=x onerror=y>'
    command = make(
        AmendInitiative, actor=BUILDER, at=later(2), initiative=OURS, name=hostile, purpose=hostile
    )
    amend_initiative(governance, command)
    page = (export(governance, tmp_path / "pack").path / "index.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_file_forgotten_on_purpose_is_told_apart_from_one_that_is_missing(tmp_path: Path) -> None:
    governance = build_store(tmp_path / "store")
    query = "SELECT sha256 FROM evidence WHERE initiative = ? ORDER BY seq"
    [first, second, *_] = [row[0] for row in governance.store.cursor().execute(query, [OURS]).fetchall()]
    before = verify_record(governance)
    assert purge(governance, first) is True
    assert not (governance.store.folder / "evidence" / first).exists()
    found = verify_record(governance)
    assert found.first_break is None
    assert (found.files, found.purged) == (before.files - 1, before.purged + 1)
    made = export(governance, tmp_path / "pack", days=99)
    assert "1 were forgotten on purpose" in run_verifier(made.path).stdout
    (governance.store.folder / "evidence" / second).unlink()
    broken = verify_record(governance).first_break
    assert broken is not None
    assert "is gone" in broken.problem
    with pytest.raises(BrokenRecord, match="is gone"):
        export(governance, tmp_path / "another", days=99)
    governance.close()


def purge(governance: Governance, sha256: str, actor: Actor = ADMIN, initiative: str = OURS) -> bool:
    command = make(
        PurgeEvidence,
        actor=actor,
        at=later(70),
        initiative=initiative,
        sha256=sha256,
        reason="It held the names of customers.",
    )
    return purge_evidence(governance, command)


def test_only_a_file_that_is_held_can_be_forgotten_and_not_by_everybody(built: Governance) -> None:
    query = "SELECT sha256 FROM evidence WHERE initiative = ?"
    sha256 = built.store.cursor().execute(query, [OURS]).fetchall()[0][0]
    with pytest.raises(Forbidden, match="may not have an evidence file forgotten"):
        purge(built, sha256, actor=BUILDER)
    with pytest.raises(NotFound, match="holds no evidence file"):
        purge(built, sha256, initiative=THEIRS)
    assert (built.store.folder / "evidence" / sha256).exists()
