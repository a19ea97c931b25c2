"""KPI values: undefined is not zero, and too few is not on target."""

import pytest

from core.analytics.kpi_values import KpiDirection, count_kpi, median_kpi, ratio_kpi


def test_a_ratio_of_nothing_is_undefined_and_cannot_be_told() -> None:
    found = ratio_kpi(0, 0, direction="higher", target=0.0, earlier=0.5)
    assert (found.value, found.status, found.change, found.trend) == (None, "cannot_tell", None, "unknown")
    assert found.note == "Undefined: there is nothing to count yet."


@pytest.mark.parametrize(
    ("direction", "target", "status"),
    [
        ("higher", 0.75, "on_target"),
        ("higher", 0.76, "off_target"),
        ("lower", 0.75, "on_target"),
        ("lower", 0.74, "off_target"),
        ("lower", None, "no_target"),
    ],
)
def test_a_ratio_at_its_target_is_on_target(
    direction: KpiDirection, target: float | None, status: str
) -> None:
    assert ratio_kpi(3, 4, direction=direction, target=target).status == status


def test_fewer_than_the_minimum_cannot_be_told_but_are_shown() -> None:
    found = ratio_kpi(4, 4, direction="higher", target=0.5, minimum=5)
    assert (found.value, found.status) == (1.0, "cannot_tell")
    assert found.note == "Too few to tell: 4 of the 5 needed."
    assert median_kpi([1.0], direction="lower", target=5, minimum=2).status == "cannot_tell"


@pytest.mark.parametrize(
    ("direction", "earlier", "trend"),
    [
        ("higher", 0.5, "better"),
        ("higher", 0.9, "worse"),
        ("lower", 0.5, "worse"),
        ("lower", 0.9, "better"),
        ("lower", 0.75, "same"),
        ("lower", None, "unknown"),
    ],
)
def test_a_change_is_better_or_worse_by_direction(
    direction: KpiDirection, earlier: float | None, trend: str
) -> None:
    assert ratio_kpi(3, 4, direction=direction, earlier=earlier).trend == trend


def test_a_change_is_now_minus_earlier() -> None:
    assert ratio_kpi(3, 4, direction="higher", earlier=0.5).change == 0.25


def test_a_difference_of_rounding_only_is_no_change() -> None:
    assert ratio_kpi(3, 10, direction="higher", earlier=0.1 + 0.2).trend == "same"


def test_a_count_of_zero_is_a_value() -> None:
    found = count_kpi(0, direction="lower", target=0)
    assert (found.value, found.n, found.status) == (0.0, 0, "on_target")
    assert count_kpi(2, direction="lower", target=0, earlier=3).trend == "better"


def test_a_median_is_the_middle_and_none_of_nothing() -> None:
    assert median_kpi([9, 1, 4], direction="lower").value == 4.0
    assert median_kpi(iter([1, 2, 3, 100]), direction="lower").value == 2.5
    empty = median_kpi([], direction="lower", target=3)
    assert (empty.value, empty.n, empty.status) == (None, 0, "cannot_tell")


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="a denominator cannot be -1"):
        ratio_kpi(0, -1, direction="higher")
    with pytest.raises(ValueError, match="a count cannot be -2"):
        count_kpi(-2, direction="lower")
