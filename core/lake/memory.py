"""What is remembered. One memory of answers: the same head, the same day, the same answer; nothing runs out.

Three kinds of truth have another. Facts hold beyond the head they were read at, while nothing of their kind
is recorded: `KeptFacts`. What is in a file holds at every head: `known_of`, and of large files `KeptTables`.
What follows from a text or from a policy alone is cached by the function that works it out.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import wraps
from operator import attrgetter
from pathlib import Path
from threading import Lock
from typing import Concatenate, ParamSpec, Protocol, TypeVar, cast

from core.domain.facts.recorded import Recorded
from core.domain.moment import Moment

P = ParamSpec("P")
T = TypeVar("T")


class Memory:
    """What was worked out, by kind and by what it rests on; the least used goes first. Threads share it."""

    def __init__(self) -> None:
        self._kept: dict[str, OrderedDict[Hashable, object]] = {}
        self._lock = Lock()

    def recall(self, kind: str, key: Hashable, work_out: Callable[[], T], *, room: int) -> T:
        """Give what is known under a key, or work it out; it is shared, so it must not be changed."""
        with self._lock:
            kept = self._kept.setdefault(kind, OrderedDict())
            if key in kept:
                kept.move_to_end(key)
                return cast(T, kept[key])
        found = work_out()
        with self._lock:
            found = cast(T, kept.setdefault(key, found))  # two that ask at once share one answer
            while len(kept) > room:
                kept.popitem(last=False)
        return found

    def forget(self) -> None:
        """Drop everything."""
        with self._lock:
            self._kept.clear()


_LARGE = 2_000_000  # bytes: some 100,000 predictions; fewer are counted faster than a table of them is opened
_QUESTIONS = 500
_JOINED = 10


def are_large(*files: str | Path) -> bool:
    """Whether it pays to prepare for the next question about these files."""
    try:
        return sum(Path(file).stat().st_size for file in files) >= _LARGE
    except OSError:
        return False


class KeptTables:
    """Small tables worked out of large files that never change, in a folder that may be deleted at any time.

    A table is found by its question and by name, size and time of its file; the name of a batch holds its
    digest. The table's own name holds a digest of all this and of its content, so that neither a damaged one
    nor another's is believed: it is made anew. Questions that were not asked for longest go first.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def of(
        self,
        paths: Sequence[str | Path],
        question: str,
        write: Callable[[str, Path], object],
        join: Callable[[Sequence[str], Path], object],
    ) -> tuple[list[str], list[str]]:
        """Tables of those of several files that are large, and the files without one.

        `write` makes the table of a file, `join` one of ten of them, and one of ten of those: fewer files are
        opened faster.
        """
        files = [str(path) for path in paths]
        if self._folder is None or len(files) < 2:
            return [], files
        try:
            stats = {file: os.stat(file) for file in files}  # noqa: PTH116 - twice as fast, for many files
            large = [file for file in files if stats[file].st_size >= _LARGE]
            folder = self._asked(self._folder / hashlib.sha256(question.encode()).hexdigest()[:32])
            known = {name.partition("-")[0]: folder / name for name in os.listdir(folder)}  # noqa: PTH208

            def table(of: Sequence[str]) -> str:
                def make(part: Path) -> None:
                    if len(of) == 1:
                        write(of[0], part)
                    else:
                        step = len(of) // _JOINED
                        join([table(of[at : at + step]) for at in range(0, len(of), step)], part)

                return str(_table(folder, known, _state(of, stats), make))

            tables = list(map(table, _grouped(large)))
        except OSError:  # no room, or no right to write: all is counted anew
            return [], files
        return tables, [file for file in files if stats[file].st_size < _LARGE]

    def _asked(self, folder: Path) -> Path:
        if not folder.exists():
            others = sorted(folder.parent.glob("*"), key=lambda one: one.stat().st_mtime)
            for oldest in others[: max(0, len(others) - _QUESTIONS + 1)]:
                shutil.rmtree(oldest, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        return folder


def _grouped(files: Sequence[str]) -> list[Sequence[str]]:
    """Files in their order in groups of powers of ten, the largest that are whole first."""
    size = 1
    while size * _JOINED <= len(files):
        size *= _JOINED
    found: list[Sequence[str]] = []
    rest = files
    while rest:
        while size > len(rest):
            size //= _JOINED
        found.append(rest[:size])
        rest = rest[size:]
    return found


def _state(files: Sequence[str], stats: Mapping[str, os.stat_result]) -> str:
    """What tells these files from others, and from themselves after a change."""
    told = " ".join(
        f"{os.path.basename(file)} {stats[file].st_size} {stats[file].st_mtime_ns}"  # noqa: PTH119
        for file in files
    )
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _table(folder: Path, known: Mapping[str, Path], state: str, make: Callable[[Path], None]) -> Path:
    """The table of a state; made where there is none that is whole."""
    table = known.get(state)
    if table is not None and table.exists():
        if table == _place(folder, state, table):
            return table
        table.unlink(missing_ok=True)
    part = folder / f"part-{os.urandom(8).hex()}"
    try:
        make(part)
        return part.replace(_place(folder, state, part))
    finally:
        part.unlink(missing_ok=True)


def _place(folder: Path, state: str, table: Path) -> Path:
    """Where a table of this content belongs."""
    whole = hashlib.sha256(f"{folder.name} {state} ".encode() + table.read_bytes())
    return folder / f"{state}-{whole.hexdigest()[:32]}.parquet"


class Remembering(Protocol):
    """Something with a memory: a store, or what rests on one."""

    @property
    def memory(self) -> Memory:
        """Answers that were given."""


R = TypeVar("R", bound=Remembering)


def remembered(
    room: int,
) -> Callable[[Callable[Concatenate[R, P], T]], Callable[Concatenate[R, P], T]]:
    """Let a question answer from memory what it was asked before, at the same head and on the same day."""

    def of(question: Callable[Concatenate[R, P], T]) -> Callable[Concatenate[R, P], T]:
        kind = f"{question.__module__}.{question.__qualname__}"

        @wraps(question)
        def recall(asked: R, /, *args: P.args, **params: P.kwargs) -> T:
            key = (*map(_rests_on, args), *sorted((name, _rests_on(value)) for name, value in params.items()))
            return asked.memory.recall(kind, key, lambda: question(asked, *args, **params), room=room)

        return recall

    return of


def _rests_on(value: object) -> Hashable:
    return (value.seq, value.day) if isinstance(value, Moment) else value


Part = tuple[str, str]
"""A fact table, and the initiative whose facts are meant; '' in a table whose facts belong to none."""
Facts = tuple[Recorded, ...]
_MOST_PARTS = 16_384
_UNKNOWN = -1


class KeptFacts:
    """What was read of an open store, by part, each with the entry up to which it is whole.

    A store tells it what grows before that is committed. So a part that was read up to an entry still holds
    at a later one if all entries between them are known, and none of them is of this part. Another writer
    on the same database is noticed by the gap in the entries.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._parts: OrderedDict[Part, tuple[int, Facts]] = OrderedDict()
        self._grown: dict[Part, int] = {}
        self._known_after = self._known_to = self._settled = _UNKNOWN

    def grows(self, parts: Iterable[Part], before: int, seq: int) -> None:
        """Note what the entries after `before`, up to `seq`, belong to; called before they are committed."""
        with self._lock:
            if before != self._known_to:
                self._known_after = before
                self._grown.clear()
            self._known_to = seq
            self._grown |= dict.fromkeys(parts, seq)

    def settle(self, seq: int) -> None:
        """Note that the entries up to `seq` are committed."""
        with self._lock:
            self._settled = max(self._settled, seq)

    def forget_growth(self) -> None:
        """Note that what was announced last has not come about."""
        with self._lock:
            self._known_after = self._known_to = _UNKNOWN
            self._grown.clear()

    def is_settled(self, seq: int) -> bool:
        """Whether the entries up to `seq` are known to be there."""
        with self._lock:
            return seq <= self._settled

    def find(self, part: Part, seq: int) -> Facts | None:
        """The facts of a part up to an entry; None if they have to be read."""
        with self._lock:
            whole_to, facts = self._parts.get(part, (_UNKNOWN, ()))
            if seq > whole_to and not self._unchanged(part, whole_to, seq):
                return None
            self._parts.move_to_end(part)
        return facts[: bisect_right(facts, seq, key=attrgetter("seq"))]

    def keep(self, part: Part, whole_to: int, facts: Facts) -> None:
        """Keep the facts of a part, in the order of the record; those least asked for go first."""
        with self._lock:
            if self._parts.get(part, (_UNKNOWN, ()))[0] < whole_to:
                self._parts[part] = (whole_to, facts)
            if len(self._parts) > _MOST_PARTS:
                self._parts.popitem(last=False)

    def _unchanged(self, part: Part, whole_to: int, seq: int) -> bool:
        known = self._known_after <= whole_to != _UNKNOWN and seq <= self._known_to
        return known and self._grown.get(part, _UNKNOWN) <= whole_to
