"""What can go wrong, said in one sentence: what, where, remedy."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic_core import PydanticCustomError


class GovernanceError(Exception):
    """A problem that a person can act on.

    Parameters
    ----------
    what
        What is wrong, user input quoted, without a closing full stop.
    where
        The place: a file with its line, a field, an initiative. May be empty.
    remedy
        What to do next, as a full sentence. May be empty.

    Examples
    --------
    >>> str(BadInput("'Q5' is not a known question", where="answers", remedy="Use one of the eight."))
    "'Q5' is not a known question (answers). Use one of the eight."
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(what)

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"{self.what}{place}. {self.remedy}".rstrip()


class BadInput(GovernanceError):
    """What was given cannot be used; nothing was stored."""


class NotFound(BadInput):
    """A name that the record does not hold."""


class Unknown(GovernanceError):
    """Nothing says who is asking: no credential, or one that does not count."""


class Forbidden(GovernanceError):
    """This actor may not do this."""


class Conflict(GovernanceError):
    """Somebody else was first, or the thing exists already; nothing was stored."""


class Busy(Conflict):
    """Somebody else is at it just now: the same may go through in a moment."""


class Cancelled(GovernanceError):
    """It was stopped on request; nothing was stored."""


class BrokenRecord(GovernanceError):
    """The store does not hold what it recorded."""


def unreadable(where: str, error: OSError) -> BadInput:
    """The answer to a file that the system does not let us read, with the system's own reason."""
    return BadInput(
        f"the file cannot be read: {error.strerror or error}", where=where, remedy="Check the path."
    )


Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Fault:
    """A fault: `path` is keys and list places, `what` has no full stop, `remedy` is a whole sentence."""

    path: Path
    what: str
    remedy: str


def refusal(path: Path, what: str, remedy: str) -> PydanticCustomError:
    """Make the error that a validator raises, so that who reads the file can name the line.

    `path` counts from the value that the validator looks at.

    Examples
    --------
    >>> str(refusal(("roles", 1), "role 'pipeline' is listed twice", "Keep one of them."))
    "role 'pipeline' is listed twice. Keep one of them."
    """
    context = {"path": path, "what": what, "remedy": remedy}
    return PydanticCustomError("fault", "{what}. {remedy}", context)
