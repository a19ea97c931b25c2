"""What was declared of a version's predictions, amended: the favourable outcome, and how values are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field, StringConstraints

from core.domain.chain import Fact
from core.domain.commands import Command
from core.domain.errors import BadInput, NotFound
from core.domain.facts.measured import BatchIntake, BatchReading, FavourableOutcome, PredictionBatch
from core.domain.facts.process import CheckRun
from core.domain.facts.recorded import entry_of
from core.domain.given import InitiativeId, Join, Kinds, Missing, OrCurrent, Weight, Zone, option
from core.domain.models.column_mapping import (
    NEITHER,
    PREDICTED,
    ROW_ID,
    TIMESTAMP,
    TRUE,
    ColumnMapping,
    Kind,
    declared_kinds,
    declared_orders,
    favourable_of,
    kept_mapping,
    kinds_of,
    mapping_to_keep,
    read_otherwise,
    score_column,
)
from core.ground import with_values
from core.lake.facts import history, latest
from core.lake.models import current_version
from core.lake.monitoring import readings as lake
from core.lake.predictions.batches import column_types, intakes, refuse_weights
from core.lake.predictions.intake import GivenFile, Intake, take_in
from core.lake.predictions.intake_columns import require_zone
from core.lake.predictions.intake_rules import IntakeRules
from core.lake.record.entries import StoredFile, keep_batch
from core.lake.store import Store
from core.services.case import Case, begin
from core.services.governance import Governance
from core.services.measured.predictions import (
    classes_said,
    least_rows,
    mapping_on_record,
    mapping_to_record,
    require_amendable,
    require_version,
    task_of,
)
from core.services.measured.slice_batches import batches_of
from core.services.process.checks import record_checks


class DeclareOutcome(Command, may="add_predictions"):
    """Declare which outcomes of a version are good to get, or that neither is; the newest declaration counts.

    Bias is measured on these outcomes, and on every one where neither is better than another.
    """

    initiative: InitiativeId
    version: Annotated[
        str,
        Field(description="Model version; the current one where none is named."),
        OrCurrent(),
        option("--model-version", "--version"),
    ] = ""
    favourable: Annotated[
        tuple[str, ...],
        Field(description="Value of the prediction that is good to get; repeat. Or: neither."),
    ] = ()
    like: Annotated[
        str, Field(description="Take over what was declared of this version."), option(metavar="VERSION")
    ] = ""
    note: Annotated[str, StringConstraints(max_length=2000), Field(description="Why.")] = ""


def declare_outcome(governance: Governance, command: DeclareOutcome) -> FavourableOutcome:
    """Put the favourable outcomes of a version on record.

    Raises
    ------
    NotFound, BadInput
        No such version; neither outcomes nor another version that has them, or both; an outcome that its
        predictions do not have; a regression, which has none.
    Forbidden
        Another outcome is declared already, and who asks owns or builds the initiative.
    """
    case = begin(governance, command)
    initiative, version = command.initiative, command.version
    known = require_version(governance, initiative, version, case.moment)
    task = task_of(known)
    outcomes: tuple[str, ...] = ()
    if lake.batches(governance.store, initiative, version, case.moment):
        batches = batches_of(governance, initiative, version, case.moment)
        task, outcomes = batches.task, batches.classes
    favourable = favourable_of(_named(case, command), task, outcomes)
    declared = FavourableOutcome(
        initiative=initiative, version=version, favourable=favourable, note=command.note
    )
    require_amendable(case, declared)
    return case.put("outcome_declared", declared)


def _named(case: Case, command: DeclareOutcome) -> tuple[str, ...]:
    """The outcomes that are given, or those of the version whose declaration is taken over."""
    if bool(command.favourable) == bool(command.like):
        raise BadInput(
            "the favourable outcome is named, or taken over from another version",
            where="favourable",
            remedy="Give one of the two.",
        )
    if not command.like:
        return command.favourable
    store = case.governance.store
    known = latest(store, FavourableOutcome, case.moment, command.initiative, version=command.like)
    if known is None:
        raise NotFound(
            f"nobody declared the favourable outcome of version '{command.like[:20]}'", remedy="Name it."
        )
    return known.favourable or (NEITHER,)


class AmendColumns(Command, may="add_predictions"):
    """Amend how values of a version's predictions are read; batches are read and checks run anew.

    What is declared is added to what was declared before; a kind takes back what was said of its column.
    """

    initiative: InitiativeId
    version: Annotated[
        str,
        Field(description="Model version; the current one where none is named."),
        OrCurrent(),
        option("--model-version", "--version"),
    ] = ""
    kinds: Kinds = ()
    missing: Missing = ()
    join: Join = ()
    zone: Zone = ""
    weight: Weight = ""
    note: Annotated[str, StringConstraints(min_length=1, max_length=2000), Field(description="Why.")]


@dataclass(frozen=True)
class AmendedColumns:
    """What became of the batches: how many there are and read otherwise now, and what is odd about these."""

    batches: int
    changed: int
    warnings: tuple[str, ...]


_JUDGES = ("bias_limit", "decay_alert", "data_quality", "drift_alert")


def amend_columns(governance: Governance, command: AmendColumns) -> AmendedColumns:
    """Put on record how values are read, with every batch read anew; then run the checks that judged them.

    Raises
    ------
    NotFound, BadInput
        No such version, or no predictions; nothing would change; a batch cannot be read so.
    Forbidden
        A check has judged the predictions already, and who asks owns or builds the initiative.
    """
    case = begin(governance, command)
    initiative, version = command.initiative, command.version
    require_version(governance, initiative, version, case.moment)
    fact = mapping_on_record(governance, initiative, version, case.moment)
    if fact is None:
        raise NotFound(
            f"version '{version[:20]}' of {initiative} has no predictions", remedy="Add a file first."
        )
    require_zone(governance.store.cursor(), command.zone)
    kept, known = kept_mapping(fact), kinds_of(fact)
    declared = declared_kinds(command.kinds, kept)
    columns = (*kept.features, *kept.canonical().values())
    told = command.model_dump(include={"missing", "join", "zone", "weight"})
    wanted = read_otherwise(kept, columns, kinds=declared, orders=declared_orders(command.kinds), **told)
    if wanted == kept and {**known, **declared} == known:
        raise BadInput("nothing would change", where=f"version {version}", remedy="Declare something else.")
    judged = {
        run.check_id
        for run in history(governance.store, CheckRun, case.moment, initiative)
        if run.version == version and run.check_id in _JUDGES and run.verdict != "cannot_tell"
    }
    if judged:
        case.require_independent("change how judged predictions are read for")
    found = _read_anew(case, command, wanted, {**known, **declared})
    current = current_version(governance.store, initiative, case.moment)
    if judged and current is not None and current.version == version:
        record_checks(
            governance, initiative, actor=case.command.actor, at=command.at, only=tuple(sorted(judged))
        )
    return found


def _read_anew(
    case: Case, command: AmendColumns, mapping: ColumnMapping, kinds: Mapping[str, Kind]
) -> AmendedColumns:
    """Every batch read by a mapping; one append has the mapping and the batches that read otherwise."""
    store, of = case.governance.store, (command.initiative, command.version)
    came = {one.sha256: one for one in intakes(store, *of, case.moment)}
    read = lake.readings(store, *of, case.moment)
    least = case.rules.data_quality.intake.min_reference_rows
    entries: list[Fact] = []
    paths: list[str] = []
    notes: list[str] = []
    said, rare = classes_said(case, *of), set[str]()
    batches = [one for one in case.history(PredictionBatch) if one.version == command.version]
    with store.workroom() as work:
        for batch in batches:
            rows = least_rows(case, batch.task)
            rules = IntakeRules(batch.part, least, command.at, kinds, batches=tuple(paths), least_rows=rows)
            source = _Source(store, batch, came.get(batch.sha256))
            taken = take_in(store, source.given, source.mapped(mapping), rules, work / batch.sha256)
            refuse_weights(store, taken.file, mapping.weight, source.given.name)
            warnings = source.called(mapping, taken.warnings)
            taken = replace(taken, warnings=warnings, rare=taken.rare - said)
            mapping = source.learnt(mapping, taken.mapping)
            stored = keep_batch(store, taken.file, *of, batch.part)
            paths.append(str(store.folder / stored.path))
            before = read[batch.sha256].sha256 if batch.sha256 in read else batch.sha256
            if stored.sha256 != before:
                made = _reading(command, batch, taken, stored)
                entries.append(entry_of("batch_read_anew", made))
                notes += [f"{source.given.name}: {with_values(note)}" for note in taken.warnings]
            rare |= taken.rare
    kept = mapping_to_record(mapping_to_keep(*of, mapping, kinds), rare)
    unchanged = (command.initiative,)
    case.append([entry_of("columns_amended", kept), *entries], unchanged=unchanged)
    return AmendedColumns(len(batches), len(entries), tuple(notes))


def _reading(
    command: AmendColumns, batch: PredictionBatch, taken: Intake, stored: StoredFile
) -> BatchReading:
    declared = {"kind": command.kinds, "missing": command.missing, "join": command.join}
    words = [f"{name} {', '.join(given)}" for name, given in declared.items() if given]
    words += [f"zone {command.zone}"] if command.zone else []
    words += [f"weight {command.weight}"] if command.weight else []
    return BatchReading(
        initiative=batch.initiative,
        version=batch.version,
        part=batch.part,
        batch=batch.sha256,
        path=stored.path,
        sha256=stored.sha256,
        labelled=taken.facts.labelled,
        first_at=taken.facts.first_at,
        last_at=taken.facts.last_at,
        columns=taken.facts.columns,
        sensitive=taken.mapping.sensitive,
        classes=taken.mapping.classes if batch.task == "multiclass" and not taken.rare else (),
        warnings=taken.warnings,
        amended=f"{'; '.join(words)} ({command.note})",
    )


@dataclass(frozen=True)
class _Source:
    """The rows of a batch as they came in: as the file had them, else as kept, by the store's names."""

    store: Store
    batch: PredictionBatch
    intake: BatchIntake | None

    @property
    def given(self) -> GivenFile:
        """What is read."""
        came = self.intake
        file = self.store.folder / (came.given_path if came and came.given_path else self.batch.path)
        columns = tuple(column_types(self.store.cursor(), file))
        from_csv = self._as_given and came is not None and came.source_kind == "csv"
        name = came.source_name if came else file.name
        return GivenFile(file, name, columns, is_csv=False, from_csv=from_csv)

    @property
    def _as_given(self) -> bool:
        return bool(self.intake and self.intake.given_path)

    def mapped(self, mapping: ColumnMapping) -> ColumnMapping:
        """The version's mapping, as it is of what is read."""
        if self._as_given:
            return mapping
        there = {name: column for name, column in mapping.canonical().items() if name in self.batch.columns}
        local = self.intake and self.intake.local_times
        return ColumnMapping(
            task=mapping.task,
            prediction=PREDICTED,
            target=TRUE if TRUE in there else "",
            row_id=ROW_ID,
            timestamp=TIMESTAMP if TIMESTAMP in there else "",
            scores={label: score_column(label) for label in mapping.scores},
            features=tuple(name for name in mapping.features if name in self.batch.columns),
            sensitive=mapping.sensitive,
            classes=mapping.classes if mapping.task == "multiclass" else (),
            missing=_renamed(mapping.missing, {column: name for name, column in there.items()}),
            joined=_renamed(mapping.joined, {column: name for name, column in there.items()}),
            zone=mapping.zone if local else "UTC",
        )

    def learnt(self, mapping: ColumnMapping, taken: ColumnMapping) -> ColumnMapping:
        """The version's mapping with what was found in the rows."""
        names = {} if self._as_given else mapping.canonical()
        found = {"missing": _renamed(taken.missing, names), "joined": _renamed(taken.joined, names)}
        return mapping.model_copy(update={**found, "classes": mapping.classes or taken.classes})

    def called(self, mapping: ColumnMapping, notes: Sequence[str]) -> tuple[str, ...]:
        """What is told, with the columns by their names in the file."""
        for name, column in () if self._as_given else mapping.canonical().items():
            notes = [note.replace(f"'{name}'", f"'{column}'") for note in notes]
        return tuple(notes)


def _renamed(entries: Sequence[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """Entries `COLUMN=VALUE` with other names of the columns."""
    parts = (entry.partition("=") for entry in entries)
    return tuple(f"{names.get(column, column)}{equals}{value}" for column, equals, value in parts)
