"""REST under `/api`: the public routes, and every operation by name for the command line.

Whoever calls shows a bearer token that says who they are; cookies say nothing here. A gate that cannot be
decided answers `blocked`, whatever went wrong.
"""

from __future__ import annotations

import inspect
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
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
from core.domain.errors import BadInput, BrokenRecord, Conflict, Forbidden, GovernanceError, NotFound, Unknown
from core.services.record.identity import Door
from core.services.use_case import Call, Definition, UseCase, joined, model_of, needed
from core.services.use_cases import every_use_case, run_use_case

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from core.services.governance import Governance


OPEN_PATHS = ("/health",)
BODY_BYTES = 36 * 1024 * 1024
"""Room for a piece of evidence of 25 MiB in base64."""


class Guard:
    """Pure ASGI middleware: no token, no answer; too long a body, no answer either.

    It leaves in the request's state who speaks.
    """

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

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
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > BODY_BYTES:
            await answer({"error": _TOO_LONG}, 413)(scope, receive, send)
            return
        await self._app(scope, _counted(receive), send)

    def _is_open(self, scope: Scope) -> bool:
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
        return path in OPEN_PATHS


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


_LOG = logging.getLogger(__name__)
_STATUS: tuple[tuple[type[GovernanceError], int], ...] = (
    (NotFound, 404),
    (Unknown, 401),
    (Forbidden, 403),
    (Conflict, 409),
    (BadInput, 422),
)
_PUBLIC = "_public"
BLOCKED = {"outcome": "blocked", "decided": False}

ActorName = Annotated[
    str,
    Header(
        alias="X-Governance-Actor",
        description="Who acts, in the demo; the build pipeline where it is absent.",
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
    api.add_middleware(Guard, door=door)
    api.add_exception_handler(RequestValidationError, _unusable)
    api.add_exception_handler(HTTPException, _not_served)
    ask = Asker(governance)
    _add_health(api, governance)
    _add_use_cases(api, ask)
    return api


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
        status: int = 200,
        on_error: Mapping[str, object] | None = None,
    ) -> Response:
        """Run an operation; `on_error` is what a refusal says besides the error."""
        try:
            person = request.state.speaks(unquote(actor))
            result = run_use_case(Call(self._governance, person, datetime.now(UTC)), name, parameters)
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


def _by_name(ask: Asker, case: UseCase) -> Callable[..., Response]:
    """What runs a use case with the body that it takes."""

    def run(request: Request, given: BaseModel, actor: str = "") -> Response:
        values = given.model_dump(mode="json", exclude_unset=True)
        return ask(request, actor, case.name, values, on_error=_on_error(case.name))

    return _typed(run, {"request": (Request, ...), "given": (case.takes, ...), "actor": (ActorName, "")})


def _by_route(
    ask: Asker, cases: Sequence[UseCase], method: str, path: str, status: int
) -> Callable[..., Response]:
    """What runs a use case with the parts of its address, and with a query or a body.

    Of several at one address, the last is run whose needed fields are all given.
    """
    parts = re.findall(r"{(\w+)}", path)

    def run(request: Request, given: BaseModel | None = None, actor: str = "", **found: str) -> Response:
        values = {**(given.model_dump(mode="json", exclude_unset=True) if given else {}), **found}
        case = next((one for one in reversed(cases) if all(map(values.get, needed(one.takes)))), cases[0])
        values = {name: value for name, value in values.items() if name in case.takes.model_fields}
        return ask(request, actor, case.name, values, status=status, on_error=_on_error(case.name))

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
    return _typed(run, {**fields, "actor": (ActorName, "")})


def _typed(run: Callable[..., Response], fields: Mapping[str, Definition]) -> Callable[..., Response]:
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
