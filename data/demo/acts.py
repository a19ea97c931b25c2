"""What people do in the simulation: each act asks for the use case that a person would."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

from core.domain.actors import Actor
from core.services.measured.monitoring import record_estimates
from data.demo import exceptions, signing
from data.demo.batches import Batches
from data.demo.decay import recorded_estimates
from data.demo.documents import write_paper
from data.demo.measuring import measure_inputs, upload_attributions
from data.demo.plans import InitiativePlan, VersionPlan
from data.demo.shelf import estimate_name
from data.demo.world import World

_PIPELINE_MODE = "controlled_cicd"
_TRIES = 2
_LOCKS = ("artifact_sha256", "environment_sha256")


def register(world: World, plan: InitiativePlan, at: datetime) -> None:
    """The owner registers the initiative; the careless forget the naming standard or the owner."""
    wanted, owner = plan.recipe, plan.crew.owner
    world.do(
        owner,
        at,
        "register_initiative",
        name=wanted.name,
        purpose=wanted.purpose,
        domain=wanted.domain,
        team=wanted.team,
        owner=owner.id if plan.owner_named else "",
        builder=plan.crew.builder.id,
        short_name=plan.key if plan.well_named else plan.key.replace("-", "_"),
        answers=world.recipe.answers(wanted),
    )


def mend_registration(world: World, plan: InitiativePlan, at: datetime) -> None:
    """The owner puts name and owner right and has the two checks run again."""
    owner = plan.crew.owner
    changes = {} if plan.well_named else {"short_name": plan.key}
    changes |= {} if plan.owner_named else {"owner": owner.id}
    world.do(owner, at, "amend_initiative", initiative=plan.key, **changes)
    check(world, plan, ("naming_standard", "owner_set"), at)


LOWERED_DAYS = 118
"""How long a lower class holds, before it is asked for again."""


def reclassify(world: World, plan: InitiativePlan, at: datetime) -> None:
    """A validator puts the initiative into another class; to a lower one the head of risk agrees."""
    wanted = plan.recipe.override
    assert wanted is not None  # planned only where there is one
    about: dict[str, object] = {
        "initiative": plan.key,
        "class_id": wanted.class_id,
        "justification": wanted.why,
    }
    if wanted.instead:
        until = (at + timedelta(days=LOWERED_DAYS)).date()
        about |= {"until": until, "compensation": wanted.instead}
    agreed(world, at, world.do(proposer(world, plan), at, "override_classification", **about))


def proposer(world: World, plan: InitiativePlan) -> Actor:
    """The validator, or another one where they are the head of risk, who agrees."""
    validators = (plan.crew.validator, *world.people.holding("risk_audit"))
    return next(person for person in validators if "head_of_risk" not in person.roles)


def agreed(world: World, at: datetime, result: dict[str, str]) -> None:
    """The head of risk agrees to what was proposed, half a day later."""
    head, name = world.people.holding("head_of_risk")[0], result["proposal"]
    if name:
        world.later(0.5, lambda later: world.do(head, later, "agree_to_proposal", proposal=name))


def register_version(world: World, plan: InitiativePlan, version: VersionPlan, at: datetime) -> None:
    """The builder registers a version; the careless leave digests out."""
    metrics = _metrics(world, plan, version)
    world.metrics[plan.key, version.label] = metrics
    links = made_up_links(plan, version)
    if version.locked:
        links["artifact_sha256"] = _artifact_digest(world, plan, version)
    if version.whole and plan.strict and not plan.recipe.dataset:
        name = f"{plan.key}/{version.label}"
        links |= {"image_uri": f"oci://images.larkfield.example/{name}", "data_kind": "full"}
        links["image_sha256"] = _digest(name, "image")
    about = {"initiative": plan.key, "version": version.label}
    made = world.do(
        plan.crew.builder,
        at,
        "register_model_version",
        **about,
        algorithm=_algorithm(plan, version),
        task=plan.recipe.task,
        notes=_notes(plan, version),
        metrics=metrics,
        **links,
    )
    if made["state"] == "registered":
        reason = "The next version, to take over from the one in production."
        world.do(plan.crew.builder, at, "promote_version", **about, reason=reason)


def made_up_links(plan: InitiativePlan, version: VersionPlan) -> dict[str, str]:
    """Where a version's model, data and code lie, as it were, with the digests that its people give."""
    name = f"{plan.key}/{version.label}"
    links = {
        "artifact_uri": f"s3://models/{name}/model",
        "data_uri": f"s3://training/{name}/rows.parquet",
        "code_uri": f"https://git.larkfield.example/{plan.key}",
        "code_commit": _digest(name, "commit")[:40],
    }
    if version.locked:
        links |= {what: _digest(name, what.removesuffix("_sha256")) for what in _LOCKS}
    if version.data_digest:
        links["data_sha256"] = _digest(name, "data")
    return links


