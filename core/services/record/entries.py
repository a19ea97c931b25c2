"""The record as people read it: entries with titles, what one holds, and whether a decision replays."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field

from core.analytics.decay.metrics import DECAY_METRICS
from core.domain.chain import EntryLine, OpenedEntry, canonical, in_words
from core.domain.errors import BadInput, NotFound
from core.domain.facts.process import GateDecision
from core.domain.facts.recorded import Recorded, values_of
from core.domain.moment import CLOCK_TOLERANCE, Moment
from core.domain.policy.checks import CHECKS
from core.domain.policy.policy import Question
from core.domain.process.gates import Decision
from core.lake.record import entries as lake
from core.lake.record.verify import Break, Verification, verify_store
from core.lake.store import Store
from core.services.governance import Governance
from core.services.process.gates import ask_gate
from core.services.process.initiatives import initiative_sheet

DECIDED = "gate_decided"


@dataclass(frozen=True)
class KnownRequirement:
    """A requirement as it stood then: its title, where it stood, and by when it was due."""

    title: str
    status: str
    due_on: str
    satisfied: bool


@dataclass(frozen=True)
class RecordedOutcome:
    """What was recorded of a decision."""

    outcome: str
    findings: list[dict[str, str]]
    policy_version: str


@dataclass(frozen=True)
class Replay:
    """A decision as it was recorded, beside the one that the same knowledge gives today.

    Attributes
    ----------
    seq, known_seq
        The entry of the decision, and the last entry that it could know of.
    at
        When it was decided (UTC).
    recorded
        Outcome, findings and policy version as recorded.
    again
        The decision made anew at `known_seq`, with the policy in force then.
    differences
        What is not the same, in words; empty where the replay agrees.
    requirements
        What was known then of each requirement of the initiative.
    """

    seq: int
    known_seq: int
    at: datetime
    initiative: str
    gate: str
    gate_title: str
    recorded: RecordedOutcome
    again: Decision
    differences: tuple[str, ...]
    requirements: tuple[KnownRequirement, ...]

    @property
    def same(self) -> bool:
        """Whether the decision made anew is the one on record."""
        return not self.differences


def replay_decision(governance: Governance, moment: Moment, *, seq: int) -> Replay:
    """Decide again what entry `seq` decided, from the entries before it and on its day."""
    entry, facts = record_entry(governance, moment, seq=seq)
    decided = facts[0] if facts else None
    if entry.action != DECIDED or not isinstance(decided, GateDecision):
        raise BadInput(
            f"entry {seq} is no gate decision but '{entry.action.replace('_', ' ')}'",
            remedy="List decisions with 'governance record --action gate_decided'.",
        )
    then = Moment(seq - 1, entry.recorded_at.replace(tzinfo=UTC))
    again = ask_gate(governance, decided.initiative, decided.gate, then)
    recorded = RecordedOutcome(decided.outcome, json.loads(decided.findings), decided.policy_version)
    titles = {gate.id: gate.title for gate in governance.policy(then).gates}
    return Replay(
        seq,
        then.seq,
        then.at,
        decided.initiative,
        decided.gate,
        titles.get(decided.gate, decided.gate),
        recorded,
        again,
        _differences(recorded, again),
        _known(governance, decided.initiative, then),
    )


def _differences(recorded: RecordedOutcome, again: Decision) -> tuple[str, ...]:
    found = []
    for label, before, now in (
        ("outcome", recorded.outcome, again.outcome),
        ("policy version", recorded.policy_version, again.policy_version),
    ):
        if before != now:
            found.append(f"the {label} on record is '{before}', made anew it is '{now}'")
    anew = [asdict(finding) for finding in again.findings]
    if canonical(recorded.findings) != canonical(anew):
        found.append(
            "the findings on record read otherwise than those made anew"
            if len(anew) == len(recorded.findings)
            else f"{len(recorded.findings)} findings are on record, made anew there are {len(anew)}"
        )
    return tuple(found)


def _known(governance: Governance, initiative: str, then: Moment) -> tuple[KnownRequirement, ...]:
    sheet = initiative_sheet(governance, then, initiative=initiative)
    return tuple(
        KnownRequirement(
            state.requirement.measure.title,
            str(state.status).replace("_", " "),
            f"{state.due_on}",
            state.satisfied,
        )
        for state in sheet.requirements
    )


def record_page(
    governance: Governance,
    moment: Moment,
    *,
    initiative: Annotated[str, Field(description="Only this initiative.")] = "",
    action: Annotated[str, Field(description="Only this kind of entry.")] = "",
    actor: Annotated[str, Field(description="Only entries by this person.")] = "",
    most: Annotated[int, Field(ge=1, le=10_000, description="How many entries.")] = 50,
    skip: Annotated[int, Field(ge=0, description="How many of the newest to leave out.")] = 0,
) -> list[EntryLine]:
    """Show entries of the record, newest first."""
    return lake.entries(
        governance.store, moment, initiative=initiative, action=action, actor=actor, most=most, skip=skip
    )


def record_entry(
    governance: Governance, moment: Moment, *, seq: int
) -> tuple[OpenedEntry, tuple[Recorded, ...]]:
    """An entry of the record, and the facts that it put there."""
    found = lake.opened_entry(governance.store, seq) if seq <= moment.seq else None
    if found is None:
        raise NotFound(f"the record has no entry {seq}", remedy=f"Its last one is {moment.seq}.")
    return found


def clock_remark(governance: Governance, clock: datetime) -> str:
    """What is said of a clock (UTC) that lies behind the record by more than the tolerance; else empty."""
    behind = governance.present(clock).at - clock
    ahead = lake.entries_ahead(governance.store, clock) if behind > CLOCK_TOLERANCE else None
    if ahead is None:
        return ""
    first, entries = ahead
    which = f"entry {first:,} lies" if entries == 1 else f"{entries:,} entries, from {first:,} on, lie"
    return (
        f"{which} up to {_span(behind)} ahead of this machine's clock ({clock:%Y-%m-%d %H:%M} UTC). "
        "Nothing is blocked: until the clock has caught up, the time of the newest entry counts as now. "
        "Set the wrong clock right"
    )


def _span(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    for unit, size in (("day", 24 * 60), ("hour", 60)):
        if minutes >= 2 * size:
            return f"{round(minutes / size)} {unit}s"
    return f"{minutes} minutes"


class _Shared:
    """Lets one thread verify a store, and gives what it finds to all that asked meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Store, Future[Verification]] = {}

    def verify(self, store: Store) -> Verification:
        """Verify the store, or wait for who is at it."""
        with self._lock:
            running = self._running.get(store)
            mine = self._running.setdefault(store, Future())
        if running is not None:
            return running.result()
        try:
            mine.set_result(verify_store(store))
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._running[store]
        return mine.result()


