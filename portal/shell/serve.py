"""Serve pages and API from one process, guarded: `python -m portal.shell.serve`."""

from __future__ import annotations

import argparse
import asyncio
import base64
import gc
import hashlib
import hmac
import importlib
import json
import logging
import os
import re
import resource
import secrets
import signal
import socket
import sys
import threading
import tomllib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from core.connectors.provider import provider_of
from core.connectors.settings import PROJECT, Settings, read_settings
from core.domain.errors import BadInput, Conflict, GovernanceError
from core.services.oversight.kpis import governance_kpis
from core.services.record.checkpoints import checkpoint_due, keep_checkpoint
from core.services.rules.configuration import unheld_permissions
from core.services.use_case import swept
from portal.shell.house import FIRST, House, close_house, open_house, page_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from streamlit.runtime.secrets import SecretsValue
    from streamlit.web.server.starlette.starlette_app import App


LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)
_HOST = re.compile(r"^(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[^:\[\]]*))(?::\d{1,5})?$")


def content_security_policy(index_html: str) -> str:
    """Write the policy for the page that Streamlit ships: own files only, its inline scripts by their hash.

    Parameters
    ----------
    index_html
        Streamlit's start page. Its inline scripts are named by hash, so that no other may run.

    Notes
    -----
    Styles need `unsafe-inline`: Streamlit writes them while it runs. `wasm-unsafe-eval` lets it unpack
    Arrow; it allows no script from text.
    """
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in _INLINE_SCRIPT.findall(index_html))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'wasm-unsafe-eval' {hashes}".rstrip(),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "media-src 'self' blob:",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


