"""Verify an audit pack. Bare Python 3.11 is enough: `python3 -I verify.py`; nothing is installed or fetched.

With a path it verifies that folder or zip file instead of the folder in which it lies, and with
`--key KEY` it demands that the pack was signed with this key: ask the organisation for it by another way
than the one by which the pack came. It prints what is verified, and exits with 0; or it names the first
thing that is wrong, and exits with 1.

What it proves: no byte of the pack has changed since it was signed; the record's chain leads without a gap
from its first entry to the one of the signed checkpoint; every entry that the pack shows in full stands at
its place in that chain with the content that was recorded; the evidence files are those submitted.
What it cannot prove: that the one who holds the signing key told the truth when the record was written.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import re
import struct
import sys
import zipfile
from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

MANIFEST, SIGNATURE, CHECKPOINT = "manifest.json", "manifest.sig", "checkpoint.json"
CHAIN, ENTRIES = "record/chain.txt", "record/entries.jsonl"
SIGNED_MANIFEST = b"governance audit pack, manifest\n"
SIGNED_CHECKPOINT = b"governance record, checkpoint\n"
GENESIS = "0" * 64


class Wrong(Exception):
    """The first thing that is not what it should be."""


# Ed25519 after RFC 8032, section 5.1: verification only, so nothing here handles a secret.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def _add(a: Point, b: Point) -> Point:
    low, high = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    cross, both = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = high - low, both - cross, both + cross, high + low
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(factor: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            total = _add(total, point)
        point = _add(point, point)
        factor >>= 1
    return total


def _point(data: bytes) -> Point:
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if len(data) != 32 or y >= P:
        raise ValueError("no point of the curve")
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        raise ValueError("no point of the curve")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = _point(bytes.fromhex("58" + "66" * 31))


def ed25519_valid(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) over `message` was made with the key whose public half is given."""
    try:
        key, commitment = _point(public_key), _point(signature[:32])
    except ValueError:
        return False
    answer = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or answer >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    left = _times(answer, BASE)
    right = _add(commitment, _times(int.from_bytes(digest, "little") % ORDER, key))
    return not (
        (left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P
    )


def key_id(public_key: str) -> str:
    """Short name of a public key (hexadecimal digits): the first half of its sha256."""
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:32]


def canonical(value: object) -> str:
    """The one encoding that digests are made of: JSON, keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256(text: str) -> str:
    """Sha256 of a text in UTF-8, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def zip_parts(folder: str, files: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """A zip file, piece by piece: stored, without times, so that the same files give the same bytes."""
    directory, place, count = b"", 0, 0
    for name, data in files:
        path = f"{folder}/{name}".encode()
        facts = struct.pack(
            "<HHHHHIIIHH", 20, 0x800, 0, 0, 33, binascii.crc32(data), len(data), len(data), len(path), 0
        )
        local = b"PK\x03\x04" + facts + path
        directory += b"PK\x01\x02" + b"\x14\x03" + facts
        directory += struct.pack("<HHHII", 0, 0, 0, 0o100644 << 16, place) + path
        yield local
        yield data
        place, count = place + len(local) + len(data), count + 1
    yield directory
    yield b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), place, 0)


