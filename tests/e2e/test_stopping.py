"""Ctrl-C ends the server cleanly: no traceback, the store whole, the note for the command line taken down."""

from __future__ import annotations

import signal
from pathlib import Path

from core.lake.record.verify import verify_store
from core.lake.store import open_store
from tests.e2e.served import started, wait_until_healthy


def test_ctrl_c_ends_the_server_without_a_traceback(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with started(store, "--empty") as server:
        wait_until_healthy(server)
        assert (store / "server.json").is_file()
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(20) == 130
    said = server.log.read_text(encoding="utf-8")
    assert "Traceback" not in said
    assert said.rstrip().endswith("Stopped.")
    assert not (store / "server.json").exists()
    opened = open_store(store)
    assert verify_store(opened).first_break is None
    opened.close()
