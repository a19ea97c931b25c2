"""The command `governance`: parse, run an operation, print. Errors are one sentence, never a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from core.domain.errors import Forbidden, GovernanceError
from core.entrypoints.commands import (
    audit,
    business_kpi,
    documents,
    drift,
    explain,
    figures,
    initiatives,
    lineage,
    monitoring,
    options,
    people,
    policy,
    predictions,
    process,
    registration,
    rules,
    serving,
    slices,
    versions,
    work,
)
from core.entrypoints.commands.initiatives import unexpected
from core.entrypoints.reports.printing import complain

BROKEN = 2
INTERRUPTED = 130
PIPE_CLOSED = 141

_HELP = "Govern machine-learning models: register, prove, decide, watch, and keep the record."


def build() -> typer.Typer:
    """Put the command together."""
    app = typer.Typer(
        name="governance",
        help=_HELP,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_before)
    app.command("serve")(serving.serve)
    app.command("demo")(serving.demo)
    app.command("register")(registration.register)
    app.command("list")(initiatives.list_initiatives)
    app.command("show")(initiatives.show)
    app.add_typer(initiatives.evidence, name="evidence")
    app.add_typer(versions.version, name="version")
    app.command("check")(initiatives.check)
    app.command("decide")(initiatives.decide)
    app.command("override")(initiatives.override)
    app.command("slices")(slices.slices)
    app.command("decay")(monitoring.decay)
    app.add_typer(predictions.predictions, name="predictions")
    app.command("drift")(drift.drift)
    app.add_typer(monitoring.monitoring, name="monitoring")
    app.command("kpis")(figures.kpis)
    app.command("standings")(figures.standings)
    app.add_typer(policy.policy, name="policy")
    app.add_typer(process.sign_off, name="sign-off")
    app.add_typer(process.delegation, name="delegation")
    app.add_typer(process.finding, name="finding")
    app.add_typer(process.waiver, name="waiver")
    app.command("pull")(process.pull)
    app.add_typer(people.people, name="people")
    work.register(app)
    lineage.register(app)
    documents.register(app)
    rules.register(app)
    audit.register(app)
    explain.register(app)
    business_kpi.register(app)
    app.command("record")(figures.record)
    return app


def _before(context: typer.Context, store: options.Store = None, person: options.Person = None) -> None:
    """Govern machine-learning models: register, prove, decide, watch, and keep the record."""
    options.remember(context, store, person)


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    try:
        code = build()(list(arguments) or ["--help"], prog_name="governance", standalone_mode=False)
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
