"""The key that checkpoints and packs are signed with: from the settings, or from a file beside the record."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.errors import BadInput

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_FILE = "signing.key"
_SEED = re.compile(r"[0-9a-f]{64}")


class SigningKey:
    """An Ed25519 key. Its private half is never shown: printing the object does not give it away."""

    def __init__(self, seed: str) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._private: Ed25519PrivateKey = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))

    @property
    def public(self) -> str:
        """The public half, in hexadecimal digits."""
        return self._private.public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> str:
        """Sign a message; the signature in hexadecimal digits."""
        return self._private.sign(message).hex()


def read_signing_key(folder: Path, given: str = "") -> SigningKey:
    """The key of the settings, else that of the store's folder, which is made on first use.

    Raises
    ------
    BadInput
        The file holds no key, or others than its owner may read it.
    """
    if given:
        return SigningKey(given)
    path = folder / KEY_FILE
    if not path.exists():
        _make(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise BadInput(
            "the signing key can be read by others", where=str(path), remedy=f"Run 'chmod 600 {path}'."
        )
    seed = path.read_text(encoding="ascii", errors="replace").strip()
    if not _SEED.fullmatch(seed):
        raise BadInput(
            "the file holds no signing key",
            where=str(path),
            remedy="Restore it from a backup, or move it away: a new key is made and put on record.",
        )
    return SigningKey(seed)


def signature_valid(public_key: str, message: bytes, signature: str) -> bool:
    """Whether a signature over a message was made with the key whose public half is given."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{KEY_FILE}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)  # never over a key that somebody else has just made
    except FileExistsError as error:
        if not path.exists():
            raise BadInput(
                "the signing key is a link that leads nowhere",
                where=str(path),
                remedy="Restore what it leads to, or remove the link: a new key is made and put on record.",
            ) from error
    finally:
        part.unlink()
