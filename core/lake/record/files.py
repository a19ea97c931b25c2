"""Files of the store: evidence by content, prediction batches; written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from core.domain.errors import BadInput, BrokenRecord, NotFound
from core.lake.store import Store


class StoredFile(NamedTuple):
    """A file in the store: path below the store's folder, digest, size in bytes."""

    path: str
    sha256: str
    size: int


def keep_content(store: Store, content: bytes, folder: str = "evidence", ending: str = "") -> StoredFile:
    """Keep content under its own digest; the same content twice is one file."""
    sha256 = hashlib.sha256(content).hexdigest()
    path = f"{folder}/{sha256}{ending}"
    target = store.folder / path
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    return StoredFile(path, sha256, len(content))


def digest_of(file: Path) -> str:
    """The sha256 of a file's content."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def keep_batch(store: Store, source: Path, initiative: str, version: str, part: str) -> StoredFile:
    """Copy a Parquet batch under its model version, named by its digest."""
    sha256 = digest_of(source)
    path = f"predictions/{initiative}/version={version}/{part}-{sha256[:16]}.parquet"
    return _copied(store, source, path, sha256)


def keep_file(store: Store, source: Path, folder: str, ending: str = "") -> StoredFile:
    """Copy a file into a folder of the store, named by its digest; the same content twice is one file."""
    sha256 = digest_of(source)
    return _copied(store, source, f"{folder}/{sha256}{ending}", sha256)


def _copied(store: Store, source: Path, path: str, sha256: str) -> StoredFile:
    target = store.folder / path
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".part")
        shutil.copyfile(source, partial)
        partial.replace(target)
    return StoredFile(path, sha256, target.stat().st_size)


_DIGEST = re.compile(r"[0-9a-f]{64}")


def read_evidence(store: Store, sha256: str) -> bytes:
    """Read an evidence file.

    Raises
    ------
    BadInput
        The digest is none: it would be a path into somewhere else.
    NotFound
        The store does not hold the file any more.
    BrokenRecord
        The content is not what was submitted.
    """
    if not _DIGEST.fullmatch(sha256):
        raise BadInput(f"'{sha256[:70]}' is no digest", remedy="Give 64 hexadecimal digits.")
    path = store.folder / "evidence" / sha256
    if not path.is_file():
        raise NotFound(
            "the store does not hold this file any more",
            where=sha256[:16],
            remedy="Restore it from a backup.",
        )
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BrokenRecord(
            "the file is not what was submitted", where=sha256[:16], remedy="Restore it from a backup."
        )
    return content