class SecurityHeaders:
    """ASGI middleware: every answer says what it may load and that nobody may frame it."""

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self._app = app
        self._headers = [
            (name.encode("ascii"), value.encode("ascii"))
            for name, value in (
                ("content-security-policy", policy),
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("referrer-policy", "same-origin"),
                ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
            )
        ]
        self._names = {name for name, _ in self._headers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to its answer."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message.get("headers", ()) if pair[0].lower() not in self._names]
                message = {**message, "headers": [*kept, *self._headers]}
            await send(message)

        await self._app(scope, receive, send_guarded if scope["type"] == "http" else send)


class HostGuard:
    """ASGI middleware: only requests to our own names pass, which stops a foreign name that points here.

    A socket is opened by our own pages alone: a browser says whose page asks for it. `public` is our address
    in a browser, where a proxy stands before us.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str] = LOOPBACK_NAMES, public: str = "") -> None:
        self._app = app
        self._names = {name.lower() for name in names if name} | LOOPBACK_NAMES
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421 to a wrong name."""
        if scope["type"] not in {"http", "websocket"} or self._known(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "unknown host name or origin"})
        else:
            body = b"This server answers to localhost only.\n"
            headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode("ascii"))]
            await send({"type": "http.response.start", "status": 421, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    def _known(self, scope: Scope) -> bool:
        host, origin = _only(scope, b"host"), _only(scope, b"origin")
        found = _HOST.match(host)
        named = found is not None and (found["six"] or found["name"] or "").lower() in self._names
        own = (f"http://{host}", f"https://{host}", self._public)
        return named and (scope["type"] == "http" or (origin != "" and origin in own))


def _only(scope: Scope, header: bytes) -> str:
    """The one value of a header; empty where there is none, or more than one."""
    given = [value.decode("latin-1") for name, value in scope["headers"] if name == header]
    return given[0] if len(given) == 1 else ""


LOGIN_PATH, RETURN_PATH = "/auth/login", "/oauth2callback"
"""Where Streamlit sends people to log in, and where the provider sends them back to."""
_WAY_BACK = "gp_way_back"


class WayBack:
    """ASGI middleware: whoever logs in comes back to the page that they came for; cookies keep to TLS.

    Streamlit leads to the first page after a login. The page that asked for it is known by its own address,
    is one of ours, and waits in a cookie that only the way back is told.
    """

    def __init__(self, app: ASGIApp, pages: Iterable[str], secure: bool) -> None:
        self._app = app
        self._paths = {f"/{page}" for page in pages} | {"/"}
        self._secure = b"; Secure" if secure else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; on the way to a login and back, note the page and lead to it."""

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                if scope["path"] == LOGIN_PATH:
                    given.append(self._noted(scope))
                if scope["path"] == RETURN_PATH:
                    given = [self._led(scope, *pair) for pair in given]
                    given.append((b"set-cookie", self._cookie("", 0)))
                message = {**message, "headers": [self._kept_to_tls(*pair) for pair in given]}
            await send(message)

        await self._app(scope, receive, send_marked if scope["type"] == "http" else send)

    def _noted(self, scope: Scope) -> tuple[bytes, bytes]:
        asked = urlsplit(_only(scope, b"referer"))
        own = asked.netloc == _only(scope, b"host")
        page = f"{asked.path}?{asked.query}" if asked.query else asked.path
        return b"set-cookie", self._cookie(quote(page, safe="") if own and self._is_ours(page) else "", 600)

    def _led(self, scope: Scope, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        if name.lower() != b"location" or value != b"/":
            return name, value
        cookies = SimpleCookie(_only(scope, b"cookie"))
        page = unquote(cookies[_WAY_BACK].value) if _WAY_BACK in cookies else "/"
        return name, page.encode("ascii") if self._is_ours(page) else value

    def _is_ours(self, page: str) -> bool:
        plain = len(page) <= 2000 and page.isascii() and page.isprintable() and "\\" not in page
        return plain and page.partition("?")[0] in self._paths

    def _cookie(self, value: str, seconds: int) -> bytes:
        kept = f"{_WAY_BACK}={value}; Path={RETURN_PATH}; Max-Age={seconds}; HttpOnly; SameSite=Lax"
        return kept.encode("ascii")

    def _kept_to_tls(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        sets = name.lower() == b"set-cookie" and b"; secure" not in value.lower()
        return name, value + self._secure if sets else value


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
    """Write pid, address and the owner's token, for the owner alone; an older one is replaced at once."""
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
_LAST_SECONDS = 5.0
"""How long the server waits for its last checkpoint to be taken."""
_STALE_SECONDS = 6 * 3600.0
"""Age at which an upload that lies in `incoming` is nobody's."""
_LOG = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the settings and serve; a refusal is one sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m portal.shell.serve", description=__doc__)
    parser.add_argument("--store", type=Path, help="folder of the store")
    parser.add_argument("--host", help="address to serve on; loopback only without a login")
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
        The port is taken, or the store cannot be opened.
    """
    require_free(settings.host, settings.port)
    options = streamlit_options(STREAMLIT_CONFIG)
    options |= {"server.address": settings.host, "server.port": settings.port}
    os.umask(0o077)
    raise_open_files()
    try:
        house = open_house(settings)
        swept(settings.store)
        build_app(house, settings, secrets.token_urlsafe(32)).run(config=options)
    finally:
        close_house()


def build_app(house: House, settings: Settings, token: str) -> App:
    """Join pages, API and health check behind the guards; nothing is bound yet."""
    import streamlit as st
    from starlette.middleware import Middleware
    from starlette.routing import Mount, Route

    from core.entrypoints.api import create_api
    from core.services.record.identity import Door

    @asynccontextmanager
    async def lifespan(_: App) -> AsyncIterator[None]:
        preload()
        stop_work_first(house)
        await asyncio.to_thread(tidy, house, at_once=True)
        collecting = asyncio.create_task(collect_now_and_then(house))
        warming = asyncio.create_task(asyncio.to_thread(count_kpis_ahead, house))
        put_up_notice(settings.store, address=settings.address, token=token)
        sys.stdout.write(f"Governance portal: {settings.address}\n")
        if unheld := unheld_permissions(house.governance, house.governance.present(datetime.now(UTC))):
            sys.stdout.write(f"Note: {unheld}.\n")
        sys.stdout.flush()
        try:
            yield
        finally:
            take_down_notice(settings.store)
            await asyncio.wait([warming])
            collecting.cancel()
            with suppress(asyncio.CancelledError):
                await collecting
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.to_thread(tidy, house, at_once=True), _LAST_SECONDS)
            close_house()  # here, as the server passes a signal on before `serve` could

    def health(_: Request) -> Response:
        from starlette.responses import JSONResponse

        return JSONResponse({"status": "ok", "head": house.governance.store.head()})

    html, public = start_page(shipped_page()), settings.public
    policy = content_security_policy(html)
    return st.App(
        SCRIPT,
        lifespan=lifespan,
        secrets=login_secrets(settings),
        routes=[
            Mount("/api", create_api(Door(house.governance, token, house.provider))),
            Route("/healthz", health),
            *page_routes(html, page_names(), FIRST),
        ],
        middleware=[
            Middleware(HostGuard, names=[settings.host, urlsplit(public).hostname or ""], public=public),
            Middleware(SecurityHeaders, policy=policy),
            Middleware(WayBack, pages=page_names(), secure=public.startswith("https:")),
        ],
    )


def login_secrets(settings: Settings) -> Mapping[str, SecretsValue]:
    """What Streamlit needs to log people in, in place of a file of secrets; PKCE always.

    The cookie's key follows from the client's secret: logins outlive a restart, and none a change of it.
    """
    provider = provider_of(settings)
    if provider is None or settings.client_secret is None:
        return {}
    secret = settings.client_secret.get_secret_value()
    cookies = hmac.new(secret.encode(), f"cookies of {settings.public}".encode(), hashlib.sha256)
    return {
        "auth": {
            "redirect_uri": settings.public + RETURN_PATH,
            "cookie_secret": cookies.hexdigest(),
            "client_id": settings.client_id,
            "client_secret": secret,
            "server_metadata_url": provider.metadata_url,
            "client_kwargs": {"scope": settings.scope, "code_challenge_method": "S256"},
        }
    }


def preload() -> None:
    """Import what every page needs and take it out of the garbage collector's rounds."""
    for name in PRELOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def count_kpis_ahead(house: House) -> None:
    """Count the KPIs of past months, a second's work, before somebody waits for them."""
    governance_kpis(house.governance, house.governance.present(datetime.now(UTC)))


async def collect_now_and_then(house: House) -> None:
    """Collect on a timer what Streamlit would otherwise collect after every rerun, and tidy up."""
    while True:
        await asyncio.sleep(_COLLECT_SECONDS)
        gc.collect()
        await asyncio.to_thread(tidy, house)


def tidy(house: House, *, at_once: bool = False) -> None:
    """Keep a checkpoint where one is due, and remove uploads that nobody fetched; what fails is logged."""
    clock = datetime.now(UTC)
    try:
        if checkpoint_due(house.governance, clock, at_once=at_once):
            keep_checkpoint(house.governance, clock)
        swept(house.governance.store.folder, _STALE_SECONDS)
    except (GovernanceError, OSError) as problem:
        _LOG.warning("%s", problem)


def stop_work_first(house: House) -> None:
    """Let a signal that ends the server end the work of its requests too: it waits for their answers."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def stop(given: int, frame: FrameType | None, before: object = before) -> None:
            house.governance.store.stopping.set()
            if callable(before):
                before(given, frame)

        signal.signal(number, stop)


def raise_open_files() -> None:
    """Allow as many open files as the system lets us: every browser session holds some."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def streamlit_options(path: Path) -> dict[str, object]:
    """Read Streamlit's options from one file, wherever the server was started from.

    Returns
    -------
    dict
        Option by its dotted name, as `App.run(config=…)` takes it.
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
    """Refuse a port that is taken, before the store is opened."""
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
