"""Tables of cases that somebody graded: JSON Lines, CSV, Parquet, and what promptfoo and MLflow write."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.connectors.prediction_files import open_predictions
from core.domain.errors import BadInput, unreadable

if TYPE_CHECKING:
    import polars as pl

MOST_BYTES = 200_000_000
MOST_CASES = 50_000
MOST_VALUES = 100
"""Values that a column of categories may have."""
_MOST_TEXT = 20_000
_PASSED = {"true", "1", "1.0", "yes", "y", "pass", "passed", "success"}
_FAILED = {"false", "0", "0.0", "no", "n", "fail", "failed", "failure"}


@dataclass(frozen=True)
class CaseMapping:
    """Which column is what; empty where there is none. One of `passed` and `grade` says how a case went.

    `only` keeps rows whose columns have these values, such as one prompt of several.
    """

    case: str = ""
    passed: str = ""
    grade: str = ""
    categories: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    only: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Tool:
    """How a tool writes cases: under which keys its rows lie, and what is taken where nothing is named.

    `case`, `passed` and `grade` are names or, with a star in front, how a name ends; a star that fits several
    columns decides nothing. `errors` is the column and value of a case that ended with an error, `graders`
    where the kinds of its graders stand.
    """

    title: str
    rows: tuple[str, ...] = ()
    case: tuple[str, ...] = ("case", "case_id", "id", "row_id")
    passed: tuple[str, ...] = ("passed", "pass", "success")
    grade: tuple[str, ...] = ("grade", "score")
    errors: tuple[str, str] = ("", "")
    graders: tuple[str, ...] = ()


PLAIN = Tool("a table")
PROMPTFOO = Tool(
    "promptfoo's results",
    rows=("results", "results"),
    case=("testCase.metadata.id", "vars.id", "testIdx"),
    passed=("success",),
    grade=(),
    errors=("failureReason", "2"),
    graders=("gradingResult", "componentResults", "assertion", "type"),
)
MLFLOW = Tool(
    "MLflow's evaluation table",
    case=("request_id", "trace_id", "id", "case_id"),
    passed=("*/value",),
    grade=("*/score",),
)
JUDGED_BY_MODELS = frozenset(
    (
        *("agent-rubric", "answer-relevance", "classifier", "context-faithfulness", "context-recall"),
        *("context-relevance", "conversation-relevance", "factuality", "g-eval", "llm-rubric"),
        *("model-graded-closedqa", "model-graded-factuality", "moderation", "pi", "search-rubric"),
        *("select-best", "similar"),
    )
)
"""Assertions of promptfoo that a model answers."""


@dataclass(frozen=True)
class Case:
    """A case as it was answered and graded; `grade` is None where it only passed or not."""

    case: str
    passed: bool
    grade: float | None = None
    categories: tuple[tuple[str, str], ...] = ()
    texts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class CaseFile:
    """Cases that were read, which column was what, what was odd, and whether a model graded some of them."""

    tool: str
    mapping: CaseMapping
    cases: tuple[Case, ...]
    notes: tuple[str, ...] = ()
    by_models: tuple[str, ...] = ()


def read_case_file(
    path: Path, name: str, work: Path, mapping: CaseMapping, threshold: float | None
) -> CaseFile:
    """Read a whole file of cases, or refuse it whole.

    Parameters
    ----------
    path, name
        The file, and its name as the user knows it.
    work
        Folder in which something may be laid meanwhile.
    mapping
        Which column is what; what is not named is taken by the names that tools use. Names of nested values
        have dots: `vars.topic`.
    threshold
        A case passes with a grade of at least so much; needed with grades, in their unit.

    Raises
    ------
    BadInput
        The file, a column or a value cannot be read as that: what, where and the remedy.

    Notes
    -----
    Source: promptfoo's results file of version 3 (`results.results`, `success`, `failureReason` 2 = error);
    MLflow's `eval_results_table.json` (`columns` and `data`, `NAME/v1/score`) and the table of
    `mlflow.genai.evaluate` (`NAME/value`).
    """
    tool, raw, table = _read(path, name, work)
    if not table.columns or not table.height:
        raise BadInput("the file has no cases", where=name, remedy="Export it again.")
    mapping = _completed(tool, mapping, table.columns, threshold, name)
    kept = _kept(table, mapping, name)
    cases = _cases(kept, mapping, threshold, name)
    errors = _equal(kept, *tool.errors) if tool.errors[0] in kept.columns else 0
    notes = [f"{errors:,} cases ended with an error and count as not passed"] if errors else []
    if kept.height < table.height:
        notes.append(f"{kept.height:,} of {table.height:,} rows are kept, by {', '.join(mapping.only)}")
    return CaseFile(tool.title, mapping, cases, tuple(notes), _graders(tool, raw))


def write_cases(cases: Sequence[Case], file: Path) -> None:
    """Write cases as the store keeps them: one Parquet file, each value as text."""
    import polars as pl

    columns: dict[str, list[object]] = {
        "case": [each.case for each in cases],
        "passed": [each.passed for each in cases],
        "grade": [each.grade for each in cases],
    }
    for number, (title, _) in enumerate(cases[0].categories):
        columns[f"category.{title}"] = [each.categories[number][1] for each in cases]
    for number, (title, _) in enumerate(cases[0].texts):
        columns[f"text.{title}"] = [each.texts[number][1] for each in cases]
    pl.DataFrame(columns, schema_overrides={"grade": pl.Float64}).write_parquet(file)


def read_cases(file: Path) -> tuple[Case, ...]:
    """Read cases as the store keeps them."""
    import polars as pl

    table = pl.read_parquet(file)
    parts = {
        mark: [name for name in table.columns if name.startswith(f"{mark}.")] for mark in ("category", "text")
    }
    values = {name: table.get_column(name).to_list() for name in table.columns}

    def pairs(mark: str, row: int) -> tuple[tuple[str, str], ...]:
        return tuple((name.removeprefix(f"{mark}."), values[name][row]) for name in parts[mark])

    return tuple(
        Case(case, passed, grade, pairs("category", row), pairs("text", row))
        for row, (case, passed, grade) in enumerate(
            zip(values["case"], values["passed"], values["grade"], strict=True)
        )
    )


Raw = Sequence[Mapping[str, object]]


def _read(path: Path, name: str, work: Path) -> tuple[Tool, Raw, pl.DataFrame]:
    """The tool that wrote it, its rows as they stand where they are nested, and the flat table of texts."""
    import polars as pl

    try:
        size = path.stat().st_size
    except OSError as error:
        raise unreadable(name, error) from error
    if size > MOST_BYTES:
        raise BadInput(
            f"the file is larger than {MOST_BYTES // 1_000_000} MB", where=name, remedy="Leave texts out."
        )
    suffix = Path(name).suffix.lower()
    if suffix in (".json", ".jsonl", ".ndjson"):
        tool, raw = _of_json(path, name, lines=suffix != ".json")
        return tool, raw, _flat(raw)
    source = open_predictions(path, name, work)
    if source.kind == "csv":
        table = pl.read_csv(source.file, infer_schema_length=0, encoding="utf8-lossy")
    else:
        table = pl.read_parquet(source.file)
    flat = table.select(pl.col(column).cast(pl.String, strict=False) for column in table.columns)
    return _tool_of(flat.columns), (), flat


def _of_json(path: Path, name: str, *, lines: bool) -> tuple[Tool, Raw]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput("the file is not UTF-8", where=name, remedy="Save it as UTF-8.") from None
    if lines:
        found = [
            _parsed(line, f"{name}, line {number:,}")
            for number, line in enumerate(text.split("\n"), 1)
            if line.strip()
        ]
        return _checked(PLAIN, found, name)
    return _unpacked(_parsed(text, name), name)


def _parsed(text: str, where: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        said = str(error).splitlines()[0] if isinstance(error, ValueError) else "it is nested too deep"
        raise BadInput(f"it is no JSON: {said}", where=where, remedy="Export it again.") from error


def _unpacked(found: object, name: str) -> tuple[Tool, Raw]:
    """Rows of a JSON file: a list of them, a table of MLflow, or the results of promptfoo."""
    if isinstance(found, dict) and {"columns", "data"} <= found.keys():
        columns, data = found["columns"], found["data"]
        fits = isinstance(columns, list) and isinstance(data, list)
        if not fits or any(not isinstance(row, list) or len(row) != len(columns) for row in data):
            raise BadInput(
                "rows and columns of the table do not fit", where=name, remedy="Log it again with MLflow."
            )
        return _checked(MLFLOW, [dict(zip(map(str, columns), row, strict=True)) for row in data], name)
    if isinstance(found, dict):
        for key in PROMPTFOO.rows:
            found = found.get(key) if isinstance(found, dict) else None
        return _checked(PROMPTFOO, found, name)
    return _checked(PLAIN, found, name)


def _checked(tool: Tool, found: object, name: str) -> tuple[Tool, Raw]:
    if not isinstance(found, list) or any(not isinstance(row, dict) for row in found):
        raise BadInput(
            "it holds no list of cases",
            where=name,
            remedy="Give one object a case, promptfoo's results or a table of MLflow.",
        )
    tool = _tool_of(found[0]) if tool is PLAIN and found else tool
    return tool, found


def _tool_of(columns: Iterable[str]) -> Tool:
    """A flat table is MLflow's where a column is named as it names grades."""
    ends = tuple(end.lstrip("*") for end in (*MLFLOW.passed, *MLFLOW.grade))
    return MLFLOW if any(str(column).endswith(ends) for column in columns) else PLAIN


