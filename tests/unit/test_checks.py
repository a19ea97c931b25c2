"""The automatic checks on hand-made facts."""

from __future__ import annotations

from typing import get_args

import pytest

from core.domain.policy.checks import (
    CHECKS,
    DecayReading,
    PartId,
    check_data_digest,
    check_decay,
    check_evidence_fresh,
    check_naming,
    check_owner,
    check_versions_locked,
    no_predictions,
)
from core.ground import Verdict, VerdictName

PATTERN = "[a-z][a-z0-9]*(-[a-z0-9]+)+"
LEARNED: tuple[PartId, ...] = ("artifact", "code", "environment")
LINKS = {"artifact_sha256": "a" * 64, "code_commit": "b" * 40, "environment_sha256": "c" * 64}


def test_every_check_is_listed_under_its_own_id() -> None:
    assert all(check_id == check.id for check_id, check in CHECKS.items())
    assert {check.id for check in CHECKS.values() if check.per_version} == {
        "versions_locked",
        "data_digest",
        "bias_limit",
        "decay_alert",
        "data_quality",
        "drift_alert",
        "attributions_present",
        "evaluation_limit",
    }


@pytest.mark.parametrize("name", ["credit-scoring", "meals-2026", "a-1-b"])
def test_two_words_joined_by_a_hyphen_keep_to_the_standard(name: str) -> None:
    assert check_naming(name, PATTERN, "credit-scoring").verdict is Verdict.PASS


@pytest.mark.parametrize(
    "name", ["credit", "Credit-scoring", "credit_scoring", "-credit", "credit-", "a-b\n", ""]
)
def test_a_name_off_the_standard_fails_with_an_example(name: str) -> None:
    result = check_naming(name, PATTERN, "credit-scoring")
    assert result.verdict is Verdict.FAIL
    assert repr(name)[1:-1] in repr(result.message)
    assert result.remedy == "Use a name like 'credit-scoring'."


def test_a_known_owner_passes_and_nobody_or_somebody_gone_fails() -> None:
    assert check_owner("olga", ["olga", "otto"]).verdict is Verdict.PASS
    assert check_owner("", ["olga"]).message == "no owner is set"
    gone = check_owner("olga", ["otto"])
    assert (gone.verdict, gone.message) == (Verdict.FAIL, "the owner is no longer in the directory")


def test_evidence_passes_where_nothing_is_due_and_counts_what_lacks() -> None:
    assert check_evidence_fresh([], []).message == "no evidence is due yet"
    assert check_evidence_fresh(["Sign-off"], []).verdict is Verdict.PASS
    lacking = check_evidence_fresh(["Sign-off", "Lineage"], ["Lineage"])
    assert (lacking.verdict, lacking.observed, lacking.limit) == (Verdict.FAIL, 1, 0)
    assert lacking.message == "1 of 2 due are missing or out of date: Lineage"


def test_a_version_is_locked_when_artifact_code_and_environment_are_recorded() -> None:
    assert check_versions_locked(LINKS, LEARNED).verdict is Verdict.PASS
    result = check_versions_locked(LINKS | {"environment_sha256": "", "code_commit": ""}, LEARNED)
    assert result.verdict is Verdict.FAIL
    assert result.message == "not locked: the full code commit, the environment lock's sha256"


def test_the_data_digest_has_to_be_recorded() -> None:
    assert check_data_digest("d" * 64).verdict is Verdict.PASS
    assert check_data_digest("").verdict is Verdict.FAIL


def test_without_predictions_a_check_cannot_tell() -> None:
    result = no_predictions("bias_limit")
    assert (result.check, result.verdict) == ("bias_limit", Verdict.CANNOT_TELL)
    assert decay(None, None, "pass") == ("cannot_tell", None, None)


WITHIN, WORSE = DecayReading(0.82, 0.80), DecayReading(0.60, 0.80)
UNDEFINED, UNLIMITED = DecayReading(None, 0.80), DecayReading(0.82, None)


