"""What people of the demo do about data, challengers and documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Annotated

from pydantic import Field

from core.domain.actors import Actor
from core.ground import Checked
from data.demo.acts import add_batch, made_up_links
from data.demo.batches import write_batches
from data.demo.plans import FOREVER, InitiativePlan, VersionPlan
from data.demo.recipe import RECIPE_FOLDER, read_part
from data.demo.workdays import Workdays
from data.demo.world import Timed, World

Days = Annotated[float, Field(gt=0)]
_FIRST_DAY = 2.0


class _Source(Checked):
    id: str
    name: str
    team: str
    personal_data: bool
    location: str
    description: str
    quality: str
    upstream: dict[str, str] = Field(default_factory=dict)


class _Uses(Checked):
    name: str
    serves: tuple[str, ...]
    data: dict[str, tuple[str, ...]]


class _Warning(Checked):
    source: str
    marked: Days
    why: str
    cleared: Days | None = None
    then: str = ""


class _Challenger(Checked):
    name: str
    days: Days
    algorithm: str
    notes: str
    promoted: Days | None = None
    retired: Days | None = None
    why: str = ""


class _NoteText(Checked):
    name: str
    section: str
    text: str


class _DataRecipe(Checked):
    sources: tuple[_Source, ...]
    initiatives: tuple[_Uses, ...]
    warnings: tuple[_Warning, ...]
    challengers: tuple[_Challenger, ...]
    notes: tuple[_NoteText, ...]


def lineage_acts(world: World, plans: Sequence[InitiativePlan], days: Workdays) -> Iterator[Timed]:
    """Every act of this kind with its working day, in no order; only what the plans make possible."""
    if not plans:
        return
    recipe = read_part(RECIPE_FOLDER / "data.yaml", _DataRecipe)
    by_name = {plan.recipe.name: plan for plan in plans}
    keeper = plans[0].crew.by_role["data_ops"]
    for place, source in enumerate(recipe.sources):
        yield _FIRST_DAY + place * 0.02, partial(_source, world, keeper, source)
    for uses in recipe.initiatives:
        if uses.name in by_name:
            yield from _uses(world, by_name[uses.name], uses)
    for warning in recipe.warnings:
        yield from _warning(world, keeper, warning, days)
    for challenger in recipe.challengers:
        if challenger.name in by_name:
            yield from _challenger(world, by_name[challenger.name], challenger, days)
    for note in recipe.notes:
        if note.name in by_name:
            plan = by_name[note.name]
            at = days.workday(Random(f"{plan.seed}/{plan.key}/{note.section}").uniform(20, 60))
            yield max(at, plan.starts + 1), partial(_note, world, plan, note)


def _source(world: World, keeper: Actor, source: _Source, at: datetime) -> None:
    """The platform records a source with what it is made from."""
    values = source.model_dump(exclude={"id", "upstream"})
    world.do(keeper, at, "record_data_source", source=source.id, **values)
    for upstream, how in source.upstream.items():
        world.do(keeper, at, "record_data_upstream", source=source.id, upstream=upstream, how=how)


def _uses(world: World, plan: InitiativePlan, uses: _Uses) -> Iterator[Timed]:
    """The builder records which data the model uses, a few days after it is registered."""
    rng = Random(f"{plan.seed}/{plan.key}/data")
    at = max(plan.starts, _FIRST_DAY + 1) + rng.uniform(2, 9)
    yield at, partial(_record_uses, world, plan, uses.data)
    yield at + 0.1, partial(_serves, world, plan, uses.serves)


def _record_uses(
    world: World, plan: InitiativePlan, data: Mapping[str, tuple[str, ...]], at: datetime
) -> None:
    columns = ("customer_id", *plan.recipe.groups)
    for how, sources in data.items():
        for source in sources:
            seen = columns if how == "training" and plan.recipe.groups else ()
            about = {"source": source, "initiative": plan.key, "how": how, "columns": seen}
            world.do(plan.crew.builder, at, "record_data_use", **about)


def _serves(world: World, plan: InitiativePlan, processes: tuple[str, ...], at: datetime) -> None:
    world.do(plan.crew.builder, at, "record_business_processes", initiative=plan.key, processes=processes)


def _warning(world: World, keeper: Actor, warning: _Warning, days: Workdays) -> Iterator[Timed]:
    def say(use_case: str, reason: str, at: datetime) -> None:
        world.do(keeper, at, use_case, source=warning.source, reason=reason)

    yield days.workday(warning.marked), partial(say, "mark_data_bad", warning.why)
    if warning.cleared is not None:
        yield days.workday(warning.cleared), partial(say, "clear_data", warning.then)


def _challenger(world: World, plan: InitiativePlan, wanted: _Challenger, days: Workdays) -> Iterator[Timed]:
    """A challenger with predictions of its own, and what became of it."""
    at = days.workday(wanted.days)
    before = [version for version in plan.versions if version.at < at]
    if not before or not plan.predicts or plan.recipe.dataset:
        return
    label = f"{before[-1].label}b"
    version = VersionPlan(label, at, FOREVER)

    def becomes(use_case: str, then: datetime) -> None:
        world.do(plan.crew.builder, then, use_case, initiative=plan.key, version=label, reason=wanted.why)

    yield at, partial(_register, world, plan, version, wanted)
    if wanted.promoted is not None:
        yield days.workday(wanted.promoted), partial(becomes, "promote_version")
    if wanted.retired is not None:
        yield days.workday(wanted.retired), partial(becomes, "retire_version")


def _register(
    world: World, plan: InitiativePlan, version: VersionPlan, wanted: _Challenger, at: datetime
) -> None:
    with TemporaryDirectory() as folder:
        batches = write_batches(plan, version, at, Path(folder))
        world.do(
            plan.crew.builder,
            at,
            "register_model_version",
            initiative=plan.key,
            version=version.label,
            role="challenger",
            algorithm=wanted.algorithm,
            task=plan.recipe.task,
            notes=wanted.notes,
            metrics=batches.metrics,
            **made_up_links(plan, version),
        )
        for part, file in (("reference", batches.reference), ("analysis", batches.analysis[0])):
            add_batch(world, plan, version, batches, part, file, at)


def _note(world: World, plan: InitiativePlan, note: _NoteText, at: datetime) -> None:
    about = {"initiative": plan.key, "kind": "card", "section": note.section, "text": note.text}
    world.do(plan.crew.builder, at, "write_document_text", **about)
