"""What people of the demo do about rights, regions and the ethical position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random

from core.connectors.yaml_lines import read_text
from core.domain.actors import Actor
from data.demo.acts import agreed, proposer
from data.demo.plans import InitiativePlan, temper_at
from data.demo.workdays import Workdays, workdays
from data.demo.world import Timed, World

_NO_DECISION = "The result goes to a person who decides; nothing is decided by the model alone."
_SHARE_ABROAD = 0.15
_DRAFTED_DAYS_AGO = 12
_STRICTER = ("  moderate:\n    reproducibility: 1\n", "  moderate:\n    reproducibility: 2\n")
_WHY_STRICTER = "Two audits could not re-create a moderate model; ask for retraining on a sample."
_ONE_DEMAND_MORE = (
    "  domains:\n    credit:",
    "  domains:  # Reviewed after a year: marketing models are documented for those who use them.\n"
    "    marketing: documented\n    credit:",
)


def rules_acts(world: World, plans: Sequence[InitiativePlan], days: Workdays) -> Iterator[Timed]:
    """Every act of this kind with its working day, in no order."""
    for plan in plans:
        rng = Random(f"{plan.seed}/{plan.key}/rules")
        answers = world.recipe.answers(plan.recipe)
        if rng.random() < _SHARE_ABROAD:
            yield (
                plan.starts + 3,
                partial(_regions, world, plan, rng.choice(sorted(world.recipe.words.abroad))),
            )
        if "personal_data" in answers["regulations"]:
            yield from _rights(world, plan, days, rng)
    if plans:
        validator = proposer(world, plans[0])
        yield days.workday(200), partial(_second_position, world, validator)
        yield days.workday(_DRAFTED_DAYS_AGO), partial(_draft_policy, world, validator)


def _rights(world: World, plan: InitiativePlan, days: Workdays, rng: Random) -> Iterator[Timed]:
    """The owner settles right after right; who is careless leaves some to later, or for good."""
    temper = temper_at(world.recipe.teams[plan.recipe.team], days.progress(plan.starts))
    for right in world.recipe.words.rights:
        at = plan.starts + workdays(rng.uniform(10, 60)) * temper.pace
        if rng.random() > temper.care:
            at += workdays(rng.uniform(120, 500))
        yield at, partial(_settle, world, plan, right, rng.randint(10, 30), rng.random() < 0.06)


def _settle(
    world: World, plan: InitiativePlan, right: str, within_days: int, later: bool, at: datetime
) -> None:
    owner = plan.crew.owner
    strict = plan.strict or "public" in world.recipe.answers(plan.recipe)["consumers"]
    if right == "object" and not strict:
        world.do(owner, at, "exclude_right", initiative=plan.key, right=right, reason=_NO_DECISION)
        return
    world.do(
        owner,
        at,
        "settle_right",
        initiative=plan.key,
        right=right,
        answered_by=(owner if right in ("informed", "object") else plan.crew.builder).id,
        how=world.recipe.words.rights[right],
        within_days=within_days,
        ready_on=(at + timedelta(days=90)).date() if later else None,
    )


def _regions(world: World, plan: InitiativePlan, abroad: str, at: datetime) -> None:
    about = {
        "initiative": plan.key,
        "regions": ("eu", "uk", abroad),
        "reason": world.recipe.words.abroad[abroad],
    }
    world.do(plan.crew.owner, at, "record_regions", **about)


def _second_position(world: World, validator: Actor, at: datetime) -> None:
    """A year on, a validator proposes one demand more, and the head of risk agrees."""
    text = read_text(world.governance.config / "ethics.yaml", "ethics.yaml")
    text = text.replace('version: "1.1"', 'version: "1.2"', 1).replace(*_ONE_DEMAND_MORE, 1)
    agreed(world, at, world.do(validator, at, "publish_ethics", text=text))


def _draft_policy(world: World, validator: Actor, at: datetime) -> None:
    """Towards the end somebody proposes a stricter policy, which waits for somebody else's word."""
    text = read_text(world.governance.config / "policy.yaml", "policy.yaml")
    text = text.replace('version: "2.0"', 'version: "2.1"', 1).replace(*_STRICTER, 1)
    world.do(validator, at, "draft_policy", text=text, note=_WHY_STRICTER)
