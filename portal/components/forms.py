"""Forms made from commands: the class says what is asked for; a page adds only what depends on the moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import streamlit as st

from core.domain.commands import Command, make
from core.domain.errors import BadInput, GovernanceError
from core.domain.given import Content, Shown, TextOf
from core.services.case import refusal
from portal.components.desk import Desk, show_problem
from portal.components.text import escape

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from core.services.governance import Governance

C = TypeVar("C", bound=Command)
Values = dict[str, Any]
Service = Callable[["Governance", C], Any]
"""What carries a command out."""
Row = str | tuple[str, ...] | Callable[[], Values]
_HEIGHT = 80
_PEOPLE_WRITE = "YYYY-MM-DD"


@dataclass(frozen=True)
class Given:
    """A command that was let through, with the service's answer (which may be None)."""

    answer: Any


@dataclass(frozen=True)
class Ask:
    """What a page says of a form beside what the command says.

    Attributes
    ----------
    button, icon, primary
        What is pressed, and how it looks.
    done
        What is said afterwards; a function of the values where it depends on them.
    rows
        Fields as they stand below each other; those of a tuple stand side by side. A function draws what is
        no field of the command, and returns the values that it gives. All fields that are not fixed where
        nothing is said.
    fixed
        Values that are not asked for.
    choices
        Field -> value -> words, for what may be chosen today.
    first
        What stands in a field at first; the command's own default where nothing is said.
    bounds
        Least and most of a day or number; None where it is open.
    titles, hints
        Other titles and examples than those of the command.
    says, note
        A sentence above, and one below the fields.
    because
        Why it is closed, though the reader's roles would do.
    then
        What happens when it was given, before the page is drawn anew.
    """

    button: str
    done: str | Callable[[Values], str]
    icon: str | None = None
    primary: bool = False
    rows: Sequence[Row] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    first: Mapping[str, Any] = field(default_factory=dict)
    bounds: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)
    says: str = ""
    note: str = ""
    because: str = ""
    then: Callable[[], None] | None = None


def give(desk: Desk, service: Service[C], kind: type[C], /, *, done: str, **values: Any) -> Given | None:
    """Make a command of what was typed and give it; a refusal is shown in one sentence and gives None."""
    try:
        command = make(kind, actor=desk.actor, at=desk.moment.at, **values)
    except GovernanceError as problem:
        show_problem(problem)
        return None
    return desk.act(lambda governance, made: Given(service(governance, made)), command, done=done)


def closed_because(desk: Desk, action: str, initiative: str = "") -> str:
    """Say why this desk may not take an action, or nothing where it may; on one that it needs a tie to."""
    if desk.in_past:
        return "You are reading an earlier day, where nothing can be changed."
    return refusal(desk.governance, desk.moment, desk.actor, action, initiative)


def _closed(desk: Desk, kind: type[Command], ask: Ask) -> str:
    about = str(ask.fixed.get("initiative", "")) if kind.whose == "own" else ""
    return closed_because(desk, kind.may, about) or ask.because


def form(desk: Desk, service: Service[C], kind: type[C], ask: Ask) -> None:
    """Ask for a command and give it; where that is closed, say why instead."""
    because = _closed(desk, kind, ask)
    if because:
        st.caption(escape(because))
    else:
        _asked(desk, service, kind, ask, border=True)


def unfolding_form(desk: Desk, service: Service[C], kind: type[C], label: str, icon: str, ask: Ask) -> None:
    """A form behind a button, shut where that is closed; its key keeps it from opening as another one."""
    because = _closed(desk, kind, ask)
    with st.popover(
        label, icon=icon, disabled=bool(because), help=because or None, key=f"{_key(kind, ask)}-box"
    ):
        _asked(desk, service, kind, ask, border=False)


def action(desk: Desk, service: Service[C], kind: type[C], ask: Ask) -> None:
    """A button that gives a command without asking anything; a closed one says why beside it."""
    because = _closed(desk, kind, ask)
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            ask.button, type=_look(ask), icon=ask.icon, key=_key(kind, ask), disabled=bool(because)
        )
        st.caption(escape(because or ask.note))
    if pressed:
        _give(desk, service, kind, ask, dict(ask.fixed))


def press(desk: Desk, service: Service[C], kind: type[C], ask: Ask, *, key: str = "") -> None:
    """A button alone: what it does, or why it is closed, is said when pointing at it."""
    because = _closed(desk, kind, ask)
    if st.button(
        ask.button,
        type=_look(ask),
        icon=ask.icon,
        key=key or _key(kind, ask),
        disabled=bool(because),
        help=because or ask.note or None,
    ):
        _give(desk, service, kind, ask, dict(ask.fixed))


def _asked(desk: Desk, service: Service[C], kind: type[C], ask: Ask, *, border: bool) -> None:
    key = _key(kind, ask)
    with st.form(key, border=border):
        if ask.says:
            st.markdown(ask.says)
        typed = dict(_drawn(kind, ask, key))
        if ask.note:
            st.caption(ask.note)
        if not st.form_submit_button(ask.button, type=_look(ask), icon=ask.icon, key=f"{key}-button"):
            return
    try:
        values = {name: value for one in typed for name, value in _read(kind, one, typed[one], ask)}
    except BadInput as problem:
        show_problem(problem)
        return
    _give(desk, service, kind, ask, {**ask.fixed, **values})


def _give(desk: Desk, service: Service[C], kind: type[C], ask: Ask, values: Values) -> None:
    done = ask.done if isinstance(ask.done, str) else ask.done(values)
    if give(desk, service, kind, done=done, **values):
        if ask.then:
            ask.then()
        st.rerun()


