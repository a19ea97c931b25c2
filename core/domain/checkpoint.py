"""A signed statement of how far the record had come; who keeps one sees later whether anything is gone."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from core.domain.chain import canonical
from core.domain.moment import require_utc

SIGNED = b"governance record, checkpoint\n"
"""What a signed statement starts with, so that no signature over something else passes for one."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Checkpoint(BaseModel):
    """The record of a store at one entry, signed.

    Attributes
    ----------
    store
        Digest of the store's first entry: it names the store.
    seq, digest
        The last entry at the time, and its digest, which binds all entries before it.
    at
        When it was signed (UTC).
    public_key, signature
        Ed25519 (RFC 8032), in hexadecimal digits; the key's private half is not in the record.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: Digest
    seq: Annotated[int, Field(ge=1)]
    digest: Digest
    at: Annotated[datetime, AfterValidator(require_utc)]
    public_key: Digest
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]

    @property
    def signed(self) -> bytes:
        """The bytes that the signature is over."""
        return signed_statement(self.store, self.seq, self.digest, self.at)

    def as_json(self) -> dict[str, Any]:
        """Plain values, in which the time is written as it was signed."""
        return {**self.model_dump(), "at": canonical(self.at).strip('"')}


def signed_statement(store: str, seq: int, digest: str, at: datetime) -> bytes:
    """The bytes that a checkpoint signs."""
    return SIGNED + canonical({"store": store, "seq": seq, "digest": digest, "at": at}).encode()


def key_id(public_key: str) -> str:
    """Short name of a public key (hexadecimal digits): the first half of its sha256.

    Examples
    --------
    >>> key_id("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    '21fe31dfa154a261626bf854046fd227'
    """
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:32]
