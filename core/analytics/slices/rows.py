"""What people write of rows: how numbers are cut in bands, and which rows are kept."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

MISSING = "(missing)"
CutKind = Literal["quantiles", "bands", "width", "at", "values"]
MOST_BANDS = 50
_HOW = "quantiles:5, bands:5, width:10, at:30,45,60 or values"
Operator = Literal["=", "!=", ">=", "<=", ">", "<"]
OPERATORS: tuple[Operator, ...] = (">=", "<=", "!=", "=", ">", "<")


@dataclass(frozen=True, slots=True)
class Band:
    """A number feature cut in bands: below the first cut, between cuts, from the last cut on.

    Parameters
    ----------
    feature
        Column name.
    cuts
        Rising, finite, in the feature's unit; a value equal to a cut belongs to the band above it.
        No cut at all makes one band.

    Raises
    ------
    ValueError
        The cuts do not rise or are not finite.

    Examples
    --------
    >>> Band("age", (30, 45)).labels
    ('under 30', '30 to under 45', '45 and over')
    """

    feature: str
    cuts: tuple[float, ...]

    def __post_init__(self) -> None:
        rising = all(low < high for low, high in pairwise(self.cuts))
        if not rising or not all(math.isfinite(cut) for cut in self.cuts):
            raise ValueError(f"the cuts of {self.feature!r} must be finite and rise: {self.cuts}")

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the bands from low to high; one more than there are cuts."""
        if not self.cuts:
            return ("any value",)
        texts = _cut_texts(self.cuts)
        between = (f"{low} to under {high}" for low, high in pairwise(texts))
        return (f"under {texts[0]}", *between, f"{texts[-1]} and over")


def joined_label(first: str, last: str) -> str:
    """The name of neighbouring bands, or of values in an order, as one.

    Examples
    --------
    >>> joined_label("30 to under 45", "60 and over"), joined_label("under 30", "30 to under 45")
    ('30 and over', 'under 45')
    >>> joined_label("30 to under 45", "45 to under 60"), joined_label("fair", "good")
    ('30 to under 60', 'fair to good')
    """
    if first == last:
        return first
    low, _, _ = first.removesuffix(" and over").partition(" to under ")
    _, _, high = last.rpartition(" to under ")
    if last.endswith(" and over"):
        return f"{low} and over" if not first.startswith("under ") else "any value"
    if first.startswith("under ") and high:
        return f"under {high}"
    return f"{low} to under {high}" if " to under " in first and high else f"{first} to {last}"


def _cut_texts(cuts: tuple[float, ...]) -> list[str]:
    """Write cuts with as few digits as keep them apart."""
    for digits in range(4, 18):
        texts = [f"{cut:,.0f}" if float(cut).is_integer() else f"{cut:.{digits}g}" for cut in cuts]
        if len(set(texts)) == len(cuts):
            break
    return texts


@dataclass(frozen=True, slots=True)
class CutRule:
    """How one number feature is to be cut.

    Parameters
    ----------
    feature
        Column name.
    kind
        "quantiles" (so many bands of about equally many rows), "bands" (so many of equal width, with round
        ends), "width" (each so wide), "at" (own cuts), "values" (each value a slice).
    numbers
        The number of bands, the width, or the cuts; empty for "values".

    Examples
    --------
    >>> CutRule("age", "at", (30.0, 45.0)).text
    'age=at:30,45'
    """

    feature: str
    kind: CutKind
    numbers: tuple[float, ...] = ()

    @property
    def text(self) -> str:
        """The rule as `read_cut_rule` reads it."""
        given = ",".join(f"{number:.15g}" for number in self.numbers)
        return f"{self.feature}={self.kind}" + (f":{given}" if given else "")


def read_cut_rule(text: str) -> CutRule:
    """Read a rule from text, as it stands in an address and on the command line.

    Parameters
    ----------
    text
        `FEATURE=quantiles:5`, `FEATURE=bands:5`, `FEATURE=width:10`, `FEATURE=at:30,45,60` or
        `FEATURE=values`; cuts may come in any order.

    Returns
    -------
    CutRule

    Raises
    ------
    ValueError
        It is none of these; the message says what is possible.

    Examples
    --------
    >>> read_cut_rule("age=at:60,30")
    CutRule(feature='age', kind='at', numbers=(30.0, 60.0))
    """
    feature, _, how = text.rpartition("=")
    word, _, given = how.partition(":")
    kind: CutKind | None = next((kind for kind in get_args(CutKind) if kind == word.strip()), None)
    if not feature or kind is None:
        raise ValueError(f"'{text[:60]}' is no way to cut a feature; write FEATURE= and {_HOW}")
    try:
        numbers = tuple(sorted({float(number) for number in given.split(",") if number.strip()}))
    except ValueError:
        raise ValueError(f"'{given[:40]}' holds what is no number; write {_HOW}") from None
    _check(kind, numbers, text)
    return CutRule(feature.strip(), kind, numbers)


