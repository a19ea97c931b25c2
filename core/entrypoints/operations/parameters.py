"""What each operation may be given: the same for the command line and for the API.

No parameter carries a time for the record. `as_of` is for reading: a UTC day or a UTC time that is past.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

AsOf = Annotated[str, Field(max_length=40, description="A past UTC day or time; empty reads as of now.")]
Texts = tuple[str, ...]


class Parameters(BaseModel):
    """Parameters of an operation: frozen, unknown ones refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Nothing(Parameters):
    """An operation that takes no parameters."""


class AsOfParameters(Parameters):
    """A moment to read from."""

    as_of: AsOf = ""


class StandingsToRead(Parameters):
    """What to rank the teams by."""

    measure: Literal["first_time_pass_rate", "deadlines_met_rate"] = "first_time_pass_rate"
    as_of: AsOf = ""


class NewPerson(Parameters):
    """Somebody for the directory; the same id again replaces what is known of them."""

    person: str
    name: str
    team: str = ""
    title: str = ""
    roles: Texts = ()


class RecordToRead(Parameters):
    """Entries of the record, newest first; empty filters let all through."""

    initiative: str = ""
    action: str = ""
    actor: str = ""
    most: Annotated[int, Field(ge=1, le=10_000)] = 50
    skip: Annotated[int, Field(ge=0)] = 0
    as_of: AsOf = ""
