"""What people of the demo do about data, challengers and documents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from core.connectors.yaml_lines import parse_lines, read_text
from core.connectors.yaml_models import read_model
from core.domain.commands import PromoteVersion, RegisterModelVersion, RetireVersion
from core.domain.models.lineage import (
    ClearData,
    MarkDataBad,
    RecordDataSource,
    RecordDataUse,
    RecordProcesses,
    RecordUpstream,
)
from core.domain.models.model_card import WriteDocumentText
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.models import data_sources
from core.services.models.documents import write_document_text
from core.services.models.versions import promote_version, register_model_version, retire_version
from data.demo.acts import Act, World
from data.demo.batches import Batches, write_batches
from data.demo.plans import FOREVER, InitiativePlan, VersionPlan
from data.demo.recipe import RECIPE_FOLDER
from data.demo.workdays import Workdays

Days = Annotated[float, Field(gt=0)]
_FIRST_DAY = 2.0


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Source(_Part):
    id: str
    name: str
    team: str
    personal_data: bool
    location: str
    description: str
    quality: str
    upstream: dict[str, str] = Field(default_factory=dict)


class _Uses(_Part):
    name: str
    serves: tuple[str, ...]
    data: dict[str, tuple[str, ...]]


class _Warning(_Part):
    source: str
    marked: Days
    why: str
    cleared: Days | None = None
    then: str = ""


class _Challenger(_Part):
    name: str
    days: Days
    algorithm: str
    notes: str
    promoted: Days | None = None
    retired: Days | None = None
    why: str = ""


class _NoteText(_Part):
    name: str
    section: str
    text: str


class _DataRecipe(_Part):
    sources: tuple[_Source, ...]
    initiatives: tuple[_Uses, ...]
    warnings: tuple[_Warning, ...]
    challengers: tuple[_Challenger, ...]
    notes: tuple[_NoteText, ...]


def lineage_acts(
    world: World, plans: Sequence[InitiativePlan], days: Workdays
) -> Iterator[tuple[float, Act]]:
    """Every act of this kind with its working day, in no order; only what the plans make possible."""
    if not plans:
        return
    recipe = _read(RECIPE_FOLDER / "data.yaml")
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


def _read(path: Path) -> _DataRecipe:
    return read_model(parse_lines(read_text(path, str(path)), str(path)), _DataRecipe)


def _source(world: World, keeper: Any, source: _Source, at: datetime) -> None:
    """The platform records a source with what it is made from."""
    values = source.model_dump(exclude={"id", "upstream"})
    command = RecordDataSource(actor=keeper, at=at, source=source.id, **values)
    data_sources.record_data_source(world.governance, command)
    for upstream, how in source.upstream.items():
        step = RecordUpstream(actor=keeper, at=at, source=source.id, upstream=upstream, how=how)
        data_sources.record_upstream(world.governance, step)


def _uses(world: World, plan: InitiativePlan, uses: _Uses) -> Iterator[tuple[float, Act]]:
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
            command = RecordDataUse.model_validate(
                {
                    "actor": plan.crew.builder,
                    "at": at,
                    "source": source,
                    "initiative": plan.key,
                    "how": how,
                    "columns": columns if how == "training" and plan.recipe.groups else (),
                }
            )
            data_sources.record_data_use(world.governance, command)


def _serves(world: World, plan: InitiativePlan, processes: tuple[str, ...], at: datetime) -> None:
    command = RecordProcesses(actor=plan.crew.builder, at=at, initiative=plan.key, processes=processes)
    data_sources.record_processes(world.governance, command)


def _warning(world: World, keeper: Any, warning: _Warning, days: Workdays) -> Iterator[tuple[float, Act]]:
    def mark(at: datetime) -> None:
        command = MarkDataBad(actor=keeper, at=at, source=warning.source, reason=warning.why)
        data_sources.mark_data_bad(world.governance, command)

    def clear(at: datetime) -> None:
        command = ClearData(actor=keeper, at=at, source=warning.source, reason=warning.then)
        data_sources.clear_data(world.governance, command)

    yield days.workday(warning.marked), mark
    if warning.cleared is not None:
        yield days.workday(warning.cleared), clear


def _challenger(
    world: World, plan: InitiativePlan, wanted: _Challenger, days: Workdays
) -> Iterator[tuple[float, Act]]:
    """A challenger with predictions of its own, and what became of it."""
    at = days.workday(wanted.days)
    before = [version for version in plan.versions if version.at < at]
    if not before or not plan.predicts or plan.recipe.dataset:
        return
    label = f"{before[-1].label}b"
    version = VersionPlan(label, at, FOREVER)
    one = {"actor": plan.crew.builder, "initiative": plan.key, "version": label}
    yield at, partial(_register, world, plan, version, wanted)
    if wanted.promoted is not None:
        yield (
            days.workday(wanted.promoted),
            lambda then: promote_version(world.governance, PromoteVersion(at=then, reason=wanted.why, **one)),
        )
    if wanted.retired is not None:
        yield (
            days.workday(wanted.retired),
            lambda then: retire_version(world.governance, RetireVersion(at=then, reason=wanted.why, **one)),
        )


def _register(
    world: World, plan: InitiativePlan, version: VersionPlan, wanted: _Challenger, at: datetime
) -> None:
    name = f"{plan.key}/{version.label}"
    with TemporaryDirectory() as folder:
        batches = write_batches(plan, version, at, Path(folder))
        command = RegisterModelVersion(
            actor=plan.crew.builder,
            at=at,
            initiative=plan.key,
            version=version.label,
            role="challenger",
            algorithm=wanted.algorithm,
            task=plan.recipe.task,
            notes=wanted.notes,
            metrics=batches.metrics,
            artifact_uri=f"s3://models/{name}/model",
            artifact_sha256=_digest(name, "artifact"),
            data_uri=f"s3://training/{name}/rows.parquet",
            data_sha256=_digest(name, "data"),
            code_uri=f"https://git.larkfield.example/{plan.key}",
            code_commit=_digest(name, "commit")[:40],
            environment_sha256=_digest(name, "environment"),
        )
        register_model_version(world.governance, command)
        _predictions(world, plan, version, batches, at)


def _predictions(
    world: World, plan: InitiativePlan, version: VersionPlan, batches: Batches, at: datetime
) -> None:
    for part, file in (("reference", batches.reference), ("analysis", batches.analysis[0])):
        command = AddPredictions.model_validate(
            {
                "actor": plan.crew.builder,
                "at": at,
                "initiative": plan.key,
                "version": version.label,
                "part": part,
                "file": file,
                "task": batches.task,
                "sensitive": batches.sensitive,
            }
        )
        add_predictions(world.governance, command)


def _note(world: World, plan: InitiativePlan, note: _NoteText, at: datetime) -> None:
    command = WriteDocumentText(
        actor=plan.crew.builder,
        at=at,
        initiative=plan.key,
        kind="card",
        section=note.section,
        text=note.text,
    )
    write_document_text(world.governance, command)


def _digest(name: str, what: str) -> str:
    return hashlib.sha256(f"{name}/{what}".encode()).hexdigest()
