"""What people of the demo do about rights, regions, the ethical position, and the lives of use cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
_AHEAD_DAYS_AGO, _AHEAD_DAYS = 26, 60
_DRAFTED_DAYS_AGO = 12
_COMING = ("transition_days: 60\n\n# Figure 8-1", "transition_days: 90\n\n# Figure 8-1")
_MORE_READABLE = ("explainability: 2", "explainability: 3")
_WHY_COMING = "People decided about by a model of the strictest class get its rules in words they can read."
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
        yield plan.starts + rng.uniform(0.5, 1.5), partial(_confirm, world, plan)
        if plan.recipe.name in _LIVES:
            ago, act = _LIVES[plan.recipe.name]
            yield days.workday(ago), partial(act, world, plan)
    if plans:
        validator = proposer(world, plans[0])
        yield days.workday(200), partial(_second_position, world, validator)
        yield days.workday(_AHEAD_DAYS_AGO), partial(_policy_ahead, world, validator)
        yield days.workday(_DRAFTED_DAYS_AGO), partial(_draft_policy, world, validator)


def _confirm(world: World, plan: InitiativePlan, at: datetime) -> None:
    """Validation looks at the classes that the policy names, and at the light ones that were drawn."""
    note = "Read the answers against the purpose; the class fits."
    world.tries(proposer(world, plan), at, "confirm_class", initiative=plan.key, note=note)


def _retire(world: World, plan: InitiativePlan, at: datetime) -> None:
    business, reason = (
        plan.crew.by_role["business_stakeholder"],
        "The campaign has ended and will not be repeated.",
    )
    world.tries(business, at, "retire_initiative", initiative=plan.key, reason=reason)


def _reassess(world: World, plan: InitiativePlan, at: datetime) -> None:
    """A sheet that somebody opened by hand runs on a schedule now; the class follows."""
    answers = {**world.recipe.answers(plan.recipe), "availability": ("scheduled",)}
    note = "It runs every Monday now, and the team leads wait for it."
    world.do(plan.crew.owner, at, "reassess_initiative", initiative=plan.key, answers=answers, note=note)


def _roll_back(world: World, plan: InitiativePlan, at: datetime) -> None:
    """Production puts the version before into production alone; the head of risk agrees the next day."""
    person, about = plan.crew.by_role["production"], {"initiative": plan.key}
    known = world.do(person, at, "list_versions", **about)["versions"]
    running = [one["version"] for one in known if one["state"] == "production"]
    before = [one["version"] for one in known if one["state"] == "superseded"]
    if not running or not before:
        return
    why = "Since this morning the newest version answers with the volumes of last year."
    if not world.tries(person, at, "deploy_version", **about, version=before[0], emergency=True, reason=why):
        return
    waits = world.do(person, at, "list_proposals", open_only=True)["proposals"]
    agreed(world, at, {"proposal": waits[0]["proposal"]})
    world.later(1.5, partial(_forward_again, world, plan, running[0]))


def _forward_again(world: World, plan: InitiativePlan, version: str, at: datetime) -> None:
    world.tries(plan.crew.by_role["production"], at, "deploy_version", initiative=plan.key, version=version)


_LIVES: dict[str, tuple[float, Callable[[World, InitiativePlan, datetime], None]]] = {
    "Savings campaign response": (45, _retire),
    "Postcode mailing sheet": (24, _reassess),
    "Call volume forecast": (38, _roll_back),
}
"""Initiative -> days before now, and what becomes of it."""


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


def _policy_ahead(world: World, validator: Actor, at: datetime) -> None:
    """A stricter policy is drafted, approved by the head of risk and published, to hold two months on."""
    holds_from = at.date() + timedelta(days=_AHEAD_DAYS)
    about = {"text": _coming(world), "note": _WHY_COMING, "holds_from": holds_from}
    draft, head = (
        world.do(validator, at, "draft_policy", **about)["draft"],
        world.people.holding("head_of_risk")[0],
    )
    said = {"draft": draft, "outcome": "approved", "note": "The work it makes can be done till then."}
    world.later(1.0, lambda later: world.do(head, later, "review_policy", **said))
    world.later(2.0, lambda later: world.do(validator, later, "publish_policy", draft=draft))


def _coming(world: World) -> str:
    """The shipped policy with readable rules for the strictest class, and more time for what is new of it."""
    text = read_text(world.governance.config / "policy.yaml", "policy.yaml").replace(*_COMING, 1)
    head, class_row, rest = text.rpartition("  very_high:\n")
    return f"{head}{class_row}{rest.replace(*_MORE_READABLE, 1)}".replace(
        'version: "2.0"', 'version: "2.1"', 1
    )


def _draft_policy(world: World, validator: Actor, at: datetime) -> None:
    """Towards the end somebody proposes a stricter policy still, which waits for somebody else's word."""
    text = _coming(world).replace('version: "2.1"', 'version: "2.2"', 1).replace(*_STRICTER, 1)
    world.do(validator, at, "draft_policy", text=text, note=_WHY_STRICTER)
