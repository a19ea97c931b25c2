"""REST under `/api`: the public routes, and every operation by name for the command line.

Whoever calls shows a bearer token that says who they are; cookies say nothing here. A gate that cannot be
decided answers `blocked`, whatever went wrong.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar
from urllib.parse import unquote

from fastapi import Depends, FastAPI, Header, Query
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from pydantic_core import ErrorDetails
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from core.domain.commands import problems
from core.domain.errors import (
    BadInput,
    BrokenRecord,
    Cancelled,
    Conflict,
    Forbidden,
    GovernanceError,
    NotFound,
    Unknown,
)
from core.services.record.identity import Door
from core.services.use_case import BASE64, Call, Definition, UseCase, joined, model_of, needed
from core.services.use_cases import every_use_case, run_once

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from core.services.governance import Governance


OPEN_PATHS = ("/health",)
BODY_BYTES = 4 * 1024 * 1024
FILE_BYTES = 36 * 1024 * 1024
"""Room for a piece of evidence of 25 MiB in base64, where a file is taken."""
PLAIN_BYTES = 1024 * 1024
MOST_VALUES = 10_000
"""Of a body longer than `PLAIN_BYTES`: reading more values than that would hold up everybody else."""


class Guard:
    """Pure ASGI middleware: no token, no answer; too long a body, no answer either.

    It leaves in the request's state who speaks. `takes_file` says of a path whether the body may hold a file.
    """

    def __init__(self, app: ASGIApp, door: Door, takes_file: Callable[[str], bool]) -> None:
        self._app = app
        self._door = door
        self._takes_file = takes_file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer 401 or 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if not self._is_open(scope):
            given = headers.get(b"authorization", b"").decode("latin-1")
            try:
                speaks = await run_in_threadpool(self._door.speaker, given, datetime.now(UTC))
            except Exception as problem:
                refused = refusal(_told(problem, "who asks"))
                if refused.status_code == 401:
                    refused.headers["www-authenticate"] = "Bearer"
                await refused(scope, receive, send)
                return
            scope.setdefault("state", {})["speaks"] = speaks
        most = FILE_BYTES if self._takes_file(_path(scope)) else BODY_BYTES
        length = headers.get(b"content-length", b"0")
        body = await _whole(receive, most) if length.isdigit() and int(length) <= most else None
        if body is None or (len(body) > PLAIN_BYTES and _has_many_values(body)):
            await answer({"error": _too_long(most)}, 413)(scope, receive, send)
            return
        await self._app(scope, _again(body, receive), send)

    def _is_open(self, scope: Scope) -> bool:
        return _path(scope) in OPEN_PATHS


def _path(scope: Scope) -> str:
    return str(scope["path"]).removeprefix(str(scope.get("root_path", "")))


def _too_long(most: int) -> dict[str, str]:
    return {
        "what": f"the request is longer than {most // 2**20} MiB, or holds more than {MOST_VALUES:,} values",
        "where": "body",
        "remedy": "Put the file where it belongs and send a link.",
    }


async def _whole(receive: Receive, most: int) -> bytes | None:
    """The body of a request; None where more comes than that, or the caller leaves."""
    body = bytearray()
    while len(body) <= most:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body) if len(body) <= most else None
    return None


def _has_many_values(body: bytes) -> bool:
    """Whether a JSON text holds many values, told without reading it; a file in base64 is one value."""
    seen = 0
    for start in range(0, len(body), PLAIN_BYTES):
        part = body[start : start + PLAIN_BYTES]
        seen += sum(map(part.count, (b",", b"[", b"{")))
        if seen > MOST_VALUES:
            return True
    return False


def _again(body: bytes, receive: Receive) -> Receive:
    """What gives a body that was read already, and then what else there is."""
    read = [body]

    async def receive_again() -> Message:
        if read:
            return {"type": "http.request", "body": read.pop(), "more_body": False}
        return await receive()

    return receive_again


_LOG = logging.getLogger(__name__)
_STATUS: tuple[tuple[type[GovernanceError], int], ...] = (
    (NotFound, 404),
    (Unknown, 401),
    (Forbidden, 403),
    (Conflict, 409),
    (BadInput, 422),
    (Cancelled, 503),
)
R = TypeVar("R")
_PUBLIC = "_public"
BLOCKED = {"outcome": "blocked", "decided": False}

ActorName = Annotated[
    str,
    Header(
        alias="X-Governance-Actor",
        description="Who acts, in the demo; the build pipeline where it is absent.",
    ),
]
RequestKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        description="A text of one's own: sent again with the same body, it is answered and not done again.",
    ),
]
AsOf = Annotated[str, Query(description="A past UTC day or time; empty reads as of now.")]


def create_api(door: Door) -> FastAPI:
    """Make the API of an open store; `door` says who may ask."""
    governance = door.governance
    api = FastAPI(
        title="Governance portal",
        version="1",
        docs_url=None,  # the ready-made pages load scripts from outside
        redoc_url=None,
        dependencies=[Depends(HTTPBearer(auto_error=False))],  # named in openapi.json; the guard checks it
    )
    api.add_middleware(Guard, door=door, takes_file=_takes_file())
    api.add_exception_handler(RequestValidationError, _unusable)
    api.add_exception_handler(HTTPException, _not_served)
    ask = Asker(governance)
    _add_health(api, governance)
    _add_use_cases(api, ask)
    return api


def _takes_file() -> Callable[[str], bool]:
    """Says of a path whether a use case stands there that takes a file in its body."""
    cases = [case for case in every_use_case() if any(map(_is_content, case.takes.model_fields))]
    paths = [f"/operations/{case.name}" for case in cases]
    paths += [case.route.partition(" ")[2] for case in cases if case.route]
    known = re.compile("|".join(re.sub(r"{\w+}", "[^/]+", path) for path in paths))
    return lambda path: known.fullmatch(path) is not None


def _is_content(field: str) -> bool:
    return field.endswith(BASE64)


class Asker:
    """Runs operations for a caller and turns results and refusals into responses."""

    def __init__(self, governance: Governance) -> None:
        self._governance = governance

    @property
    def demo(self) -> bool:
        """Whether the store holds the demo organisation."""
        return self._governance.demo

    def __call__(
        self,
        request: Request,
        actor: str,
        name: str,
        parameters: Mapping[str, object],
        *,
        key: str = "",
        status: int = 200,
        on_error: Mapping[str, object] | None = None,
    ) -> Response:
        """Run an operation; `on_error` is what a refusal says besides the error."""
        try:
            person = request.state.speaks(unquote(actor))
            result = run_once(Call(self._governance, person, datetime.now(UTC)), name, parameters, key)
            return answer(result, status)
        except Exception as problem:
            return refusal(_told(problem, name), on_error)


def answer(result: object, status: int = 200) -> Response:
    """A result as JSON."""
    return Response(json.dumps(result), status, media_type="application/json")


def refusal(problem: GovernanceError, besides: Mapping[str, object] | None = None) -> Response:
    """A problem as JSON: what, where, remedy; the status says of what kind it is."""
    status = next((code for kind, code in _STATUS if isinstance(problem, kind)), 500)
    where = "" if status == 500 else problem.where
    error = {"what": problem.what, "where": where, "remedy": problem.remedy}
    return answer({**(besides or {}), "error": error}, status)


def _told(problem: Exception, asked: str) -> GovernanceError:
    """What may be said of a problem: nothing of the inside, which stands in the server's log."""
    if isinstance(problem, GovernanceError):
        return problem
    _LOG.error("operation %s failed", asked, exc_info=problem)
    return BrokenRecord("the operation failed", remedy="The server's log says more; please report it.")


