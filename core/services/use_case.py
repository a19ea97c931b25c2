"""A use case as a value: what it takes, who may, what runs, what is said. Machines dress it.

The command line, the HTTP routes, the forms, the table of permissions and the reference are read from it.
A command's fields stand in its class, a question's in the signature of the service that answers it.
"""

from __future__ import annotations

import base64
import binascii
import inspect
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_type_hints
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from core.connectors.config_files import Rules
from core.domain.actors import Actor, Role, Roles
from core.domain.commands import Command, make
from core.domain.errors import BadInput, NotFound, unreadable
from core.domain.given import AsOf, Content, Laid, OrCurrent
from core.domain.moment import Moment
from core.ground import Checked, Result, plain
from core.lake.store import WORKROOM
from core.services.case import seen_by, version_named_or_current
from core.services.governance import Governance, read_moment

MOST_NAME = 200
INCOMING = "incoming"
"""Folder below the store; once made it stays, for another may be about to lay a file there."""


@contextmanager
def laid(store: Path, file: Path) -> Iterator[str]:
    """The name under which a copy of a file lies there while the block runs.

    Each copy has a name of its own, so that what is fetched by one name is always the same bytes.

    Raises
    ------
    BadInput
        The file cannot be read.
    """
    copy = store / INCOMING / f"{uuid4().hex}{file.suffix.lower()[:10]}"
    try:
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        except OSError as error:
            raise unreadable(str(file), error) from error
        yield copy.name
    finally:
        copy.unlink(missing_ok=True)


def lay(store: Path, content: bytes | memoryview, ending: str) -> Path:
    """Lay content there for a job, which removes it."""
    file = store / INCOMING / f"{uuid4().hex}{ending.lower()[:10]}"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def swept(store: Path, older_than: float = 0.0) -> int:
    """Remove what interrupted work left behind, and say how much it was.

    That are files laid for somebody who never fetched them, workrooms, and half-written files. Without an
    age nobody may be at work: as the store has only just been opened.

    Parameters
    ----------
    older_than
        Only files laid so long ago. Unit: seconds.
    """
    laid_files = list((store / INCOMING).glob("*"))
    if older_than:
        left = [file for file in laid_files if time.time() - file.stat().st_mtime > older_than]
    else:
        left = [*laid_files, *store.glob(f"{WORKROOM}*"), *store.glob("*/**/*.part")]
    for path in left:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return len(left)


def fetched(store: Path, name: str) -> Path:
    """A file that somebody laid there."""
    if Path(name).name != name or name in ("", ".", "..") or len(name) > MOST_NAME:
        raise BadInput("a file is named by its file name alone", where=INCOMING)
    file = store / INCOMING / name
    if not file.is_file():
        raise NotFound(f"'{name[:80]}' does not lie there", where=INCOMING, remedy="Send it again.")
    return file


C = TypeVar("C", bound=Command)
R = TypeVar("R")
Values = dict[str, object]
Definition = tuple[object, object]
"""Type and default of a field, or type and what pydantic keeps of it."""
BASE64 = "_base64"
_ORIGIN = ("actor", "at")
_SECTIONS = re.compile(r"\n\s*\n[A-Z][a-z]+\n\s*-{3,}.*", re.DOTALL)


class Asked(Checked):
    """What somebody gives with a use case."""

    model_config = ConfigDict(defer_build=False)  # FastAPI warns of one that is not whole yet


@dataclass(frozen=True)
class Call:
    """One use case being run: on what, by whom, when."""

    governance: Governance
    actor: Actor
    now: datetime

    def moment(self, as_of: str = "") -> Moment:
        """The moment that `as_of` names; now where it is empty."""
        return read_moment(self.governance, self.now, as_of)

    def past(self, as_of: str = "") -> Moment:
        """The moment that `as_of` names, which must not be to come: for what leaves the house."""
        moment, present = self.moment(as_of), self.moment()
        if moment.at > present.at:
            raise BadInput(
                f"{as_of[:40]} lies in the future",
                where="as of",
                remedy="Only what has been recorded can be read.",
            )
        return moment

    @property
    def rules(self) -> Rules:
        """The files of the configuration that decide now."""
        return self.governance.rules(self.governance.present(self.now))


@dataclass(frozen=True)
class Line:
    """How a use case is typed on the command line, and what is printed then.

    Attributes
    ----------
    words
        The command, such as "finding raise".
    says
        What is said afterwards: a sentence with fields of what was typed and of the result, or a function of
        them. Empty where a report of `core.entrypoints.reports` prints it.
    fixed
        Values that this command stands for; they are not typed.
    needs
        Fields that this command cannot do without, though the use case can.
    described
        Other words for fields than those of the use case.
    help
        The help, where it is not that of the use case.
    code
        Exit code for a result; 0 where nothing is said.
    """

    words: str
    says: str | Callable[[Result], str] = ""
    fixed: Mapping[str, object] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    described: Mapping[str, str] = field(default_factory=dict)
    help: str = ""
    code: Callable[[Result], int] | None = None


