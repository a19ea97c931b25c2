"""The ethical position on record: publishing it, and which version held when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from core.connectors.config_files import parse_ethics
from core.domain.chain import Fact
from core.domain.commands import Command, FileName, HoldsFrom
from core.domain.errors import Conflict
from core.domain.facts import rules as recorded
from core.domain.facts.recorded import Names
from core.domain.given import TextOf
from core.domain.moment import Moment
from core.domain.rules.ethics import Ethics, TransparencyLevel, position_changes
from core.lake import directory
from core.lake.facts import history, latest
from core.services.case import Case, begin, registered
from core.services.governance import Governance
from core.services.rules.policies import publication, require_day_to_come


class PublishEthics(Command, may="publish_ethics"):
    """Propose an ethical position, in force once somebody else agrees; a wrong one is refused."""

    text: Annotated[str, Field(description="The file of the position."), TextOf()]
    name: Annotated[FileName, Field(description="The file's name, for messages.")] = "ethics.yaml"
    holds_from: HoldsFrom = None


@dataclass(frozen=True)
class EthicsInForce:
    """The ethical position that holds, and where it came from.

    `seq`, `published_at` and `published_by` are None where a store was made before positions were published:
    then the shipped text holds.
    """

    ethics: Ethics
    sha256: str = ""
    seq: int | None = None
    published_at: datetime | None = None
    published_by: str | None = None

    @property
    def version(self) -> str:
        """What checks and decisions cite."""
        return self.ethics.version


@dataclass(frozen=True)
class Proposed:
    """A position that waits for somebody to agree: the proposal's name, and what it changes, in sentences."""

    proposal: str
    ethics: Ethics
    changes: tuple[str, ...]


@dataclass(frozen=True)
class PublishedEthics:
    """One published version, with what it changed against the one before it, in sentences."""

    in_force: EthicsInForce
    changes: tuple[str, ...]


@dataclass(frozen=True)
class TransparencyDemand:
    """How much those concerned have to be told of an initiative, and by which version of the position.

    `asked` says whether the policy asks the class for the level's measure or a stricter one; None where the
    level names no measure. Where it is False, the position demands more than the gates do.
    """

    level: TransparencyLevel
    version: str
    measure_title: str
    asked: bool | None


def publish_ethics(governance: Governance, command: PublishEthics) -> Proposed:
    """Propose an ethical position; it is in force once somebody else agrees to it.

    Raises
    ------
    Forbidden
        The actor may not publish positions.
    BadInput
        The text is no sound position, or does not fit the policy in force: every fault with its line.
    Conflict
        This version was published before.
    """
    case = begin(governance, command)
    ethics, fact = position_of(case, command)
    changes = position_changes(governance.position(case.moment), ethics)
    said = tuple(f"{one[:1].upper()}{one[1:]}." for one in changes) or ("It says the same in other words.",)
    require_day_to_come(case, command.holds_from)
    said = (*said, f"It holds from {command.holds_from}.") if command.holds_from else said
    there, day = history(governance.store, recorded.PublishedEthics, case.moment), case.moment.day
    said = (*said, *recorded.overtaken(there, command.holds_from or day, day))
    reviewers = case.rules.roles.allowed_roles(command.may)
    return Proposed(case.propose("publish_ethics", fact.subject, said, reviewers), ethics, said)


def position_of(case: Case, asked: PublishEthics) -> tuple[Ethics, Fact]:
    """The position that a text holds, and the entry that puts it in force."""
    ethics = parse_ethics(asked.text, case.policy, name=asked.name)
    if latest(case.governance.store, recorded.PublishedEthics, case.moment, version=ethics.version):
        raise Conflict(
            f"ethical position '{ethics.version}' was published before",
            where=asked.name,
            remedy="Give the new text a new version; a published one never changes.",
        )
    return ethics, publication(recorded.PublishedEthics, ethics, asked.text, asked.holds_from)


def ethics_in_force(governance: Governance, moment: Moment) -> EthicsInForce:
    """The ethical position in force at a moment; checks and decisions cite its `version`."""
    ethics, newest = governance.position(moment), governance.published(recorded.PublishedEthics, moment)
    if newest is None:
        return EthicsInForce(ethics)
    return _held(ethics, newest, directory.names(governance.store, moment))


def ethics_versions(governance: Governance, moment: Moment) -> tuple[PublishedEthics, ...]:
    """Every position published up to a moment, newest first, with what each changed."""
    names = directory.names(governance.store, moment)
    found: list[PublishedEthics] = []
    for fact in history(governance.store, recorded.PublishedEthics, moment):
        ethics = parse_ethics(fact.text, name=f"ethical position {fact.version}")
        changes = position_changes(found[-1].in_force.ethics, ethics) if found else ()
        found.append(PublishedEthics(_held(ethics, fact, names), changes))
    return tuple(reversed(found))


def _held(ethics: Ethics, fact: recorded.PublishedEthics, names: Names) -> EthicsInForce:
    return EthicsInForce(ethics, fact.sha256, fact.seq, fact.recorded_at, names[fact.actor])


def transparency_demand(governance: Governance, moment: Moment, *, initiative: str) -> TransparencyDemand:
    """What the position in force demands to be told about an initiative."""
    known = registered(governance, initiative, moment)
    policy, ethics = governance.policy(moment), governance.position(moment)
    level = ethics.transparency_for(known.class_id, known.domain)
    measure = policy.measures.get(level.measure or "")
    asked = None
    if measure is not None:
        ladder = next(known for known in policy.considerations if measure in known.rungs)
        rung = policy.matrix[known.class_id][ladder.id]
        asked = rung > ladder.rungs.index(measure)
    return TransparencyDemand(level, ethics.version, measure.title if measure else "", asked)
