"""What rules and numbers say alike: verdict, task, what a figure is, values checked as they are made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Verdict(StrEnum):
    """Outcome of a check; *cannot tell* is an answer of its own and never counts as a pass."""

    PASS = "pass"
    FAIL = "fail"
    CANNOT_TELL = "cannot_tell"


Task = Literal["binary", "regression", "multiclass"]
"""What a model predicts: one of two classes, a number, or one of several classes."""
ProductionRole = Literal["production", "challenger", "shadow", "ab_test"]
"""What a version does in production."""
VerdictName = Literal["pass", "fail", "cannot_tell"]
Direction = Literal["higher", "lower", "zero"]
"""Which way is called better; zero: the value nearest to nought."""
WORST_FIRST: tuple[VerdictName, ...] = ("fail", "cannot_tell", "pass")
_BETTER = {"higher": "higher is", "lower": "lower is", "zero": "nearest to 0 is"}


def in_words(name: str) -> str:
    """The name of a column or of a value as people read it.

    Examples
    --------
    >>> in_words("age_band"), in_words("18-24")
    ('age band', '18-24')
    """
    return name.replace("_", " ")


def outcome_title(outcome: str, favourable: Iterable[str] = ()) -> str:
    """An outcome as people call it, and that it is good to get where it was declared so.

    Examples
    --------
    >>> outcome_title("prepaid_card"), outcome_title("1", ["1"])
    ('outcome Prepaid card', 'favourable outcome 1')
    """
    words = in_words(outcome)
    return f"{'favourable ' if outcome in favourable else ''}outcome {words[:1].upper()}{words[1:]}"


def worst(verdicts: Iterable[VerdictName]) -> VerdictName:
    """The worst of several verdicts; pass where there is none.

    Examples
    --------
    >>> worst(["pass", "cannot_tell", "fail"]), worst([])
    ('fail', 'pass')
    """
    return min(verdicts, key=WORST_FIRST.index, default="pass")


LEFT_OUT = "…"
"""What the record has in place of a value out of somebody's file."""
_ASIDE = re.compile("\ue000([^\ue000-\ue002]*)\ue001([^\ue000-\ue002]*)\ue002")


class NumberAside(float):
    """A number out of somebody's file, such as the greatest of a column: the record leaves it out."""


def aside(value: str, instead: str = LEFT_OUT) -> str:
    """Mark what stands in somebody's file, so that the record leaves it out; `instead` stands there.

    Examples
    --------
    >>> said = f"1 row holds '{aside('Ann')}'"
    >>> without_values(said), with_values(said)
    ("1 row holds '…'", "1 row holds 'Ann'")
    """
    plain = re.sub("[\ue000-\ue002]", "", value)
    return f"\ue000{plain}\ue001{instead}\ue002"


def without_values(text: str) -> str:
    """A text as the record keeps it."""
    return _ASIDE.sub(r"\2", text)


def with_values(text: str) -> str:
    """A text as it is told."""
    return _ASIDE.sub(r"\1", text)


class Explained:
    """Whatever has the words of a figure tells them as sentences."""

    formula: str
    direction: Direction
    zero_means: str
    leaves_out: str
    source: str

    @property
    def notes(self) -> tuple[str, ...]:
        """Formula, direction, what zero means, what it leaves out, and the source; one sentence each."""
        said = {
            "Formula": self.formula,
            "Direction": f"{_BETTER[self.direction]} called better",
            "Zero": self.zero_means,
            "Leaves out": self.leaves_out,
            "Source": self.source,
        }
        return tuple(f"{word}: {text.rstrip('.')}." for word, text in said.items())


@dataclass(frozen=True, slots=True)
class Figure(Explained):
    """A figure by its name and its words.

    Attributes
    ----------
    id, title
        Name in code and on screen.
    formula
        How it is counted, in words.
    direction
        Which way is called better.
    zero_means
        What a value of 0 says.
    leaves_out
        What it does not see.
    source
        Where it is defined.
    """

    id: str
    title: str
    formula: str
    direction: Direction
    zero_means: str
    leaves_out: str
    source: str


class Checked(BaseModel):
    """A value whose fields are checked when it is made; unknown ones are refused, and nothing changes it.

    What checks it is built when it is first made: a command makes few of all that are declared.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
