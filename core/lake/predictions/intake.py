"""A user's prediction file made a canonical batch, or refused as a whole before anything is kept.

DuckDB reads, judges and writes the rows; none of them comes to Python but the first that offend.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from core.domain.errors import BadInput
from core.domain.facts.measured import PredictionBatch
from core.domain.models.column_mapping import (
    EXACT_SUM,
    ROW_ID,
    TRUE,
    ColumnMapping,
    Kind,
    alike,
    is_canonical,
    role_title,
)
from core.lake.predictions.batches import (
    BatchFacts,
    column_types,
    describe_batch,
    known_rows,
    repeated_rows,
)
from core.lake.predictions.intake_columns import (
    Staged,
    TextProfile,
    canonical_sql,
    feature_sql,
    group_size,
    kind_of_type,
    literal,
    missing_sql,
    number_sql,
    quoted,
    require_zone,
    reread,
    text_profiles,
    values_of,
    with_nan,
    words_sql,
    zoned_sql,
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
    times_are_local,
    zone_notes,
)
from core.lake.predictions.intake_warnings import WrittenBatch, batch_warnings, guessed_words
from core.lake.store import Store

_UTC = ("", "UTC", "Etc/UTC")
_MOST_JOINED = 1_000
_OWN_NAMES = ("file_row_number", "filename")
_NESTED = ("STRUCT", "MAP", "UNION", "BLOB", "BIT")


@dataclass(frozen=True)
class GivenFile:
    """A file that is sound from outside: where it lies, its name, columns, and how a CSV was counted.

    `from_csv`: it is the Parquet file of texts that a CSV became when it came in.
    """

    file: Path
    name: str
    columns: tuple[str, ...]
    is_csv: bool
    rows: int | None = None
    from_csv: bool = False


@dataclass(frozen=True)
class Intake:
    """A canonical batch that was written, not yet kept.

    `mapping` has the features and classes that were found; `kinds` gives each feature's kind. `numbered`
    says that the rows have no ids of their own, `local` that the times had no zone. `given` has the rows as
    they stand in the file, where some are read otherwise; `rare` are classes of few rows.
    """

    file: Path
    facts: BatchFacts
    mapping: ColumnMapping
    kinds: Mapping[str, Kind]
    numbered: bool
    warnings: tuple[str, ...]
    local: bool = False
    given: Path | None = None
    rare: frozenset[str] = frozenset()


def take_in(
    store: Store, given: GivenFile, mapping: ColumnMapping, rules: IntakeRules, folder: Path
) -> Intake:
    """Judge every row of a file, and write it as a canonical batch into `folder`.

    Raises
    ------
    BadInput, Cancelled
        The file is refused; it was stopped.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with store.stoppable(rules.cancelled) as cursor:
            staged = _staged(cursor, given, folder)
            return _taken(store, cursor, staged, given, mapping, rules, folder)
    except duckdb.Error as error:
        raise BadInput(
            f"the file cannot be read: {str(error).splitlines()[0][:200]}",
            where=given.name,
            remedy="Export it again; it may be damaged.",
        ) from error


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
    read, mapping, profiles, more = _read(cursor, staged, mapping, rules, folder)
    kinds, whole, zeros = _feature_kinds(cursor, read, mapping, rules, given.name, profiles)
    notes += [*more, *zeros]
    canonical = mapping.canonical()
    sound = {name for name, profile in profiles.items() if profile.all_numbers}
    asked = [*role_rules(read, mapping, canonical), *feature_rules(read, kinds, rules.known_kinds, sound)]
    _refuse_faults(cursor, read, broken_rules(cursor, read, asked), given.name)
    refuse_doubled_ids(cursor, read, mapping, rules, given.name)
    local = times_are_local(cursor, staged, mapping)
    notes += zone_notes(cursor, read, mapping, given.name, local=local)
    rounded = _rounded(cursor, read, mapping)
    notes += [_ROUNDED.format(rounded, mapping.rounding)] if rounded else []
    written = _written(cursor, read, mapping, kinds, whole, folder, divided=bool(rounded))
    facts = describe_batch(store, written)
    mapping = _with_classes(cursor, written, mapping, facts)
    if rules.part == "reference":
        refuse_unfit_reference(cursor, written, mapping, facts, rules, given.name)
    types = _types(cursor, written)
    batch = WrittenBatch(str(written), types, facts.rows, facts.labelled, facts.last_at, kinds, rules.batches)
    twins = [] if mapping.row_id else [*repeated_rows(cursor, batch.file, facts)]
    twins += known_rows(cursor, batch.file, facts, _comparable(mapping, rules))
    warnings = (*notes, *twins, *batch_warnings(cursor, batch, mapping, rules.now))
    lossy = read is not staged or bool(zeros or rounded) or "identifier" in kinds.values()
    as_given = _as_given(cursor, staged, mapping, folder) if lossy else None
    rare = _rare_classes(cursor, written, facts, rules.least_rows) if mapping.task == "multiclass" else ()
    numbered = not mapping.row_id
    return Intake(written, facts, mapping, kinds, numbered, warnings, local, as_given, frozenset(rare))


