"""What every row of a prediction file has to keep to, and all rows together, asked in few queries.

A rule is a condition in SQL that a faulty row meets. The first rule that a column breaks is told, with the
numbers (counted from 1, without the heading) and values of the first rows that break it.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event

import duckdb

from core.domain.errors import BadInput
from core.domain.facts.measured import PredictionBatch
from core.domain.models.column_mapping import PREDICTED, ROW_ID, TIMESTAMP, TRUE, ColumnMapping, Kind
from core.lake.predictions.batches import BatchFacts
from core.lake.predictions.intake_columns import (
    COMMA_NUMBER,
    NUMERIC,
    TIMES,
    ZONED,
    Staged,
    canonical_sql,
    class_sql,
    empty_sql,
    in_parts,
    kind_of_type,
    literal,
    number_sql,
    offset_sql,
    quoted,
    time_sql,
    words_sql,
)

SHOWN = 5
_ISO = "Write times like 2026-03-31T12:00:00Z."


@dataclass(frozen=True)
class Rule:
    """A condition that a faulty row of a column meets, and how it is told."""

    column: str
    broken: str
    what: str
    remedy: str


@dataclass(frozen=True)
class Fault:
    """A rule that some rows break: how many, and the first of them with number and value."""

    rule: Rule
    rows: int
    first: tuple[tuple[int, str], ...]

    @property
    def sentence(self) -> str:
        """Column, what is wrong, and the first rows."""
        shown = ", ".join(f"{_value(value)} (row {row:,})" for row, value in self.first)
        more = f" and {self.rows - len(self.first):,} more" if self.rows > len(self.first) else ""
        return f"column '{self.rule.column}' {self.rule.what}: {shown}{more}"


def broken_rules(cursor: duckdb.DuckDBPyConnection, staged: Staged, rules: Sequence[Rule]) -> list[Fault]:
    """The first broken rule of each column, in the order of the rules."""
    by_column: dict[str, list[Rule]] = {}
    for rule in rules:
        by_column.setdefault(rule.column, []).append(rule)
    found: list[Fault] = []
    for part in in_parts(list(by_column), 50):
        faulty = _faulty(cursor, staged, {name: by_column[name] for name in part})
        if faulty:
            found += _broken(cursor, staged, faulty)
    return found


def _faulty(
    cursor: duckdb.DuckDBPyConnection, staged: Staged, rules: Mapping[str, Sequence[Rule]]
) -> dict[str, Sequence[Rule]]:
    """Columns that break a rule at all, in one light scan; most files have none."""
    asked = [f"bool_or({' OR '.join(f'({rule.broken})' for rule in own)})" for own in rules.values()]
    query = f"SELECT {', '.join(asked)} FROM {staged.scan}"
    row = cursor.execute(query, {"file": staged.file}).fetchall()[0]
    return {name: own for (name, own), broken in zip(rules.items(), row, strict=True) if broken}


def _broken(
    cursor: duckdb.DuckDBPyConnection, staged: Staged, rules: Mapping[str, Sequence[Rule]]
) -> Iterator[Fault]:
    inner, outer = ["file_row_number + 1 AS n"], []
    for place, (name, own) in enumerate(rules.items()):
        cases = " ".join(f"WHEN {rule.broken} THEN {number}" for number, rule in enumerate(own))
        inner.append(f"CASE {cases} END AS f{place}")
        inner.append(f"coalesce(CAST({quoted(name)} AS VARCHAR), '') AS v{place}")
        for number in range(len(own)):
            met = f"FILTER (WHERE f{place} = {number})"
            outer += [
                f"count(*) {met}",
                f"min(n, {SHOWN}) {met}",
                f"arg_min(v{place}, n, {SHOWN}) {met}",
            ]
    query = f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)} FROM {staged.scan})"
    row = cursor.execute(query, {"file": staged.file}).fetchall()[0]
    at = 0
    for own in rules.values():
        broken: Fault | None = None
        for rule in own:
            count, numbers, values = row[at : at + 3]
            at += 3
            if count and broken is None:
                broken = Fault(rule, count, tuple(zip(numbers, values, strict=True)))
        if broken is not None:
            yield broken


def role_rules(staged: Staged, mapping: ColumnMapping, canonical: Mapping[str, str]) -> list[Rule]:
    """The rules of the columns that stand for a role."""
    rules: list[Rule] = []
    for role, name in canonical.items():
        kind = staged.types[name]
        if role == ROW_ID:
            rules.append(
                Rule(
                    name, empty_sql(name, kind), "has rows without an id", "Give every row an id of its own."
                )
            )
        elif role == TIMESTAMP:
            rules += _time_rules(name, kind)
        elif role in (PREDICTED, TRUE):
            rules += _label_rules(role, name, staged, mapping)
        else:
            rules += _score_rules(name, kind)
    return rules


def feature_rules(
    staged: Staged, kinds: Mapping[str, Kind], known: Mapping[str, str], sound: Container[str]
) -> list[Rule]:
    """Rules of features whose kind is `known` from earlier batches; none of those known to be `sound`."""
    rules = []
    for name, kind in kinds.items():
        given = staged.types[name]
        words = kind in ("text", "code", "identifier", "ordered")
        if name not in known or words or name in sound or kind == kind_of_type(given):
            continue
        text = words_sql(name, given)
        filled = f"{text} IS NOT NULL"
        if kind == "number":
            rules.append(comma_rule(name, given))
            broken, what = f"{filled} AND {number_sql(name, given)} IS NULL", "numbers"
        elif kind == "flag":
            broken, what = f"{filled} AND TRY_CAST({text} AS BOOLEAN) IS NULL", "true or false"
        else:
            broken, what = f"{filled} AND {time_sql(name, given)} IS NULL", "times"
        told = f"holds {what} in this version, but here also others"
        remedy = f"Write it so, or declare what stands for no value (--missing {name}=WORD)."
        rules.append(Rule(name, broken, told, remedy))
    return rules


def _time_rules(name: str, kind: str) -> list[Rule]:
    if kind.startswith(NUMERIC) or kind in ("BOOLEAN", "TIME", "INTERVAL"):
        return [Rule(name, "true", f"holds no times but {kind.lower()} values", _ISO)]
    empty = Rule(name, empty_sql(name, kind), "has rows without a time", _ISO)
    time = time_sql(name, kind)
    strange = Rule(
        name,
        f"NOT isfinite({time}) OR year({time}) NOT BETWEEN 1900 AND 2200",
        "has times outside the years 1900 to 2200",
        "Leave out rows whose time is not known.",
    )
    if kind.startswith(TIMES):
        return [empty, strange]
    text = f"trim(CAST({quoted(name)} AS VARCHAR))"
    dated = r"[0-9]{1,4}[/.][0-9]{1,2}[/.][0-9]{1,4}([ T].*)?|[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}([ T].*)?"
    zone = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:. ]+\[?[A-Za-z][A-Za-z_/+0-9\-]+\]?"
    return [
        empty,
        Rule(
            name,
            f"regexp_full_match({text}, {literal(dated)})",
            "has ambiguous dates, which may begin with the day or with the month",
            "Write them as year-month-day, like 2026-03-31.",
        ),
        Rule(
            name,
            f"{time} IS NULL AND regexp_full_match({text}, {literal(zone)})",
            "has time zones that cannot be read",
            "Write the offset from UTC instead, like 2026-03-31T12:00:00+02:00.",
        ),
        Rule(name, f"{time} IS NULL", "holds values that are no times", _ISO),
        strange,
    ]


def _score_rules(name: str, kind: str) -> list[Rule]:
    number = number_sql(name, kind)
    rules = _number_rules(name, kind, missing=False)
    outside = Rule(
        name, f"{number} NOT BETWEEN 0 AND 1", "has scores outside 0 to 1", "Give probabilities from 0 to 1."
    )
    return [*rules, outside]


def _label_rules(role: str, name: str, staged: Staged, mapping: ColumnMapping) -> list[Rule]:
    kind = staged.types[name]
    empty = Rule(name, empty_sql(name, kind), "has rows without a prediction", "Give every row a prediction.")
    if mapping.task == "regression":
        return _number_rules(name, kind, missing=role == TRUE)
    rules = [empty] if role == PREDICTED else []
    if not mapping.labels:
        return rules
    if mapping.task == "binary":
        wrong = f"NOT {empty_sql(name, kind)} AND {canonical_sql(role, name, staged, mapping)} IS NULL"
        remedy = "Use 0 and 1, or declare the two labels, the negative first (--class)."
    else:
        wrong = f"{class_sql(name, kind)} NOT IN ({', '.join(map(literal, mapping.labels))})"
        remedy = "Correct them, or declare every class (--class)."
    if role == TRUE:
        remedy += f" Declare what stands for no outcome: --missing '{name}=WORD'."
    shown = ", ".join(mapping.labels[:8]) + (", …" if len(mapping.labels) > 8 else "")
    return [*rules, Rule(name, wrong, f"has labels other than the declared ones ({shown})", remedy)]


def _number_rules(name: str, kind: str, *, missing: bool) -> list[Rule]:
    words, number = words_sql(name, kind), number_sql(name, kind)
    rules = []
    if not missing:
        rules.append(Rule(name, empty_sql(name, kind), "has empty values", "Give a number in every row."))
    if not kind.startswith(NUMERIC):
        percent = f"regexp_full_match({words}, '.*[0-9] ?%')"
        rules.append(Rule(name, percent, "has percentages", "Divide them by 100 and leave out the sign."))
        rules.append(comma_rule(name, kind))
        rules.append(
            Rule(
                name,
                f"{words} IS NOT NULL AND {number} IS NULL",
                "holds values that are no numbers",
                "Give a number in every row.",
            )
        )
    endless = f"NOT isfinite({number})"
    rules.append(Rule(name, endless, "has values that are not finite", "Leave out rows without a number."))
    return rules


def comma_rule(name: str, kind: str) -> Rule:
    """The rule that a number is written with a point."""
    commas = f"regexp_full_match({words_sql(name, kind)}, {literal(COMMA_NUMBER)})"
    return Rule(name, commas, "has decimal commas", "Export it with a decimal point.")


def zone_query(name: str, staged: Staged) -> str:
    """Query for offsets from UTC in a column of texts: NULL = none, with the first row of each."""
    text = f"trim(CAST({quoted(name)} AS VARCHAR))"
    offset = f"CASE WHEN regexp_matches({text}, {literal(ZONED)}) THEN {offset_sql(text)} END"
    return (
        f"SELECT {offset} AS minutes, min(file_row_number + 1), arg_min({text}, file_row_number), count(*) "
        f"FROM {staged.scan} GROUP BY 1 ORDER BY 2"
    )


def _value(value: str) -> str:
    return f"'{value[:40]}'" if value.strip() else "an empty value"


_DAYLIGHT_SAVING_MINUTES = 60


@dataclass(frozen=True)
class IntakeRules:
    """What a batch is held to, and what the version's earlier batches say.

    Attributes
    ----------
    part
        `reference` or `analysis`; a reference needs both classes and enough rows.
    min_reference_rows
        Rows that a reference must hold.
    known_kinds
        Feature -> kind in the version's earlier batches; they stay so.
    earlier
        Canonical files of the version whose rows have ids of their own.
    batches
        Canonical files of the version; what they hold says which values of a text column are the same.
    before
        Batches of the version, oldest first, each with the name of its file.
    least_rows
        Rows from which a class that nobody declared may stand on record.
    now
        UTC; a time after it is odd.
    cancelled
        Ends the work when it is set.
    """

    part: str
    min_reference_rows: int
    now: datetime
    known_kinds: Mapping[str, Kind] = field(default_factory=dict)
    earlier: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    before: tuple[tuple[PredictionBatch, str], ...] = ()
    least_rows: int = 0
    cancelled: Event | None = None


def refuse_doubled_ids(
    cursor: duckdb.DuckDBPyConnection,
    staged: Staged,
    mapping: ColumnMapping,
    rules: IntakeRules,
    name: str,
) -> None:
    """Refuse ids that stand twice, in the file or in an earlier batch of the version."""
    if not mapping.row_id:
        return
    id_sql = canonical_sql(ROW_ID, mapping.row_id, staged, mapping)
    ids = f"SELECT {id_sql} AS id, file_row_number + 1 AS n FROM {staged.scan}"
    (doubled,) = cursor.execute(
        f"SELECT count(*) > count(DISTINCT id) FROM ({ids})", {"file": staged.file}
    ).fetchall()[0]
    query = f"""
        WITH doubled AS (SELECT id, min(n, {SHOWN}) AS places, count(*) AS times FROM ({ids}) GROUP BY id
            HAVING count(*) > 1)
        SELECT id, places, times, count(*) OVER () FROM doubled ORDER BY places[1] LIMIT {SHOWN}
    """
    found = cursor.execute(query, {"file": staged.file}).fetchall() if doubled else []
    if found:
        shown = ", ".join(f"'{row[0][:40]}' (row {_places(*row[1:3])})" for row in found)
        count = found[0][3]
        more = f" and {count - len(found):,} more ids" if count > len(found) else ""
        raise BadInput(
            f"column '{mapping.row_id}' has ids that stand twice: {shown}{more}",
            where=name,
            remedy="Give every row its own id.",
        )
    if not rules.earlier:
        return
    query = f"""
        SELECT count(*), min(n, {SHOWN}), arg_min(id, n, {SHOWN}) FROM ({ids})
        WHERE id IN (SELECT row_id
            FROM read_parquet($earlier, union_by_name = true, hive_partitioning = false))
    """
    values = {"file": staged.file, "earlier": list(rules.earlier)}
    count, places, known = cursor.execute(query, values).fetchall()[0]
    if count:
        shown = ", ".join(f"'{i[:40]}' (row {place:,})" for i, place in zip(known, places, strict=True))
        more = f" and {count - len(places):,} more" if count > len(places) else ""
        raise BadInput(
            f"column '{mapping.row_id}' has ids that an earlier batch of this version holds: {shown}{more}",
            where=name,
            remedy="Leave out the rows that were added before.",
        )


def times_are_local(cursor: duckdb.DuckDBPyConnection, staged: Staged, mapping: ColumnMapping) -> bool:
    """Whether some times have a time of day and no zone."""
    column = mapping.timestamp
    if not column:
        return False
    kind, time = staged.types[column], quoted(column)
    if kind == "VARCHAR":
        text = f"trim({time})"
        local = f"length({text}) > 10 AND NOT regexp_matches({text}, {literal(ZONED)})"
    else:
        local = f"CAST({time} AS TIMESTAMP) <> date_trunc('day', CAST({time} AS TIMESTAMP))"
        if not kind.startswith("TIMESTAMP") or kind == "TIMESTAMP WITH TIME ZONE":
            return False
    query = f"SELECT coalesce(bool_or({local}), false) FROM {staged.scan}"
    return bool(cursor.execute(query, {"file": staged.file}).fetchall()[0][0])


def zone_notes(
    cursor: duckdb.DuckDBPyConnection, staged: Staged, mapping: ColumnMapping, name: str, *, local: bool
) -> list[str]:
    """Refuse times that are written in several zones; tell of none, and of two as with daylight saving."""
    column = mapping.timestamp
    if not column:
        return []
    if staged.types[column] != "VARCHAR":
        return _without_zone(mapping) if local else []
    found = cursor.execute(zone_query(column, staged), {"file": staged.file}).fetchall()
    if len(found) < 2:
        return _without_zone(mapping) if local else []
    shown = ", ".join(f"'{text[:40]}' (row {row:,})" for _, row, text, _ in found[:SHOWN])
    offsets = [minutes for minutes, *_ in found]
    if None in offsets:
        raise BadInput(
            f"column '{column}' has times with a zone and times without: {shown}",
            where=name,
            remedy="Write all of them with their offset from UTC, or declare the zone of the rest (--zone).",
        )
    if max(offsets) - min(offsets) > _DAYLIGHT_SAVING_MINUTES:
        raise BadInput(
            f"column '{column}' mixes time zones: {shown}",
            where=name,
            remedy="Write all times in UTC, like 2026-03-31T12:00:00Z.",
        )
    return [f"Times in '{column}' have two offsets, as with daylight saving; all are kept in UTC."]


def _without_zone(mapping: ColumnMapping) -> list[str]:
    if mapping.zone:
        return []
    said = f"Times in '{mapping.timestamp}' have no zone and are read as UTC"
    return [f"{said}; declare theirs, such as --zone Europe/Paris, or --zone UTC."]


def refuse_unfit_reference(
    cursor: duckdb.DuckDBPyConnection,
    written: Path,
    mapping: ColumnMapping,
    facts: BatchFacts,
    rules: IntakeRules,
    name: str,
) -> None:
    """Refuse a reference of one class, or one that is far too small."""
    if facts.rows < rules.min_reference_rows:
        raise BadInput(
            f"a reference of {facts.rows:,} rows is too small to compare with",
            where=name,
            remedy=f"Give {rules.min_reference_rows:,} rows or more, as they were validated.",
        )
    if mapping.task == "regression" or not facts.labelled:
        return
    query = "SELECT count(DISTINCT y_true), any_value(y_true) FROM read_parquet($file)"
    classes, only = cursor.execute(query, {"file": str(written)}).fetchall()[0]
    if classes < 2:
        raise BadInput(
            f"column '{mapping.target}' holds one class only, {only}, in all {facts.labelled:,} rows of the "
            "reference",
            where=name,
            remedy="Give reference rows of every class; nothing can be learnt from one.",
        )


def _places(places: list[int], times: int) -> str:
    return ", ".join(f"{place:,}" for place in places) + (", …" if times > len(places) else "")
