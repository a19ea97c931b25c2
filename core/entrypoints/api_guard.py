"""The door of the API: a bearer token before anything is read, and no more than a body's worth of bytes."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from core.domain.errors import BadInput

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN_PATHS = ("/health",)
BODY_BYTES = 36 * 1024 * 1024
"""Room for a piece of evidence of 25 MiB in base64."""
TOKEN_LENGTH = 16


class Guard:
    """Pure ASGI middleware: no token, no answer; too long a body, no answer either."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        if len(token) < TOKEN_LENGTH:
            raise BadInput(
                f"the API's token is shorter than {TOKEN_LENGTH} characters",
                remedy="Set GOVERNANCE_API_TOKEN.",
            )
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
        await _Counted(self._app, receive, send).run(scope)

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


class _TooLong(Exception):
    """More bytes came than were announced or allowed."""


class _Counted:
    """One request whose body is counted while it comes in."""

    def __init__(self, app: ASGIApp, receive: Receive, send: Send) -> None:
        self._app, self._receive, self._send = app, receive, send
        self._bytes = 0
        self._started = False

    async def run(self, scope: Scope) -> None:
        try:
            await self._app(scope, self._counted, self._noted)
        except _TooLong:
            if not self._started:
                await _refuse(self._send, 413, _TOO_LONG)

    async def _counted(self) -> Message:
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes > BODY_BYTES:
            raise _TooLong
        return message

    async def _noted(self, message: Message) -> None:
        self._started = True
        await self._send(message)


async def _refuse(
    send: Send, status: int, error: dict[str, str], headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    body = json.dumps({"error": error}).encode()
    sized = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": sized + (headers or [])})
    await send({"type": "http.response.body", "body": body})
