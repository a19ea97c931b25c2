"""The automatic checks: what each looks at, its verdict on plain facts; which a kind of model can have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from core.ground import LEARNED, Checked, Direction, Id, Task, Text, Verdict, VerdictName, in_words


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
        CheckDefinition("versions_locked", "Versions locked", "what its kind is made of", True),
        CheckDefinition("data_digest", "Data digest recorded", "the training data's sha256", True),
        CheckDefinition("bias_limit", "Bias within limit", "slices against the ethical limit", True),
        CheckDefinition("decay_alert", "No decay alert", "the newest outcomes, then estimates", True),
        CheckDefinition("data_quality", "Data quality within limits", "the newest predictions", True),
        CheckDefinition("drift_alert", "No drift alert", "inputs against the reference", True),
        CheckDefinition("evaluation_limit", "Evaluation within limits", "the newest evaluation sets", True),
        CheckDefinition("attributions_present", "Scores attributed", "the newest explanation", True),
    )
}
TRUSTED_BY = "a binomial test of the chunks outside the band"
"""By which procedure estimates are trusted."""
LOOK_AT_PREDICTIONS = ("bias_limit", "decay_alert", "data_quality", "drift_alert", "attributions_present")
"""Checks that cannot tell anything before a version has prediction batches."""
LOOK_AT_FILES = (*LOOK_AT_PREDICTIONS, "evaluation_limit")
"""Checks that cannot tell anything of a new version, which has neither predictions nor evaluation sets."""


PartId = Literal[
    "artifact",
    "code",
    "environment",
    "data",
    "image",
    "base_model",
    "prompts",
    "index",
    "tools",
    "identity",
    "budget",
    "stop",
    "supplier",
    "release",
    "contract",
]


@dataclass(frozen=True, slots=True)
class Part:
    """Something that a version may be made of: its words, the fields that lock it, those beside them."""

    title: str
    locked_by: tuple[str, ...]
    beside: tuple[str, ...] = ()

    def locked(self, links: Mapping[str, object]) -> bool:
        """Whether a version records it so that it cannot be another."""
        return all(links.get(field) for field in self.locked_by)


PARTS: dict[PartId, Part] = {
    "artifact": Part("the artifact's sha256", ("artifact_sha256",), ("artifact_uri",)),
    "data": Part("the training data's sha256", ("data_sha256",), ("data_uri", "data_kind")),
    "code": Part("the full code commit", ("code_commit",), ("code_uri",)),
    "environment": Part("the environment lock's sha256", ("environment_sha256",), ("environment_uri",)),
    "image": Part("the image's sha256", ("image_sha256",), ("image_uri",)),
    "base_model": Part("the base model with its version", ("base_model", "base_version")),
    "prompts": Part("the prompts' sha256", ("prompts_sha256",), ("prompts_uri",)),
    "index": Part("the index's sha256", ("index_sha256",), ("index_uri",)),
    "tools": Part("what it may reach", ("tools",)),
    "identity": Part("with whose rights it acts", ("acts_as",)),
    "budget": Part("its budget", ("budget",)),
    "stop": Part("who stops it, and how", ("stopped_by",)),
    "supplier": Part("the supplier", ("supplier",)),
    "release": Part("the supplier's version", ("supplier_version",)),
    "contract": Part("the contract", ("contract",)),
}
"""What versions are made of, whatever their kind."""


class Kind(Checked):
    """A kind of model, or a `trait` that any of them may have beside, such as that it was bought.

    A version is `made_of` parts that have to be pinned, and `may_have` others; what a trait `withholds` is
    not asked for, as its supplier keeps it. A version predicts one of `tasks`; with `predictions` every
    version does, as rows that checks can look at.
    """

    id: Id
    title: Text
    description: Text
    made_of: tuple[PartId, ...] = ()
    may_have: tuple[PartId, ...] = ()
    tasks: tuple[Task, ...] = ()
    predictions: bool = False
    trait: bool = False
    withholds: tuple[PartId, ...] = ()

    def with_trait(self, trait: Kind) -> Kind:
        """This kind with a trait: the trait's parts first, and what it withholds is no longer asked for."""
        made_of = dict.fromkeys((*trait.made_of, *(p for p in self.made_of if p not in trait.withholds)))
        others = dict.fromkeys((*self.made_of, *self.may_have, *trait.may_have))
        return self.model_copy(
            update={
                "id": f"{self.id}+{trait.id}",
                "title": f"{self.title}, {trait.title.lower()}",
                "made_of": tuple(made_of),
                "may_have": tuple(part for part in others if part not in made_of),
                "withholds": trait.withholds,
            }
        )

    @property
    def parts(self) -> tuple[PartId, ...]:
        """All that a version may record, what it has to be made of first."""
        return self.made_of + self.may_have

    def cannot_have(self, check: str) -> str:
        """Why nothing of this kind can pass a check, or nothing where it can."""
        if check in LOOK_AT_PREDICTIONS and not self.predictions:
            return "makes no predictions as rows"
        if check == "versions_locked" and not self.made_of:
            return "is made of nothing that can be pinned"
        if check == "data_digest" and ("data" not in self.parts or "data" in self.withholds):
            return "has no training data of ours"
        return ""


