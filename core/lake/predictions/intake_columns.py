"""SQL of a staged file's columns as the store keeps them: ids, times, scores, labels, features.

Values that were declared to stand for none, or for one value, are read so before anything else looks at
them. A staged file is Parquet; that of a CSV holds text only. Column names are a user's, always quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from core.domain.errors import BadInput
from core.domain.models.column_mapping import (
    PREDICTED,
    ROW_ID,
    TIMESTAMP,
    TRUE,
    WHOLE_WITH_POINT,
    ColumnMapping,
    Kind,
)
from core.ground import aside

NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
           "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip
TIMES = ("DATE", "TIMESTAMP")
COLUMNS_A_QUERY = 200
"""Fewer bind all columns of a wide file too often, more take too long to plan."""
NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
COMMA_NUMBER = r"[+-]?[0-9]+(\.[0-9]{3})*,[0-9]+"
NO_NUMBER = r"[+-]?(?i:nan|inf|infinity)"
_ENDLESS = r"[+-]?(?i:inf|infinity)"
_WHOLE = "[+-]?[0-9]{1,18}"
NULL_WORDS = ("na", "n/a", "#n/a", "#na", "<na>", "nan", "null")
"""Words for no value, in any letters, among numbers and among texts (and `None`, as pandas reads a CSV)."""
PLACEHOLDERS = ("none", "nil", "-", "--", "?", "??", ".", "*", "n.a.", "unknown", "missing", "undefined",
                "not known", "not available", "blank", "empty")  # fmt: skip
"""What stands for no value among numbers, and may do so among texts."""
KNOWN_WORDS = {*NULL_WORDS, *PLACEHOLDERS}
_MOMENT = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)? ?"
    r"(Z|z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)?)?"
)
ZONED = r"[T ][0-9]{2}:[0-9]{2}.*(Z|z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)$"


@dataclass(frozen=True)
class Staged:
    """A staged file: where it lies, the type of each column, and whether it was a CSV."""

    file: str
    types: Mapping[str, str]
    from_csv: bool

    @property
    def scan(self) -> str:
        """FROM clause; `file_row_number` counts from 0. The file is the parameter `$file`."""
        return "read_parquet($file, file_row_number = true, hive_partitioning = false)"


def quoted(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL, where a parameter cannot stand."""
    return "'" + text.replace("'", "''") + "'"


def in_parts(names: Sequence[str], size: int = COLUMNS_A_QUERY) -> Iterator[Sequence[str]]:
    """Names in parts that one query can take."""
    for start in range(0, len(names), size):
        yield names[start : start + size]


def words_sql(name: str, kind: str) -> str:
    """A column as trimmed text; blank is NULL, and a whole float reads without its zero."""
    column = quoted(name)
    if kind in ("FLOAT", "DOUBLE"):
        whole = f"{column} = trunc({column}) AND abs({column}) < 1e15"
        return (
            f"CASE WHEN {whole} THEN CAST(TRY_CAST({column} AS BIGINT) AS VARCHAR) "
            f"ELSE CAST({column} AS VARCHAR) END"
        )
    return f"nullif(trim(CAST({column} AS VARCHAR)), '')"


def empty_sql(name: str, kind: str) -> str:
    """Whether a column has no value in a row: NULL, or a blank text."""
    if kind == "VARCHAR":
        return f"({words_sql(name, kind)} IS NULL)"
    return f"({quoted(name)} IS NULL)"


def number_sql(name: str, kind: str) -> str:
    """A column as a number; what is none is NULL, NaN and infinity stay."""
    column = quoted(name)
    if kind.startswith(NUMERIC) or kind == "BOOLEAN":
        return f"CAST({column} AS DOUBLE)"
    return _read(f"trim(CAST({column} AS VARCHAR))", f"{NUMBER}|{NO_NUMBER}")


def _read(text: str, pattern: str, kind: str = "DOUBLE") -> str:
    """A text as a number if all of it looks like the pattern, else NULL.

    No part of it stands twice: what does makes the planning of many columns grow with their square.
    """
    return f"TRY_CAST(regexp_extract({text}, {literal(f'^({pattern})$')}) AS {kind})"


