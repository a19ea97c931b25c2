"""The point from which the record is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from core.domain.errors import BadInput

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far a clock may lie behind the newest entry of the record before that is said."""


@dataclass(frozen=True)
class Moment:
    """What was known, and when we stand.

    Attributes
    ----------
    seq
        Last record entry that counts.
    at
        UTC time we stand at; validity and deadlines count in whole UTC days of it.
    """

    seq: int
    at: datetime

    def __post_init__(self) -> None:
        require_utc(self.at)

    @property
    def day(self) -> date:
        """UTC day we stand on."""
        return self.at.date()

    def ahead(self, day: date) -> Moment:
        """The same record, seen from the end of a later day."""
        return Moment(self.seq, datetime.combine(day, time.max, tzinfo=UTC))


def require_utc(at: datetime) -> datetime:
    """Refuse a time without a zone or in another zone than UTC: the record knows only UTC."""
    if at.tzinfo is None or at.utcoffset() != UTC.utcoffset(None):
        raise BadInput(f"'{at.isoformat()}' is not a UTC time", remedy="Give the time in UTC.")
    return at
