"""A real server of one's own, and a browser page that notes everything that goes wrong."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from core.connectors.settings import PROJECT

START_SECONDS = 60
IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'


def free_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(store: Path, *options: str) -> Iterator[str]:
    """Run `governance serve` on a store and give its address; it is stopped afterwards."""
    port = free_port()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GOVERNANCE_")}
    with (store.parent / f"{store.name}.log").open("w+") as log:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "core.entrypoints.cli",
                "serve",
                "--store",
                str(store),
                "--port",
                str(port),
                *options,
            ],
            cwd=PROJECT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}", server, log.name)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def wait_until_healthy(address: str, server: subprocess.Popen[bytes], log: str) -> None:
    """Wait for `/healthz`, or say what the server wrote before it gave up."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server did not start:\n{Path(log).read_text(encoding='utf-8')}")


class Watched:
    """A browser page with the errors and outside requests that it saw."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self.problems: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        self.page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        target = urlsplit(request.url)
        if target.scheme in ("http", "https", "ws", "wss") and target.netloc != urlsplit(self.address).netloc:
            self.problems.append(f"request to the outside: {request.url}")

    def open(self, path: str) -> Page:
        """Open a page by deep link and wait until it is drawn."""
        self.page.goto(f"{self.address}/{path}", wait_until="domcontentloaded")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until the script has run and the charts have been drawn."""
        self.page.wait_for_selector(IDLE, timeout=30_000)
        self.page.wait_for_selector("h1", timeout=30_000)
        self.page.wait_for_timeout(400)
        self.page.wait_for_selector(IDLE, timeout=30_000)


def watched(browser: Browser, address: str, *, width: int, height: int, dark: bool) -> Watched:
    """A fresh browser window on the address."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
    )
    return Watched(context, address)
