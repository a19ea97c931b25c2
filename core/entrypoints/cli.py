"""The command `governance`: parse, run an operation, print. Errors are one sentence, never a traceback."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.domain.errors import Forbidden, GovernanceError
from core.entrypoints.reports.printing import complain

if TYPE_CHECKING:
    from typer import Typer

BROKEN = 2
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
        return BROKEN
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
        from core.entrypoints.command_line import build

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