_VERIFYING = _Shared()


def verify_record(governance: Governance) -> Verification:
    """Recompute the chain, every entry's content and the digests of all files.

    Whoever asks while it is being done gets the same answer. A break is told to everybody, but not of which
    initiative, where that is closed to the reader.
    """
    found = _VERIFYING.verify(governance.whole.store)
    for hidden in governance.reader.hidden:
        broken = found.first_break
        if broken is not None and hidden in f"{broken.subject}{broken.problem}":
            broken = Break(broken.seq, "an initiative", broken.problem.replace(hidden, "…"))
        found = replace(
            found, first_break=broken, notes=tuple(note.replace(hidden, "…") for note in found.notes)
        )
    return found


Reader = Callable[[str], str]
Readers = Mapping[str, Reader]
MOST_WORDS = 600
_HIDDEN = frozenset({"seq", "recorded_at", "actor", "initiative"})
"""The entry itself says when, who and about which initiative."""
_COMMENT = 2000
"""Characters that a comment may have at most."""
_LABELS = {
    "class_id": "Risk class",
    "computed_class_id": "Class from the answers",
    "mode_id": "Operationalization",
    "check_id": "Check",
    "limit_value": "Limit",
    "right_id": "Right",
    "sha256": "SHA-256",
    "first_row": "From row",
    "last_row": "To row",
}


@dataclass(frozen=True)
class RecordChoices:
    """What the record can be filtered by: id -> words on screen."""

    initiatives: Mapping[str, str]
    actions: Mapping[str, str]
    people: Mapping[str, str]


@dataclass(frozen=True)
class EntrySheet:
    """An entry of the record, and for each row that it put there the fields as (label, words).

    `initiative` is empty where the entry is about none.
    """

    entry: OpenedEntry
    initiative: str
    rows: tuple[tuple[tuple[str, str], ...], ...]

    @property
    def shared(self) -> tuple[tuple[str, str], ...]:
        """Fields that are the same in every row."""
        same = set(self.rows[0]).intersection(*self.rows) if self.rows else set()
        return tuple(field for field in self.rows[0] if field in same) if self.rows else ()

    @property
    def differing(self) -> tuple[dict[str, str], ...]:
        """Each row's other fields; empty where one row says all."""
        shared = set(self.shared)
        lines = tuple(
            {label: text for label, text in row if (label, text) not in shared} for row in self.rows
        )
        return lines if any(lines) else ()


def record_choices(governance: Governance, moment: Moment) -> RecordChoices:
    """Initiatives, kinds of entry and people that the record knows at a moment."""
    store = governance.store
    return RecordChoices(
        lake.named_initiatives(store, moment),
        {action: in_words(action) for action in lake.recorded_actions(store, moment)},
        lake.acting_people(store, moment),
    )


def entry_count(
    governance: Governance, moment: Moment, *, initiative: str = "", action: str = "", actor: str = ""
) -> int:
    """Number of entries that the filters of `record_page` let through."""
    return lake.entry_count(governance.store, moment, initiative=initiative, action=action, actor=actor)


