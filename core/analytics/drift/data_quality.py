"""Data quality of one column: what is missing, unseen, out of range or personal, against the reference."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from core.analytics.intervals import Interval, rate_difference_interval, wilson_interval
from core.ground import VerdictName, aside, worst

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


TOLERANCE = 1e-4
"""Of the reference's range (of its value, where it has one): what lies nearer than that is not outside."""


def widened(low: float, high: float) -> tuple[float, float]:
    """The range of a reference with its tolerance.

    Examples
    --------
    >>> widened(0.0, 100.0)
    (-0.01, 100.01)
    """
    margin = TOLERANCE * ((high - low) or abs(low) / 100)
    return low - margin, high + margin


@dataclass(frozen=True, slots=True)
class ColumnCounts:
    """Counts of a column in the reference and in the rows that are judged.

    Attributes
    ----------
    rows, missing, reference_rows, reference_missing
        Rows, and those without a value: empty, blank, or not a number.
    unseen
        Rows whose category the reference does not hold; None for numbers, and without a reference.
    unseen_values
        The most frequent of these categories.
    vanished, vanished_values
        Reference rows whose category no row holds now, by more than chance, and the most frequent of these.
    gone
        Whether only the reference has the column.
    outside
        Rows below the least or above the greatest number of the reference by more than a ten-thousandth of
        its range; None for texts.
    low, high, reference_low, reference_high
        Least and greatest number, in the column's unit; None for texts.
    """

    rows: int
    missing: int
    reference_rows: int
    reference_missing: int
    unseen: int | None = None
    unseen_values: tuple[str, ...] = ()
    outside: int | None = None
    low: float | None = None
    high: float | None = None
    reference_low: float | None = None
    reference_high: float | None = None
    vanished: int = 0
    vanished_values: tuple[str, ...] = ()
    gone: bool = False


@dataclass(frozen=True, slots=True)
class ColumnLimits:
    """Limits as shares of rows (0 to 1), and the rows needed to judge."""

    max_missing_rise: float
    max_unseen_share: float
    max_out_of_range_share: float
    min_rows: int
    max_vanished_share: float = 0.01


@dataclass(frozen=True, slots=True)
class ColumnQuality:
    """VerdictName on a column with the findings behind it; shares are None where they are undefined."""

    verdict: VerdictName
    findings: tuple[str, ...]
    reference_missing: float | None
    missing: float | None
    unseen: float | None
    out_of_range: float | None


def judge_column(counts: ColumnCounts, limits: ColumnLimits) -> ColumnQuality:
    """Hold a column's counts to the limits; the worst of its verdicts counts.

    Returns
    -------
    ColumnQuality
        `cannot_tell` where there are too few rows, no reference, or where the 95 % interval holds the limit.

    Notes
    -----
    Formula: a share fails when its whole Wilson interval lies above the limit and passes when its interval
    ends at or below it; the rise of the missing share alike, by Newcombe's interval of a difference.
    Direction: lower is better. Zero: nothing missing, unseen or out of range. Leaves out whether values
    within the range are right. Source: Wilson 1927, Newcombe 1998.

    Examples
    --------
    >>> limits = ColumnLimits(0.05, 0.01, 0.01, min_rows=100)
    >>> judge_column(ColumnCounts(5000, 0, 5000, 0, unseen=500), limits).verdict
    'fail'
    >>> judge_column(ColumnCounts(50, 0, 5000, 0, unseen=0), limits).findings
    ('Only 50 rows, too few to judge.',)
    """
    filled = counts.rows - counts.missing
    shares = (
        _share(counts.reference_missing, counts.reference_rows),
        _share(counts.missing, counts.rows),
        None if counts.unseen is None else _share(counts.unseen, filled),
        None if counts.outside is None else _share(counts.outside, filled),
    )
    if counts.rows < limits.min_rows:
        return ColumnQuality("cannot_tell", (f"Only {counts.rows:,} rows, too few to judge.",), *shares)
    if not counts.reference_rows:
        return ColumnQuality("cannot_tell", ("There is no reference to compare with.",), *shares)
    if counts.gone:
        return ColumnQuality("fail", ("The reference has this column, and there is none here.",), *shares)
    found = [_missing(counts, limits)]
    if counts.vanished:
        before = counts.reference_rows - counts.reference_missing
        words = f"of the reference {_values('had a value that no row has now', counts.vanished_values)}"
        found.append(_held(counts.vanished, before, limits.max_vanished_share, words))
    if counts.unseen is not None and filled:
        words = _values("not in the reference", counts.unseen_values)
        found.append(_held(counts.unseen, filled, limits.max_unseen_share, words))
    if counts.outside is not None and filled:
        low, high = _number(counts.reference_low), _number(counts.reference_high)
        words = f"outside {aside(f'{low} to {high}', 'the range of the reference')}"
        found.append(_held(counts.outside, filled, limits.max_out_of_range_share, words))
    verdict = worst(verdict for verdict, _ in found)
    return ColumnQuality(verdict, tuple(words for _, words in found if words), *shares)


