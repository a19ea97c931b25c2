"""The reference of commands, read from the table of use cases; `make golden` writes it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module

from core.connectors.config_files import read_config
from core.connectors.settings import PROJECT
from core.domain.actors import Roles
from core.entrypoints.cli import BY_HAND
from core.services.use_cases import ROOMS, choices, every_use_case, use_cases

FILE = PROJECT / "COMMANDS.md"
_HEAD = """# Commands

Read from the table of use cases by `make golden`. `governance COMMAND --help` says what is typed;
`openapi.json` of a running portal says what is sent to `POST /api/operations/NAME`. The service that carries
a command out checks the permission itself.

"""
_WHO = """## Who, on whose initiatives

Questions first. *own*: on initiatives to which the person has a tie: owns, builds or deputises for one, is of
its team, or was given work on it. *open*: on those, and on all that they may read; a closed one is as if it
were not there. *all*: on every one, or it is about none. –: not at all. By `config/roles.yaml` as shipped;
what decides is the version on record.

"""
_COLUMNS = "| command | what it does | over HTTP | permission |\n|---|---|---|---|\n"


def reference() -> str:
    """All commands, room by room, in the order of their first words."""
    made = {line for line in _by_hand() if line[0] in ("serve", "demo")}
    rooms = [f"## {room.capitalize()}\n\n{_COLUMNS}{_table(set(_lines(room)), room)}" for room in ROOMS]
    return _HEAD + f"{_COLUMNS}{_table(made)}\n" + "\n".join([*rooms, _who()])


def _who() -> str:
    """Use case x role x whose initiative, as the shipped roles have it."""
    roles = read_config(PROJECT / "config" / "roles.yaml", Roles)
    cases = sorted(every_use_case(), key=lambda case: (case.command is not None, case.name))
    titles = ["use case", "permission", *(role.title for role in roles.roles)]
    rows = [
        [_code(case.name), _code(case.may), *(case.reach(roles, role) for role in roles.roles)]
        for case in cases
    ]
    lines = [titles, ["---"] * len(titles), *rows]
    return _WHO + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _lines(room: str) -> Iterator[tuple[str, str, str, str]]:
    cases = use_cases(room)
    for case in cases.values():
        for line in case.lines:
            yield line.words, line.help or case.help, case.name, case.may
    for choice in choices(room):
        yield choice.words, choice.help, ", ".join(choice.cases), ""
    yield from (line for line in _by_hand() if line[0].split()[0] in ROOMS[room])


def _by_hand() -> Iterator[tuple[str, str, str, str]]:
    for words, place in BY_HAND.items():
        module, _, name = place.partition(".")
        yield words, inspect.getdoc(getattr(import_module(f"core.entrypoints.{module}"), name)) or "", "", ""


def _table(lines: set[tuple[str, str, str, str]], room: str = "") -> str:
    firsts = ("serve", "demo") if not room else ROOMS[room]
    ordered = sorted(lines, key=lambda line: (firsts.index(line[0].split()[0]), line[0]))
    return "".join(
        f"| `{words}` | {' '.join(said.split())} | {_code(names)} | {_code(may)} |\n"
        for words, said, names, may in ordered
    )


def _code(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(", ") if name)