def entry_sheet(governance: Governance, moment: Moment, *, seq: int) -> EntrySheet:
    """Open an entry: who did what and when, its digests, and what it put on record, in words."""
    entry, facts = record_entry(governance, moment, seq=seq)
    subject = entry.subject.split("/")[0]
    initiatives = lake.named_initiatives(governance.store, moment)
    named = replace(entry, subject_name=initiatives.get(subject, entry.subject))
    rows = readable_rows(governance, moment, facts)
    return EntrySheet(named, subject if subject in initiatives else "", tuple(rows))


def readable_rows(
    governance: Governance, moment: Moment, facts: Sequence[Recorded]
) -> list[tuple[tuple[str, str], ...]]:
    """Facts of the record as fields of (label, words), with the titles in force at the moment."""
    names = lake.acting_people(governance.store, moment)
    names |= governance.names()
    readers = _readers(governance, moment, names)
    return [_fields(values_of(fact), readers) for fact in facts]


def find_entry(text: str) -> int:
    """Read the number of an entry as it stands in an address."""
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise NotFound(f"'{text[:40]}' is no number of an entry", remedy="Choose an entry from the list.")
    return int(text)


def _readers(governance: Governance, moment: Moment, names: Mapping[str, str]) -> Readers:
    policy = governance.policy(moment)
    classes = {c.id: c.title for c in policy.classes}
    modes = {m.id: m.operationalization for m in policy.modes}
    gates = {g.id: g.title for g in policy.gates}

    def titled(titles: Mapping[str, str]) -> Reader:
        return lambda value: titles.get(value, in_words(value))

    def named(person: str) -> str:
        return names.get(person, person)

    return {
        "class_id": titled(classes),
        "computed_class_id": titled(classes),
        "mode_id": titled(modes),
        "gate": titled(gates),
        "measure": titled({m.id: m.title for m in policy.measures.values()}),
        "check_id": titled({c.id: c.title for c in CHECKS.values()}),
        "domain": governance.position(moment).domain_title,
        **dict.fromkeys(("owner", "builder", "person", "to_person", "answered_by", "deputy", "heir"), named),
        "training": titled({one.id: one.title for one in governance.rules(moment).trainings.trainings}),
        **dict.fromkeys(("right_id", "verdict", "outcome", "task", "part"), in_words),
        "metric": titled({m.id: m.title for m in DECAY_METRICS.values()}),
        "answers": lambda text: _answers({q.id: q for q in policy.questions}, text),
        "findings": _findings,
        "text": _text,
        "metrics": _metrics,
    }


def _text(text: str) -> str:
    """A comment in full; of a policy or an ethical position only how long it is."""
    if len(text) <= _COMMENT:
        return text
    return f"{len(text.splitlines()):,} lines; the page on it shows the one in force"


def _fields(row: Mapping[str, object], readers: Readers) -> tuple[tuple[str, str], ...]:
    shown = []
    for column, value in row.items():
        if column not in _HIDDEN and value is not None and value not in ("", [], ()):
            reader = readers.get(column)
            text = _in_words(reader, value) if reader and isinstance(value, str) else _plain(value)
            if text:
                shown.append((_LABELS.get(column, in_words(column)), _short(text)))
    return tuple(shown)


def _in_words(reader: Reader, value: str) -> str:
    """Read a value; a column of the same name in another table may hold something else, shown as it is."""
    try:
        return reader(value)
    except (AttributeError, KeyError, TypeError, ValueError):
        return value


def _plain(value: object) -> str:
    match value:
        case bool():
            return "Yes" if value else "No"
        case float():
            return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
        case int():
            return f"{value:,}"
        case list() | tuple():
            return "; ".join(str(item) for item in value)
        case datetime():
            return f"{value:%Y-%m-%d %H:%M} UTC"
    return str(value)


def _short(text: str) -> str:
    return text if len(text) <= MOST_WORDS else f"{text[:MOST_WORDS].rstrip()} … ({len(text):,} characters)"


def _answers(questions: Mapping[str, Question], text: str) -> str:
    said = []
    for question_id, chosen in json.loads(text).items():
        question = questions.get(question_id)
        options = [question.option(one) if question else None for one in chosen]
        labels = [known.label if known else in_words(one) for known, one in zip(options, chosen, strict=True)]
        said.append(f"{question.text if question else in_words(question_id)} {', '.join(labels)}")
    return "; ".join(f"{sentence}." for sentence in said).replace(".;", ".")


def _findings(text: str) -> str:
    found = json.loads(text)
    return " ".join(f"{one['message']}. {one['remedy']}" for one in found) if found else "Nothing to do"


def _metrics(text: str) -> str:
    return ", ".join(f"{in_words(name)} {value:.4g}" for name, value in json.loads(text).items())
