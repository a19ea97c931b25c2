"""The command `governance`: parse, run an operation, print. Errors are one sentence, never a traceback."""

from __future__ import annotations

import base64
import gc
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import GenericAlias, NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo
from typer.core import TyperGroup

from core.domain.errors import BadInput, Busy, Forbidden, GovernanceError, unreadable
from core.domain.given import Content, Given, Laid, TextOf, pairs
from core.entrypoints import client as options
from core.entrypoints.client import Asker, require_store
from core.entrypoints.reports.printing import complain, say
from core.ground import Result
from core.services.use_case import INCOMING, Choice, Line, UseCase, Values, joined, laid
from core.services.use_cases import ROOMS, choices, groups, use_cases

if TYPE_CHECKING:
    from typer import Typer


Mark = TypeVar("Mark")
Said = str | Callable[[Result], str]
Show = Callable[[Result], None]
Command = Callable[..., None]
_HELP = "Govern machine-learning models: register, prove, decide, watch, and keep the record."
BY_HAND = {
    "serve": "serving.serve",
    "demo": "serving.demo",
    "register": "by_hand.register",
    "decide": "by_hand.decide",
    "policy check": "by_hand.check_policy",
    "policy schema": "by_hand.policy_schema",
    "document": "by_hand.document",
    "ethics check": "by_hand.check_ethics",
    "checkpoint": "by_hand.checkpoint",
    "audit-pack": "by_hand.audit_pack",
    "verify-pack": "by_hand.verify_pack",
}
"""Commands that do more than ask one use case -> where they are written, in `core.entrypoints`."""
_TYPED_AS = {"register": "register_initiative"}
"""Of these, the command that is typed as a use case and asks for what is missing."""
_SHOWN_BY_DEFAULT = frozenset({"explain"})
"""Groups whose `show` is meant where their first word is no command."""


