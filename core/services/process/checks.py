"""Running the automatic checks and putting each run on record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter

from core.domain.actors import Actor
from core.domain.chain import Fact
from core.domain.commands import RunChecks
from core.domain.errors import BadInput
from core.domain.facts.process import CheckRun
from core.domain.facts.recorded import entry_of, values_of
from core.domain.models.model_versions import Version
from core.domain.moment import Moment
from core.domain.policy.checks import (
    CHECKS,
    LOOK_AT_PREDICTIONS,
    CheckResult,
    check_data_digest,
    check_evidence_fresh,
    check_naming,
    check_owner,
    check_versions_locked,
)
from core.domain.policy.policy import Policy
from core.domain.policy.requirement_list import Requirement, requirements_of
from core.domain.process.facts import InitiativeFacts, Registration
from core.domain.process.requirements import SATISFIED, asked_of, due_on, proof_status
from core.ground import Verdict
from core.lake.facts import history
from core.lake.models import current_version
from core.services.case import begin, facts_of, registered
from core.services.governance import Governance
from core.services.process.findings import breach_findings, twin_findings
from core.services.process.gates import stands


@dataclass(frozen=True)
class CheckSubject:
    """What a check looks at."""

    governance: Governance
    policy: Policy
    moment: Moment
    initiative: Registration
    facts: InitiativeFacts

    @property
    def version(self) -> str:
        """The current version; checks of a version are chosen only where there is one."""
        assert self.facts.version is not None
        return self.facts.version


Runner = Callable[[CheckSubject], CheckResult]


def run_checks(governance: Governance, command: RunChecks) -> tuple[CheckResult, ...]:
    """Run the checks of an initiative, record every run, and return the results."""
    case = begin(governance, command)
    return record_checks(
        governance, command.initiative, actor=case.command.actor, at=command.at, only=command.checks
    )


def record_checks(
    governance: Governance,
    initiative: str,
    *,
    actor: Actor,
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
        else applicable_checks(subject.policy, subject.facts.class_id, bool(subject.facts.version))
    )
    checks = tuple(check for check in checks if check not in skip)
    results = tuple(_result(subject, check) for check in checks)
    seen = [(subject, result) for result in results]
    for other in _in_production(subject):
        seen += [(other, _result(other, check)) for check in checks if check in LOOK_AT_PREDICTIONS]
    failed = {result.check: result.message for _, result in seen if result.verdict is Verdict.FAIL}

    def run(moment: Moment) -> list[Fact]:
        there = history(governance.store, CheckRun, moment, initiative)
        tried = {(earlier.check_id, earlier.version) for earlier in there}
        runs = [entry_of("check_run", _run(of, result, tried)) for of, result in seen]
        broken = breach_findings(governance, subject.policy, initiative, list(failed.items()), moment)
        alike = [] if only else twin_findings(governance, initiative, moment, len(broken))
        return runs + broken + alike

    governance.store.append_next(run, actor=actor.id, at=at, credential=actor.credential)
    return results


def _result(subject: CheckSubject, check: str) -> CheckResult:
    return _with_withdrawals(subject, _amended(subject, _RUNNERS[check](subject)))


def _in_production(subject: CheckSubject) -> list[CheckSubject]:
    """The same with versions that act in production while the gates are asked about another."""
    known = stands(subject.governance, subject.facts.initiative, subject.moment)
    acting = (run.version for run in known.running.values() if run.role != "shadow")
    others = (version for version in acting if version not in ("", known.current))
    return [replace(subject, facts=replace(subject.facts, version=version)) for version in others]


def _amended(subject: CheckSubject, result: CheckResult) -> CheckResult:
    """A result on predictions, with the amendment by which their values are read."""
    if result.check not in LOOK_AT_PREDICTIONS:
        return result
    from core.lake.monitoring.readings import readings

    store, of = subject.governance.store, (subject.facts.initiative, subject.version)
    read = sorted(readings(store, *of, subject.moment).values(), key=attrgetter("seq"))
    if not read:
        return result
    who, day = read[-1].actor, f"{read[-1].recorded_at:%Y-%m-%d}"  # an id: names can be forgotten
    said = f"values are read as {who} amended on {day}: {read[-1].amended}"
    return replace(result, message=f"{result.message}; {said}")


def applicable_checks(policy: Policy, class_id: str, has_version: bool) -> tuple[str, ...]:
    """The checks that a class's requirements name, and the three that everybody's registration meets."""
    asked = {check for r in requirements_of(policy, class_id) for m in r.satisfied_by for check in m.checks}
    asked |= {"naming_standard", "owner_set", "evidence_fresh"}
    return tuple(c.id for c in CHECKS.values() if c.id in asked and (has_version or not c.per_version))


def _chosen(only: tuple[str, ...], subject: CheckSubject) -> tuple[str, ...]:
    for check in only:
        if check not in CHECKS:
            raise BadInput(f"'{check[:60]}' is no check", remedy=f"Use: {', '.join(CHECKS)}.")
        if CHECKS[check].per_version and not subject.facts.version:
            raise BadInput(
                f"{CHECKS[check].title} looks at a model version, and none is registered",
                where=subject.facts.initiative,
                remedy="Register a model version first.",
            )
    return tuple(dict.fromkeys(only))


def _subject(governance: Governance, initiative: str, moment: Moment) -> CheckSubject:
    known = registered(governance, initiative, moment)
    policy = governance.policy(moment).of(known.kind)
    return CheckSubject(governance, policy, moment, known, facts_of(governance, initiative, moment))


def _run(subject: CheckSubject, result: CheckResult, tried: set[tuple[str, str | None]]) -> CheckRun:
    version = subject.facts.version if CHECKS[result.check].per_version else None
    return CheckRun(
        initiative=subject.facts.initiative,
        version=version,
        check_id=result.check,
        verdict=result.verdict.value,
        first_try=(result.check, version) not in tried,
        observed=result.observed,
        limit_value=result.limit,
        message=result.message,
        remedy=result.remedy,
    )


def _with_withdrawals(subject: CheckSubject, result: CheckResult) -> CheckResult:
    """A verdict on predictions names those that were taken out of it."""
    from core.lake.monitoring.readings import withdrawals

    if result.check not in LOOK_AT_PREDICTIONS or not subject.facts.version:
        return result
    store = subject.governance.store
    gone = list(withdrawals(store, subject.facts.initiative, subject.version, subject.moment).values())
    if not gone:
        return result
    last = gone[-1]
    what = f"{len(gone)} batch{'es' if len(gone) > 1 else ''} withdrawn, the last on"
    told = f"{what} {last.recorded_at:%Y-%m-%d} by {last.actor}: {last.reason[:200]}"
    return replace(result, message=f"{result.message}; {told}")


def _naming(subject: CheckSubject) -> CheckResult:
    naming = subject.policy.naming
    return check_naming(subject.initiative.short_name, naming.pattern, naming.example)


def _owner(subject: CheckSubject) -> CheckResult:
    return check_owner(subject.initiative.owner, [person.id for person in subject.governance.people()])


def _evidence_fresh(subject: CheckSubject) -> CheckResult:
    day = subject.moment.day
    due = [
        requirement
        for requirement in asked_of(subject.policy, subject.facts, day)
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
    from core.services.work.raci_view import check_training

    return check_training(subject.governance, subject.moment, subject.initiative, subject.facts.class_id)


def _versions_locked(subject: CheckSubject) -> CheckResult:
    kind = subject.policy.kind(subject.facts.kind)
    return check_versions_locked(values_of(_current(subject)), kind.made_of)


def _data_digest(subject: CheckSubject) -> CheckResult:
    return check_data_digest(_current(subject).data_sha256)


def _current(subject: CheckSubject) -> Version:
    version = current_version(subject.governance.store, subject.facts.initiative, subject.moment)
    assert version is not None  # checks of a version are chosen only where there is one
    return version


def _bias(subject: CheckSubject) -> CheckResult:
    from core.services.measured.bias import check_bias_limit

    domain = subject.initiative.domain
    return check_bias_limit(
        subject.governance, subject.facts.initiative, subject.version, domain, subject.moment
    )


def _decay(subject: CheckSubject) -> CheckResult:
    from core.services.measured.decay import check_decay_alert

    return check_decay_alert(*_version_then(subject))


def _data_quality(subject: CheckSubject) -> CheckResult:
    from core.services.measured.data_quality import check_data_quality

    return check_data_quality(*_version_then(subject))


def _drift(subject: CheckSubject) -> CheckResult:
    from core.services.measured.drift import check_drift

    return check_drift(*_version_then(subject))


def _evaluation(subject: CheckSubject) -> CheckResult:
    from core.services.measured.evaluation_view import check_evaluation_limit

    return check_evaluation_limit(*_version_then(subject))


def _attributions(subject: CheckSubject) -> CheckResult:
    from core.services.measured.explanations import check_attributions

    return check_attributions(*_version_then(subject))


def _version_then(subject: CheckSubject) -> tuple[Governance, str, str, Moment]:
    return subject.governance, subject.facts.initiative, subject.version, subject.moment


_RUNNERS: dict[str, Runner] = {
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
    "evaluation_limit": _evaluation,
    "attributions_present": _attributions,
}
