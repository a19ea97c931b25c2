"""Reads the files of the configuration: each checked, and refused with file, line and remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from core.connectors.yaml_lines import Document, Problem, parse_lines, read_model, read_text
from core.domain.actors import Organisation, Roles
from core.domain.errors import Fault
from core.domain.models.data_quality import DataQuality
from core.domain.policy.checks import CHECKS
from core.domain.policy.policy import Policy
from core.domain.policy.policy_faults import live_gate_faults, policy_faults
from core.domain.process.kpis import Kpis, Leaderboard
from core.domain.rules.ethics import Ethics, ethics_faults
from core.domain.rules.frameworks import Frameworks, Rights, framework_faults, known_names, rule_faults
from core.domain.work.raci import Guides, Raci
from core.domain.work.training import Trainings
from core.domain.work.work import Work

M = TypeVar("M", bound=BaseModel)


def read_config(path: Path, kind: type[M]) -> M:
    """Read a file of the configuration that stands on its own.

    Raises
    ------
    BadInput
        One line per problem, `FILE:LINE: what. remedy`. So does the function below.
    """
    text = read_text(path, str(path))
    found: M = parse_config(text, kind, name=str(path))
    if isinstance(found, Kpis):
        _refuse(parse_lines(text, str(path)), found.faults)
    return found


@lru_cache(maxsize=128)
def parse_config(text: str, kind: type[M], *, name: str) -> M:
    """Make a file of the configuration of its text, which means the same whenever it is read."""
    return read_model(parse_lines(text, name), kind)


def read_ethics(path: Path, policy: Policy | None = None) -> tuple[Ethics, str]:
    """Read an ethical position; returns it and its text as written.

    Raises
    ------
    BadInput
        The file cannot be read, or it is no sound position: see `parse_ethics`.
    """
    text = read_text(path, str(path))
    return parse_ethics(text, policy, name=str(path)), text


def parse_ethics(text: str, policy: Policy | None = None, *, name: str) -> Ethics:
    """Make an ethical position of a text, or list everything that is wrong with it.

    Parameters
    ----------
    text
        YAML in the shape of `core.domain.rules.ethics.Ethics`.
    policy
        Whose classes and measures it may name; None looks at the position alone.
    name
        What the file is called in messages.

    Raises
    ------
    BadInput
        One line per problem, `FILE:LINE: what. remedy`; also as `problems` of the error.
    """
    document = parse_lines(text, name)
    ethics = read_model(document, Ethics)
    _refuse(document, ethics_faults(ethics, policy) if policy is not None else ())
    return ethics


@dataclass(frozen=True)
class Rules:
    """The files of the configuration as they decide at a moment, by their text; each is read when asked for.

    What one file alone can show to be wrong was refused when it was put on record, and is not looked for
    again.
    """

    texts: Mapping[str, str]

    @property
    def roles(self) -> Roles:
        """Who may what."""
        return self._read("roles.yaml", Roles)

    @property
    def organisation(self) -> Organisation:
        """Units, their teams, and who may read what is of a domain."""
        return self._read("organisation.yaml", Organisation)

    @property
    def raci(self) -> Raci:
        """The matrix of responsibilities."""
        return self._read("raci.yaml", Raci)

    @property
    def kpis(self) -> Kpis:
        """The KPIs of governance with their targets."""
        return self._read("kpis.yaml", Kpis)

    @property
    def leaderboard(self) -> Leaderboard:
        """How teams are ranked."""
        return self._read("leaderboard.yaml", Leaderboard)

    @property
    def data_quality(self) -> DataQuality:
        """Limits of the checks of data."""
        return self._read("data_quality.yaml", DataQuality)

    @property
    def work(self) -> Work:
        """How work moves, and who hears of it."""
        return self._read("work.yaml", Work)

    @property
    def trainings(self) -> Trainings:
        """The trainings that roles ask for."""
        return self._read("training.yaml", Trainings)

    @property
    def guides(self) -> Guides:
        """What each role does in each step."""
        return self._read("guides.yaml", Guides)

    @property
    def frameworks(self) -> Frameworks:
        """Laws, guidance and standards."""
        return self._read("frameworks.yaml", Frameworks)

    @property
    def rights(self) -> Rights:
        """The rights of people whose data is used."""
        return self._read("rights.yaml", Rights)

    def _read(self, file: str, kind: type[M]) -> M:
        found: M = parse_config(self.texts[file], kind, name=file)
        return found


FILES: Mapping[str, tuple[str, type[BaseModel]]] = {
    "roles.yaml": ("Roles and what they may do", Roles),
    "organisation.yaml": ("Organisation and who may read", Organisation),
    "raci.yaml": ("Responsibilities", Raci),
    "kpis.yaml": ("KPIs and their targets", Kpis),
    "leaderboard.yaml": ("How teams are ranked", Leaderboard),
    "work.yaml": ("How work moves", Work),
    "training.yaml": ("Trainings", Trainings),
    "rights.yaml": ("Rights of people", Rights),
    "guides.yaml": ("Guides of the roles", Guides),
    "frameworks.yaml": ("Laws, guidance and standards", Frameworks),
    "data_quality.yaml": ("Limits of the checks of data", DataQuality),
}
"""File of the configuration -> its title and its shape; policy and ethical position go ways of their own."""


def check_config(file: str, text: str, *, name: str, rules: Rules, policy: Policy, ethics: Ethics) -> None:
    """Refuse a file of the configuration that is wrong, or does not fit what it would stand beside.

    Raises
    ------
    BadInput
        One line per problem, `FILE:LINE: what. remedy`.
    """
    document = parse_lines(text, name)
    found = read_model(document, FILES[file][1])
    match found:
        case Roles():
            faults: Iterable[Fault] = _unfitting(policy_faults(policy, found))
        case Frameworks():
            faults = framework_faults(found, policy, ethics)
        case Rights():
            known = known_names(policy, ethics, (region.id for region in rules.frameworks.regions))
            faults = rule_faults(("when",), found.when, known)
        case Kpis():
            faults = found.faults
        case _:
            faults = ()
    _refuse(document, faults)


def _unfitting(faults: Iterable[Fault]) -> Iterator[Fault]:
    for fault in faults:
        yield Fault((), f"the policy would not fit these roles: {fault.what}", "Keep the role that it names.")


def _refuse(document: Document, faults: Iterable[Fault]) -> None:
    document.problems.extend(Problem(document.line(fault.path), fault.what, fault.remedy) for fault in faults)
    document.refuse()


def read_policy(path: Path, roles: Roles) -> tuple[Policy, str]:
    """Read a policy file; returns the policy and its text as written.

    Raises
    ------
    BadInput
        The file cannot be read, or it is no sound policy: see `parse_policy`.
    """
    text = read_text(path, str(path))
    return parse_policy(text, roles, name=str(path)), text


def parse_policy(text: str, roles: Roles, *, name: str) -> Policy:
    """Make a policy of a text, or list everything that is wrong with it.

    Parameters
    ----------
    text
        YAML in the shape of `core.domain.policy.policy.Policy`.
    roles
        The roles that measures may name, with what they may do.
    name
        What the file is called in messages.

    Raises
    ------
    BadInput
        One line per problem, `FILE:LINE: what. remedy`; also as `problems` of the error.
    """
    document = parse_lines(text, name)
    policy = read_model(document, Policy)
    _refuse(document, (*policy_faults(policy, roles), *live_gate_faults(policy)))
    return policy


def parse_recorded_policy(text: str, roles: Roles | None, *, name: str) -> Policy:
    """Make a policy of a text on record; it may be older than the mark of the gate that makes live.

    Parameters
    ----------
    roles
        The roles that it has to fit; None for a policy that is only read back.

    Raises
    ------
    BadInput
        It does not fit the roles as configured.
    """
    document = parse_lines(text, name)
    policy = read_model(document, Policy)
    _refuse(document, policy_faults(policy, roles) if roles else ())
    return policy


def policy_schema() -> dict[str, Any]:
    """JSON Schema of the policy file, for editors; `config/policy.schema.json` holds it."""
    schema = Policy.model_json_schema()
    schema["$defs"]["Measure"]["properties"]["checks"]["items"] = {"enum": list(CHECKS)}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