class ShowByDefault(TyperGroup):
    """`governance explain INITIATIVE` shows: a first word that is no command names an initiative."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `show` before the arguments where no command is named."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["show", *args]
        return super().parse_args(ctx, args)


def build(arguments: Sequence[str] = ()) -> typer.Typer:
    """Put the command together; only the part that is asked for, where one is: pipelines wait for it."""
    app = _typer(_HELP)
    app.callback()(_before)
    known = ("serve", "demo", *(first for firsts in ROOMS.values() for first in firsts))
    asked = {argument for argument in arguments if argument in known}
    parts: dict[str, typer.Typer] = {}
    for words, command in sorted(
        _commands(asked or set(known)), key=lambda one: known.index(one[0].split()[0])
    ):
        first, *rest = words.split()
        if rest and first not in parts:
            shown = ShowByDefault if first in _SHOWN_BY_DEFAULT else TyperGroup
            parts[first] = _typer(_group_help(first), shown)
            app.add_typer(parts[first], name=first)
        (parts[first] if rest else app).command(" ".join(rest) or first)(command)
    return app


def _typer(said: str, group: type[TyperGroup] = TyperGroup) -> typer.Typer:
    return typer.Typer(
        name="governance",
        cls=group,
        help=said,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def _group_help(first: str) -> str:
    return next((groups(room).get(first, "") for room, firsts in ROOMS.items() if first in firsts), "")


def _commands(firsts: set[str]) -> Iterator[tuple[str, Command]]:
    """Each command that begins with one of the words, with the function behind it."""
    for words, place in BY_HAND.items():
        if words.split()[0] in firsts:
            module, _, attribute = place.partition(".")
            function = getattr(import_module(f"core.entrypoints.{module}"), attribute)
            yield (
                words,
                _asking(use_cases("process")[_TYPED_AS[words]], function) if words in _TYPED_AS else function,
            )
    for room, starts in ROOMS.items():
        if firsts.isdisjoint(starts):
            continue
        shows = import_module(f"core.entrypoints.reports.{room}").SHOW
        cases = use_cases(room)
        for case in cases.values():
            for line in case.lines:
                if line.words.split()[0] in firsts:
                    yield line.words, command_of(case, line, shows.get(line.words))
        for choice in choices(room):
            if choice.words.split()[0] in firsts:
                yield choice.words, choice_of(choice, cases, shows)


def _before(context: typer.Context, store: options.Store = None, person: options.Person = None) -> None:
    """Govern machine-learning models: register, prove, decide, watch, and keep the record."""
    options.remember(context, store, person)


def command_of(use_case: UseCase, line: Line, show: Show | None) -> Command:
    """The function behind a command, with the signature that its fields say; `show` prints the result."""
    taken = {
        name: FieldInfo.merge_field_infos(info, description=line.described.get(name, info.description))
        for name, info in use_case.takes.model_fields.items()
        if name not in line.fixed
    }

    def run(asker: Asker, values: Values) -> None:
        result = _report(asker, use_case.name, {**line.fixed, **values}, line.says or show)
        code = line.code(result) if line.code else 0
        if code:
            raise typer.Exit(code)

    return _command(run, line.help or use_case.help, _fields(taken, line.needs))


def choice_of(choice: Choice, cases: Mapping[str, UseCase], shows: Mapping[str, Show]) -> Command:
    """The function behind a command that stands for one of several use cases."""
    taken = {name: cases[name].takes for name in choice.cases}
    flags = [
        _Field(name, FieldInfo(annotation=bool, default=False, description=said))
        for name, said in choice.flags.items()
    ]
    fields = [*_fields(joined(list(taken.values()))), *flags]
    fields = [one for one in fields if one.name not in choice.hidden]
    fields.sort(key=lambda one: one.name == "as_of")

    def run(asker: Asker, values: Values) -> None:
        chosen = choice.choose(values)
        if choice.then not in ("", chosen):
            with asker.reach() as caller:
                caller.call(chosen, of(chosen, values))
            chosen = choice.then
        _report(asker, chosen, of(chosen, values), choice.says.get(chosen) or shows.get(chosen))

    def of(name: str, values: Values) -> Values:
        return {field: value for field, value in values.items() if field in taken[name].model_fields}

    return _command(run, choice.help, fields)


def _asking(use_case: UseCase, run: Callable[[Asker, Values], None]) -> Command:
    """The function behind a command by hand that is typed as a use case, and asks for what is not typed."""
    taken = {
        name: FieldInfo.merge_field_infos(info, default=None) if info.is_required() else info
        for name, info in use_case.takes.model_fields.items()
    }
    return _command(run, use_case.help, _fields(taken))


@dataclass(frozen=True)
class _Field:
    """A field as it is typed; `needed` where nothing stands in for it."""

    name: str
    info: FieldInfo
    needed: bool = False

    def mark(self, kind: type[Mark]) -> Mark | None:
        """What stands beside the field, of a kind."""
        return next((one for one in self.info.metadata if isinstance(one, kind)), None)

    @property
    def given(self) -> Given:
        """How it is typed."""
        return self.mark(Given) or Given()

    @property
    def file(self) -> Laid | Content | TextOf | None:
        """What is made of the file whose path is typed, where one is."""
        return self.mark(Laid) or self.mark(Content) or self.mark(TextOf)

    @property
    def default(self) -> object:
        """What stands where nothing is typed."""
        default = self.info.get_default(call_default_factory=True)
        if self.file or _kind(self.info.annotation) is list or default is None:
            return None
        return default

    @property
    def parameter(self) -> inspect.Parameter:
        """The parameter of a typer function."""
        flagged = self.given.flag is not None
        known = isinstance(self.file, TextOf) and self.file.known
        kind = bool if flagged else Path if self.file and not known else _kind(self.info.annotation)
        default = ... if self.needed else False if flagged else self.default
        typed: type | GenericAlias | UnionType = list[str] if kind is list else kind
        if self.given.values:
            typed = GenericAlias(tuple, (str,) * self.given.values)
        return inspect.Parameter(
            "file" if isinstance(self.file, Laid | TextOf) else self.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=typed | None if default is None else typed,
            default=self._dressed(kind, default),
        )

    def _dressed(self, kind: type, default: object) -> object:
        given, marks = self.given, self.info.metadata if kind is int else ()
        said, metavar = self.info.description, given.metavar or None
        low = next((mark.ge for mark in marks if hasattr(mark, "ge")), None)
        high = next((mark.le for mark in marks if hasattr(mark, "le")), None)
        if given.argument or (isinstance(self.file, Laid | TextOf) and not given.names):
            return typer.Argument(default, help=said, metavar=metavar, min=low, max=high)
        plain = f"--{self.name.removesuffix('_base64').replace('_', '-')}"
        names = given.names or (plain,)
        return typer.Option(default, *names, help=said, metavar=metavar, min=low, max=high)

    def sent(self, typed: object) -> Values:
        """The fields that are sent for what was typed; none where nothing was."""
        given = self.given
        if isinstance(self.file, Content | TextOf):
            return {} if typed is None else _read(self.name, self.file, Path(str(typed)))
        if given.flag is not None:
            return {self.name: given.flag} if typed else {}
        if not self.needed and typed == self.default:
            return {}
        if given.read:
            return {self.name: given.read(typed)}
        if _base(self.info.annotation) is dict:
            name = given.names[0] if given.names else f"--{self.name}"
            return {self.name: pairs(typed if isinstance(typed, list) else [], name, f"{name} NAME=VALUE")}
        return {self.name: typed}


def _fields(taken: Mapping[str, FieldInfo], needs: Sequence[str] = ()) -> list[_Field]:
    """The fields that are typed, needed ones first; the name of a typed file is not typed again."""
    found = [_Field(name, info, info.is_required() or name in needs) for name, info in taken.items()]
    named = {one.file.name for one in found if one.file}
    return sorted((one for one in found if one.name not in named), key=lambda one: not one.needed)


@contextmanager
def _sent(asker: Asker, fields: Sequence[_Field], typed: Mapping[str, object]) -> Iterator[Values]:
    """What is sent for what was typed; a file lies in the store's `incoming` folder meanwhile."""
    values: Values = {}
    for one in fields:
        if not isinstance(one.file, Laid):
            values |= one.sent(typed[one.parameter.name])
    fetches = next((one for one in fields if isinstance(one.file, Laid)), None)
    if fetches is None or typed["file"] is None:
        yield values
        return
    file = Path(str(typed["file"]))
    store = asker.settings.store
    require_store(store)
    with laid(store, file) as name:
        named = {fetches.file.name: file.name} if fetches.file else {}
        yield {**values, **named, INCOMING: name}


