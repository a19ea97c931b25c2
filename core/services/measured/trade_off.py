"""What would it take to meet the limit? Thresholds weighed in a worker, kept, and attached to findings."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Annotated

from pydantic import Field

from core.analytics.job_specs import TradeOffAbout, TradeOffSpec
from core.analytics.slices.mitigation import MOMENTS
from core.analytics.slices.trade_off import TradeOffPoint, TradeOffTable, rates_withheld
from core.connectors.workers import Progress, run_worker
from core.domain.commands import Command, Words
from core.domain.errors import BadInput, Conflict, NotFound
from core.domain.facts.measured import DecayRun, TradeOff
from core.domain.facts.process import Finding, FindingEvidence
from core.domain.given import InitiativeId, Texts, VersionId, argument, option
from core.domain.models.column_mapping import features_of
from core.domain.moment import Moment
from core.domain.process.commands import FindingId
from core.ground import IN_PLACE, read_back
from core.lake.facts import history, latest
from core.lake.monitoring.readings import batches as batches_on_record
from core.lake.monitoring.readings import outcomes_since
from core.lake.record.entries import keep_file
from core.lake.slices.profiles import write_scored_rows
from core.lake.slices.rows import NUMBERS, WORDS, columns_of
from core.services.case import begin, registered
from core.services.governance import Governance
from core.services.measured.monitoring import Worth
from core.services.measured.slice_batches import (
    EVERYTHING,
    BatchesOfVersion,
    By,
    Favourable,
    MetricId,
    WhichPart,
    batches_of,
    choose_rows,
    metric_of,
    rule_for,
)

MOST_FEATURES = 60
"""Features that surrogates learn from."""


class FindTradeOff(Command, may="explain_model"):
    """Work out what it would take to meet the limit of the ethical position; takes 5 seconds and more.

    One threshold for all is moved, and thresholds by group where the ethical position allows them. Nothing is
    applied. Money is what --worth says, else what the newest estimates of performance were told.
    """

    initiative: InitiativeId
    by: By
    version: VersionId = ""
    metric: MetricId = ""
    part: WhichPart = "analysis"
    positive: Favourable = ""
    worth: Worth = ()
    retrain: Annotated[
        bool, Field(description="Also train surrogates on the features, as fairlearn's reductions do.")
    ] = False


class AttachTradeOff(Command, may="submit_evidence"):
    """Attach a trade-off on record to a finding as evidence; nothing is applied."""

    initiative: InitiativeId
    finding: FindingId
    sha256: Annotated[str, Field(description="Its digest, as 'trade-off show' gives it."), argument()]
    note: Annotated[Words, Field(title="What it shows", description="What it shows.")] = ""


@dataclass(frozen=True)
class TradeOffReport:
    """A trade-off as kept; `stale` says why it holds no more."""

    found: TradeOff = field(metadata=IN_PLACE)
    table: TradeOffTable = field(metadata=IN_PLACE)
    stale: str = ""

    @property
    def proposed(self) -> TradeOffPoint | None:
        """The point with the least loss that met the limit."""
        return None if self.table.proposal is None else self.table.points[self.table.proposal]


def find_trade_off(
    governance: Governance,
    command: FindTradeOff,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Event | None = None,
) -> str:
    """Weigh thresholds in a worker process, record the table, and return what it says in a sentence.

    Raises
    ------
    NotFound, BadInput
        No such initiative, batch, feature or metric; no scores or labels; nobody declared which outcome is
        favourable, and none is named; too few rows. Nothing is stored.
    GovernanceError
        The worker was cancelled, or ended by itself.
    """
    case = begin(governance, command)
    initiative = case.initiative.initiative
    batches = batches_of(governance, initiative, command.version, case.moment, part=command.part)
    batches.refuse_weight("what it would take")
    outcome = _outcome(batches, command.positive)
    with tempfile.TemporaryDirectory() as folder:
        spec = _spec(governance, command, batches, outcome, case.moment, Path(folder) / "rows.parquet")
        result = run_worker(
            "trade_off", spec, Path(folder) / "job", on_progress=on_progress, cancelled=cancelled
        )
        stored = keep_file(governance.store, result.files["table"], "trade-offs", ".json")
    fact = TradeOff(
        initiative=initiative,
        version=command.version,
        feature=" and ".join(command.by),
        metric=spec.metric,
        outcome=outcome,
        part=command.part,
        batches=_digests(governance, initiative, command.version, command.part, case.moment),
        path=stored.path,
        sha256=stored.sha256,
        said=_table(governance, stored.path).said,
    )
    return case.put("trade_off_found", fact).said


def _outcome(batches: BatchesOfVersion, named: str) -> str:
    """The outcome that figures are of: declared as favourable, or named."""
    if batches.task != "binary":
        raise BadInput(
            f"version '{batches.version[:20]}' is a {batches.task} model; thresholds are of two outcomes",
            remedy="Choose a model that decides between two outcomes by a score.",
        )
    if not named and (batches.undeclared or not batches.favourable):
        why = batches.undeclared or "neither outcome was declared as favourable"
        raise BadInput(why, remedy="Declare the favourable outcome of the version, or name one.")
    return batches.outcome(named) or ""


def _spec(
    governance: Governance,
    command: FindTradeOff,
    batches: BatchesOfVersion,
    outcome: str,
    moment: Moment,
    rows: Path,
) -> TradeOffSpec:
    """What the worker is asked to do; its rows are written."""
    position, rule = governance.position(moment), rule_for(governance, batches, moment)
    metric = metric_of(command.metric or rule.metric, batches)
    if metric.form != "rate" or metric.id == "base_rate" or (command.retrain and metric.id not in MOMENTS):
        known = ", ".join(MOMENTS)
        raise BadInput(f"no trade-off is made with {metric.name}", where="metric", remedy=f"Use: {known}.")
    law = position.group_thresholds_for(registered(governance, batches.initiative, moment).domain)
    chosen = choose_rows(governance, batches, command.by, EVERYTHING)
    features = _features(governance, batches, command.by) if command.retrain else ()
    positive = batches.value_of(outcome)
    worth = _worth(command.worth or _declared_worth(governance, batches, moment), flipped=positive == "0")
    write_scored_rows(
        governance.store.cursor(), batches.paths, chosen.items, rows, positive=positive, features=features
    )
    return TradeOffSpec(
        rows=rows,
        metric=metric.id,
        limit=(rule.comparison, rule.limit) if metric.id == rule.metric else None,
        min_rows=rule.min_rows,
        small_groups=rule.small_groups,
        complete=rule.rows == "all",
        by_group=law.rule == "allowed",
        worth=worth,
        features=tuple(f"f{place}" for place in range(len(features))),
        about=TradeOffAbout(
            initiative=batches.initiative,
            version=batches.version,
            groups=" and ".join(command.by),
            outcome=outcome,
            limit=rule.sentence,
            law=law.sentence,
            ethical_position=position.version,
        ),
    )


def _features(governance: Governance, batches: BatchesOfVersion, by: tuple[str, ...]) -> tuple[str, ...]:
    """What surrogates learn from: numbers and words that are not sensitive and make no group."""
    columns = columns_of(governance.store.cursor(), batches.paths)
    barred = {*batches.sensitive, *by}
    found = [
        name
        for name in features_of(columns)
        if name not in barred and columns[name].startswith((*NUMBERS, *WORDS))
    ]
    if not found:
        raise BadInput("these predictions hold no feature to learn from", remedy="Leave surrogates out.")
    return tuple(found[:MOST_FEATURES])


def _declared_worth(
    governance: Governance, batches: BatchesOfVersion, moment: Moment
) -> tuple[tuple[float, ...], ...]:
    """What outcomes are worth, as the newest estimates of the version's performance were told."""
    run = latest(governance.store, DecayRun, moment, batches.initiative, version=batches.version)
    told: list[list[float]] = json.loads(run.settings).get("business_value") or [] if run else []
    return tuple(tuple(line) for line in told)


