"""Counts for data quality, column by column, and samples of values in which to look for personal data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from core.analytics.drift.data_quality import SUSPECTS, ColumnCounts, widened
from core.domain.models.column_mapping import PREDICTED, TRUE, is_canonical
from core.lake.predictions.intake_columns import NUMERIC, in_parts, quoted
from core.lake.slices.profiles import FEW_NUMBERS

SCAN = "read_parquet($file, hive_partitioning = false)"
SAMPLED = 1_000
_SUSPECTS_SHOWN = 50
_UNSEEN_SHOWN = 5
_MOST_CATEGORIES = 10_000
_FEW_COLUMNS = 12


@dataclass(frozen=True)
class QualityColumn:
    """A column of the rows that are judged: number, text or something else, and its counts."""

    name: str
    kind: str
    counts: ColumnCounts


@dataclass
class _Side:
    rows: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    low: dict[str, float | None] = field(default_factory=dict)
    high: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class _Unlike:
    """Rows in categories that the other side has not, the most frequent of these, and filled rows."""

    unseen: int | None = None
    unseen_values: tuple[str, ...] = ()
    vanished: int = 0
    vanished_values: tuple[str, ...] = ()
    filled: int = 0
    filled_before: int = 0


def quality_columns(
    cursor: duckdb.DuckDBPyConnection, judged: str, reference: str | None
) -> list[QualityColumn]:
    """Count every column but the roles': missing, unseen, vanished, out of range.

    Parameters
    ----------
    judged, reference
        Canonical files; without a reference nothing can be unseen or out of range.
    """
    types = _types(cursor, judged)
    known = _types(cursor, reference) if reference else {}
    names = [name for name in types if not is_canonical(name)]
    gone = [name for name in known if name not in types and not is_canonical(name)]
    shared = [name for name in names if name in known]
    # Texts on both sides are counted value by value anyway; thousands of columns take seconds each time.
    texts = {name for name in shared if types[name] == known[name] == "VARCHAR"}
    now = _side(cursor, judged, {name: types[name] for name in names if name not in texts})
    counted = {name: known[name] for name in [*shared, *gone] if name not in texts}
    before = _side(cursor, reference, counted) if reference else _Side()
    outside = _outside(cursor, judged, names, types, before)
    few = _of_few_numbers(cursor, reference, shared, types, known) if reference else set()
    compared = [name for name in shared if name in few or _kind(types[name]) == "text"]
    unlikes = _unlike(cursor, judged, reference, compared) if reference else {}
    now.missing |= {name: now.rows - unlikes[name].filled for name in texts}
    before.missing |= {name: before.rows - unlikes[name].filled_before for name in texts}
    found = []
    for name in [*names, *gone]:
        kind = _kind((types if name in types else known)[name])
        unlike = unlikes.get(name, _Unlike())
        counts = ColumnCounts(
            now.rows,
            now.missing.get(name, now.rows),
            before.rows if name in known else 0,
            before.missing.get(name, 0),
            unlike.unseen if kind == "text" else None,
            unlike.unseen_values if kind == "text" else (),
            outside.get(name),
            now.low.get(name),
            now.high.get(name),
            before.low.get(name),
            before.high.get(name),
            unlike.vanished,
            unlike.vanished_values,
            name in gone,
        )
        found.append(QualityColumn(name, kind, counts))
    return found


def outcome_columns(cursor: duckdb.DuckDBPyConnection, judged: str, reference: str) -> list[QualityColumn]:
    """Predictions and outcomes of which the reference has a class that is gone, or the other way round."""
    types, known = _types(cursor, judged), _types(cursor, reference)
    names = {name: types[name] for name in (PREDICTED, TRUE) if name in types and name in known}
    now, before = _side(cursor, judged, names), _side(cursor, reference, names)
    found = []
    for name, unlike in _unlike(cursor, judged, reference, list(names)).items():
        if unlike.unseen or unlike.vanished:
            # Outcomes come later: those that are not there yet are no fault.
            counts = ColumnCounts(
                now.rows - now.missing[name],
                0,
                before.rows - before.missing[name],
                0,
                unlike.unseen,
                unlike.unseen_values,
                vanished=unlike.vanished,
                vanished_values=unlike.vanished_values,
            )
            found.append(QualityColumn(name, "text", counts))
    return found


def sampled_values(
    cursor: duckdb.DuckDBPyConnection, file: str, names: Sequence[str]
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Different values of columns: a sample without regard to their look, and some that look suspicious.

    The same file gives the same sample: values are taken in the order of their hash.
    """
    for part in in_parts(names):
        query = f"""
            SELECT place, min_by(x, hash(x), {SAMPLED}),
                min_by(x, hash(x), {_SUSPECTS_SHOWN}) FILTER (WHERE regexp_matches(x, $suspects))
            FROM ({_counted(part, "file")}) GROUP BY place
        """
        rows = cursor.execute(query, {"file": file, "suspects": SUSPECTS}).fetchall()
        found = {place: (sample, suspects or []) for place, sample, suspects in rows}
        for place, name in enumerate(part):
            yield name, *found.get(place, ([], []))