LEARNED_MODEL = Kind(
    id=LEARNED,
    title="Machine-learned model",
    description="Trained on data.",
    made_of=("artifact", "code", "environment"),
    may_have=("data", "image"),
    tasks=("binary", "multiclass", "regression"),
    predictions=True,
)
"""What every model is to a policy that names no kinds."""


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


def check_versions_locked(links: Mapping[str, object], made_of: Sequence[PartId]) -> CheckResult:
    """Hold a model version's links to the rule: all that its kind is made of is pinned."""
    lacking = [part.title for part in (PARTS[name] for name in made_of) if not part.locked(links)]
    if not lacking:
        words = [in_words(name) for name in made_of]
        pinned = f"{', '.join(words[:-1])} and {words[-1]} are" if words[1:] else f"{', '.join(words)} is"
        return CheckResult("versions_locked", Verdict.PASS, f"{pinned} locked")
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


def no_predictions(check: str, gone: str = "") -> CheckResult:
    """The verdict where there is nothing to look at; `gone` says that there was, and is no more."""
    why = gone or "this model version has no prediction batch"
    return cannot_tell(check, why, "Add a batch of predictions for this version.")


@dataclass(frozen=True, slots=True)
class DecayReading:
    """A metric in one chunk and its threshold on the worse side; None where there is none."""

    value: float | None
    limit: float | None
    chunk: str = ""

    @property
    def undefined(self) -> bool:
        """Whether there is nothing to hold, or nothing to hold it to."""
        return self.value is None or self.limit is None

    def worse(self, direction: Direction) -> bool:
        """Whether it lies beyond the threshold."""
        if self.value is None or self.limit is None:
            return False
        return self.value < self.limit if direction == "higher" else self.value > self.limit

    def __str__(self) -> str:
        """The value against its threshold, and where."""
        told = " against ".join("–" if one is None else f"{one:.4g}" for one in (self.value, self.limit))
        return f"{told} ({self.chunk})" if self.chunk else told


@dataclass(frozen=True, slots=True)
class ChunkAge:
    """How old the newest chunk is, and may be for a pass; without times, since its rows were added."""

    newest: date
    days: int
    allowed: int
    timed: bool = True

    @property
    def too_old(self) -> bool:
        """Whether it says nothing of today any more."""
        return self.days > self.allowed

    def __str__(self) -> str:
        """When the newest chunk ended, and for how long it counts: the same words until it is too old."""
        on = f"{self.newest.day} {self.newest:%b %Y}"
        what = f"the newest chunk ended on {on}" if self.timed else f"the newest rows were added on {on}"
        if self.too_old:
            return f"{what}, {self.days:,} days ago, more than the {self.allowed:,} for which that counts"
        return f"{what}, which counts for {self.allowed:,} days"


