"""The lists of frameworks and of rights: read, checked against the policy, refused with file and line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from core.connectors.yaml_lines import Document, Problem, parse_lines, read_text
from core.connectors.yaml_models import read_model
from core.domain.faults import Fault
from core.domain.policy.policy import Policy
from core.domain.rules.ethics import Ethics
from core.domain.rules.framework_faults import framework_faults, known_names, rule_faults
from core.domain.rules.frameworks import Frameworks
from core.domain.rules.rights import Rights


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
