"""Serve pages and API from one process: `python -m portal.shell.serve --store DIR --host H --port P`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import json
import os
import re
import secrets
import socket
import sys
import tomllib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core.connectors.settings import PROJECT, Settings, read_settings
from core.domain.errors import BadInput, Conflict, GovernanceError
from core.services.oversight.kpis import governance_kpis
from portal.shell.guards import HostGuard, SecurityHeaders, content_security_policy
from portal.shell.house import House, close_house, open_house
from portal.shell.plan import FIRST, page_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from streamlit.web.server.starlette.starlette_app import App


# Without it, Streamlit first looks for its server under the page's own address: a console error per miss.
_ONE_BASE = "<script>window.__streamlit = {BACKEND_BASE_URL: window.location.origin}</script>"
_TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)
_ICON = re.compile(r'<link rel="shortcut icon"[^>]*>')
_FONT = re.compile(r'<link\s+rel="preload"[^>]*as="font"[^>]*>')
_OUR_FONT = (
    '<link rel="preload" href="./app/static/inter-latin.woff2" as="font" type="font/woff2" crossorigin>'
)


def start_page(shipped: str) -> str:
    """Put our name, mark and font into Streamlit's start page, so that nothing flashes while it loads.

    Parameters
    ----------
    shipped
        The HTML file that Streamlit ships.
    """
    page = shipped.replace("<head>", f"<head>\n    {_ONE_BASE}", 1)
    page = _TITLE.sub("<title>Governance portal</title>", page, count=1)
    page = _ICON.sub('<link rel="shortcut icon" href="./app/static/mark.png">', page, count=1)
    return _FONT.sub(_OUR_FONT, page, count=1)


def shipped_page() -> str:
    """Read the start page of the installed Streamlit."""
    import streamlit as st

    return (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")


def page_routes(html: str, pages: Iterable[str], first: str) -> list[BaseRoute]:
    """Answer `/` and every page's address with the start page; the first page lives at `/`.

    Parameters
    ----------
    html
        What `start_page` made.
    pages
        Names of the pages as they stand in the address.
    first
        The page that `/` shows; its own name leads there.
    """
    from starlette.responses import HTMLResponse, RedirectResponse
    from starlette.routing import Route

    def show(_: Request) -> Response:
        return HTMLResponse(html, headers={"cache-control": "no-cache"})

    def lead_to_first(request: Request) -> Response:
        query = request.url.query
        return RedirectResponse(f"/?{query}" if query else "/", status_code=307)

    others = [Route(f"/{page}", show) for page in pages if page != first]
    return [Route("/", show), Route(f"/{first}", lead_to_first), *others]


NOTICE = "server.json"


def put_up_notice(store: Path, *, address: str, token: str) -> None:
    """Write pid, address and token, readable by the owner only; an older note is replaced in one step."""
    text = json.dumps({"pid": os.getpid(), "address": address, "token": token})
    fresh = store / f".{NOTICE}.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    with os.fdopen(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    fresh.replace(store / NOTICE)


def take_down_notice(store: Path) -> None:
    """Remove the note if it is ours."""
    note = store / NOTICE
    try:
        ours = json.loads(note.read_text(encoding="utf-8")).get("pid") == os.getpid()
    except (OSError, ValueError):
        return
    if ours:
        note.unlink(missing_ok=True)


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
        put_up_notice(settings.store, address=settings.address, token=token)
        sys.stdout.write(f"Governance portal: {settings.address}\n")
        sys.stdout.flush()
        try:
            yield
        finally:
            take_down_notice(settings.store)
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


def streamlit_options(path: Path) -> dict[str, object]:
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


def _flat(prefix: str, section: Mapping[str, object]) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
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
