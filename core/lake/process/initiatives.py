"""What the record holds of one initiative."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from core.domain.facts.process import Classification, Initiative
from core.domain.facts.recorded import values_of
from core.domain.moment import Moment
from core.domain.process.facts import CheckProof, InitiativeFacts, Registration
from core.domain.verdict import Verdict
from core.lake.directory import names as names_of
from core.lake.directory import names_today
from core.lake.facts import history, latest
from core.lake.models.versions import amended, standing, with_metrics
from core.lake.process.acts import granted_waivers, open_findings, sign_off_acts
from core.lake.query import Rows
from core.lake.record.parts import rows_of
from core.lake.store import Store


def initiative_facts(store: Store, initiative: str, moment: Moment) -> InitiativeFacts | None:
    """Gather what rules need of an initiative, or None where it is not registered.

    Plain reads of one initiative's rows, put together here: a tenth of the time of the joined form. What was
    on record up to an entry never changes, so it is read once.
    """
    return _facts(store, initiative, moment.seq)


@lru_cache(maxsize=2048)
def _facts(store: Store, initiative: str, seq: int) -> InitiativeFacts | None:
    moment = Moment(seq, datetime.fromtimestamp(0, UTC))  # rows are read by their entry alone
    registrations = rows_of(store, "initiative", moment, initiative)
    classification = _newest(rows_of(store, "classification", moment, initiative))
    known = _newest(registrations)
    if known is None or classification is None:
        return None
    stands = standing(store, initiative, moment)
    counting = (None, stands.current)
    runs = _counting(store, "check_run", initiative, moment, counting)
    proofs = _counting(store, "evidence", initiative, moment, counting)
    return InitiativeFacts(
        initiative,
        classification["class_id"],
        min(row["recorded_at"] for row in registrations).date(),
        classification["recorded_at"].date(),
        stands.current_since.date() if stands.current_since else None,
        {row["measure"]: row["recorded_at"].date() for row in proofs},
        {row["check_id"]: _proof(row) for row in runs},
        version=stands.current,
        people=frozenset({known["owner"], known["builder"]} - {""}),
        evidence_keys={row["measure"]: _key(row) for row in proofs},
        breaches={row["check_id"]: row["seq"] for row in runs if row["verdict"] == "fail"},
        sign_offs=sign_off_acts(store, initiative, moment),
        waivers=granted_waivers(store, initiative, moment),
        findings=open_findings(store, initiative, moment),
    )


def registration(store: Store, initiative: str, moment: Moment) -> Registration | None:
    """The initiative as registered last, with its classification; None where it is not registered."""
    registered = history(store, Initiative, moment, initiative)
    classified = latest(store, Classification, moment, initiative)
    if not registered or classified is None:
        return None
    known, names = registered[-1], names_of(store, moment)
    answers = {question: tuple(chosen) for question, chosen in json.loads(known.answers).items()}
    return Registration(
        **{**values_of(classified), **values_of(known), "answers": answers},  # type: ignore[arg-type]
        registered_at=registered[0].recorded_at,
        classified_by=classified.actor,
        owner_name=names[known.owner],
        builder_name=names[known.builder],
    )


def current(store: Store, initiative: str, moment: Moment) -> dict[str, Any] | None:
    """The same as a mapping, for those who do not ask for it by class yet."""
    known = registration(store, initiative, moment)
    if known is None:
        return None
    return {**vars(known), "reasons": list(known.reasons)}


def versions(store: Store, initiative: str, moment: Moment) -> Rows:
    """Model versions of an initiative, newest first, with what was filled in later and what each is."""
    rows = amended(store, initiative, _history(store, "model_version", initiative, moment), moment)
    states = standing(store, initiative, moment).states
    return [{**with_metrics(row), "state": states[row["version"]]} for row in rows]


def newest_version(store: Store, initiative: str, moment: Moment) -> dict[str, Any] | None:
    """The current model version with what was filled in later, or None where none counts."""
    current = standing(store, initiative, moment).current
    rows = rows_of(store, "model_version", moment, initiative) if current is not None else []
    kept = _newest([row for row in rows if row["version"] == current])
    return amended(store, initiative, [kept], moment)[0] if kept is not None else None


def evidence(store: Store, initiative: str, moment: Moment) -> Rows:
    """Evidence of an initiative, newest first; of older model versions too."""
    return _history(store, "evidence", initiative, moment)


def check_runs(store: Store, initiative: str, moment: Moment) -> Rows:
    """Check runs of an initiative, newest first; of older model versions too."""
    return _history(store, "check_run", initiative, moment)


def decisions(store: Store, initiative: str, moment: Moment) -> Rows:
    """Gate decisions of an initiative, newest first."""
    rows = _history(store, "decision", initiative, moment)
    return [{**row, "findings": json.loads(row["findings"])} for row in rows]


def checks_tried(store: Store, initiative: str, moment: Moment) -> set[tuple[str, str | None]]:
    """Pairs (check, version) that have been run before; what makes the next run not a first try."""
    return {(row["check_id"], row["version"]) for row in rows_of(store, "check_run", moment, initiative)}


def _history(store: Store, table: str, initiative: str, moment: Moment) -> Rows:
    names = names_today(store)
    rows = rows_of(store, table, moment, initiative)
    return [{**row, "actor_name": names.get(row["actor"], row["actor"])} for row in reversed(rows)]


def _counting(
    store: Store, table: str, initiative: str, moment: Moment, versions: tuple[str | None, ...]
) -> Rows:
    """Rows that belong to one of the versions, in the order of the record."""
    return [row for row in rows_of(store, table, moment, initiative) if row["version"] in versions]


def _key(evidence: dict[str, Any]) -> str:
    """What a piece of evidence is known by: the digest of its file, or its link."""
    return next((str(key) for key in (evidence["sha256"], evidence["link"]) if key is not None), "")


def _newest(rows: Rows) -> dict[str, Any] | None:
    return max(rows, key=_seq, default=None)


def _seq(row: dict[str, Any]) -> int:
    return int(row["seq"])


def _proof(run: dict[str, Any]) -> CheckProof:
    return CheckProof(
        Verdict(run["verdict"]), run["recorded_at"].date(), run["message"] or "", run["remedy"] or ""
    )
