"""Asking for signatures, signing, taking it back, and in whose place. Nobody signs their own work."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import Field

from core.domain.actors import Actor
from core.domain.chain import canonical
from core.domain.errors import BadInput, Conflict, Forbidden, NotFound
from core.domain.facts.process import (
    ConditionMet,
    Delegation,
    DemandSet,
    SignOff,
    SignOffActKind,
    SignOffOutcome,
)
from core.domain.facts.record import Membership
from core.domain.facts.recorded import Signed, entry_of, named
from core.domain.facts.work import TrainingAttestation
from core.domain.given import option
from core.domain.life_cycles import SIGN_OFF
from core.domain.moment import Moment
from core.domain.policy.policy import Gate, Policy, SignOffPlan
from core.domain.policy.requirement_list import LIMIT, demands_digest, demands_of, plan_at
from core.domain.process.commands import (
    DelegateSignOff,
    EndDelegation,
    GiveFeedback,
    MeetCondition,
    RequestSignOff,
    SignGate,
    WithdrawSignature,
)
from core.domain.process.facts import InitiativeFacts, SignOffAct
from core.domain.process.gates import find_gate
from core.domain.process.requirements import requirement_states
from core.domain.process.sign_offs import SignOffState, SignOffStatus, limit_at, sign_off_state
from core.lake import directory
from core.lake.facts import history, latest, newest
from core.lake.process.inventory import involved_people
from core.services.case import Case, begin, facts_of
from core.services.governance import Governance


@dataclass(frozen=True, kw_only=True)
class DelegationLine(Signed, Delegation):
    """A delegation as people read it."""

    delegate_name: str


def delegate_sign_off(governance: Governance, command: DelegateSignOff) -> None:
    """Let somebody sign in one's place in a role, through a last day.

    Who signs by delegation may not hand it on, and signs nothing that either of the two had a part in.

    Raises
    ------
    Forbidden, NotFound
        The actor does not have the role; nobody is called so.
    BadInput
        To oneself, to a day that has passed, or for longer than the policy allows.
    """
    case = begin(governance, command)
    if command.role not in command.actor.roles:
        raise Forbidden(
            f"{command.actor.name or case.actor} does not have the role "
            f"{case.rules.roles.title(command.role)}",
            remedy="Delegate a role of your own.",
        )
    delegate = governance.person(command.delegate)
    if delegate.id == case.actor:
        raise BadInput("nobody delegates to themselves", where="delegate", remedy="Name somebody else.")
    _require_trained(case, delegate, command.role)
    today, longest = case.moment.day, case.policy.delegation_days
    if not today <= command.until <= today + timedelta(days=longest):
        raise BadInput(
            f"a delegation lasts from today to at most {longest} days, not until {command.until}",
            where="until",
            remedy=f"Choose a day up to {today + timedelta(days=longest)}.",
        )
    given = Delegation(
        delegate=delegate.id,
        role=command.role,
        until=command.until,
        reason=command.reason,
    )
    case.put("signature_delegated", given)


def _require_trained(case: Case, delegate: Actor, role: str) -> None:
    """Who signs in somebody's place signs at gates too, and has every training that the role asks for."""
    roles, trainings = case.rules.roles, case.rules.trainings.asked_of((role,))
    if not set(delegate.roles) & set(roles.allowed_roles("sign_gate")):
        raise Forbidden(
            f"{delegate.name} has no role that signs at gates",
            where="delegate",
            remedy="Choose somebody who signs at gates themselves.",
        )
    attested = {
        one.training: one.valid_until
        for one in newest(case.governance.store, TrainingAttestation, case.moment)
        if one.person == delegate.id
    }
    lacking = [one.title for one in trainings if attested.get(one.id, date.min) < case.moment.day]
    if lacking:
        raise Forbidden(
            f"{delegate.name} lacks what the role {roles.title(role)} asks for: {', '.join(lacking)}",
            where="delegate",
            remedy="Let them attest it on the page Training first, or choose somebody else.",
        )


def end_delegation(governance: Governance, command: EndDelegation) -> None:
    """End a delegation of one's own before its last day; what was signed under it stands."""
    case = begin(governance, command)
    if not may_sign_for(governance, case.moment, case.actor, command.delegate, command.role):
        raise Conflict("there is no such delegation", where="delegate", remedy="Nothing has to be ended.")
    ended = Delegation(delegate=command.delegate, role=command.role, until=case.moment.day, given=False)
    case.put("delegation_ended", ended)


def may_sign_for(governance: Governance, moment: Moment, delegator: str, delegate: str, role: str) -> bool:
    """Whether somebody may sign for somebody else in a role today; the last day counts."""
    return any(
        (one.actor, one.delegate, one.role) == (delegator, delegate, role)
        for one in standing_delegations(governance, moment)
    )


