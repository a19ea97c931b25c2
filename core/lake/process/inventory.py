"""What the record holds of one initiative, and of the whole inventory at once, one query each."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from core.domain.facts.measured import BusinessKpi, PredictionBatch
from core.domain.facts.models import DocumentText, ModelVersion, VersionAmendment, VersionState
from core.domain.facts.process import (
    CheckRun,
    ClassConfirmation,
    Classification,
    ConditionMet,
    DemandSet,
    Evidence,
    Finding,
    Initiative,
    InitiativeState,
    SignOff,
    Waiver,
    class_since,
)
from core.domain.facts.record import Deputy
from core.domain.facts.recorded import values_of
from core.domain.models.model_versions import VersionStanding
from core.domain.moment import Moment
from core.domain.policy.policy import LiveGates, Policy
from core.domain.policy.requirement_list import LIMIT, limit_in
from core.domain.process.facts import (
    CheckProof,
    GateLine,
    InitiativeFacts,
    InventoryLine,
    Registration,
    RequirementLine,
    Review,
    SignOffAct,
    review_of,
    words_shared,
)
from core.ground import Verdict
from core.lake import models
from core.lake.directory import names as names_of
from core.lake.facts import history, latest, newest, newest_of
from core.lake.memory import remembered
from core.lake.query import asking, fetch, moment_values
from core.lake.standing import standing
from core.lake.store import Store


@remembered(room=2048)
def initiative_facts(store: Store, initiative: str, moment: Moment) -> InitiativeFacts | None:
    """Gather what rules need of an initiative, or None where it is not registered.

    Plain reads of one initiative's rows, put together here: a tenth of the time of the joined form.
    """
    registered = history(store, Initiative, moment, initiative)
    turns = history(store, Classification, moment, initiative)
    if not registered or not turns:
        return None
    classified = turns[-1].on(moment.day)
    known, stands = registered[-1], models.standing(store, initiative, moment)
    counting = (None, stands.current)
    runs = [run for run in history(store, CheckRun, moment, initiative) if run.version in counting]
    proofs = [proof for proof in history(store, Evidence, moment, initiative) if proof.version in counting]
    waivers = newest_of(history(store, Waiver, moment, initiative))
    findings = newest_of(history(store, Finding, moment, initiative))
    state = latest(store, InitiativeState, moment, initiative)
    made = history(store, ModelVersion, moment, initiative)
    freshest = sorted(proofs, key=lambda proof: proof.effective_on)
    return InitiativeFacts(
        initiative,
        classified.class_id,
        min(fact.recorded_at for fact in registered).date(),
        class_since(turns, moment.day),
        _version_on(stands, moment),
        {proof.measure: proof.effective_on for proof in freshest},
        {run.check_id: _proof(run) for run in runs},
        version=stands.current,
        people=frozenset({known.owner, known.builder} - {""}),
        evidence_keys={proof.measure: proof.content for proof in proofs},
        breaches={run.check_id: run.seq for run in runs if run.verdict == "fail"},
        sign_offs=_sign_offs(store, initiative, moment),
        waivers=tuple(waiver for waiver in waivers if waiver.state == "granted"),
        findings=tuple(finding for finding in findings if finding.state != "closed"),
        said=registered,
        retired_on=state.recorded_at.date() if state and state.state == "retired" else None,
        unconfirmed=review(store, classified, moment),
        met_on={
            one.signed_seq: one.recorded_at.date() for one in history(store, ConditionMet, moment, initiative)
        },
        task=next((one.task for one in made if one.version == stands.current), None),
    )


def reviews(store: Store, moment: Moment, initiative: str = "") -> Iterator[tuple[Classification, Review]]:
    """Each newest classification, of one initiative or all, and whether a second person is to look at it."""
    classified = newest(store, Classification, moment, initiative)
    confirmed = {one.initiative: one for one in newest(store, ClassConfirmation, moment, initiative)}
    drawn = [one.seq for one in classified if 0 < one.review_percent < 100]
    rows = fetch(store.cursor(), _DIGESTS, {"entries": drawn}) if drawn else []
    digests = {row["seq"]: str(row["digest"]) for row in rows}
    for one in classified:
        yield one, review_of(one, digests.get(one.seq, ""), confirmed.get(one.initiative))


_DIGESTS = "SELECT seq, digest FROM record WHERE list_contains($entries::BIGINT[], seq)"


def review(store: Store, classified: Classification, moment: Moment) -> Review:
    """Whether a second person has still to look at a classification."""
    return next(waits for _, waits in reviews(store, moment, classified.initiative))


def _version_on(stands: VersionStanding, moment: Moment) -> date | None:
    """Day from which what belongs to a version is due: while all there were are retired, each day anew."""
    if stands.current_since is None and "retired" in stands.states.values():
        return moment.day
    return stands.current_since.date() if stands.current_since else None


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
        frozenset(one for one in demands if not one.startswith(LIMIT)),
        json.loads(said.evidence),
        said.class_id,
        said.condition,
        said.condition_due,
        limit_in(demands),
    )


_CONTENT = asking(
    """
    , content AS (
        SELECT initiative, 'Same model file' AS what, artifact_sha256 AS sha256
        FROM model_version WHERE seq <= $seq
        UNION ALL
        SELECT initiative, 'Same model file', artifact_sha256 FROM version_amendment WHERE seq <= $seq
        UNION ALL
        SELECT initiative, 'Same training data', data_sha256 FROM model_version WHERE seq <= $seq
        UNION ALL
        SELECT initiative, 'Same training data', data_sha256 FROM version_amendment WHERE seq <= $seq
        UNION ALL
        SELECT initiative, 'Same batch of predictions', sha256 FROM counting_batch
    ), own AS (SELECT DISTINCT what, sha256 FROM content WHERE initiative = $initiative AND sha256 <> '')
    SELECT DISTINCT o.initiative, c.class_id, i.domain, i.reading, o.what FROM content o
    JOIN own USING (what, sha256) JOIN current_classification c ON c.initiative = o.initiative
    JOIN current_initiative i ON i.initiative = o.initiative
    WHERE o.initiative <> $initiative AND list_contains($classes::VARCHAR[], c.class_id)
    ORDER BY o.initiative, o.what
    """,
    "current",
)
_PURPOSES = asking(
    "SELECT initiative, purpose, class_id, domain, reading FROM current_initiative "
    "JOIN current_classification USING (initiative) "
    "WHERE initiative <> $initiative AND list_contains($classes::VARCHAR[], class_id) ORDER BY initiative",
    "current",
)


@dataclass(frozen=True)
class Twin:
    """Another initiative that is the same in something, its class, and what says who may read it."""

    initiative: str
    class_id: str
    domain: str
    reading: str
    what: str


def twins(
    store: Store, initiative: str, purpose: str, share: float, classes: Iterable[str], moment: Moment
) -> list[Twin]:
    """Initiatives of some classes with content of the same digest, or with at least such a share of words."""
    values = {**moment_values(moment), "initiative": initiative, "classes": list(classes)}
    same = [Twin(**row) for row in fetch(store.cursor(), _CONTENT, values)]
    return same + [
        Twin(**row, what="Almost the same purpose")
        for row in fetch(store.cursor(), _PURPOSES, values)
        if words_shared(purpose, row.pop("purpose")) >= share
    ]


def involved_people(store: Store, initiative: str, version: str | None, moment: Moment) -> dict[str, str]:
    """Person id -> what they did that keeps them from signing: their part in what is signed.

    Whoever owns, builds or registered it, or once did; who submitted what is signed, made its version the
    current one, wrote its documents, or set the business KPI that it is measured by.
    """
    submitted: tuple[Evidence | ModelVersion | VersionAmendment | PredictionBatch, ...] = (
        *history(store, Evidence, moment, initiative),
        *history(store, ModelVersion, moment, initiative),
        *history(store, VersionAmendment, moment, initiative),
        *history(store, PredictionBatch, moment, initiative),
    )
    people = {one.actor: "set its business KPI" for one in history(store, BusinessKpi, moment, initiative)}
    written = history(store, DocumentText, moment, initiative)
    people |= {text.actor: "wrote in its documents" for text in written}
    people |= {
        turn.actor: "made its version the current one"
        for turn in history(store, VersionState, moment, initiative)
        if (turn.version, turn.state) == (version, "champion")
    }
    people |= {
        fact.actor: "submitted what is to be signed" for fact in submitted if fact.version in (None, version)
    }
    return people | owners_and_builders(store, initiative, moment)


def owners_and_builders(store: Store, initiative: str, moment: Moment) -> dict[str, str]:
    """Person id -> whether they own, build or registered an initiative, or once did, or act for its owner.

    Who acted for an owner, and did something on the initiative meanwhile, is one of them for good.
    """
    people: dict[str, str] = {}
    for place, known in enumerate(history(store, Initiative, moment, initiative)):
        people |= {known.actor: "registered it"} if not place else {}
        people |= {known.builder: "builds it or built it"}
        people |= {known.owner: "owns it or owned it"}
    people.pop("", None)
    acting = [one for one in history(store, Deputy, moment) if one.person in people]
    deputies = {one.deputy for one in newest_of(acting) if one.holds_on(moment.day)}
    if acting:
        deputies |= _did_for(store, initiative, moment, acting)
    return dict.fromkeys(deputies, "acts or acted for its owner") | people


def _did_for(store: Store, initiative: str, moment: Moment, acting: Sequence[Deputy]) -> set[str]:
    """Who did something on an initiative on days on which they acted for an owner of it."""
    query = """SELECT DISTINCT actor, recorded_at::DATE AS day FROM record
        WHERE seq <= $seq AND split_part(subject, '/', 1) = $initiative AND list_contains($people, actor)"""
    people = [one.deputy for one in acting]
    did = fetch(store.cursor(), query, {"seq": moment.seq, "initiative": initiative, "people": people})
    days = {(row["actor"], row["day"]) for row in did}
    return {who for who, day in days for one in acting if one.deputy == who and one.holds_on(day)}


def parts_in(store: Store, initiative: str, moment: Moment) -> dict[str, str]:
    """Person id -> what part they have or had in an initiative: it is theirs, or their work.

    Owners, builders and whoever registered it; who made or promoted any version, or wrote in its documents.
    """
    submitted: tuple[ModelVersion | VersionAmendment, ...] = (
        *history(store, ModelVersion, moment, initiative),
        *history(store, VersionAmendment, moment, initiative),
    )
    turns = history(store, VersionState, moment, initiative)
    people = {
        text.actor: "wrote in its documents" for text in history(store, DocumentText, moment, initiative)
    }
    people |= {turn.actor: "promoted a version of it" for turn in turns if turn.state == "champion"}
    people |= {one.actor: "made a version of it" for one in submitted}
    return people | owners_and_builders(store, initiative, moment)


def registration(store: Store, initiative: str, moment: Moment) -> Registration | None:
    """The initiative as registered last, with its classification; None where it is not registered."""
    registered = history(store, Initiative, moment, initiative)
    classified = latest(store, Classification, moment, initiative)
    if not registered or classified is None:
        return None
    known, names = registered[-1], names_of(store, moment)
    classified = classified.on(moment.day)
    answers = {question: tuple(chosen) for question, chosen in json.loads(known.answers).items()}
    return Registration(
        **{**values_of(classified), **values_of(known), "answers": answers},  # type: ignore[arg-type]
        registered_at=registered[0].recorded_at,
        classified_by=classified.actor,
        owner_name=names[known.owner],
        builder_name=names[known.builder],
    )


_REQUIREMENTS = asking(
    "SELECT s.*, i.name, i.domain, i.team, i.kind, i.owner, coalesce(d.name, i.owner) AS owner_name "
    "FROM requirement_state s JOIN current_initiative i USING (initiative) "
    "LEFT JOIN directory d ON d.actor = i.owner "
    "ORDER BY s.initiative, s.step, s.requirement",
    "current",
)
_GATES = asking(
    "SELECT g.* EXCLUDE (key), d.outcome AS decided, d.recorded_at AS decided_at FROM gate_state g "
    "LEFT JOIN current_decision d USING (initiative, gate) ORDER BY g.initiative, g.step",
    "current",
)
_INVENTORY = asking(
    """
    , tally AS (
        SELECT initiative, count(*) AS asked, count(*) FILTER (satisfied) AS satisfied,
            count(*) FILTER (overdue) AS overdue, count(*) FILTER (status = 'expiring') AS expiring,
            count(*) FILTER (status = 'failed') AS failed, count(*) FILTER (waived) AS waived
        FROM requirement_state GROUP BY initiative
    ), passage AS (
        SELECT g.initiative, count(*) AS gates, count(*) FILTER (d.outcome = 'open') AS passed,
            arg_min(g.gate, g.step) FILTER (d.outcome IS DISTINCT FROM 'open') AS next_gate
        FROM gate_state g LEFT JOIN current_decision d USING (initiative, gate) GROUP BY g.initiative
    ), looked AS (
        SELECT c.initiative, max(r.verdict) FILTER (r.check_id = 'bias_limit') AS bias,
            max(r.verdict) FILTER (r.check_id = 'decay_alert') AS decay
        FROM newest_run r JOIN classified c USING (key) GROUP BY c.initiative
    ), activity AS (
        SELECT split_part(subject, '/', 1) AS initiative, max(recorded_at) AS last_activity
        FROM record WHERE seq <= $seq GROUP BY 1
    )
    SELECT i.initiative, i.name, i.purpose, i.domain, i.team, i.owner,
        coalesce(d.name, i.owner) AS owner_name, r.registered_at,
        i.kind, c.class_id, nullif(c.computed_class_id, c.class_id) AS answers_class_id, c.mode_id, v.version,
        v.task, coalesce(n.live, false) AS live,
        p.next_gate, coalesce(p.gates, 0) AS gates, coalesce(p.passed, 0) AS passed,
        coalesce(t.asked, 0) AS asked, coalesce(t.satisfied, 0) AS satisfied,
        coalesce(t.overdue, 0) AS overdue, coalesce(t.expiring, 0) AS expiring,
        coalesce(t.failed, 0) AS failed, coalesce(t.waived, 0) AS waived, l.bias, l.decay, a.last_activity,
        s.initiative IS NOT NULL AS retired
    FROM current_initiative i
    JOIN registration r USING (initiative)
    JOIN current_classification c USING (initiative)
    LEFT JOIN current_version v USING (initiative)
    LEFT JOIN tally t USING (initiative)
    LEFT JOIN passage p USING (initiative)
    LEFT JOIN current_live n USING (initiative)
    LEFT JOIN looked l USING (initiative)
    LEFT JOIN activity a USING (initiative)
    LEFT JOIN directory d ON d.actor = i.owner
    LEFT JOIN retired s ON s.initiative = i.initiative
    ORDER BY i.name
    """,
    "current",
    "live",
)


@remembered(room=32)
def requirement_lines(store: Store, policy: Policy, moment: Moment) -> tuple[RequirementLine, ...]:
    """Every requirement of every initiative with its status on the moment's day."""
    return standing(store, policy, moment).fetch_as(RequirementLine, _REQUIREMENTS, "requirement_state")


def gate_lines(store: Store, policy: Policy, moment: Moment) -> tuple[GateLine, ...]:
    """Every gate of every initiative: its outcome if decided now, and what was decided last."""
    return standing(store, policy, moment).fetch_as(GateLine, _GATES, "gate_state")


@remembered(room=32)
def inventory_lines(
    store: Store, policy: Policy, moment: Moment, live_gates: LiveGates
) -> tuple[InventoryLine, ...]:
    """Every initiative by name: who, class, version, progress, and what is off."""
    tables = ("newest_run", "requirement_state", "gate_state")
    rows = standing(store, policy, moment).fetch(_INVENTORY, *tables, live_gates=live_gates)
    gates = {gate.id: gate.title for gate in policy.gates}
    return tuple(
        InventoryLine(
            **row,
            class_title=policy.class_title(row["class_id"]),
            kind_title=policy.kind(row["kind"]).title,
            next_gate_title=gates.get(row["next_gate"]),
        )
        for row in rows
    )
