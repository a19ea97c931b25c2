"""Prediction batches, decay estimates and attributions of a model version, as recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, time, timedelta
from operator import attrgetter
from pathlib import Path
from typing import TypeVar, get_args

import duckdb

from core.analytics.decay.estimates import EstimatedChunk, SliceChunk
from core.analytics.decay.trust import GroupRecord
from core.analytics.job_specs import Gap
from core.domain.errors import BrokenRecord, NotFound
from core.domain.facts.measured import (
    Attribution,
    BatchIntake,
    BatchReading,
    BatchWithdrawal,
    ColumnMapping,
    DataPurge,
    DataQualityColumn,
    DataQualityRun,
    DecayChunk,
    DecayFit,
    DecayRun,
    DriftRun,
    Explanation,
    Part,
    PredictionBatch,
    PredictionOutcomes,
    TradeOff,
)
from core.domain.facts.recorded import F, OfVersion, Recorded, but
from core.domain.moment import Moment
from core.ground import Task
from core.lake.facts import history, latest, select, together
from core.lake.predictions.batches import intakes, joined_file, joined_rightly, with_outcomes
from core.lake.query import asking, fetch_as, moment_values
from core.lake.slices.rows import SCAN, columns_of, known_of
from core.lake.store import Store

COLUMN_OF = {"part": "period"}
"""What a field is called in the files of estimates, where it has another name there."""
_FIELDS = "* RENAME (period AS part)"


V = TypeVar("V", bound=OfVersion)
Line = TypeVar("Line", SliceChunk, GroupRecord)


@dataclass(frozen=True, slots=True)
class MonitoredVersion:
    """A model version with predictions; `estimated` when its performance has been estimated.

    `worse`: the metric shown first is beyond the threshold on the worse side in the newest chunk that has
    outcomes, or by the estimate of a newer one.
    """

    initiative: str
    name: str
    version: str
    task: Task
    rows: int
    estimated: bool
    worse: bool


_MONITORED = asking(
    """
    SELECT b.initiative, any_value(i.name) AS name, b.version, any_value(b.task) AS task,
        sum(b.rows)::BIGINT AS rows, bool_or(s.worse IS NOT NULL) AS estimated,
        coalesce(bool_or(s.worse), false) AS worse
    FROM counting_batch b
    JOIN current_initiative i ON i.initiative = b.initiative
    JOIN model_version v ON v.initiative = b.initiative AND v.version = b.version AND v.seq <= $seq
    LEFT JOIN current_version c ON c.initiative = b.initiative AND c.version = b.version
    LEFT JOIN (
        SELECT initiative, version,
            coalesce(arg_max(came_worse, chunk) FILTER (later AND realised IS NOT NULL), false)
                OR coalesce(arg_max(worse AND realised IS NULL, chunk) FILTER (later), false) AS worse
        FROM (
            SELECT d.initiative, d.version, d.chunk, d.realised, d.worse, d.part = 'analysis' AS later,
                coalesce(CASE WHEN list_contains($lower_better, d.metric) THEN d.realised > d.upper_threshold
                    ELSE d.realised < d.lower_threshold END, false) AS came_worse
            FROM decay_chunk d JOIN (
                SELECT initiative, version, max(seq) AS seq FROM decay_chunk WHERE seq <= $seq GROUP BY ALL
            ) USING (initiative, version, seq)
            WHERE d.method = 'nannyml' AND NOT EXISTS (
                SELECT 1 FROM decay_run r JOIN batch_withdrawal w USING (initiative, version)
                WHERE r.seq = d.seq - 1 AND w.seq <= $seq AND list_contains(r.batches, w.sha256))
            QUALIFY dense_rank() OVER (PARTITION BY d.initiative, d.version
                ORDER BY list_position($metrics, d.metric) NULLS LAST, d.metric) = 1
        )
        GROUP BY initiative, version
    ) s ON s.initiative = b.initiative AND s.version = b.version
    GROUP BY b.initiative, b.version
    ORDER BY name, b.initiative, bool_or(c.version IS NOT NULL) DESC, max(v.seq) DESC
    """,
    "current",
)


def monitored_versions(
    store: Store, moment: Moment, metrics: Sequence[str], lower_better: Sequence[str]
) -> tuple[MonitoredVersion, ...]:
    """Versions with predictions, by initiative name; the current one first, then newest.

    `metrics`: the first of these that was estimated says whether a version is worse; of those in
    `lower_better`, a lower value is better.
    """
    values = {**moment_values(moment), "metrics": list(metrics), "lower_better": list(lower_better)}
    return tuple(fetch_as(store.cursor(), MonitoredVersion, _MONITORED, values))


def read_estimates(store: Store, file: Path) -> list[EstimatedChunk]:
    """The estimates that a worker left, in the file's order."""
    query = f"SELECT {_FIELDS} FROM read_parquet($file)"
    return fetch_as(store.cursor(), EstimatedChunk, query, {"file": str(file)})


