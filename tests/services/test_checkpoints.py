"""Checkpoints make themselves, away from the store; a key takes another's place only with its signature."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.connectors.settings import KEY_FILE, Place, Signing, SigningKey, read_settings
from core.domain.actors import Actor
from core.domain.chain import canonical, key_id
from core.domain.commands import make
from core.domain.errors import BadInput, Conflict, Forbidden, GovernanceError
from core.domain.facts import record as recorded
from core.domain.facts.recorded import entry_of
from core.domain.facts.rules import Proposal
from core.lake.record.entries import known_keys, last_checkpoint
from core.services.governance import Governance
from core.services.record.checkpoints import (
    ReplaceSigningKey,
    SignCheckpoint,
    checkpoint_due,
    keep_checkpoint,
    replace_signing_key,
    sign_checkpoint,
    verify_against,
)
from tests.conftest import ADMIN, BUILDER, VALIDATOR, later, register
from tests.process import agree

OLD, NEW, THIEF = ("a" * 64, "b" * 64, "c" * 64)


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outside")


@pytest.fixture
def guarded(governance: Governance, outside: Path) -> Governance:
    """A store whose key and checkpoints lie elsewhere."""
    signing = Signing(OLD, places=(Place("folder", str(outside)),), entries=10, hours=24)
    return replace(governance, signing=signing)


def notes(governance: Governance) -> str:
    return "; ".join(verify_against(governance).record.notes)


def test_checkpoints_are_due_after_entries_or_hours_and_at_start_and_stop(guarded: Governance) -> None:
    assert checkpoint_due(guarded, later(0)), "none was made yet"
    keep_checkpoint(guarded, later(1))
    assert not checkpoint_due(guarded, later(1), at_once=True), "nothing is new"
    register(guarded, "Card Limit Advice")
    since = last_checkpoint(guarded.store)
    assert since is not None
    assert guarded.store.head() - since.seq < 10
    clock = guarded.present(later(0)).at
    assert not checkpoint_due(guarded, clock)
    assert checkpoint_due(guarded, clock, at_once=True)
    assert checkpoint_due(guarded, clock + timedelta(hours=24)), "hours went by"
    for name in ("Loan Repayment Outlook", "Stock Of Shops"):
        register(guarded, name)
    assert checkpoint_due(guarded, clock), "entries came"
    assert not checkpoint_due(replace(guarded, signing=Signing(OLD)), clock), "no place was chosen"


def test_what_is_kept_in_the_folder_is_held_against_the_record_by_itself(
    guarded: Governance, outside: Path
) -> None:
    register(guarded, "Card Limit Advice")
    made = keep_checkpoint(guarded, later(3))
    (file,) = outside.iterdir()
    assert json.loads(file.read_text()) == json.loads(canonical(made.as_json()))
    assert (file.stat().st_mode & 0o222) == 0, "nobody writes there again"
    assert verify_against(guarded).record.first_break is None
    assert notes(guarded) == ""
    guarded.store.cursor().execute("UPDATE record SET digest = repeat('0', 64) WHERE seq = ?", [made.seq])
    found = verify_against(guarded).record.first_break
    assert found is not None
    assert found.seq == made.seq


def test_verify_says_what_weakens_the_proof(guarded: Governance, outside: Path, tmp_path: Path) -> None:
    plain = replace(guarded, signing=Signing())
    sign_checkpoint(plain, make(SignCheckpoint, actor=ADMIN, at=later(1)))
    assert "the signing key lies beside the record (signing.key)" in notes(plain)
    assert "checkpoints are kept nowhere by themselves" in notes(plain)
    (plain.store.folder / KEY_FILE).unlink()
    beside = plain.store.folder.parent / "kept"
    near = replace(plain, signing=Signing(places=(Place("folder", str(beside)),)))
    assert f"checkpoints are kept beside the store ({beside})" in notes(near)


def test_verify_says_that_the_last_checkpoint_is_missing_or_old(guarded: Governance, outside: Path) -> None:
    assert "no checkpoint is on record yet" in notes(guarded)
    made = keep_checkpoint(guarded, later(1))
    register(guarded, "Card Limit Advice")
    clock = guarded.present(later(1)).at
    late = verify_against(guarded, clock=clock + timedelta(days=3)).record.notes
    assert any("the last checkpoint is of" in note for note in late)
    for file in outside.iterdir():
        file.unlink()
    assert f"the checkpoint of entry {made.seq} is missing where it was kept" in notes(guarded)
    (outside / "checkpoint-1.json").write_text("{}")
    assert "checkpoint-1.json" in notes(guarded)


def test_a_folder_that_is_not_there_is_told_and_made_by_nobody(guarded: Governance, outside: Path) -> None:
    outside.rmdir()
    with pytest.raises(GovernanceError, match="the checkpoint is not kept") as refused:
        keep_checkpoint(guarded, later(1))
    assert refused.value.where == str(outside)
    assert last_checkpoint(guarded.store) is None
    assert not outside.exists()


class _Mailbox(socketserver.StreamRequestHandler):
    """Just enough of RFC 5321 to be handed a mail."""

    got: list[str] = []  # noqa: RUF012 - one mailbox a test

    def handle(self) -> None:
        self.wfile.write(b"220 post\r\n")
        body = False
        for line in self.rfile:
            text = line.decode().rstrip("\r\n")
            self.got.append(text)
            if body:
                body = text != "."
                if not body:
                    self.wfile.write(b"250 kept\r\n")
            elif text.upper() == "DATA":
                body = True
                self.wfile.write(b"354 go on\r\n")
            elif text.upper() == "QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 post\r\n")


@pytest.fixture
def post() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mailbox) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"smtp://127.0.0.1:{server.server_address[1]}/audit@example.org"
        server.shutdown()


def test_a_checkpoint_goes_by_mail_and_is_printed_and_the_record_names_no_address(
    guarded: Governance, outside: Path, post: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _Mailbox.got.clear()
    places = (Place("folder", str(outside / "gone")), Place("mail", post), Place("print", "print"))
    made = keep_checkpoint(replace(guarded, signing=Signing(OLD, places=places)), later(1))
    said = last_checkpoint(guarded.store)
    assert said is not None
    assert said.places == ("mail", "print"), "one that fails stops no other"
    assert f'"digest": "{made.digest}"' in capsys.readouterr().out
    assert any(line.upper() == "RCPT TO:<AUDIT@EXAMPLE.ORG>" for line in _Mailbox.got)
    assert any("filename=" in line and "checkpoint-" in line for line in _Mailbox.got)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("elsewhere", "is no place"),
        ("smtp://mail.example.org", "names no mail"),
        ("smtp://me:word@mail.example.org/a@example.org", "GOVERNANCE_SMTP_PASSWORD"),
    ],
)
def test_a_wrong_place_is_refused(monkeypatch: pytest.MonkeyPatch, value: str, words: str) -> None:
    monkeypatch.setenv("GOVERNANCE_CHECKPOINTS", value)
    with pytest.raises(BadInput, match=words):
        read_settings()


def test_places_are_read_from_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mail = "smtps://me@mail.example.org/a@example.org"
    monkeypatch.setenv("GOVERNANCE_CHECKPOINTS", f"{tmp_path}, {mail}, print")
    monkeypatch.setenv("GOVERNANCE_SMTP_PASSWORD", "a-secret")
    signing = read_settings().signing
    assert [place.kind for place in signing.places] == ["folder", "mail", "print"]
    assert signing.places[1].password == "a-secret"
    assert "a-secret" not in repr(read_settings()) + repr(signing)


def signed(governance: Governance, signing: Signing, day: float) -> None:
    sign_checkpoint(replace(governance, signing=signing), make(SignCheckpoint, actor=ADMIN, at=later(day)))


def test_a_replaced_key_is_never_taken_up_in_silence(guarded: Governance) -> None:
    signed(guarded, Signing(OLD), 1)
    head = guarded.store.head()
    for wrong in (Signing(THIEF), Signing(THIEF, key_before=NEW)):
        with pytest.raises(BadInput, match="is not the one on record"):
            signed(guarded, wrong, 2)
    with pytest.raises(BadInput, match="is gone"):
        signed(guarded, Signing(), 2)
    assert not (guarded.store.folder / KEY_FILE).exists()
    assert guarded.store.head() == head


def test_a_key_is_changed_with_the_signature_of_the_one_before(guarded: Governance) -> None:
    signed(guarded, Signing(OLD), 1)
    signed(guarded, Signing(NEW, key_before=OLD), 2)
    signed(guarded, Signing(NEW), 3)
    keys = known_keys(guarded.store)
    assert [key.public_key for key in keys] == [SigningKey(OLD).public, SigningKey(NEW).public]
    assert verify_against(guarded).record.first_break is None
    with pytest.raises(BadInput, match="is not the one on record"):
        signed(guarded, Signing(OLD), 4)


def test_a_key_put_on_record_without_that_signature_is_a_fault(guarded: Governance) -> None:
    signed(guarded, Signing(OLD), 1)
    public = SigningKey(THIEF).public
    forged = recorded.SigningKey(key_id=key_id(public), public_key=public)
    guarded.store.append([entry_of("signing_key_registered", forged)], actor=ADMIN.id, at=later(2))
    found = verify_against(guarded).record.first_break
    assert found is not None
    assert found.seq == guarded.store.head()
    assert "without its signature" in found.problem


LOST = "The disk with it was lost in the move."


def proposed(governance: Governance, signing: Signing, actor: Actor = ADMIN, **more: str) -> str:
    command = make(ReplaceSigningKey, actor=actor, at=later(3), note=LOST, **more)
    return replace_signing_key(replace(governance, signing=signing), command)


def test_two_people_put_a_key_in_the_place_of_a_lost_one(guarded: Governance, outside: Path) -> None:
    made = keep_checkpoint(guarded, later(1))
    name = proposed(guarded, Signing(NEW))
    with pytest.raises(BadInput, match="is not the one on record"):
        signed(guarded, Signing(NEW), 3.5)
    with pytest.raises(Forbidden, match="nobody agrees to what they proposed"):
        agree(guarded, name, 4, actor=ADMIN)
    agree(guarded, name, 4, actor=VALIDATOR)
    found = verify_against(guarded)
    assert found.record.first_break is None
    words = (
        f"was replaced by {key_id(SigningKey(NEW).public)} without its signature on 2026-01-09, by Ada Admin"
    )
    assert f"{words} and Vera Validator" in notes(guarded), "for good"
    now = replace(guarded, signing=replace(guarded.signing, key=NEW))
    keep_checkpoint(now, later(5))
    assert verify_against(now, checkpoint=json.dumps(made.as_json())).record.first_break is None
    assert len(list(outside.iterdir())) == 2
    with pytest.raises(BadInput, match="is not the one on record"):
        signed(guarded, Signing(OLD), 6)
    guarded.store.cursor().execute("UPDATE proposal SET proposed_by = actor WHERE state = 'agreed'")
    assert verify_against(now).record.first_break is not None


def test_a_key_of_two_needs_a_lost_one_and_another(guarded: Governance) -> None:
    words = "there is no other key to take the place"
    with pytest.raises(BadInput, match=words):
        proposed(guarded, Signing(NEW))
    signed(guarded, Signing(OLD), 1)
    head = guarded.store.head()
    for signing in (Signing(OLD), Signing()):
        with pytest.raises(BadInput, match=words):
            proposed(guarded, signing)
    with pytest.raises(Forbidden, match="may not sign"):
        proposed(guarded, Signing(NEW), actor=BUILDER)
    assert guarded.store.head() == head
    name = proposed(guarded, Signing(NEW))
    signed(guarded, Signing(THIEF, key_before=OLD), 4)
    with pytest.raises(Conflict, match="is on record by now"):
        agree(guarded, name, 5, actor=VALIDATOR)


def test_nobody_vouches_alone_for_a_key(guarded: Governance) -> None:
    """As whoever holds the store's file could append it, with a proposal that they agreed to themselves."""
    signed(guarded, Signing(OLD), 1)
    public = SigningKey(THIEF).public
    given = canonical({"note": LOST, "public_key": public})
    told = {"proposal": "C1", "act": "replace_signing_key", "about": "signing-key", "given": given}
    told |= {"state": "agreed", "proposed_by": ADMIN.id}
    one = Proposal(says=("It is lost.",), reviewers=("risk_audit",), **told)  # type: ignore[arg-type]
    old = key_id(SigningKey(OLD).public)
    key = recorded.SigningKey(key_id=key_id(public), public_key=public, replaces=old)
    entries = [entry_of("proposal_agreed", one), entry_of("signing_key_replaced", key)]
    guarded.store.append(entries, actor=ADMIN.id, at=later(2))
    found = verify_against(guarded).record.first_break
    assert found is not None
    assert "without its signature" in found.problem
