"""What the record holds of one initiative."""

from __future__ import annotations

import json
from collections import defaultdict

from core.domain.facts.measured import PredictionBatch
from core.domain.facts.models import ModelVersion, VersionAmendment
from core.domain.facts.process import (
    CheckRun,
    Classification,
    DemandSet,
    Evidence,
    Finding,
    Initiative,
    SignOff,
    Waiver,
)
from core.domain.facts.recorded import values_of
from core.domain.moment import Moment
from core.domain.process.facts import CheckProof, InitiativeFacts, Registration, SignOffAct
from core.domain.verdict import Verdict
from core.lake.directory import names as names_of
from core.lake.facts import history, latest, newest_of
from core.lake.memory import remembered
from core.lake.models.versions import standing
from core.lake.store import Store


@remembered(room=2048)
def initiative_facts(store: Store, initiative: str, moment: Moment) -> InitiativeFacts | None:
    """Gather what rules need of an initiative, or None where it is not registered.

    Plain reads of one initiative's rows, put together here: a tenth of the time of the joined form.
    """
    registered = history(store, Initiative, moment, initiative)
    classified = latest(store, Classification, moment, initiative)
    if not registered or classified is None:
        return None
    known, stands = registered[-1], standing(store, initiative, moment)
    counting = (None, stands.current)
    runs = [run for run in history(store, CheckRun, moment, initiative) if run.version in counting]
    proofs = [proof for proof in history(store, Evidence, moment, initiative) if proof.version in counting]
    waivers = newest_of(history(store, Waiver, moment, initiative))
    findings = newest_of(history(store, Finding, moment, initiative))
    return InitiativeFacts(
        initiative,
        classified.class_id,
        min(fact.recorded_at for fact in registered).date(),
        classified.recorded_at.date(),
        stands.current_since.date() if stands.current_since else None,
        {proof.measure: proof.recorded_at.date() for proof in proofs},
        {run.check_id: _proof(run) for run in runs},
        version=stands.current,
        people=frozenset({known.owner, known.builder} - {""}),
        evidence_keys={proof.measure: proof.content for proof in proofs},
        breaches={run.check_id: run.seq for run in runs if run.verdict == "fail"},
        sign_offs=_sign_offs(store, initiative, moment),
        waivers=tuple(waiver for waiver in waivers if waiver.state == "granted"),
        findings=tuple(finding for finding in findings if finding.state != "closed"),
    )


def _proof(run: CheckRun) -> CheckProof:
    return CheckProof(Verdict(run.verdict), run.recorded_at.date(), run.message, run.remedy)


def _sign_offs(store: Store, initiative: str, moment: Moment) -> dict[str, tuple[SignOffAct, ...]]:
    """Gate id -> acts on its sign-off, oldest first."""
    said = history(store, SignOff, moment, initiative)
    demands = {kept.sha256: kept.demands for kept in history(store, DemandSet, moment)} if said else {}
    acts: dict[str, list[SignOffAct]] = defaultdict(list)
    for act in said:
        acts[act.gate].append(_act(act, demands.get(act.demands_sha256, ())))
    return {gate: tuple(found) for gate, found in acts.items()}


def _act(said: SignOff, demands: tuple[str, ...]) -> SignOffAct:
    return SignOffAct(
        said.seq,
        said.recorded_at.date(),
        said.act,
        said.actor,
        said.outcome,
        said.role,
        said.on_behalf_of,
        said.reason,
        said.version,
        frozenset(demands),
        json.loads(said.evidence),
    )


def involved_people(store: Store, initiative: str, version: str | None, moment: Moment) -> dict[str, str]:
    """Person id -> what they did that keeps them from signing: owned, built, or submitted what is signed."""
    submitted: tuple[Evidence | ModelVersion | VersionAmendment | PredictionBatch, ...] = (
        *history(store, Evidence, moment, initiative),
        *history(store, ModelVersion, moment, initiative),
        *history(store, VersionAmendment, moment, initiative),
        *history(store, PredictionBatch, moment, initiative),
    )
    people = {
        fact.actor: "submitted what is to be signed" for fact in submitted if fact.version in (None, version)
    }
    for known in history(store, Initiative, moment, initiative):
        people |= {known.builder: "builds it or built it"}
        people |= {known.owner: "owns it or owned it"}
    people.pop("", None)
    return people


def registration(store: Store, initiative: str, moment: Moment) -> Registration | None:
    """The initiative as registered last, with its classification; None where it is not registered."""
    registered = history(store, Initiative, moment, initiative)
    classified = latest(store, Classification, moment, initiative)
    if not registered or classified is None:
        return None
    known, names = registered[-1], names_of(store, moment)
    answers = {question: tuple(chosen) for question, chosen in json.loads(known.answers).items()}
    return Registration(
        **{**values_of(classified), **values_of(known), "answers": answers},  # type: ignore[arg-type]
        registered_at=registered[0].recorded_at,
        classified_by=classified.actor,
        owner_name=names[known.owner],
        builder_name=names[known.builder],
    )
