"""Commands that make a store and serve it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from tempfile import TemporaryFile
from threading import Thread
from typing import Annotated

import typer

from core.connectors.settings import PROJECT, Settings, read_settings
from core.domain.errors import Conflict, GovernanceError, NotFound
from core.domain.given import pairs
from core.entrypoints.by_hand import BROKEN
from core.entrypoints.client import DATABASE, Asker, Store, live_server, opened, without_pandas
from core.entrypoints.reports.printing import complain, say

PROGRESS = "/building.json"
"""Where the waiting page asks how far it is; whoever answers there with no JSON is the portal."""
_PAGE = Path(__file__).with_name("waiting_room.html")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; frame-ancestors 'none'; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'",
    "Retry-After": "2",
    "X-Content-Type-Options": "nosniff",
}


@contextmanager
def waiting_room(host: str, port: int) -> Iterator[Callable[[float, str], None]]:
    """Answer at an address for as long as the work within takes.

    A browser is shown the share done and what is being done, and finds the portal by itself when that answers
    in this place. A program is told to wait: 503, as for a health check that has not passed yet.

    Yields
    ------
    Callable
        To be called with the share done (0 to 1) and a sentence.
    """
    with _Room((host, port), _Answer) as room:
        Thread(target=room.serve_forever, name="waiting-room", daemon=True).start()
        try:
            yield room.tell
        finally:
            room.shutdown()


class _Room(ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True

    def __init__(self, place: tuple[str, int], answer: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        self.told = {"status": "building", "done": 0.0, "what": ""}
        super().__init__(place, answer)

    def tell(self, share: float, what: str) -> None:
        """Say how far the work is."""
        self.told = {"status": "building", "done": round(share, 3), "what": what}


class _Answer(BaseHTTPRequestHandler):
    server: _Room

    def do_GET(self) -> None:
        """Show a person the waiting page, and give a program the figures."""
        if self.path == PROGRESS:
            self._send(HTTPStatus.OK, "application/json", json.dumps(self.server.told))
        elif self.path == "/healthz" or self.path.startswith("/api"):
            self.do_POST()
        else:
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, "text/html; charset=utf-8", _PAGE.read_text("utf-8"))

    def do_POST(self) -> None:
        """Ask a program to come again."""
        self._send(HTTPStatus.SERVICE_UNAVAILABLE, "application/json", json.dumps(self.server.told))

    def _send(self, status: HTTPStatus, kind: str, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        for name, value in (_HEADERS | {"Content-Type": kind, "Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal shows how far the work is."""


_DEMO = ("-m", "data.demo")
"""The program that builds the demo: it lies beside the product, which never imports it."""


def serve(
    context: typer.Context,
    empty: Annotated[
        bool, typer.Option("--empty", help="Start a store of your own with nothing in it.")
    ] = False,
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--also",
            metavar="ID=ROLE",
            help="With --empty: who else is there from the start, such as who reviews; repeat for more.",
            show_default=False,
        ),
    ] = None,
    store: Store = None,
    host: Annotated[
        str | None,
        typer.Option("--host", help="Address; loopback only without a login.", show_default=False),
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port.", show_default=False)] = None,
) -> None:
    """Serve the portal; without a store the demo is built first, and the address says how far it is."""
    settings = read_settings(store=Asker(context, store).settings.store, host=host, port=port)
    _refuse_second_server(settings)
    _require_free_port(settings)
    if not _is_founded(settings):
        if empty:
            _found(settings, pairs(also or [], "--also", "--also ID=ROLE"))
        else:
            with waiting_room(settings.host, settings.port) as tell:
                say(f"Governance portal: {settings.address} says how far the demo is, and opens by itself.")
                sys.stdout.flush()
                _build(settings, tell)
    elif empty and _is_demo(settings):
        raise Conflict(
            "the store holds the demo", where=str(settings.store), remedy="Name an empty folder with --store."
        )
    sys.stdout.flush()
    arguments = ["--store", str(settings.store), "--host", settings.host, "--port", str(settings.port)]
    os.execv(sys.executable, [sys.executable, "-m", "portal.shell.serve", *arguments])