@dataclass(frozen=True)
class Choice:
    """A command that stands for one of several use cases, by what is typed.

    Attributes
    ----------
    words, help
        The command, and what it does.
    cases
        Names of the use cases, in whose fields it is typed; one field of the same name is typed once.
    choose
        Says which is meant by what was typed; raises BadInput where that cannot be told.
    flags
        Names of options that choose, such as "weakest", each with its help.
    hidden
        Fields that are not typed here.
    then
        The use case that is asked after another was chosen, and whose result is printed; empty for none.
    says
        What is said afterwards, by use case; a report prints the others.
    """

    words: str
    help: str
    cases: tuple[str, ...]
    choose: Callable[[Values], str]
    flags: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    then: str = ""
    says: Mapping[str, str | Callable[[Result], str]] = field(default_factory=dict)


Reach = Literal["–", "own", "open", "all"]
"""Nobody's; those that one has a tie to; those and all that are open to one; every one, or not about any."""


@dataclass(frozen=True)
class UseCase:
    """One thing that may be asked of the portal by name.

    Attributes
    ----------
    name
        Its name over HTTP.
    run
        Takes the call and what was given, and gives the result; JSON values after `plain`.
    source
        The command class, or the function whose keyword parameters say what is taken.
    lines
        How it is typed; empty where the command line has an entry of its own that calls it.
    may
        The permission that it asks for.
    route
        Public route beside `POST /operations/NAME`, such as "GET /kpis".
    shared
        It takes long: who asks the same over HTTP while it is done gets that answer.
    """

    name: str
    run: Callable[[Call, Values], object]
    source: type[Command] | Callable[..., object]
    may: str
    lines: tuple[Line, ...] = ()
    route: str = ""
    shared: bool = False

    @property
    def command(self) -> type[Command] | None:
        """The command that it gives; None for a question."""
        given = self.source
        return given if isinstance(given, type) and issubclass(given, Command) else None

    def reach(self, roles: Roles, role: Role) -> Reach:
        """On whose initiatives a role takes this use case; of a question, of which it gets answers."""
        if role.id not in roles.allowed_roles(self.may):
            return "–"
        if role.on == "all":
            return "all"
        if self.command is None:
            return "open"
        if "initiative" not in self.command.model_fields:
            return "all"
        return "own" if self.command.whose == "own" else "open"

    @cached_property
    def help(self) -> str:
        """What it does, in the words of its source."""
        return _SECTIONS.sub("", inspect.getdoc(self.source) or "").strip()

    @cached_property
    def takes(self) -> type[BaseModel]:
        """What is given with it, as a model."""
        title = "".join(part.title() for part in self.name.split("_"))
        return model_of(title, self.help, dict(_taken(self.source)))

    def answer(self, call: Call, given: Mapping[str, object]) -> Result:
        """Run it with what was given, checked, and return the result as JSON values.

        It is run on what the actor may read, a command too: who may not see a thing cannot name it either.

        Raises
        ------
        GovernanceError
            What is given is wrong, or what the use case refuses.
        """
        asked = make(self.takes, **given)
        present = call.governance.present(call.now)
        call.governance.rules(present).roles.require(call.actor, self.may)  # before anything is looked up
        call.actor.require_scope(self.name, getattr(asked, "initiative", None))
        call = replace(call, governance=seen_by(call.governance, call.actor, present))
        answered: Result = plain(self.run(call, _resolved(call, asked)))
        return answered


def does(
    service: Callable[[Governance, C], R],
    kind: type[C],
    *lines: Line,
    returns: str | Callable[[Call, C, R], Result] = "",
    repeats: Sequence[str] | None = None,
    name: str = "",
    route: str = "",
) -> UseCase:
    """The use case of a command.

    Parameters
    ----------
    service
        Carries the command out; its name is that of the use case unless `name` says another.
    returns
        The result is what was given, with what the service gave back under this name; or what a function of
        the call, the command and of that makes.
    repeats
        Of what was given, what stands in the result; all where nothing is said.
    """

    def run(call: Call, values: Values) -> Result:
        command = make(kind, actor=call.actor, at=call.now, **values)
        found = service(call.governance, command)
        if callable(returns):
            return returns(call, command, found)
        kept = values if repeats is None else {name: values[name] for name in repeats}
        return {**kept, returns: found} if returns else kept

    return UseCase(name or service.__name__, run, kind, kind.may, lines, route)


