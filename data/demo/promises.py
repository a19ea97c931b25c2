"""Business KPIs in the simulation: promised at scoping, observed month by month, corrected and revised."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from core.domain.commands import slug
from core.ground import Checked
from data.demo.acts import agreed
from data.demo.plans import InitiativePlan
from data.demo.recipe import RECIPE_FOLDER, read_part
from data.demo.workdays import Workdays, workdays
from data.demo.world import Timed, World

_MONTH = 30
_NOISE = 0.03
_LATE = 4.0
"""Working days after a month's end on which its figure is recorded."""


class RevisionRecipe(Checked):
    """A promise changed some days after the start, and why."""

    after: int
    target: float
    by: int
    reason: str


class PromiseRecipe(Checked):
    """A KPI of one initiative; see `data/demo/business_kpis.yaml`. `corrected` is a month put right later."""

    initiative: str
    name: str
    unit: str = ""
    direction: Literal["up", "down"]
    baseline: float
    target: float
    agreed: Annotated[int, Field(ge=1)]
    by: int
    course: tuple[float, ...] = ()
    source: str = ""
    corrected: int | None = None
    revised: RevisionRecipe | None = None


class _Promises(Checked):
    kpis: tuple[PromiseRecipe, ...]


def promise_acts(world: World, plan: InitiativePlan, days: Workdays) -> Iterator[Timed]:
    """What the owner of an initiative does about its business KPI."""
    for recipe in read_part(RECIPE_FOLDER / "business_kpis.yaml", _Promises).kpis:
        if recipe.initiative == plan.recipe.name:
            yield from _acts(world, plan, days, recipe)


def _acts(world: World, plan: InitiativePlan, days: Workdays, recipe: PromiseRecipe) -> Iterator[Timed]:
    started = days.moment(plan.starts)
    agreed = plan.starts + workdays(recipe.agreed)
    yield agreed, partial(_set, world, plan, recipe, started, recipe.target, recipe.by, "")
    if (change := recipe.revised) is not None:
        revise = partial(_set, world, plan, recipe, started, change.target, change.by, change.reason)
        yield plan.starts + workdays(change.after), revise
    rng = Random(f"{plan.seed}/{plan.key}/kpi")
    for month, share in enumerate(recipe.course):
        day = started + timedelta(days=recipe.agreed + _MONTH * (month + 1))
        wandered = share + rng.uniform(-_NOISE, _NOISE)
        value = round(recipe.baseline + (recipe.target - recipe.baseline) * wandered, 2)
        at = plan.starts + workdays((day - started).days) + _LATE
        if month == recipe.corrected:
            wrong = partial(_observe, world, plan, recipe, day, round(value * 1.12, 2), "")
            why = "Calls of one week were counted twice; put right after the audit of the call list."
            yield at, wrong
            yield at + 9, partial(_observe, world, plan, recipe, day, value, why)
        else:
            yield at, partial(_observe, world, plan, recipe, day, value, "")


def _set(
    world: World,
    plan: InitiativePlan,
    recipe: PromiseRecipe,
    started: datetime,
    target: float,
    by: int,
    reason: str,
    at: datetime,
) -> None:
    result = world.do(
        plan.crew.owner,
        at,
        "set_business_kpi",
        **recipe.model_dump(include={"name", "unit", "direction", "baseline", "source"}),
        initiative=plan.key,
        baseline_on=(started + timedelta(days=recipe.agreed)).date(),
        target=target,
        target_on=(started + timedelta(days=by)).date(),
        reason=reason,
    )
    agreed(world, at, result)


def _observe(
    world: World,
    plan: InitiativePlan,
    recipe: PromiseRecipe,
    day: datetime,
    value: float,
    note: str,
    at: datetime,
) -> None:
    about = {"initiative": plan.key, "kpi": slug(recipe.name), "observed_on": min(day, at).date()}
    world.do(plan.crew.owner, at, "observe_business_kpi", **about, value=value, note=note)
