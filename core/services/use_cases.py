"""The table of use cases, room by room; a room is imported where one of its use cases is asked for."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from weakref import WeakValueDictionary

from core.domain.chain import canonical
from core.domain.errors import BadInput, Conflict, NotFound
from core.ground import Result
from core.lake.record.entries import answer_kept, keep_answer
from core.lake.store import keyed
from core.services.use_case import Call, Choice, UseCase

ROOMS: Mapping[str, tuple[str, ...]] = {
    "process": (
        *("register", "list", "show", "amend", "evidence", "check", "decide", "override"),
        *("sign-off", "delegation", "finding", "waiver", "pull", "initiative"),
    ),
    "measured": (
        *("slices", "decay", "monitoring", "predictions", "drift", "explain"),
        *("evaluation", "business-kpi", "trade-off"),
    ),
    "oversight": ("kpis", "kpi", "standings"),
    "rules": ("policy", "configuration", "ethics", "frameworks", "regions", "rights", "alcoa"),
    "record": (
        *("verify", "checkpoint", "replay", "audit-pack", "verify-pack", "purge-evidence", "record"),
        *("purge", "hold", "people", "token", "key", "proposal"),
    ),
    "models": (
        "version",
        "outcome",
        "mapping",
        "data",
        "lineage",
        "document",
        "document-text",
        "document-notes",
    ),
    "work": (
        *("tasks", "assign", "notices", "hand-off", "comment", "training", "raci"),
        "perspectives",
    ),
}
"""Room -> first words of its commands. What pipelines wait for comes first."""


@cache
def use_cases(room: str) -> Mapping[str, UseCase]:
    """The use cases of a room by name."""
    found: tuple[UseCase, ...] = import_module(_module(room)).USE_CASES
    return {one.name: one for one in found}


def choices(room: str) -> tuple[Choice, ...]:
    """The commands of a room that stand for one of several use cases."""
    found: tuple[Choice, ...] = getattr(import_module(_module(room)), "CHOICES", ())
    return found


def groups(room: str) -> Mapping[str, str]:
    """First words of a room's commands that have more than one word, each with its help."""
    found: Mapping[str, str] = getattr(import_module(_module(room)), "GROUPS", {})
    return found


def _module(room: str) -> str:
    return f"core.services.{room}.use_cases"


def every_use_case() -> Iterator[UseCase]:
    """All use cases, room by room."""
    for room in ROOMS:
        yield from use_cases(room).values()


_AT_WORK: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
_KNOWN = threading.Lock()


def run_once(call: Call, name: str, given: Mapping[str, object], key: str) -> Result:
    """Run a use case, unless it was with this key before: then its answer is given again.

    The key is kept beside the record in the transaction that puts the first entry there, the answer once it
    is known; without a key, and where nothing was recorded, it is simply run.

    Raises
    ------
    Conflict
        The key came with something else, or the answer to it was lost.
    GovernanceError
        What the use case refuses.
    """
    if not key:
        return run_use_case(call, name, given)
    digest = hashlib.sha256(canonical([call.actor.id, name, given]).encode()).hexdigest()
    store = call.governance.whole.store
    with _KNOWN:
        lock = _AT_WORK.setdefault(key, threading.Lock())
    with lock:
        kept = answer_kept(store, key)
        if kept is None:
            with keyed(key, digest):
                answered = run_use_case(call, name, given)
            keep_answer(store, key, json.dumps(answered), call.now)
            return answered
    if kept.asked != digest:
        raise Conflict(
            "this key came with another request before", where="Idempotency-Key", remedy="Use a new key."
        )
    if kept.answer is None:
        raise Conflict(
            f"it is on record since entry {kept.seq:,}, and its answer was lost",
            where="Idempotency-Key",
            remedy="Look at the record; it was not done again.",
        )
    found: Result = json.loads(kept.answer)
    return found


def run_use_case(call: Call, name: str, given: Mapping[str, object]) -> Result:
    """Run a use case and return its result as JSON values.

    Raises
    ------
    NotFound
        There is none of this name.
    GovernanceError
        What the use case refuses.
    """
    rooms = sorted(ROOMS, key=lambda room: _module(room) not in sys.modules)  # a command has imported its own
    found = next((table[name] for room in rooms if name in (table := use_cases(room))), None)
    if found is None:
        known = ", ".join(sorted(one.name for one in every_use_case()))
        raise NotFound(f"'{name[:60]}' is no operation", remedy=f"Use one of: {known}.")
    try:
        json.dumps(given, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadInput("it holds what is no text in UTF-8", where="input", remedy="Write it again.") from None
    return found.answer(call, given)
