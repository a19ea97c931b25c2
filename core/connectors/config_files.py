"""Reads the files of the configuration: each checked, and refused with file, line and remedy."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from core.connectors.yaml_lines import Document, Problem, parse_lines, read_model, read_text
from core.domain.actors import Roles
from core.domain.errors import Fault
from core.domain.policy.checks import CHECKS
from core.domain.policy.policy import Policy
from core.domain.policy.policy_faults import live_gate_faults, policy_faults
from core.domain.rules.ethics import Ethics, ethics_faults
from core.domain.rules.frameworks import Frameworks, framework_faults, known_names, rule_faults
from core.domain.rules.rights import Rights

M = TypeVar("M", bound=BaseModel)


def read_config(path: Path, kind: type[M]) -> M:
    """Read a file of the configuration that stands on its own.

    Raises
    ------
    BadInput
        One line per problem, `FILE:LINE: what. remedy`. So do the functions below.
    """
    return read_model(parse_lines(read_text(path, str(path)), str(path)), kind)


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


def read_frameworks(path: Path, policy: Policy, ethics: Ethics) -> Frameworks:
    """Read the frameworks; every measure, answer, domain and region that they name has to exist.

    Raises
    ------
    BadInput
        One line per problem, `FILE:LINE: what. remedy`. So does the function below.
    """
    document = parse_lines(read_text(path, str(path)), str(path))
    frameworks = read_model(document, Frameworks)
    _refuse(document, framework_faults(frameworks, policy, ethics))
    return frameworks


def read_rights(path: Path, policy: Policy, ethics: Ethics, frameworks: Frameworks) -> Rights:
    """Read the rights of people whose data is used."""
    document = parse_lines(read_text(path, str(path)), str(path))
    rights = read_model(document, Rights)
    known = known_names(policy, ethics, (region.id for region in frameworks.regions))
    _refuse(document, rule_faults(("when",), rights.when, known))
    return rights


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