def write_estimates(
    chunks: Sequence[EstimatedChunk], path: Path, kind: type[EstimatedChunk] = EstimatedChunk
) -> Path:
    """Write one row a chunk of a kind, or of a subpopulation; undefined numbers are null, times are UTC."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "bool": pa.bool_(),
        "datetime | None": pa.timestamp("us"),
        "float | None": pa.float64(),
        "int": pa.int64(),
        **dict.fromkeys(("tuple[str, ...]", "tuple[str, ...] | None"), pa.list_(pa.string())),
    }
    columns, arrays = [], []
    for field in sorted(fields(kind), key=lambda one: one.name in EstimatedChunk.__slots__):
        of = pa.int32() if field.name == "chunk" else types.get(str(field.type), pa.string())
        columns.append((COLUMN_OF.get(field.name, field.name), of))
        arrays.append(pa.array([getattr(chunk, field.name) for chunk in chunks], of))
    draft = path.with_name(f".{path.name}.draft")
    pq.write_table(pa.table(arrays, schema=pa.schema(columns)), draft, compression="zstd")
    draft.replace(path)
    return path


def kept_fit(store: Store, initiative: str, version: str, fit_key: str, moment: Moment) -> Path | None:
    """The fit of this key, or None where there is none yet.

    Raises
    ------
    BrokenRecord
        Its file is not what was recorded.
    """
    fit = latest(store, DecayFit, moment, initiative, version=version, fit_key=fit_key)
    return _whole(store, fit.path, fit.sha256) if fit else None


def _whole(store: Store, path: str, sha256: str) -> Path:
    file = store.folder / path
    if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        raise BrokenRecord(
            f"the file {file.name} is not what was recorded",
            where=str(file),
            remedy="Restore it from a backup, then run 'governance verify'.",
        )
    return file


def slice_estimates(store: Store, run: DecayRun, features: Sequence[str], metric: str) -> list[SliceChunk]:
    """Estimates of the subpopulations of crossed features for one metric, chunk after chunk."""
    query = (
        f"SELECT {_FIELDS} FROM read_parquet($file) "
        "WHERE features = $features AND metric = $metric ORDER BY part DESC, chunk"
    )
    if run.slices_path is None:
        return []
    asked = {"features": list(features), "metric": metric}
    return _of_slices(store.cursor(), store.folder / run.slices_path, SliceChunk, query, asked)


def group_records(
    store: Store, run: DecayRun, features: Sequence[str], metrics: Sequence[str]
) -> list[GroupRecord]:
    """Estimates of subpopulations held against what came true, over the chunks of each part.

    Chunks count where at least half of their rows have an outcome, by the rows that have one.
    """
    if run.slices_path is None:
        return []
    return records_of(store.cursor(), store.folder / run.slices_path, features, metrics)


def records_of(
    cursor: duckdb.DuckDBPyConnection, slices: Path, features: Sequence[str], metrics: Sequence[str]
) -> list[GroupRecord]:
    """The same of a file of subpopulations.

    Raises
    ------
    BrokenRecord
        It cannot be read.
    """
    asked = {"features": list(features), "metrics": list(metrics)}
    return _of_slices(cursor, slices, GroupRecord, _RECORDS, asked)


_RECORDS = """
    WITH told AS (
        SELECT *, estimate - realised AS off,
            sum(labelled_rows * off) OVER alike / sum(labelled_rows) OVER alike AS bias
        FROM read_parquet($file)
        WHERE features = $features AND list_contains($metrics, metric) AND 2 * labelled_rows >= rows
            AND estimate IS NOT NULL AND realised IS NOT NULL AND sampling_error > 0
        WINDOW alike AS (PARTITION BY "values", metric, period)
    )
    SELECT "values", metric, period AS part, count(*) AS chunks, bias,
        sqrt(greatest(
            sum(labelled_rows * rows * sampling_error ** 2),
            sum((labelled_rows * (off - bias)) ** 2) * count(*) / nullif(count(*) - 1, 0)
        )) / sum(labelled_rows) AS error,
        avg(realised) AS usual, any_value(lower_threshold) AS lower_threshold,
        any_value(upper_threshold) AS upper_threshold
    FROM told GROUP BY ALL ORDER BY "values", metric, part
