"""Where the sign-off of a gate stands, whose signatures still hold, and why others have lapsed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from core.domain.policy.policy import Gate, Policy, SignOffPlan
from core.domain.policy.requirement_list import asked_at, covers, demands_of, is_limited
from core.domain.process.facts import InitiativeFacts, SignOffAct


class SignOffStatus(StrEnum):
    """Where a sign-off stands."""

    NOT_STARTED = "not_started"
    WAITING_FOR_FEEDBACK = "waiting_for_feedback"
    WAITING_FOR_APPROVAL = "waiting_for_approval"
    APPROVED = "approved"
    REJECTED = "rejected"
    ABANDONED = "abandoned"
    LAPSED = "lapsed"


@dataclass(frozen=True)
class Signature:
    """The latest answer of one person in this round; `lapses` says why it no longer holds."""

    given: SignOffAct
    lapses: tuple[str, ...]
    expires_on: date | None

    @property
    def holds(self) -> bool:
        """Whether it counts as an approval now."""
        return self.given.act == "decided" and self.given.outcome == "approved" and not self.lapses


@dataclass(frozen=True)
class SignOffState:
    """The sign-off of one gate on one day.

    Attributes
    ----------
    acts
        This round: everything since the sign-off was asked for last.
    signatures
        Latest answer of each person in this round, oldest first.
    missing
        Role and number of people who still have to approve, in the plan's order.
    feedback_missing
        Roles whose opinion is still needed.
    expires_on
        First day's end after which it no longer stands; None if it does not stand, or stands for good.
    stale
        Why the request itself no longer holds.
    """

    gate: Gate
    plan: SignOffPlan
    status: SignOffStatus
    acts: tuple[SignOffAct, ...]
    signatures: tuple[Signature, ...]
    missing: tuple[tuple[str, int], ...]
    feedback_missing: tuple[str, ...]
    expires_on: date | None
    stale: tuple[str, ...] = ()

    @property
    def lapses(self) -> tuple[str, ...]:
        """Why approvals of this round no longer hold, each reason once."""
        signed = (reason for signature in self.signatures for reason in signature.lapses)
        return tuple(dict.fromkeys((*signed, *self.stale)))

    @property
    def issues(self) -> tuple[SignOffAct, ...]:
        """Feedback of this round that raised an issue and was not taken back by its author."""
        latest: dict[str, SignOffAct] = {}
        for act in self.acts:
            if act.act == "feedback":
                latest[act.seat] = act
        return tuple(act for act in latest.values() if act.outcome != "approved")


def sign_off_state(
    policy: Policy, plan: SignOffPlan, gate: Gate, facts: InitiativeFacts, day: date
) -> SignOffState:
    """Work out where the sign-off of a gate stands on a day.

    A round begins when the sign-off is asked for; what was said before no longer counts. One rejection
    stands until somebody asks again. An approval counts while all that it saw is the same: the class, the
    model version, the evidence, what the policy asks for, the ethical limit, purpose, answers and owner of
    the initiative; while no breach came after it, it has not expired, its condition is met in time, and
    whoever gave it neither owns nor builds the initiative now. Feedback is heard while what it was given on
    is the same. A request that nobody met in the days that the policy gives it has to be made again.
    """
    policy, acts = policy.of(facts.kind), current_round(facts.sign_offs.get(gate.id, ()))
    signatures = tuple(
        Signature(act, _lapses(policy, plan, gate, facts, act, day), _expiry(plan, act))
        for act in _latest_answers(acts)
    )
    missing = tuple(
        (approval.role, lacking)
        for approval in plan.approvals
        if (lacking := approval.quorum - len(_holding(signatures, approval.role))) > 0
    )
    heard = {
        act.role
        for act in acts
        if act.act == "feedback" and not any(_unlike_then(policy, plan, gate, facts, act, day))
    }
    unheard = tuple(role for role in plan.feedback if role not in heard)
    stale = _stale(policy, acts, day) if missing else ()
    status = _status(acts, signatures, missing, unheard, stale)
    expires = _expires_on(plan, signatures) if status is SignOffStatus.APPROVED else None
    return SignOffState(gate, plan, status, acts, signatures, missing, unheard, expires, stale)


def _stale(policy: Policy, acts: tuple[SignOffAct, ...], day: date) -> tuple[str, ...]:
    """A round that nobody completed in time is over; `acts` begin with the request."""
    if not acts or acts[0].day + timedelta(days=policy.request_days) >= day:
        return ()
    return (f"it was asked for on {acts[0].day}, more than {policy.request_days} days ago",)


def current_round(acts: tuple[SignOffAct, ...]) -> tuple[SignOffAct, ...]:
    """Acts since the sign-off was asked for last; none where it never was."""
    asked = [place for place, act in enumerate(acts) if act.act == "requested"]
    return acts[asked[-1] :] if asked else ()


def _latest_answers(acts: tuple[SignOffAct, ...]) -> tuple[SignOffAct, ...]:
    latest: dict[str, SignOffAct] = {}
    for act in acts:
        if act.act in ("decided", "withdrawn"):
            latest[act.seat] = act
    return tuple(sorted(latest.values(), key=lambda act: act.seq))


def _holding(signatures: tuple[Signature, ...], role: str) -> list[Signature]:
    return [signature for signature in signatures if signature.holds and signature.given.role == role]


def _status(
    acts: tuple[SignOffAct, ...],
    signatures: tuple[Signature, ...],
    missing: tuple[tuple[str, int], ...],
    unheard: tuple[str, ...],
    stale: tuple[str, ...],
) -> SignOffStatus:
    given = [signature.given for signature in signatures if signature.given.act == "decided"]
    if any(act.outcome == "rejected" for act in given):
        return SignOffStatus.REJECTED
    if any(act.outcome == "abandoned" for act in given):
        return SignOffStatus.ABANDONED
    if not acts:
        return SignOffStatus.NOT_STARTED
    if not missing:
        return SignOffStatus.APPROVED
    if stale or any(signature.lapses for signature in signatures):
        return SignOffStatus.LAPSED
    return SignOffStatus.WAITING_FOR_FEEDBACK if unheard else SignOffStatus.WAITING_FOR_APPROVAL


def _lapses(
    policy: Policy, plan: SignOffPlan, gate: Gate, facts: InitiativeFacts, act: SignOffAct, day: date
) -> tuple[str, ...]:
    if act.act != "decided" or act.outcome != "approved":
        return ()
    return tuple(_reasons(policy, plan, gate, facts, act, day))


def _reasons(
    policy: Policy, plan: SignOffPlan, gate: Gate, facts: InitiativeFacts, act: SignOffAct, day: date
) -> Iterator[str]:
    yield from _unlike_then(policy, plan, gate, facts, act, day)
    for breach in policy.breaches:
        if breach.revalidate and facts.breaches.get(breach.check, 0) > act.seq:
            yield f"the check {breach.check.replace('_', ' ')} failed after it"
    if act.condition_due is not None and act.condition_due < day:
        met_on = facts.met_on.get(act.seq)
        if met_on is None or met_on > act.condition_due:
            yield f"its condition was not met by {act.condition_due}: {act.condition}"
    if facts.people & {act.actor, act.seat}:
        yield "whoever signed owns or builds the initiative now"


def _unlike_then(
    policy: Policy, plan: SignOffPlan, gate: Gate, facts: InitiativeFacts, act: SignOffAct, day: date
) -> Iterator[str]:
    """How what is on the table differs from what an answer saw, and whether the answer has expired."""
    if policy.steps[policy.step_order[gate.step]].per_version and act.version != facts.version:
        now = f"version {facts.version} is current" if facts.version else "no version is current"
        yield f"{now}, and version {act.version or '–'} was signed"
    if act.class_id not in ("", facts.class_id):
        yield "the class is another than the one that was signed"
    for measure in changed_evidence(policy, gate, facts, act):
        yield f"the evidence for “{policy.measures[measure].title}” has changed"
    if not covers(act.demands, policy, facts.class_id, gate):
        yield "the policy asks for something that was not asked for then"
    yield from _rewritten(facts, act)
    yield from _limit_moved(policy, gate, facts, act)
    expires = _expiry(plan, act)
    if expires is not None and expires < day:
        yield f"it expired on {expires}"


_SAID = {
    "kind": "it is another kind of model",
    "purpose": "the purpose was rewritten",
    "answers": "the answers were given anew",
    "owner": "it has another owner",
}
"""What is registered of an initiative and signed with it, and how its change is told."""


def _rewritten(facts: InitiativeFacts, act: SignOffAct) -> Iterator[str]:
    then = [said for said in facts.said if said.seq < act.seq][-1:]
    for field, told in _SAID.items():
        if then and getattr(then[0], field) != getattr(facts.said[-1], field):
            yield told


def limit_at(policy: Policy, gate: Gate, facts: InitiativeFacts) -> str:
    """The ethical limit that a gate rests on now, in words; empty where it asks for no check of one."""
    if facts.task is None or not is_limited(policy, facts.class_id, gate):
        return ""
    return policy.ethical_limit(facts.said[-1].domain if facts.said else "", facts.task)


def _limit_moved(policy: Policy, gate: Gate, facts: InitiativeFacts, act: SignOffAct) -> Iterator[str]:
    now = limit_at(policy, gate, facts)
    if act.limit and now and act.limit != now:
        yield f"the ethical limit moved: now {now}; signed was {act.limit}"


def changed_evidence(policy: Policy, gate: Gate, facts: InitiativeFacts, act: SignOffAct) -> tuple[str, ...]:
    """Measures asked for at the gate whose newest evidence is not what was signed."""
    measures = {m.id for r in asked_at(policy, facts.class_id, gate) for m in r.watched}
    return tuple(
        measure
        for measure in sorted(measures)
        if (key := facts.evidence_keys.get(measure)) is not None and act.evidence.get(measure) != key
    )


def _expiry(plan: SignOffPlan, act: SignOffAct) -> date | None:
    return act.day + timedelta(days=plan.valid_days) if plan.valid_days else None


def _expires_on(plan: SignOffPlan, signatures: tuple[Signature, ...]) -> date | None:
    """The day on which the first quorum is lost."""
    if plan.valid_days is None:
        return None
    lost = []
    for approval in plan.approvals:
        ends = sorted(
            (s.expires_on for s in _holding(signatures, approval.role) if s.expires_on), reverse=True
        )
        lost.append(ends[approval.quorum - 1])
    return min(lost)


def changes_since(policy: Policy, gate: Gate, facts: InitiativeFacts, act: SignOffAct) -> tuple[str, ...]:
    """List what is different from what was on the table at an earlier answer; empty where nothing is.

    Looks at class and model version, at purpose, answers, owner and ethical limit, at the evidence for every
    measure of the gate by content, at what the policy asks for, and at checks that failed since. It says
    nothing of words that changed without changing what is asked.
    """
    return tuple(_changes(policy.of(facts.kind), gate, facts, act))


def _changes(policy: Policy, gate: Gate, facts: InitiativeFacts, act: SignOffAct) -> Iterator[str]:
    per_version = policy.steps[policy.step_order[gate.step]].per_version
    if per_version and act.version != facts.version:
        yield f"Model version {facts.version or 'none'} instead of {act.version or 'none'}."
    if act.class_id not in ("", facts.class_id):
        yield f"Class {policy.class_title(facts.class_id)} instead of {policy.class_title(act.class_id)}."
    moved = (*_rewritten(facts, act), *_limit_moved(policy, gate, facts, act))
    yield from (f"{told[:1].upper()}{told[1:]}." for told in moved)
    yield from _evidence(policy, gate, facts, act)
    now = demands_of(policy, facts.class_id, gate)
    titles = {r.measure.id: r.measure.title for r in asked_at(policy, facts.class_id, gate)}
    for token in sorted(now - act.demands):
        yield f"Asked for now: {_asked(token, titles)}."
    gone = sorted(act.demands - now)
    if gone:
        yield f"Asked for then and not now: {', '.join(_asked(token, titles) for token in gone)}."
    for breach in policy.breaches:
        if breach.revalidate and facts.breaches.get(breach.check, 0) > act.seq:
            yield f"The check {breach.check.replace('_', ' ')} failed since."


def _evidence(policy: Policy, gate: Gate, facts: InitiativeFacts, act: SignOffAct) -> Iterator[str]:
    watched = {m.id: m.title for r in asked_at(policy, facts.class_id, gate) for m in r.watched}
    for measure, title in sorted(watched.items(), key=lambda item: item[1]):
        then, now = act.evidence.get(measure), facts.evidence_keys.get(measure)
        if then == now:
            continue
        if then is None:
            yield f"New evidence for “{title}”."
        elif now is None:
            yield f"The evidence for “{title}” no longer counts."
        else:
            yield f"Other evidence for “{title}”."


def _asked(token: str, titles: dict[str, str]) -> str:
    kind, _, rest = token.partition(":")
    if kind == "signed":
        role, _, quorum = rest.partition(":")
        return f"{quorum} signature(s) of {role.replace('_', ' ')}"
    if kind == "feedback":
        return f"feedback of {rest.replace('_', ' ')}"
    measure = token.partition("#")[0]
    return titles.get(measure, measure.replace("_", " "))
