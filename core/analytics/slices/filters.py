"""Which rows are kept before slicing: conditions on features, written as people write them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Operator = Literal["=", "!=", ">=", "<=", ">", "<"]
OPERATORS: tuple[Operator, ...] = (">=", "<=", "!=", "=", ">", "<")


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
