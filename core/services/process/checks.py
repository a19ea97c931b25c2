"""Running the automatic checks and putting each run on record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.domain.chain import Fact
from core.domain.commands import RunChecks
from core.domain.errors import BadInput
from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.domain.policy.requirement_list import Requirement, requirements_of
from core.domain.process.checks import (
    CHECKS,
    CheckResult,
    check_data_digest,
    check_evidence_fresh,
    check_naming,
    check_owner,
    check_versions_locked,
)
from core.domain.process.facts import InitiativeFacts
from core.domain.process.requirements import SATISFIED, due_on, proof_status
from core.domain.verdict import Verdict
from core.lake.process import initiatives as lake
from core.services.governance import Governance
from core.services.lookups import require_initiative
from core.services.measured.bias import check_bias_limit
from core.services.measured.data_quality import check_data_quality
from core.services.measured.drift_check import check_drift
from core.services.measured.explanations import check_attributions
from core.services.measured.monitoring import check_decay_alert
from core.services.process.findings import breach_findings
from core.services.work.training import check_training

LOOK_AT_PREDICTIONS = ("bias_limit", "decay_alert", "data_quality", "drift_alert", "attributions_present")
"""Checks that cannot tell anything before a version has prediction batches."""


@dataclass(frozen=True)
class CheckSubject:
    """What a check looks at."""

    governance: Governance
    policy: Policy
    moment: Moment
    initiative: dict[str, Any]
    facts: InitiativeFacts
    version: dict[str, Any] | None


def run_checks(governance: Governance, command: RunChecks) -> tuple[CheckResult, ...]:
    """Run the checks of an initiative, record every run, and return the results.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative; a check that does not exist or has no version to look at.
    """
    governance.roles.require(command.actor, command.may)
    return record_checks(
        governance, command.initiative, actor=command.actor.id, at=command.at, only=command.checks
    )


def record_checks(
    governance: Governance,
    initiative: str,
    *,
    actor: str,
    at: datetime,
    only: tuple[str, ...] = (),
    skip: tuple[str, ...] = (),
) -> tuple[CheckResult, ...]:
    """Run checks as part of another use case; that one has checked the permission.

    Without `only` all that apply run, except those in `skip`.
    """
    moment = governance.present(at)
    subject = _subject(governance, initiative, moment)
    checks = (
        _chosen(only, subject)
        if only
        else applicable_checks(subject.policy, subject.facts.class_id, subject.version is not None)
    )
    checks = tuple(check for check in checks if check not in skip)
    results = tuple(_RUNNERS[check](subject) for check in checks)
    failed = [(result.check, result.message) for result in results if result.verdict is Verdict.FAIL]

    def run(moment: Moment) -> list[Fact]:
        tried = lake.checks_tried(governance.store, initiative, moment)
        facts = [_run_fact(subject, result, tried) for result in results]
        return facts + breach_findings(governance, subject.policy, initiative, failed, moment)

    governance.store.append_next(run, actor=actor, at=at)
    return results


def applicable_checks(policy: Policy, class_id: str, has_version: bool) -> tuple[str, ...]:
    """The checks that a class's requirements name, and the three that everybody's registration meets."""
    asked = {check for r in requirements_of(policy, class_id) for m in r.satisfied_by for check in m.checks}
    asked |= {"naming_standard", "owner_set", "evidence_fresh"}
    return tuple(c.id for c in CHECKS.values() if c.id in asked and (has_version or not c.per_version))


def _chosen(only: tuple[str, ...], subject: CheckSubject) -> tuple[str, ...]:
    for check in only:
        if check not in CHECKS:
            raise BadInput(f"'{check[:60]}' is no check", remedy=f"Use: {', '.join(CHECKS)}.")
        if CHECKS[check].per_version and subject.version is None:
            raise BadInput(
                f"{CHECKS[check].title} looks at a model version, and none is registered",
                where=subject.facts.initiative,
                remedy="Register a model version first.",
            )
    return tuple(dict.fromkeys(only))


def _subject(governance: Governance, initiative: str, moment: Moment) -> CheckSubject:
    known = require_initiative(governance, initiative, moment)
    facts = lake.initiative_facts(governance.store, initiative, moment)
    version = lake.newest_version(governance.store, initiative, moment)
    assert facts is not None  # registered and classified in one transaction
    policy = governance.policy(moment)
    return CheckSubject(governance, policy, moment, known, facts, version)


def _run_fact(subject: CheckSubject, result: CheckResult, tried: set[tuple[str, str | None]]) -> Fact:
    initiative = subject.facts.initiative
    version = subject.version["version"] if subject.version and CHECKS[result.check].per_version else None
    row = {
        "initiative": initiative,
        "version": version,
        "check_id": result.check,
        "verdict": result.verdict.value,
        "first_try": (result.check, version) not in tried,
        "observed": result.observed,
        "limit_value": result.limit,
        "message": result.message,
        "remedy": result.remedy,
    }
    return Fact("check_run", initiative, "check_run", (row,))


def _naming(subject: CheckSubject) -> CheckResult:
    naming = subject.policy.naming
    return check_naming(subject.initiative["short_name"], naming.pattern, naming.example)


def _owner(subject: CheckSubject) -> CheckResult:
    return check_owner(subject.initiative["owner"], [person.id for person in subject.governance.people()])


def _evidence_fresh(subject: CheckSubject) -> CheckResult:
    day = subject.moment.day
    due = [
        requirement
        for requirement in requirements_of(subject.policy, subject.facts.class_id)
        if requirement.measure.evidence is not None
        and due_on(subject.policy, requirement, subject.facts) <= day
    ]
    lacking = [r.measure.title for r in due if not _has_fresh_evidence(subject, r)]
    return check_evidence_fresh([requirement.measure.title for requirement in due], lacking)


def _has_fresh_evidence(subject: CheckSubject, requirement: Requirement) -> bool:
    return any(
        proof_status(subject.policy, measure, subject.facts.evidence.get(measure.id), subject.moment.day)[0]
        in SATISFIED
        for measure in requirement.satisfied_by
    )


def _training(subject: CheckSubject) -> CheckResult:
    return check_training(subject.governance, subject.moment, subject.initiative, subject.facts.class_id)


def _versions_locked(subject: CheckSubject) -> CheckResult:
    return check_versions_locked(_version(subject))


def _data_digest(subject: CheckSubject) -> CheckResult:
    return check_data_digest(_version(subject)["data_sha256"])


def _bias(subject: CheckSubject) -> CheckResult:
    version = _version(subject)["version"]
    domain = subject.initiative["domain"]
    return check_bias_limit(subject.governance, subject.facts.initiative, version, domain, subject.moment)


def _decay(subject: CheckSubject) -> CheckResult:
    version = _version(subject)["version"]
    return check_decay_alert(subject.governance, subject.facts.initiative, version, subject.moment)


def _data_quality(subject: CheckSubject) -> CheckResult:
    version = _version(subject)["version"]
    return check_data_quality(subject.governance, subject.facts.initiative, version, subject.moment)


def _drift(subject: CheckSubject) -> CheckResult:
    version = _version(subject)["version"]
    return check_drift(subject.governance, subject.facts.initiative, version, subject.moment)


def _attributions(subject: CheckSubject) -> CheckResult:
    version = _version(subject)["version"]
    return check_attributions(subject.governance, subject.facts.initiative, version, subject.moment)


def _version(subject: CheckSubject) -> dict[str, Any]:
    assert subject.version is not None  # checks of a version are chosen only where there is one
    return subject.version


_RUNNERS: dict[str, Callable[[CheckSubject], CheckResult]] = {
    "naming_standard": _naming,
    "owner_set": _owner,
    "evidence_fresh": _evidence_fresh,
    "training_current": _training,
    "versions_locked": _versions_locked,
    "data_digest": _data_digest,
    "bias_limit": _bias,
    "decay_alert": _decay,
    "data_quality": _data_quality,
    "drift_alert": _drift,
    "attributions_present": _attributions,
}
