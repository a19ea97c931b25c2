"""A fault of a list in `config/`: where it stands, what it is, how to mend it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic_core import PydanticCustomError

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
