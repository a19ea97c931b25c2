"""Text on screen: names that people typed are neutralised here, and numbers and dates get one form."""

from __future__ import annotations

import html
import re
import unicodedata
from datetime import date, datetime

NOTHING = "–"
_JOINER = "\u2060"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:=^&@/\"'])")
_SHORTCODE = re.compile(r":(?=[A-Za-z0-9_+\-/]+:)")
_LINK = re.compile(r"(?i)(?<=:)(?=//)|(?<=\bwww)(?=\.)|(?<=@)")
_ARROWS = re.compile(r"(<-|->|--|>=|<=|~=)")


def plain(value: object) -> str:
    """Turn anything into one line of visible text.

    Control characters and direction overrides are dropped, so that a name cannot hide or reorder what
    stands beside it; every run of white space becomes one blank.
    """
    text = "" if value is None else str(value)
    kept = (" " if char in "\t\r\n" else char for char in text)
    visible = "".join(char for char in kept if unicodedata.category(char) not in {"Cc", "Cf", "Zl", "Zp"})
    return " ".join(visible.split())


def escape(value: object) -> str:
    """Neutralise Markdown, HTML, mathematics, colour directives and icon codes in a text from outside.

    Use it for every name, title or reason that a person typed, wherever Streamlit reads Markdown: labels,
    captions, messages, options of a widget. Cells of tables and `escape_html` have their own way.

    Parameters
    ----------
    value
        Any value; `None` becomes an empty text.

    Returns
    -------
    str
        One line that Streamlit shows literally.

    Notes
    -----
    A backslash stops what the Markdown parser does. Icon codes (`:red_circle:`), arrows (`->`) and bare
    addresses are replaced after parsing, when the backslashes are gone; a word joiner, which has no width,
    breaks them.
    """
    text = _SHORTCODE.sub(":" + _JOINER, plain(value))
    text = _LINK.sub(_JOINER, text)
    text = _ARROWS.sub(lambda match: match[0][0] + _JOINER + match[0][1], text)
    return _MARKDOWN.sub(r"\\\1", text)


def escape_html(value: object) -> str:
    """Neutralise a text for our own HTML pieces, inside elements and inside quoted attributes."""
    return html.escape(plain(value), quote=True)


def capital(words: str) -> str:
    """Begin with a capital."""
    return words[:1].upper() + words[1:]


def sentence(words: str) -> str:
    """Begin with a capital and end with a full stop, where nothing else ends it."""
    return capital(words) if words.endswith((".", "!", "?")) else f"{capital(words)}."


def humanise(identifier: str) -> str:
    """Show an identifier as words: `very_high` becomes `Very high`."""
    return capital(plain(identifier).replace("_", " ").replace("-", " "))


def number(value: float | None, digits: int = 0) -> str:
    """Show a number with thousands separators, or a dash for nothing."""
    return NOTHING if value is None else _minus(f"{value:,.{digits}f}")


def percent(value: float | None, digits: int = 0) -> str:
    """Show a share (0.0 to 1.0) as a percentage."""
    return NOTHING if value is None else _minus(f"{value * 100:.{digits}f}%")


def points(value: float | None, digits: int = 1) -> str:
    """Show a difference of two shares (0.05) in percentage points, with its sign."""
    return NOTHING if value is None else _minus(f"{round(value * 100, digits) + 0.0:+.{digits}f} points")


def day(value: date | datetime | None) -> str:
    """Show a day as `23 Nov 2026`."""
    return NOTHING if value is None else f"{value.day} {value:%b %Y}"


def minute(value: datetime | None) -> str:
    """Show a UTC time as `23 Nov 2026, 06:00 UTC`."""
    return NOTHING if value is None else f"{day(value)}, {value:%H:%M} UTC"


def count(amount: int, one: str, many: str = "") -> str:
    """Show an amount with its noun: `1 initiative`, `12 initiatives`."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


def _minus(text: str) -> str:
    return text.replace("-", "\u2212")
