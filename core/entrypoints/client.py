"""How the command line reaches a store: what all commands are given, through whom they ask, in whose name."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol
from urllib.parse import quote, urlsplit

import typer

from core.connectors.settings import Settings, read_settings
from core.domain.errors import BadInput, Conflict, Forbidden, GovernanceError, NotFound, Unknown
from core.entrypoints.reports.printing import show_json
from core.ground import Result

if TYPE_CHECKING:
    from core.domain.actors import Actor
    from core.services.governance import Governance


Store = Annotated[Path | None, typer.Option("--store", help="Folder of the store.", show_default=False)]
Person = Annotated[
    str | None,
    typer.Option("--as", help="Who acts: a person's id, or a persona of the demo.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
AsOf = Annotated[
    str,
    typer.Option(
        "--as-of", help="Read as it stood at the end of a UTC day, or at a UTC time.", metavar="DAY"
    ),
]
Initiative = Annotated[str, typer.Argument(help="The initiative's id, as 'governance list' shows it.")]
Version = Annotated[
    str, typer.Option("--version", help="Model version; the current one where none is named.")
]
SHARED: Mapping[str, tuple[object, object]] = {
    "folder": (Store, None),
    "acting": (Person, None),
    "as_json": (Json, False),
}
"""Parameter of every command -> what is typed, and its default."""


def remember(context: typer.Context, store: Path | None, person: str | None) -> None:
    """Keep what was given before the command's name."""
    context.obj = {"store": store, "person": person}


@dataclass(frozen=True)
class Asker:
    """Who asks, of which store, and how it is printed; what is not said here was said before the command."""

    context: typer.Context
    store: Path | None = None
    person: str | None = None
    as_json: bool = False

    @property
    def settings(self) -> Settings:
        """The settings, with the store that was named on the command line."""
        return read_settings(store=self.store or (self.context.obj or {}).get("store"))

    @contextmanager
    def reach(self) -> Iterator[Caller]:
        """Reach the store in the name of the acting person."""
        named = self.person if self.person is not None else (self.context.obj or {}).get("person")
        with open_caller(self.settings, named or "") as caller:
            yield caller

    def report(self, name: str, parameters: Mapping[str, object], show: Callable[[Result], None]) -> Result:
        """Run an operation and print its result, for people or for programs."""
        with self.reach() as caller:
            result = caller.call(name, parameters)
        if self.as_json:
            show_json(result)
        else:
            show(result)
        return result


