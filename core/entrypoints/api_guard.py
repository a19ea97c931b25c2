"""The door of the API: a bearer token before anything is read, and no more than a body's worth of bytes."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN_PATHS = ("/health",)
BODY_BYTES = 36 * 1024 * 1024
"""Room for a piece of evidence of 25 MiB in base64."""


class Guard:
    """Pure ASGI middleware: no token, no answer; too long a body, no answer either."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer 401 or 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if not self._is_open(scope) and not self._has_token(headers.get(b"authorization", b"")):
            what = {"what": "a valid bearer token is needed", "where": "Authorization", "remedy": "Send one."}
            await _refuse(send, 401, what, [(b"www-authenticate", b"Bearer")])
            return
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > BODY_BYTES:
            await _refuse(send, 413, _TOO_LONG)
            return
        await self._app(scope, _counted(receive), send)

    def _is_open(self, scope: Scope) -> bool:
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
        return path in OPEN_PATHS

    def _has_token(self, given: bytes) -> bool:
        return secrets.compare_digest(given, self._expected)


_TOO_LONG = {
    "what": f"the request is longer than {BODY_BYTES // 2**20} MiB",
    "where": "body",
    "remedy": "Put the file where it belongs and send a link.",
}


def _counted(receive: Receive) -> Receive:
    """A body without an announced length is counted while it comes in."""
    seen = 0

    async def receive_counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > BODY_BYTES:
            raise HTTPException(413, _TOO_LONG["what"])  # the one kind that FastAPI lets through
        return message

    return receive_counted


async def _refuse(
    send: Send, status: int, error: dict[str, str], headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    body = json.dumps({"error": error}).encode()
    sized = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": sized + (headers or [])})
    await send({"type": "http.response.body", "body": body})