def _counted(names: Sequence[str], file: str) -> str:
    """SQL of how often columns have each value, by the column's place.

    Many are laid below each other in one scan, as to plan a query of a wide file costs more than to run it;
    few are counted one by one, which is five times as fast in long ones.
    """
    texts = [f"CAST({quoted(name)} AS VARCHAR)" for name in names]
    scan = f"read_parquet(${file}, hive_partitioning = false)"
    counted = "SELECT {place} AS place, {x} AS x, count(*) AS n FROM {scan} WHERE x IS NOT NULL GROUP BY ALL"
    if len(names) <= _FEW_COLUMNS:
        each = (counted.format(place=place, x=text, scan=scan) for place, text in enumerate(texts))
        return " UNION ALL ".join(each)
    laid = f"SELECT unnest([{', '.join(texts)}]) AS v, unnest(range({len(names)})) AS p FROM {scan}"
    return counted.format(place="p", x="v", scan=f"({laid})")


def worth_sampling(cursor: duckdb.DuckDBPyConnection, file: str) -> list[str]:
    """Columns in which personal data may stand: texts, and whole numbers as long as a card's."""
    types = {name: kind for name, kind in _types(cursor, file).items() if not is_canonical(name)}
    texts = [name for name, kind in types.items() if kind == "VARCHAR"]
    whole = [name for name, kind in types.items() if kind in ("BIGINT", "UBIGINT", "HUGEINT")]
    long: list[str] = []
    for part in in_parts(whole):
        asked = ", ".join(f"max({quoted(name)}) >= 1000000" for name in part)
        row = cursor.execute(f"SELECT {asked} FROM {SCAN}", {"file": file}).fetchall()[0]
        long += [name for name, is_long in zip(part, row, strict=True) if is_long]
    return [name for name in types if name in {*texts, *long}]


def _types(cursor: duckdb.DuckDBPyConnection, file: str) -> dict[str, str]:
    rows = cursor.execute(f"DESCRIBE SELECT * FROM {SCAN}", {"file": file}).fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def _kind(kind: str) -> str:
    if kind.startswith(NUMERIC):
        return "number"
    return "text" if kind in ("VARCHAR", "BOOLEAN") else "time"


def _side(cursor: duckdb.DuckDBPyConnection, file: str, types: dict[str, str]) -> _Side:
    side = _Side()
    for part in list(in_parts(list(types))) or [[]]:
        asked = ["count(*)"]
        for name in part:
            column = quoted(name)
            if types[name].startswith(NUMERIC):
                value = f"CAST({column} AS DOUBLE)"
                finite = f"CASE WHEN isfinite({value}) THEN {value} END"
                asked += [f"count({finite})", f"min({finite})", f"max({finite})"]
            elif types[name] == "VARCHAR":
                asked += [f"count(nullif(trim({column}), ''))", "NULL", "NULL"]
            else:
                asked += [f"count({column})", "NULL", "NULL"]
        row = cursor.execute(f"SELECT {', '.join(asked)} FROM {SCAN}", {"file": file}).fetchall()[0]
        side.rows = row[0]
        for place, name in enumerate(part):
            filled, low, high = row[1 + 3 * place : 4 + 3 * place]
            side.missing[name] = side.rows - filled
            side.low[name], side.high[name] = low, high
    return side