class Pack:
    """The files of a pack, in a folder or in a zip file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.archive = None if path.is_dir() else zipfile.ZipFile(path)
        if self.archive is None:
            found = (item for item in path.rglob("*") if item.is_symlink() or not item.is_dir())
            self.names = sorted(item.relative_to(path).as_posix() for item in found)
            self.folder = ""
            return
        listed = self.archive.namelist()
        self.folder = listed[0].split("/")[0]
        self.names = [name.removeprefix(f"{self.folder}/") for name in listed]

    def read(self, name: str) -> bytes:
        """Content of a file."""
        if name not in self.names:
            raise Wrong(f"{name} is missing")
        if self.archive is not None:
            return self.archive.read(f"{self.folder}/{name}")
        file = self.path / name
        if file.is_symlink():
            raise Wrong(f"{name} is a link to somewhere else")
        return file.read_bytes()

    def check_archive(self) -> None:
        """Refuse a zip file that differs in any byte from the one that was written."""
        if self.archive is None:
            return
        with self.path.open("rb") as file:
            for part in zip_parts(self.folder, ((name, self.read(name)) for name in self.names)):
                if file.read(len(part)) != part:
                    raise Wrong("the zip file is not as it was written")
            if file.read(1):
                raise Wrong("something was added to the end of the zip file")


def verify_pack(path: Path, wanted_key: str = "") -> list[str]:
    """Verify the pack at `path`; returns sentences on what was verified.

    Raises
    ------
    Wrong
        The first thing that is wrong.
    """
    pack = Pack(path)
    manifest, public_key = _check_manifest(pack, wanted_key)
    entries, links = _check_chain(pack, manifest)
    return [
        f"The manifest is signed with key {key_id(public_key)}; compare it with what the organisation says.",
        _check_files(pack, manifest),
        _check_checkpoint(pack, manifest, public_key),
        f"The chain leads without a gap from the first entry to entry {manifest['seq']:,}.",
        _check_entries(entries, links),
        _check_evidence(manifest, entries),
    ]


def _check_manifest(pack: Pack, wanted_key: str) -> tuple[dict[str, Any], str]:
    manifest, line = pack.read(MANIFEST), pack.read(SIGNATURE)
    found = re.fullmatch(rb"ed25519 ([0-9a-f]{64}) ([0-9a-f]{128})\n", line)
    if not found:
        raise Wrong(f"{SIGNATURE} is no signature")
    public_key, signature = (bytes.fromhex(part.decode()) for part in found.groups())
    if not ed25519_valid(public_key, SIGNED_MANIFEST + manifest, signature):
        raise Wrong(f"{MANIFEST} is not what was signed")
    if wanted_key and wanted_key.lower() not in (public_key.hex(), key_id(public_key.hex())):
        raise Wrong(f"the pack was signed with key {key_id(public_key.hex())}, not with the one you named")
    return json.loads(manifest), public_key.hex()


def _check_files(pack: Pack, manifest: dict[str, Any]) -> str:
    for name, known in manifest["files"].items():
        data = pack.read(name)
        if hashlib.sha256(data).hexdigest() != known["sha256"] or len(data) != known["bytes"]:
            raise Wrong(f"{name} is not the file that was packed")
    added = [
        name for name in pack.names if name not in manifest["files"] and name not in (MANIFEST, SIGNATURE)
    ]
    if added:
        raise Wrong(f"{added[0]} was added to the pack")
    pack.check_archive()
    return f"All {len(manifest['files']):,} files are those that were packed, and none was added."


def _check_checkpoint(pack: Pack, manifest: dict[str, Any], public_key: str) -> str:
    given = json.loads(pack.read(CHECKPOINT))
    statement = {name: given[name] for name in ("store", "seq", "digest", "at")}
    signed = SIGNED_CHECKPOINT + canonical(statement).encode()
    if given["public_key"] != public_key:
        raise Wrong(f"{CHECKPOINT} was signed with another key than the manifest")
    if not ed25519_valid(bytes.fromhex(public_key), signed, bytes.fromhex(given["signature"])):
        raise Wrong(f"{CHECKPOINT} is not what was signed")
    if [given[name] for name in ("store", "seq", "digest")] != [
        manifest[name] for name in ("store", "seq", "digest")
    ]:
        raise Wrong(f"{CHECKPOINT} speaks of another record than the manifest")
    return f"The checkpoint of {given['at']} vouches for the record up to entry {given['seq']:,}."


def _check_chain(
    pack: Pack, manifest: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[tuple[str, str, str]]]:
    """The entries shown in full, and for each entry (kind, digest given, digest before it)."""
    links, previous = [], GENESIS
    for place, line in enumerate(pack.read(CHAIN).decode().splitlines(), 1):
        seq, kind, digest = line.split(" ")
        if int(seq) != place:
            raise Wrong(f"entry {place} is missing in {CHAIN}")
        links.append((kind, digest, previous))
        previous = sha256(canonical([previous, digest])) if kind == "header" else digest
        if place == 1 and previous != manifest["store"]:
            raise Wrong("the first entry is not that of the store in the manifest")
    if len(links) != manifest["seq"] or previous != manifest["digest"]:
        raise Wrong(f"the chain does not lead to entry {manifest['seq']:,} of the manifest")
    return [json.loads(line) for line in pack.read(ENTRIES).decode().splitlines()], links


def _check_entries(entries: list[dict[str, Any]], links: list[tuple[str, str, str]]) -> str:
    partly = 0
    for entry in entries:
        seq = entry["seq"]
        kind, digest, previous = links[seq - 1]
        names = ("seq", "recorded_at", "actor", "action", "subject", "content_digest", "credential")
        header = [entry[name] for name in names if name in entry]
        if sha256(canonical(header if kind == "header" else [previous, *header])) != digest:
            raise Wrong(f"entry {seq} is not the one in the chain")
        rows = sorted(canonical(row) for row in entry["rows"])
        if entry["partly"]:
            partly += 1
        elif sha256(canonical([entry["table"], rows])) != entry["content_digest"]:
            raise Wrong(f"what entry {seq} recorded is not what the pack shows")
    said = f"{len(entries):,} entries are shown in full, and each stands at its place in the chain"
    sealed = sum(kind != "header" for kind, _, _ in links)
    also = f"; {partly:,} of them hold rows of others, left out" if partly else ""
    older = f"; {sealed:,} older links are vouched for by the signature alone" if sealed else ""
    return f"{said}{also}{older}."


def _check_evidence(manifest: dict[str, Any], entries: list[dict[str, Any]]) -> str:
    packed = {known["sha256"] for name, known in manifest["files"].items() if name.startswith("evidence/")}
    rows = [row for entry in entries if entry["table"] == "evidence" for row in entry["rows"]]
    named = map(itemgetter("sha256", "file_name"), rows)
    wanted = {digest for digest, name in named if name is not None}
    absent = wanted - packed - set(manifest["not_held"])
    if absent:
        raise Wrong(f"the evidence file {min(absent)[:16]} is missing")
    if packed - wanted:
        raise Wrong(f"no entry speaks of the evidence file {min(packed - wanted)[:16]}")
    left = f"; {len(manifest['not_held']):,} were forgotten on purpose" if manifest["not_held"] else ""
    return f"{len(packed):,} evidence files are those that were submitted{left}."


def started(arguments: list[str], own_folder: Path) -> str:
    """Verify what the arguments name, and say so; leave with exit code 1 at the first wrong thing."""
    rest = list(arguments)
    wanted = ""
    if "--key" in rest:
        place = rest.index("--key")
        wanted = "".join(rest[place + 1 : place + 2])
        del rest[place : place + 2]
    try:
        for sentence in verify_pack(Path(rest[0]) if rest else own_folder, wanted):
            sys.stdout.write(f"ok    {sentence}\n")
    except Wrong as problem:
        raise SystemExit(f"WRONG {problem}.") from None
    except Exception as error:
        raise SystemExit(f"WRONG the pack cannot be read: {type(error).__name__}: {error}.") from None
    sys.stdout.write("The pack is whole.\n")
    return "verified"


def own_digest(program: Path) -> str:
    """Hold this very file against the manifest beside it, apart from everything above."""
    beside = program.parent / "manifest.json"
    if not beside.exists():  # a copy that was put elsewhere, to verify other packs with
        return "unchanged"
    manifest = json.loads(beside.read_bytes())
    if hashlib.sha256(program.read_bytes()).hexdigest() == manifest["files"][program.name]["sha256"]:
        return "unchanged"
    raise SystemExit(f"WRONG {program.name} is not the file that was packed.")
