"""Asking a gate from a pipeline: an answer, an exit code, and no doubt that opens it."""

from __future__ import annotations

from typing import Annotated

import typer

from core.domain.errors import GovernanceError
from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Initiative, Json, Person, Store
from core.entrypoints.reports import process as reports
from core.entrypoints.reports.printing import clean, complain, say, show_json

OPEN, BLOCKED, BROKEN = 0, 1, 2


def decide(
    context: typer.Context,
    initiative: Initiative,
    gate: Annotated[str, typer.Option("--gate", help="The gate, such as deployment.")],
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Ask whether a gate is open: exit code 0 open, 1 blocked, 2 could not be decided.

    The answer goes on record; with --as-of nothing is recorded.
    """
    values = {"initiative": initiative, "gate": gate} | ({"as_of": as_of} if as_of else {})
    name = "ask_gate" if as_of else "decide_gate"
    try:
        result = options.report(
            context, name, values, reports.show_decision, store=store, person=person, as_json=as_json
        )
        outcome, decided = result["outcome"], result["decided"]
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except Exception as error:  # any doubt closes the gate
        _shut(error, as_json=as_json)
        raise typer.Exit(BROKEN) from error
    if not decided:
        raise typer.Exit(BROKEN)
    raise typer.Exit(OPEN if outcome == "open" else BLOCKED)


def _shut(error: Exception, *, as_json: bool) -> None:
    problem = error if isinstance(error, GovernanceError) else unexpected(error)
    if as_json:
        parts = {"what": problem.what, "where": problem.where, "remedy": problem.remedy}
        show_json({"outcome": "blocked", "decided": False, "error": parts})
    else:
        say("blocked: the gate could not be decided")
    complain(f"governance: {problem}")


def unexpected(error: BaseException) -> GovernanceError:
    """One sentence for an error that nobody foresaw."""
    return GovernanceError(
        f"something went wrong that should not: {type(error).__name__}: {clean(error)[:200]}",
        remedy="Please report this with the command you gave.",
    )