def decay(
    realised: DecayReading | None, estimated: DecayReading | None, trust: VerdictName
) -> tuple[str, float | None, float | None]:
    found = check_decay("ROC AUC", "higher", realised, estimated, trust, "why not")
    assert found.remedy.endswith(".") or found.verdict is Verdict.PASS
    return found.verdict.value, found.observed, found.limit


@pytest.mark.parametrize("trust", get_args(VerdictName))
def test_outcomes_of_the_newest_chunk_alone_decide_on_decay(trust: VerdictName) -> None:
    assert decay(WORSE, None, trust) == ("fail", 0.60, 0.80)
    assert decay(WITHIN, None, trust) == ("pass", 0.82, 0.80)
    assert decay(UNLIMITED, None, trust)[0] == "cannot_tell"


@pytest.mark.parametrize("trust", get_args(VerdictName))
def test_what_came_true_worse_fails_whatever_newer_estimates_say(trust: VerdictName) -> None:
    for estimated in (WITHIN, WORSE, UNDEFINED, UNLIMITED):
        assert decay(WORSE, estimated, trust) == ("fail", 0.60, 0.80)


@pytest.mark.parametrize("realised", [None, WITHIN, UNLIMITED])
def test_a_newer_estimate_speaks_as_far_as_its_trust_reaches(realised: DecayReading | None) -> None:
    told = {trust: decay(realised, WORSE, trust)[0] for trust in get_args(VerdictName)}
    assert told == {"pass": "fail", "cannot_tell": "fail", "fail": "cannot_tell"}
    told = {trust: decay(realised, WITHIN, trust)[0] for trust in get_args(VerdictName)}
    assert told == {"pass": "pass", "cannot_tell": "cannot_tell", "fail": "cannot_tell"}
    for nothing in (UNDEFINED, UNLIMITED):
        assert {decay(realised, nothing, trust)[0] for trust in get_args(VerdictName)} == {"cannot_tell"}


def test_a_decay_check_says_what_came_true_what_is_estimated_and_why_it_cannot_tell() -> None:
    # Estimated 0.82, realised 0.60, threshold 0.80, trust fail.
    found = check_decay("ROC AUC", "higher", DecayReading(0.60, 0.80, "day 9"), WITHIN, "fail", "why not")
    assert found.verdict is Verdict.FAIL
    where = "in the newest chunk with outcomes: 0.6 against 0.8 (day 9)"
    assert found.message == f"realised ROC AUC is worse than its threshold {where}"
    # Realised error 5.0 against 0.45: a lower one is better.
    error = check_decay("Mean absolute error", "lower", DecayReading(5.0, 0.45), None, "pass")
    assert (error.verdict, error.observed, error.limit) == (Verdict.FAIL, 5.0, 0.45)
    assert check_decay("MAE", "lower", DecayReading(0.4, 0.45), None, "fail").verdict is Verdict.PASS
    # No outcomes, and trust cannot tell.
    untold = check_decay("ROC AUC", "higher", None, WITHIN, "cannot_tell", "too few outcomes are known")
    assert untold.verdict is Verdict.CANNOT_TELL
    assert untold.message == (
        "estimated ROC AUC by CBPE keeps within its threshold in the newest chunk: 0.82 against 0.8; "
        "whether the estimates can be trusted cannot be told (by a binomial test of the chunks outside the "
        "band): too few outcomes are known"
    )
    assert untold.remedy.startswith("Add outcomes of the newest chunk")


@pytest.mark.parametrize(
    "result",
    [
        check_naming("x", PATTERN, "credit-scoring"),
        check_owner("", []),
        check_evidence_fresh(["a"], ["a"]),
        check_versions_locked({}, LEARNED),
        check_data_digest(""),
        no_predictions("bias_limit"),
        check_decay("accuracy", "higher", WORSE, None, "pass"),
    ],
    ids=lambda result: result.check,
)
def test_whatever_does_not_pass_says_what_to_do_next(result) -> None:  # type: ignore[no-untyped-def]
    assert result.verdict is not Verdict.PASS
    assert result.remedy.endswith(".")
