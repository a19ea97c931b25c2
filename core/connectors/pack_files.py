"""Writing an audit pack: files, a manifest with their digests, the signature over it; or all in one zip."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.connectors import pack_verifier
from core.connectors.signing_key import SigningKey
from core.domain.chain import canonical
from core.domain.errors import BadInput

VERIFIER = "verify.py"
MOST_ZIP_BYTES = 4 * 1000**3
_START = """

# What follows runs when this file is started. The second check does not lean on the first, so that a change
# to this very file shows too.
said = [
    started(sys.argv[1:], Path(__file__).resolve().parent)
]
own = [
    own_digest(Path(__file__).resolve())
]
if [*said, *own] != ["verified", "unchanged"]:
    raise SystemExit("WRONG this file does not do what it should.")
"""


def verifier_program() -> bytes:
    """The verifier as a file that runs by itself."""
    source = Path(pack_verifier.__file__).read_text(encoding="utf-8")
    return (source.rstrip("\n") + "\n" + _START).encode("utf-8")


def write_pack(
    folder: Path, files: Mapping[str, bytes | Path], facts: Mapping[str, Any], key: SigningKey
) -> tuple[str, int]:
    """Write a pack into a new folder and sign it.

    Parameters
    ----------
    folder
        Where to; it must not be there yet.
    files
        Name in the pack -> its content, or a file to copy.
    facts
        What the manifest says beside the digests of the files.

    Returns
    -------
    tuple
        Sha256 of the manifest, and the bytes of all files.
    """
    folder.mkdir(parents=True)
    listed: dict[str, dict[str, Any]] = {}
    for name, content in {**files, VERIFIER: verifier_program()}.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, target)
        else:
            target.write_bytes(content)
        with target.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        listed[name] = {"sha256": sha256, "bytes": target.stat().st_size}
    manifest = canonical({**facts, "files": listed}).encode("utf-8")
    signature = key.sign(pack_verifier.SIGNED_MANIFEST + manifest)
    (folder / pack_verifier.MANIFEST).write_bytes(manifest)
    (folder / pack_verifier.SIGNATURE).write_text(f"ed25519 {key.public} {signature}\n", encoding="ascii")
    size = sum(item.stat().st_size for item in folder.rglob("*") if item.is_file())
    return hashlib.sha256(manifest).hexdigest(), size


def zip_pack(folder: Path, target: Path) -> None:
    """Write a pack's folder as one zip file, in which every byte counts.

    Raises
    ------
    BadInput
        It is larger than a plain zip file may be.
    """
    names = sorted(item.relative_to(folder).as_posix() for item in folder.rglob("*") if item.is_file())
    if sum((folder / name).stat().st_size for name in names) > MOST_ZIP_BYTES:
        raise BadInput("the pack is too large for a zip file", remedy="Take it as a folder.")
    with target.open("xb") as file:
        for part in pack_verifier.zip_parts(folder.name, _contents(folder, names)):
            file.write(part)


def check_pack(path: Path, key: str = "") -> list[str]:
    """Verify a pack, in a folder or zip file, with the verifier that every pack carries.

    Raises
    ------
    pack_verifier.Wrong
        The first thing that is wrong.
    """
    try:
        return pack_verifier.verify_pack(path, key)
    except pack_verifier.Wrong:
        raise
    except Exception as error:
        raise pack_verifier.Wrong(f"the pack cannot be read ({type(error).__name__})") from error


def _contents(folder: Path, names: list[str]) -> Iterator[tuple[str, bytes]]:
    for name in names:
        yield name, (folder / name).read_bytes()
