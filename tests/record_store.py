"""A store on disk with rows in every fact table: through the services, and the rest through `append`."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from pathlib import Path
from typing import Any

from core.domain.chain import Fact
from core.domain.commands import DecideGate, RegisterModelVersion, SubmitEvidence, make
from core.lake.directory import put_person
from core.lake.record.verify import FILE_TABLES, FileTable
from core.lake.store import Store, open_store
from core.services.governance import Governance, wire
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.models.versions import register_model_version
from core.services.process.evidence import submit_evidence
from core.services.process.gates import decide_gate
from core.services.record.checkpoints import SignCheckpoint, sign_checkpoint
from core.services.record.people import found_store, membership_of
from tests.conftest import ADMIN, BUILDER, CAST, CONFIG, START, later, register


def build_store(folder: Path) -> Governance:
    """Found a store with two initiatives at work, and put some rows into every table that is still empty."""
    governance = wire(open_store(folder), CONFIG)
    found_store(governance, CONFIG, ADMIN, START, demo=False)
    for person in CAST:
        put_person(governance.store, person)
    governance.store.append([membership_of(person) for person in CAST], actor=ADMIN.id, at=START)
    first, second = (register(governance, name) for name in ("Card Limit Advice", "Loan Repayment Outlook"))
    work(governance, first, 1)
    work(governance, second, 6)
    sign_checkpoint(governance, make(SignCheckpoint, actor=ADMIN, at=later(14)))
    fill_tables(governance.store, first)
    return governance


def work(governance: Governance, initiative: str, day: int) -> None:
    """Give an initiative a version, evidence files, a batch and decisions."""
    version = make(
        RegisterModelVersion,
        actor=BUILDER,
        at=later(day + 1),
        initiative=initiative,
        version="1",
        algorithm="Gradient boosting",
        task="binary",
        metrics={"accuracy": 0.91},
    )
    register_model_version(governance, version)
    for place, measure in enumerate(measures(governance)):
        proof = make(
            SubmitEvidence,
            actor=BUILDER,
            at=later(day + 2 + place / 10),
            initiative=initiative,
            measure=measure,
            title=f"Proof of {measure}",
            file_name=f"{measure}.md",
            content=f"# {measure} of {initiative}\n".encode() * (place + 2),
        )
        submit_evidence(governance, proof)
    add_batch(governance, initiative, day)
    decide(governance, initiative, day + 4)


def measures(governance: Governance) -> list[str]:
    """Some measures that anybody may prove with a file."""
    policy = governance.policy(governance.moment(later(1)))
    open_to_all = (m.id for m in policy.measures.values() if m.evidence is not None and not m.independent)
    return sorted(open_to_all)[:4]


def add_batch(governance: Governance, initiative: str, day: int) -> None:
    """Add a small batch of predictions."""
    file = governance.store.folder.parent / f"{initiative}.parquet"
    query = (
        "COPY (SELECT i AS row_id, TIMESTAMP '2026-01-01' + INTERVAL (i) HOUR AS timestamp, "
        "(i % 2)::BOOLEAN AS y_pred, "
        f"(i % 3 = 0)::BOOLEAN AS y_true, (0.1 + 0.8 * (i % 2))::DOUBLE AS y_score, {day} + i AS amount "
        f"FROM range(40) r(i)) TO '{file}' (FORMAT parquet)"
    )
    governance.store.cursor().execute(query)
    command = make(
        AddPredictions,
        actor=ADMIN,
        at=later(day + 3),
        initiative=initiative,
        version="1",
        part="analysis",
        file=file,
        task="binary",
    )
    add_predictions(governance, command)


def decide(governance: Governance, initiative: str, day: int) -> None:
    """Ask all gates of the initiative, on record."""
    policy = governance.policy(governance.moment(later(day)))
    for gate in policy.gates:
        command = make(DecideGate, actor=BUILDER, at=later(day), initiative=initiative, gate=gate.id)
        decide_gate(governance, command)


def fill_tables(store: Store, initiative: str, rows: int = 3) -> None:
    """Append facts to every table that is still empty, also to those that are added later."""
    for place, (table, columns) in enumerate(sorted(store.columns.items())):
        if store.cursor().execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall():
            continue
        for n in range(rows):
            row = {name: _value(name, kind, n, initiative) for name, kind in columns.items()}
            if table in FILE_TABLES:
                row |= _lay_file(store, FILE_TABLES[table], f"{table}-{n}")
            more = ({**row, "reason": "another"},) if "reason" in row and n == 1 else ()
            subject = initiative if "initiative" in columns else f"{table}-{n}"
            fact = Fact(f"{table}_filled", subject, table, (row, *more))
            store.append([fact], actor=BUILDER.id, at=later(15 + place / 100 + n / 1000))


def _lay_file(store: Store, kept: FileTable, name: str) -> dict[str, str]:
    content = f"The file {name}.".encode()
    path = store.folder / kept.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {kept.path: f"{kept.folder}/{name}", kept.sha256: hashlib.sha256(content).hexdigest()}


def _value(name: str, kind: str, n: int, initiative: str) -> Any:
    if name == "initiative":
        return initiative
    if name == "beside":
        return ""
    if kind.endswith("[]"):
        return [_value(name, kind.removesuffix("[]"), k, initiative) for k in (n, n + 1)]
    match kind:
        case "VARCHAR" if name.endswith("_on"):  # the days of business KPIs
            return f"{date(2026, 3, 1 + n)}"
        case "VARCHAR":
            return f"{name} {n}"
        case "BOOLEAN":
            return n % 2 == 0
        case "DATE":
            return date(2026, 3, 1 + n)
        case "TIMESTAMP":
            return datetime(2026, 3, 1 + n, 12)  # noqa: DTZ001 - as the store keeps it
        case "DOUBLE":
            return 0.25 + n
    return 7 + n
