"""A signal ends the server cleanly: no traceback, the store whole, nothing half done, the note taken down."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import closing, suppress
from pathlib import Path

import duckdb

from core.connectors.settings import PROJECT
from core.lake.record.verify import verify_store
from core.lake.store import WORKROOM, open_store, save_store
from core.services.use_case import INCOMING, lay
from tests.conftest import BUILDER, founded
from tests.e2e.served import COMMAND_LINE, Server, started, wait_until_healthy
from tests.services.test_prediction_intake import with_version


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


def wide(folder: Path) -> Path:
    """A Parquet file that takes many seconds to take in."""
    file = folder / "wide.parquet"
    columns = ", ".join(f"(hash(i * {n}) % 9000)::VARCHAR AS word_{n}" for n in range(1, 25))
    duckdb.sql(
        f"COPY (SELECT i AS case_id, (i % 2)::INTEGER AS y_pred, 0.1 + 0.8 * (i % 2) AS y_score, {columns} "
        f"FROM range(1000000) r(i)) TO '{file}' (FORMAT parquet)"
    )
    return file


def call(server: Server, store: Path, name: str, given: dict[str, object], key: str = "") -> bytes:
    """Ask for an operation, and leave the connection open whatever comes of it; its answer, if any."""
    token = json.loads((store / "server.json").read_text())["token"]
    asked = urllib.request.Request(
        f"{server.address}/api/operations/{name}",
        json.dumps(given).encode(),
        {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "X-Governance-Actor": BUILDER.id,
            **({"Idempotency-Key": key} if key else {}),
        },
    )
    with suppress(OSError, http.client.HTTPException), urllib.request.urlopen(asked, timeout=120) as answer:
        return bytes(answer.read())
    return b""


def test_a_signal_ends_the_server_in_the_middle_of_an_intake_and_nothing_of_it_is_kept(
    tmp_path: Path,
) -> None:
    store = tmp_path / "store"
    governance = founded(store, demo=True)
    model = with_version(governance, "binary")
    save_store(governance.store)
    governance.close()
    given: dict[str, object] = {
        "initiative": model,
        "version": "1",
        "part": "analysis",
        "prediction": "y_pred",
    }
    with started(store) as server:
        wait_until_healthy(server)
        file = lay(store, wide(tmp_path).read_bytes(), ".parquet")
        given |= {"scores": ["y_score"], "incoming": file.name}
        asking = threading.Thread(target=call, args=(server, store, "add_predictions", given), daemon=True)
        asking.start()
        while not list(store.glob(f"{WORKROOM}*/*")):  # it is at work
            assert asking.is_alive(), "it ended before it was interrupted"
            time.sleep(0.05)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(15) in (0, -signal.SIGTERM)
    with closing(open_store(store)) as left:
        assert verify_store(left).first_break is None
        assert verify_store(left).notes == ()
        assert not left.cursor().execute("FROM prediction_batch").fetchall()
    (store / f"{WORKROOM}killed").mkdir()
    (store / INCOMING / "killed.parquet").write_bytes(b"PAR1")
    with started(store) as server:
        wait_until_healthy(server)
        assert not [*(store / INCOMING).iterdir(), *store.glob(f"{WORKROOM}*")]


def test_what_was_answered_before_a_kill_is_answered_again_and_uploads_are_swept(tmp_path: Path) -> None:
    """SIGKILL of the server and of who sends a file: a key stays known, and no row is left lying about."""
    store = tmp_path / "store"
    governance = founded(store, demo=True)
    model = with_version(governance, "binary")
    save_store(governance.store)
    governance.close()
    given: dict[str, object] = {"initiative": model, "text": "Who has seen the new limits?"}
    with started(store) as server:
        wait_until_healthy(server)
        first = call(server, store, "write_comment", given, "key-1")
        assert json.loads(first)["comment"] == f"{model}/comment-1"
        sending = sending_a_file(store, tmp_path, model)
        while not list((store / INCOMING).glob("*")):
            assert sending.poll() is None, "it ended before it was interrupted"
            time.sleep(0.001)
        sending.kill()
        server.process.kill()
        sending.wait()
        server.process.wait(20)
    assert list((store / INCOMING).iterdir()), "the kills left it"
    with started(store) as server:
        wait_until_healthy(server)
        assert not list((store / INCOMING).iterdir())
        assert call(server, store, "write_comment", given, "key-1") == first
    with closing(open_store(store)) as left:
        assert verify_store(left).first_break is None
        written = left.cursor().execute("SELECT count(*) FROM record WHERE action = 'comment_written'")
        assert written.fetchall() == [(1,)]


def sending_a_file(store: Path, folder: Path, model: str) -> subprocess.Popen[bytes]:
    """The command line on its way to hand a large file to the server."""
    (folder / "large.csv").write_bytes(b"")
    os.truncate(folder / "large.csv", 2**30)
    batch = ("--initiative", model, "--version", "1", "--part", "analysis", "--prediction", "y_pred")
    command = (sys.executable, *COMMAND_LINE, "predictions", "add", str(folder / "large.csv"), *batch)
    environment = {name: said for name, said in os.environ.items() if not name.startswith("GOVERNANCE_")}
    environment |= {"GOVERNANCE_STORE": str(store), "GOVERNANCE_ACTOR": BUILDER.id}
    return subprocess.Popen(command, cwd=PROJECT, env=environment)