def standing_delegations(
    governance: Governance,
    moment: Moment,
    *,
    person: Annotated[
        str, Field(description="Given by or to whom; empty lists all."), option("--person")
    ] = "",
) -> list[DelegationLine]:
    """List the delegations that hold.

    One ends with the role of who gave it, when they move to another team, and when either leaves; it does
    not come back with the role.
    """
    names, moves = directory.names(governance.store, moment), history(governance.store, Membership, moment)
    return [
        named(DelegationLine, one, names, delegate_name=names[one.delegate])
        for one in newest(governance.store, Delegation, moment)
        if one.given and one.until >= moment.day and person in ("", one.actor, one.delegate)
        if _has_it_still(one, moves)
    ]


def _has_it_still(given: Delegation, moves: Sequence[Membership]) -> bool:
    """Whether nothing has come on record since by which a delegation ended."""
    since = [one for one in moves if one.seq > given.seq and one.person in (given.actor, given.delegate)]
    own = [one for one in since if one.person == given.actor]
    teams = [one.team for one in moves if one.person == given.actor and one.seq < given.seq][-1:]
    teams += [one.team for one in own]
    kept = all(one.roles is None or given.role in one.roles for one in own)
    return (
        kept
        and len({team for team in teams if team is not None}) <= 1
        and not any(one.has_left for one in since)
    )


@dataclass(frozen=True)
class Table:
    """What lies on the table when somebody signs: the gate, its plan, where it stands, and who is barred."""

    policy: Policy
    moment: Moment
    facts: InitiativeFacts
    gate: Gate
    plan: SignOffPlan
    state: SignOffState
    involved: dict[str, str]


def request_sign_off(governance: Governance, command: RequestSignOff) -> None:
    """Ask for the signatures of a gate; what was signed in an earlier round no longer counts."""
    case = begin(governance, command)
    table = _table(case, command.gate, "requested")
    _put(case, table, "requested", "", "", "", command.note)


def give_feedback(governance: Governance, command: GiveFeedback) -> None:
    """Put an opinion on record before anybody decides.

    Raises
    ------
    NotFound, BadInput
        The role is not asked; an issue without a reason.
    Conflict
        Nobody asked, or the round is over.
    """
    case = begin(governance, command)
    table = _table(case, command.gate, "feedback")
    if command.role not in table.plan.feedback:
        asked = ", ".join(case.rules.roles.title(role) for role in table.plan.feedback) or "nobody"
        raise BadInput(
            f"no feedback is asked of '{command.role[:40]}' at this gate", remedy=f"It is asked of: {asked}."
        )
    _require_seat(governance, table, command.actor, command.role, command.on_behalf_of)
    if command.outcome != "approved" and not command.reason:
        raise BadInput("an issue needs its reason", where="reason", remedy="Say what the issue is.")
    _put(case, table, "feedback", command.outcome, command.role, command.on_behalf_of, command.reason)


def sign_gate(governance: Governance, command: SignGate) -> SignOffStatus:
    """Approve, reject or abandon; return where the sign-off stands then.

    An approval is given when everything else at the gate is proved or waived. It is bound to what was seen:
    the model version, the evidence by content, and what the policy asks for.

    Raises
    ------
    Forbidden
        The actor may not sign here: not the role, no delegation, or it is their own work.
    BadInput
        A reason is missing, feedback is missing, or something at the gate is not proved yet.
    Conflict
        Nobody asked, the round is over, it is another role's turn, or this person has answered already.
    """
    case = begin(governance, command)
    table = _table(case, command.gate, "decided")
    _require_role_asked(governance, table, command.role)
    _require_seat(governance, table, command.actor, command.role, command.on_behalf_of)
    _require_first_answer(table, command)
    _require_reason(table, command)
    if command.outcome == "approved":
        _require_turn(governance, table, command.role)
        _require_proved(table)
    given = _conditions(table, command)
    _put(case, table, "decided", command.outcome, command.role, command.on_behalf_of, command.reason, **given)
    later = lay_table(governance, command.initiative, command.gate, governance.present(command.at))
    return later.state.status


def _conditions(table: Table, command: SignGate) -> dict[str, Any]:
    """What an approval rests on, and its limits of use."""
    today, due = table.moment.day, command.condition_due
    if bool(command.condition) != (due is not None) or (due is not None and due < today):
        raise BadInput(
            "a condition needs a day from today on by which it is met, and a day its condition",
            where="condition",
            remedy="Give both, or neither.",
        )
    given = {"condition": command.condition, "condition_due": due, "limits": command.limits}
    if any(given.values()) and command.outcome != "approved":
        raise BadInput(
            f"who says '{command.outcome}' sets no condition and no limits",
            where="condition",
            remedy="Say it in the reason.",
        )
    return given


