"""The record page for auditors: replay of a decision, and the audit pack made as a job and taken away."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.connectors.pack_files import check_pack
from core.domain.actors import Actor
from core.domain.commands import DecideGate
from core.services.governance import Governance
from core.services.jobs import jobs_of, wait_for
from core.services.process.gates import decide_gate
from core.services.record.audit_pack import pack_subject
from tests.conftest import BUILDER, OWNER, VALIDATOR, later, register
from tests.portal.test_pages_oversight import open_page, said


@pytest.fixture(autouse=True)
def _page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import streamlit as st

    monkeypatch.setattr(st, "page_link", lambda page, label, **more: st.markdown(label))


@pytest.fixture
def decided(governance: Governance) -> Governance:
    initiative = register(governance)
    decide_gate(governance, DecideGate(actor=BUILDER, at=later(4), initiative=initiative, gate="deployment"))
    return governance


def entry_of(governance: Governance, action: str) -> int:
    rows = governance.store.cursor().execute("SELECT max(seq) FROM record WHERE action = ?", [action])
    return int(rows.fetchall()[0][0])


def click(page: AppTest, label: str) -> AppTest:
    return next(button for button in page.button if button.label == label).click().run()


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def test_a_decision_is_replayed_where_it_stands(decided: Governance) -> None:
    page = open_page(decided, "record", entry=str(entry_of(decided, "gate_decided")))
    words = said(click(page, "Replay this decision"))
    assert "Same decision" in words
    assert "Made anew from" in words


def test_a_decision_changed_behind_the_record_is_told(decided: Governance) -> None:
    decided.store.cursor().execute("UPDATE decision SET outcome = 'open'")
    page = open_page(decided, "record", entry=str(entry_of(decided, "gate_decided")))
    words = said(click(page, "Replay this decision"))
    assert "Another decision" in words
    assert "The outcome on record is 'open', made anew it is 'blocked'." in words


def test_other_entries_offer_no_replay(decided: Governance) -> None:
    assert "Replay this decision" not in labels(open_page(decided, "record", entry="1"))


@pytest.mark.parametrize("actor", [OWNER, BUILDER], ids=lambda actor: actor.id)
def test_who_may_not_export_sees_no_pack(decided: Governance, actor: Actor) -> None:
    assert "Make the pack" not in labels(open_page(decided, "record", reader=actor))


def test_the_pack_is_made_beside_the_page_and_taken_away(decided: Governance, tmp_path: Path) -> None:
    page = open_page(decided, "record", reader=VALIDATOR)
    click(page, "Make the pack")
    [job] = jobs_of(pack_subject("all"))
    assert wait_for(job.id, 60).state == "done"
    page.run()
    assert not page.exception
    [made] = list((decided.store.folder / "outgoing").glob("*.zip"))
    assert any(button.proto.label == "Download the pack" for button in page.get("download_button"))
    assert check_pack(made)
    names = zipfile.ZipFile(BytesIO(made.read_bytes())).namelist()
    assert any(name.endswith("/index.html") for name in names)


def test_a_pack_nobody_fetched_is_swept_away(decided: Governance) -> None:
    import os

    left = decided.store.folder / "outgoing" / "old.zip"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"old")
    os.utime(left, (0, 0))
    click(open_page(decided, "record", reader=VALIDATOR), "Make the pack")
    assert not left.exists()
