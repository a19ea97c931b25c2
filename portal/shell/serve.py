"""Serve pages and API from one process: `python -m portal.shell.serve --store DIR --host H --port P`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import secrets
import socket
import sys
import tomllib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.connectors.settings import PROJECT, Settings, read_settings
from core.domain.errors import BadInput, Conflict, GovernanceError
from core.services.oversight.kpis import governance_kpis
from portal.shell import notice
from portal.shell.guards import HostGuard, SecurityHeaders, content_security_policy
from portal.shell.house import House, close_house, open_house
from portal.shell.plan import FIRST, page_names
from portal.shell.start_page import page_routes, shipped_page, start_page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from streamlit.web.server.starlette.starlette_app import App

SCRIPT = Path(__file__).with_name("app.py")
STREAMLIT_CONFIG = PROJECT / ".streamlit" / "config.toml"
PRELOADED = ("pandas", "polars", "pyarrow", "altair")
INTERRUPTED = 130
_COLLECT_SECONDS = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the settings and serve; a refusal is one sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m portal.shell.serve", description=__doc__)
    parser.add_argument("--store", type=Path, help="folder of the store")
    parser.add_argument("--host", help="address to serve on; loopback only")
    parser.add_argument("--port", type=int, help="port to serve on")
    given = parser.parse_args(arguments)
    try:
        serve(read_settings(store=given.store, host=given.host, port=given.port))
    except GovernanceError as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    except KeyboardInterrupt:
        sys.stdout.write("Stopped.\n")
        return INTERRUPTED
    return 0


def serve(settings: Settings) -> None:
    """Serve until stopped.

    Raises
    ------
    GovernanceError
        The address is not loopback, the port is taken, or the store cannot be opened.
    """
    require_free(settings.host, settings.port)
    options = streamlit_options(STREAMLIT_CONFIG)
    options |= {"server.address": settings.host, "server.port": settings.port}
    token = settings.api_token.get_secret_value() if settings.api_token else secrets.token_urlsafe(32)
    try:
        house = open_house(settings)
        build_app(house, settings, token).run(config=options)
    finally:
        close_house()


def build_app(house: House, settings: Settings, token: str) -> App:
    """Join pages, API and health check behind the guards; nothing is bound yet."""
    import streamlit as st
    from starlette.middleware import Middleware
    from starlette.routing import Mount, Route

    from core.entrypoints.api import create_api

    @asynccontextmanager
    async def lifespan(_: App) -> AsyncIterator[None]:
        preload()
        collecting = asyncio.create_task(collect_now_and_then())
        warming = asyncio.create_task(asyncio.to_thread(count_kpis_ahead, house))
        notice.put_up(settings.store, address=settings.address, token=token)
        sys.stdout.write(f"Governance portal: {settings.address}\n")
        sys.stdout.flush()
        try:
            yield
        finally:
            notice.take_down(settings.store)
            await asyncio.wait([warming])
            collecting.cancel()
            with suppress(asyncio.CancelledError):
                await collecting
            close_house()  # here, as the server passes a signal on before `serve` could

    def health(_: Request) -> Response:
        from starlette.responses import JSONResponse

        return JSONResponse({"status": "ok", "head": house.governance.store.head()})

    html = start_page(shipped_page())
    policy = content_security_policy(html)
    return st.App(
        SCRIPT,
        lifespan=lifespan,
        routes=[
            Mount("/api", create_api(house.governance, token=token)),
            Route("/healthz", health),
            *page_routes(html, page_names(), FIRST),
        ],
        middleware=[Middleware(HostGuard, names=[settings.host]), Middleware(SecurityHeaders, policy=policy)],
    )


def preload() -> None:
    """Import what every page needs and take it out of the garbage collector's rounds."""
    for name in PRELOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def count_kpis_ahead(house: House) -> None:
    """Count the KPIs of past months, a second's work, before somebody waits for them."""
    governance_kpis(house.governance, house.governance.present(datetime.now(UTC)))


async def collect_now_and_then() -> None:
    """Collect on a timer what Streamlit would otherwise collect after every rerun."""
    while True:
        await asyncio.sleep(_COLLECT_SECONDS)
        gc.collect()


def streamlit_options(path: Path) -> dict[str, Any]:
    """Read Streamlit's options from one file, wherever the server was started from.

    Returns
    -------
    dict
        Option by its dotted name, as `App.run(config=…)` takes it.

    Raises
    ------
    BadInput
        The file is missing or cannot be read.
    """
    try:
        sections = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadInput(
            f"the portal's look cannot be read: {error}", where=str(path), remedy="Restore the file."
        ) from error
    return dict(_flat("", sections))


def _flat(prefix: str, section: dict[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in section.items():
        dotted = f"{prefix}{name}"
        found += _flat(f"{dotted}.", value) if isinstance(value, dict) else [(dotted, value)]
    return found


def require_free(host: str, port: int) -> None:
    """Refuse a port that is taken, before the store is opened.

    Raises
    ------
    Conflict
        Another process serves there, or the port may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Conflict(
                f"port {port} on {host} cannot be used: {error.strerror}",
                remedy="Stop the other server, or choose another port with GOVERNANCE_PORT.",
            ) from error


if __name__ == "__main__":
    sys.exit(main())
