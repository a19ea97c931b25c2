"""Signatures in the simulation: asked for when the rest is proved, given, refused and asked for again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random

from core.domain.actors import Actor
from core.domain.policy.policy import Approval
from core.services.process.sign_offs import Table, lay_table
from data.demo.plans import InitiativePlan
from data.demo.world import World, blockers

Then = Callable[[datetime], None]
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

    @property
    def about(self) -> dict[str, str]:
        """What it is about, as use cases take it."""
        return {"initiative": self.plan.key, "gate": self.gate}

    def table(self, world: World, at: datetime) -> Table:
        """Who has a seat, who takes part, and what was answered; no one answer tells it."""
        return lay_table(world.governance, self.plan.key, self.gate, world.governance.present(at))


def only_signatures_missing(world: World, plan: InitiativePlan, gate: str, at: datetime) -> bool:
    """Whether all that keeps a gate shut are its own signatures."""
    missing = blockers(world.do(plan.crew.builder, at, "ask_gate", initiative=plan.key, gate=gate))
    return bool(missing) and all(name.endswith(f":{gate}") for name in missing)


def seek(world: World, plan: InitiativePlan, gate: str, at: datetime, *, then: Then) -> None:
    """The builder asks for the signatures; feedback and answers follow over the next days."""
    _begin(world, Round(plan, gate, then), at)


def _begin(world: World, turn: Round, at: datetime) -> None:
    if not world.tries(turn.plan.crew.builder, at, "request_sign_off", **turn.about):
        return  # somebody else asked, or the version was replaced meanwhile
    table = turn.table(world, at)
    rng, wait = turn.rng("begin", at), 0.0
    for role in table.plan.feedback:
        wait += rng.uniform(0.2, 1.0)
        world.later(wait, partial(_advise, world, turn, role))
    wait += rng.uniform(0.4, 1.6)
    world.later(wait, partial(_answer, world, turn, _queue(table.plan.approvals)))


def _queue(approvals: Sequence[Approval]) -> tuple[str, ...]:
    return tuple(approval.role for approval in approvals for _ in range(approval.quorum))


def _advise(world: World, turn: Round, role: str, at: datetime) -> None:
    table = turn.table(world, at)
    rng = turn.rng("advise", at)
    free = _free(world, table, role)
    if not free:
        return
    issue = rng.random() < 0.2
    adviser = rng.choice(free)
    reason = rng.choice(world.recipe.words.issues) if issue else ""
    outcome = "minor_issue" if issue else "approved"
    world.tries(adviser, at, "give_feedback", outcome=outcome, role=role, reason=reason, **turn.about)


def _answer(world: World, turn: Round, queue: tuple[str, ...], at: datetime) -> None:
    """The next in the queue answers; the first validator of a first round is the hardest to convince."""
    table = turn.table(world, at)
    rng, role = turn.rng(f"answer {len(queue)}", at), queue[0]
    free = _free(world, table, role)
    if not free:
        return
    refuses = turn.tries == 1 and role == "risk_audit" and rng.random() < 0.12
    reason = rng.choice(world.recipe.words.refusals) if refuses else ""
    if not refuses and table.state.issues:
        reason = "The issue is known and is mended with the next release; it does not change the decision."
    signer, behalf = rng.choice(free), ""
    if role == "business_stakeholder" and rng.random() < 0.08:
        signer, behalf = _delegated(world, table, signer, at)
    answer = {"outcome": "rejected" if refuses else "approved", "role": role, "reason": reason}
    if not world.tries(signer, at, "sign_gate", on_behalf_of=behalf, **answer, **turn.about):
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
    about = {
        "delegate": deputy.id,
        "role": "business_stakeholder",
        "until": (at + timedelta(days=14)).date(),
        "reason": "On leave for two weeks; the deputy knows the case.",
    }
    return (deputy, signer.id) if world.tries(signer, at, "delegate_sign_off", **about) else (signer, "")


def _free(world: World, table: Table, role: str) -> list[Actor]:
    """Who may still sign in a role: no part in the work, and no answer given yet."""
    answered = {given.seat for given in table.state.acts} | {given.actor for given in table.state.acts}
    return [
        person
        for person in world.people.holding(role)
        if person.id not in table.involved and person.id not in answered
    ]
