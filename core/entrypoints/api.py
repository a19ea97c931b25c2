"""REST under `/api`: the public routes, and every operation by name for the command line.

Whoever calls shows the bearer token. A gate that cannot be decided answers `blocked`, whatever went wrong.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote

from fastapi import Body, Depends, FastAPI, Header, Query
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from core.domain.errors import BadInput, BrokenRecord, Conflict, Forbidden, GovernanceError, NotFound
from core.entrypoints.api_guard import Guard
from core.entrypoints.operations.parameters import (
    AsOfParameters,
    ListInitiatives,
    NewInitiative,
    StandingsToRead,
)
from core.entrypoints.operations.slices import SlicesQuery, WeakestQuery
from core.entrypoints.operations.table import operations, run_operation
from core.entrypoints.who_and_when import acting_person

if TYPE_CHECKING:
    from starlette.requests import Request

    from core.services.governance import Governance

_LOG = logging.getLogger(__name__)
_STATUS: tuple[tuple[type[GovernanceError], int], ...] = (
    (NotFound, 404),
    (Forbidden, 403),
    (Conflict, 409),
    (BadInput, 422),
)
TOKEN_LENGTH = 16
BLOCKED = {"outcome": "blocked", "decided": False}

ActorName = Annotated[
    str, Header(alias="X-Governance-Actor", description="Who acts; the build pipeline where it is absent.")
]
AsOf = Annotated[str, Query(description="A past UTC day or time; empty reads as of now.")]


def create_api(governance: Governance, *, token: str) -> FastAPI:
    """Make the API of an open store.

    Parameters
    ----------
    governance
        The open store with its rules.
    token
        Bearer token that every call but `/health` must show.

    Raises
    ------
    BadInput
        The token is shorter than 16 characters.
    """
    if len(token) < TOKEN_LENGTH:
        raise BadInput(
            f"the API's token is shorter than {TOKEN_LENGTH} characters", remedy="Set GOVERNANCE_API_TOKEN."
        )
    api = FastAPI(
        title="Governance portal",
        version="1",
        docs_url=None,  # the ready-made pages load scripts from outside
        redoc_url=None,
        dependencies=[Depends(HTTPBearer(auto_error=False))],  # named in openapi.json; the guard checks it
    )
    api.add_middleware(Guard, token=token)
    api.add_exception_handler(RequestValidationError, _unusable)
    api.add_exception_handler(HTTPException, _not_served)
    ask = Asker(governance)
    _add_health(api, governance)
    _add_initiatives(api, ask)
    _add_decisions(api, ask)
    _add_figures(api, ask)
    _add_operations(api, ask)
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
        actor: str,
        name: str,
        parameters: Mapping[str, Any],
        *,
        status: int = 200,
        on_error: Mapping[str, Any] | None = None,
    ) -> Response:
        """Run an operation; `on_error` is what a refusal says besides the error."""
        try:
            person = acting_person(self._governance, unquote(actor))
            result = run_operation(self._governance, person, datetime.now(UTC), name, parameters)
            return answer(result, status)
        except GovernanceError as problem:
            return refusal(problem, on_error)
        except Exception:
            _LOG.exception("operation %s failed", name)
            return refusal(_failed(), on_error)


def answer(result: Any, status: int = 200) -> Response:
    """A result as JSON."""
    return Response(json.dumps(result), status, media_type="application/json")


def refusal(problem: GovernanceError, besides: Mapping[str, Any] | None = None) -> Response:
    """A problem as JSON: what, where, remedy; the status says of what kind it is."""
    status = next((code for kind, code in _STATUS if isinstance(problem, kind)), 500)
    where = "" if status == 500 else problem.where
    error = {"what": problem.what, "where": where, "remedy": problem.remedy}
    return answer({**(besides or {}), "error": error}, status)


def _failed() -> GovernanceError:
    return BrokenRecord("the operation failed", remedy="The server's log says more; please report it.")


def _unusable(_: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    problems = [f"{'.'.join(str(part) for part in each['loc'][1:])}: {each['msg']}" for each in found]
    return refusal(BadInput("; ".join(problems)[:500], where="request", remedy="See openapi.json."))


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


def _add_initiatives(api: FastAPI, ask: Asker) -> None:
    @api.get("/initiatives")
    def list_initiatives(filters: Annotated[ListInitiatives, Query()], actor: ActorName = "") -> Response:
        """The inventory: a single view of the status of all models."""
        return ask(actor, "list_initiatives", filters.model_dump())

    @api.post("/initiatives", status_code=201)
    def register_initiative(given: NewInitiative, actor: ActorName = "") -> Response:
        """Register an initiative and learn its class and what is required."""
        return ask(actor, "register_initiative", given.model_dump(), status=201)

    @api.get("/initiatives/{initiative}")
    def show_initiative(initiative: str, as_of: AsOf = "", actor: ActorName = "") -> Response:
        """An initiative in full."""
        return ask(actor, "show_initiative", {"initiative": initiative, "as_of": as_of})


def _add_decisions(api: FastAPI, ask: Asker) -> None:
    path = "/initiatives/{initiative}/gates/{gate}/decision"

    @api.get(path)
    def ask_gate(initiative: str, gate: str, as_of: AsOf = "", actor: ActorName = "") -> Response:
        """Whether a gate is open; nothing is recorded."""
        values = {"initiative": initiative, "gate": gate, "as_of": as_of}
        return ask(actor, "ask_gate", values, on_error=BLOCKED)

    @api.post(path)
    def decide_gate(initiative: str, gate: str, actor: ActorName = "") -> Response:
        """Decide a gate now and put the answer on record."""
        return ask(actor, "decide_gate", {"initiative": initiative, "gate": gate}, on_error=BLOCKED)


def _add_figures(api: FastAPI, ask: Asker) -> None:
    @api.get("/initiatives/{initiative}/versions/{version}/slices")
    def slices(
        initiative: str,
        version: str,
        asked: Annotated[SlicesQuery, Query()],
        actor: ActorName = "",
    ) -> Response:
        """A metric compared between slices of a model version's predictions; `other` sets one beside it."""
        values = {**asked.model_dump(exclude={"other"}), "initiative": initiative, "version": version}
        if asked.other:
            return ask(actor, "compare_slices", {**values, "other": asked.other})
        return ask(actor, "bias_slices", values)

    @api.get("/initiatives/{initiative}/versions/{version}/weakest-slices")
    def weakest_slices(
        initiative: str,
        version: str,
        asked: Annotated[WeakestQuery, Query()],
        actor: ActorName = "",
    ) -> Response:
        """The slices where a metric is worst, over all intersections."""
        values = {**asked.model_dump(), "initiative": initiative, "version": version}
        return ask(actor, "weakest_slices", values)

    @api.get("/initiatives/{initiative}/versions/{version}/decay")
    def decay(
        initiative: str, version: str, metric: str = "", as_of: AsOf = "", actor: ActorName = ""
    ) -> Response:
        """Estimated and realised performance, chunk by chunk."""
        values = {"initiative": initiative, "version": version, "metric": metric, "as_of": as_of}
        return ask(actor, "decay_report", values)

    @api.get("/kpis")
    def kpis(given: Annotated[AsOfParameters, Query()], actor: ActorName = "") -> Response:
        """The governance KPIs with their targets and their course."""
        return ask(actor, "governance_kpis", given.model_dump())

    @api.get("/standings")
    def standings(given: Annotated[StandingsToRead, Query()], actor: ActorName = "") -> Response:
        """The teams' leaderboard."""
        return ask(actor, "team_standings", given.model_dump())


def _add_operations(api: FastAPI, ask: Asker) -> None:
    @api.get("/operations")
    def list_operations() -> Response:
        """Operations that may be asked for by name."""
        return answer({"demo": ask.demo, "operations": sorted(operations())})

    @api.post("/operations/{name}")
    def run_by_name(
        name: str, parameters: Annotated[dict[str, Any], Body()], actor: ActorName = ""
    ) -> Response:
        """Run an operation with its parameters; what the command line uses."""
        on_error = BLOCKED if name in ("decide_gate", "ask_gate") else None
        return ask(actor, name, parameters, on_error=on_error)