def _as_given(
    cursor: duckdb.DuckDBPyConnection, staged: Staged, mapping: ColumnMapping, folder: Path
) -> Path:
    """The rows as they stand in the file, in the columns that are kept."""
    kept = [name for name in staged.types if name in (*mapping.canonical().values(), *mapping.features)]
    target = folder / f"{Path(staged.file).stem}.given.parquet"
    cursor.execute(
        f"COPY (SELECT {', '.join(map(quoted, kept))} FROM {staged.scan}) TO {_path(target)} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {group_size(len(kept))})",
        {"file": staged.file},
    )
    return target


def _read(
    cursor: duckdb.DuckDBPyConnection,
    staged: Staged,
    mapping: ColumnMapping,
    rules: IntakeRules,
    folder: Path,
) -> tuple[Staged, ColumnMapping, dict[str, TextProfile], list[str]]:
    """The staged file with its values read as declared, and words for none as guessed and told."""
    require_zone(cursor, mapping.zone)
    declared = _declared(staged, mapping, rules.known_kinds)
    read = reread(cursor, staged, declared, folder / "declared.parquet")
    kinds: dict[str, Kind] = {**rules.known_kinds, mapping.target: "text"}
    texts = [
        name
        for name in (*mapping.features, *filter(None, (mapping.target,)))
        if read.types[name] == "VARCHAR" and kinds.get(name) not in ("code", "identifier")
    ]
    notes: list[str] = []
    readings: dict[str, str] = {}
    missing: list[str] = []
    profiles = text_profiles(cursor, read, texts)
    for name, profile in profiles.items():
        words, note = guessed_words(cursor, read, mapping, name, profile, kinds.get(name))
        notes += note
        if words:
            readings[name] = missing_sql(name, "VARCHAR", words)
            missing += [f"{name}={word}" for word in words]
    joined: list[str] = []
    for name, spellings in mapping.joins.items():
        found, sql = _joined(cursor, read, name, spellings, readings.get(name, quoted(name)))
        joined += found
        readings |= {name: sql} if sql else {}
    update = {"missing": (*mapping.missing, *missing), "joined": (*mapping.joined, *joined)}
    guessed = [name for name in texts if name in readings]
    read = reread(cursor, read, readings, folder / "read.parquet")
    profiles |= text_profiles(cursor, read, guessed)
    return read, mapping.model_copy(update=update), profiles, notes


def _declared(staged: Staged, mapping: ColumnMapping, kinds: Mapping[str, Kind]) -> dict[str, str]:
    """SQL of the columns in which values are declared to stand for none, and of times in a zone."""
    own: dict[str, list[str]] = {}
    read = [name for name in mapping.features if kinds.get(name) != "code"]
    for entry in mapping.missing:
        column = next((name for name in staged.types if entry.startswith(f"{name}=")), "")
        for name in (column,) if column else (*read, *filter(None, (mapping.target,))):
            own.setdefault(name, []).append(entry.removeprefix(f"{column}=") if column else entry)
    readings = {name: missing_sql(name, staged.types[name], words) for name, words in own.items()}
    if mapping.timestamp and mapping.zone not in _UTC:
        time = mapping.timestamp
        readings[time] = zoned_sql(time, staged.types[time], mapping.zone)
    return readings


def _joined(
    cursor: duckdb.DuckDBPyConnection, read: Staged, name: str, spellings: Sequence[str], column: str
) -> tuple[list[str], str]:
    """Values that come to stand for those like them, and the SQL of a column in which each does."""
    if name not in read.types:
        return [], ""
    if read.types[name] != "VARCHAR":
        raise BadInput(f"column '{name}' holds no texts to join", where="join", remedy="Leave it out.")
    (counted,) = values_of(cursor, read.scan, {"file": read.file}, [name])
    by_key: dict[str, list[str]] = {}
    for value in sorted(counted, key=lambda one: (-counted[one], one)):
        by_key.setdefault(alike(value), []).append(value)
    stands = {alike(value): value for value in spellings}
    new = {key: _spelling(key, values) for key, values in by_key.items() if key and key not in stands}
    if len(stands) + len(new) > _MOST_JOINED:
        raise BadInput(
            f"column '{name}' has more than {_MOST_JOINED:,} different values to join",
            where="join",
            remedy="Join columns of few values.",
        )
    stands |= new
    cases = "".join(
        f" WHEN {literal(value)} THEN {literal(stands[key])}"
        for key, values in by_key.items()
        for value in values
        if key and value != stands[key]
    )
    sql = f"CASE {column}{cases} ELSE {column} END" if cases else ""
    return [f"{name}={value}" for value in new.values()], sql


def _spelling(key: str, values: Sequence[str]) -> str:
    """Of values alike, the most frequent one without the blanks around it; of codes, the longest."""
    trimmed = [" ".join(value.split()) for value in values]
    return max(trimmed, key=len) if key.isdigit() else trimmed[0]


