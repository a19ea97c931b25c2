"""Signatures in the simulation: asked for when the rest is proved, given, refused and asked for again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from core.domain.actors import Actor
from core.domain.errors import GovernanceError
from core.domain.policy.policy import Approval
from core.domain.process.commands import DelegateSignOff, GiveFeedback, RequestSignOff, SignGate
from core.services.governance import Governance
from core.services.process.delegations import delegate_sign_off
from core.services.process.gates import ask_gate
from core.services.process.sign_offs import Table, give_feedback, lay_table, request_sign_off, sign_gate

if TYPE_CHECKING:
    from data.demo.acts import World
    from data.demo.plans import InitiativePlan

Then = Callable[[datetime], None]
_REASONS = (
    "The reference period ends before the change of prices; show that the result holds after it.",
    "Two groups have fewer than a hundred rows. Say in the document what follows from that.",
    "The fallback for missing inputs is not described, and it decides one case in fifty.",
    "The business case names a volume that the load test did not reach.",
)
_ISSUES = (
    "The alert on missing inputs has nobody on call at weekends.",
    "The job takes longer than the window it has on the last day of a month.",
    "The rollback was written down but not tried.",
)
_TRIES = 3


@dataclass(frozen=True)
class Round:
    """One round of signatures: for what, from whom, and what happens when they are there."""

    plan: InitiativePlan
    gate: str
    then: Then
    tries: int = 1

    def rng(self, what: str, at: datetime) -> Random:
        """Draws of this round: the same plan at the same time draws the same."""
        return Random(f"{self.plan.seed}/{self.plan.key}/{self.gate}/{what}/{at}")


def only_signatures_missing(governance: Governance, initiative: str, gate: str, at: datetime) -> bool:
    """Whether all that keeps a gate shut are its own signatures."""
    decision = ask_gate(governance, initiative, gate, governance.present(at))
    missing = [finding.requirement for finding in decision.findings if finding.severity == "blocker"]
    return bool(missing) and all(name.endswith(f":{gate}") for name in missing)


def seek(world: World, plan: InitiativePlan, gate: str, at: datetime, *, then: Then) -> None:
    """The builder asks for the signatures; feedback and answers follow over the next days."""
    _begin(world, Round(plan, gate, then), at)


def _begin(world: World, turn: Round, at: datetime) -> None:
    asked = RequestSignOff(actor=turn.plan.crew.builder, at=at, initiative=turn.plan.key, gate=turn.gate)
    try:
        request_sign_off(world.governance, asked)
    except GovernanceError:
        return  # somebody else asked, or the version was replaced meanwhile
    table = lay_table(world.governance, turn.plan.key, turn.gate, world.governance.present(at))
    rng, wait = turn.rng("begin", at), 0.0
    for role in table.plan.feedback:
        wait += rng.uniform(0.2, 1.0)
        world.later(wait, partial(_advise, world, turn, role))
    wait += rng.uniform(0.4, 1.6)
    world.later(wait, partial(_answer, world, turn, _queue(table.plan.approvals)))


def _queue(approvals: Sequence[Approval]) -> tuple[str, ...]:
    return tuple(approval.role for approval in approvals for _ in range(approval.quorum))


def _advise(world: World, turn: Round, role: str, at: datetime) -> None:
    table = lay_table(world.governance, turn.plan.key, turn.gate, world.governance.present(at))
    rng = turn.rng("advise", at)
    free = _free(world, table, role)
    if not free:
        return
    issue = rng.random() < 0.2
    command = GiveFeedback(
        actor=rng.choice(free),
        at=at,
        initiative=turn.plan.key,
        gate=turn.gate,
        outcome="minor_issue" if issue else "approved",
        role=role,
        reason=rng.choice(_ISSUES) if issue else "",
    )
    _let(lambda: give_feedback(world.governance, command))


def _answer(world: World, turn: Round, queue: tuple[str, ...], at: datetime) -> None:
    """The next in the queue answers; the first validator of a first round is the hardest to convince."""
    table = lay_table(world.governance, turn.plan.key, turn.gate, world.governance.present(at))
    rng, role = turn.rng(f"answer {len(queue)}", at), queue[0]
    free = _free(world, table, role)
    if not free:
        return
    refuses = turn.tries == 1 and role == "risk_audit" and rng.random() < 0.12
    reason = rng.choice(_REASONS) if refuses else ""
    if not refuses and table.state.issues:
        reason = "The issue is known and is mended with the next release; it does not change the decision."
    signer, behalf = rng.choice(free), ""
    if role == "business_stakeholder" and rng.random() < 0.08:
        signer, behalf = _delegated(world, table, signer, at)
    command = SignGate(
        actor=signer,
        at=at,
        initiative=turn.plan.key,
        gate=turn.gate,
        outcome="rejected" if refuses else "approved",
        role=role,
        reason=reason,
        on_behalf_of=behalf,
    )
    if not _let(lambda: sign_gate(world.governance, command)):
        return
    if refuses:
        if turn.tries < _TRIES:
            again = replace(turn, tries=turn.tries + 1)
            world.later(rng.uniform(3, 7), partial(_begin, world, again))
    elif len(queue) > 1:
        world.later(rng.uniform(0.2, 1.5), partial(_answer, world, turn, queue[1:]))
    else:
        world.later(0.1, turn.then)


def _delegated(world: World, table: Table, signer: Actor, at: datetime) -> tuple[Actor, str]:
    """Somebody who is away lets an analyst of another team sign."""
    analysts = [a for a in world.people.holding("business_analyst") if a.id not in table.involved]
    deputy = next((a for a in analysts if a.id != signer.id and a.team == signer.team), None)
    if deputy is None:
        return signer, ""
    until = (at + timedelta(days=14)).date()
    command = DelegateSignOff(
        actor=signer,
        at=at,
        delegate=deputy.id,
        role="business_stakeholder",
        until=until,
        reason="On leave for two weeks; the deputy knows the case.",
    )
    return (deputy, signer.id) if _let(lambda: delegate_sign_off(world.governance, command)) else (signer, "")


def _free(world: World, table: Table, role: str) -> list[Actor]:
    """Who may still sign in a role: no part in the work, and no answer given yet."""
    answered = {given.seat for given in table.state.acts} | {given.actor for given in table.state.acts}
    return [
        person
        for person in world.people.holding(role)
        if person.id not in table.involved and person.id not in answered
    ]


def _let(act: Callable[[], object]) -> bool:
    """Let somebody try; whoever is refused lets it be until the gate is asked for again."""
    try:
        act()
    except GovernanceError:
        return False
    return True
