"""The three answers a check may give."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """Outcome of a check; *cannot tell* is an answer of its own and never counts as a pass."""

    PASS = "pass"
    FAIL = "fail"
    CANNOT_TELL = "cannot_tell"