def add_batches(world: World, plan: InitiativePlan, version: VersionPlan, parts: slice, at: datetime) -> None:
    """The builder adds some of the version's batches: reference first, then the analysis parts."""
    known = _batches(world, plan, version)
    files = [("reference", known.reference), *(("analysis", path) for path in known.analysis)]
    for part, file in files[parts]:
        add_batch(world, plan, version, known, part, file, at)
    if (
        plan.class_id == "very_high"
        and not plan.recipe.dataset
        and known.task == "binary"
        and parts.start == 0
    ):
        upload_attributions(world, plan, version, known, at)


def add_batch(
    world: World,
    plan: InitiativePlan,
    version: VersionPlan,
    known: Batches,
    part: str,
    file: Path,
    at: datetime,
) -> None:
    """The builder adds one batch of predictions; the first says which outcome is good to get."""
    world.give(
        plan.crew.builder,
        at,
        "add_predictions",
        file,
        initiative=plan.key,
        version=version.label,
        part=part,
        task=known.task,
        sensitive=known.sensitive,
        classes=known.classes,
        favourable=plan.recipe.favourable if part == "reference" and known.task != "regression" else (),
        zone="UTC",
    )


def refresh(world: World, plan: InitiativePlan, version: VersionPlan, whole: bool, at: datetime) -> None:
    """Production records the estimates: those of the first analysis part, or of the whole."""
    first_chunks = None if whole else _batches(world, plan, version).first_chunks
    found = recorded_estimates(world, plan, version, estimate_name(plan, version), first_chunks, at)
    record_estimates(world.governance, found)
    if whole or plan.class_id == "very_high":  # its development gate asks for the quality of its data
        measure_inputs(world, plan, version, at)


def check(world: World, plan: InitiativePlan, checks: tuple[str, ...], at: datetime) -> None:
    """Somebody of the team, or the pipeline, runs checks; none named runs all that apply."""
    world.do(_asker(world, plan), at, "run_checks", initiative=plan.key, checks=checks)
    exceptions.after_checks(world, plan, at)


def submit(
    world: World, plan: InitiativePlan, version: VersionPlan | None, measure: str, role: str, at: datetime
) -> None:
    """Whoever is responsible hands in evidence for a measure."""
    author = plan.crew.by_role[role]
    metrics = world.metrics.get((plan.key, version.label), {}) if version else {}
    paper = write_paper(world.recipe, measure, plan, version, author, at, metrics)
    world.do(author, at, "submit_evidence", initiative=plan.key, measure=measure, **paper)


def ask(
    world: World, plan: InitiativePlan, gate: str, days_left: float, at: datetime, *, tries: int = 1
) -> None:
    """Ask whether a gate may be passed; who is refused asks again a few days later, while it matters.

    Where nothing but signatures is missing, these are asked for first.
    """
    if signing.only_signatures_missing(world, plan, gate, at):
        again = partial(ask, world, plan, gate, days_left, tries=tries + 1)
        signing.seek(world, plan, gate, at, then=again)
        return
    decision = world.do(_asker(world, plan), at, "decide_gate", initiative=plan.key, gate=gate)
    if decision["outcome"] == "open":
        if gate == world.governance.policy(world.governance.present(at)).live_gate.id:
            world.tries(_asker(world, plan), at, "deploy_version", initiative=plan.key)
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
