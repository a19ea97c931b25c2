"""Personal data found by the look of values and by the names of columns; examples are masked here at once.

Values are judged a column at a time, on a bounded sample of different values.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(\.[\w-]+)*\.[A-Za-z]{2,}")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_CARD = re.compile(r"[3-6][0-9]{12,18}")
_SOCIAL = re.compile(r"(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")
_PHONE = re.compile(r"(\+|00|\(0?|0)[0-9][0-9 ()./-]{5,18}[0-9]")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}.*")
_DIGITS_OF_A_PHONE = (8, 15)
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_NAMES: Mapping[str, tuple[frozenset[str], ...]] = {
    "email": (frozenset({"email"}), frozenset({"mail", "address"}), frozenset({"e", "mail"})),
    "phone": (frozenset({"phone"}), frozenset({"telephone"}), frozenset({"mobile", "number"})),
    "iban": (frozenset({"iban"}),),
    "credit_card": (frozenset({"card", "number"}), frozenset({"credit", "card", "no"})),
    "social_security": (frozenset({"ssn"}), frozenset({"social", "security"}), frozenset({"national", "id"})),
    "ip_address": (frozenset({"ip", "address"}), frozenset({"ip"})),
    "name": (
        frozenset({"first", "name"}),
        frozenset({"last", "name"}),
        frozenset({"full", "name"}),
        frozenset({"customer", "name"}),
        frozenset({"person", "name"}),
        frozenset({"surname"}),
        frozenset({"forename"}),
        frozenset({"firstname"}),
        frozenset({"lastname"}),
        frozenset({"passport"}),
        frozenset({"birthdate"}),
        frozenset({"dob"}),
        frozenset({"date", "birth"}),
        frozenset({"street", "address"}),
        frozenset({"home", "address"}),
        frozenset({"tax", "id"}),
    ),
}
TITLES: Mapping[str, str] = {
    "email": "E-mail address",
    "phone": "Phone number",
    "iban": "IBAN",
    "credit_card": "Payment card number",
    "social_security": "Social security number",
    "ip_address": "IP address",
    "name": "Name, birth date or address",
}
"""Kind of personal data -> words for people."""
SUSPECTS = (
    r"@[\w-]+\.|^ ?[A-Z]{2}[0-9]{2}[A-Z0-9 ]{11,}|^[3-6][0-9 -]{12,}[0-9]$|^[0-9]{3}-[0-9]{2}-[0-9]{4}$"
)
"""Values worth a second look, as a regular expression for the store."""


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Personal data in a column.

    Attributes
    ----------
    kind
        A key of `TITLES`.
    share
        Share of the sampled values that look so; 0 where only the column's name says it.
    why
        One sentence.
    examples
        Up to three values, masked.
    """

    kind: str
    share: float
    why: str
    examples: tuple[str, ...]


def find_personal_data(
    column: str, values: Sequence[str], suspects: Sequence[str] = (), *, min_share: float = 0.2
) -> PersonalData | None:
    """Tell what personal data a column holds, if any.

    Parameters
    ----------
    column
        Its name.
    values
        Different values, sampled without regard to their look; their share counts.
    suspects
        Different values that match `SUSPECTS`, however rare they are.
    min_share
        Share of `values` from which a look counts by itself.

    Returns
    -------
    PersonalData or None
        None where neither values nor name say so.

    Notes
    -----
    IBANs are checked by their check digits (ISO 13616), card numbers by Luhn's (ISO/IEC 7812): a random
    number passes the first in 1 of 97 cases, the second in 1 of 10. Leaves out names of people that no
    column's name announces, and text in which somebody is described.

    Examples
    --------
    >>> find_personal_data("contact", ["ann@example.org", "bob@example.org"]).kind
    'email'
    >>> find_personal_data("income", ["1200", "900"]) is None
    True
    """
    named = _named(column)
    for kind, looks in _LOOKS.items():
        found = [value for value in values if looks(value.strip())]
        share = len(found) / len(values) if values else 0.0
        if found and (share >= min_share or (kind == named and kind not in ("phone",))):
            why = f"{share:.0%} of its values look so" + (", and so does its name" if kind == named else "")
            return PersonalData(kind, share, why, masked(found))
    for kind in ("email", "iban", "credit_card", "social_security"):
        found = [value for value in suspects if _LOOKS[kind](value.strip()) or _embedded(kind, value)]
        if found and kind != "credit_card":
            why = f"{len(found):,} of its values hold one, most do not"
            return PersonalData(kind, 0.0, why, masked(found))
    if named:
        return PersonalData(named, 0.0, "its name says so", masked(list(values[:3])))
    return None


def masked(values: Sequence[str]) -> tuple[str, ...]:
    """Up to three values in their shape: the first character, and a dot in place of every letter and digit.

    Examples
    --------
    >>> masked(["ann@example.org", "+49 171 1234567"])
    ('a••@•••••••.•••', '+•• ••• •••••••')
    """
    return tuple(value[:1] + re.sub(r"\w", "•", value[1:40]) for value in values[:3])


def is_iban(text: str) -> bool:
    """Whether a text is an IBAN whose check digits hold.

    Examples
    --------
    >>> is_iban("DE89 3704 0044 0532 0130 00"), is_iban("DE00 3704 0044 0532 0130 00")
    (True, False)
    """
    bare = text.replace(" ", "")
    if not _IBAN.fullmatch(bare):
        return False
    turned = bare[4:] + bare[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


def is_card_number(text: str) -> bool:
    """Whether a text is a payment card's number whose last digit holds (Luhn).

    Examples
    --------
    >>> is_card_number("4111 1111 1111 1111"), is_card_number("4111 1111 1111 1112")
    (True, False)
    """
    bare = re.sub(r"[ -]", "", text)
    if not _CARD.fullmatch(bare):
        return False
    total = 0
    for place, char in enumerate(reversed(bare)):
        digit = int(char) * (2 if place % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def _is_phone(text: str) -> bool:
    if not _PHONE.fullmatch(text) or _DAY.fullmatch(text):
        return False
    low, high = _DIGITS_OF_A_PHONE
    digits = sum(char.isdigit() for char in text)
    spaced = any(char in " ()/-" for char in text)
    return low <= digits <= high and (text.startswith("+") or spaced)


def _is_address(text: str) -> bool:
    if text.count(".") != 3 and text.count(":") < 2:
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


_LOOKS: Mapping[str, Callable[[str], bool]] = {
    "email": lambda text: _EMAIL.fullmatch(text) is not None,
    "iban": is_iban,
    "credit_card": is_card_number,
    "social_security": lambda text: _SOCIAL.fullmatch(text) is not None,
    "ip_address": _is_address,
    "phone": _is_phone,
}


def _embedded(kind: str, text: str) -> bool:
    return kind == "email" and _EMAIL.search(text) is not None


def _named(column: str) -> str:
    words = {word.lower() for word in _WORD.findall(column)}
    for kind, sets in _NAMES.items():
        if any(wanted <= words for wanted in sets):
            return kind
    return ""