def _outside(
    cursor: duckdb.DuckDBPyConnection, judged: str, names: Sequence[str], types: dict[str, str], before: _Side
) -> dict[str, int]:
    ranges = {name: (low, before.high.get(name)) for name, low in before.low.items()}
    numbers = {
        name: widened(low, high)
        for name in names
        for low, high in (ranges.get(name, (None, None)),)
        if types[name].startswith(NUMERIC) and low is not None and high is not None
    }
    found: dict[str, int] = {}
    for part in in_parts(list(numbers)):
        asked = []
        values: dict[str, object] = {"file": judged}
        for place, name in enumerate(part):
            value = f"CAST({quoted(name)} AS DOUBLE)"
            beyond = f"{value} NOT BETWEEN $low{place} AND $high{place}"
            asked.append(f"count(*) FILTER (WHERE isfinite({value}) AND {beyond})")
            values |= zip((f"low{place}", f"high{place}"), numbers[name], strict=True)
        row = cursor.execute(f"SELECT {', '.join(asked)} FROM {SCAN}", values).fetchall()[0]
        found |= dict(zip(part, row, strict=True))
    return found


def _of_few_numbers(
    cursor: duckdb.DuckDBPyConnection,
    reference: str,
    names: Sequence[str],
    types: Mapping[str, str],
    known: Mapping[str, str],
) -> set[str]:
    """Columns of whole numbers with so few values that they may stand for categories."""
    whole = [name for name in names if all("INT" in kinds[name] for kinds in (types, known))]
    found = set()
    for part in in_parts(whole):
        asked = ", ".join(f"approx_count_distinct({quoted(name)}) <= {FEW_NUMBERS}" for name in part)
        row = cursor.execute(f"SELECT {asked} FROM {SCAN}", {"file": reference}).fetchall()[0]
        found |= {name for name, is_few in zip(part, row, strict=True) if is_few}
    return found


def _unlike(
    cursor: duckdb.DuckDBPyConnection, judged: str, reference: str, names: Sequence[str]
) -> dict[str, _Unlike]:
    """Rows whose category the other side lacks; none are told where the categories are too many to be any.

    A category of k of the N filled rows of the reference and of none of the M here vanished by more than
    chance where (N / (N + M)) ** k, times the number of categories, is at most 5 %, as of slices.
    """
    found: dict[str, _Unlike] = {}
    for part in in_parts(names):
        query = f"""
            WITH before AS MATERIALIZED (FROM ({_counted(part, "reference")}) WHERE trim(x) <> ''),
            now AS MATERIALIZED (FROM ({_counted(part, "judged")}) WHERE trim(x) <> ''),
            known AS (SELECT place, sum(n) AS rows, count(*) AS categories FROM before GROUP BY place),
            filled AS (SELECT place, sum(n) AS rows FROM now GROUP BY place),
            unseen AS (SELECT place, sum(n) AS n, max_by(x, n, {_UNSEEN_SHOWN}) AS shown
                FROM now ANTI JOIN before USING (place, x) GROUP BY place),
            vanished AS (SELECT place, sum(n) AS n, max_by(x, n, {_UNSEEN_SHOWN}) AS shown
                FROM before ANTI JOIN now USING (place, x) JOIN known USING (place)
                LEFT JOIN filled USING (place)
                WHERE pow(known.rows / (known.rows + coalesce(filled.rows, 0)), n) * categories <= 0.05
                GROUP BY place)
            SELECT place, coalesce(categories, 0) <= {_MOST_CATEGORIES}, coalesce(unseen.n, 0)::BIGINT,
                unseen.shown, coalesce(vanished.n, 0)::BIGINT, vanished.shown,
                coalesce(filled.rows, 0)::BIGINT, coalesce(known.rows, 0)::BIGINT
            FROM (SELECT unnest(range({len(part)})) AS place) LEFT JOIN known USING (place)
                LEFT JOIN filled USING (place) LEFT JOIN unseen USING (place) LEFT JOIN vanished USING (place)
        """
        for place, told, unseen, new, vanished, gone, *filled in cursor.execute(
            query, {"judged": judged, "reference": reference}
        ).fetchall():
            unlike = (unseen, tuple(new or ()), vanished, tuple(gone or ())) if told else (None, (), 0, ())
            found[part[place]] = _Unlike(*unlike, *filled)
    return {name: found.get(name, _Unlike()) for name in names}
