"""A user's prediction file made a canonical batch, or refused as a whole before anything is kept.

DuckDB reads, judges and writes the rows; none of them comes to Python but the first that offend.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from core.domain.errors import BadInput
from core.domain.models.column_mapping import (
    ROW_ID,
    TRUE,
    ColumnMapping,
    is_canonical,
    role_title,
)
from core.lake.predictions.batches import BatchFacts, column_types, describe_batch
from core.lake.predictions.intake_columns import (
    Kind,
    Staged,
    TextProfile,
    canonical_sql,
    feature_sql,
    kind_of_type,
    quoted,
    text_profiles,
    with_nan,
    words_sql,
)
from core.lake.predictions.intake_rules import (
    SHOWN,
    Fault,
    IntakeRules,
    broken_rules,
    comma_rule,
    feature_rules,
    refuse_doubled_ids,
    refuse_unfit_reference,
    role_rules,
    zone_notes,
)
from core.lake.predictions.intake_warnings import WrittenBatch, batch_warnings
from core.lake.store import Store

_CELLS_A_GROUP = 20_000_000
_OWN_NAMES = ("file_row_number", "filename")
_NESTED = ("STRUCT", "MAP", "UNION", "BLOB", "BIT")


@dataclass(frozen=True)
class GivenFile:
    """A file that is sound from outside: where it lies, its name, columns, and how a CSV was counted."""

    file: Path
    name: str
    columns: tuple[str, ...]
    is_csv: bool
    rows: int | None = None


@dataclass(frozen=True)
class Intake:
    """A canonical batch that was written, not yet kept.

    `mapping` has the features and classes that were found; `kinds` gives each feature's kind. `numbered`
    says that the rows have no ids of their own.
    """

    file: Path
    facts: BatchFacts
    mapping: ColumnMapping
    kinds: Mapping[str, Kind]
    numbered: bool
    warnings: tuple[str, ...]


def take_in(
    store: Store, given: GivenFile, mapping: ColumnMapping, rules: IntakeRules, folder: Path
) -> Intake:
    """Judge every row of a file, and write it as a canonical batch into `folder`."""
    cursor = store.cursor()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        staged = _staged(cursor, given, folder)
        return _taken(store, cursor, staged, given, mapping, rules, folder)
    except duckdb.Error as error:
        raise BadInput(
            f"the file cannot be read: {str(error).splitlines()[0][:200]}",
            where=given.name,
            remedy="Export it again; it may be damaged.",
        ) from error
    finally:
        cursor.close()


def _taken(
    store: Store,
    cursor: duckdb.DuckDBPyConnection,
    staged: Staged,
    given: GivenFile,
    mapping: ColumnMapping,
    rules: IntakeRules,
    folder: Path,
) -> Intake:
    mapping, notes = _fitted(mapping, given, rules)
    profiles = text_profiles(cursor, staged, _texts(staged, mapping, rules))
    kinds, whole, more = _feature_kinds(cursor, staged, mapping, rules, given.name, profiles)
    notes += more
    canonical = mapping.canonical()
    sound = {name for name, profile in profiles.items() if profile.all_numbers}
    asked = [*role_rules(staged, mapping, canonical), *feature_rules(staged, kinds, rules.known_kinds, sound)]
    _refuse_faults(cursor, staged, broken_rules(cursor, staged, asked), given.name)
    refuse_doubled_ids(cursor, staged, mapping, rules, given.name)
    notes += zone_notes(cursor, staged, mapping, given.name)
    written = _written(cursor, staged, mapping, kinds, whole, folder)
    facts = describe_batch(store, written, mapping.task)
    mapping = _with_classes(cursor, written, mapping, facts)
    if rules.part == "reference":
        refuse_unfit_reference(cursor, written, mapping, facts, rules, given.name)
    batch = WrittenBatch(str(written), _types(cursor, written), facts.rows, facts.labelled, facts.last_at)
    warnings = (*notes, *batch_warnings(cursor, batch, mapping, rules.now))
    return Intake(written, facts, mapping, kinds, not mapping.row_id, warnings)


def _staged(cursor: duckdb.DuckDBPyConnection, given: GivenFile, folder: Path) -> Staged:
    """A CSV becomes Parquet with text columns, so that its rows are numbered and read fast."""
    for name in given.columns:
        if name.casefold() in _OWN_NAMES:
            raise BadInput(
                f"column '{name}' has a name that the store uses itself",
                where=given.name,
                remedy="Rename it.",
            )
    if not given.is_csv:
        types = _types(cursor, given.file)
        for name, kind in types.items():
            if kind.startswith(_NESTED) or kind.endswith("]"):
                raise BadInput(
                    f"column '{name}' is nested ({kind[:60]})",
                    where=given.name,
                    remedy="Write each part as a column of its own, or leave it out.",
                )
        return Staged(str(given.file), types, from_csv=False)
    target = folder / f"{given.file.stem}.staged.parquet"
    size = _group_size(len(given.columns))
    query = (
        f"COPY (SELECT * FROM read_csv($file, columns = $columns, header = true, delim = ',', quote = '\"', "
        "escape = '\"', auto_detect = false, compression = 'none', strict_mode = true, nullstr = '', "
        "allow_quoted_nulls = true, null_padding = false, ignore_errors = false, max_line_size = 33554432)) "
        f"TO {_path(target)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {size})"
    )
    columns = dict.fromkeys(given.columns, "VARCHAR")
    count = cursor.execute(query, {"file": str(given.file), "columns": columns}).fetchall()[0][0]
    if given.rows is not None and count != given.rows:
        raise BadInput(
            f"the file reads as {given.rows:,} rows by one reader and as {count:,} by another",
            where=given.name,
            remedy="Export it again with every value in one line, or as Parquet.",
        )
    return Staged(str(target), columns, from_csv=True)


def _types(cursor: duckdb.DuckDBPyConnection, file: Path) -> dict[str, str]:
    found = column_types(cursor, file)
    return {name: "VARCHAR" if kind.startswith("ENUM") else kind for name, kind in found.items()}


def _path(file: Path) -> str:
    """A path of ours where SQL takes no parameter."""
    return "'" + str(file).replace("'", "''") + "'"


def _group_size(columns: int) -> int:
    return max(2_048, min(122_880, _CELLS_A_GROUP // max(1, columns)))


def _fitted(mapping: ColumnMapping, given: GivenFile, rules: IntakeRules) -> tuple[ColumnMapping, list[str]]:
    """The mapping with the features of this file, and what was left out or is lacking and may be."""
    notes: list[str] = []
    if mapping.target and mapping.target not in given.columns and rules.part == "analysis":
        notes.append(f"The file has no column '{mapping.target}': true outcomes are not known yet.")
        mapping = mapping.model_copy(update={"target": ""})
    mapped, there = mapping.canonical(), set(given.columns)
    for name in (*mapped.values(), *mapping.features, *mapping.sensitive):
        if name not in there:
            raise _no_column(name, given, name in rules.known_kinds)
    free = [name for name in given.columns if name not in mapped.values()]
    for name in free:
        if is_canonical(name.casefold()):
            raise BadInput(
                f"column '{name}' would collide with the {role_title(name.casefold())} of the store",
                where=given.name,
                remedy="Rename it in the file, or say that it is the id, time, score, prediction or target.",
            )
    if not mapping.features:
        return mapping.model_copy(update={"features": tuple(free)}), notes
    known = set(mapping.features)
    extra = [name for name in free if name not in known]
    if extra:
        shown = ", ".join(f"'{name}'" for name in extra[:3]) + (", …" if len(extra) > 3 else "")
        notes.append(f"{len(extra):,} columns that are no features of this version were left out: {shown}.")
    return mapping, notes


def _no_column(name: str, given: GivenFile, known: bool) -> BadInput:
    close = difflib.get_close_matches(name.casefold(), [c.casefold() for c in given.columns], n=1)
    near = next((c for c in given.columns if close and c.casefold() == close[0]), "")
    guess = f" Did you mean '{near}'?" if near else ""
    earlier = ", which this version's earlier batches have" if known else ""
    shown = ", ".join(given.columns)[:300]
    return BadInput(
        f"there is no column '{name}'{earlier}", where=given.name, remedy=f"Use one of: {shown}.{guess}"
    )


def _texts(staged: Staged, mapping: ColumnMapping, rules: IntakeRules) -> list[str]:
    """Features that come as texts and may be numbers."""
    return [
        feature
        for feature in mapping.features
        if staged.types[feature] == "VARCHAR" and rules.known_kinds.get(feature) in (None, "number")
    ]


def _feature_kinds(
    cursor: duckdb.DuckDBPyConnection,
    staged: Staged,
    mapping: ColumnMapping,
    rules: IntakeRules,
    name: str,
    profiles: Mapping[str, TextProfile],
) -> tuple[dict[str, Kind], set[str], list[str]]:
    """Kind of each feature, those that hold whole numbers only, and what is odd about them."""
    kinds: dict[str, Kind] = {}
    whole: set[str] = set()
    worded: list[str] = []
    for feature in mapping.features:
        profile = profiles.get(feature)
        known = rules.known_kinds.get(feature)
        kind = known or kind_of_type(staged.types[feature])
        if profile is not None and known is None:
            if profile.has_decimal_commas:
                raise _decimal_commas(cursor, staged, feature, name)
            kind = "number" if staged.from_csv and profile.is_number else kind
        if kind == "number" and profile is not None:
            if profile.all_whole:
                whole.add(feature)
            if profile.missing_words:
                worded.append(feature)
        kinds[feature] = kind
    notes = []
    if worded:
        shown = ", ".join(f"'{feature}'" for feature in worded[:3])
        notes.append(f"Words such as NA were read as missing values in {shown}.")
    return kinds, whole, notes


def _decimal_commas(cursor: duckdb.DuckDBPyConnection, staged: Staged, feature: str, name: str) -> BadInput:
    rule = comma_rule(feature, staged.types[feature])
    fault = broken_rules(cursor, staged, [rule])[0]
    return BadInput(fault.sentence, where=name, remedy=rule.remedy)


def _refuse_faults(
    cursor: duckdb.DuckDBPyConnection, staged: Staged, faults: Sequence[Fault], name: str
) -> None:
    if not faults:
        return
    first = faults[0]
    what, remedy = first.sentence, first.rule.remedy
    if "outside 0 to 1" in first.rule.what:
        what, remedy = _as_per_cent(cursor, staged, first)
    others = [fault.rule.column for fault in faults[1:]]
    if others:
        shown = ", ".join(f"'{column}'" for column in others[:SHOWN]) + (", …" if len(others) > SHOWN else "")
        what += f"; also at fault: {shown}"
    raise BadInput(what, where=name, remedy=remedy)


def _as_per_cent(cursor: duckdb.DuckDBPyConnection, staged: Staged, fault: Fault) -> tuple[str, str]:
    """How scores outside 0 to 1 are told: as per cent where they look like it."""
    number = words_sql(fault.rule.column, staged.types[fault.rule.column])
    query = f"SELECT min(x), max(x) FROM (SELECT TRY_CAST({number} AS DOUBLE) AS x FROM {staged.scan})"
    low, high = cursor.execute(query, {"file": staged.file}).fetchall()[0]
    if low < 0 or high > 100 or high <= 1.5:
        return fault.sentence, fault.rule.remedy
    told = replace(fault, rule=replace(fault.rule, what=f"looks like per cent ({low:g} to {high:g})"))
    return told.sentence, "Divide the scores by 100, so that they run from 0 to 1."


def _written(
    cursor: duckdb.DuckDBPyConnection,
    staged: Staged,
    mapping: ColumnMapping,
    kinds: Mapping[str, Kind],
    whole: set[str],
    folder: Path,
) -> Path:
    canonical, holed = mapping.canonical(), with_nan(cursor, staged, mapping.features)
    made = [
        f"{feature_sql(name, staged, kinds[name], whole=name in whole, has_nan=name in holed)} "
        f"AS {quoted(name)}"
        for name in mapping.features
    ]
    if ROW_ID not in canonical:
        made.append("CAST(file_row_number + 1 AS VARCHAR) AS row_id")
    made += [
        f"{canonical_sql(role, name, staged, mapping)} AS {quoted(role)}" for role, name in canonical.items()
    ]
    target = folder / f"{Path(staged.file).stem}.canonical.parquet"
    size = _group_size(len(made))
    cursor.execute(
        f"COPY (SELECT {', '.join(made)} FROM {staged.scan}) TO {_path(target)} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {size})",
        {"file": staged.file},
    )
    return target


def _with_classes(
    cursor: duckdb.DuckDBPyConnection, written: Path, mapping: ColumnMapping, facts: BatchFacts
) -> ColumnMapping:
    """A multiclass mapping without classes gets those that occur, in the order of the alphabet."""
    if mapping.task != "multiclass" or mapping.classes:
        return mapping
    columns = ["y_pred"] + (["y_true"] if TRUE in facts.columns else [])
    parts = [f"SELECT {column} AS label FROM read_parquet($file)" for column in columns]
    query = f"SELECT DISTINCT label FROM ({' UNION ALL '.join(parts)}) WHERE label IS NOT NULL ORDER BY 1"
    found = cursor.execute(query, {"file": str(written)}).fetchall()
    return mapping.model_copy(update={"classes": tuple(str(row[0]) for row in found)})