class _NoPandas(MetaPathFinder):
    """Finds pandas nowhere. `None` in its place in `sys.modules` would do for Python, but not for pyarrow."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """No module but pandas is refused; the others are found as ever."""
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is left out here", name=fullname)


@contextmanager
def without_pandas() -> Iterator[None]:
    """Let `import pandas` fail for a while, unless it has been imported already."""
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


NOTICE = "server.json"
DATABASE = "governance.duckdb"
ADOPTED = "The files of the configuration are on record now, as version 1; from here on that decides."
ACTOR_HEADER = "X-Governance-Actor"
_PROBE_SECONDS = 3.0
_ANSWER_SECONDS = 600.0
_KINDS: Mapping[int, type[GovernanceError]] = {
    401: Unknown,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: BadInput,
}


class Caller(Protocol):
    """Somebody who runs operations by name."""

    def call(self, name: str, parameters: Mapping[str, object]) -> Result:
        """Run an operation and return its result as JSON values."""


@dataclass(frozen=True)
class InProcess:
    """Runs operations on a store that this process has opened."""

    governance: Governance
    actor: Actor

    def call(self, name: str, parameters: Mapping[str, object]) -> Result:
        """Run an operation here."""
        from core.services.use_case import Call
        from core.services.use_cases import run_use_case

        return run_use_case(Call(self.governance, self.actor, datetime.now(UTC)), name, parameters)


@dataclass(frozen=True)
class Server:
    """A live server that holds a store, and the person for whom it is asked."""

    address: str
    token: str
    demo: bool = False
    actor: str = ""

    def call(self, name: str, parameters: Mapping[str, object]) -> Result:
        """Run an operation there."""
        try:
            status, body = self.send("POST", f"/operations/{quote(name)}", dict(parameters))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise GovernanceError(
                f"the server broke off ({type(error).__name__})",
                where=self.address,
                remedy="Look with 'governance record' whether it was done before you try again.",
            ) from error
        if status == 200:
            return body
        problem = body.get("error", {}) if isinstance(body, dict) else {}
        raise _KINDS.get(status, GovernanceError)(
            str(problem.get("what", f"the server answered with status {status}")),
            where=str(problem.get("where", "")),
            remedy=str(problem.get("remedy", "")),
        )

    def send(
        self, method: str, path: str, body: object = None, seconds: float = _ANSWER_SECONDS
    ) -> tuple[int, Result]:
        """Send a request past all proxies; returns status and decoded body."""
        place = urlsplit(self.address)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=seconds)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if self.actor:
            headers[ACTOR_HEADER] = quote(self.actor)
        try:
            connection.request(method, f"/api{path}", json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


@contextmanager
def open_caller(settings: Settings, named: str) -> Iterator[Caller]:
    """Reach the store of the settings, in the name of a person.

    Parameters
    ----------
    settings
        Where the store lies.
    named
        Id of the acting person; empty means the owner of the store, or a build pipeline in a demo.

    Raises
    ------
    GovernanceError
        There is no store, nobody is called so, or another process holds the store and does not answer.
    """
    server = live_server(settings.store)
    if server is None:
        require_store(settings.store)
        with without_pandas(), ExitStack() as stack:
            try:
                governance = stack.enter_context(opened(settings))
            except Conflict:
                server = live_server(settings.store)  # one that has only just started
                if server is None:
                    raise
            else:
                yield _in_process(governance, settings, named)
                return
    yield _for_person(server, settings, named)


@contextmanager
def opened(settings: Settings) -> Iterator[Governance]:
    """Open the store here, and close it after use.

    Raises
    ------
    GovernanceError
        The store is held or damaged, or a file of the configuration is wrong.
    """
    from core.services.governance import open_governance
    from core.services.rules.configuration import adopt_configuration

    governance = open_governance(settings)
    try:
        if adopt_configuration(governance, datetime.now(UTC)):
            print(ADOPTED, file=sys.stderr)  # noqa: T201 - beside what was asked
        yield governance
    finally:
        governance.close()


def live_server(store: Path) -> Server | None:
    """The server that holds a store and takes its token, or None; a dead one's note is none."""
    try:
        note = json.loads((store / NOTICE).read_text(encoding="utf-8"))
        server = Server(str(note["address"]), str(note["token"]))
        status, body = server.send("GET", "/operations", seconds=_PROBE_SECONDS)
        if status != 200:  # somebody else serves at that address
            return None
        return Server(server.address, server.token, demo=bool(body["demo"]))
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None


def require_store(store: Path) -> None:
    """Refuse a folder without a store: asking a question makes none."""
    if not (store / DATABASE).is_file():
        raise NotFound(
            "there is no store",
            where=str(store),
            remedy="Make one with 'governance serve' or 'governance demo', or name another with --store.",
        )


def _in_process(governance: Governance, settings: Settings, named: str) -> Caller:
    from core.services.record.identity import Door, by_owner

    if not governance.founded:
        raise NotFound(
            "the store is empty",
            where=str(settings.store),
            remedy="Found it with 'governance serve --empty', or make the demo with 'governance serve'.",
        )
    if settings.token:
        said = f"Bearer {settings.token.get_secret_value()}"
        return InProcess(governance, Door(governance, "").speaker(said, datetime.now(UTC))(named))
    return InProcess(governance, by_owner(governance, named or settings.actor))


def _for_person(server: Server, settings: Settings, named: str) -> Server:
    if settings.token:
        return replace(server, token=settings.token.get_secret_value(), actor=named)
    return replace(server, actor=named or settings.actor)
