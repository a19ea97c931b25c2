"""How a number feature is cut: by quantiles, by bands of equal width, at given cuts, or not at all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

CutKind = Literal["quantiles", "bands", "width", "at", "values"]

MOST_BANDS = 50
_KINDS: dict[str, CutKind] = {
    "quantiles": "quantiles",
    "bands": "bands",
    "width": "width",
    "at": "at",
    "values": "values",
}
_HOW = "quantiles:5, bands:5, width:10, at:30,45,60 or values"


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
    kind = _KINDS.get(word.strip())
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