def _worth(told: tuple[tuple[float, ...], ...], *, flipped: bool) -> tuple[tuple[float, float], ...]:
    """A line a label, a column a decision, the outcome that figures are of last."""
    if not told:
        return ()
    if [len(line) for line in told] != [2, 2] or not all(
        math.isfinite(cell) for line in told for cell in line
    ):
        raise BadInput(
            "what outcomes are worth takes four numbers", where="worth", remedy="Write it like 1,-5;-3,10."
        )
    (tn, fp), (fn, tp) = told
    return ((tp, fn), (fp, tn)) if flipped else ((tn, fp), (fn, tp))


def _digests(
    governance: Governance, initiative: str, version: str, part: str, moment: Moment
) -> tuple[str, ...]:
    known = batches_on_record(governance.store, initiative, version, moment)
    return tuple(batch.sha256 for batch in known if part in ("", batch.part))


def _table(governance: Governance, path: str) -> TradeOffTable:
    file = governance.store.folder / path
    if not file.is_file():
        raise NotFound("the file of this trade-off is gone", where=path, remedy="Restore it from a backup.")
    return read_back(TradeOffTable, json.loads(file.read_text(encoding="utf-8")))


def trade_off_report(
    governance: Governance,
    moment: Moment,
    *,
    initiative: InitiativeId,
    version: VersionId = "",
    by: Annotated[Texts, Field(description="Feature that groups are made by; repeat.")] = (),
    metric: Annotated[str, Field(description="Metric.")] = "",
    sha256: Annotated[str, Field(description="An earlier one, by its digest."), option("--kept")] = "",
) -> TradeOffReport:
    """Show what it would take to meet the limit, as it was worked out last.

    Raises
    ------
    NotFound
        No such initiative; nobody has worked it out yet.
    """
    registered(governance, initiative, moment)
    known = [
        fact
        for fact in history(governance.store, TradeOff, moment, initiative)
        if sha256 == fact.sha256
        or (
            not sha256
            and fact.version == version
            and " and ".join(by) in ("", fact.feature)
            and metric in ("", fact.metric)
        )
    ]
    if not known:
        raise NotFound(
            f"nobody has worked out yet what it would take for version '{version[:20]}'",
            where=initiative,
            remedy="Work it out: governance trade-off run.",
        )
    table = _table(governance, known[-1].path)
    stale = _stale(governance, known[-1], table, moment)
    if not governance.reader.sees_small_groups(initiative):
        domain = registered(governance, initiative, moment).domain
        table = rates_withheld(table, governance.position(moment).limit_for(domain, "binary").min_rows)
    return TradeOffReport(known[-1], table, stale)


