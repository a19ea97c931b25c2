"""Files on their way in: whoever asks lays a copy below the store, and whoever holds the store fetches it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from core.domain.errors import BadInput, NotFound, unreadable

INCOMING = "incoming"
"""Folder below the store; once made it stays, for another may be about to lay a file there."""


@contextmanager
def laid(store: Path, file: Path) -> Iterator[str]:
    """The name under which a copy of a file lies there while the block runs.

    Each copy has a name of its own, so that what is fetched by one name is always the same bytes.

    Raises
    ------
    BadInput
        The file cannot be read.
    """
    copy = store / INCOMING / f"{uuid4().hex}{file.suffix.lower()[:10]}"
    try:
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        except OSError as error:
            raise unreadable(str(file), error) from error
        yield copy.name
    finally:
        copy.unlink(missing_ok=True)


def fetched(store: Path, name: str) -> Path:
    """A file that somebody laid there.

    Raises
    ------
    BadInput, NotFound
        It is named by more than a file name; it does not lie there.
    """
    if Path(name).name != name or name in ("", ".", ".."):
        raise BadInput("a file is named by its file name alone", where=INCOMING)
    file = store / INCOMING / name
    if not file.is_file():
        raise NotFound(f"'{name[:80]}' does not lie there", where=INCOMING, remedy="Send it again.")
    return file
