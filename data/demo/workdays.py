"""Time in the simulation: a number of working days since its start, and the moment that stands for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

DAYS = 548
"""How far back the demo's history reaches: 18 months."""
_OPENS_AT, _HOURS = timedelta(hours=8), 10


@dataclass(frozen=True)
class Workdays:
    """Working days since a Monday; 6.5 is noon or so of the second Tuesday.

    The mapping to moments is strictly increasing, so what is planned later happens later.
    """

    monday: datetime
    now: datetime

    @classmethod
    def until(cls, now: datetime) -> Workdays:
        """The working days of the 18 months before `now` (UTC)."""
        first = (now.astimezone(UTC) - timedelta(days=DAYS)).date()
        monday = first - timedelta(days=first.weekday())
        return cls(datetime.combine(monday, time(), tzinfo=UTC), now.astimezone(UTC))

    def moment(self, workday: float) -> datetime:
        """The moment of a working day, to the second, in office hours."""
        whole = int(workday)
        weeks, day = divmod(whole, 5)
        clock = _OPENS_AT + timedelta(hours=_HOURS * (workday - whole))
        moment = self.monday + timedelta(weeks=weeks, days=day) + clock
        return moment.replace(microsecond=0)

    def workday(self, days_before_now: float) -> float:
        """The working day that lies a number of calendar days before now, not before the start."""
        days = (self.now - self.monday).total_seconds() / 86400 - days_before_now
        weeks, rest = divmod(max(days, 0.0), 7)
        return weeks * 5 + min(rest, 4.999)

    @property
    def last(self) -> float:
        """The working day of now."""
        return self.workday(0)

    def progress(self, workday: float) -> float:
        """0 at the start, 1 at now."""
        return min(max(workday / self.last, 0.0), 1.0) if self.last else 1.0


def workdays(calendar_days: float) -> float:
    """Working days in a span of calendar days."""
    return calendar_days * 5 / 7
