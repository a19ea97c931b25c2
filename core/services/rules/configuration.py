"""The files of the configuration on record: proposed, in force from a day on, and held against the folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field

from core.connectors.config_files import FILES, Rules, check_config
from core.connectors.yaml_lines import parse_lines, read_text
from core.domain.actors import ACTIONS
from core.domain.chain import Fact
from core.domain.commands import Command, FileName, HoldsFrom
from core.domain.errors import BadInput, Conflict
from core.domain.facts.recorded import entry_of
from core.domain.facts.rules import ConfigurationFile, PublishedEthics, PublishedPolicy, in_force, overtaken
from core.domain.given import Shown, TextOf
from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.domain.rules.ethics import Ethics
from core.lake import directory
from core.lake.facts import history, latest, select
from core.lake.record.entries import store_kind
from core.services.case import Case, begin
from core.services.governance import Governance
from core.services.rules.policies import require_day_to_come

MOST_SAID = 40
_OWN_WAYS = {
    "policy.yaml": "governance policy draft config/policy.yaml",
    "ethics.yaml": "governance ethics publish config/ethics.yaml",
}
"""Files with a way of their own -> how one is proposed."""


class ProposeConfiguration(Command, may="propose_configuration"):
    """Propose a file of the configuration, in force once somebody else agrees; a wrong one is refused."""

    text: Annotated[
        str,
        Field(title="File", description="The file, named as in the folder."),
        TextOf(),
        Shown(endings=("yaml", "yml")),
    ]
    name: Annotated[FileName, Field(title="Its name", description="Which file it is, such as kpis.yaml.")]
    holds_from: HoldsFrom = None


@dataclass(frozen=True, kw_only=True)
class FileLine:
    """A file of the configuration as it decides at a moment, and how the file in the folder differs.

    Attributes
    ----------
    version, since, published_by, seq
        Of what decides; `since` is its first day. Version "0" where nothing is on record yet.
    coming
        Version that holds from a later day, with that day; empty where there is none.
    differs
        How the file in the folder differs from what is on record, and how to propose it; empty where it
        does not. Such a file has no effect.
    """

    file: str
    title: str
    version: str
    since: date | None
    published_at: datetime | None
    published_by: str
    seq: int
    sha256: str
    coming: str
    differs: str


@dataclass(frozen=True)
class ProposedFile:
    """A file that waits for somebody to agree: the proposal's name, and what it changes, in sentences."""

    proposal: str
    file: str
    changes: tuple[str, ...]


def propose_configuration(governance: Governance, command: ProposeConfiguration) -> ProposedFile:
    """Propose a file of the configuration; it decides once somebody else agrees, and not before its day.

    Raises
    ------
    Forbidden
        The actor may not propose configuration.
    BadInput
        It is no file of the configuration, wrong, or does not fit the rest: every fault with its line.
    Conflict
        It says what is on record already.
    """
    case = begin(governance, command)
    file, before = _file_of(command.name), case.rules.texts
    require_day_to_come(case, command.holds_from)
    next_version(case, command)
    changes = tuple(_changes(before[file], command.text))
    fallen = [f"… and {len(changes) - MOST_SAID} more."] if len(changes) > MOST_SAID else []
    day = f" It holds from {command.holds_from}." if command.holds_from else ""
    there = [one for one in history(governance.store, ConfigurationFile, case.moment) if one.file == file]
    never = overtaken(there, command.holds_from or case.moment.day, case.moment.day)
    says = (f"{FILES[file][0]} ({file}).{day}", *never, *changes[:MOST_SAID], *fallen)
    reviewers = case.rules.roles.allowed_roles("review_policy")
    return ProposedFile(case.propose("propose_configuration", file, says, reviewers), file, changes)


def next_version(case: Case, asked: ProposeConfiguration) -> Fact:
    """The entry that puts a file in force, checked against all that it stands beside."""
    file, governance, moment = _file_of(asked.name), case.governance, case.moment
    newest = latest(governance.store, ConfigurationFile, moment, file=file)
    first_day = asked.holds_from or moment.day
    if newest is not None and newest.text == asked.text and newest.since <= first_day:
        raise Conflict(f"{file} says what is on record already", where=file, remedy="Change it first.")
    position = governance.position(moment)
    for policy in _policies(governance, moment):
        check_config(file, asked.text, name=asked.name, rules=case.rules, policy=policy, ethics=position)
    version = int(newest.version) + 1 if newest else 1
    return entry_of("configuration_published", _version(file, version, asked.text, asked.holds_from))


def first_versions(
    config: Path,
    rules: Rules,
    policy: Policy,
    ethics: Ethics,
    action: str = "configuration_published",
) -> Fact:
    """The entry that puts every file of the folder on record as its first version.

    Raises
    ------
    BadInput
        A file is wrong, or does not fit the others: every fault with its line.
    """
    for file, text in rules.texts.items():
        check_config(file, text, name=str(config / file), rules=rules, policy=policy, ethics=ethics)
    return entry_of(action, *(_version(file, 1, text) for file, text in rules.texts.items()), first=True)


