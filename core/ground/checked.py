"""Values that come from outside: what somebody asks, and what a file says."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Checked(BaseModel):
    """A value whose fields are checked when it is made; unknown ones are refused, and nothing changes it.

    What checks it is built when it is first made: a command makes few of all that are declared.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