"""


def _of_slices(
    cursor: duckdb.DuckDBPyConnection,
    file: Path,
    kind: type[Line],
    query: str,
    asked: Mapping[str, Sequence[str] | str],
) -> list[Line]:
    try:
        return fetch_as(cursor, kind, query, {"file": str(file), **asked})
    except duckdb.Error as error:
        raise BrokenRecord(
            "the estimates of the subpopulations cannot be read",
            where=str(file),
            remedy="Refresh the monitoring, then run 'governance verify'.",
        ) from error


def batches(
    store: Store, initiative: str, version: str, moment: Moment, *, withdrawn: bool = False
) -> tuple[PredictionBatch, ...]:
    """Prediction batches of a version as they are read now, oldest first; `path` is absolute.

    Where the columns were amended since, path, digest and what was counted are those of the newest reading;
    where outcomes came since, the path is that of the rows with them.
    Only those that count and have rows still, or those that were `withdrawn` or purged, too.
    """
    found = _with_later(store, initiative, version, moment, withdrawn)
    return tuple(with_outcomes(store, batch, later) for batch, later in found)


def _with_later(
    store: Store, initiative: str, version: str, moment: Moment, withdrawn: bool
) -> list[tuple[PredictionBatch, Sequence[PredictionOutcomes]]]:
    """Batches as they are read now, each with the files of outcomes that may have its rows."""
    gone = withdrawals(store, initiative, version, moment)
    purged = purges(store, initiative, version, moment)
    read = readings(store, initiative, version, moment)
    later = outcomes(store, initiative, version, moment)
    return [
        (
            _as_read(store, batch, read[batch.sha256]) if batch.sha256 in read else batch,
            _later(store, batch, later, gone, moment) if later else (),
        )
        for batch in _files(store, PredictionBatch, initiative, version, moment)
        if withdrawn or (batch.part, batch.sha256) not in gone | purged
    ]


def joined_files(store: Store) -> dict[str, bool]:
    """Files of predictions joined with outcomes that came later -> whether the record gives their rows.

    They are made when they are read and may be deleted, so the record has no digest of them: each is held,
    row by row, to the files that it was made from. One that no reading of any day asks for is wrong too.
    """
    made: dict[Path, tuple[PredictionBatch, Sequence[PredictionOutcomes]]] = {}
    lying = sorted((store.folder / "joined").glob("*"))
    known = select(store, PredictionOutcomes, "") if lying else ()
    for initiative, version in {(one.initiative, one.version): None for one in known}:
        changes = [
            fact
            for kind in (PredictionBatch, PredictionOutcomes, BatchReading, BatchWithdrawal)
            for fact in select(store, kind, "WHERE initiative = $i AND version = $v", i=initiative, v=version)
        ]
        for change in changes:
            moment = Moment(change.seq, datetime.max.replace(tzinfo=UTC))
            for batch, later in _with_later(store, initiative, version, moment, True):
                made[joined_file(store, batch, later)] = batch, later
    return {
        f"joined/{file.name}": file in made and joined_rightly(store, *made[file], file) for file in lying
    }


def _later(
    store: Store,
    batch: PredictionBatch,
    later: Sequence[PredictionOutcomes],
    gone: Mapping[tuple[str, str], BatchWithdrawal],
    moment: Moment,
) -> list[PredictionOutcomes]:
    """Files of outcomes that may have rows of a batch: of itself, or of one with ids that it replaced."""
    numbered = {one.sha256 for one in intakes(store, batch.initiative, batch.version, moment) if one.numbered}
    of = {batch.sha256}
    if batch.sha256 not in numbered:
        of |= {one.sha256 for one in gone.values() if one.seq < batch.seq} - numbered
    analysis = batch.part == "analysis"
    return [one for one in later if (analysis if one.batches is None else of & set(one.batches))]


def readings(store: Store, initiative: str, version: str, moment: Moment) -> dict[str, BatchReading]:
    """Digest that a batch came in with -> how it is read since its columns were amended."""
    found = history(store, BatchReading, moment, initiative)
    return {one.batch: one for one in found if one.version == version}


def _as_read(store: Store, batch: PredictionBatch, reading: BatchReading) -> PredictionBatch:
    read = ("sha256", "labelled", "first_at", "last_at", "columns", "sensitive", "classes")
    path = str(store.folder / reading.path)
    return but(batch, path=path, **{name: getattr(reading, name) for name in read})


def withdrawals(
    store: Store, initiative: str, version: str, moment: Moment
) -> dict[tuple[str, str], BatchWithdrawal]:
    """Part and digest, as it came in, of each batch of a version that counts no more -> its withdrawal."""
    found = history(store, BatchWithdrawal, moment, initiative)
    return {(one.part, one.sha256): one for one in found if one.version == version}


def purges(store: Store, initiative: str, version: str, moment: Moment) -> dict[tuple[str, str], DataPurge]:
    """Part and digest, as it came in, of each batch whose rows are gone by now -> its purge.

    Whatever moment is read as of: rows that are gone are there for no question any more.
    """
    found = history(store, DataPurge, Moment(max(store.head(), moment.seq), moment.at), initiative)
    return {(one.part, one.sha256): one for one in found if one.version == version}


def rows_gone(store: Store, initiative: str, version: str, moment: Moment) -> str:
    """That rows of a version were purged, in words; empty where none were."""
    days = [one.recorded_at for one in purges(store, initiative, version, moment).values()]
    return f"the rows of version '{version[:20]}' were purged by {max(days):%Y-%m-%d}" if days else ""


def purged_since(store: Store, run: DecayRun | DriftRun | DataQualityRun, moment: Moment) -> str:
    """That rows which a measurement counted are gone, in words; empty where all are there."""
    of = (store, run.initiative, run.version, moment)
    came = {one.sha256: one.batch for one in readings(*of).values()}
    counted = {came.get(sha256, sha256) for sha256 in run.batches}
    gone = [one for one in purges(*of).values() if one.sha256 in counted]
    return f"rows that it counts were purged on {gone[-1].recorded_at:%Y-%m-%d}" if gone else ""


def digests_of_rows(store: Store, batch: PredictionBatch, gone: Set[str], moment: Moment) -> tuple[str, ...]:
    """Digests of the files that hold rows of a batch, or values out of them.

    Outcomes and what was learnt go with the last of the batches that they are of: `gone` names those that
    are purged, this one too.
    """

    def kept(kind: type[V]) -> list[V]:
        return [one for one in history(store, kind, moment, batch.initiative) if one.version == batch.version]

    came = [one for one in kept(BatchIntake) if one.sha256 == batch.sha256]
    read = [one for one in kept(BatchReading) if one.batch == batch.sha256]
    own = {batch.sha256, *(one.sha256 for one in read)}
    explained = [one for one in kept(Explanation) if one.batch_sha256 in own]
    runs = {run.seq + 1 for run in kept(DataQualityRun) if own & {*run.batches}}
    judged = [one for one in kept(DataQualityColumn) if one.seq in runs]
    last = {one.sha256 for one in kept(PredictionBatch)} <= gone
    late = [
        one for one in kept(PredictionOutcomes) if (one.batches or last) and {*(one.batches or ())} <= gone
    ]
    files = own | {one.given_sha256 for one in came} | {one.sha256 for one in explained}
    files |= {one.sha256 for one in late} | {one.sha256 for one in kept(DecayFit) if last}
    beside = {one.beside for one in came} | {one.beside for one in read} | {one.beside for one in explained}
    beside |= {one.beside for one in judged} | {one.beside for one in kept(ColumnMapping) if last}
    return tuple(sorted((files | beside) - {""}))


def gone_digests(store: Store, initiative: str, version: str, moment: Moment) -> set[str]:
    """Digests of the files of batches that count no more, as they came in and as they were read since."""
    gone = {sha256 for _, sha256 in withdrawals(store, initiative, version, moment)}
    read = history(store, BatchReading, moment, initiative) if gone else ()
    return gone | {one.sha256 for one in read if one.version == version and one.batch in gone}


def rests_on_withdrawn(store: Store, run: DecayRun | DriftRun | DataQualityRun, moment: Moment) -> bool:
    """Whether a measurement counted rows that count no more."""
    gone = gone_digests(store, run.initiative, run.version, moment)
    return any(sha256 in gone for sha256 in run.batches)


def outcomes_since(store: Store, run: DriftRun | DataQualityRun | TradeOff, moment: Moment) -> bool:
    """Whether outcomes came to rows that a measurement counted, after it."""
    of = (store, run.initiative, run.version, moment)
    came = {one.sha256: one.batch for one in readings(*of).values()}
    counted = {came.get(sha256, sha256) for sha256 in run.batches}
    later = (one for one in outcomes(*of) if one.seq > run.seq)
    return any(one.batches is None or counted & set(one.batches) for one in later)


def outcomes(store: Store, initiative: str, version: str, moment: Moment) -> tuple[PredictionOutcomes, ...]:
    """Files of outcomes of a version, oldest first; `path` is absolute."""
    return _files(store, PredictionOutcomes, initiative, version, moment)


File = TypeVar("File", PredictionBatch, PredictionOutcomes)
Run = TypeVar("Run", DriftRun, DataQualityRun)


def _files(store: Store, kind: type[File], initiative: str, version: str, moment: Moment) -> tuple[File, ...]:
    return tuple(
        replace(file, path=str(store.folder / file.path))
        for file in history(store, kind, moment, initiative)
        if file.version == version
    )


_GAPS = f"""
    SELECT CAST(first AS DATE), CAST(till - INTERVAL 1 DAY AS DATE) FROM (
        SELECT x + CAST($step AS INTERVAL) AS first, lead(x) OVER (ORDER BY x) AS till FROM (
            SELECT DISTINCT date_trunc($period, timestamp) AS x FROM {SCAN} WHERE timestamp IS NOT NULL))
    WHERE till > first ORDER BY first