def meet_condition(governance: Governance, command: MeetCondition) -> None:
    """Put on record that the condition of an approval is met.

    Raises
    ------
    Forbidden
        The actor owns, builds or registered it, or once did.
    NotFound
        Nobody approved on a condition that is still to be met.
    """
    case = begin(governance, command)
    case.require_independent("say that a condition is met of")
    waiting = {said.signed_seq for said in case.newest(ConditionMet)}
    table = lay_table(governance, command.initiative, command.gate, case.moment)
    given = [signature.given for signature in table.state.signatures]
    open_ones = [act for act in given if act.condition and act.seq not in waiting and act.act == "decided"]
    found = next((act for act in open_ones if command.signer in (act.actor, act.seat)), None)
    if found is None:
        raise NotFound(
            f"no approval of '{command.signer[:40]}' waits for a condition here",
            where=command.gate,
            remedy="'governance sign-off show' says who approved on which condition.",
        )
    met = ConditionMet(
        initiative=command.initiative, gate=command.gate, signed_seq=found.seq, note=command.note
    )
    case.put("condition_met", met, unless_changed=True)


def withdraw_signature(governance: Governance, command: WithdrawSignature) -> None:
    """Take one's own answer back; it stays on record."""
    case = begin(governance, command)
    table = lay_table(governance, command.initiative, command.gate, case.moment)
    own = [s.given for s in table.state.signatures if (s.given.actor, s.given.act) == (case.actor, "decided")]
    SIGN_OFF.to("withdrawn").require_state("decided" if own else "", {"gate": command.gate})
    _put(case, table, "withdrawn", "", own[-1].role, own[-1].on_behalf_of, command.reason)


def lay_table(governance: Governance, initiative: str, gate_id: str, moment: Moment) -> Table:
    """Gather what a gate's sign-off rests on."""
    facts = facts_of(governance, initiative, moment)
    policy = governance.policy(moment).of(facts.kind)
    gate = find_gate(policy, facts.class_id, gate_id)
    plan = plan_at(policy, facts.class_id, gate_id)
    if plan is None:
        raise NotFound(
            f"nobody signs at “{gate.title}” for class {policy.class_title(facts.class_id)}",
            where=initiative,
            remedy="Ask for a decision; it needs no signature.",
        )
    state = sign_off_state(policy, plan, gate, facts, moment.day)
    involved = involved_people(governance.store, initiative, facts.version, moment)
    return Table(policy, moment, facts, gate, plan, state, involved)


def _table(case: Case, gate: str, act: SignOffActKind) -> Table:
    """What lies on the table of a gate, if this act is one to follow now."""
    table = lay_table(case.governance, case.facts.initiative, gate, case.moment)
    words = {"gate": gate, "lapses": "; ".join(table.state.lapses)}
    SIGN_OFF.to(act).require_state(table.state.status, words)
    return table


def _title(governance: Governance, table: Table, role: str) -> str:
    return governance.rules(table.moment).roles.title(role)


def _require_role_asked(governance: Governance, table: Table, role: str) -> None:
    if not table.plan.quorum(role):
        asked = ", ".join(_title(governance, table, known.role) for known in table.plan.approvals)
        raise BadInput(
            f"no signature of '{role[:40]}' is asked for at this gate", remedy=f"Asked for: {asked}."
        )


def _require_seat(governance: Governance, table: Table, actor: Actor, role: str, behalf: str) -> None:
    """Whoever signs has the role, by themselves or by delegation, and no part in what is signed."""
    title = _title(governance, table, role)
    if not behalf and role not in actor.roles:
        raise Forbidden(
            f"{actor.name or actor.id} does not have the role {title}",
            where=table.gate.id,
            remedy=f"Ask somebody with the role {title}, or let them delegate it.",
        )
    if behalf:
        _require_delegation(governance, table, actor, role, behalf)
    for person in dict.fromkeys((actor.id, behalf or actor.id)):
        name = governance.person(person).name if person != actor.id else actor.name or actor.id
        words = {"person": name, "initiative": table.facts.initiative}
        SIGN_OFF.to("decided").require_apart(person, table.involved, words)


