"""What the reading commands print for people, with their exit codes."""

from __future__ import annotations

import io
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from core.connectors.settings import Settings
from core.domain.actors import Actor
from core.entrypoints import client as options
from core.entrypoints.cli import run
from core.entrypoints.client import Caller
from core.services.governance import Governance
from core.services.record.people import acting_person
from core.services.use_case import Call
from core.services.use_cases import run_use_case
from tests.demo_store import MOMENT

MOST_LINES = 60
COMMANDS = """
list
list claims --status in_progress
show retail-credit-scoring
show postcode-mailing-sheet
show claims-fraud-referral --as-of 2026-03-31
show no-such-initiative
decide retail-credit-scoring --gate deployment --as-of 2026-09-16
decide claims-fraud-referral --gate development --as-of 2026-09-16
version list churn-call-list
version compare employment-from-census-answers 1 2 --by sex
predictions list claims-fraud-referral
slices employment-from-census-answers --by sex --by race
slices employment-from-census-answers --by sex --compare 1
slices employment-from-census-answers --by sex --curves
slices employment-from-census-answers --by sex --by race --weakest --conditions 2
decay claims-fraud-referral
decay employment-from-census-answers --by sex
drift claims-fraud-referral
explain show employment-from-census-answers --by sex --between Female Male
business-kpi list
business-kpi show churn-call-list
kpis
kpis --as-of 2026-03-31
kpi show deadlines_met --by class
standings
standings --by no-such-measure
tasks --team Claims
notices --person peter-halloran
raci --team Claims
perspectives retail-credit-scoring --gate preproduction
sign-off show retail-credit-scoring
delegation list
finding list --open
waiver list claims-fraud-referral
hand-off list
comment list retail-credit-scoring
training list --team Claims
people list
policy drafts
policy compare P1
policy preview P1
lineage --model retail-credit-scoring
data list
data show credit-bureau-feed
frameworks
frameworks --framework eu_ai_act
frameworks --framework gdpr --clause object
frameworks --initiative retail-credit-scoring
rights show
rights show retail-credit-scoring
alcoa retail-credit-scoring
ethics show
document-notes retail-credit-scoring limits
record --most 8
record --initiative churn-call-list --most 4
verify
replay 5896
""".strip().splitlines()


@dataclass(frozen=True)
class _AtTheMoment:
    """Runs operations on the open demo as of its last moment."""

    governance: Governance
    actor: Actor

    def call(self, name: str, parameters: Mapping[str, Any]) -> Any:
        """Run an operation."""
        return run_use_case(Call(self.governance, self.actor, MOMENT), name, parameters)


def terminal(governance: Governance) -> dict[str, str]:
    """The output of every command in one file."""
    with patch.object(options, "open_caller", _caller(governance)), patch.dict(os.environ):
        os.environ.pop("COLUMNS", None)  # tables are as wide as in a pipe
        return {"commands.txt": "\n".join(line for command in COMMANDS for line in _printed(command))}


def _caller(governance: Governance) -> Callable[..., Any]:
    @contextmanager
    def open_caller(settings: Settings, named: str) -> Iterator[Caller]:
        yield _AtTheMoment(governance, acting_person(governance, named))

    return open_caller


def _printed(command: str) -> Iterator[str]:
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        code = run(shlex.split(command))
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    yield f"$ governance {command}  (exit code {code})"
    yield from lines[:MOST_LINES]
    yield f"and {len(lines) - MOST_LINES} more lines\n" if len(lines) > MOST_LINES else ""
