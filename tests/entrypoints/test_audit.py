"""The auditors' commands: on a store that nobody holds, and through the server that holds it."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.domain.commands import make
from core.lake.store import open_store
from core.services.governance import Governance, wire
from core.services.record.checkpoints import SignCheckpoint, sign_checkpoint
from tests.conftest import ADMIN, CONFIG
from tests.entrypoints.conftest import Govern


@pytest.fixture
def decided(govern: Govern, moderate: str) -> str:
    said = govern("decide", moderate, "--gate", "deployment", "--json")
    assert said.code in (0, 1), said.err
    return moderate


def test_a_checkpoint_is_written_and_the_record_verifies_against_it(
    govern: Govern, decided: str, store: Path, tmp_path: Path
) -> None:
    file = tmp_path / "checkpoint.json"
    said = govern("checkpoint", "--out", str(file))
    assert said.code == 0, said.err
    signed = json.loads(file.read_text(encoding="utf-8"))
    assert said.out == f"Signed at entry {signed['seq']}: {file}.\n"
    assert stat.S_IMODE((store / "signing.key").stat().st_mode) == 0o600
    assert "signing.key" not in govern("record", "--json").out
    verified = govern("verify", "--checkpoint", str(file))
    assert verified.code == 0
    assert f"It goes on from the checkpoint of {signed['at'][:10]}" in verified.out
    assert govern("checkpoint", "--out", str(file)).code == 2, "nothing is written over"


def test_entries_of_a_clock_ahead_are_noted_and_hold_nothing_up(
    govern: Govern, store: Path, request: pytest.FixtureRequest
) -> None:
    assert "clock" not in govern("verify").out
    held = wire(open_store(store), CONFIG)
    ahead = datetime.now(UTC) + timedelta(hours=3)
    head = held.store.head() + 1
    sign_checkpoint(held, make(SignCheckpoint, actor=ADMIN, at=ahead))
    held.close()

    decided = request.getfixturevalue("decided")
    assert decided in govern("list").out
    checks = govern("record", "--action", "check_run", "--json").json["entries"]
    assert {entry["subject"] for entry in checks} == {decided}, "its first checks are there"
    said = govern("verify")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("The record is whole: ")
    assert f"from {head} on, lie up to 3 hours ahead of this machine's clock" in said.out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no checkpoint"),
        ("[1]", "is no checkpoint"),
        ("{}", "store is missing"),
        ("not json", "is no checkpoint"),
    ],
)
def test_what_is_no_checkpoint_is_refused(
    govern: Govern, store: Path, tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "checkpoint.json"
    file.write_text(text or " ", encoding="utf-8")
    said = govern("verify", "--checkpoint", str(file))
    assert said.code == 2
    assert words in said.err
    assert said.err.count("\n") == 1


def test_a_checkpoint_changed_in_any_field_is_refused(govern: Govern, decided: str, tmp_path: Path) -> None:
    signed = json.loads(govern("checkpoint").out)
    other = {"seq": signed["seq"] - 1, "at": "2026-01-01T00:00:00.000000+00:00"}
    for field, value in signed.items():
        file = tmp_path / f"{field}.json"
        changed = other.get(field) or value.translate(str.maketrans("0123456789", "1234567890"))
        file.write_text(json.dumps({**signed, field: changed}), encoding="utf-8")
        said = govern("verify", "--checkpoint", str(file))
        assert said.code == 2
        assert "changed after it was signed" in said.err, field


def test_a_key_that_others_can_read_is_refused(govern: Govern, decided: str, store: Path) -> None:
    govern("checkpoint")
    (store / "signing.key").chmod(0o644)
    said = govern("checkpoint")
    assert said.code == 2
    assert "can be read by others" in said.err


def test_the_key_may_come_from_the_settings(
    govern: Govern, decided: str, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOVERNANCE_SIGNING_KEY", "ab" * 32)
    signed = json.loads(govern("checkpoint").out)
    assert not (store / "signing.key").exists()
    assert govern("record", "--action", "signing_key_registered", "--json").json["entries"]
    monkeypatch.setenv("GOVERNANCE_SIGNING_KEY", "cd" * 32)
    assert "is not the one on record" in govern("checkpoint").err
    monkeypatch.setenv("GOVERNANCE_SIGNING_KEY_BEFORE", "ab" * 32)
    assert json.loads(govern("checkpoint").out)["public_key"] != signed["public_key"]
    monkeypatch.setenv("GOVERNANCE_SIGNING_KEY", "secret")
    said = govern("checkpoint")
    assert said.code == 2
    assert "GOVERNANCE_SIGNING_KEY" in said.err
    assert "secret" not in said.err


def test_a_decision_is_replayed_and_what_is_none_is_refused(govern: Govern, decided: str) -> None:
    entry = govern("record", "--action", "gate_decided", "--json").json["entries"][0]["seq"]
    said = govern("replay", str(entry))
    assert said.code == 0, said.err
    assert "the decision is the same" in said.out
    found = govern("replay", str(entry), "--json").json
    assert found["same"] is True
    assert found["again"]["outcome"] == found["recorded"]["outcome"]
    assert "is no gate decision" in govern("replay", "1").err
    assert govern("replay", "99999").code == 2


def test_a_decision_that_does_not_follow_is_told(govern: Govern, decided: str, store: Path) -> None:
    entry = govern("record", "--action", "gate_decided", "--json").json["entries"][0]["seq"]
    held = open_store(store)
    held.cursor().execute(
        "UPDATE decision SET outcome = CASE outcome WHEN 'open' THEN 'blocked' ELSE 'open' END"
    )
    held.close()
    said = govern("replay", str(entry))
    assert said.code == 1
    assert "Not the same: the outcome on record is" in said.out


@pytest.mark.parametrize("more", [(), ("--zip",)])
def test_a_pack_is_written_and_verified(
    govern: Govern, decided: str, tmp_path: Path, more: tuple[str, ...]
) -> None:
    target = tmp_path / ("pack.zip" if more else "pack")
    said = govern("audit-pack", decided, "--out", str(target), *more)
    assert said.code == 0, said.err
    assert "sha256 of its manifest" in said.out
    assert govern("verify-pack", str(target)).code == 0
    assert govern("audit-pack", decided, "--out", str(target), *more).code == 2, "nothing is written over"
    if not more:
        bare = [sys.executable, "-I", "-S", "verify.py"]
        assert subprocess.run(bare, cwd=target, check=False, capture_output=True).returncode == 0
        (target / "index.html").write_text("another page", encoding="utf-8")
        broken = govern("verify-pack", str(target))
        assert broken.code == 1
        assert broken.err == "The pack is broken: index.html is not the file that was packed.\n"
        assert govern("verify-pack", str(target), "--json").json["whole"] is False
    assert govern("verify").code == 0


def test_a_pack_as_of_a_day_before_the_initiative_is_refused(
    govern: Govern, decided: str, tmp_path: Path
) -> None:
    said = govern("audit-pack", decided, "--as-of", "2026-01-06", "--out", str(tmp_path / "pack"))
    assert said.code == 2
    assert "is registered" in said.err
    assert not (tmp_path / "pack").exists()


def test_a_server_that_holds_the_store_makes_the_pack(
    live: Governance, govern: Govern, tmp_path: Path
) -> None:
    said = govern("audit-pack", "all", "--out", str(tmp_path / "pack"))
    assert said.code == 0, said.err
    assert govern("verify-pack", str(tmp_path / "pack")).code == 0
    assert list((live.store.folder / "outgoing").iterdir()) == []
    assert govern("checkpoint", "--out", str(tmp_path / "checkpoint.json")).code == 0
    assert govern("verify", "--checkpoint", str(tmp_path / "checkpoint.json")).code == 0


def test_who_may_not_export_is_told_whom_to_ask(govern: Govern, decided: str, tmp_path: Path) -> None:
    said = govern("audit-pack", decided, "--out", str(tmp_path / "pack"), "--as", "bram-builder")
    assert said.code == 2
    assert "Bram Builder may not export an audit pack" in said.err


def test_evidence_is_forgotten_with_a_reason(
    govern: Govern, decided: str, store: Path, tmp_path: Path
) -> None:
    file = tmp_path / "review.md"
    file.write_text("# Seen by Jane Doe", encoding="utf-8")
    measure = next(
        asked["measure"]
        for asked in govern("show", decided, "--json").json["requirements"]
        if asked["evidence"] and asked["step"] == "scoping"
    )
    said = govern("evidence", "add", decided, measure, "--title", "Review", "--file", str(file), "--json")
    assert said.code == 0, said.err
    sha256 = said.json["sha256"]
    assert (store / "evidence" / sha256).exists()
    assert govern("purge-evidence", decided, sha256, "--reason", "short").code == 2
    told = govern("purge-evidence", decided, sha256, "--reason", "It names a person who asked for it.")
    assert told.code == 0, told.err
    assert not (store / "evidence" / sha256).exists()
    verified = govern("verify")
    assert verified.code == 0
    assert "1 files forgotten on purpose" in verified.out