def time_sql(name: str, kind: str) -> str:
    """A column as a UTC time without zone; an offset is taken off, and what is no time is NULL."""
    column = quoted(name)
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"make_timestamp(epoch_us({column}))"
    if kind.startswith(TIMES):
        return f"CAST({column} AS TIMESTAMP)"
    text = f"trim(CAST({column} AS VARCHAR))"
    bare = f"regexp_extract({text}, '^[0-9-]{{10}}([T ][0-9]{{2}}:[0-9]{{2}}(:[0-9.]+)?)?')"
    local = f"TRY_CAST(CASE length({bare}) WHEN 16 THEN {bare} || ':00' ELSE {bare} END AS TIMESTAMP)"
    is_moment = f"regexp_full_match({text}, {literal(_MOMENT)})"
    return f"CASE WHEN {is_moment} THEN {local} - to_minutes(CAST({offset_sql(text)} AS BIGINT)) END"


def offset_sql(text: str) -> str:
    """Minutes that a text's offset is ahead of UTC; 0 where it has none."""
    found = f"regexp_extract({text}, '[0-9]{{2}}:[0-9]{{2}}.*([+-][0-9]{{2}}(:?[0-9]{{2}})?)$', 1)"
    digits = f"regexp_replace({found}, '[^0-9]', '', 'g')"
    hours, rest = f"left({digits}, 2)", f"substr({digits}, 3)"
    minutes = f"TRY_CAST({hours} AS INTEGER) * 60 + coalesce(TRY_CAST({rest} AS INTEGER), 0)"
    return f"coalesce(CASE WHEN left({found}, 1) = '-' THEN -({minutes}) ELSE {minutes} END, 0)"


def class_sql(name: str, kind: str) -> str:
    """A class by its one name."""
    words = words_sql(name, kind)
    return named_class(words) if kind == "VARCHAR" else words


def named_class(text: str) -> str:
    """The one name of a class that a text names: `1.0` is `1`."""
    return f"regexp_replace({text}, {literal(WHOLE_WITH_POINT)}, '\\1')"


def label_sql(name: str, kind: str, mapping: ColumnMapping) -> str:
    """A prediction or an outcome as kept: 0 or 1, a class's name, or a number."""
    if mapping.task == "regression":
        return number_sql(name, kind)
    if mapping.task == "multiclass":
        return class_sql(name, kind)
    if kind == "BOOLEAN":
        return f"CAST({quoted(name)} AS TINYINT)"
    words = class_sql(name, kind)
    if mapping.classes:
        cases = {label: place for place, label in enumerate(mapping.classes)}
        if mapping.prediction == PREDICTED and not {"0", "1"} & cases.keys():
            cases |= {
                "0": 0,
                "1": 1,
            }  # a file by the store's own names may have outcomes as the store has them
        told = " ".join(f"WHEN {literal(label)} THEN {place}" for label, place in cases.items())
        return f"CAST(CASE {words} {told} END AS TINYINT)"
    if kind.startswith(NUMERIC):
        number = number_sql(name, kind)
        return f"CAST(CASE WHEN {number} IN (0, 1) THEN {number} END AS TINYINT)"
    truths = f"WHEN lower({words}) = 'true' THEN 1 WHEN lower({words}) = 'false' THEN 0"
    number = number_sql(name, kind)
    return f"CAST(CASE {truths} WHEN {number} IN (0, 1) THEN {number} END AS TINYINT)"