def even_cuts(low: float, high: float, *, bands: int = 0, width: float = 0.0) -> tuple[float, ...]:
    """Cuts at equal distances between the lowest and the highest value.

    Parameters
    ----------
    low, high
        Lowest and highest value, in the feature's unit.
    bands
        About how many bands; their width is then rounded up to 1, 2, 2.5 or 5 times a power of ten.
    width
        Of each band; used when given.

    Returns
    -------
    tuple of float
        Multiples of the width above `low` and up to `high`, rising; empty when all values are the same.

    Raises
    ------
    ValueError
        This would make more than 50 bands.

    Examples
    --------
    >>> even_cuts(17, 94, bands=4)
    (20.0, 40.0, 60.0, 80.0)
    >>> even_cuts(0.05, 0.41, width=0.1)
    (0.1, 0.2, 0.3, 0.4)
    """
    if high <= low:
        return ()
    step = width or _round_width((high - low) / bands)
    first, last = math.floor(low / step) + 1, math.floor(high / step)
    if last - first + 2 > MOST_BANDS:
        raise ValueError(f"a width of {step:g} makes more than {MOST_BANDS} bands; choose a wider one")
    return tuple(float(f"{place * step:.12g}") for place in range(first, last + 1))


def _round_width(width: float) -> float:
    size = 10.0 ** math.floor(math.log10(width))
    return next(size * step for step in (1, 2, 2.5, 5, 10) if size * step >= width * (1 - 1e-9))


def _check(kind: CutKind, numbers: tuple[float, ...], text: str) -> None:
    finite = all(math.isfinite(number) for number in numbers)
    fits = {
        "values": not numbers,
        "at": 1 <= len(numbers) < MOST_BANDS,
        "width": len(numbers) == 1 and numbers[0] > 0,
    }.get(kind, len(numbers) == 1 and float(numbers[0]).is_integer() and 2 <= numbers[0] <= MOST_BANDS)
    if not (finite and fits):
        raise ValueError(f"'{text[:60]}' cannot be cut so; write {_HOW} (2 to {MOST_BANDS} bands)")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a feature.

    Parameters
    ----------
    feature
        Column name.
    operator
        "=" and "!=" compare with the name of a slice (a value, "(missing)"); the others compare numbers.
    value
        As written.

    Examples
    --------
    >>> Condition("age", ">=", "30").text
    'age>=30'
    """

    feature: str
    operator: Operator
    value: str

    @property
    def text(self) -> str:
        """The condition as `read_condition` reads it."""
        return f"{self.feature}{self.operator}{self.value}"

    @property
    def compares(self) -> bool:
        """Whether it compares numbers rather than names."""
        return self.operator not in ("=", "!=")


def read_condition(text: str, features: Iterable[str]) -> Condition:
    """Read a condition from text, as it stands in an address and on the command line.

    Parameters
    ----------
    text
        `FEATURE=VALUE`, or with `!=`, `>=`, `<=`, `>`, `<`.
    features
        Known column names; the longest one that fits counts, as names may hold signs themselves.

    Returns
    -------
    Condition

    Raises
    ------
    ValueError
        No known feature, no sign, no value, or no number where one is compared.

    Examples
    --------
    >>> read_condition("age >= 30", ["age", "sex"])
    Condition(feature='age', operator='>=', value='30')
    """
    bare = text.strip()
    for feature in sorted(features, key=len, reverse=True):
        rest = bare[len(feature) :].strip()
        operator = next((sign for sign in OPERATORS if rest.startswith(sign)), None)
        if not bare.startswith(feature) or operator is None:
            continue
        value = rest[len(operator) :].strip()
        if not value:
            raise ValueError(f"'{text[:60]}' names no value after '{operator}'")
        if operator not in ("=", "!=") and not _is_number(value):
            raise ValueError(f"'{value[:40]}' is no number to compare '{feature}' with")
        return Condition(feature, operator, value)
    raise ValueError(f"'{text[:60]}' is no condition on a column of these predictions; write like sex=Female")


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False
