"""The command line, dressed from the table of use cases: options from fields, help from their words."""

from __future__ import annotations

import base64
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from core.domain.errors import BadInput, unreadable
from core.domain.given import Content, Given, Laid, TextOf, pairs
from core.entrypoints.client import require_store
from core.entrypoints.commands import options
from core.entrypoints.reports.printing import say
from core.services.incoming import INCOMING, laid
from core.services.use_case import Choice, Line, UseCase, joined

Mark = TypeVar("Mark")
Said = str | Callable[[Mapping[str, Any]], str]
Show = Callable[[Any], None]
_SHARED: Mapping[str, tuple[Any, object]] = {
    "folder": (options.Store, None),
    "acting": (options.Person, None),
    "as_json": (options.Json, False),
}


def command_of(use_case: UseCase, line: Line, show: Show | None) -> Callable[..., None]:
    """The function behind a command, with the signature that its fields say; `show` prints the result."""
    taken = {
        name: FieldInfo.merge_field_infos(info, description=line.described.get(name, info.description))
        for name, info in use_case.takes.model_fields.items()
        if name not in line.fixed
    }
    fields = _fields(taken, line.needs)

    def run(context: typer.Context, **typed: Any) -> None:
        with _sent(context, fields, typed) as values:
            result = _report(context, use_case.name, {**line.fixed, **values}, line.says or show, typed)
        code = line.code(result) if line.code else 0
        if code:
            raise typer.Exit(code)

    return _signed(run, line.help or use_case.help, fields)


def choice_of(choice: Choice, cases: Mapping[str, UseCase], shows: Mapping[str, Show]) -> Callable[..., None]:
    """The function behind a command that stands for one of several use cases."""
    taken = {name: cases[name].takes for name in choice.cases}
    flags = [
        _Field(name, FieldInfo(annotation=bool, default=False, description=said))
        for name, said in choice.flags.items()
    ]
    fields = [*_fields(joined(list(taken.values()))), *flags]
    fields = [one for one in fields if one.name not in choice.hidden]
    fields.sort(key=lambda one: one.name == "as_of")

    def run(context: typer.Context, **typed: Any) -> None:
        with _sent(context, fields, typed) as values:
            chosen = choice.choose(values)
            if choice.then not in ("", chosen):
                with options.reach(context, typed["folder"], typed["acting"]) as caller:
                    caller.call(chosen, of(chosen, values))
                chosen = choice.then
            _report(context, chosen, of(chosen, values), choice.says.get(chosen) or shows.get(chosen), typed)

    def of(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        return {field: value for field, value in values.items() if field in taken[name].model_fields}

    return _signed(run, choice.help, fields)


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
        empty = False if flagged else self.default
        typed: Any = list[str] if kind is list else kind
        if self.given.values:
            typed = tuple.__class_getitem__((str,) * self.given.values)
        dressed = self._dressed(kind)
        default = inspect.Parameter.empty if self.needed else empty
        if default is None:
            typed = typed | None
        return inspect.Parameter(
            "file" if isinstance(self.file, Laid | TextOf) else self.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=Annotated[typed, dressed],
            default=default,
        )

    def _dressed(self, kind: type) -> Any:
        given = self.given
        bounds: dict[str, Any] = {}
        for mark in self.info.metadata if kind is int else ():
            bounds |= (
                {"min": mark.ge} if hasattr(mark, "ge") else {"max": mark.le} if hasattr(mark, "le") else {}
            )
        said: dict[str, Any] = {"help": self.info.description, "metavar": given.metavar or None, **bounds}
        if given.argument or (isinstance(self.file, Laid | TextOf) and not given.names):
            return typer.Argument(**said)
        plain = f"--{self.name.removesuffix('_base64').replace('_', '-')}"
        return typer.Option(*(given.names or (plain,)), **said)

    def sent(self, typed: Any) -> dict[str, Any]:
        """The fields that are sent for what was typed; none where nothing was."""
        given = self.given
        if isinstance(self.file, Content | TextOf):
            return {} if typed is None else _read(self.name, self.file, Path(typed))
        if given.flag is not None:
            return {self.name: given.flag} if typed else {}
        if not self.needed and typed == self.default:
            return {}
        if given.read:
            return {self.name: given.read(typed)}
        if _base(self.info.annotation) is dict:
            name = given.names[0] if given.names else f"--{self.name}"
            return {self.name: pairs(typed or [], name, f"{name} NAME=VALUE")}
        return {self.name: typed}


def _fields(taken: Mapping[str, FieldInfo], needs: Sequence[str] = ()) -> list[_Field]:
    """The fields that are typed, needed ones first; the name of a typed file is not typed again."""
    found = [_Field(name, info, info.is_required() or name in needs) for name, info in taken.items()]
    named = {one.file.name for one in found if one.file}
    return sorted((one for one in found if one.name not in named), key=lambda one: not one.needed)


@contextmanager
def _sent(
    context: typer.Context, fields: Sequence[_Field], typed: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """What is sent for what was typed; a file lies in the store's `incoming` folder meanwhile."""
    values: dict[str, Any] = {}
    for one in fields:
        if not isinstance(one.file, Laid):
            values |= one.sent(typed[one.parameter.name])
    fetches = next((one for one in fields if isinstance(one.file, Laid)), None)
    if fetches is None or typed["file"] is None:
        yield values
        return
    file = Path(typed["file"])
    store = options.settings_for(context, typed["folder"]).store
    require_store(store)
    with laid(store, file) as name:
        named = {fetches.file.name: file.name} if fetches.file else {}
        yield {**values, **named, INCOMING: name}


def _read(field: str, made: Content | TextOf, file: Path) -> dict[str, Any]:
    if isinstance(made, TextOf):
        from core.connectors.yaml_lines import read_text

        if made.known and re.fullmatch(made.known, str(file)):
            return {made.name: str(file)}
        text = {field: read_text(file, str(file), made.most_bytes)}
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


def _report(
    context: typer.Context,
    name: str,
    values: Mapping[str, Any],
    said: Said | Show | None,
    typed: Mapping[str, Any],
) -> Any:
    """Run a use case and print its result."""

    def show(result: Any) -> None:
        known = {**values, **result}
        told = said.format_map(known) if isinstance(said, str) else said(known) if said else None
        if isinstance(told, str):
            for line in told.splitlines():
                say(line)

    return options.report(
        context, name, values, show, store=typed["folder"], person=typed["acting"], as_json=typed["as_json"]
    )


def _signed(run: Callable[..., None], said: str, fields: Sequence[_Field]) -> Callable[..., None]:
    """The function with the signature and the help that typer reads."""
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
        for name, (kind, default) in _SHARED.items()
    ]
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    parameters = [context, *(one.parameter for one in fields), *shared]
    run.__doc__ = said
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def _base(annotation: Any) -> Any:
    """What a type is made of, without its marks and without None: the first of a choice of types."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _base(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return _base(next(one for one in get_args(annotation) if one is not NoneType))
    return origin or annotation


def _kind(annotation: Any) -> type:
    """As what a field is typed: a list of texts, a yes or no, a number, or a text."""
    base = _base(annotation)
    if base in (tuple, list, dict, Sequence):
        return list
    return base if base in (bool, int, float) else str
