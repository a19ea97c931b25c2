"""Personal data by look and by name; what only looks alike is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analytics.drift.data_quality import find_personal_data, is_card_number, is_iban, masked

IBANS = ["DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19", "FR1420041010050500013M02606"]
CARDS = ["4111111111111111", "5500 0055 5555 5559", "3782-822463-10005"]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("email", ["ann@example.org", "Bob.B+x@mail.example.co.uk"]),
        ("iban", IBANS),
        ("credit_card", CARDS),
        ("social_security", ["536-90-4399", "078-05-1120"]),
        ("ip_address", ["192.168.0.1", "2001:db8::1"]),
        ("phone", ["+49 171 1234567", "(030) 901820-0", "0171/1234567"]),
    ],
)
def test_values_tell_their_kind(kind: str, values: list[str]) -> None:
    found = find_personal_data("column_7", values)
    assert found is not None
    assert (found.kind, found.share) == (kind, 1.0)
    assert found.why == "100% of its values look so"
    assert not set(found.examples) & set(values)


@pytest.mark.parametrize(
    "values",
    [
        ["1200.50", "900", "-3"],
        ["2026-03-31", "2026-04-01 10:00"],
        ["01234", "99999"],
        ["3", "4", "5"],
        ["DE89370400440532013001", "GB00NWBK60161331926819"],  # check digits that do not hold
        ["4111111111111112", "5500005555555550"],  # Luhn that does not hold
        ["666-12-3456", "900-12-3456", "536-00-4399"],  # areas and groups that were never given out
        ["1.2.3", "999.1.1.1"],
        ["web", "branch", "phone"],
        ["A-2026-0001", "B-2026-0002"],
        [],
    ],
)
def test_what_only_looks_alike_is_left_alone(values: list[str]) -> None:
    assert find_personal_data("column_7", values) is None


def test_ids_that_pass_luhn_by_chance_are_no_cards() -> None:
    ids = [str(4_000_000_000_000_000 + n) for n in range(500)]
    assert 0.05 < sum(map(is_card_number, ids)) / len(ids) < 0.15
    assert find_personal_data("account", ids) is None


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("customer_email", "email"),
        ("EmailAddress", "email"),
        ("phone_number", "phone"),
        ("IBAN", "iban"),
        ("firstName", "name"),
        ("date_of_birth", "name"),
        ("ssn", "social_security"),
        ("client_ip", "ip_address"),
    ],
)
def test_a_name_alone_is_told_as_such(column: str, kind: str) -> None:
    found = find_personal_data(column, ["x1", "x2"])
    assert found is not None
    assert (found.kind, found.share, found.why) == (kind, 0.0, "its name says so")


@pytest.mark.parametrize("column", ["car_name", "zip", "ship_to", "tip", "card_type", "salary"])
def test_a_harmless_name_is_no_personal_data(column: str) -> None:
    assert find_personal_data(column, ["1", "2"]) is None


def test_a_few_addresses_in_prose_are_told_though_most_values_hold_none() -> None:
    values = [f"called on day {n}" for n in range(100)]
    found = find_personal_data("notes", values, ["write to ann@example.org please"])
    assert found is not None
    assert (found.kind, found.share, found.why) == ("email", 0.0, "1 of its values hold one, most do not")
    assert "ann@example" not in found.examples[0]


@given(st.lists(st.text(max_size=60), max_size=8))
def test_masking_leaves_the_first_character_and_no_other_letter_or_digit(values: list[str]) -> None:
    for value, shown in zip(values, masked(values), strict=False):
        assert shown[:1] == value[:1]
        assert not any(char.isalnum() for char in shown[1:])


@given(st.integers(min_value=10**14, max_value=10**15 - 1))
def test_one_check_digit_of_ten_makes_a_card_number(start: int) -> None:
    body = f"4{start}"
    assert sum(is_card_number(f"{body}{digit}") for digit in range(10)) == 1


@given(st.text("0123456789", min_size=18, max_size=18))
def test_one_pair_of_check_digits_makes_an_iban(account: str) -> None:
    held = [pair for pair in range(2, 99) if is_iban(f"DE{pair:02d}{account}")]
    assert len(held) == 1