def feature_sql(name: str, staged: Staged, kind: Kind, *, whole: bool, has_nan: bool) -> str:
    """A feature as kept; `whole` numbers stay whole, and NaN is no value."""
    column, given = quoted(name), staged.types[name]
    if kind == "number":
        if given.startswith(NUMERIC) and not given.startswith(
            ("FLOAT", "DOUBLE", "DECIMAL", "HUGE", "UHUGE")
        ):
            return column
        if has_nan:
            return f"CAST(nullif({column}, CAST('NaN' AS {given})) AS DOUBLE)"
        if given.startswith(NUMERIC) or given == "BOOLEAN":
            return number_sql(name, given)
        text = f"trim(CAST({column} AS VARCHAR))"
        return _read(text, _WHOLE, "BIGINT") if whole else _read(text, f"{NUMBER}|{_ENDLESS}")
    if kind == "flag":
        return column if given == "BOOLEAN" else f"TRY_CAST({words_sql(name, given)} AS BOOLEAN)"
    if kind == "time":
        return time_sql(name, given)
    if given != "VARCHAR":
        return words_sql(name, given)
    if kind in ("text", "ordered") and staged.from_csv:
        return f"CASE WHEN {words_sql(name, given)} IS NOT NULL THEN {column} END"
    return f"nullif({column}, '')" if staged.from_csv else column


def canonical_sql(canonical: str, name: str, staged: Staged, mapping: ColumnMapping) -> str:
    """The SQL of one column that stands for a role."""
    kind = staged.types[name]
    if canonical == ROW_ID:
        return words_sql(name, kind)
    if canonical == TIMESTAMP:
        return time_sql(name, kind)
    if canonical in (PREDICTED, TRUE):
        return label_sql(name, kind, mapping)
    return number_sql(name, kind)


def kind_of_type(kind: str) -> Kind:
    """What a column's type makes of it."""
    if kind == "BOOLEAN":
        return "flag"
    if kind.startswith(NUMERIC):
        return "number"
    return "time" if kind.startswith(TIMES) else "text"


@dataclass(frozen=True)
class TextProfile:
    """How many texts of a column are written in which way; see `_WRITTEN`."""

    counts: Mapping[str, int]

    @property
    def filled(self) -> int:
        """Texts that are not blank."""
        return sum(self.counts.values())

    @property
    def numbers(self) -> int:
        """Numbers in all ways but with a decimal comma."""
        return sum(self.counts.get(way, 0) for way in ("whole", "code", "long_code", "number"))

    @property
    def worded(self) -> int:
        """Words that stand for no value, or may do so."""
        return self.counts.get("null", 0) + self.counts.get("placeholder", 0)

    @property
    def all_whole(self) -> bool:
        """Whether the numbers among them are whole and short enough to stay so."""
        return self.numbers > 0 and not self.counts.keys() & {"long_code", "number"}

    @property
    def all_numbers(self) -> bool:
        """Whether there is nothing but numbers."""
        return self.numbers == self.filled

    @property
    def leading_zero(self) -> bool:
        """Whether some are codes such as 00712."""
        return bool(self.counts.keys() & {"code", "long_code"})

    @property
    def is_number(self) -> bool:
        """Whether these are numbers: no codes, and nothing but numbers."""
        return self.numbers > 0 and self.all_numbers and not self.leading_zero

    @property
    def has_decimal_commas(self) -> bool:
        """Whether these are numbers written with a comma, or some of them are."""
        return "commas" in self.counts and "words" not in self.counts

    @property
    def nearly_number(self) -> bool:
        """Whether these are numbers but for words that may stand for no value."""
        others = self.filled - self.numbers
        return others > 0 and self.numbers > 0 and (self.worded == others or others <= FEW * self.filled)


FEW = 0.05
"""Share of rows that may hold words of which nobody knows, in a column of numbers."""
_FEW_WORDS = 2
_MOST_WORDS = 30


def is_null_word(text: str) -> str:
    """Whether a text is a word for no value, wherever it stands."""
    return f"(lower({text}) IN ({', '.join(map(literal, NULL_WORDS))}) OR {text} = 'None')"


def is_placeholder(text: str) -> str:
    """Whether a text may stand for no value."""
    return f"lower({text}) IN ({', '.join(map(literal, PLACEHOLDERS))})"


def _is(pattern: str) -> str:
    return f"regexp_full_match(t, {literal(pattern)})"


