"""What people do in the simulation: each act calls the services that a person would use."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from random import Random

from core.domain.actors import Actor
from core.domain.commands import (
    AmendInitiative,
    DecideGate,
    OverrideClassification,
    RegisterInitiative,
    RegisterModelVersion,
    RunChecks,
    SubmitEvidence,
)
from core.services.governance import Governance
from core.services.measured.monitoring import RecordEstimates, record_estimates
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.models.versions import register_model_version
from core.services.process.checks import run_checks
from core.services.process.evidence import submit_evidence
from core.services.process.gates import decide_gate
from core.services.process.initiatives import amend_initiative, override_classification, register_initiative
from data.demo import exceptions, signing
from data.demo.attributing import upload_attributions
from data.demo.batches import Batches
from data.demo.decay import estimates_with_run
from data.demo.documents import write_paper
from data.demo.explaining import keep_and_explain
from data.demo.inputs import measure_inputs
from data.demo.people import People
from data.demo.plans import InitiativePlan, VersionPlan
from data.demo.recipe import Recipe
from data.demo.shelf import Shelf, estimate_name

_PIPELINE_MODE = "controlled_cicd"
_TRIES = 2
Act = Callable[[datetime], None]


@dataclass(frozen=True)
class World:
    """What acts need: the portal, the cast, and what was prepared.

    `later` puts another act so many working days after the one at work. Without a workshop there are no
    estimates and no second version of the census model.
    """

    governance: Governance
    recipe: Recipe
    people: People
    shelf: Shelf
    later: Callable[[float, Act], None]
    metrics: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    mending: set[tuple[str, str]] = field(default_factory=set)


def register(world: World, plan: InitiativePlan, at: datetime) -> None:
    """The owner registers the initiative; the careless forget the naming standard or the owner."""
    wanted, owner = plan.recipe, plan.crew.owner
    command = RegisterInitiative(
        actor=owner,
        at=at,
        name=wanted.name,
        purpose=wanted.purpose,
        domain=wanted.domain,
        team=wanted.team,
        owner=owner.id if plan.owner_named else "",
        builder=plan.crew.builder.id,
        short_name=plan.key if plan.well_named else plan.key.replace("-", "_"),
        answers=world.recipe.answers(wanted),
    )
    register_initiative(world.governance, command)


def mend_registration(world: World, plan: InitiativePlan, at: datetime) -> None:
    """The owner puts name and owner right and has the two checks run again."""
    owner = plan.crew.owner
    changes = {} if plan.well_named else {"short_name": plan.key}
    changes |= {} if plan.owner_named else {"owner": owner.id}
    amend_initiative(world.governance, AmendInitiative(actor=owner, at=at, initiative=plan.key, **changes))
    check(world, plan, ("naming_standard", "owner_set"), at)


def reclassify(world: World, plan: InitiativePlan, at: datetime) -> None:
    """A validator puts the initiative into another class."""
    wanted = plan.recipe.override
    assert wanted is not None  # planned only where there is one
    command = OverrideClassification(
        actor=plan.crew.validator,
        at=at,
        initiative=plan.key,
        class_id=wanted.class_id,
        justification=wanted.why,
    )
    override_classification(world.governance, command)


def register_version(world: World, plan: InitiativePlan, version: VersionPlan, at: datetime) -> None:
    """The builder registers a version; the careless leave digests out."""
    metrics = _metrics(world, plan, version)
    world.metrics[plan.key, version.label] = metrics
    name = f"{plan.key}/{version.label}"
    links = {
        "artifact_uri": f"s3://models/{name}/model",
        "data_uri": f"s3://training/{name}/rows.parquet",
        "code_uri": f"https://git.larkfield.example/{plan.key}",
        "code_commit": _digest(name, "commit")[:40],
    }
    if version.locked:
        links["artifact_sha256"] = _artifact_digest(world, plan, version)
        links["environment_sha256"] = _digest(name, "environment")
    if version.data_digest:
        links["data_sha256"] = _digest(name, "data")
    if version.whole and plan.strict and not plan.recipe.dataset:
        links |= {"image_uri": f"oci://images.larkfield.example/{name}", "data_kind": "full"}
        links["image_sha256"] = _digest(name, "image")
    command = RegisterModelVersion(
        actor=plan.crew.builder,
        at=at,
        initiative=plan.key,
        version=version.label,
        algorithm=_algorithm(plan, version),
        task=plan.recipe.task,
        notes=_notes(plan, version),
        metrics=metrics,
        **links,
    )
    register_model_version(world.governance, command)


def add_batches(world: World, plan: InitiativePlan, version: VersionPlan, parts: slice, at: datetime) -> None:
    """The builder adds some of the version's batches: reference first, then the analysis parts."""
    known = _batches(world, plan, version)
    files = [("reference", known.reference), *(("analysis", path) for path in known.analysis)]
    for part, file in files[parts]:
        command = AddPredictions.model_validate(
            {
                "actor": plan.crew.builder,
                "at": at,
                "initiative": plan.key,
                "version": version.label,
                "part": part,
                "file": file,
                "task": known.task,
                "sensitive": known.sensitive,
                "classes": known.classes,
            }
        )
        add_predictions(world.governance, command)
    if (
        plan.class_id == "very_high"
        and not plan.recipe.dataset
        and known.task == "binary"
        and parts.start == 0
    ):
        upload_attributions(world, plan, version, known, at)


