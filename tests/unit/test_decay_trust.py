"""Trust in the estimates of a model: one judgement, from outcomes before and after, over all its metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from scipy.stats import binom

from core.analytics.decay.trust import (
    CHANCE_OUTSIDE,
    Compared,
    EstimateTrust,
    GroupRecord,
    GroupTrust,
    History,
    ModelTrust,
    at_least,
    estimate_trust,
    group_trust,
    model_trust,
)
from core.ground import VerdictName
from core.services.measured.decay_groups import said_of

Part = Literal["reference", "analysis"]


@dataclass(frozen=True)
class Chunk:
    """A chunk at its estimate of 0.8 with a band of ± 0.03; the threshold is 0.7, which is 0.1 away."""

    part: Part
    realised: float | None = 0.8
    estimate: float | None = 0.8
    lower_confidence: float | None = 0.77
    upper_confidence: float | None = 0.83
    lower_threshold: float | None = 0.7
    upper_threshold: float | None = 0.9
    sampling_error: float | None = 0.01


def chunks(part: Part, count: int, *, outside: int = 0, realised: float = 0.75) -> list[Chunk]:
    """So many chunks, of which some came true outside the band."""
    return [Chunk(part, realised if place < outside else 0.8) for place in range(count)]


def unknown(count: int = 4) -> list[Chunk]:
    """Analysis chunks without an outcome."""
    return [Chunk("analysis", None)] * count


def judged(
    *histories: History, checked: str = "roc_auc", error: float | None = 0.01, rows: int | None = 50_000
) -> ModelTrust:
    return model_trust(
        histories, checked=checked, calibration_error=error, reference_rows=rows, classifies=True
    )


def history(found: list[Chunk], metric: str = "roc_auc") -> History:
    return History(metric, "higher", found)


def verdicts(trust: ModelTrust) -> dict[str, Any]:
    return {reason.id: reason.verdict for reason in trust.reasons}


@pytest.mark.parametrize(
    ("found", "tried"), [(0, 5), (1, 3), (2, 10), (5, 12), (14, 17), (3, 2000), (9, 5000)]
)
def test_the_chance_of_as_many_outside_is_that_of_the_binomial_test(found: int, tried: int) -> None:
    assert at_least(found, tried, CHANCE_OUTSIDE) == pytest.approx(binom.sf(found - 1, tried, 0.003))


def test_a_band_that_the_reference_leaves_is_told_before_any_outcome() -> None:
    # California: half of the reference chunks came true outside a band that should hold 99.7 %.
    trust = judged(history(chunks("reference", 8, outside=4) + unknown()))
    assert (trust.verdict, verdicts(trust)["assumption"]) == ("fail", "fail")
    assert trust.against is not None and trust.against.id == "assumption"
    assert trust.against.value == pytest.approx(binom.sf(3, 8, 0.003))


def test_one_chunk_in_ten_outside_is_chance_and_two_are_not() -> None:
    def outside(count: int) -> str:
        return estimate_trust(chunks("reference", 10, outside=count) + unknown(), "higher").verdict

    assert [outside(count) for count in (0, 1, 2)] == ["pass", "pass", "fail"]


def test_many_reference_chunks_do_not_outvote_the_later_ones() -> None:
    trust = estimate_trust(chunks("reference", 200) + chunks("analysis", 10, outside=3), "higher")
    assert (trust.reference, trust.analysis) == (Compared(200, 200), Compared(10, 7))
    assert (trust.compared, trust.inside) == (10, 7), "the record is of what came after"
    assert trust.verdict == "fail"
    assert trust.chance == pytest.approx(2 * binom.sf(2, 10, 0.003))


def test_without_three_outcomes_after_the_reference_the_record_rests_on_both() -> None:
    trust = estimate_trust(chunks("reference", 6) + chunks("analysis", 2) + unknown(2), "higher")
    assert (trust.compared, trust.verdict) == (8, "pass")
    assert estimate_trust(chunks("reference", 2) + unknown(), "higher").verdict == "cannot_tell"


def test_a_record_as_far_off_as_the_threshold_is_away_fails() -> None:
    wide = [Chunk("analysis", 0.69, lower_confidence=None, upper_confidence=None)] * 4
    trust = estimate_trust(chunks("reference", 6) + wide, "higher")
    assert trust.verdict == "fail"
    assert (trust.error, trust.room) == pytest.approx((0.11, 0.1))
    assert trust.analysis == Compared(0, 0), "a value without a band cannot lie outside it"


def test_a_relation_that_changed_shows_in_one_metric_and_counts_for_the_model() -> None:
    whole = chunks("reference", 6) + chunks("analysis", 6)
    broken = chunks("reference", 6) + chunks("analysis", 6, outside=4)
    trust = judged(history(whole), history(broken, "accuracy"))
    assert trust.verdict == "fail"
    assert trust.against is not None and trust.against.metric == "accuracy"
    # One chunk in seven is chance once among many metrics, though it would hardly be in one alone.
    odd = chunks("reference", 9) + chunks("analysis", 20, outside=2)
    assert verdicts(judged(history(odd)))["assumption"] == "fail"
    many = [history(whole, f"m{place}") for place in range(7)]
    assert verdicts(judged(history(odd), *many))["assumption"] == "pass"


def test_a_metric_that_cannot_be_held_says_nothing_and_none_cannot_tell() -> None:
    whole = chunks("reference", 6) + chunks("analysis", 6)
    lacking = [Chunk(one.part, None, None, None, None, None, None, None) for one in whole]
    assert judged(history(whole), history(lacking, "recall")).verdict == "pass"
    assert verdicts(judged(history(lacking)))["record"] == "cannot_tell"
    assert judged(history(lacking)).verdict == judged().verdict == "cannot_tell"


def test_calibration_allows_what_chance_alone_brings_on_a_small_reference() -> None:
    def told(error: float | None, rows: int | None) -> str:
        return str(verdicts(judged(history(chunks("reference", 6)), error=error, rows=rows))["calibration"])

    assert [told(error, 50_000) for error in (0.02, 0.03, 0.05)] == ["pass", "cannot_tell", "fail"]
    # 4,500 rows: 135 in each of ten bins, so 0.034 by chance at a share of one half.
    assert [told(error, 4_500) for error in (0.03, 0.05, 0.07)] == ["pass", "cannot_tell", "fail"]
    assert told(None, 50_000) == "cannot_tell"
    assert told(0.03, None) == "cannot_tell"


def test_thresholds_and_rows_are_those_of_the_metric_that_is_checked() -> None:
    few = judged(history(chunks("reference", 5) + chunks("analysis", 5)))
    assert verdicts(few) == {
        "record": "pass",
        "assumption": "pass",
        "calibration": "pass",
        "thresholds": "cannot_tell",
        "rows": "pass",
    }
    noisy = [Chunk(one.part, sampling_error=0.07) for one in chunks("reference", 6) + chunks("analysis", 6)]
    whole = chunks("reference", 6) + chunks("analysis", 6)
    assert verdicts(judged(history(noisy)))["rows"] == "cannot_tell"
    assert judged(history(whole), history(noisy, "f1")).verdict == "pass"
    assert EstimateTrust("cannot_tell", None, None, 0, 0).chance is None


def record(name: str, bias: float, error: float, metric: str = "accuracy", **other: Any) -> GroupRecord:
    values: dict[str, Any] = {"part": "reference", "chunks": 9, "usual": 0.8, "upper_threshold": None}
    return GroupRecord((name,), metric, bias=bias, error=error, **{"lower_threshold": 0.7, **values, **other})


def told(*records: GroupRecord, classifies: bool = True) -> dict[str, str]:
    return {values[0]: one.verdict for values, one in group_trust(records, classifies=classifies).items()}


@pytest.mark.parametrize(
    ("bias", "error", "verdict"),
    [
        (0.0, 0.010, "pass"),  # 0 + 1.96 * 1.0 points are less than 2 points
        (0.0, 0.011, "cannot_tell"),
        (-0.015, 0.002, "pass"),
        (0.021, 0.009, "fail"),  # more than 2 points, and 2.3 standard errors from 0
        (0.021, 0.011, "cannot_tell"),
        (0.019, 0.001, "cannot_tell"),
    ],
)
def test_the_estimates_of_a_group_are_held_to_two_points(bias: float, error: float, verdict: str) -> None:
    assert told(record("a", bias, error)) == {"a": verdict}


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("pass", "Right to 2.0 points: Accuracy +1.1 ± 0.8 points in the reference"),
        ("fail", "Proven wrong, and off by more than 2.0 points: "
         "Accuracy +1.1 ± 0.8 points in the reference"),
        ("cannot_tell", "Cannot tell: not shown to be wrong, nor right to 2.0 points: Accuracy +1.1 ± 0.8 "
         "points in the reference"),
    ],
)  # fmt: skip
def test_each_verdict_on_a_group_says_what_it_means_and_why(verdict: VerdictName, said: str) -> None:
    known = {"metric": "accuracy", "part": "reference", "chunks": 9, "tolerated": 0.02}
    assert said_of(GroupTrust(verdict, off_by=0.011, error=0.004, **known)) == said  # type: ignore[arg-type]
    assert said_of(GroupTrust("cannot_tell")) == "Cannot tell: nothing to hold them against"


def test_many_groups_fail_none_by_chance_alone() -> None:
    """2.3 standard errors are nothing among twenty."""
    alike = [record(str(place), 0.0, 0.009) for place in range(19)]
    assert told(record("a", 0.021, 0.009), *alike)["a"] == "cannot_tell"


def test_outcomes_rule_once_three_chunks_have_them_and_every_rate_must_pass() -> None:
    fine = record("a", 0.0, 0.001)
    off = {"part": "analysis", "bias": 0.05, "error": 0.001}
    assert told(fine, record("a", chunks=2, **off)) == {"a": "pass"}
    found = group_trust([fine, record("a", chunks=3, **off)], classifies=True)["a",]
    assert (found.verdict, found.part, found.off_by) == ("fail", "analysis", 0.05)
    assert told(fine, record("b", 0.0, 0.001), record("b", 0.0, 0.001, "recall")) == {
        "a": "cannot_tell",
        "b": "pass",
    }
    assert told(fine, record("a", 0.05, 0.001, "recall")) == {"a": "fail"}


def test_an_error_is_held_to_the_way_to_its_threshold() -> None:
    limits = {"usual": 5.0, "upper_threshold": 6.0}
    found = group_trust(
        [record("a", 0.5, 0.1, "mae", **limits), record("b", 2.0, 0.1, "mae", **limits)],
        classifies=False,
        lower_better=frozenset({"mae"}),
    )
    assert [one.verdict for one in found.values()] == ["pass", "fail"]
    assert told(record("a", 0.5, 0.1, "mae", lower_threshold=None), classifies=False) == {"a": "cannot_tell"}
