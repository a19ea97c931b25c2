"""A real server of one's own, and a browser page that notes everything that goes wrong."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebSocket
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from core.connectors.settings import PROJECT

COMMAND_LINE = ("-m", "core.entrypoints.cli")
START_SECONDS = 120
PATIENCE_SECONDS = 60
ENDED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
"""How a run of a page's script comes to its end; others begin anew."""
SENT = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Two frames later the page has asked for whatever a click leads to."""
OF_BEFORE = """() => document.querySelectorAll('[data-testid="stVegaLiteChart"] .marks')
    .forEach(drawing => { drawing.dataset.before = "yes"; })"""
DRAWN = Path(__file__).with_name("drawn.js").read_text(encoding="utf-8")


def free_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Server:
    """A server that was started; whether it answers yet is another matter."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def started(
    store: Path,
    *options: str,
    program: tuple[str, ...] = COMMAND_LINE,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run `governance serve` on a store, with settings by name in lower case; it is stopped afterwards."""
    port = free_port()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GOVERNANCE_")}
    environment |= {f"GOVERNANCE_{name.upper()}": value for name, value in (settings or {}).items()}
    log = store.parent / f"{store.name}.log"
    place = ("--store", str(store), "--port", str(port))
    with log.open("w+") as said:
        process = subprocess.Popen(
            [sys.executable, *program, "serve", *place, *options],
            cwd=PROJECT,
            env=environment,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Server(f"http://127.0.0.1:{port}", process, log)
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def served(store: Path, *options: str, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run `governance serve` on a store and give its address, once it answers there."""
    with started(store, *options, settings=settings) as server:
        wait_until_healthy(server)
        yield server.address


def wait_until_healthy(server: Server) -> None:
    """Wait for `/healthz`, or say what the server wrote before it gave up."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.address}/healthz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server did not start:\n{server.log.read_text(encoding='utf-8')}")


class Script:
    """The script of one page load, as its socket tells: runs asked for, begun, and come to their end."""

    def __init__(self, socket: WebSocket) -> None:
        self.ended = 0
        self._asked = self._begun = False
        socket.on("framesent", self._sent)
        socket.on("framereceived", self._received)

    @property
    def busy(self) -> bool:
        """Whether a run was asked for that has not come to its end."""
        return self._asked or self._begun

    def _sent(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes) and BackMsg.FromString(frame).WhichOneof("type") == "rerun_script":
            self._asked = True

    def _received(self, frame: str | bytes) -> None:
        told = ForwardMsg.FromString(frame) if isinstance(frame, bytes) else ForwardMsg()
        if told.WhichOneof("type") == "new_session":
            self._asked, self._begun = False, True
        elif told.WhichOneof("type") == "script_finished" and told.script_finished in ENDED:
            self.ended += 1
            self._begun = False


class Watched:
    """A browser page with the errors and outside requests that it saw."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self.problems: list[str] = []
        self.page: Page = context.new_page()
        self._script: Script | None = None
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        self.page.on("request", self._request)
        self.page.on("websocket", self._listen)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        target = urlsplit(request.url)
        if target.scheme in ("http", "https", "ws", "wss") and target.netloc != urlsplit(self.address).netloc:
            self.problems.append(f"request to the outside: {request.url}")

    def _listen(self, socket: WebSocket) -> None:
        self._script = Script(socket)

    def open(self, path: str) -> Page:
        """Open a page by deep link and wait until it is drawn."""
        with self.runs():
            self._script = None
            self.page.goto(f"{self.address}/{path}", wait_until="domcontentloaded")
        return self.page

    @contextmanager
    def runs(self) -> Iterator[None]:
        """What is done within makes the page's script run; wait for the end of that run."""
        before = self._ended()
        yield
        self._wait(lambda: self._ended() not in (before, (self._script, 0)))
        self.settle()

    def settle(self) -> None:
        """Wait until what was asked of the script is answered, if anything was, and all of it is drawn."""
        self.page.evaluate(SENT)
        self._wait(lambda: self._script is not None and not self._script.busy)
        missing = self.page.evaluate(DRAWN, PATIENCE_SECONDS * 1000)
        assert not missing, f"{self.page.url} is not drawn: {missing}"

    def look(self, width: int, height: int, *, dark: bool) -> None:
        """Give the window another size or the other colour scheme; `settle` waits until all is drawn anew."""
        scheme: Literal["dark", "light"] = "dark" if dark else "light"
        if self.page.evaluate(f"!matchMedia('(prefers-color-scheme: {scheme})').matches"):
            self.page.evaluate(OF_BEFORE)
            self.page.emulate_media(color_scheme=scheme)
        self.page.set_viewport_size({"width": width, "height": height})

    def _ended(self) -> tuple[Script | None, int]:
        return self._script, self._script.ended if self._script else 0

    def _wait(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not done():
            assert time.monotonic() < deadline, f"the page did not answer: {self.page.url}"
            self.page.wait_for_timeout(20)  # lets the socket's messages in


def watched(browser: Browser, address: str, *, width: int, height: int, dark: bool) -> Watched:
    """A fresh browser window on the address."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
    )
    return Watched(context, address)
