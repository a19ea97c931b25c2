"""Promised against achieved, by hand; observations in CSV, whole or refused."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.csv_files import read_observations
from core.domain.errors import BadInput
from core.domain.models.business_kpis import Observation, Promise, standing_of

UP = Promise("kept", "Customers kept", "%", "up", 20.0, date(2026, 1, 1), 30.0, date(2026, 4, 11))
DOWN = Promise("days", "Days to pay", "days", "down", 10.0, date(2026, 1, 1), 5.0, date(2026, 4, 11))
MIDDLE = date(2026, 2, 20)  # 50 of 100 days


def test_the_line_is_straight_between_the_two_days_and_level_outside() -> None:
    assert UP.promised_on(MIDDLE) == 25.0
    assert UP.promised_on(date(2025, 1, 1)) == 20.0
    assert DOWN.promised_on(MIDDLE) == 7.5
    assert DOWN.promised_on(date(2027, 1, 1)) == 5.0


@pytest.mark.parametrize(
    ("promise", "value", "today", "standing", "lead"),
    [
        (UP, 25.0, MIDDLE, "on_course", 0.0),
        (UP, 24.0, MIDDLE, "behind", -1.0),
        (UP, 31.0, MIDDLE, "achieved", 6.0),
        (DOWN, 7.0, MIDDLE, "on_course", 0.5),
        (DOWN, 9.0, MIDDLE, "behind", -1.5),
        (DOWN, 5.0, MIDDLE, "achieved", 2.5),
    ],
)
def test_the_newest_observation_is_held_against_the_promise_for_its_day(
    promise: Promise, value: float, today: date, standing: str, lead: float
) -> None:
    found = standing_of(promise, [Observation(date(2026, 1, 9), 1e9), Observation(MIDDLE, value)], today)
    assert (found.standing, found.lead) == (standing, pytest.approx(lead))


def test_without_observations_nobody_can_tell() -> None:
    assert standing_of(UP, [], MIDDLE).standing == "cannot_tell"
    later = [Observation(MIDDLE + timedelta(days=1), 99.0)]
    assert standing_of(UP, later, MIDDLE).standing == "cannot_tell", "what is to come is not known yet"


def test_past_the_targets_day_an_old_observation_tells_nothing_and_a_new_one_decides() -> None:
    today = date(2026, 6, 1)
    assert standing_of(UP, [Observation(MIDDLE, 26.0)], today).standing == "cannot_tell"
    assert standing_of(UP, [Observation(date(2026, 5, 1), 29.0)], today).standing == "missed"
    assert standing_of(UP, [Observation(date(2026, 5, 1), 30.0)], today).standing == "achieved"


@given(st.floats(-50, 50), st.floats(-50, 50), st.integers(1, 900), st.integers(-100, 1000))
def test_the_promise_never_leaves_the_span_from_baseline_to_target(
    baseline: float, change: float, days: int, day: int
) -> None:
    start = date(2026, 1, 1)
    promise = Promise("k", "K", "", "up", baseline, start, baseline + change, start + timedelta(days=days))
    ends = sorted((promise.baseline, promise.target))
    assert ends[0] - 1e-9 <= promise.promised_on(start + timedelta(days=day)) <= ends[1] + 1e-9


def test_csv_with_commas_or_semicolons_mark_and_notes_is_read() -> None:
    plain = read_observations(b"date,value\n2026-01-31,12.5\n\n2026-02-28,-3e1\n", "a.csv")
    assert [(one.observed_on.isoformat(), one.value) for one in plain] == [
        ("2026-01-31", 12.5),
        ("2026-02-28", -30.0),
    ]
    marked = read_observations("\ufeffDate;Value;Note\r\n2026-01-31;1;Größe\r\n".encode(), "b.csv")
    assert marked[0].note == "Größe"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not date,value"),
        (b"day,value\n2026-01-31,1\n", "is not date,value"),
        (b"date,value,value\n2026-01-31,1,2\n", "is not date,value"),
        (b"date,value\n", "holds no observation"),
        (b"date,value\n31.01.2026,1\n", "'31.01.2026' is no day (observations, line 2)"),
        (b"date,value\n2026-01-31,1\n2026-02-01,12,5\n", "line has 3 cells, the first one 2"),
        (b"date;value\n2026-01-31;12,5\n", "'12,5' is no number (observations, line 2)"),
        (b"date,value\n2026-01-31,nan\n", "is no finite number"),
        (b"date,value\n2026-01-31,1\n2026-01-31,2\n", "2026-01-31 is there twice"),
        (b'date,value\n2026-01-31,"1\n', "is not whole CSV"),
        (b"date,value\n2026-01-31,\xff\n", "is not UTF-8"),
    ],
)
def test_csv_that_is_wrong_anywhere_is_refused_with_its_line(content: bytes, message: str) -> None:
    with pytest.raises(BadInput) as refusal:
        read_observations(content, "a.csv")
    assert message in str(refusal.value)
    assert refusal.value.remedy