def refresh(world: World, plan: InitiativePlan, version: VersionPlan, whole: bool, at: datetime) -> None:
    """Production records the estimates: those of the first analysis part, or of the whole."""
    assert world.shelf.workshop is not None  # planned only with a workshop
    known = _batches(world, plan, version)
    name = estimate_name(plan, version)
    command = RecordEstimates(
        actor=plan.crew.by_role["production"],
        at=at,
        initiative=plan.key,
        version=version.label,
        **estimates_with_run(world.shelf.workshop, name, whole, known.first_chunks),
    )
    record_estimates(world.governance, command)
    if whole or plan.class_id == "very_high":  # its development gate asks for the quality of its data
        measure_inputs(world, plan, version, at)


def explain(world: World, plan: InitiativePlan, version: VersionPlan, at: datetime) -> None:
    """The builder keeps the model trained for the demo and records what its scores come from."""
    keep_and_explain(world, plan, version, at)


def check(world: World, plan: InitiativePlan, checks: tuple[str, ...], at: datetime) -> None:
    """Somebody of the team, or the pipeline, runs checks; none named runs all that apply."""
    command = RunChecks(actor=_asker(world, plan), at=at, initiative=plan.key, checks=checks)
    run_checks(world.governance, command)
    exceptions.after_checks(world, plan, at)


def submit(
    world: World, plan: InitiativePlan, version: VersionPlan | None, measure: str, role: str, at: datetime
) -> None:
    """Whoever is responsible hands in evidence for a measure."""
    author = plan.crew.by_role[role]
    metrics = world.metrics.get((plan.key, version.label), {}) if version else {}
    paper = write_paper(world.recipe, measure, plan, version, author, at, metrics)
    command = SubmitEvidence(actor=author, at=at, initiative=plan.key, measure=measure, **paper.fields())
    submit_evidence(world.governance, command)


def ask(
    world: World, plan: InitiativePlan, gate: str, days_left: float, at: datetime, *, tries: int = 1
) -> None:
    """Ask whether a gate may be passed; who is refused asks again a few days later, while it matters.

    Where nothing but signatures is missing, these are asked for first.
    """
    if signing.only_signatures_missing(world.governance, plan.key, gate, at):
        again = partial(ask, world, plan, gate, days_left, tries=tries + 1)
        signing.seek(world, plan, gate, at, then=again)
        return
    command = DecideGate(actor=_asker(world, plan), at=at, initiative=plan.key, gate=gate)
    decision = decide_gate(world.governance, command)
    if decision.is_open:
        return
    again = partial(ask, world, plan, gate, days_left, tries=tries + 1)
    if exceptions.ask_for_waivers(world, plan, decision, at, again):
        return
    wait = Random(f"{plan.key}/{gate}/{tries}").uniform(4, 9)
    if tries < _TRIES and wait < days_left:
        world.later(wait, lambda then: ask(world, plan, gate, days_left - wait, then, tries=tries + 1))


def _batches(world: World, plan: InitiativePlan, version: VersionPlan) -> Batches:
    known = world.shelf.find(plan, version)
    assert known is not None  # planned only for versions that predict
    return known


def _asker(world: World, plan: InitiativePlan) -> Actor:
    return world.people.pipeline if plan.mode_id == _PIPELINE_MODE else plan.crew.builder


def _metrics(world: World, plan: InitiativePlan, version: VersionPlan) -> dict[str, float]:
    known = world.shelf.find(plan, version)
    if known is not None:
        return known.metrics
    if plan.recipe.task == "regression":
        return {"mape": round(Random(f"{plan.key}/{version.label}").uniform(0.05, 0.12), 3)}
    return {}


def _algorithm(plan: InitiativePlan, version: VersionPlan) -> str:
    return "LightGBM" if plan.recipe.dataset and version.label != "1" else plan.recipe.algorithm


def _notes(plan: InitiativePlan, version: VersionPlan) -> str:
    if not plan.recipe.dataset:
        return "Simulated for the demo, predictions included." if plan.predicts else "Simulated for the demo."
    if version.label == "1":
        return "Predictions of a published model; its links are made up for the demo."
    return "Trained for the demo on half of the reference rows of the published model."


def _artifact_digest(world: World, plan: InitiativePlan, version: VersionPlan) -> str:
    if world.shelf.workshop is not None and plan.recipe.dataset and version.label != "1":
        return hashlib.sha256(world.shelf.workshop.second_version().model.read_bytes()).hexdigest()
    return _digest(f"{plan.key}/{version.label}", "artifact")


def _digest(name: str, what: str) -> str:
    return hashlib.sha256(f"{name}/{what}".encode()).hexdigest()