def _flat(rows: Raw) -> pl.DataFrame:
    """Nested objects under names with dots; lists and deeper ones as JSON."""
    import polars as pl

    flat = [dict(_leaves("", row, 4)) for row in rows]
    columns = dict.fromkeys(name for row in flat for name in row)
    return pl.DataFrame({name: [row.get(name) for row in flat] for name in columns}, strict=False)


def _leaves(prefix: str, value: Mapping[str, object], depth: int) -> Iterable[tuple[str, str | None]]:
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if isinstance(inner, dict) and depth > 1:
            yield from _leaves(f"{name}.", inner, depth - 1)
        elif isinstance(inner, bool):
            yield name, str(inner).lower()
        elif isinstance(inner, str) or inner is None:
            yield name, inner
        else:
            yield name, json.dumps(inner, ensure_ascii=False)


def _completed(
    tool: Tool, mapping: CaseMapping, columns: Sequence[str], threshold: float | None, name: str
) -> CaseMapping:
    """The mapping with what a tool's names say; what is named has to be there."""
    for column in (mapping.case, mapping.passed, mapping.grade, *mapping.categories, *mapping.texts):
        _require(column, columns, name)
    for column in mapping.only:
        _require(column, columns, name)
    case = mapping.case or _usual(tool.case, columns)
    passed, grade = mapping.passed, mapping.grade
    if not passed and not grade:
        grade = _usual(tool.grade, columns) if threshold is not None else ""
        passed = "" if grade else _usual(tool.passed, columns)
    if not case or not (passed or grade):
        what = "id of a case" if not case else "outcome of a case"
        how = "--id" if not case else "--passed, or --grade and --threshold"
        raise BadInput(f"no column is named as the {what}", where=name, remedy=f"Name it with {how}.")
    if passed and grade:
        raise BadInput("a case passes by its outcome or by its grade", where=name, remedy="Name one.")
    if bool(grade) != (threshold is not None):
        what = "grades need the grade from which a case passes" if grade else "a threshold is of grades"
        raise BadInput(what, where=name, remedy="Give --threshold together with --grade.")
    return CaseMapping(case, passed, grade, mapping.categories, mapping.texts, mapping.only)


