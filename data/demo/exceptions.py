"""What goes beyond the usual in the simulation: findings mended, waivers, and models that are pulled."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from core.domain.errors import GovernanceError
from core.domain.process.commands import (
    DecideWaiver,
    PullModel,
    RequestWaiver,
    ResolveFinding,
    VerifyFinding,
)
from core.domain.process.gates import Decision
from core.services.process.findings import findings_list, resolve_finding, verify_finding
from core.services.process.gates import pull_model
from core.services.process.waivers import decide_waiver, request_waiver

if TYPE_CHECKING:
    from collections.abc import Callable

    from data.demo.acts import World
    from data.demo.plans import InitiativePlan

_REASONS = (
    "The environment for it is ready two weeks after the release, and the release cannot wait.",
    "The colleague who prepares it is away until the end of the month.",
    "The supplier of the tool has announced a fix for next month.",
)
_MEANWHILE = (
    "A second analyst looks at twenty results a day by hand.",
    "The old procedure runs beside it, and differences are looked into every morning.",
    "Results above the usual amount are decided by a person.",
)


def after_checks(world: World, plan: InitiativePlan, at: datetime) -> None:
    """A breach on a live model opened a finding: it is mended by its owner, and verified by a validator."""
    moment = world.governance.present(at)
    for row in findings_list(world.governance, moment, initiative=plan.key, open_only=True):
        if row.state != "open" or (plan.key, row.finding) in world.mending:
            continue
        world.mending.add((plan.key, row.finding))
        rng = Random(f"{plan.seed}/{plan.key}/{row.finding}")
        if row.severity == "major" and rng.random() < 0.25:
            world.later(rng.uniform(0.2, 1.0), partial(_pull, world, plan))
        world.later(rng.uniform(4, 26), partial(_mend, world, plan, row.finding))


def _pull(world: World, plan: InitiativePlan, at: datetime) -> None:
    command = PullModel(
        actor=plan.crew.by_role["production"],
        at=at,
        initiative=plan.key,
        reason="Breach in monitoring; the old rules decide until it is mended.",
    )
    _let(lambda: pull_model(world.governance, command))


def _mend(world: World, plan: InitiativePlan, finding: str, at: datetime) -> None:
    note = "Cause found and mended; the check was run again on new predictions."
    command = ResolveFinding(actor=plan.crew.builder, at=at, initiative=plan.key, finding=finding, note=note)
    if _let(lambda: resolve_finding(world.governance, command)):
        rng = Random(f"{plan.seed}/{plan.key}/{finding}/verify")
        world.later(rng.uniform(1, 6), partial(_verify, world, plan, finding))


def _verify(world: World, plan: InitiativePlan, finding: str, at: datetime) -> None:
    note = "Looked at the check's newest run and at the change; it holds."
    command = VerifyFinding(
        actor=plan.crew.validator, at=at, initiative=plan.key, finding=finding, mended=True, note=note
    )
    _let(lambda: verify_finding(world.governance, command))


def ask_for_waivers(
    world: World, plan: InitiativePlan, decision: Decision, at: datetime, then: Callable[[datetime], None]
) -> bool:
    """Now and then one missing proof is waived rather than awaited; whether somebody asked for it."""
    missing = [
        f.requirement for f in decision.findings if f.severity == "blocker" and ":" not in f.requirement
    ]
    rng = Random(f"{plan.seed}/{plan.key}/{decision.gate}/waiver/{at}")
    if len(missing) != 1 or rng.random() > 0.4:
        return False
    command = RequestWaiver(
        actor=plan.crew.owner,
        at=at,
        initiative=plan.key,
        measure=missing[0],
        reason=rng.choice(_REASONS),
        compensation=rng.choice(_MEANWHILE),
        until=(at + timedelta(days=rng.choice((30, 45, 60)))).date(),
    )
    try:
        waiver = request_waiver(world.governance, command)
    except GovernanceError:
        return False
    world.later(rng.uniform(0.5, 3), partial(_decide, world, plan, waiver, rng.random() < 0.25, then))
    return True


def _decide(
    world: World,
    plan: InitiativePlan,
    waiver: str,
    refuses: bool,
    then: Callable[[datetime], None],
    at: datetime,
) -> None:
    note = "The proof is due in days; wait for it." if refuses else "Granted once, with the control in place."
    command = DecideWaiver(
        actor=world.people.holding("head_of_risk")[0],
        at=at,
        initiative=plan.key,
        waiver=waiver,
        outcome="refused" if refuses else "granted",
        note=note,
    )
    if _let(lambda: decide_waiver(world.governance, command)) and not refuses:
        world.later(0.3, then)


def _let(act: Callable[[], object]) -> bool:
    """Let somebody try; whoever is refused lets it be."""
    try:
        act()
    except GovernanceError:
        return False
    return True
