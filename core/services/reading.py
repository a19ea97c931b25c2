"""From which moment the record is read."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from core.domain.errors import BadInput
from core.domain.moment import Moment
from core.services.governance import Governance


def read_moment(governance: Governance, now: datetime, as_of: str) -> Moment:
    """The moment to read from: now, the end of a past UTC day, or a past UTC time.

    Raises
    ------
    BadInput
        Not a day or a UTC time, in the future, or before the record begins.
    """
    present = governance.present(now)
    at = _past_time(as_of.strip(), present.at) if as_of else present.at
    if at == present.at:
        return present
    moment = governance.moment(at)
    if moment.seq == 0:
        raise BadInput(f"the record begins after {as_of[:40]}", where="as of", remedy="Choose a later day.")
    return moment


def _past_time(text: str, now: datetime) -> datetime:
    try:
        if len(text) == len("2026-03-31"):
            day = date.fromisoformat(text)
            at = min(datetime.combine(day, time.max, tzinfo=UTC), now) if day <= now.date() else None
        else:
            at = datetime.fromisoformat(text)
    except ValueError:
        raise _not_a_time(text) from None
    if at is None or (at.utcoffset() is not None and at > now):
        raise BadInput(
            f"{text[:40]} lies in the future",
            where="as of",
            remedy="Only what has been recorded can be read.",
        )
    if at.utcoffset() != UTC.utcoffset(None):
        raise _not_a_time(text)
    return at.replace(tzinfo=UTC)


def _not_a_time(text: str) -> BadInput:
    return BadInput(
        f"'{text[:40]}' is neither a day nor a UTC time",
        where="as of",
        remedy="Write it like 2026-03-31 or 2026-03-31T12:00:00Z.",
    )
