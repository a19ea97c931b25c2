"""What goes beyond the usual in the simulation: findings mended, waivers, and models that are pulled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from core.domain.errors import GovernanceError
from data.demo.plans import InitiativePlan
from data.demo.world import World, blockers


def after_checks(world: World, plan: InitiativePlan, at: datetime) -> None:
    """A breach on a live model opened a finding: it is mended by its owner, and verified by a validator."""
    asked = {"initiative": plan.key, "open_only": True}
    for row in world.do(plan.crew.owner, at, "list_findings", **asked)["findings"]:
        finding = row["finding"]
        if row["state"] != "open" or (plan.key, finding) in world.mending:
            continue
        world.mending.add((plan.key, finding))
        rng = Random(f"{plan.seed}/{plan.key}/{finding}")
        if row["severity"] == "major" and rng.random() < 0.25:
            world.later(rng.uniform(0.2, 1.0), partial(_pull, world, plan))
        world.later(rng.uniform(4, 26), partial(_mend, world, plan, finding))


def _pull(world: World, plan: InitiativePlan, at: datetime) -> None:
    reason = "Breach in monitoring; the old rules decide until it is mended."
    world.tries(plan.crew.by_role["production"], at, "pull_model", initiative=plan.key, reason=reason)


def _mend(world: World, plan: InitiativePlan, finding: str, at: datetime) -> None:
    note = "Cause found and mended; the check was run again on new predictions."
    about = {"initiative": plan.key, "finding": finding, "note": note}
    if world.tries(plan.crew.builder, at, "resolve_finding", **about):
        rng = Random(f"{plan.seed}/{plan.key}/{finding}/verify")
        world.later(rng.uniform(1, 6), partial(_verify, world, plan, finding))


def _verify(world: World, plan: InitiativePlan, finding: str, at: datetime) -> None:
    note = "Looked at the check's newest run and at the change; it holds."
    about = {"initiative": plan.key, "finding": finding, "note": note, "mended": True}
    if world.tries(plan.crew.validator, at, "verify_finding", **about):
        world.later(0.5, partial(_back, world, plan))


def _back(world: World, plan: InitiativePlan, at: datetime) -> None:
    """What was pulled goes into production again, where the gate is open; else it is refused."""
    world.tries(plan.crew.by_role["production"], at, "deploy_version", initiative=plan.key)


def ask_for_waivers(
    world: World, plan: InitiativePlan, decision: Any, at: datetime, then: Callable[[datetime], None]
) -> bool:
    """Now and then one missing proof is waived rather than awaited; whether somebody asked for it."""
    missing = [requirement for requirement in blockers(decision) if ":" not in requirement]
    rng = Random(f"{plan.seed}/{plan.key}/{decision['gate']}/waiver/{at}")
    if len(missing) != 1 or rng.random() > 0.4:
        return False
    about = {
        "initiative": plan.key,
        "measure": missing[0],
        "reason": rng.choice(world.recipe.words.waived_because),
        "compensation": rng.choice(world.recipe.words.meanwhile),
        "until": (at + timedelta(days=rng.choice((30, 45, 60)))).date(),
    }
    try:
        waiver = world.do(plan.crew.owner, at, "request_waiver", **about)["waiver"]
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
    head = world.people.holding("head_of_risk")[0]
    about = {"initiative": plan.key, "waiver": waiver, "note": note}
    outcome = "refused" if refuses else "granted"
    if world.tries(head, at, "decide_waiver", outcome=outcome, **about) and not refuses:
        world.later(0.3, then)
