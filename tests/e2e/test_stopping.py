"""Ctrl-C ends the server cleanly: no traceback, the store whole, the note for the command line taken down."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from core.connectors.settings import PROJECT
from core.lake.record.verify import verify_store
from core.lake.store import open_store
from tests.e2e.served import free_port, wait_until_healthy


def test_ctrl_c_ends_the_server_without_a_traceback(tmp_path: Path) -> None:
    store, port = tmp_path / "store", free_port()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GOVERNANCE_")}
    command = [sys.executable, "-m", "core.entrypoints.cli", "serve", "--empty", "--store", str(store)]
    with (tmp_path / "log").open("w+") as log:
        server = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=PROJECT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        wait_until_healthy(f"http://127.0.0.1:{port}", server, log.name)
        assert (store / "server.json").is_file()
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 130
    said = Path(log.name).read_text(encoding="utf-8")
    assert "Traceback" not in said
    assert said.rstrip().endswith("Stopped.")
    assert not (store / "server.json").exists()
    opened = open_store(store)
    assert verify_store(opened).first_break is None
    opened.close()
