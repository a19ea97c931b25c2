"""What a figure is: how it is counted, which way is better, what zero means, and what it leaves out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Task = Literal["binary", "regression", "multiclass"]
"""What a model predicts: one of two classes, a number, or one of several classes."""
VerdictName = Literal["pass", "fail", "cannot_tell"]
Direction = Literal["higher", "lower", "zero"]
"""Which way is called better; zero: the value nearest to nought."""
WORST_FIRST: tuple[VerdictName, ...] = ("fail", "cannot_tell", "pass")
_BETTER = {"higher": "higher is", "lower": "lower is", "zero": "nearest to 0 is"}


def worst(verdicts: Iterable[VerdictName]) -> VerdictName:
    """The worst of several verdicts; pass where there is none.

    Examples
    --------
    >>> worst(["pass", "cannot_tell", "fail"]), worst([])
    ('fail', 'pass')
    """
    return min(verdicts, key=WORST_FIRST.index, default="pass")


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