def _stale(governance: Governance, fact: TradeOff, table: TradeOffTable, moment: Moment) -> str:
    """Why it has to be worked out again; empty where it holds."""
    if _digests(governance, fact.initiative, fact.version, fact.part, moment) != fact.batches:
        return "other predictions are on record since"
    if outcomes_since(governance.store, fact, moment):
        return "outcomes came since"
    position = governance.position(moment).version
    if table.about.ethical_position != position:
        return f"ethical position {position} is in force since"
    return ""


def attach_trade_off(governance: Governance, command: AttachTradeOff) -> FindingEvidence:
    """Put on record that a trade-off is evidence of a finding; the finding stays as it is.

    Raises
    ------
    NotFound, Conflict
        No such finding or trade-off of the initiative; the finding is closed.
    """
    case = begin(governance, command)
    finding = case.find(Finding, command.finding)
    if finding.state == "closed":
        raise Conflict(f"{command.finding} is closed", remedy="Raise a new finding.")
    kept = next((fact for fact in case.history(TradeOff) if fact.sha256 == command.sha256), None)
    if kept is None:
        raise NotFound(
            f"{command.initiative} has no trade-off '{command.sha256[:16]}'",
            remedy="'governance trade-off show' gives its digest.",
        )
    evidence = FindingEvidence(
        initiative=command.initiative,
        finding=command.finding,
        version=kept.version,
        title=f"Trade-off by {kept.feature}: {kept.said}",
        sha256=kept.sha256,
        note=command.note,
    )
    return case.put("finding_evidence_attached", evidence)