def _require(column: str, columns: Sequence[str], name: str) -> None:
    if column and column not in columns:
        known = ", ".join(columns[:12])
        raise BadInput(f"there is no column '{column[:60]}'", where=name, remedy=f"It has: {known}.")


def _usual(wanted: Sequence[str], columns: Sequence[str]) -> str:
    for each in wanted:
        fits = [
            column
            for column in columns
            if (column.endswith(each[1:]) if each.startswith("*") else column == each)
        ]
        if len(fits) == 1:
            return fits[0]
    return ""


def _kept(table: pl.DataFrame, mapping: CaseMapping, name: str) -> pl.DataFrame:
    import polars as pl

    for column, value in mapping.only.items():
        table = table.filter(pl.col(column) == value)
    if not table.height:
        raise BadInput("no case is left", where=name, remedy="Look at --only.")
    if table.height > MOST_CASES:
        raise BadInput(
            f"the file has {table.height:,} cases", where=name, remedy=f"Give at most {MOST_CASES:,}."
        )
    return table


def _equal(table: pl.DataFrame, column: str, value: str) -> int:
    return sum(one == value for one in table.get_column(column).to_list())


def _cases(table: pl.DataFrame, mapping: CaseMapping, threshold: float | None, name: str) -> tuple[Case, ...]:
    ids = _texts(table, mapping.case, name)
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise BadInput(
                f"case '{one[:60]}' stands twice",
                where=f"{name}, column {mapping.case}",
                remedy="Name the column of ids with --id, or keep one prompt, run or judge with --only.",
            )
        seen.add(one)
    outcomes = _outcomes(table, mapping, threshold, ids, name)
    categories = {column: _texts(table, column, name) for column in mapping.categories}
    for column, values in categories.items():
        if len(set(values)) > MOST_VALUES:
            raise BadInput(
                f"column '{column[:60]}' has {len(set(values)):,} values, too many for categories",
                where=name,
                remedy=f"Name a column of at most {MOST_VALUES}.",
            )
    texts = {
        column: [(one or "")[:_MOST_TEXT] for one in table.get_column(column).to_list()]
        for column in mapping.texts
    }
    return tuple(
        Case(
            one,
            *outcomes[row],
            tuple((column, values[row]) for column, values in categories.items()),
            tuple((column, values[row]) for column, values in texts.items()),
        )
        for row, one in enumerate(ids)
    )