def adopt_configuration(governance: Governance, at: datetime) -> bool:
    """Put the files of the folder on record in a store that was founded before they were kept there."""
    founded = store_kind(governance.store)
    if founded is None or select(governance.store, ConfigurationFile, "LIMIT 1"):
        return False
    moment = governance.present(at)
    parts = (governance.rules(moment), governance.policy(moment), governance.position(moment))
    entry = first_versions(governance.config, *parts, action="configuration_adopted")
    governance.store.append([entry], actor=founded.actor, at=at)
    return True


def configuration(governance: Governance, moment: Moment) -> tuple[FileLine, ...]:
    """List every file that decides, by which version, and whether the one in the folder says otherwise."""
    names, there = directory.names(governance.store, moment), history
    policies = there(governance.store, PublishedPolicy, moment)
    positions = there(governance.store, PublishedEthics, moment)
    files = there(governance.store, ConfigurationFile, moment)
    kinds = {
        "policy.yaml": ("Policy", policies),
        "ethics.yaml": ("Ethical position", positions),
        **{
            file: (title, tuple(one for one in files if one.file == file))
            for file, (title, _) in FILES.items()
        },
    }
    lines = []
    for file, (title, versions) in kinds.items():
        held, newest = in_force(versions, moment.day), versions[-1] if versions else None
        coming = newest if newest is not None and newest.since > moment.day else None
        lines.append(
            FileLine(
                file=file,
                title=title,
                version=held.version if held else "0",
                since=held.since if held else None,
                published_at=held.recorded_at if held else None,
                published_by=names[held.actor] if held else "",
                seq=held.seq if held else 0,
                sha256=held.sha256 if held else "",
                coming=f"{coming.version} from {coming.since}" if coming else "",
                differs="; ".join(
                    filter(
                        None,
                        (
                            _difference(governance.config / file, newest.text if newest else None),
                            unheld_permissions(governance, moment) if file == "roles.yaml" else "",
                        ),
                    )
                ),
            )
        )
    return tuple(lines)


def differences(governance: Governance, moment: Moment) -> tuple[str, ...]:
    """Files of the folder that say something else than the record, one sentence each."""
    return tuple(line.differs for line in configuration(governance, moment) if line.differs)


def unheld_permissions(governance: Governance, moment: Moment) -> str:
    """Say what no role on record may, and how to let one: what came in after the store was founded."""
    roles = governance.rules(moment).roles
    unheld = [words for action, words in ACTIONS.items() if not roles.allowed_roles(action)]
    if not unheld:
        return ""
    way = "governance configuration propose config/roles.yaml"
    return f"no role on record may {', or '.join(unheld)}; propose a file that lets one: {way}"


def _difference(path: Path, text: str | None) -> str:
    try:
        there = read_text(path, str(path))
    except BadInput as problem:
        return "" if text is not None and not path.exists() else f"{path.name} cannot be read: {problem.what}"
    if text is None or there == text:
        return ""
    way = _OWN_WAYS.get(path.name, f"governance configuration propose config/{path.name}")
    return f"{path.name} differs from the version on record and has no effect; propose it: {way}"


def _file_of(name: str) -> str:
    file = Path(name).name
    if file in _OWN_WAYS:
        raise BadInput(f"{file} has a way of its own", where=name[:80], remedy=f"Use '{_OWN_WAYS[file]}'.")
    if file not in FILES:
        raise BadInput(
            f"'{file[:60]}' is no file of the configuration",
            where=name[:80],
            remedy=f"Name it as one of: {', '.join(FILES)}.",
        )
    return file


def _policies(governance: Governance, moment: Moment) -> list[Policy]:
    """The policy in force, and one that is to hold from a later day."""
    policies = [governance.policy(moment)]
    newest = history(governance.store, PublishedPolicy, moment)[-1]
    return (
        [*policies, governance.policy(moment.ahead(newest.since))] if newest.since > moment.day else policies
    )


def _version(file: str, version: int, text: str, holds_from: date | None = None) -> ConfigurationFile:
    return ConfigurationFile(
        file=file,
        version=str(version),
        title=FILES[file][0],
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
        holds_from=holds_from,
    )


def _changes(before: str, after: str) -> Iterator[str]:
    """What differs between two texts of a file, value by value; lists of named things go by their names."""
    old, new = _values(before), _values(after)
    for path in dict.fromkeys([*old, *new]):
        if old.get(path) != new.get(path):
            yield f"{path}: {old.get(path, 'nothing')} becomes {new.get(path, 'nothing')}."
    if old == new:
        yield "It says the same in other words."


def _values(text: str) -> dict[str, str]:
    return dict(_flat("", parse_lines(text, "before").value))


def _flat(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, held in value.items():
            yield from _flat(f"{path} › {key}" if path else str(key), held)
    elif isinstance(value, list) and any(isinstance(held, Mapping) for held in value):
        for place, held in enumerate(value, start=1):
            name = held.get("id", place) if isinstance(held, Mapping) else place
            yield from _flat(f"{path} › {name}", held)
    else:
        yield path, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
