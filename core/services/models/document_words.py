"""Numbers, days and lists as the documents write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

SCHEMES = ("http", "https", "s3", "gs", "abfs", "abfss", "hdfs", "git", "ssh", "oci", "dbfs")


def day(value: date | datetime | None) -> str:
    """A day as `23 Nov 2026`; empty for none."""
    return "" if value is None else f"{value.day} {value:%b %Y}"


def amount(number: int, one: str) -> str:
    """A number with its noun: `1 chunk`, `12 chunks`."""
    return f"{number:,} {one if number == 1 else one + 's'}"


def level(value: float | None, form: str) -> str:
    """A metric of a slice; an undefined one is never a number."""
    if value is None:
        return "undefined"
    return f"{value:.1%}" if form == "rate" else f"{value:,.4g}"


def share(value: float | None, unit: str) -> str:
    """A metric of a whole model; empty where it is not known."""
    if value is None:
        return ""
    return f"{value:.1%}" if unit == "percent" else f"{value:,.4g}"


def list_words(words: Sequence[str]) -> str:
    """Words as a list in a sentence.

    Examples
    --------
    >>> list_words(["a", "b", "c"])
    'a, b and c'
    """
    *most, last = words or ("nothing",)
    return f"{', '.join(most)} and {last}" if most else last


def address(link: str | None) -> str:
    """An address if it is of a kind that people use for files, else what kind it is."""
    if not link:
        return ""
    scheme = link.partition("://")[0].lower()
    return link if scheme in SCHEMES else f"an address of the kind “{scheme[:20]}”, which is not shown"
