"""Reading evidence back: by its digest, and only if the content still has it."""

from __future__ import annotations

import hashlib
import re

from core.domain.errors import BadInput, BrokenRecord, NotFound
from core.lake.store import Store

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
