"""Every row of the table of use cases: its help, its JSON, wrong input, and who may not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core.domain.errors import BadInput, Forbidden
from core.domain.given import Content, Laid
from core.services.governance import Governance
from core.services.use_case import Call, UseCase
from core.services.use_cases import ROOMS, choices, every_use_case, run_use_case, use_cases
from tests.conftest import OUTSIDER, later
from tests.entrypoints.conftest import Govern

ALL = tuple(every_use_case())
WRITING = tuple(one for one in ALL if one.command is not None)
TYPED = tuple((one, line) for one in ALL for line in one.lines)


def named(one: object) -> str:
    """The id of a row."""
    return one.name if isinstance(one, UseCase) else str(getattr(one, "words", one))


def test_a_name_and_a_command_stand_once() -> None:
    names = [one.name for one in ALL]
    words = [line.words for _, line in TYPED] + [one.words for room in ROOMS for one in choices(room)]
    assert len(names) == len(set(names))
    assert len(words) == len(set(words))


def test_the_index_names_the_first_words_of_each_room() -> None:
    for room, firsts in ROOMS.items():
        typed = {line.words.split()[0] for one in use_cases(room).values() for line in one.lines}
        typed |= {one.words.split()[0] for one in choices(room)}
        assert typed <= set(firsts), room


@pytest.mark.parametrize("case", ALL, ids=named)
def test_a_row_says_what_it_does_and_what_it_takes(case: UseCase) -> None:
    assert case.help.endswith((".", ":")), case.help
    for name, info in case.takes.model_fields.items():
        typed = [line for line in case.lines if name not in line.fixed]
        file_name = any(isinstance(mark, Laid | Content) for mark in info.metadata)
        assert info.description or not typed or file_name or name in ("name", "file_name"), name


@pytest.mark.parametrize(("case", "line"), TYPED, ids=named)
def test_a_command_shows_its_help(govern: Govern, case: UseCase, line: Any) -> None:
    shown = govern(*line.words.split(), "--help")
    assert shown.code == 0, shown.err
    said = " ".join(shown.out.split())
    assert " ".join((line.help or case.help).split()) in said
    assert "--json" in said


@pytest.mark.parametrize("case", WRITING, ids=named)
def test_whoever_has_no_role_may_not(governance: Governance, case: UseCase) -> None:
    call = Call(governance, OUTSIDER, later(2))
    with pytest.raises((Forbidden, BadInput)) as refused:
        run_use_case(call, case.name, dict(_filled(case)))
    assert isinstance(refused.value, Forbidden), refused.value
    assert governance.store.head() == 4


@pytest.mark.parametrize("case", ALL, ids=named)
def test_what_no_row_knows_is_refused(governance: Governance, case: UseCase) -> None:
    head = governance.store.head()
    with pytest.raises(BadInput, match="is not known"):
        run_use_case(Call(governance, OUTSIDER, later(2)), case.name, {"no_such_field": "x"})
    assert governance.store.head() == head


def _filled(case: UseCase) -> Iterator[tuple[str, Any]]:
    """The least that a command takes, as it would be sent."""
    schema = case.takes.model_json_schema()
    for name in schema.get("required", ()):
        yield name, _sample(schema["properties"][name])


def _sample(schema: dict[str, Any]) -> Any:
    kind = schema.get("type") or _sample_kind(schema)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") == "date":
        return "2026-03-31"
    filled: dict[str, Any] = {"object": {}, "array": ["x"], "boolean": True, "integer": 1, "number": 1.0}
    return filled.get(kind, "x" * max(3, schema.get("minLength", 3)))


def _sample_kind(schema: dict[str, Any]) -> str:
    return str(schema["anyOf"][0].get("type", "string")) if "anyOf" in schema else "string"
