"""The rules of the leaderboards."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Leaderboard(BaseModel):
    """How teams are ranked, from `config/leaderboard.yaml`.

    Attributes
    ----------
    window_days
        Days back that count.
    minimum
        First tries that a team needs to be ranked; with fewer we cannot tell.
    confidence
        Of the interval around a rate, as a share; the lower end ranks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    window_days: Annotated[int, Field(ge=1, le=3650)]
    minimum: Annotated[int, Field(ge=1)]
    confidence: Annotated[float, Field(ge=0.5, lt=1)]
