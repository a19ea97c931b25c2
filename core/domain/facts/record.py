"""Facts of the record itself: its founding, its people, and what left the house."""

from __future__ import annotations

from dataclasses import dataclass

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
    """Team and roles that somebody was given; None leaves them as the directory has them."""

    table = "membership"
    subject = "{person}"
    key = ("person",)

    person: str
    team: str | None = None
    roles: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey(Recorded):
    """Public half of a key that checkpoints and audit packs are signed with."""

    table = "signing_key"
    subject = "signing-key-{key_id}"
    key = ("key_id",)

    key_id: str
    public_key: str


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