def _require_delegation(governance: Governance, table: Table, actor: Actor, role: str, behalf: str) -> None:
    delegator = governance.person(behalf)
    if behalf == actor.id or not may_sign_for(governance, table.moment, behalf, actor.id, role):
        raise Forbidden(
            f"{delegator.name} has not delegated the role {_title(governance, table, role)} to "
            f"{actor.name or actor.id}, or no longer",
            where=table.gate.id,
            remedy="Ask for a delegation that lasts until today or longer.",
        )
    if role not in delegator.roles:
        raise Forbidden(
            f"{delegator.name} does not have the role {_title(governance, table, role)} any more",
            where=table.gate.id,
            remedy="Sign for somebody who has it.",
        )


def _require_first_answer(table: Table, command: SignGate) -> None:
    seat = command.on_behalf_of or command.actor.id
    for signature in table.state.signatures:
        given = signature.given
        if given.act != "decided":
            continue
        if {given.actor, given.seat} & {command.actor.id, seat}:
            raise Conflict(
                f"this person answered at this gate already: {given.outcome}",
                where=table.gate.id,
                remedy="The first answer stands; withdraw it first if it is to change.",
            )


def _require_reason(table: Table, command: SignGate) -> None:
    if command.outcome != "approved" and not command.reason:
        raise BadInput(f"who says '{command.outcome}' gives a reason", where="reason", remedy="Say why.")
    if command.outcome == "approved" and table.state.issues and not command.reason:
        raise BadInput(
            "feedback raised an issue, and who approves against it says why",
            where="reason",
            remedy="Give the reason.",
        )


def _require_turn(governance: Governance, table: Table, role: str) -> None:
    if table.state.feedback_missing:
        titles = ", ".join(_title(governance, table, known) for known in table.state.feedback_missing)
        raise Conflict(
            f"feedback is still missing of: {titles}", where=table.gate.id, remedy="Wait for it, then sign."
        )
    if table.plan.order != "ordered":
        return
    missing = dict(table.state.missing)
    for approval in table.plan.approvals:
        if approval.role == role:
            return
        if approval.role in missing:
            raise Conflict(
                f"it is the turn of {_title(governance, table, approval.role)}",
                where=table.gate.id,
                remedy="Sign when they have signed.",
            )


def _require_proved(table: Table) -> None:
    """A signature is the last word at a gate: the rest has to be proved, or waived."""
    last = table.policy.step_order[table.gate.step]
    open_ones = [
        state.requirement.title
        for state in requirement_states(table.policy, table.facts, table.moment.day)
        if table.policy.step_order[state.requirement.step] <= last
        and not state.satisfied
        and not (state.requirement.sign_off and state.requirement.sign_off.gate == table.gate.id)
    ]
    open_ones += [
        f"finding {found.finding}"
        for found in table.facts.findings
        if found.severity != "minor" and table.policy.step_order.get(found.step, 0) <= last
    ]
    if open_ones:
        raise BadInput(
            f"not everything at this gate is proved: {', '.join(open_ones[:4])}"
            + (f" and {len(open_ones) - 4} more" if len(open_ones) > 4 else ""),
            where=table.gate.id,
            remedy="Approve when the rest is proved or waived; or reject with a reason.",
        )


def _put(
    case: Case,
    table: Table,
    act: SignOffActKind,
    outcome: SignOffOutcome,
    role: str,
    on_behalf_of: str,
    reason: str,
    **given: Any,
) -> None:
    """Put an act on record with what it saw: version, evidence by content, demands and ethical limit."""
    demands = demands_of(table.policy, table.facts.class_id, table.gate)
    limit = limit_at(table.policy, table.gate, table.facts)
    demands |= {f"{LIMIT}{limit}"} if limit else set()
    evidence = canonical(dict(table.facts.evidence_keys))
    said = SignOff(
        initiative=table.facts.initiative,
        gate=table.gate.id,
        act=act,
        outcome=outcome,
        role=role,
        on_behalf_of=on_behalf_of,
        reason=reason,
        version=table.facts.version,
        class_id=table.facts.class_id,
        policy_version=table.policy.version,
        demands_sha256=demands_digest(demands),
        evidence=evidence,
        evidence_sha256=hashlib.sha256(evidence.encode()).hexdigest(),
        **given,
    )
    entries = [entry_of(SIGN_OFF.to(act).action, said)]
    if latest(case.governance.store, DemandSet, case.moment, sha256=said.demands_sha256) is None:
        known = DemandSet(sha256=said.demands_sha256, demands=tuple(sorted(demands)))
        entries.insert(0, entry_of("demands_recorded", known))
    case.append(entries, unchanged=(said.initiative,))


def latest_decision(acts: tuple[SignOffAct, ...]) -> SignOffAct | None:
    """The last approval or refusal of a gate in any round, or None."""
    return next((act for act in reversed(acts) if act.act == "decided"), None)
