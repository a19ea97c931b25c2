"""SQL of a staged file's columns as the store keeps them: ids, times, scores, labels, features.

A staged file is Parquet; that of a CSV holds text only. Column names are a user's and are always quoted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from core.domain.models.column_mapping import PREDICTED, ROW_ID, TIMESTAMP, TRUE, ColumnMapping

Kind = Literal["number", "text", "flag", "time"]
NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
           "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip
TIMES = ("DATE", "TIMESTAMP")
COLUMNS_A_QUERY = 50
"""Aggregates over more columns at once take longer to plan than to run."""
NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
COMMA_NUMBER = r"[+-]?[0-9]+(\.[0-9]{3})*,[0-9]+"
NO_NUMBER = r"(?i)[+-]?(nan|inf|infinity)"
MISSING_WORDS = ("na", "n/a", "nan", "null", "none", "-")
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
    text = f"trim(CAST({column} AS VARCHAR))"
    return f"CASE WHEN {_looks_like_number(text)} THEN TRY_CAST({text} AS DOUBLE) END"


def _looks_like_number(text: str) -> str:
    patterns = (literal(NUMBER), literal(NO_NUMBER))
    return " OR ".join(f"regexp_full_match({text}, {pattern})" for pattern in patterns)


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


def label_sql(name: str, kind: str, mapping: ColumnMapping) -> str:
    """A prediction or an outcome as kept: 0 or 1, a class's name, or a number."""
    if mapping.task == "regression":
        return number_sql(name, kind)
    if mapping.task == "multiclass":
        return words_sql(name, kind)
    if kind == "BOOLEAN":
        return f"CAST({quoted(name)} AS TINYINT)"
    words = words_sql(name, kind)
    if mapping.classes:
        negative, positive = (literal(label) for label in mapping.classes)
        return f"CAST(CASE {words} WHEN {negative} THEN 0 WHEN {positive} THEN 1 END AS TINYINT)"
    if kind.startswith(NUMERIC):
        number = number_sql(name, kind)
        return f"CAST(CASE WHEN {number} IN (0, 1) THEN {number} END AS TINYINT)"
    truths = f"WHEN lower({words}) = 'true' THEN 1 WHEN lower({words}) = 'false' THEN 0"
    number = number_sql(name, kind)
    return f"CAST(CASE {truths} WHEN {number} IN (0, 1) THEN {number} END AS TINYINT)"


def feature_sql(name: str, staged: Staged, kind: Kind, whole: bool) -> str:
    """A feature as kept; `whole` numbers stay whole."""
    column, given = quoted(name), staged.types[name]
    if kind == "number":
        if given.startswith(NUMERIC) and not given.startswith(
            ("FLOAT", "DOUBLE", "DECIMAL", "HUGE", "UHUGE")
        ):
            return column
        number = f"nullif({number_sql(name, given)}, CAST('NaN' AS DOUBLE))"
        return f"CAST({number} AS BIGINT)" if whole else number
    if kind == "flag":
        return column if given == "BOOLEAN" else f"TRY_CAST({words_sql(name, given)} AS BOOLEAN)"
    if kind == "time":
        return time_sql(name, given)
    if given == "VARCHAR" and not staged.from_csv:
        return column
    return words_sql(name, given) if given != "VARCHAR" else f"nullif({column}, '')"


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
    """What the texts of a column look like; all are counts of rows but the two booleans."""

    filled: int
    numbers: int
    missing_words: int
    commas: int
    all_whole: bool
    leading_zero: bool

    @property
    def is_number(self) -> bool:
        """Whether these are numbers: not codes such as 00712, and nothing but numbers and words for none."""
        return self.numbers > 0 and not self.leading_zero and self.numbers + self.missing_words == self.filled

    @property
    def has_decimal_commas(self) -> bool:
        """Whether these are numbers written with a comma, or some of them are."""
        return self.commas > 0 and self.numbers + self.commas + self.missing_words == self.filled


def is_missing_word(text: str) -> str:
    """Whether a text is a word for no value."""
    return f"lower({text}) IN ({', '.join(map(literal, MISSING_WORDS))})"


def text_profiles(
    cursor: duckdb.DuckDBPyConnection, staged: Staged, names: Sequence[str]
) -> dict[str, TextProfile]:
    """Look at columns of text: are they numbers, and how are these written?"""
    found: dict[str, TextProfile] = {}
    for part in in_parts(names, COLUMNS_A_QUERY // 2):
        asked = []
        for name in part:
            text = words_sql(name, staged.types[name])
            number = _looks_like_number(text)
            missing = f"{is_missing_word(text)} AND NOT coalesce({number}, false)"
            whole = f"regexp_full_match({text}, '[+-]?[0-9]{{1,18}}')"
            asked += [
                f"count({text})",
                f"count(*) FILTER (WHERE {number})",
                f"count(*) FILTER (WHERE {missing})",
                f"count(*) FILTER (WHERE regexp_full_match({text}, {literal(COMMA_NUMBER)}))",
                f"coalesce(bool_and({whole}) FILTER (WHERE {number}), false)",
                f"coalesce(bool_or(regexp_full_match({text}, '[+-]?0[0-9]+')), false)",
            ]
        row: tuple[Any, ...] = cursor.execute(
            f"SELECT {', '.join(asked)} FROM {staged.scan}", {"file": staged.file}
        ).fetchall()[0]
        for place, name in enumerate(part):
            found[name] = TextProfile(*row[6 * place : 6 * place + 6])
    return found