"""
_STEPS = {"quarter": "3 months"}


def gaps(store: Store, batches: Sequence[PredictionBatch], period: str) -> tuple[Gap, ...]:
    """Whole periods (such as a month) without a row of these batches, between those with some."""
    cursor, paths = store.cursor(), [batch.path for batch in batches]
    if not paths or "timestamp" not in columns_of(cursor, paths):
        return ()
    step = _STEPS.get(period, f"1 {period}")
    return tuple(Gap(*days) for days in known_of(cursor, paths, _GAPS, period=period, step=step))


def with_gaps(chunks: Sequence[DecayChunk], gaps: Sequence[Gap]) -> tuple[DecayChunk, ...]:
    """Put a chunk without rows where a gap lies between, or within, chunks that have times."""
    found = list(chunks)
    for gap in gaps:
        start, end = (datetime.combine(day, time()) for day in (gap.first, gap.last))
        place = next((at for at, one in enumerate(found) if one.started_at and one.started_at > end), 0)
        if place and (before := found[place - 1]).started_at and before.started_at < start:
            found.insert(place, _empty(before, start, end))
    return tuple(found)


def _empty(before: DecayChunk, start: datetime, end: datetime) -> DecayChunk:
    """No rows, and nothing to say of them."""
    return replace(
        before,
        first_row=before.last_row + 1,
        started_at=start,
        ended_at=end,
        estimate=None,
        realised=None,
        lower_confidence=None,
        upper_confidence=None,
        alert=False,
        worse=False,
    )


def require_batches(
    store: Store,
    initiative: str,
    version: str,
    moment: Moment,
    part: str = "",
    remedy: str = "Add one with 'governance predictions add'.",
) -> tuple[PredictionBatch, ...]:
    """Prediction batches of a version, or of one part of them, oldest first."""
    known = batches(store, initiative, version, moment)
    found = tuple(batch for batch in known if part in ("", batch.part))
    if not found:
        gone = rows_gone(store, initiative, version, moment)
        if gone and not known:
            figures = "Figures that were put on record stay readable; for others, add newer predictions."
            raise NotFound(gone, where=initiative, remedy=figures)
        kind = part if part in get_args(Part) else "prediction"
        raise NotFound(f"version '{version[:20]}' of {initiative} has no {kind} batch", remedy=remedy)
    return found


def require_run(
    store: Store, kind: type[Run], initiative: str, version: str, moment: Moment, what: str
) -> Run:
    """The newest measurement of a kind of a version; `what` was measured."""
    run = latest(store, kind, moment, initiative, version=version)
    if run is None:
        raise NotFound(
            f"the {what} of version '{version[:20]}' of {initiative} has not been measured",
            remedy="Measure it with 'governance drift INITIATIVE --measure', or on the page Drift and data.",
        )
    if rests_on_withdrawn(store, run, moment):
        raise NotFound(
            f"the {what} of version '{version[:20]}' of {initiative} was measured on predictions that are "
            "withdrawn",
            remedy="Measure it anew.",
        )
    return run


def lines_of(store: Store, run: DriftRun | DataQualityRun, kind: type[F], moment: Moment) -> list[F]:
    """What the newest measurement brought, each line of a kind; recorded right behind its run."""
    return [line for line in together(store, kind, run.initiative, run.version, moment) if line.seq > run.seq]


def aged(run: Recorded, moment: Moment, fresh_days: int) -> str:
    """Why a measurement is too old to count, or nothing."""
    age = moment.at.replace(tzinfo=None) - run.recorded_at
    if age > timedelta(days=fresh_days):
        return f"the measurement is {age.days} days old, and counts for {fresh_days}"
    return ""


def decay_chunks(
    store: Store, initiative: str, version: str, moment: Moment, metric: str = ""
) -> tuple[DecayChunk, ...]:
    """Estimated performance per chunk, from the newest refresh; reference first, then analysis.

    An empty metric gives all. Estimates that counted rows withdrawn since are none.
    """
    run = latest(store, DecayRun, moment, initiative, version=version)
    if run is not None and rests_on_withdrawn(store, run, moment):
        return ()
    found = together(store, DecayChunk, initiative, version, moment)
    chosen = [chunk for chunk in found if metric in ("", chunk.metric)]
    return tuple(sorted(chosen, key=lambda one: (one.metric, one.part == "analysis", one.chunk)))


def attributions(store: Store, initiative: str, version: str, moment: Moment) -> tuple[Attribution, ...]:
    """Attribution per feature from the newest explanation, strongest first; none of a withdrawn batch."""
    fact = latest(store, Explanation, moment, initiative, version=version)
    if fact and fact.batch_sha256 in gone_digests(store, initiative, version, moment):
        return ()
    return tuple(sorted(together(store, Attribution, initiative, version, moment), key=attrgetter("place")))
