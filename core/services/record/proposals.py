"""Four eyes: what somebody proposed takes effect when somebody else, who had no part in it, agrees."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from core.domain.chain import Fact
from core.domain.commands import Command, OverrideClassification, Words, make
from core.domain.errors import Conflict, Forbidden, NotFound
from core.domain.facts.measured import BusinessKpi
from core.domain.facts.process import Classification, Finding, InitiativeState, LegalHold
from core.domain.facts.record import Membership, SigningKey
from core.domain.facts.recorded import Recorded, Signed, but, entry_of, named
from core.domain.facts.rules import ConfigurationFile, Proposal, PublishedEthics
from core.domain.given import argument, option
from core.domain.life_cycles import PROPOSAL
from core.domain.models.business_kpis import SetBusinessKpi
from core.domain.moment import Moment
from core.domain.process.commands import ReassessInitiative, VerifyFinding
from core.lake import directory
from core.lake.facts import history, latest, newest_of
from core.lake.process.inventory import parts_in
from core.lake.store import Beside
from core.services.case import Case, begin
from core.services.governance import Governance
from core.services.process.classification import answered_anew, overridden
from core.services.process.evidence import HoldInitiative, held_or_lifted
from core.services.record.checkpoints import ReplaceSigningKey, key_of_two
from core.services.record.departures import ForgetPerson, forgotten
from core.services.record.people import AddPerson, give_roles
from core.services.rules.configuration import ProposeConfiguration, next_version
from core.services.rules.ethics import PublishEthics, position_of

ProposalId = Annotated[str, Field(description="Its name, such as C1."), argument("PROPOSAL")]
Note = Annotated[Words, Field(title="Why", description="Why, in a sentence; it stays on record.")]


class AgreeToProposal(Command, may="answer_proposal"):
    """Agree to what somebody proposed; it takes effect at once."""

    proposal: ProposalId
    note: Note = ""


class DeclineProposal(Command, may="answer_proposal"):
    """Decline what somebody proposed; nothing changes."""

    proposal: ProposalId
    note: Annotated[Note, Field(min_length=5)]


class WithdrawProposal(Command, may="withdraw_proposal"):
    """Take back what you proposed, while nobody has answered."""

    proposal: ProposalId
    note: Note = ""


@dataclass(frozen=True)
class Act:
    """What may be proposed: the command, what it puts on record once agreed, and who had a part in it.

    `beside` writes what stands beside the record. `changes` is what it was made for: where that was recorded
    anew since, the proposal no longer fits.
    """

    command: type[Command]
    effect: Callable[[Case], list[Fact]]
    changes: type[Recorded]
    apart: Callable[[Case, str], bool] = lambda case, person: False
    beside: Callable[[Case], Beside] | None = None


def _override(case: Case) -> list[Fact]:
    assert isinstance(case.command, OverrideClassification)
    return [entry_of("classification_overridden", overridden(case, case.command))]


def _reassess(case: Case) -> list[Fact]:
    assert isinstance(case.command, ReassessInitiative)
    return answered_anew(case, case.command)


def _position(case: Case) -> list[Fact]:
    assert isinstance(case.command, PublishEthics)
    return [position_of(case, case.command)[1]]


def _file(case: Case) -> list[Fact]:
    assert isinstance(case.command, ProposeConfiguration)
    return [next_version(case, case.command)]


def _promise(case: Case) -> list[Fact]:
    from core.services.measured.business_kpi import revised_promise  # numbers, which few answers need

    assert isinstance(case.command, SetBusinessKpi)
    return [revised_promise(case, case.command)]


def _roles(case: Case) -> list[Fact]:
    assert isinstance(case.command, AddPerson)
    return [give_roles(case, case.command)]


def _key(case: Case) -> list[Fact]:
    assert isinstance(case.command, ReplaceSigningKey)
    return [key_of_two(case, case.command)]


def _emergency(case: Case) -> list[Fact]:
    """The finding that an emergency left is closed; what was done alone ends on its day all the same."""
    assert isinstance(case.command, VerifyFinding)
    found = case.find(Finding, case.command.finding)
    return [entry_of("finding_closed", but(found, state="closed", note=case.command.note))]


def _forgotten(case: Case) -> list[Fact]:
    assert isinstance(case.command, ForgetPerson)
    return [forgotten(case, case.command)[0]]


def _names_gone(case: Case) -> Beside:
    assert isinstance(case.command, ForgetPerson)
    return forgotten(case, case.command)[1]


def _hold(case: Case) -> list[Fact]:
    assert isinstance(case.command, HoldInitiative)
    return [held_or_lifted(case, case.command)]


def _has_a_part(case: Case, person: str) -> bool:
    return person in parts_in(case.governance.store, case.initiative.initiative, case.moment)


def _is_concerned(case: Case, person: str) -> bool:
    return isinstance(case.command, AddPerson | ForgetPerson) and person == case.command.person


ACTS: Mapping[str, Act] = {
    "override_classification": Act(OverrideClassification, _override, Classification, _has_a_part),
    "reassess_initiative": Act(ReassessInitiative, _reassess, Classification, _has_a_part),
    "verify_finding": Act(VerifyFinding, _emergency, InitiativeState, _has_a_part),
    "publish_ethics": Act(PublishEthics, _position, PublishedEthics),
    "propose_configuration": Act(ProposeConfiguration, _file, ConfigurationFile),
    "hold_initiative": Act(HoldInitiative, _hold, LegalHold),
    "set_business_kpi": Act(SetBusinessKpi, _promise, BusinessKpi, _has_a_part),
    "replace_signing_key": Act(ReplaceSigningKey, _key, SigningKey),
    "add_person": Act(AddPerson, _roles, Membership, _is_concerned),
    "forget_person": Act(ForgetPerson, _forgotten, Membership, _is_concerned, _names_gone),
}
"""Use case -> what it is once two people want it."""


@dataclass(frozen=True, kw_only=True)
class ProposalLine(Signed, Proposal):
    """A proposal as people read it; `actor_name` answered it, or made it while nobody has."""

    proposed_by_name: str
    reviewer_titles: tuple[str, ...]


def agree_to_proposal(governance: Governance, command: AgreeToProposal) -> Proposal:
    """Let a proposal take effect, as things stand now.

    Raises
    ------
    NotFound, Conflict
        There is no such proposal; it was answered, or what it was made for has changed.
    Forbidden
        The actor's role is not asked, or they proposed it, are concerned, or own or build the initiative.
    BadInput
        It no longer fits what is on record.
    """
    case = begin(governance, command)
    proposal, step = _to_answer(case, command.proposal), PROPOSAL.to("agreed")
    case.permit(step, proposal, state=proposal.state)
    act = ACTS[proposal.act]
    given = json.loads(proposal.given)
    wanted = make(act.command, actor=governance.person(proposal.proposed_by), at=command.at, **given)
    meant = Case(governance, wanted, case.moment)
    if case.actor == proposal.proposed_by or act.apart(meant, case.actor):
        step.require_apart(case.actor, {case.actor: "first"}, {"proposal": proposal.proposal})
    agreed = replace(proposal, state="agreed", note=command.note, actor=case.actor)
    effect = act.effect(meant)
    _require_unchanged(case, proposal, act.changes, effect)
    beside = act.beside(meant) if act.beside else None
    case.append([entry_of(step.action, agreed), *effect], unchanged=(proposal.about,), beside=beside)
    return agreed


def _require_unchanged(case: Case, proposal: Proposal, kind: type[Recorded], effect: list[Fact]) -> None:
    """Whoever agrees agrees to what was compared then, not to what stands since."""
    row = next((row for entry in effect if entry.table == kind.table for row in entry.rows), {})
    about = proposal.about if "initiative" in kind.key else ""
    own = {name: row[name] for name in kind.key if name in row and name != "initiative"}
    newest = latest(case.governance.store, kind, case.moment, about, **own)
    drawn = next(
        one.seq
        for one in history(case.governance.store, Proposal, case.moment)
        if one.proposal == proposal.proposal
    )
    if newest is not None and newest.seq > drawn:
        raise Conflict(
            f"what {proposal.proposal} would change has changed since it was proposed",
            where=proposal.about,
            remedy="Decline it, and propose it again on what holds now.",
        )


def decline_proposal(governance: Governance, command: DeclineProposal) -> None:
    """Say no to a proposal; it stays on record."""
    case = begin(governance, command)
    case.step(PROPOSAL, "declined", _to_answer(case, command.proposal), note=command.note)


def withdraw_proposal(governance: Governance, command: WithdrawProposal) -> None:
    """Take back one's own proposal."""
    case = begin(governance, command)
    proposal = find_proposal(governance, command.proposal, case.moment)
    if proposal.proposed_by != case.actor:
        raise Forbidden(
            f"{case.names[proposal.proposed_by]} proposed it, and nobody else takes it back",
            where=proposal.proposal,
            remedy="Decline it instead, if you may.",
        )
    case.step(PROPOSAL, "withdrawn", proposal, note=command.note)


