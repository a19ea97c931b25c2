"""What the record holds of one initiative, and of the whole inventory at once, one query each."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

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
from core.domain.policy.checks import CheckTally
from core.domain.policy.kpis import KpiId
from core.domain.policy.policy import LiveGates, Policy
from core.domain.policy.requirement_list import LIMIT, limit_in, requirements_of
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
from core.lake.query import asking, fetch, fetch_as, moment_values
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
    "SELECT s.*, i.name, i.team, i.owner, coalesce(d.name, i.owner) AS owner_name "
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
        c.class_id, nullif(c.computed_class_id, c.class_id) AS answers_class_id, c.mode_id, v.version, v.task,
        coalesce(n.live, false) AS live,
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
            next_gate_title=gates.get(row["next_gate"]),
        )
        for row in rows
    )


_DEADLINES = """
    , proof_day AS (
        SELECT e.initiative, e.measure, min(e.recorded_at::DATE) AS first_on
        FROM counting_evidence e
        JOIN (SELECT measure FROM policy_proof WHERE check_id IS NULL AND gate IS NULL) USING (measure)
        GROUP BY e.initiative, e.measure
        UNION ALL
        SELECT r.initiative, p.measure, r.first_on
        FROM (SELECT initiative, check_id, min(recorded_at::DATE) AS first_on FROM counting_check_run
            WHERE verdict = 'pass' GROUP BY initiative, check_id) r
        JOIN policy_proof p USING (check_id)
        UNION ALL
        SELECT s.initiative, p.measure, s.signed_on
        FROM sign_off_state s JOIN policy_proof p USING (gate) WHERE s.severity <= 2
    ), measure_day AS (
        SELECT initiative, measure,
            CASE WHEN count(*) = any_value(w.wanted) THEN max(first_on) END AS first_on
        FROM proof_day JOIN proofs_wanted w USING (measure) GROUP BY initiative, measure
    ), deadline AS (
        SELECT s.initiative, s.requirement, s.due_on, s.class_place = 0 AS light,
            coalesce(min(m.first_on) <= s.due_on, false) AS on_time
        FROM ever_due s
        JOIN policy_asked a ON a.class_id = s.class_id AND a.requirement = s.requirement
        LEFT JOIN measure_day m ON m.initiative = s.initiative AND m.measure = a.measure
        WHERE s.due_on BETWEEN $since AND $until AND (s.asked OR s.due_on <= s.retired_on)
        GROUP BY s.initiative, s.requirement, s.due_on, light
    )