_CODE = "contains(t, '0') AND " + _is("[+-]?0[0-9]+")
_WRITTEN = f"""CASE
    WHEN {_is(_WHOLE)} THEN CASE WHEN {_CODE} THEN 'code' ELSE 'whole' END
    WHEN {is_null_word("t")} THEN 'null'
    WHEN {_is(f"{NUMBER}|{NO_NUMBER}")} THEN CASE WHEN {_CODE} THEN 'long_code' ELSE 'number' END
    WHEN {is_placeholder("t")} THEN 'placeholder'
    WHEN {_is(COMMA_NUMBER)} THEN 'commas'
    ELSE 'words' END"""
"""How a text `t` is written: a code has a leading zero, a long one more digits than a whole number keeps."""


def text_profiles(
    cursor: duckdb.DuckDBPyConnection, staged: Staged, names: Sequence[str]
) -> dict[str, TextProfile]:
    """Look at columns of text: are they numbers, and how are these written?

    Their values are laid below each other, so that a pattern is made ready once and not once a column.
    """
    found: dict[str, dict[str, int]] = {name: {} for name in names}
    for part in in_parts(names):
        texts = ", ".join(f"trim({quoted(name)})" for name in part)
        query = f"""
            SELECT place, {_WRITTEN} AS way, count(*)
            FROM (SELECT unnest([{texts}]) AS t, unnest(range({len(part)})) AS place FROM {staged.scan})
            WHERE t <> '' GROUP BY ALL
        """
        for place, way, count in cursor.execute(query, {"file": staged.file}).fetchall():
            found[part[place]][way] = count
    return {name: TextProfile(counts) for name, counts in found.items()}


def with_nan(cursor: duckdb.DuckDBPyConnection, staged: Staged, names: Sequence[str]) -> set[str]:
    """Columns of floats that hold NaN; only these need a look at every value when they are written."""
    floats = [name for name in names if staged.types[name] in ("FLOAT", "DOUBLE")]
    found: set[str] = set()
    for part in in_parts(floats):
        asked = ", ".join(f"bool_or(isnan({quoted(name)}))" for name in part)
        row = cursor.execute(f"SELECT {asked} FROM {staged.scan}", {"file": staged.file}).fetchall()[0]
        found |= {name for name, holds in zip(part, row, strict=True) if holds}
    return found


@dataclass(frozen=True)
class Word:
    """A text of a column with the rows that hold it, and the first of them, counted from 1."""

    text: str
    rows: int
    first: int

    @property
    def told(self) -> str:
        """How it is told."""
        rows = f"{self.rows:,} row{'' if self.rows == 1 else 's'}"
        text = self.text if self.text.lower() in KNOWN_WORDS else aside(self.text[:40])
        return f"'{text}' in {rows} (first: row {self.first:,})"

    @property
    def is_null(self) -> bool:
        """Whether it is a word for no value, wherever it stands."""
        return self.text.lower() in NULL_WORDS or self.text == "None"


def words_among(cursor: duckdb.DuckDBPyConnection, staged: Staged, name: str, *, numbers: bool) -> list[Word]:
    """What is no number in a column of `numbers`; else what may stand for no value. Most rows first."""
    text = words_sql(name, staged.types[name])
    number_like = f"regexp_full_match({text}, {literal(f'{NUMBER}|{NO_NUMBER}')})"
    others = f"NOT {number_like} OR {is_null_word(text)}"
    chosen = others if numbers else f"{is_null_word(text)} OR {is_placeholder(text)}"
    query = (
        f"SELECT {text} AS word, count(*), min(file_row_number) + 1 FROM {staged.scan} "
        f"WHERE {text} IS NOT NULL AND ({chosen}) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_MOST_WORDS}"
    )
    return [Word(*row) for row in cursor.execute(query, {"file": staged.file}).fetchall()]