def _comparable(mapping: ColumnMapping, rules: IntakeRules) -> list[tuple[PredictionBatch, str]]:
    """Batches whose rows ids do not tell apart from these."""
    return [(one, name) for one, name in rules.before if not (mapping.row_id and one.path in rules.earlier)]


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
        return Staged(str(given.file), types, from_csv=given.from_csv)
    target = folder / f"{given.file.stem}.staged.parquet"
    size = group_size(len(given.columns))
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


def _feature_kinds(
    cursor: duckdb.DuckDBPyConnection,
    staged: Staged,
    mapping: ColumnMapping,
    rules: IntakeRules,
    name: str,
    profiles: Mapping[str, TextProfile],
) -> tuple[dict[str, Kind], set[str], list[str]]:
    """Kind of each feature, those that hold whole numbers only, and which codes lose their zeros."""
    kinds: dict[str, Kind] = {}
    whole: set[str] = set()
    notes = []
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
            if profile.leading_zero:
                notes.append(
                    f"Column '{feature}' is one of numbers, and here has values with leading zeros, which "
                    f"are dropped; if it is a code, declare it (--kind {feature}=code)."
                )
        kinds[feature] = kind
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
    *,
    divided: bool,
) -> Path:
    canonical, holed = mapping.canonical(), with_nan(cursor, staged, mapping.features)
    shares = dict.fromkeys(mapping.scores.values() if divided else (), f" / {_SUM_OR_1}")
    made = [
        f"{feature_sql(name, staged, kinds[name], whole=name in whole, has_nan=name in holed)} "
        f"AS {quoted(name)}"
        for name in mapping.features
        if kinds[name] != "identifier"
    ]
    if ROW_ID not in canonical:
        made.append("CAST(file_row_number + 1 AS VARCHAR) AS row_id")
    made += [
        f"{canonical_sql(role, name, staged, mapping)}{shares.get(name, '')} AS {quoted(role)}"
        for role, name in canonical.items()
    ]
    scan = _summed(staged, mapping) if divided else staged.scan
    target = folder / f"{Path(staged.file).stem}.canonical.parquet"
    size = group_size(len(made))
    cursor.execute(
        f"COPY (SELECT {', '.join(made)} FROM {scan}) TO {_path(target)} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {size})",
        {"file": staged.file},
    )
    return target


_SUM = '"sum of scores"'
_NEAR_1 = f"abs({_SUM} - 1) > {EXACT_SUM} AND abs({_SUM} - 1) <= rounding"
_SUM_OR_1 = f"CASE WHEN {_NEAR_1} THEN {_SUM} ELSE 1 END"
_ROUNDED = (
    "The class scores of {:,} rows add up to 1 only within {:.3f}, as scores rounded to two digits do: they "
    "were divided by the sum of their row."
)


def _rounded(cursor: duckdb.DuckDBPyConnection, staged: Staged, mapping: ColumnMapping) -> int:
    """Rows whose class scores add up to 1 as nearly as if each was rounded to two digits, but not exactly."""
    if mapping.task != "multiclass" or not mapping.scores:
        return 0
    query = f"SELECT count(*) FROM {_summed(staged, mapping)} WHERE {_NEAR_1}"
    return int(cursor.execute(query, {"file": staged.file}).fetchall()[0][0])


def _summed(staged: Staged, mapping: ColumnMapping) -> str:
    total = " + ".join(number_sql(name, staged.types[name]) for name in mapping.scores.values())
    return f"(SELECT *, {total} AS {_SUM}, {mapping.rounding} AS rounding FROM {staged.scan})"


def _with_classes(
    cursor: duckdb.DuckDBPyConnection, written: Path, mapping: ColumnMapping, facts: BatchFacts
) -> ColumnMapping:
    """A multiclass mapping without classes gets those that occur, in the order of the alphabet."""
    if mapping.task != "multiclass" or mapping.classes:
        return mapping
    counted = _class_rows(cursor, written, facts)
    return mapping.model_copy(update={"classes": tuple(sorted(counted))})


def _rare_classes(
    cursor: duckdb.DuckDBPyConnection, written: Path, facts: BatchFacts, least: int
) -> Iterator[str]:
    """Classes that are predicted or true in fewer than `least` rows."""
    return (label for label, rows in _class_rows(cursor, written, facts).items() if rows < least)


def _class_rows(cursor: duckdb.DuckDBPyConnection, written: Path, facts: BatchFacts) -> dict[str, int]:
    """Class -> rows in which it is predicted, or in which it is true where these are more."""
    columns = ["y_pred"] + (["y_true"] if TRUE in facts.columns else [])
    parts = [f"SELECT {one} AS label, count(*) AS n FROM read_parquet($file) GROUP BY 1" for one in columns]
    query = f"SELECT label, max(n) FROM ({' UNION ALL '.join(parts)}) WHERE label IS NOT NULL GROUP BY 1"
    return {str(label): int(n) for label, n in cursor.execute(query, {"file": str(written)}).fetchall()}
