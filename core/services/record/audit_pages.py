"""The readable pages of an audit pack, made from the entries that it shows in full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.connectors.pack_files import Cell, Code, Link, Mark, Page, Table, columns_of, page_html
from core.domain.chain import in_words
from core.domain.moment import Moment
from core.lake.record.audit_rows import PackedEntry
from core.services.governance import Governance
from core.services.record.record_view import readable_rows

MOST_ROWS = 400
TITLES = {
    "decision": "Gate decisions",
    "sign_off": "Sign-offs",
    "waiver": "Waivers",
    "finding": "Findings",
    "evidence": "Evidence",
    "evidence_purged": "Evidence forgotten on purpose",
    "check_run": "Check runs",
    "classification": "Classification",
    "model_version": "Model versions",
    "initiative": "Registration",
    "prediction_batch": "Prediction batches",
    "decision_basis": "What the decisions rested on",
    "policy": "Policy",
    "ethics": "Ethical position",
    "demand_set": "What policies asked at gates",
    "version_state": "Champions, challengers and retirements",
    "version_amendment": "Amendments of versions",
    "document_text": "Texts of documents",
    "comment": "Comments",
    "hand_off": "Hand-offs",
    "hand_off_answer": "Answers to hand-offs",
    "task_assignment": "Tasks given",
    "training_attestation": "Trainings of those involved",
    "membership": "Roles of those involved",
    "delegation": "Delegations",
    "signing_key": "Signing keys",
    "store_created": "The store",
    "audit_pack": "Packs exported before",
    "right_answer": "Rights of the people concerned",
    "initiative_regions": "Where the people concerned live",
    "business_kpi": "Business KPIs",
    "business_kpi_observation": "Business KPIs observed",
    "batch_intake": "How batches came in",
    "column_mapping": "Mapping of columns",
}
"""Tables that come first, in this order, and how they are called; the others follow by name."""
_GOOD = {"Open", "Pass", "Approved", "Granted", "Accepted", "Closed"}
_BAD = {"Blocked", "Fail", "Rejected", "Refused", "Abandoned"}
_CODES = ("SHA-256", "Digest", "sha256")


@dataclass(frozen=True)
class PackStory:
    """What every page of a pack says of the pack.

    Attributes
    ----------
    store
        Name of the store.
    key
        Short name of the signing key.
    at
        The moment as of which the pack was made.
    evidence
        Digest of an evidence file -> its name in the pack.
    """

    store: str
    key: str
    at: Moment
    evidence: Mapping[str, str]


def pack_pages(
    governance: Governance, entries: Sequence[PackedEntry], initiative: str, story: PackStory
) -> dict[str, bytes]:
    """Pages by their name in the pack: the index of one initiative, or one of all with a page for each."""
    if initiative:
        return {"index.html": page_html(_sheet(governance, entries, initiative, story, ""))}
    by_initiative: dict[str, list[PackedEntry]] = {}
    for packed in entries:
        for name in {row["initiative"] for row in packed.rows if row.get("initiative")}:
            by_initiative.setdefault(name, []).append(_only(packed, name))
    pages = {"index.html": page_html(_index(entries, by_initiative, story))}
    for name, own in by_initiative.items():
        pages[f"initiatives/{name}.html"] = page_html(_sheet(governance, own, name, story, "../"))
    return pages


def _only(packed: PackedEntry, initiative: str) -> PackedEntry:
    rows = tuple(row for row in packed.rows if row.get("initiative") == initiative)
    return PackedEntry(packed.entry, rows, packed.partly)


def _sheet(
    governance: Governance, entries: Sequence[PackedEntry], initiative: str, story: PackStory, up: str
) -> Page:
    registered = _newest(entries, "initiative")
    classified = _newest(entries, "classification")
    gates = _last_decisions(entries)
    policy = governance.policy(story.at)
    people = {person.id: person.name for person in governance.people()}
    facts: list[tuple[str, Cell]] = [
        ("Initiative", initiative),
        ("Risk class", policy.class_title(classified["class_id"]) if classified else "none"),
        ("Team", str(registered.get("team", ""))),
        ("Owner", people.get(str(registered.get("owner")), str(registered.get("owner", "")))),
        (
            "Gates open when last decided",
            f"{sum(o == 'open' for o in gates.values())} of {len(gates)}",
        ),
        ("Evidence files", f"{sum(1 for row in _rows_of(entries, 'evidence') if row['file_name'])}"),
        *_common(entries, story),
    ]
    tables = [_table(governance, table, own, story, up) for table, own in _by_table(entries)]
    return Page(
        str(registered.get("name", initiative)),
        f"Audit pack · {story.store}",
        str(registered.get("purpose", "")),
        tuple(facts),
        (*tables, _timeline(entries, people)),
        _foot(story),
    )


def _index(
    entries: Sequence[PackedEntry], by_initiative: Mapping[str, Sequence[PackedEntry]], story: PackStory
) -> Page:
    lines = []
    for name, own in sorted(by_initiative.items()):
        registered, gates = _newest(own, "initiative"), _last_decisions(own)
        lines.append(
            (
                Link(str(registered.get("name", name)), f"initiatives/{name}.html"),
                str(registered.get("team", "")),
                f"{sum(outcome == 'open' for outcome in gates.values())} of {len(gates)}",
                f"{sum(1 for row in _rows_of(own, 'evidence'))}",
                f"{len(own):,}",
                f"{own[-1].entry.recorded_at:%Y-%m-%d}",
            )
        )
    heads = ("Initiative", "Team", "Gates open of those decided", "Evidence", "Entries", "Last entry")
    return Page(
        "All initiatives",
        f"Audit pack · {story.store}",
        "Everything that the record holds, initiative by initiative.",
        (("Initiatives", f"{len(lines):,}"), *_common(entries, story)),
        (Table("Initiatives", heads, tuple(lines)),),
        _foot(story),
    )


def _common(entries: Sequence[PackedEntry], story: PackStory) -> list[tuple[str, Cell]]:
    return [
        ("As it stood at", f"{story.at.at:%Y-%m-%d %H:%M} UTC"),
        ("Record up to entry", f"{story.at.seq:,}"),
        ("Entries shown in full", f"{len(entries):,}"),
        ("Signed with key", Code(story.key)),
    ]


def _foot(story: PackStory) -> str:
    return (
        f"Made from the record of {story.store} as it stood at entry {story.at.seq:,}. "
        "Run 'python3 -I verify.py' in the pack's folder: it holds every file, every entry and the chain "
        "against the signature, and names the first thing that is not as it was signed. "
        "Entries of others are in the pack as digests only."
    )


def _by_table(entries: Sequence[PackedEntry]) -> Iterable[tuple[str, list[PackedEntry]]]:
    found: dict[str, list[PackedEntry]] = {}
    for packed in entries:
        if packed.rows:
            found.setdefault(packed.entry.fact_table, []).append(packed)
    first = list(TITLES)
    return sorted(found.items(), key=lambda item: (first.index(item[0]) if item[0] in first else 99, item[0]))


def _table(
    governance: Governance, table: str, own: Sequence[PackedEntry], story: PackStory, up: str
) -> Table:
    """Rows of a fact table, newest first; columns in which nothing ever stands are left out."""
    pairs = [(packed.entry, row) for packed in reversed(own) for row in packed.rows]
    shown = pairs[:MOST_ROWS]
    people = {person.id: person.name for person in governance.people()}
    read = readable_rows(governance, story.at, [row for _, row in shown])
    rows: list[dict[str, Cell]] = []
    for (entry, row), fields in zip(shown, read, strict=True):
        line: dict[str, Cell] = {
            "Entry": f"{entry.seq:,}",
            "When (UTC)": f"{entry.recorded_at:%Y-%m-%d %H:%M}",
            "Who": people.get(entry.actor, entry.actor),
        }
        line |= {label: _marked(label, text) for label, text in fields}
        if table == "evidence" and row["sha256"] in story.evidence:
            line["File"] = Link(str(row["file_name"]), up + story.evidence[row["sha256"]])
        rows.append(line)
    columns = columns_of(rows)
    left = len(pairs) - len(shown)
    note = f"The newest {MOST_ROWS:,}; {left:,} more are in record/entries.jsonl." if left else ""
    return Table(
        TITLES.get(table, in_words(table)),
        columns,
        tuple(tuple(line.get(label, "") for label in columns) for line in rows),
        note,
    )


def _marked(label: str, text: str) -> Cell:
    if label in ("Outcome", "Verdict", "State", "Act", "Answer"):
        return Mark(text, "good" if text in _GOOD else "bad" if text in _BAD else "plain")
    if any(code in label for code in _CODES):
        return Code(text)
    return text


def _timeline(entries: Sequence[PackedEntry], people: Mapping[str, str]) -> Table:
    lines = tuple(
        (
            f"{packed.entry.seq:,}",
            f"{packed.entry.recorded_at:%Y-%m-%d %H:%M}",
            in_words(packed.entry.action),
            people.get(packed.entry.actor, packed.entry.actor),
            packed.entry.subject,
            Code(packed.entry.digest[:16]),
        )
        for packed in reversed(entries[-MOST_ROWS:])
    )
    left = len(entries) - len(lines)
    note = f"The newest {MOST_ROWS:,}; {left:,} more are in record/entries.jsonl." if left else ""
    heads = ("Entry", "When (UTC)", "What", "Who", "Subject", "Digest")
    return Table("Entries of the record", heads, lines, note)


def _rows_of(entries: Sequence[PackedEntry], table: str) -> Iterable[Mapping[str, Any]]:
    return (row for packed in entries if packed.entry.fact_table == table for row in packed.rows)


def _newest(entries: Sequence[PackedEntry], table: str) -> Mapping[str, Any]:
    rows = list(_rows_of(entries, table))
    return rows[-1] if rows else {}


def _last_decisions(entries: Sequence[PackedEntry]) -> dict[str, str]:
    """Gate -> outcome of its last decision."""
    return {row["gate"]: row["outcome"] for row in _rows_of(entries, "decision")}
