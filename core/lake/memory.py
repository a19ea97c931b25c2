"""The one memory: the same head, the same day, the same answer. Nothing in it runs out, and nothing is stale.

Three kinds of truth are remembered elsewhere. Facts hold beyond the head they were read at, while nothing
of their kind is recorded: `core.lake.kept`. What is in a file holds at every head: `known_of`. What follows
from a text or a policy alone is cached by the function that works it out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from threading import Lock
from typing import Concatenate, ParamSpec, Protocol, TypeVar, cast

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
        @wraps(question)
        def recall(asked: R, /, *args: P.args, **params: P.kwargs) -> T:
            key = (*map(_rests_on, args), *sorted((name, _rests_on(value)) for name, value in params.items()))
            name = f"{question.__module__}.{question.__qualname__}"
            return asked.memory.recall(name, key, lambda: question(asked, *args, **params), room=room)

        return recall

    return of


def _rests_on(value: object) -> Hashable:
    return (value.seq, value.day) if isinstance(value, Moment) else value
