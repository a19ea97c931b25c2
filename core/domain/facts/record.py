"""Facts of the record itself: its founding, its people, and what left the house."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from core.domain.facts.recorded import OfInitiative, Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCreated(Recorded):
    """The first entry of a store."""

    table = "store_created"
    subject = "store"
    key = ()

    store: str
    demo: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership(Recorded):
    """Team and roles that somebody was given from then on; None leaves them as the directory has them.

    `has_left` is said of who leaves, and which `heir` has their work. `name_sha256` holds name and title,
    which stand beside the record with a salt: where both are forgotten it is a digest of nothing that can be
    guessed. Empty is the one of before. `forgotten` is the number that stands in the place of a name.
    """

    table = "membership"
    subject = "{person}"
    key = ("person",)

    person: str
    team: str | None = None
    roles: tuple[str, ...] | None = None
    has_left: bool = False
    name_sha256: str = ""
    heir: str = ""
    reason: str = ""
    forgotten: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deputy(Recorded):
    """Who acts for a person on what they own, from a day through another; the newest of a pair holds."""

    table = "deputy"
    subject = "{person}"
    key = ("person", "deputy")

    person: str
    deputy: str
    since: date
    until: date
    reason: str

    def holds_on(self, day: date) -> bool:
        """Whether the deputy acts for the person on a day."""
        return self.since <= day <= self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Login(Recorded):
    """Whose login at the identity provider somebody's is, and which of their logins was read last.

    `login` is the sha256 of issuer and subject: enough to know it again.
    """

    table = "login"
    subject = "{person}"
    key = ("person",)

    person: str
    login: str
    issued_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Logout(Recorded):
    """Logins of somebody that were issued up to a moment count no more."""

    table = "logout"
    subject = "{person}"
    key = ("person",)

    person: str
    issued_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Token(Recorded):
    """A token by name: who acts with it, what for, until when; of its secret only the sha256."""

    table = "token"
    subject = "token-{token}"
    key = ("token",)

    token: str
    state: Literal["issued", "revoked"] = "issued"
    person: str
    sha256: str
    operations: tuple[str, ...]
    initiatives: tuple[str, ...]
    expires_at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey(Recorded):
    """Public half of a key that checkpoints and audit packs are signed with.

    `signature`: that of the key `replaces`, whose place it takes, over `core.domain.chain.key_statement`.
    """

    table = "signing_key"
    subject = "signing-key-{key_id}"
    key = ("key_id",)

    key_id: str
    public_key: str
    replaces: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSigned(Recorded):
    """That the record was signed up to an entry, and to which kinds of place that went."""

    table = "checkpoint"
    subject = "checkpoint"
    key = ()

    signed_seq: int
    digest: str
    key_id: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePurged(OfInitiative):
    """An evidence file that was forgotten on purpose."""

    table = "evidence_purged"
    key = ("initiative", "sha256")

    sha256: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPack(Recorded):
    """A pack that left the house; `initiative` None is all of them."""

    table = "audit_pack"
    subject = "audit-pack"

    initiative: str | None = None
    as_of_seq: int
    manifest_sha256: str
    files: int
    bytes: int
