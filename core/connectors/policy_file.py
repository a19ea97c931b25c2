"""The policy file: read, checked as a whole, and refused with file, line and remedy."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core.connectors.yaml_lines import Document, Problem, parse_lines, read_text
from core.connectors.yaml_models import read_model
from core.domain.actors import Roles
from core.domain.faults import Fault
from core.domain.policy.policy import Policy
from core.domain.policy.policy_faults import live_gate_faults, policy_faults
from core.domain.process.checks import CHECKS


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


def _refuse(document: Document, faults: Iterable[Fault]) -> None:
    for fault in faults:
        document.problems.append(Problem(document.line(fault.path), fault.what, fault.remedy))
    document.refuse()


def policy_schema() -> dict[str, Any]:
    """JSON Schema of the policy file, for editors; `config/policy.schema.json` holds it."""
    schema = Policy.model_json_schema()
    schema["$defs"]["Measure"]["properties"]["checks"]["items"] = {"enum": list(CHECKS)}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