def placeholders(
    cursor: duckdb.DuckDBPyConnection, staged: Staged, name: str, *, number: bool, most_unknown: float = 0
) -> list[Word]:
    """Words of a column that may stand for no value, most rows first; none where numbers mix with others.

    `most_unknown`: rows of a column of numbers that may hold words of which nobody knows.
    """
    found = words_among(cursor, staged, name, numbers=number)
    unknown = [word for word in found if not (word.is_null or word.text.lower() in PLACEHOLDERS)]
    if number and (
        len(unknown) > _FEW_WORDS
        or sum(word.rows for word in unknown) > most_unknown
        or any(letter.isdigit() for word in unknown for letter in word.text)
    ):
        return []
    return found


def missing_sql(name: str, kind: str, words: Sequence[str], otherwise: str = "") -> str:
    """A column without the values that stand for none; a number is one however it is written."""
    column, asked = quoted(name), []
    numbers = [word for word in words if re.fullmatch(NUMBER, word)]
    if numbers and not kind.startswith(TIMES):
        asked.append(f"{number_sql(name, kind)} IN ({', '.join(f'CAST({n} AS DOUBLE)' for n in numbers)})")
    if kind == "VARCHAR":
        asked.append(f"lower(trim({column})) IN ({', '.join(literal(word.lower()) for word in words)})")
    elif kind.startswith(TIMES):
        moments = [f"CAST(TRY_CAST({literal(word)} AS TIMESTAMP) AS {kind})" for word in words]
        asked.append(f"{column} IN ({', '.join(moments)})")
    met = " OR ".join(f"coalesce({one}, false)" for one in asked) or "false"
    return f"CASE WHEN {met} THEN NULL ELSE {otherwise or column} END"


def zoned_sql(name: str, kind: str, zone: str) -> str:
    """A column of times in which those without a zone are of this one; a day alone stays as it is."""
    column = quoted(name)
    if kind.startswith("TIMESTAMP") and kind != "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', timezone({literal(zone)}, CAST({column} AS TIMESTAMP)))"
    if kind != "VARCHAR":
        return column
    moment = f"timezone('UTC', timezone({literal(zone)}, {time_sql(name, kind)}))"
    local = f"length(trim({column})) > 10 AND NOT regexp_matches(trim({column}), {literal(ZONED)})"
    written = f"coalesce(strftime({moment}, '%Y-%m-%dT%H:%M:%S.%fZ'), {column})"
    return f"CASE WHEN {local} THEN {written} ELSE {column} END"


def require_zone(cursor: duckdb.DuckDBPyConnection, zone: str) -> None:
    """Refuse a zone that nobody knows."""
    if not zone:
        return
    names = "SELECT count(*) FROM pg_timezone_names() WHERE name = $zone"
    if not cursor.execute(names, {"zone": zone}).fetchall()[0][0]:
        raise BadInput(
            f"'{zone[:60]}' is no time zone", where="zone", remedy="Write it like Europe/Paris or UTC."
        )


def values_of(
    cursor: duckdb.DuckDBPyConnection, scan: str, values: Mapping[str, object], names: Sequence[str]
) -> list[dict[str, int]]:
    """The different texts of columns, each with the rows that hold it."""
    asked = ", ".join(f"histogram(CAST({quoted(name)} AS VARCHAR))" for name in names)
    row: tuple[Any, ...] = cursor.execute(f"SELECT {asked} FROM {scan}", values).fetchall()[0]
    return [dict(found or {}) for found in row]


def reread(
    cursor: duckdb.DuckDBPyConnection, staged: Staged, readings: Mapping[str, str], target: Path
) -> Staged:
    """A staged file with some columns read by SQL; the rows keep their order."""
    if not readings:
        return staged
    made = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in readings.items())
    inner = staged.scan.replace(", file_row_number = true", "")
    cursor.execute(
        f"COPY (SELECT * REPLACE ({made}) FROM {inner}) TO {literal(str(target))} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {group_size(len(staged.types))})",
        {"file": staged.file},
    )
    return replace(staged, file=str(target))


_CELLS_A_GROUP = 20_000_000


def group_size(columns: int) -> int:
    """Rows that a group of a Parquet file of so many columns may have."""
    return max(2_048, min(122_880, _CELLS_A_GROUP // max(1, columns)))
