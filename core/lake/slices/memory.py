"""What was found in prediction files, kept while they do not change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from threading import Lock
from typing import TypeVar, cast

_Found = TypeVar("_Found")


class Memory:
    """What was found in files that have not changed since; batches never change, so it stays true."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._kept: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = Lock()

    def recall(self, key: tuple[Hashable, ...], work_out: Callable[[], _Found]) -> _Found:
        """Give what is known under a key, or work it out; a key with a None in it is never kept."""
        if None in key:  # files that cannot be told apart by time and size
            return work_out()
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return cast(_Found, self._kept[key])
        found = work_out()
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > self._room:
                self._kept.popitem(last=False)
        return found


KNOWN = Memory(room=4096)


def signature(paths: Sequence[str | Path]) -> Hashable:
    """Which files these are, and in which state; None where the file system does not say."""
    try:
        stats = [(str(path), Path(path).stat()) for path in paths]
    except OSError:
        return None
    return tuple((path, stat.st_mtime_ns, stat.st_size, stat.st_ino) for path, stat in stats)
