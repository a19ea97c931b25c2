"""The readable pages of an audit pack, made from the entries that it shows in full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.connectors.pack_files import Cell, Code, Link, Mark, Page, Table, columns_of, page_html
from core.domain.chain import in_words
from core.domain.facts.process import Classification, Evidence, GateDecision, Initiative
from core.domain.facts.recorded import F, Recorded
from core.domain.moment import Moment
from core.domain.process.facts import more_texts
from core.lake.record.entries import PackedEntry
from core.services.governance import Governance
from core.services.record.entries import readable_rows

MOST_ROWS = 400
TITLES = {
    "decision": "Gate decisions",
    "sign_off": "Sign-offs",
    "waiver": "Waivers",
    "finding": "Findings",
    "evidence": "Evidence",
    "evidence_purged": "Evidence forgotten on purpose",
    "data_purge": "Rows of predictions purged",
    "legal_hold": "Legal holds",
    "check_run": "Check runs",
    "classification": "Classification",
    "model_version": "Model versions",
    "initiative": "Registration",
    "prediction_batch": "Prediction batches",
    "decision_basis": "What the decisions rested on",
    "policy": "Policy",
    "ethics": "Ethical position",
    "demand_set": "What policies asked at gates",
    "version_state": "What became of versions",
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
    "checkpoint": "Checkpoints",
    "store_created": "The store",
    "audit_pack": "Packs exported before",
    "right_answer": "Rights of the people concerned",
    "initiative_regions": "Where the people concerned live",
    "business_kpi": "Business KPIs",
    "business_kpi_observation": "Business KPIs observed",
    "batch_intake": "How batches came in",
    "column_mapping": "Mapping of columns",
    "favourable_outcome": "Favourable outcomes",
    "batch_withdrawal": "Batches withdrawn",
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
        for name in {_about(fact) for fact in packed.facts} - {""}:
            by_initiative.setdefault(name, []).append(_only(packed, name))
    pages = {"index.html": page_html(_index(entries, by_initiative, story))}
    for name, own in by_initiative.items():
        pages[f"initiatives/{name}.html"] = page_html(_sheet(governance, own, name, story, "../"))
    return pages


def _only(packed: PackedEntry, initiative: str) -> PackedEntry:
    own = tuple(fact for fact in packed.facts if _about(fact) == initiative)
    return PackedEntry(packed.entry, own, packed.partly)


def _about(fact: Recorded) -> str:
    return getattr(fact, "initiative", None) or ""


def _sheet(
    governance: Governance, entries: Sequence[PackedEntry], initiative: str, story: PackStory, up: str
) -> Page:
    registered, classified = _registered(entries, initiative), _newest(entries, Classification)
    gates = _last_decisions(entries)
    policy = governance.policy(story.at)
    people = governance.names()
    facts: list[tuple[str, Cell]] = [
        ("Initiative", initiative),
        ("Risk class", policy.class_title(classified.class_id) if classified else "none"),
        ("Team", registered.team),
        ("Owner", people.get(registered.owner, registered.owner)),
        (
            "Gates open when last decided",
            f"{sum(o == 'open' for o in gates.values())} of {len(gates)}",
        ),
        ("Evidence files", f"{sum(bool(one.file_name) for one in _of_kind(entries, Evidence))}"),
        *more_texts(registered),
        *_common(entries, story),
    ]
    tables = [_table(governance, table, own, story, up) for table, own in _by_table(entries)]
    return Page(
        registered.name,
        f"Audit pack · {story.store}",
        registered.purpose,
        tuple(facts),
        (*tables, _timeline(entries, people)),
        _foot(story),
    )


def _index(
    entries: Sequence[PackedEntry], by_initiative: Mapping[str, Sequence[PackedEntry]], story: PackStory
) -> Page:
    lines = []
    for name, own in sorted(by_initiative.items()):
        registered, gates = _registered(own, name), _last_decisions(own)
        lines.append(
            (
                Link(registered.name, f"initiatives/{name}.html"),
                registered.team,
                f"{sum(outcome == 'open' for outcome in gates.values())} of {len(gates)}",
                f"{len(_of_kind(own, Evidence))}",
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
        if packed.facts:
            found.setdefault(packed.entry.fact_table, []).append(packed)
    first = list(TITLES)
    return sorted(found.items(), key=lambda item: (first.index(item[0]) if item[0] in first else 99, item[0]))


def _table(
    governance: Governance, table: str, own: Sequence[PackedEntry], story: PackStory, up: str
) -> Table:
    """Rows of a fact table, newest first; columns in which nothing ever stands are left out."""
    facts = [fact for packed in reversed(own) for fact in packed.facts]
    shown = facts[:MOST_ROWS]
    people = governance.names()
    read = readable_rows(governance, story.at, shown)
    rows: list[dict[str, Cell]] = []
    for fact, fields in zip(shown, read, strict=True):
        line: dict[str, Cell] = {
            "Entry": f"{fact.seq:,}",
            "When (UTC)": f"{fact.recorded_at:%Y-%m-%d %H:%M}",
            "Who": people.get(fact.actor, fact.actor),
        }
        line |= {label: _marked(label, text) for label, text in fields}
        if isinstance(fact, Evidence) and fact.sha256 and fact.sha256 in story.evidence:
            line["File"] = Link(str(fact.file_name), up + story.evidence[fact.sha256])
        rows.append(line)
    columns = columns_of(rows)
    left = len(facts) - len(shown)
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


def _of_kind(entries: Sequence[PackedEntry], kind: type[F]) -> list[F]:
    return [fact for packed in entries for fact in packed.facts if isinstance(fact, kind)]


def _newest(entries: Sequence[PackedEntry], kind: type[F]) -> F | None:
    return next(reversed(_of_kind(entries, kind)), None)


def _registered(entries: Sequence[PackedEntry], initiative: str) -> Initiative:
    """The initiative as registered last; nothing but its id where the pack does not show that."""
    bare = Initiative(
        initiative=initiative, name=initiative, purpose="", domain="", team="", owner="", answers=""
    )
    return _newest(entries, Initiative) or bare


def _last_decisions(entries: Sequence[PackedEntry]) -> dict[str, str]:
    """Gate -> outcome of its last decision."""
    return {one.gate: one.outcome for one in _of_kind(entries, GateDecision)}