def find_proposal(governance: Governance, name: str, moment: Moment) -> Proposal:
    """A proposal as it stands."""
    found = latest(governance.store, Proposal, moment, proposal=name)
    if found is None:
        raise NotFound(
            f"there is no proposal '{name[:40]}'", remedy="'governance proposal list' shows those there are."
        )
    return found


def proposals(
    governance: Governance,
    moment: Moment,
    *,
    open_only: Annotated[bool, Field(description="Those that wait for an answer."), option("--open")] = False,
) -> list[ProposalLine]:
    """List what was proposed, newest first, with who agreed or declined."""
    names, title = directory.names(governance.store, moment), governance.rules(moment).roles.title
    return [
        named(
            ProposalLine,
            one,
            names,
            proposed_by_name=names[one.proposed_by],
            reviewer_titles=tuple(map(title, one.reviewers)),
        )
        for one in reversed(newest_of(history(governance.store, Proposal, moment)))
        if one.state == "proposed" or not open_only
    ]


def _to_answer(case: Case, name: str) -> Proposal:
    """The proposal, if a role of the actor may answer it."""
    proposal = find_proposal(case.governance, name, case.moment)
    if not set(case.command.actor.roles) & set(proposal.reviewers):
        titles = ", ".join(map(case.rules.roles.title, proposal.reviewers))
        raise Forbidden(
            f"{case.names[case.actor]} may not answer {proposal.proposal}", remedy=f"Ask: {titles}."
        )
    return proposal