def _missing(counts: ColumnCounts, limits: ColumnLimits) -> tuple[VerdictName, str]:
    interval = rate_difference_interval(
        counts.missing, counts.rows, counts.reference_missing, counts.reference_rows
    )
    now, before = counts.missing / counts.rows, counts.reference_missing / counts.reference_rows
    words = f"{now:.1%} missing, {before:.1%} in the reference."
    return _verdict(now - before, interval, limits.max_missing_rise, words)


def _held(part: int, rows: int, limit: float, words: str) -> tuple[VerdictName, str]:
    share = part / rows
    return _verdict(share, wilson_interval(part, rows), limit, f"{share:.1%} {words}.")


def _verdict(value: float, interval: Interval | None, limit: float, words: str) -> tuple[VerdictName, str]:
    if interval is None or interval.low <= limit < interval.high:
        few = f"{words[:-1]}; too few rows to tell it from the limit of {limit:.1%}."
        return "cannot_tell", few
    if value > limit:
        return "fail", f"{words[:-1]}; the limit is {limit:.1%}."
    return "pass", words if value > 0 else ""


def _values(words: str, values: tuple[str, ...]) -> str:
    shown = ", ".join(f"'{value[:30]}'" for value in values[:3])
    return f"{words}{aside(f' ({shown})', '')}" if shown else words


def _share(part: int, rows: int) -> float | None:
    return part / rows if rows else None


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"


def beyond_twins(cross: int, rows: tuple[int, int], twins: tuple[int, int]) -> bool:
    """Whether more rows of two files are equal than chance brings, though the tables may be small.

    Parameters
    ----------
    cross
        Values (of all columns together) that stand once in each file.
    rows
        Rows of the one and of the other file.
    twins
        Values that stand exactly twice in the one, and in the other.

    Notes
    -----
    Formula: with S the sum of the squared shares of rare values, n and m rows bring n*m*S such pairs between
    the files and (n^2 + m^2)*S/2 twins within them, so that the twins bound the pairs; different shares
    only lower the pairs (Cauchy and Schwarz). Upper and lower ends of about 0.1 % are by the normal
    approximation of a Poisson count, 7 being the upper end of none. Direction: true says that rows stand in
    both. Zero twins mean that rows tell themselves apart. Leaves out values that are frequent: files of few
    columns and few values have equal rows by nature, and nothing is said of them; nor of fewer than 25 rows.
    People who are scored again with the same values and no time are equal, too, and are told. Source: ours.

    Examples
    --------
    >>> beyond_twins(400, (460, 400), (0, 0)), beyond_twins(400, (2000, 2000), (180, 210))
    (True, False)
    """
    n, m = rows
    most = 2 * n * m / (n * n + m * m) * _upper(sum(twins))
    return cross >= _FEWEST and cross - _Z * sqrt(cross) > most


def beyond_repeats(once: int, twice: int, thrice: int) -> bool:
    """Whether more rows of one file stand twice than chance brings, given those that stand once and thrice.

    Notes
    -----
    Formula: counts of rows drawn by chance are a mixture of Poisson counts, for which twice^2 is at most
    1.5 * once * thrice (Cauchy and Schwarz on the moments). Direction: true says that rows stand twice. Zero
    repeats are none. Ends and what is left out as in `beyond_twins`; in a long file few repeats are not told.
    Source: ours, on the moments of mixed Poisson counts.

    Examples
    --------
    >>> beyond_repeats(100, 400, 0), beyond_repeats(1000, 300, 60)
    (True, False)
    """
    return twice >= _FEWEST and twice - _Z * sqrt(twice) > sqrt(1.5 * once * _upper(thrice))


_Z, _FEWEST = 3.1, 25


def _upper(count: int) -> float:
    return count + _Z * sqrt(count) + 7