def _key(kind: type[Command], ask: Ask) -> str:
    """The command and what it is about: what was typed for one finding is not found beside another."""
    return "-".join([kind.__name__, *(str(value) for value in ask.fixed.values())])


def _look(ask: Ask) -> Literal["primary", "secondary"]:
    return "primary" if ask.primary else "secondary"


def _drawn(kind: type[Command], ask: Ask, key: str) -> Iterator[tuple[str, Any]]:
    """Draw the form row by row, and give what stands in each field."""
    places: Sequence[Any] = ()
    for row in ask.rows or [name for name in kind.model_fields if name not in {"actor", "at", *ask.fixed}]:
        if callable(row):
            yield from row().items()
            continue
        names = (row,) if isinstance(row, str) else row
        if len(places) != len(names):  # fields below each other stay in a column, whatever their height
            places = st.columns(len(names)) if len(names) > 1 else (st,)
        for place, name in zip(places, names, strict=True):
            yield name, _widget(place, kind.model_fields[name], ask, name, f"{key}-{name}")


def _widget(place: Any, info: FieldInfo, ask: Ask, name: str, key: str) -> Any:
    """The widget that fits the type of a field."""
    shown = _mark(info, Shown) or Shown()
    kept = _type(info.annotation)
    about: Values = {
        "label": ask.titles.get(name, info.title or name),
        "help": shown.help or None,
        "key": key,
    }
    first = ask.first.get(name, None if info.is_required() else info.default)
    least, most = ask.bounds.get(name, (None, None))
    if file := _mark(info, Content) or _mark(info, TextOf):
        endings = list(shown.endings) or None
        return place.file_uploader(**about, type=endings, max_upload_size=max(1, file.most_bytes >> 20))
    if name in ask.choices or get_origin(kept) is Literal:
        return _choice(place, kept, ask.choices.get(name), first, about, alone=place is st)
    if kept is bool:
        return place.toggle(**about, value=bool(first))
    if kept is date:
        return place.date_input(**about, value=first, min_value=least, max_value=most, format=_PEOPLE_WRITE)
    if kept is float:
        return place.number_input(**about, value=first, format="%g", step=None)
    if kept is int:
        return place.number_input(**about, value=first, min_value=least, max_value=most)
    about["placeholder"] = ask.hints.get(name, shown.hint) or None
    about["value"] = first if isinstance(first, str) else ""
    about["max_chars"] = _longest(info)
    return place.text_area(**about, height=_HEIGHT) if shown.lines else place.text_input(**about)


def _choice(
    place: Any, kept: Any, titles: Mapping[Any, str] | None, first: Any, about: Values, *, alone: bool
) -> Any:
    """One of a few fixed answers lies open where there is room; any other choice unfolds."""
    titles = titles or {one: str(one).replace("_", " ").capitalize() for one in get_args(kept)}
    options = list(titles)
    if get_origin(kept) is tuple:
        chosen = [one for one in first or () if one in options]
        return place.multiselect(**about, options=options, default=chosen, format_func=titles.get)
    if get_origin(kept) is Literal and alone:
        first = first if first in options else options[0]
        return place.segmented_control(
            **about, options=options, format_func=titles.get, default=first, required=True
        )
    index = options.index(first) if first in options else 0
    return place.selectbox(**about, options=options, index=index, format_func=titles.get)


def _read(kind: type[Command], name: str, value: Any, ask: Ask) -> Iterator[tuple[str, Any]]:
    """What was typed, as the command takes it."""
    info = kind.model_fields.get(name)
    kept = _type(info.annotation) if info else None
    if info and (file := _mark(info, Content) or _mark(info, TextOf)):
        if value is None and info.is_required():
            raise BadInput(
                f"no file is given; choose the {ask.titles.get(name, info.title or name).lower()} first"
            )
        if value is not None:
            yield name, value.getvalue()
            yield file.name, value.name
    elif info and name in ask.choices and value == "" and info.default is None:
        yield name, None
    elif info and name in ask.choices and value is None:
        raise BadInput(f"{ask.titles.get(name, info.title or name).lower()} is not said; choose an answer")
    elif get_origin(kept) is tuple:
        yield name, tuple(value) if isinstance(value, list) else listed(value)
    elif get_origin(kept) is dict:
        yield name, metrics_typed(value)
    else:
        yield name, value.strip() if isinstance(value, str) else value


def _mark(info: FieldInfo, kind: type[Any]) -> Any:
    return next((mark for mark in info.metadata if isinstance(mark, kind)), None)


def _type(annotation: Any) -> Any:
    """The type of a field without its marks, and without that it may be left out."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _type(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return _type(next(part for part in get_args(annotation) if part is not NoneType))
    return annotation


def _longest(info: FieldInfo) -> int | None:
    """How many characters a text may have."""
    marks = [*info.metadata]
    for part in get_args(info.annotation):
        marks += get_args(part)[1:] if get_origin(part) is Annotated else ()
    return next((most for mark in marks if (most := getattr(mark, "max_length", None))), None)


def listed(text: str) -> tuple[str, ...]:
    """Names typed one a line or separated by commas.

    Examples
    --------
    >>> listed("age, sex,,\\nregion ")
    ('age', 'sex', 'region')
    """
    names = (name.strip() for line in text.splitlines() for name in line.split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def metrics_typed(text: str) -> dict[str, float]:
    """Read metrics typed one a line as `name = value`.

    Examples
    --------
    >>> metrics_typed("roc_auc = 0.81")
    {'roc_auc': 0.81}
    """
    found: dict[str, float] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, _, value = line.replace(":", "=").partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError as error:
            raise BadInput(
                f"'{line[:60]}' is no metric", where="metrics", remedy="Write one a line: roc_auc = 0.81."
            ) from error
    return found