def _texts(table: pl.DataFrame, column: str, name: str) -> list[str]:
    """Values of a column that none may lack."""
    values = [(one or "").strip() for one in table.get_column(column).to_list()]
    lacking = [number for number, one in enumerate(values, 1) if not one]
    if lacking:
        raise BadInput(
            f"{len(lacking):,} of {len(values):,} cases have no value in column '{column[:60]}', row "
            f"{lacking[0]:,} first",
            where=name,
            remedy="Fill it in, or name another column.",
        )
    return values


def _outcomes(
    table: pl.DataFrame, mapping: CaseMapping, threshold: float | None, ids: Sequence[str], name: str
) -> list[tuple[bool, float | None]]:
    column = mapping.passed or mapping.grade
    found: list[tuple[bool, float | None]] = []
    for case, value in zip(ids, _texts(table, column, name), strict=True):
        word = value.casefold()
        if mapping.passed and word in _PASSED | _FAILED:
            found.append((word in _PASSED, None))
        elif threshold is not None and (grade := _number(word)) is not None:
            found.append((grade >= threshold, grade))
        else:
            kind = "pass, fail, true, false, yes or no" if mapping.passed else "number"
            raise BadInput(
                f"case '{case[:40]}' has the outcome '{value[:40]}', which is no {kind}",
                where=f"{name}, column {column}",
                remedy="Correct it, or name another column with --passed or --grade.",
            )
    return found


def _number(word: str) -> float | None:
    try:
        found = float(word)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _graders(tool: Tool, rows: Raw) -> tuple[str, ...]:
    """The graders of a file that are models, by the names that its tool gives them."""
    if not tool.graders:
        return ()
    first, parts, inner, kind = tool.graders
    found: set[str] = set()
    for row in rows:
        result = row.get(first)
        listed = result.get(parts) if isinstance(result, dict) else None
        for one in listed if isinstance(listed, list) else ():
            asserted = one.get(inner) if isinstance(one, dict) else None
            named = asserted.get(kind) if isinstance(asserted, dict) else None
            if isinstance(named, str):
                found.add(named.removeprefix("not-"))
    return tuple(sorted(found & JUDGED_BY_MODELS))
