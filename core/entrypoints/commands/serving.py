"""Commands that make a store and serve it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import Annotated

import typer

from core.connectors.settings import PROJECT, Settings, read_settings
from core.domain.errors import Conflict, GovernanceError, NotFound
from core.entrypoints.client import DATABASE, live_server, opened
from core.entrypoints.commands import options
from core.entrypoints.commands.decide import BROKEN
from core.entrypoints.commands.options import Store
from core.entrypoints.reports.printing import complain, say
from core.entrypoints.waiting_room import waiting_room
from core.entrypoints.without_pandas import without_pandas

_DEMO = ("-m", "data.demo")
"""The program that builds the demo: it lies beside the product, which never imports it."""


def serve(
    context: typer.Context,
    empty: Annotated[
        bool, typer.Option("--empty", help="Start a store of your own with nothing in it.")
    ] = False,
    store: Store = None,
    host: Annotated[
        str | None, typer.Option("--host", help="Address; loopback only.", show_default=False)
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port.", show_default=False)] = None,
) -> None:
    """Serve the portal; without a store the demo is built first, and the address says how far it is."""
    settings = read_settings(store=options.settings_for(context, store).store, host=host, port=port)
    _refuse_second_server(settings)
    _require_free_port(settings)
    if not _is_founded(settings):
        if empty:
            _found(settings)
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
    settings = options.settings_for(context, store)
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


def _found(settings: Settings) -> None:
    from core.entrypoints.who_and_when import login_name
    from core.services.founding import local_user

    login = settings.actor or login_name()
    with without_pandas(), opened(settings) as governance:
        owner = local_user(governance, login, datetime.now(UTC), settings.config)
    say(f"Founded a store in {settings.store}, administered by {owner.name}.")


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