def _read(field: str, made: Content | TextOf, file: Path) -> Values:
    if isinstance(made, TextOf):
        from core.connectors.yaml_lines import read_text

        if made.known and re.fullmatch(made.known, str(file)):
            return {made.name: str(file)}
        text: Values = {field: read_text(file, str(file), made.most_bytes)}
        return text if made.known else {**text, made.name: file.name}
    try:
        if file.stat().st_size > made.most_bytes:
            raise BadInput(
                f"the file is larger than {made.most_bytes >> 20} MiB",
                where=str(file),
                remedy="Put it where it belongs; submit a link.",
            )
        return {field: base64.b64encode(file.read_bytes()).decode(), made.name: file.name}
    except OSError as error:
        raise unreadable(str(file), error) from error


def _report(asker: Asker, name: str, values: Values, said: Said | Show | None) -> Result:
    """Run a use case and print its result."""

    def show(result: Result) -> None:
        known = {**values, **result}
        told = said.format_map(known) if isinstance(said, str) else said(known) if said else None
        if isinstance(told, str):
            for line in told.splitlines():
                say(line)

    return asker.report(name, values, show)


def _command(act: Callable[[Asker, Values], None], said: str, fields: Sequence[_Field]) -> Command:
    """The function of a command, with the signature and the help that typer reads."""

    def run(
        context: typer.Context, folder: Path | None, acting: str | None, as_json: bool, **typed: object
    ) -> None:
        asker = Asker(context, folder, acting, as_json)
        with _sent(asker, fields, typed) as values:
            act(asker, values)

    own = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
        for name, (kind, default) in options.SHARED.items()
    ]
    parameters = [own, *(one.parameter for one in fields), *shared]
    run.__doc__ = said
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def _base(annotation: object) -> object:
    """What a type is made of, without its marks and without None: the first of a choice of types."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _base(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return _base(next(one for one in get_args(annotation) if one is not NoneType))
    return origin or annotation


def _kind(annotation: object) -> type:
    """As what a field is typed: a list of texts, a yes or no, a number, or a text."""
    base = _base(annotation)
    if base in (tuple, list, dict, Sequence):
        return list
    return base if isinstance(base, type) and base in (bool, int, float) else str


BROKEN = 2
BUSY = 75
"""What programs that try again know as a failure that passes (EX_TEMPFAIL of sysexits.h)."""
INTERRUPTED = 130
PIPE_CLOSED = 141


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    try:
        command = _loaded(arguments)
        code = command(list(arguments) or ["--help"], prog_name="governance", standalone_mode=False)
        sys.stdout.flush()
    except GovernanceError as problem:
        hint = (
            " Choose who acts with --as."
            if isinstance(problem, Forbidden) and "--as" not in arguments
            else ""
        )
        complain(f"governance: {problem}{hint}")
        return BUSY if isinstance(problem, Busy) else BROKEN
    except (BrokenPipeError, SystemExit):  # typer leaves so where whoever read us has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except (Exception, KeyboardInterrupt) as error:
        return _ended(error)
    return code if isinstance(code, int) else 0


def _loaded(arguments: Sequence[str]) -> Typer:
    """The command, loaded without looking for what may be forgotten meanwhile: nothing of it may."""
    gc.disable()
    try:
        command = build(arguments)
        gc.freeze()
        return command
    finally:
        gc.enable()


def _ended(error: BaseException) -> int:
    """Say why a command ended before its time; the exit code."""
    from typer import Abort

    from core.entrypoints.by_hand import unexpected

    if isinstance(error, KeyboardInterrupt | Abort):
        complain("governance: stopped")
        return INTERRUPTED
    complain(f"governance: {_misuse(error) or unexpected(error)}")
    return BROKEN


def _misuse(error: BaseException) -> GovernanceError | None:
    """A wrong option or argument, in the form of every other error; None where it is something else."""
    message = getattr(error, "format_message", None)
    if message is None:
        return None
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "governance"
    what = str(message()).strip().rstrip(".")
    return GovernanceError(what[:1].lower() + what[1:], where=path, remedy=f"See '{path} --help'.")


def main() -> None:
    """Run the command that was typed."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")  # a terminal that lacks a character still gets the rest
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