def proposed(result: Result) -> str:
    """What is said of what waits for a second person."""
    return f"Proposal {result['proposal']} is on record; it takes effect when somebody else agrees."


def asks(
    service: Callable[..., R],
    *lines: Line,
    may: str,
    returns: str | Callable[[R], Result] = "",
    name: str = "",
    route: str = "",
    shared: bool = False,
) -> UseCase:
    """The use case of a question.

    Parameters
    ----------
    service
        `service(governance, moment, *, ...)`, or `service(call, *, ...)` where more than one service answers.
        With a moment, `as_of` is taken too, and the moment stands in the result.
    returns
        Name of what the service gives in the result, or what makes a result of it; empty where it is one.
    """
    places = list(inspect.signature(service).parameters)

    def run(call: Call, values: Values) -> Result:
        given = {name: value for name, value in values.items() if name in places}
        first = call if places[0] == "call" else call.governance
        if "moment" not in places:
            return _result(service(first, **given), returns)
        moment = call.moment(str(values["as_of"]))
        found = _result(service(first, moment, **given), returns)
        return {"moment": {"seq": moment.seq, "at": moment.at}, **found}

    return UseCase(name or service.__name__, run, service, may, lines, route, shared)


def _result(found: R, returns: str | Callable[[R], Result]) -> Result:
    if callable(returns):
        return returns(found)
    named: Result = {returns: found} if returns else plain(found)
    return named


def model_of(title: str, said: str, fields: Mapping[str, Definition]) -> type[Asked]:
    """A model of what is given, with these fields."""
    defined: dict[str, Any] = dict(fields)
    return create_model(title, __base__=Asked, __doc__=said, **defined)


def _taken(source: type[Command] | Callable[..., object]) -> Iterator[tuple[str, Definition]]:
    """Name and definition of each field that is given."""
    if isinstance(source, type) and issubclass(source, Command):
        for name, info in source.model_fields.items():
            if name not in _ORIGIN:
                yield _as_given(name, info)
        return
    parameters = inspect.signature(source).parameters.values()
    named = {p.name: p.annotation for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
    holder = type("_", (), {"__annotations__": named})
    hints = get_type_hints(holder, getattr(source, "__globals__", {}), include_extras=True)
    for parameter in parameters:
        if parameter.name in named:
            default = ... if parameter.default is inspect.Parameter.empty else parameter.default
            yield parameter.name, (hints[parameter.name], default)
    if any(p.name == "moment" for p in parameters) and "as_of" not in named:
        yield "as_of", (AsOf, "")


def _as_given(name: str, info: FieldInfo) -> tuple[str, Definition]:
    """A file is given by its name in the `incoming` folder, bytes in base64; all else as it is."""
    described: object = Annotated[str, Field(description=info.description), *info.metadata]
    if _marked(info, Laid):
        return INCOMING, (described, ...)
    if _marked(info, Content):
        return f"{name}{BASE64}", (described, "")
    return name, (info.annotation, info)


def _marked(info: FieldInfo, kind: type) -> bool:
    return any(isinstance(mark, kind) for mark in info.metadata)


def _resolved(call: Call, asked: BaseModel) -> Values:
    """The values with the current version, the laid file and the decoded bytes in their places."""
    values: Values = {}
    for name, info in type(asked).model_fields.items():
        value = getattr(asked, name)
        if _marked(info, OrCurrent):
            as_of = getattr(asked, "as_of", "")
            values[name] = version_named_or_current(
                call.governance, str(values["initiative"]), value, call.moment(as_of)
            )
        elif name == INCOMING:
            values["file"] = fetched(call.governance.store.folder, value)
        elif _marked(info, Content):
            values[name.removesuffix(BASE64)] = _decoded(value)
        else:
            values[name] = value
    return values


def joined(models: Sequence[type[BaseModel]]) -> Mapping[str, FieldInfo]:
    """The fields of several use cases, each once; needed where all of them need it."""
    found = {name: info for model in reversed(models) for name, info in model.model_fields.items()}
    order = dict.fromkeys(name for model in models for name in model.model_fields)
    everywhere = set.intersection(*map(needed, models))
    return {
        name: found[name]
        if name in everywhere or not found[name].is_required()
        else FieldInfo.merge_field_infos(found[name], default=None)
        for name in order
    }


def needed(model: type[BaseModel]) -> set[str]:
    """Names of the fields that must be given."""
    return {name for name, info in model.model_fields.items() if info.is_required()}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise BadInput("the content is not base64", where="evidence", remedy="Encode it again.") from error