def aged(result: CheckResult, age: ChunkAge) -> CheckResult:
    """Tell how old what was judged is; where it is too old, a pass is none."""
    told = replace(result, message=f"{result.message}; {age}")
    if not age.too_old or result.verdict is not Verdict.PASS:
        return told
    remedy = "Add newer predictions, and refresh the monitoring."
    return replace(told, verdict=Verdict.CANNOT_TELL, remedy=remedy)


def check_decay(
    metric: str,
    direction: Direction,
    realised: DecayReading | None,
    estimated: DecayReading | None,
    trust: VerdictName,
    against: str = "",
    procedure: str = "CBPE",
) -> CheckResult:
    """Hold what came true to its threshold, then a newer estimate as far as it can be trusted.

    Parameters
    ----------
    metric, direction
        What is held, and which way is better.
    realised
        The newest chunk after the reference with enough outcomes; None where none has.
    estimated
        The newest chunk where it is newer than that; None where the newest has outcomes, which then decide.
    trust, against
        Whether the estimates of the model can be trusted, and why not.
    procedure
        By what the estimate is made.

    Notes
    -----
    Realised worse: fail. No newer chunk: pass. A newer estimate that is worse fails, unless trust fails: then
    nobody can tell. One that is within passes with trust alone. What is undefined cannot be told.
    """
    if realised is None and estimated is None:
        why = f"{metric} is not among the newest estimates of this model version"
        remedy = "Refresh its monitoring with this metric, or with all that can be estimated."
        return cannot_tell("decay_alert", why, remedy)
    if realised is not None and (estimated is None or realised.worse(direction)):
        return _by_outcomes(metric, direction, realised)
    assert estimated is not None  # one of the two is there
    return _by_estimate(f"{metric} by {procedure}", direction, estimated, trust, against)


def _by_outcomes(metric: str, direction: Direction, realised: DecayReading) -> CheckResult:
    if realised.undefined:
        return _without_threshold(f"realised {metric}", realised)
    if realised.worse(direction):
        message = (
            f"realised {metric} is worse than its threshold in the newest chunk with outcomes: {realised}"
        )
        remedy = "Look at the decay page, find the cause, and revalidate or retrain."
        return CheckResult("decay_alert", Verdict.FAIL, message, remedy, realised.value, realised.limit)
    message = f"realised {metric} keeps within its threshold in the newest chunk: {realised}"
    return CheckResult("decay_alert", Verdict.PASS, message, "", realised.value, realised.limit)


def _by_estimate(
    metric: str, direction: Direction, estimated: DecayReading, trust: VerdictName, against: str
) -> CheckResult:
    if estimated.undefined:
        return _without_threshold(f"estimated {metric}", estimated)
    worse = estimated.worse(direction)
    verdict, remedy = Verdict.CANNOT_TELL, "Add outcomes of the newest chunk, and refresh the monitoring."
    if worse and trust != "fail":
        verdict = Verdict.FAIL
        remedy = "Look at the decay page, compare with realised values, and revalidate or retrain."
    elif not worse and trust == "pass":
        verdict, remedy = Verdict.PASS, ""
    stands = "is worse than" if worse else "keeps within"
    trusted = {
        "pass": "the estimates can be trusted",
        "fail": "the estimates cannot be trusted",
        "cannot_tell": "whether the estimates can be trusted cannot be told",
    }[trust] + f" (by {TRUSTED_BY})"
    why = f": {against}" if against else ""
    message = f"estimated {metric} {stands} its threshold in the newest chunk: {estimated}; {trusted}{why}"
    return CheckResult("decay_alert", verdict, message, remedy, estimated.value, estimated.limit)


def _without_threshold(what: str, reading: DecayReading) -> CheckResult:
    lacking = "is undefined" if reading.value is None else "has no threshold on the worse side"
    remedy = "Use larger chunks, or add outcomes, and refresh the monitoring."
    return cannot_tell("decay_alert", f"{what} {lacking} in the newest chunk", remedy)
