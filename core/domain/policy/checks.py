"""The automatic checks: what each looks at, and its verdict on plain facts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.ground import Verdict


@dataclass(frozen=True)
class CheckDefinition:
    """What a check is called and what it looks at; `per_version` checks need a model version."""

    id: str
    title: str
    looks_at: str
    per_version: bool


@dataclass(frozen=True)
class CheckResult:
    """Verdict of one run, with what was seen, the limit it was held to, and what to do next."""

    check: str
    verdict: Verdict
    message: str
    remedy: str = ""
    observed: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class CheckTally:
    """How a check goes: first tries and their passes in a period, and the verdicts of the latest runs."""

    check_id: str
    first_tries: int
    passes: int
    passing: int
    failing: int
    cannot_tell: int

    @property
    def title(self) -> str:
        """What the check is called."""
        return CHECKS[self.check_id].title

    @property
    def looks_at(self) -> str:
        """What it looks at."""
        return CHECKS[self.check_id].looks_at

    @property
    def rate(self) -> float | None:
        """Share of first tries that passed; None where nothing was tried."""
        return self.passes / self.first_tries if self.first_tries else None


CHECKS: dict[str, CheckDefinition] = {
    check.id: check
    for check in (
        CheckDefinition("naming_standard", "Naming standard", "the initiative's short name", False),
        CheckDefinition("owner_set", "Owner set", "a known person owns the initiative", False),
        CheckDefinition("evidence_fresh", "Evidence present and fresh", "evidence due by today", False),
        CheckDefinition("training_current", "Training current", "trainings of the people concerned", False),
        CheckDefinition("versions_locked", "Versions locked", "artifact, code and environment", True),
        CheckDefinition("data_digest", "Data digest recorded", "the training data's sha256", True),
        CheckDefinition("bias_limit", "Bias within limit", "slices against the ethical limit", True),
        CheckDefinition("decay_alert", "No decay alert", "the newest estimated performance", True),
        CheckDefinition("data_quality", "Data quality within limits", "the newest predictions", True),
        CheckDefinition("drift_alert", "No drift alert", "inputs against the reference", True),
        CheckDefinition("attributions_present", "Scores attributed", "the newest explanation", True),
    )
}


def check_naming(name: str, pattern: str, example: str) -> CheckResult:
    """Hold a short name against the naming standard (a regular expression for the whole name)."""
    if re.fullmatch(pattern, name):
        return CheckResult("naming_standard", Verdict.PASS, f"'{name}' keeps to the standard")
    return CheckResult(
        "naming_standard",
        Verdict.FAIL,
        f"'{name}' does not keep to the naming standard",
        f"Use a name like '{example}'.",
    )


def check_owner(owner: str, known_people: Sequence[str]) -> CheckResult:
    """Hold the owner against the directory of people."""
    if owner and owner in known_people:
        return CheckResult("owner_set", Verdict.PASS, "a known person owns it")
    what = "no owner is set" if not owner else "the owner is no longer in the directory"
    return CheckResult("owner_set", Verdict.FAIL, what, "Name an owner who is in the directory.")


def check_evidence_fresh(due: Sequence[str], lacking: Sequence[str]) -> CheckResult:
    """Hold the evidence due by today (measure titles) against what is lacking or out of date."""
    if not due:
        return CheckResult("evidence_fresh", Verdict.PASS, "no evidence is due yet", observed=0, limit=0)
    if not lacking:
        message = f"all {len(due)} pieces of evidence due are present and fresh"
        return CheckResult("evidence_fresh", Verdict.PASS, message, observed=0, limit=0)
    return CheckResult(
        "evidence_fresh",
        Verdict.FAIL,
        f"{len(lacking)} of {len(due)} due are missing or out of date: {', '.join(lacking)}",
        "Submit what is missing.",
        observed=len(lacking),
        limit=0,
    )


def check_versions_locked(links: Mapping[str, object]) -> CheckResult:
    """Hold a model version's links to the rule: artifact digest, code commit, environment lock digest."""
    wanted = {
        "artifact_sha256": "the artifact's sha256",
        "code_commit": "the full code commit",
        "environment_sha256": "the environment lock's sha256",
    }
    lacking = [title for key, title in wanted.items() if not links.get(key)]
    if not lacking:
        return CheckResult("versions_locked", Verdict.PASS, "artifact, code and environment are locked")
    return CheckResult(
        "versions_locked",
        Verdict.FAIL,
        f"not locked: {', '.join(lacking)}",
        "Register a version that records them.",
    )


def check_data_digest(data_sha256: str) -> CheckResult:
    """Hold a model version to the rule that its training data's digest is recorded."""
    if data_sha256:
        return CheckResult("data_digest", Verdict.PASS, "the training data's digest is recorded")
    return CheckResult(
        "data_digest",
        Verdict.FAIL,
        "the training data's sha256 is not recorded",
        "Register a version with the digest of its training data.",
    )


def cannot_tell(check: str, why: str, remedy: str) -> CheckResult:
    """The verdict where nobody can tell, never a pass."""
    return CheckResult(check, Verdict.CANNOT_TELL, why, remedy)


def no_predictions(check: str) -> CheckResult:
    """The verdict where there is nothing to look at."""
    why = "this model version has no prediction batch"
    return cannot_tell(check, why, "Add a batch of predictions for this version.")


def check_decay(metric: str, alerts: Sequence[bool], looked_at: int = 1) -> CheckResult:
    """Hold the newest chunks' alerts (oldest first; True = estimated performance is worse) to the rule."""
    if not alerts:
        why = f"{metric} is not among the newest estimates of this model version"
        remedy = "Refresh its monitoring with this metric, or with all that can be estimated."
        return cannot_tell("decay_alert", why, remedy)
    raised = sum(alerts[-looked_at:])
    if raised:
        return CheckResult(
            "decay_alert",
            Verdict.FAIL,
            f"estimated {metric} is worse than its threshold in the newest chunk",
            "Look at the decay page, compare with realised values, and revalidate or retrain.",
            observed=raised,
            limit=0,
        )
    message = f"estimated {metric} keeps within its thresholds in the newest chunk"
    return CheckResult("decay_alert", Verdict.PASS, message, observed=0, limit=0)
