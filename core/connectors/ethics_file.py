"""The ethical position: read, checked against the policy, and refused with file, line and remedy."""

from __future__ import annotations

from pathlib import Path

from core.connectors.yaml_lines import Problem, parse_lines, read_text
from core.connectors.yaml_models import read_model
from core.domain.policy.policy import Policy
from core.domain.rules.ethics import Ethics, ethics_faults


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
    for fault in ethics_faults(ethics, policy) if policy is not None else ():
        document.problems.append(Problem(document.line(fault.path), fault.what, fault.remedy))
    document.refuse()
    return ethics