def _unusable(request: Request, error: Exception) -> Response:
    """What is wrong with the fields of a request; a gate stays shut."""
    found: Sequence[ErrorDetails] = error.errors() if isinstance(error, RequestValidationError) else []
    name = str(getattr(request.scope.get("route"), "name", "request")).removesuffix(_PUBLIC)
    problem = BadInput(
        problems([{**each, "loc": each["loc"][1:]} for each in found])[:500],
        where=name.replace("_", " "),
        remedy="Nothing was stored; mend it.",
    )
    return refusal(problem, _on_error(name))


def _not_served(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    what = "there is no such route" if status == 404 else f"the request cannot be served: {_detail(error)}"
    body = {"error": {"what": what, "where": "request", "remedy": "See openapi.json."}}
    return Response(json.dumps(body), status, media_type="application/json", headers=headers)


def _detail(error: Exception) -> str:
    detail = str(getattr(error, "detail", "") or "unknown")
    return detail[:1].lower() + detail[1:]


def _add_health(api: FastAPI, governance: Governance) -> None:
    @api.get("/health")
    def health() -> Response:
        """Whether the store answers; needs no token."""
        try:
            governance.store.head()
        except Exception:
            _LOG.exception("the store does not answer")
            return answer({"status": "broken"}, 503)
        return answer({"status": "ok"})


def _add_use_cases(api: FastAPI, ask: Asker) -> None:
    """`POST /operations/NAME` for each use case, and the public route of those that have one."""
    routes: dict[str, list[UseCase]] = {}
    for case in every_use_case():
        api.post(f"/operations/{case.name}", name=case.name, description=case.help)(_by_name(ask, case))
        if case.route:
            routes.setdefault(case.route, []).append(case)
    for route, cases in routes.items():
        method, _, path = route.partition(" ")
        status = 201 if method == "POST" and "{" not in path else 200
        add = api.api_route(path, methods=[method], status_code=status, name=cases[0].name + _PUBLIC)
        add(_by_route(ask, cases, method, path, status))

    @api.get("/operations")
    def list_operations() -> Response:
        """Operations that may be asked for by name."""
        return answer({"demo": ask.demo, "operations": sorted(one.name for one in every_use_case())})

    @api.post("/operations/{name}", include_in_schema=False)
    def run_unknown(request: Request, name: str, actor: ActorName = "") -> Response:
        """Say which operations there are."""
        return ask(request, actor, name, {})


def _by_name(ask: Asker, case: UseCase) -> Callable[..., object]:
    """What runs a use case with the body that it takes."""

    def run(request: Request, given: BaseModel, actor: str = "", key: str = "") -> Response:
        values = given.model_dump(mode="json", exclude_unset=True)
        return ask(request, actor, case.name, values, key=key, on_error=_on_error(case.name))

    fields: dict[str, Definition] = {
        "request": (Request, ...),
        "given": (case.takes, ...),
        "actor": (ActorName, ""),
        **_keyed(case),
    }
    return _typed(_shared(run), fields) if case.shared else _typed(run, fields)


def _keyed(case: UseCase) -> Mapping[str, Definition]:
    """What changes something may be sent with a key."""
    return {"key": (RequestKey, "")} if case.command else {}


def _shared(run: Callable[..., Response]) -> Callable[..., Awaitable[Response]]:
    """The same, for what takes long and is asked by many: who asks while it is done gets that answer.

    Those who wait hold no thread, so that others are answered meanwhile.
    """
    running: dict[tuple[str, str], asyncio.Task[Response]] = {}

    async def run_shared(request: Request, given: BaseModel, actor: str = "") -> Response:
        who = await run_in_threadpool(request.state.speaks, unquote(actor))
        asked = (who.model_dump_json(), given.model_dump_json())
        if asked not in running:
            running[asked] = asyncio.create_task(asyncio.to_thread(run, request, given, actor))
            running[asked].add_done_callback(lambda _: running.pop(asked))
        return await asyncio.shield(running[asked])

    return run_shared


def _by_route(
    ask: Asker, cases: Sequence[UseCase], method: str, path: str, status: int
) -> Callable[..., Response]:
    """What runs a use case with the parts of its address, and with a query or a body.

    Of several at one address, the last is run whose needed fields are all given.
    """
    parts = re.findall(r"{(\w+)}", path)

    def run(
        request: Request, given: BaseModel | None = None, actor: str = "", key: str = "", **found: str
    ) -> Response:
        values = {**(given.model_dump(mode="json", exclude_unset=True) if given else {}), **found}
        case = next((one for one in reversed(cases) if all(map(values.get, needed(one.takes)))), cases[0])
        values = {name: value for name, value in values.items() if name in case.takes.model_fields}
        return ask(request, actor, case.name, values, key=key, status=status, on_error=_on_error(case.name))

    taken = {
        name: (info.annotation, info)
        for name, info in joined([case.takes for case in cases]).items()
        if name not in parts
    }
    fields: dict[str, Definition] = {"request": (Request, ...), **dict.fromkeys(parts, (str, ...))}
    if taken:
        title = f"{cases[0].takes.__name__}{'Query' if method == 'GET' else ''}"
        model = model_of(title, cases[0].help, taken)
        fields["given"] = (Annotated[model, Query()] if method == "GET" else model, ...)
    run.__doc__ = cases[0].help
    return _typed(run, {"request": (Request, ...), **fields, "actor": (ActorName, ""), **_keyed(cases[0])})


def _typed(run: Callable[..., R], fields: Mapping[str, Definition]) -> Callable[..., R]:
    """The function with the signature that FastAPI reads."""
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=kind,
            default=inspect.Parameter.empty if default is ... else default,
        )
        for name, (kind, default) in fields.items()
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def _on_error(name: str) -> Mapping[str, object] | None:
    return BLOCKED if name in ("decide_gate", "ask_gate") else None