def demo(context: typer.Context, store: Store = None) -> None:
    """Build the demo organisation into an empty folder."""
    settings = Asker(context, store).settings
    if _is_founded(settings):
        raise Conflict("there is a store already", where=str(settings.store), remedy="Name an empty folder.")
    _build(settings)
    say(f"The demo is ready. Look at it with: governance serve --store {settings.store}")


def _refuse_second_server(settings: Settings) -> None:
    running = live_server(settings.store)
    if running is not None:
        raise Conflict(
            f"the portal is being served already at {running.address}",
            where=str(settings.store),
            remedy="Open that address, or stop it first.",
        )


def _require_free_port(settings: Settings) -> None:
    """Before a demo is built for a minute or two: whether it could be served at all."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise Conflict(
                f"port {settings.port} on {settings.host} cannot be used: {error.strerror}",
                remedy="Stop what uses it, or choose another with --port.",
            ) from error


def _is_founded(settings: Settings) -> bool:
    if not (settings.store / DATABASE).is_file():
        return False
    with without_pandas(), opened(settings) as governance:
        return governance.founded


def _is_demo(settings: Settings) -> bool:
    with without_pandas(), opened(settings) as governance:
        return governance.demo


def _found(settings: Settings, others: Mapping[str, tuple[str, ...]]) -> None:
    from core.services.record.identity import found_own
    from core.services.record.people import login_name

    login = settings.actor or login_name()
    with without_pandas(), opened(settings) as governance:
        tokens = found_own(governance, settings.config, login, others, datetime.now(UTC))
    say(f"Founded a store in {settings.store}, administered by {login}.")
    for person, said in tokens.items():
        say(f"{person} acts with this token (GOVERNANCE_TOKEN), shown only now: {said}")


def _build(settings: Settings, tell: Callable[[float, str], None] = lambda share, what: None) -> None:
    if not (PROJECT / "data" / "demo" / "__main__.py").is_file():
        raise NotFound(
            "the demo is not part of this installation",
            where=str(PROJECT / "data" / "demo"),
            remedy="Start a store of your own with 'governance serve --empty'.",
        )
    if settings.store.with_name(f"{settings.store.name}.building").exists():
        complain("An earlier build of the demo did not finish. What it left is removed, and it starts again.")
    folders = (str(settings.store.absolute()), "--config", str(settings.config.absolute()))
    with progress("Building the demo") as on_progress, _lines_of((*_DEMO, *folders)) as lines:
        for line in lines:
            share, _, what = line.rstrip().partition(" ")
            on_progress(float(share), what)
            tell(float(share), what)


@contextmanager
def _lines_of(arguments: Sequence[str]) -> Iterator[Iterable[str]]:
    """What another Python says in the project's folder; whoever stops stops it too, and waits for its end.

    Raises
    ------
    GovernanceError
        It ended with a problem, which it says on standard error.
    """
    with TemporaryFile("w+", encoding="utf-8") as said:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            start_new_session=True,  # a terminal would interrupt it too, while it cleans up after being told
        )
        assert process.stdout is not None
        try:
            with process.stdout:
                yield process.stdout
        except BaseException:
            process.send_signal(signal.SIGINT)
            raise
        finally:
            process.wait()
        if process.returncode:
            said.seek(0)
            raise _problem(process.returncode, said.read().strip())


def _problem(code: int, said: str) -> GovernanceError:
    """What a program said of its end: a sentence with code 2, as here; else the last line of a traceback."""
    if code == BROKEN and said:
        return GovernanceError(said.removesuffix("."))
    last = said.splitlines()[-1] if said else f"it ended with {code}"
    return GovernanceError(f"the demo could not be built: {last}", remedy="Please report this.")


@contextmanager
def progress(title: str) -> Iterator[Callable[[float, str], None]]:
    """Show a bar on a terminal, and elsewhere a line whenever the work changes."""
    if not sys.stderr.isatty():
        told = ""

        def on_line(share: float, what: str) -> None:
            nonlocal told
            if what != told:
                complain(f"{title}: {share:4.0%} {what}")
                told = what

        yield on_line
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(title), BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.description}"), console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda share, what: bar.update(task, completed=share, description=what)
