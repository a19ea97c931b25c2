"""Business KPIs: what an initiative promised at scoping, and what was achieved of it since."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from core.connectors.kpi_files import read_observations
from core.domain.chain import Fact
from core.domain.commands import Command, Name, Words, slug
from core.domain.errors import BadInput, NotFound
from core.domain.moment import Moment
from core.lake.monitoring import business_kpi as lake
from core.services.governance import Governance
from core.services.lookups import require_initiative

Number = Annotated[float, Field(allow_inf_nan=False)]
Unit = Annotated[str, StringConstraints(max_length=30, strip_whitespace=True)]
_REASON = 10


class SetBusinessKpi(Command):
    """Promise a business KPI, or revise what was promised (then with the reason).

    The line of promise runs from `baseline` on `baseline_on` to `target` by `target_on`.
    """

    may: ClassVar[str] = "define_business_kpi"

    initiative: str
    name: Name
    unit: Unit = ""
    direction: Literal["up", "down"]
    baseline: Number
    baseline_on: date
    target: Number
    target_on: date
    source: Words = ""
    reason: Words = ""


class ObserveBusinessKpi(Command):
    """Record what was achieved on a day; the same day again corrects it, and no value withdraws it.

    A correction or withdrawal says why in `note`.
    """

    may: ClassVar[str] = "observe_business_kpi"

    initiative: str
    kpi: str
    observed_on: date
    value: Number | None
    note: Words = ""


class ImportObservations(Command):
    """Record many observations from CSV (`date,value` and perhaps `note`), all or none."""

    may: ClassVar[str] = "observe_business_kpi"

    initiative: str
    kpi: str
    content: bytes
    name: str = "observations.csv"
    note: Words = ""


def set_business_kpi(governance: Governance, command: SetBusinessKpi) -> str:
    """Put a KPI's promise on record and return its id; what was promised before stays.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative; the target is on the wrong side of the baseline or not after
        it; a revision does not say why.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    require_initiative(governance, command.initiative, moment)
    _refuse_odd(command)
    kpi = slug(command.name)
    known = [row for row in lake.promises(governance.store, command.initiative, moment) if row["kpi"] == kpi]
    if known and len(command.reason) < _REASON:
        raise BadInput(
            f"'{command.name}' is promised already, and a revision says why",
            where="reason",
            remedy="Give the reason; what was promised before stays on record.",
        )
    row = {
        **command.model_dump(exclude={"actor", "at", "baseline_on", "target_on"}),
        "kpi": kpi,
        "baseline_on": command.baseline_on.isoformat(),
        "target_on": command.target_on.isoformat(),
    }
    action = "business_kpi_revised" if known else "business_kpi_promised"
    fact = Fact(action, f"{command.initiative}/{kpi}", "business_kpi", (row,))
    governance.store.append([fact], actor=command.actor.id, at=command.at)
    return kpi


def _refuse_odd(command: SetBusinessKpi) -> None:
    if not slug(command.name):
        raise BadInput("the name has no letters", where="name", remedy="Name the KPI in words.")
    if command.target_on <= command.baseline_on:
        raise BadInput(
            "the target's day is not after the baseline's", where="target", remedy="Give a later day."
        )
    better = (
        command.target > command.baseline if command.direction == "up" else command.target < command.baseline
    )
    if not better:
        way = "above" if command.direction == "up" else "below"
        raise BadInput(
            f"the KPI is to go {command.direction}, and its target is not {way} its baseline",
            where="target",
            remedy="Check baseline, target and direction.",
        )


def observe_business_kpi(governance: Governance, command: ObserveBusinessKpi) -> None:
    """Put an observation, a correction or a withdrawal on record.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative or KPI; the day is to come; a correction does not say why; there
        is nothing to withdraw.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    _require_kpi(governance, command.initiative, command.kpi, moment)
    known = _counting(governance, command.initiative, command.kpi, moment)
    _refuse_day(command.observed_on, moment)
    day = command.observed_on.isoformat()
    if command.value is None and day not in known:
        raise BadInput(f"nothing was observed on {day}", where="value", remedy="Give a value.")
    if day in known and len(command.note) < _REASON:
        raise BadInput(
            f"{day} has a value already, and a correction says why",
            where="note",
            remedy="Give the reason; what was recorded before stays.",
        )
    action = "business_kpi_observed"
    if day in known:
        action = "business_kpi_withdrawn" if command.value is None else "business_kpi_corrected"
    row = {
        "initiative": command.initiative,
        "kpi": command.kpi,
        "observed_on": day,
        "value": command.value,
        "note": command.note,
    }
    fact = Fact(action, f"{command.initiative}/{command.kpi}", "business_kpi_observation", (row,))
    governance.store.append([fact], actor=command.actor.id, at=command.at)


def import_observations(governance: Governance, command: ImportObservations) -> int:
    """Put the observations of a CSV file on record, all or none, and return how many are new or corrected.

    Lines that say what is on record already are left out.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative or KPI; a line cannot be read or lies in the future; lines
        correct what is on record and nobody says why.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    _require_kpi(governance, command.initiative, command.kpi, moment)
    known = _counting(governance, command.initiative, command.kpi, moment)
    given = read_observations(command.content, command.name)
    for one in given:
        _refuse_day(one.observed_on, moment)
    changed = [one for one in given if known.get(one.observed_on.isoformat()) != one.value]
    corrected = [
        one
        for one in changed
        if one.observed_on.isoformat() in known and max(len(one.note), len(command.note)) < _REASON
    ]
    if corrected:
        raise BadInput(
            f"{len(corrected)} lines correct what is on record, {corrected[0].observed_on} first",
            where="observations",
            remedy="Say why, in the notes or for the whole import.",
        )
    rows = tuple(
        {
            "initiative": command.initiative,
            "kpi": command.kpi,
            "observed_on": one.observed_on.isoformat(),
            "value": one.value,
            "note": one.note or command.note,
        }
        for one in changed
    )
    if rows:
        subject = f"{command.initiative}/{command.kpi}"
        fact = Fact("business_kpi_imported", subject, "business_kpi_observation", rows)
        governance.store.append([fact], actor=command.actor.id, at=command.at)
    return len(rows)


def _refuse_day(day: date, moment: Moment) -> None:
    if day > moment.day:
        raise BadInput(f"{day} is still to come", where="day", remedy="Record what has been observed.")


def _require_kpi(governance: Governance, initiative: str, kpi: str, moment: Moment) -> None:
    require_initiative(governance, initiative, moment)
    known = dict.fromkeys(row["kpi"] for row in lake.promises(governance.store, initiative, moment))
    if kpi not in known:
        has = f"It has: {', '.join(known)}." if known else "Promise it first."
        raise NotFound(f"{initiative} has no business KPI '{kpi[:60]}'", remedy=has)


def _counting(governance: Governance, initiative: str, kpi: str, moment: Moment) -> dict[str, float]:
    rows = lake.observations(governance.store, initiative, moment)
    return {row["observed_on"]: row["value"] for row in rows if row["kpi"] == kpi and row["counts"]}
