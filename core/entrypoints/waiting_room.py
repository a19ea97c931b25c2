"""What the portal's address answers while its store is being built: how far that is."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from threading import Thread

PROGRESS = "/building.json"
"""Where the waiting page asks how far it is; whoever answers there with no JSON is the portal."""
_PAGE = Path(__file__).with_suffix(".html")
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
