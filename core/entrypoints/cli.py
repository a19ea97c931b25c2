"""The command `governance`: parse, run an operation, print. Errors are one sentence, never a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from core.domain.errors import Forbidden, GovernanceError
from core.entrypoints.command_line import choice_of, command_of
from core.entrypoints.commands import options
from core.entrypoints.reports.printing import complain
from core.services.use_cases import ROOMS, choices, groups, use_cases

BROKEN = 2
INTERRUPTED = 130
PIPE_CLOSED = 141

_HELP = "Govern machine-learning models: register, prove, decide, watch, and keep the record."


_BY_HAND: Mapping[str, str] = {
    "serve": "serving.serve",
    "demo": "serving.demo",
    "register": "registration.register",
    "decide": "decide.decide",
    "policy check": "rules.check_policy",
    "policy schema": "rules.policy_schema",
    "document": "documents.document",
    "ethics check": "rules.check_ethics",
    "checkpoint": "record.checkpoint",
    "audit-pack": "record.audit_pack",
    "verify-pack": "record.verify_pack",
}
"""Commands that do more than ask one use case -> where they are written, in `core.entrypoints.commands`."""
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
        if not rest:
            _add(app, first, command)
        else:
            if first not in parts:
                shown = ShowByDefault if first in _SHOWN_BY_DEFAULT else TyperGroup
                parts[first] = _typer(_group_help(first), shown)
                app.add_typer(parts[first], name=first)
            _add(parts[first], " ".join(rest), command)
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


def _add(app: typer.Typer, name: str, command: Any) -> None:
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name)
    else:
        app.command(name)(command)


def _group_help(first: str) -> str:
    return next((groups(room).get(first, "") for room, firsts in ROOMS.items() if first in firsts), "")


def _commands(firsts: set[str]) -> Iterator[tuple[str, Any]]:
    """Each command that begins with one of the words, with the function or the group behind it."""
    for words, place in _BY_HAND.items():
        if words.split()[0] in firsts:
            module, _, attribute = place.partition(".")
            yield words, getattr(import_module(f"core.entrypoints.commands.{module}"), attribute)
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


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    try:
        code = build(arguments)(list(arguments) or ["--help"], prog_name="governance", standalone_mode=False)
        sys.stdout.flush()
    except GovernanceError as problem:
        hint = (
            " Choose who acts with --as."
            if isinstance(problem, Forbidden) and "--as" not in arguments
            else ""
        )
        complain(f"governance: {problem}{hint}")
        return BROKEN
    except (KeyboardInterrupt, typer.Abort):
        complain("governance: stopped")
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):  # typer leaves so where whoever read us has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except Exception as error:
        from core.entrypoints.commands.decide import unexpected

        complain(f"governance: {_misuse(error) or unexpected(error)}")
        return BROKEN
    return code if isinstance(code, int) else 0


def _misuse(error: Exception) -> GovernanceError | None:
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