"""
_DEADLINES_MET = asking(
    _DEADLINES
    + """
    SELECT i.team, light, count(*) AS counted, count(*) FILTER (on_time) AS good
    FROM deadline JOIN current_initiative i USING (initiative) GROUP BY i.team, light ORDER BY i.team
    """,
    "current",
    "policy",
    "due",
)
_FIRST_TRIES = asking(
    """
    , asked AS (
        SELECT DISTINCT a.class_id, a.class_place, p.check_id
        FROM policy_asked a JOIN policy_proof p USING (measure) WHERE a.place = 0
    ), proven AS (SELECT DISTINCT initiative FROM evidence WHERE seq <= $seq)
    SELECT i.team, a.class_place = 0 AS light, count(*) AS counted,
        count(*) FILTER (c.verdict = 'pass') AS good
    FROM check_run c
    JOIN proven USING (initiative)
    JOIN current_initiative i USING (initiative)
    JOIN current_classification k USING (initiative)
    JOIN asked a ON a.class_id = k.class_id AND a.check_id = c.check_id
    WHERE c.seq <= $seq AND c.first_try AND c.version IS NOT NULL
        AND c.recorded_at::DATE BETWEEN $since AND $until
    GROUP BY i.team, light ORDER BY i.team
    """,
    "current",
    "policy",
)
_DAYS_TO_DEPLOYMENT = asking(
    """
    , opened AS (
        SELECT initiative, min(recorded_at) AS opened_at FROM production_turn
        WHERE state = 'deployed' AND role = 'production' GROUP BY initiative
    )
    SELECT date_diff('day', r.registered_at, opened_at) AS days
    FROM opened JOIN registration r USING (initiative) WHERE opened_at::DATE BETWEEN $since AND $day
    ORDER BY days
    """,
    "current",
    "live",
)
_MONITORED = asking(
    """
    SELECT i.initiative, bool_or(m.version IS NOT NULL) AS monitored FROM current_initiative i
    JOIN current_live l ON l.initiative = i.initiative AND l.live
    JOIN current_classification c ON c.initiative = i.initiative AND list_contains($classes, c.class_id)
    LEFT JOIN decay_chunk m
        ON m.initiative = i.initiative AND m.version = l.version AND m.seq <= $seq AND m.part = 'analysis'
    GROUP BY i.initiative
    """,
    "current",
    "live",
)

_CHECKS_OF_TEAM = asking(
    """
    , tries AS (
        SELECT check_id, count(*) AS first_tries, count(*) FILTER (verdict = 'pass') AS passes
        FROM check_run JOIN current_initiative i USING (initiative)
        WHERE check_run.seq <= $seq AND i.team = $team AND first_try
            AND check_run.recorded_at::DATE BETWEEN $since AND $day
        GROUP BY check_id
    ), latest AS (
        SELECT check_id, count(*) FILTER (verdict = 'pass') AS passing,
            count(*) FILTER (verdict = 'fail') AS failing,
            count(*) FILTER (verdict = 'cannot_tell') AS cannot_tell
        FROM current_check_run JOIN current_initiative i USING (initiative)
        WHERE i.team = $team GROUP BY check_id
    )
    SELECT check_id, coalesce(first_tries, 0) AS first_tries, coalesce(passes, 0) AS passes,
        coalesce(passing, 0) AS passing, coalesce(failing, 0) AS failing,
        coalesce(cannot_tell, 0) AS cannot_tell
    FROM tries FULL JOIN latest USING (check_id) ORDER BY check_id
    """,
    "current",
)


@dataclass(frozen=True, slots=True)
class Tally:
    """Of a team: what was counted and what of it was good; `light` is the lowest class, counted apart.

    A use case of the lowest class is registered in a minute and proves itself: counted with the others, a
    rank could be bought with empty ones.
    """

    counted: int = 0
    good: int = 0
    light_counted: int = 0
    light_good: int = 0


@remembered(room=32)
def first_tries(store: Store, policy: Policy, moment: Moment, window_days: int) -> dict[str, Tally]:
    """Team -> first runs of a check in the window, and how many of them passed.

    A run counts that looked at a model version, on an initiative for which something was proved by evidence,
    of a check that the policy of its day asks of the class: what nobody asked for is no try.
    """
    since = moment.day - timedelta(days=window_days)
    return _by_team(store, policy, moment, (since, moment.day), _FIRST_TRIES)


@remembered(room=32)
def deadlines(store: Store, policy: Policy, moment: Moment, window_days: int) -> dict[str, Tally]:
    """Team -> requirements that fell due in the window, and how many were proved by their day.

    What fell due on a day is what the policy of that day asked for; what fell due before a use case was
    retired stays counted.
    """
    span = moment.day - timedelta(days=window_days), moment.day - timedelta(days=1)
    return _by_team(store, policy, moment, span, _DEADLINES_MET, "sign_off_state")


def _by_team(
    store: Store, policy: Policy, moment: Moment, span: tuple[date, date], query: str, *tables: str
) -> dict[str, Tally]:
    """What a query counts, over the policies that held in a span."""
    found: dict[str, Tally] = {}
    for held, first, last in _held(policy, *span):
        for row in standing(store, held, moment).fetch(query, *tables, since=first, until=last):
            known, more = found.get(row["team"], Tally()), (row["counted"], row["good"])
            light, heavy = (more, (0, 0)) if row["light"] else ((0, 0), more)
            found[row["team"]] = Tally(
                known.counted + heavy[0],
                known.good + heavy[1],
                known.light_counted + light[0],
                known.light_good + light[1],
            )
    return found


def _held(policy: Policy | None, since: date, until: date) -> Iterator[tuple[Policy, date, date]]:
    """The policies that held in a span, each with its days: a deadline is judged by the rules of its day."""
    while policy is not None and since <= until:
        before, first = policy.before or (None, since)
        if first <= until:
            yield policy, max(first, since), until
        policy, until = before, min(until, first - timedelta(days=1))


def _window(moment: Moment, window_days: int) -> dict[str, Any]:
    return {**moment_values(moment), "since": moment.day - timedelta(days=window_days)}


def checks_of_team(store: Store, moment: Moment, team: str, window_days: int) -> list[CheckTally]:
    """Per check of a team: first tries and passes in the window, and the latest verdicts."""
    values = {**_window(moment, window_days), "team": team}
    return fetch_as(store.cursor(), CheckTally, _CHECKS_OF_TEAM, values)


@dataclass(frozen=True)
class Share:
    """A numerator over a denominator."""

    part: int
    whole: int


Figure = Share | int | list[int]
"""A ratio, a count, or the values of a median."""


@dataclass(frozen=True)
class Counted:
    """What the KPIs are counted from: the record up to a moment, and what is read of it once."""

    store: Store
    policy: Policy
    moment: Moment
    live_gates: LiveGates
    lines: Sequence[InventoryLine]
    trained: tuple[int, int]


def _days_to_deployment(at: Counted, window_days: int) -> list[int]:
    """Days from registration to the first time in production, if that began in the window."""
    values = {**_window(at.moment, window_days), "live_gates": at.live_gates}
    return [row["days"] for row in fetch(at.store.cursor(), _DAYS_TO_DEPLOYMENT, values)]


def _monitored_live(at: Counted) -> Share:
    """Of the live initiatives above the lowest class, those with estimates for the version in production."""
    classes = list(at.policy.class_order)[1:]
    values = {**moment_values(at.moment), "classes": classes, "live_gates": at.live_gates}
    rows = fetch(at.store.cursor(), _MONITORED, values)
    return Share(sum(row["monitored"] for row in rows), len(rows))


def _bias_within_limit(at: Counted) -> Share:
    """Of the versions whose class is asked for a bias check, those whose verdict is pass."""
    asked = {
        class_id
        for class_id in at.policy.class_order
        if any("bias_limit" in r.measure.checks for r in requirements_of(at.policy, class_id))
    }
    counted = [line for line in at.lines if line.class_id in asked and line.version is not None]
    return Share(sum(line.bias == "pass" for line in counted), len(counted))


def _of_all(teams: Mapping[str, Tally]) -> Share:
    return Share(sum(one.good for one in teams.values()), sum(one.counted for one in teams.values()))


def _deadlines_met(at: Counted, window_days: int) -> Share:
    return _of_all(deadlines(at.store, at.policy, at.moment, window_days))


FIGURES: Mapping[KpiId, Callable[[Counted, int], Figure]] = {
    "first_time_pass_rate": lambda at, days: _of_all(first_tries(at.store, at.policy, at.moment, days)),
    "deadlines_met": _deadlines_met,
    "in_policy": lambda at, _: Share(sum(not line.overdue for line in at.lines), len(at.lines)),
    "overdue_requirements": lambda at, _: sum(line.overdue for line in at.lines),
    "bias_within_limit": lambda at, _: _bias_within_limit(at),
    "monitored_live": lambda at, _: _monitored_live(at),
    "decay_alerts": lambda at, _: sum(line.decay == "fail" for line in at.lines),
    "days_to_deployment": _days_to_deployment,
    "trained_people": lambda at, _: Share(*at.trained),
    "waived_requirements": lambda at, _: sum(line.waived for line in at.lines),
}
"""KPI -> its figure at a moment, over the days of its window."""
